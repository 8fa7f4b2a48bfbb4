//! Tables: what matches, what holds, what is decided, what does not compile.

use serde_json::{Value, json};

use super::pattern::Glob;
use super::*;

const ARN: &str = "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/prod/GET/pets/1";

fn request<'r>(context: &'r [(&'r str, &'r str)]) -> Request<'r> {
    Request { action: "execute-api:Invoke", resource: ARN, principal: Principal::Anonymous, context }
}

fn policy(statement: Value) -> Policy {
    let document = json!({ "Version": "2012-10-17", "Statement": statement });
    Policy::of_value(&document).unwrap_or_else(|error| panic!("{error}: {document}"))
}

fn allows(statement: Value, context: &[(&str, &str)]) -> bool {
    decide([&policy(statement)], &request(context)) == Decision::Allow
}

#[test]
fn globs() {
    for (pattern, text, expected) in [
        ("", "", true),
        ("*", "", true),
        ("?", "", false),
        ("?", "é", true),
        ("a*b*c", "a1b2c", true),
        ("a*b*c", "a1b2", false),
        ("a**c", "ac", true),
        ("*a?", "aab", true),
        ("*a?", "aa", true),
        ("*.x", "a.y.x", true),
        ("a", "A", false),
        ("${x}", "${x}", true),
        ("[a-z]", "a", false),
    ] {
        assert_eq!(Glob::new(pattern).matches(text), expected, "{pattern} on {text}");
        pattern::fuzz(pattern, text);
    }
    // Exponential for a matcher that tries every star anew.
    assert!(!Glob::new(&"*a".repeat(64)).matches(&"a".repeat(63)));
    assert!(!Glob::new(&format!("{}b", "*a".repeat(2_000))).matches(&"a".repeat(20_000)));
}

#[test]
fn no_glob_differs_from_the_textbook() {
    let mut seed = 1_u64;
    let mut word = |letters: &[u8]| -> String {
        let mut next = || {
            // Knuth's MMIX.
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize
        };
        (0..next() % 9).map(|_| char::from(letters[next() % letters.len()])).collect()
    };
    for _ in 0..20_000 {
        pattern::fuzz(&word(b"ab*?*"), &word(b"ab"));
    }
}

#[test]
fn actions_and_resources() {
    for (action, resource, expected) in [
        ("execute-api:Invoke", ARN, true),
        ("EXECUTE-API:invoke", "*", true),
        ("execute-api:Inv?ke", "*", true),
        ("execute-api:*", "arn:aws:execute-api:*", true),
        ("*", "arn:aws:execute-api:*:*:*", true),
        ("execute-api:InvalidateCache", "*", false),
        ("*", "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/*/GET/*", true),
        ("*", "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/*/POST/*", false),
        ("*", "arn:aws:execute-api:us-east-1:123456789012:ABCDEF1234/*", false),
        ("*", "arn:aws:execute-api:eu-*:*:*", false),
        ("*", "arn:aws:execute-api:us-east-?:*:abcdef1234/prod/GET/pets/?", true),
        // A star stays in its field, but for the last.
        ("*", "arn:aws:*:abcdef1234/prod/GET/pets/1", false),
        ("*", "arn:aws:s3:*", false),
    ] {
        let found = if action.is_empty() { false } else { compiles_and_allows(action, resource) };
        assert_eq!(found, expected, "{action} on {resource}");
    }
    assert!(allows(json!({ "Effect": "Allow", "NotAction": "apigateway:*", "NotResource": "arn:aws:s3:*" }), &[]));
    assert!(!allows(json!({ "Effect": "Allow", "NotAction": "execute-api:*", "Resource": "*" }), &[]));
    assert!(!allows(json!({ "Effect": "Allow", "Action": "*", "NotResource": ["arn:aws:s3:*", ARN] }), &[]));
}

fn compiles_and_allows(action: &str, resource: &str) -> bool {
    let document = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": [action], "Resource": resource }] });
    Policy::of_value(&document).is_ok_and(|policy| decide([&policy], &request(&[])) == Decision::Allow)
}

