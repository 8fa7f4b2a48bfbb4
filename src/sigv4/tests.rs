//! AWS's own vectors, what botocore signs, and everything that can be wrong with a signature.

use serde_json::Value;

use super::*;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const HOST: &str = "abcde12345.execute-api.us-east-1.amazonaws.com";
/// 2015-08-30T12:36:00Z
const NOW: i64 = 1_440_938_160;

/// A request that owns its bytes, so that a test can spoil one of them.
#[derive(Clone)]
struct Case {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Case {
    fn new(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { method: method.into(), target: target.into(), headers, body: body.into() }
    }

    fn verified(&self, expected: &Expected<'_>) -> Result<(), SignatureError> {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let request = Request {
            method: self.method.as_bytes(),
            path: path.as_bytes(),
            query: (!query.is_empty()).then_some(query.as_bytes()),
            headers: self.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())),
            body_hash: hash(self.body.as_bytes()),
        };
        verify(&request, expected, |presented| {
            if !["AKIDEXAMPLE", "ASIAEXAMPLE"].contains(&presented.access_key()) {
                return Err(SignatureError::unrecognized());
            }
            let scope = Scope { date: presented.date(), region: presented.region(), service: presented.service() };
            Ok(SigningKey::derive(SECRET, scope))
        })
        .map(|_| ())
    }

    fn with(&self, header: &str, value: &str) -> Self {
        let mut case = self.without(header);
        case.headers.push((header.to_owned(), value.to_owned()));
        case
    }

    fn without(&self, header: &str) -> Self {
        let mut case = self.clone();
        case.headers.retain(|(name, _)| name != header);
        case
    }

    fn replaced(&self, from: &str, to: &str) -> Self {
        let mut case = self.clone();
        let Some(header) = case.headers.iter_mut().find(|(name, _)| name == "Authorization") else {
            panic!("not signed in a header")
        };
        assert!(header.1.contains(from), "{from} is not in {}", header.1);
        header.1 = header.1.replace(from, to);
        case
    }
}

fn authorization(access_key: &str, signed_headers: &str, signature: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={access_key}/20150830/us-east-1/execute-api/aws4_request, \
         SignedHeaders={signed_headers}, Signature={signature}"
    )
}

fn a() -> Case {
    let signature = "e24f34b7b172220f192c3a053d2e7e9640f5b548f7524a68132cd86cc8492b39";
    let authorization = authorization("AKIDEXAMPLE", "host;x-amz-date", signature);
    let headers = [("Host", HOST), ("X-Amz-Date", "20150830T123600Z"), ("Authorization", &authorization)];
    Case::new("GET", "/prod/pets/a%20b%2Fc?z=1&a=%20x&a=1&empty", &headers, "")
}

fn expected() -> Expected<'static> {
    Expected { region: Some("us-east-1"), ..Expected::new(&["execute-api"], NOW) }
}

