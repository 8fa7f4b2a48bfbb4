use serde_json::{Value, json};

use super::super::usage_record::Format;
use super::*;

fn definitions(rows: &[(&[&str], Value)]) -> Definitions {
    Definitions::new(rows.iter().map(|(place, row)| (key(place), row.to_string().into_boxed_str())), 1)
}

/// Two plans and two keys. What `k2` has used of `p` was counted before stages were; a stage of `k1` has gone.
fn example() -> Definitions {
    let stages = json!({"b/prod": {"2026-11-26": 2}, "a/test": {"2026-11-25": 1, "2026-11-26": 3, "2026-11-27": 0}});
    definitions(&[
        (&["apikeys", "k1"], json!({"id": "k1", "name": "ada, \"countess\"", "value": "the-secret-of-k1"})),
        (&["apikeys", "k2"], json!({"id": "k2", "value": "the-secret-of-k2"})),
        (&["restapis", "a"], json!({"id": "a", "name": "=pets"})),
        (&["usageplans", "p"], json!({"id": "p", "name": "free"})),
        (&["usageplans", "q"], json!({"id": "q", "name": "gold"})),
        (&["usage", "p", "k1"], json!({"days": {"2026-11-25": 1, "2026-11-26": 6}, "stages": stages})),
        (&["usage", "p", "k2"], json!({"days": {"2026-11-26": 9}, "taken": 9, "period": 4})),
        (&["usage", "q", "k1"], json!({"days": {"2026-11-27": 4}, "stages": {"a/test": {"2026-11-27": 4}}})),
        (&["usage", "q", "k2"], json!({"remaining": 4, "since": "2026-11-27"})),
    ])
}

fn wanted(query: &str) -> Result<Wanted, AwsError> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned()));
    Wanted::parse(&pairs.collect::<Vec<_>>())
}