#[test]
fn letters_of_the_request_are_letters() {
    let policy = policy(json!({ "Effect": "Allow", "Action": "*", "Resource": "arn:aws:execute-api:r:a:x/a?c" }));
    for (resource, expected) in [("x/a*c", Decision::Allow), ("x/*", Decision::Silent), ("*", Decision::Silent)] {
        let resource = format!("arn:aws:execute-api:r:a:{resource}");
        assert_eq!(decide([&policy], &Request { resource: &resource, ..request(&[]) }), expected, "{resource}");
    }
}

#[test]
fn variables() {
    let on = |resource: &str| json!({ "Effect": "Allow", "Action": "*", "Resource": format!("arn:aws:execute-api:us-east-1:123456789012:abcdef1234/prod/GET/{resource}") });
    let ada = [("aws:username", "pets")];
    for (resource, context, expected) in [
        ("${aws:username}/1", &ada[..], true),
        ("${aws:UserName}/*", &ada, true),
        ("${aws:username}/1", &[], false),
        ("${aws:username, 'pets'}/1", &[], true),
        ("${aws:username, 'pets'}/1", &[("aws:username", "cats")], false),
        // Nothing in a value is a hole, and a star that is wanted as a letter is one.
        ("${aws:username}/1", &[("aws:username", "*")], false),
        ("pets/${*}", &[], false),
        ("${aws:username}/1", &[("aws:username", "pets"), ("aws:username", "pets")], false),
    ] {
        assert_eq!(allows(on(resource), context), expected, "{resource} with {context:?}");
    }
    let without = json!({ "Effect": "Allow", "Action": "*", "NotResource": "arn:aws:execute-api:*:*:${aws:username}" });
    assert!(!allows(without, &[]), "a variable without a value applies to nothing");
    let old = json!({ "Version": "2008-10-17", "Statement": on("${aws:username}/1") });
    let old = Policy::of_value(&old).expect("compiles");
    assert_eq!(decide([&old], &request(&ada)), Decision::Silent);
    let condition = |key: &str| json!({ "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": { key: { "aws:userid": "${aws:username}" } } });
    for (operator, context, expected) in [
        ("StringEquals", &[("aws:userid", "a"), ("aws:username", "a")][..], true),
        ("StringLike", &[("aws:userid", "a"), ("aws:username", "*")], false),
        ("StringEqualsIgnoreCase", &[("aws:userid", "a"), ("aws:username", "A")], true),
        ("StringNotEquals", &[("aws:userid", "a"), ("aws:username", "b")], true),
        ("StringEquals", &[("aws:userid", "a")], false),
        ("StringNotEquals", &[("aws:userid", "a")], false),
    ] {
        assert_eq!(allows(condition(operator), context), expected, "{operator} with {context:?}");
    }
    let keys = policy(condition("StringLike"));
    assert_eq!(keys.keys().collect::<Vec<_>>(), ["aws:userid", "aws:username"]);
}