#[test]
fn the_vectors() {
    assert_eq!(a().verified(&expected()), Ok(()));
    let signature = "9699adcbe651f7b3dd613e8b13b97759ba1ec1b523a3aee31e55069350776b95";
    let signed = "content-type;host;x-amz-date;x-amz-security-token;x-multi";
    let headers = [
        ("Content-Type", "application/json"),
        ("Host", HOST),
        ("X-Multi", "   a   b  "),
        ("X-Amz-Date", "20150830T123600Z"),
        ("X-Amz-Security-Token", "TOKEN/abc=="),
        ("Authorization", &authorization("ASIAEXAMPLE", signed, signature)),
    ];
    assert_eq!(Case::new("POST", "/prod/pets", &headers, r#"{"id":1}"#).verified(&expected()), Ok(()));
    assert_eq!(c().verified(&expected()), Ok(()));
}

fn c() -> Case {
    let target = "/prod/pets?b=2&a=1&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1\
                  %2Fexecute-api%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=300&X-Amz-SignedHeaders=host\
                  &X-Amz-Signature=0cd35cb924c6753a12ed4c839ccaaa61910169d1e51183a35652aa171aabf57b";
    Case::new("GET", target, &[("Host", HOST)], "")
}

#[test]
fn what_botocore_signs() {
    let cases: Value = serde_json::from_str(include_str!("../../tests/cases/sigv4/botocore.json")).expect("JSON");
    let text = |case: &Value, name: &str| case[name].as_str().unwrap_or_default().to_owned();
    for case in cases.as_array().expect("an array") {
        let pair = |pair: &Value| Some((pair[0].as_str()?.to_owned(), pair[1].as_str()?.to_owned()));
        let (path, query) = (text(case, "path"), text(case, "query"));
        let signed = Case {
            method: text(case, "method"),
            target: if query.is_empty() { path } else { format!("{path}?{query}") },
            headers: case["headers"].as_array().expect("headers").iter().filter_map(pair).collect(),
            body: text(case, "body"),
        };
        let (service, region) = (text(case, "service"), text(case, "region"));
        let services = [service.as_str()];
        let expected = Expected { region: Some(&region), ..Expected::new(&services, NOW) };
        assert_eq!(signed.verified(&expected), Ok(()), "{}", case["name"]);
        let other = Case { body: format!("{} ", signed.body), ..signed };
        assert!(other.verified(&expected).is_err(), "{}", case["name"]);
    }
}

#[test]
fn what_we_sign_we_take() {
    let key = SigningKey::derive(SECRET, Scope { date: "20150830", region: "us-east-1", service: "execute-api" });
    let signer = Signer {
        access_key: "AKIDEXAMPLE",
        key: &key,
        session_token: None,
        region: "us-east-1",
        service: "execute-api",
    };
    let headers: [(&[u8], &[u8]); 1] = [(b"Host", HOST.as_bytes())];
    let request = Request {
        method: b"GET",
        path: b"/prod/pets/a%20b%2Fc",
        query: Some(b"z=1&a=%20x&a=1&empty"),
        headers: headers.into_iter(),
        body_hash: hash(b""),
    };
    // Vector A signs the same headers, so it is the same signature.
    let added = sign(&request, &signer, NOW);
    assert_eq!(added[0], ("X-Amz-Date", "20150830T123600Z".to_owned()));
    assert_eq!(added[1].1, a().headers[2].1);

    let signer = Signer { session_token: Some("T="), ..signer };
    let mut case = Case::new("PUT", "/x%2F/?a=1+2", &[("Host", HOST), ("X-B", " 1  2 "), ("User-Agent", "weir")], "{}");
    let headers: Vec<_> = case.headers.clone();
    let request = Request {
        method: b"PUT",
        path: b"/x%2F/",
        query: Some(b"a=1+2"),
        headers: headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())),
        body_hash: hash(b"{}"),
    };
    case.headers.extend(sign(&request, &signer, NOW).into_iter().map(|(name, value)| (name.to_owned(), value)));
    assert_eq!(case.verified(&expected()), Ok(()));
    assert!(case.with("User-Agent", "other").verified(&expected()).is_ok());
    assert!(case.with("X-B", "other").verified(&expected()).is_err());
}

#[track_caller]
fn refused(case: &Case, kind: Kind, message: &str) {
    assert_eq!(case.verified(&expected()), Err(SignatureError { kind, message: message.into() }));
}

#[test]
fn what_is_not_there() {
    use Kind::{Incomplete, MissingToken};
    let unsigned = a().without("Authorization");
    refused(&unsigned, MissingToken, "Missing Authentication Token");
    let bearer = "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded \
                  with Base64): 'w1Xc6WwWEogNEZQP/dkBTThsJT4MNlKmzQanIm970rY='.";
    refused(&a().with("Authorization", "Bearer abc"), Incomplete, bearer);
    let requires = "Authorization header requires";
    let hashed = "(Hashed with SHA-256 and encoded with Base64) Authorization=";
    let nothing = format!(
        "{requires} 'Credential' parameter. {requires} 'Signature' parameter. {requires} 'SignedHeaders' parameter. \
         {requires} existence of either a 'X-Amz-Date' or a 'Date' header. {hashed}n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="
    );
    refused(&unsigned.without("X-Amz-Date").with("Authorization", "test"), Incomplete, &nothing);
    let mut older = expected();
    older.texts.older = true;
    let said = |case: &Case| case.verified(&older).expect_err("refused").message;
    assert_eq!(
        said(&a().with("Authorization", "Bearer abc")),
        "'abc' not a valid key=value pair (missing equal-sign) in Authorization header: 'Bearer abc'."
    );
    assert_eq!(
        said(&a().with("Authorization", "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=b")),
        "Authorization header requires 'Signature' parameter. Authorization=AWS4-HMAC-SHA256 Credential=a, SignedHeaders=b"
    );
    assert_eq!(
        said(&a().replaced("us-east-1", "mars-1")),
        "Credential should be scoped to a valid region, not 'mars-1'."
    );
    let mut presigned = c();
    presigned.target = presigned.target.replace("&X-Amz-Expires=300", "").replace("X-Amz-Date", "X-Amz-date");
    refused(
        &presigned,
        Incomplete,
        "AWS query-string parameters must include 'X-Amz-Date'. AWS query-string parameters must include 'X-Amz-Expires'. \
         Re-examine the query-string parameters.",
    );
}

