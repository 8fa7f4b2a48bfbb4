//! What a token claims, read and shown.

use serde_json::{Map, Value};

/// Claims that are moments, and are shown as such.
const MOMENTS: [&str; 3] = ["exp", "iat", "auth_time"];

/// Claims as `$context.authorizer.claims` and the event of a Lambda function show them: every value a text, lists joined
/// with a comma, moments as Java prints a date (security/cognito-and-jwt, recorded).
pub(super) fn claims_for_context(claims: &Map<String, Value>) -> Map<String, Value> {
    let shown = |(name, value): (&String, &Value)| {
        let moment = if MOMENTS.contains(&name.as_str()) { number(value).and_then(date) } else { None };
        let text = moment.unwrap_or_else(|| match value {
            Value::Array(items) => items.iter().map(shown_plainly).collect::<Vec<_>>().join(","),
            value => shown_plainly(value),
        });
        (name.clone(), Value::String(text))
    };
    claims.iter().map(shown).collect()
}

/// A number as a claim has it; RFC 7519 section 2 allows fractions of a second.
pub(super) fn number(value: &Value) -> Option<f64> {
    value.as_f64().filter(|number| number.is_finite())
}

/// One text, or a list of them; what is no text is left out.
pub(super) fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    items.iter().filter_map(Value::as_str)
}

/// The same, each taken apart at its blanks.
pub(super) fn words(value: &Value) -> impl Iterator<Item = &str> {
    texts(value).flat_map(|text| text.split(' ').filter(|word| !word.is_empty()))
}

fn shown_plainly(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// `Thu Mar 21 14:25:36 UTC 2019`: what `java.util.Date` prints.
fn date(unix_seconds: f64) -> Option<String> {
    // Where the number is beyond every calendar it stays a number.
    let moment = jiff::Timestamp::from_second(unix_seconds.floor() as i64).ok()?;
    Some(moment.strftime("%a %b %d %H:%M:%S UTC %Y").to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(name: &str, value: Value, expected: &str) {
        let claims = Map::from_iter([(name.to_owned(), value)]);
        assert_eq!(Value::Object(claims_for_context(&claims)), json!({name: expected}));
    }

    #[test]
    fn every_claim_is_shown_as_a_text() {
        check("exp", json!(1553178336), "Thu Mar 21 14:25:36 UTC 2019");
        check("iat", json!(1551398400.9), "Fri Mar 01 00:00:00 UTC 2019");
        check("auth_time", json!(-1), "Wed Dec 31 23:59:59 UTC 1969");
        check("exp", json!(1e300), "1e+300");
        check("exp", json!("1553178336"), "1553178336");
        check("nbf", json!(1553178336), "1553178336");
        check("cognito:groups", json!(["admin", "users"]), "admin,users");
        check("list", json!([1, true, null, ["a", "b"], {"c": "d"}]), r#"1,true,null,["a","b"],{"c":"d"}"#);
        check("empty", json!([]), "");
        check("email_verified", json!(true), "true");
        check("address", json!({"formatted": "a\nb"}), r#"{"formatted":"a\nb"}"#);
        check("none", json!(null), "null");
        check("custom:role", json!("a,b"), "a,b");
    }

    #[test]
    fn texts_and_words_are_found_in_both_forms() {
        let all = |value: &Value| words(value).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(all(&json!("a  b c ")), ["a", "b", "c"]);
        assert_eq!(all(&json!(["a", 1, "b c"])), ["a", "b", "c"]);
        assert_eq!(all(&json!({"a": "b"})), Vec::<String>::new());
        assert_eq!(texts(&json!(["a b", null])).collect::<Vec<_>>(), ["a b"]);
    }
}