#[test]
fn operators() {
    for (operator, key, wanted, given, expected) in [
        ("StringEquals", "aws:username", json!(["a", "b"]), &["b"][..], true),
        ("StringEquals", "aws:username", json!("a*"), &["ab"], false),
        ("StringEquals", "aws:username", json!("a"), &[], false),
        ("StringEqualsIfExists", "aws:username", json!("a"), &[], true),
        ("StringNotEquals", "aws:username", json!(["a", "b"]), &["b"], false),
        ("StringNotEquals", "aws:username", json!("a"), &[], true),
        ("StringEqualsIgnoreCase", "aws:username", json!("É"), &["é"], true),
        ("StringNotEqualsIgnoreCase", "aws:username", json!("A"), &["a"], false),
        ("StringLike", "aws:UserAgent", json!("curl/*"), &["curl/8"], true),
        ("StringNotLike", "aws:UserAgent", json!("curl/*"), &["curl/8"], false),
        ("NumericEquals", "aws:MultiFactorAuthAge", json!(10), &["10.0"], true),
        ("NumericNotEquals", "aws:MultiFactorAuthAge", json!(10), &["x"], false),
        ("NumericLessThan", "aws:MultiFactorAuthAge", json!("10"), &["9"], true),
        ("NumericLessThan", "aws:MultiFactorAuthAge", json!("10"), &["10"], false),
        ("NumericLessThanEquals", "aws:MultiFactorAuthAge", json!("10"), &["10"], true),
        ("NumericGreaterThan", "aws:MultiFactorAuthAge", json!("10"), &["10"], false),
        ("NumericGreaterThanEquals", "aws:MultiFactorAuthAge", json!("10"), &["10"], true),
        ("NumericGreaterThanEquals", "aws:MultiFactorAuthAge", json!("10"), &[], false),
        ("DateLessThan", "aws:CurrentTime", json!("2030-01-01T00:00:00Z"), &["2026-01-01T00:00:00Z"], true),
        ("DateGreaterThan", "aws:CurrentTime", json!("2030-01-01T00:00:00Z"), &["2026-01-01T00:00:00Z"], false),
        ("DateGreaterThanEquals", "aws:EpochTime", json!("1970-01-02"), &["86400"], true),
        ("DateNotEquals", "aws:CurrentTime", json!("1970-01-02"), &["86400"], false),
        ("Bool", "aws:SecureTransport", json!(true), &["true"], true),
        ("Bool", "aws:SecureTransport", json!("false"), &["true"], false),
        ("Bool", "aws:SecureTransport", json!("false"), &[], false),
        ("BoolIfExists", "aws:MultiFactorAuthPresent", json!("true"), &[], true),
        ("BinaryEquals", "aws:userid", json!("aGk="), &["aGk="], true),
        ("BinaryEquals", "aws:userid", json!("aGk="), &["aGo="], false),
        ("IpAddress", "aws:SourceIp", json!(["10.0.0.0/8", "2001:db8::/32"]), &["2001:db8::1"], true),
        ("IpAddress", "aws:SourceIp", json!("10.0.0.0/8"), &["11.0.0.1"], false),
        ("IpAddress", "aws:SourceIp", json!("10.0.0.0/8"), &[], false),
        ("NotIpAddress", "aws:SourceIp", json!("10.0.0.0/8"), &["10.0.0.1"], false),
        ("NotIpAddress", "aws:SourceIp", json!("10.0.0.0/8"), &[], true),
        ("ArnEquals", "aws:SourceArn", json!("arn:aws:s3:::b*"), &["arn:aws:s3:::bucket"], true),
        ("ArnLike", "aws:SourceArn", json!("arn:aws:*:*:*:b"), &["arn:aws:s3:::b"], true),
        ("ArnLike", "aws:SourceArn", json!("arn:aws:s3:::b"), &["arn:aws:s3"], false),
        ("ArnNotLike", "aws:SourceArn", json!("arn:aws:s3:::b"), &["arn:aws:s3:::c"], true),
        ("ArnNotEquals", "aws:SourceArn", json!("arn:aws:s3:::b"), &["arn:aws:s3:::b"], false),
        ("Null", "aws:username", json!("true"), &[], true),
        ("Null", "aws:username", json!("true"), &["a"], false),
        ("Null", "aws:username", json!(false), &["a"], true),
        ("ForAnyValue:StringEquals", "aws:PrincipalOrgPaths", json!(["a", "b"]), &["x", "b"], true),
        ("ForAnyValue:StringEquals", "aws:PrincipalOrgPaths", json!(["a", "b"]), &["x"], false),
        ("ForAnyValue:StringNotEquals", "aws:PrincipalOrgPaths", json!("a"), &["a", "b"], true),
        ("ForAnyValue:StringNotEquals", "aws:PrincipalOrgPaths", json!("a"), &[], false),
        ("ForAllValues:StringLike", "aws:PrincipalOrgPaths", json!("a*"), &["a1", "a2"], true),
        ("ForAllValues:StringLike", "aws:PrincipalOrgPaths", json!("a*"), &["a1", "b"], false),
        ("ForAllValues:StringLike", "aws:PrincipalOrgPaths", json!("a*"), &[], true),
        ("StringEquals", "aws:username", json!("b"), &["a", "b"], false),
    ] {
        let statement = json!({ "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": { operator: { key: wanted.clone() } } });
        let upper = key.to_uppercase();
        let context: Vec<(&str, &str)> = given.iter().map(|value| (upper.as_str(), *value)).collect();
        assert_eq!(allows(statement, &context), expected, "{operator} {wanted} on {given:?}");
    }
}