#[test]
fn what_is_wrong() {
    use Kind::{Incomplete, Invalid, Unrecognized};
    let good = a();
    for (case, kind, message) in [
        (
            good.replaced("AKIDEXAMPLE/", ""),
            Incomplete,
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '20150830/us-east-1/execute-api/aws4_request'",
        ),
        (
            good.with("X-Amz-Date", "yesterday"),
            Incomplete,
            "Date must be in ISO-8601 'basic format'. Got 'yesterday'. See http://en.wikipedia.org/wiki/ISO_8601",
        ),
        (good.replaced("SHA256", "SHA1"), Incomplete, "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA1'."),
        (
            good.replaced("aws4_request", "aws5_request"),
            Invalid,
            "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'.",
        ),
        (
            good.replaced("/20150830/", "/20150831/"),
            Invalid,
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20150831' != '20150830', from '20150830T123600Z'.",
        ),
        (good.replaced("execute-api", "s3"), Invalid, "Credential should be scoped to correct service: 'execute-api'."),
        (good.replaced("us-east-1", "mars-1"), Invalid, "Credential should be scoped to a valid region."),
        (
            good.replaced("host;", ""),
            Invalid,
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        ),
        (
            good.with("X-Amz-Date", "20150830T123059Z"),
            Invalid,
            "Signature expired: 20150830T123059Z is now earlier than 20150830T123100Z (20150830T123600Z - 5 min.)",
        ),
        (
            good.with("X-Amz-Date", "20150830T124101Z"),
            Invalid,
            "Signature not yet current: 20150830T124101Z is still later than 20150830T124100Z (20150830T123600Z + 5 min.)",
        ),
        (
            good.replaced("AKIDEXAMPLE", "AKIDUNKNOWN"),
            Unrecognized,
            "The security token included in the request is invalid.",
        ),
    ] {
        refused(&case, kind, message);
    }
    let presigned = |now: i64| c().verified(&Expected { unix_seconds: now, ..expected() });
    assert!(presigned(NOW + 300).is_ok() && presigned(NOW - 300).is_ok());
    assert_eq!(
        presigned(NOW + 301).expect_err("late").message,
        "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - 5 min.)"
    );
    assert!(presigned(NOW - 301).expect_err("early").message.starts_with("Signature not yet current"));
    let mut long = c();
    long.target = long.target.replace("Expires=300", "Expires=604801");
    assert_eq!(long.verified(&expected()).expect_err("a week").kind, Incomplete);
}

#[test]
fn a_mismatch_shows_what_was_expected() {
    let good = a();
    let short = "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                 Access Key and signing method. Consult the service documentation for details.";
    let long = format!(
        "{short}\n\nThe Canonical String for this request should have been\n'GET\n/prod/pets/a%2520b%252Fc\n\
         a=%20x&a=1&empty=&z=1\nhost:{HOST}\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n\
         e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'\n\nThe String-to-Sign should have been\n\
         'AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/execute-api/aws4_request\n\
         9a192ec3cc4d9d5271190e1bfe3158ad278bf5858e2614dce14b65941e91f611'\n"
    );
    let spoiled: Vec<Case> =
        [("Signature=e", "Signature=f"), ("8492b39", "8492B39"), ("8492b39", "8492b3"), ("=e24", "=")]
            .iter()
            .map(|(from, to)| good.replaced(from, to))
            .collect();
    for case in &spoiled {
        refused(case, Kind::Invalid, &long);
    }
    let mut expected = expected();
    expected.texts.long_mismatch = false;
    assert_eq!(spoiled[0].verified(&expected).expect_err("refused").message, short);
    for other in [
        Case { method: "POST".into(), ..good.clone() },
        Case { target: good.target.replace("a=1", "a=2"), ..good.clone() },
        Case { target: good.target.replace("%2F", "/"), ..good.clone() },
        Case { body: "x".into(), ..good.clone() },
        good.with("Host", "other"),
        good.with("X-Amz-Date", "20150830T123601Z"),
        good.replaced("host;", "host;x-other;"),
    ] {
        assert_eq!(other.verified(&expected).expect_err("refused").message, short);
    }
    // Another way to write the same query is the same query.
    let same = Case { target: good.target.replace("z=1&a=%20x&a=1&empty", "empty=&a=1&%61=%20x&z=1"), ..good };
    assert_eq!(same.verified(&expected), Ok(()));
}

#[test]
fn what_a_dummy_signature_claims() {
    let claims = |headers: &[(&str, &str)], query: &str| {
        let headers = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let query = Some(query.as_bytes());
        let request = Request { method: b"GET", path: b"/", query, headers, body_hash: [0; 32] };
        claimed(&request).map(|(key, region)| (key.into_owned(), region.into_owned()))
    };
    let told = |key: &str, region: &str| Some((key.to_owned(), region.to_owned()));
    let header = "AWS4-HMAC-SHA256 Credential=test/20150830/eu-west-1/apigateway/aws4_request, Signature=x";
    assert_eq!(claims(&[("authorization", header)], ""), told("test", "eu-west-1"));
    assert_eq!(claims(&[], "X-Amz-Credential=123456789012%2Fd%2Fus-east-1%2Fx"), told("123456789012", "us-east-1"));
    for (headers, query) in [(&[][..], ""), (&[("authorization", "Bearer x")], ""), (&[], "X-Amz-Credential=a")] {
        assert_eq!(claims(headers, query), None);
    }
}