/// The whole export, and of how many pages.
fn export(definitions: &Definitions, query: &str) -> Result<(String, usize), String> {
    let wanted = Arc::new(wanted(query).map_err(|error| error.message)?);
    let first = page(definitions, &wanted, None).map_err(|error| error.message)?;
    let (definitions, asked) = (definitions.clone(), Arc::clone(&wanted));
    let (count, pages) = std::sync::mpsc::channel();
    let body = async move {
        let body = body(wanted, first, move |after| {
            count.send(()).ok()?;
            page(&definitions, &asked, Some(&after)).ok()
        });
        axum::body::to_bytes(axum::body::Body::from_stream(body), usize::MAX).await
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let bytes = runtime.block_on(body).map_err(|error| error.to_string())?;
    Ok((String::from_utf8(bytes.to_vec()).expect("text"), 1 + pages.iter().count()))
}

#[track_caller]
fn check(query: &str, expected: Result<&[&str], &str>) {
    let found = export(&example(), query).map(|(text, _)| text);
    let head = "plan,plan_name,key,key_name,api,api_name,stage,day,requests";
    let expected = expected.map(|lines| [&[head], lines].concat().join("\r\n") + "\r\n");
    assert_eq!(found, expected.map_err(str::to_owned), "{query}");
}

const P_K1_TEST_25: &str = r#"p,free,k1,"ada, ""countess""",a,=pets,test,2026-11-25,1"#;
/// Of the sum of that day one request is of no stage.
const P_K1_26: [&str; 3] = [
    r#"p,free,k1,"ada, ""countess""",,,,2026-11-26,1"#,
    r#"p,free,k1,"ada, ""countess""",a,=pets,test,2026-11-26,3"#,
    r#"p,free,k1,"ada, ""countess""",b,,prod,2026-11-26,2"#,
];
const P_K2: &str = "p,free,k2,,,,,2026-11-26,9";
const Q_K1: &str = r#"q,gold,k1,"ada, ""countess""",a,=pets,test,2026-11-27,4"#;

#[test]
fn what_is_asked_for_is_there_once_and_in_order() {
    let [rest, test, prod] = P_K1_26;
    check("", Ok(&[rest, P_K1_TEST_25, test, prod, P_K2, Q_K1]));
    check("format=csv&from=2026-11-26", Ok(&[rest, test, prod, P_K2, Q_K1]));
    check("to=2026-11-25", Ok(&[P_K1_TEST_25]));
    check("from=2026-11-26&to=2026-11-26&plan=p&key=k1", Ok(&P_K1_26));
    check("plan=p&key=k2", Ok(&[P_K2]));
    check("key=k1&from=2026-11-27", Ok(&[Q_K1]));
    check("plan=q&key=k2", Ok(&[]));
    check("from=2027-01-01", Ok(&[]));
}

#[test]
fn what_is_not_known_is_refused() {
    check("plan=r", Err("Invalid Usage Plan ID specified"));
    check("plan=", Err("Invalid Usage Plan ID specified"));
    check("key=k", Err("Invalid API Key identifier specified"));
    check("format=xml", Err("Invalid format specified. Valid options are csv, json"));
    check("from=yesterday", Err("Invalid from specified. Must be of the form YYYY-MM-DD"));
    check("to=2026-11-31", Err("Invalid to specified. Must be of the form YYYY-MM-DD"));
    check("to=2026-11-30T00:00", Err("Invalid to specified. Must be of the form YYYY-MM-DD"));
    check("from=2026-11-02&to=2026-11-01", Err("Invalid usage date range specified: to is before from"));
    check("form=2026-11-02", Err("Unknown query parameter 'form' specified"));
}

#[test]
fn json_is_a_list_whatever_is_in_it() {
    let read = |query: &str| -> Value {
        let (text, _) = export(&example(), query).expect("an export");
        assert!(text.ends_with("]\n") && !text.contains("secret"), "{text}");
        serde_json::from_str(&text).expect("JSON")
    };
    assert_eq!(read("format=json&from=2027-01-01"), json!([]));
    let expected = json!([{"plan": "q", "plan_name": "gold", "key": "k1", "key_name": "ada, \"countess\"", "api": "a",
        "api_name": "=pets", "stage": "test", "day": "2026-11-27", "requests": 4}]);
    assert_eq!(read("format=json&plan=q"), expected);
    assert_eq!(read("format=json").as_array().map(Vec::len), Some(6));
}

#[test]
fn pages_leave_nothing_out_and_tell_nothing_twice() {
    let id = |at: usize| format!("k{at:05}");
    let check = |keys: usize, query: &str, lines: usize, pages: usize| {
        let mut rows: Vec<(Key, Box<str>)> = vec![(key(&["apikeys", &id(0)]), "{}".into())];
        let row = r#"{"days":{"2026-11-27":1},"stages":{"a/s":{"2026-11-27":1}}}"#;
        rows.extend((0..keys).map(|at| (key(&["usage", "p", &id(at)]), row.into())));
        let (text, count) = export(&Definitions::new(rows, 1), query).expect("an export");
        let mut found: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!((found.len(), count), (lines, pages), "{keys} {query}");
        assert!(found.is_sorted());
        found.dedup();
        assert_eq!(found.len(), lines, "{keys} {query}");
    };
    const ROWS: usize = USAGE_PAGE_ROWS_MAX;
    check(0, "", 0, 1);
    check(ROWS, "", ROWS, 1);
    check(ROWS + 1, "", ROWS + 1, 2);
    check(3 * ROWS, "", 3 * ROWS, 3);
    check(3 * ROWS, "from=2027-01-01", 0, 3);
    check(USAGE_PAGE_VISITS_MAX + 9, "key=k00000", 1, 2);
}

#[test]
fn an_export_that_is_broken_off_does_not_look_whole() {
    let rows = (0..2 * USAGE_PAGE_ROWS_MAX).map(|at| (key(&["usage", "p", &format!("k{at:05}")]), "{}".into()));
    let definitions = Definitions::new(rows, 1);
    let wanted = Arc::new(Wanted { format: Format::Json, ..Wanted::default() });
    let first = page(&definitions, &wanted, None).expect("a page");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let taken = runtime.block_on(async {
        let body = axum::body::Body::from_stream(body(wanted, first, |_| None));
        axum::body::to_bytes(body, usize::MAX).await
    });
    assert!(taken.is_err());
}