#[test]
fn all_conditions_hold() {
    let statement = json!({ "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {
        "IpAddress": { "aws:SourceIp": "10.0.0.0/8" },
        "StringEquals": { "aws:username": ["a", "b"], "aws:PrincipalType": "User" } } });
    let all = [("aws:SourceIp", "10.1.1.1"), ("aws:username", "b"), ("aws:PrincipalType", "User")];
    assert!(allows(statement.clone(), &all));
    for left_out in 0..all.len() {
        let mut some = all.to_vec();
        some.remove(left_out);
        assert!(!allows(statement.clone(), &some), "without {:?}", all[left_out]);
    }
}

#[test]
fn decisions() {
    let allow = policy(json!({ "Effect": "Allow", "Action": "*", "Resource": "*" }));
    let deny = policy(
        json!([{ "Effect": "Allow", "Action": "*", "Resource": "*" }, { "Effect": "Deny", "Action": "execute-api:*", "Resource": ARN }]),
    );
    let other = policy(json!({ "Effect": "Deny", "Action": "s3:*", "Resource": "*" }));
    let on = request(&[]);
    assert_eq!(decide([], &on), Decision::Silent);
    assert_eq!(decide([&other], &on), Decision::Silent);
    assert_eq!(decide([&other, &allow], &on), Decision::Allow);
    assert_eq!(decide([&allow, &deny], &on), Decision::ExplicitDeny);
    assert_eq!(decide([&deny, &allow], &on), Decision::ExplicitDeny);
}

#[test]
fn principals() {
    let user = Principal::Aws("arn:aws:iam::123456789012:user/ada");
    let session = Principal::Aws("arn:aws:sts::123456789012:assumed-role/ci/one");
    for (principal, given, expected) in [
        (json!("*"), Principal::Anonymous, true),
        (json!({ "AWS": "*" }), Principal::Anonymous, true),
        (json!({ "AWS": "123456789012" }), user, true),
        (json!({ "AWS": "123456789012" }), Principal::Anonymous, false),
        (json!({ "AWS": ["210987654321", "arn:aws:iam::123456789012:root"] }), session, true),
        (json!({ "AWS": "arn:aws:iam::123456789012:user/ada" }), user, true),
        (json!({ "AWS": "arn:aws:iam::123456789012:user/bob" }), user, false),
        (json!({ "AWS": "arn:aws:iam::123456789012:role/path/ci" }), session, true),
        (json!({ "AWS": "arn:aws:iam::210987654321:role/ci" }), session, false),
        (json!({ "AWS": "arn:aws:sts::123456789012:assumed-role/ci/one" }), session, true),
        (json!({ "AWS": "arn:aws:sts::123456789012:assumed-role/ci/two" }), session, false),
        (json!({ "Service": "events.amazonaws.com" }), Principal::Service("events.amazonaws.com"), true),
        (json!({ "Service": "events.amazonaws.com" }), user, false),
        (json!({ "Federated": "accounts.google.com" }), Principal::Federated("accounts.google.com"), true),
    ] {
        for (name, expected) in [("Principal", expected), ("NotPrincipal", !expected)] {
            let document =
                json!({ "Statement": { "Effect": "Allow", name: principal, "Action": "*", "Resource": "*" } });
            let policy = Policy::of_resource_value(&document).expect("compiles");
            let decision = decide([&policy], &Request { principal: given, ..request(&[]) });
            assert_eq!(decision == Decision::Allow, expected, "{document} {given:?}");
        }
    }
}

#[test]
fn what_does_not_compile() {
    let with = |from: &str, to: &str| {
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}]}"#.replace(from, to)
    };
    assert!(Policy::compile(&with("", "")).is_ok());
    for (from, to, expected) in [
        ("{", "", "policy: not JSON: "),
        (r#""Effect":"Allow""#, r#""Effect":"Deny","Effect":"Allow""#, "policy: not JSON: `Effect` stands twice"),
        ("2012-10-17", "2012-10-18", "Version: it is 2012-10-17 or 2008-10-17"),
        (r#""Version""#, r#""version""#, "policy: `version` is not one of Version, Id, Statement"),
        ("Allow", "allow", "Statement[0].Effect: it is Allow or Deny"),
        (r#""Effect""#, r#""effect""#, "Statement[0]: `effect` is not one of "),
        (r#""Action":"a:b","#, "", "Statement[0]: it has Action or NotAction, and not both"),
        (
            r#""Action":"a:b""#,
            r#""Action":"a:b","NotAction":"a:b""#,
            "Statement[0]: it has Action or NotAction, and not both",
        ),
        ("a:b", "ab", "Statement[0].Action: `ab` is not SERVICE:ACTION and not *"),
        (r#""a:b""#, "[]", "Statement[0].Action: the list is empty"),
        (r#""*""#, r#""x""#, "Statement[0].Resource: `x` is not an ARN and not *"),
        (
            r#""*""#,
            r#""arn:aws:s3""#,
            "Statement[0].Resource: `arn:aws:s3` has fewer than six fields, and does not end in :*",
        ),
        (
            r#""*""#,
            r#""arn:aws:s3:::${aws:nothing}""#,
            "Statement[0].Resource: `aws:nothing` is not a variable that is known here",
        ),
        (r#""*""#, r#""arn:aws:s3:::${aws:username""#, "Statement[0].Resource: `${aws:username` has no }"),
        (
            r#""*""#,
            r#""arn:aws:s3:::${aws:username, x}""#,
            "Statement[0].Resource: the fallback in `${aws:username, x}` is not in quotes",
        ),
        (r#""Bool""#, r#""bool""#, "Statement[0].Condition: `bool` is not a condition operator"),
        (r#""Bool""#, r#""ForSome:Bool""#, "Statement[0].Condition: `ForSome:Bool` is not a condition operator"),
        (r#""Bool""#, r#""NullIfExists""#, "Statement[0].Condition: `NullIfExists` is not a condition operator"),
        (
            "aws:SecureTransport",
            "aws:Secure",
            "Statement[0].Condition.Bool: `aws:Secure` is not a condition key that is known here",
        ),
        (r#""true""#, r#""yes""#, "Statement[0].Condition.Bool: `yes` is not true or false"),
        (
            "Bool",
            "IpAddress",
            "Statement[0].Condition.IpAddress: `true` is not an address or a range such as 10.0.0.0/8",
        ),
        ("Bool", "NumericEquals", "Statement[0].Condition.NumericEquals: `true` is not a number"),
        ("Bool", "DateEquals", "Statement[0].Condition.DateEquals: `true` is not a date"),
        (r#""Effect""#, r#""Principal":"*","Effect""#, "Statement[0]: only the policy of a resource names principals"),
    ] {
        let error = Policy::compile(&with(from, to)).expect_err(to).to_string();
        assert!(error.starts_with(expected), "{error}, not {expected}");
    }
    for document in
        [json!([]), json!({}), json!({ "Statement": [] }), json!({ "Statement": [1] }), json!({ "Statement": "x" })]
    {
        assert!(Policy::of_value(&document).is_err(), "{document}");
    }
    assert!(Policy::compile(&" ".repeat(65 * 1024)).is_err());
    for principal in [
        json!("x"),
        json!({}),
        json!({ "AWS": "arn:aws:iam::123456789012:user/*" }),
        json!({ "AWS": "arn:aws:s3:::b" }),
        json!({ "CanonicalUser": "x" }),
        json!({ "Service": "*" }),
    ] {
        let document =
            json!({ "Statement": { "Effect": "Allow", "Principal": principal, "Action": "*", "Resource": "*" } });
        assert!(Policy::of_resource_value(&document).is_err(), "{document}");
    }
    let silent = json!({ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } });
    assert!(Policy::of_resource_value(&silent).is_err());
}
