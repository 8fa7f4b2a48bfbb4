//! Tags: a member of the object that they are on, which `/tags/{resource_arn}` reaches by its ARN.

use serde_json::Value;

use super::arn::Arn;
use super::call::{Call, Reply, Turn};
use super::errors::AwsError;
use super::{common, patch};
use crate::model::api_rows::Object;
use crate::settings::limits::{TAG_KEY_CHARS_MAX, TAG_VALUE_CHARS_MAX, TAGS_MAX};

/// May an object have these tags, if it is to have some?
pub fn check<'t>(tags: impl Into<Option<&'t Object>>) -> Result<(), AwsError> {
    let Some(tags) = tags.into() else { return Ok(()) };
    for (key, value) in tags {
        if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            let text = "Invalid tag key. Tag keys cannot start with 'aws:' (case insensitive)";
            return Err(AwsError::bad_request(text));
        }
        if key.is_empty() || key.chars().count() > TAG_KEY_CHARS_MAX {
            let text = format!("Invalid tag key. Tag keys must be between 1 and {TAG_KEY_CHARS_MAX} characters long");
            return Err(AwsError::bad_request(text));
        }
        if value.as_str().is_none_or(|value| value.chars().count() > TAG_VALUE_CHARS_MAX) {
            let text =
                format!("Invalid tag value. Tag values must be between 0 and {TAG_VALUE_CHARS_MAX} characters long");
            return Err(AwsError::bad_request(text));
        }
    }
    if tags.len() > TAGS_MAX {
        return Err(AwsError::bad_request(format!("Too many tags. A resource can have at most {TAGS_MAX} tags")));
    }
    Ok(())
}

/// The tags that a create was given, where it was given some: checked, to stand in the row.
pub fn given(call: &Call) -> Result<Option<Object>, AwsError> {
    let tags = call.object("tags").filter(|tags| !tags.is_empty());
    check(tags)?;
    Ok(tags.cloned())
}

pub fn tag(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let (key, mut row) = tagged(turn, call)?;
    let mut tags = tags_of(&row);
    tags.extend(call.object("tags").cloned().unwrap_or_default());
    check(&tags)?;
    keep(turn, &key, &mut row, tags);
    Ok(Reply::Empty)
}

/// `GetTags`. There are too few to be paged.
pub fn get(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let (_, row) = tagged(turn, call)?;
    let mut reply = Object::new();
    reply.insert("tags".into(), Value::Object(tags_of(&row)));
    Ok(Reply::Object(reply))
}

pub fn untag(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let (key, mut row) = tagged(turn, call)?;
    let mut tags = tags_of(&row);
    for name in call.query_all("tagKeys") {
        tags.shift_remove(name);
    }
    keep(turn, &key, &mut row, tags);
    Ok(Reply::Empty)
}

fn tags_of(row: &Object) -> Object {
    row.get("tags").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// An object without tags has no such member: views show the empty map where AWS does.
fn keep(turn: &mut Turn<'_>, key: &[String], row: &mut Object, tags: Object) {
    if tags.is_empty() {
        row.shift_remove("tags");
    } else {
        patch::set(row, "tags", Value::Object(tags));
    }
    let key: Vec<&str> = key.iter().map(String::as_str).collect();
    turn.put(&key, row);
}

/// The object that the ARN names, and where its row is.
fn tagged(turn: &Turn<'_>, call: &Call) -> Result<(Vec<String>, Object), AwsError> {
    let malformed = || AwsError::bad_request("Invalid ARN specified in the request");
    let arn = Arn::parse(call.path("resource_arn")).filter(|arn| arn.service == "apigateway").ok_or_else(malformed)?;
    let path = arn.resource.strip_prefix('/').ok_or_else(malformed)?;
    let segments: Vec<&str> = path.split('/').collect();
    let unknown = match segments[..] {
        ["restapis", id] => common::no_api(call, id),
        ["restapis", id, "stages", _] if !turn.has(&["restapis", id]) => common::no_api(call, id),
        ["restapis", _, "stages", _] => AwsError::not_found(common::UNKNOWN_STAGE),
        ["apikeys", _] => AwsError::not_found("Invalid API Key identifier specified"),
        ["usageplans", _] => AwsError::not_found("Invalid Usage Plan ID specified"),
        ["domainnames", _] => AwsError::not_found("Invalid domain name identifier specified"),
        ["vpclinks", _] => AwsError::not_found(common::UNKNOWN_VPC_LINK),
        ["clientcertificates", _] => AwsError::not_found(common::UNKNOWN_CLIENT_CERTIFICATE),
        _ => return Err(malformed()),
    };
    let found = match segments[..] {
        ["domainnames", name] => domain(turn, name),
        _ => turn.get(&segments).map(|row| (segments.clone(), row)),
    };
    let (key, row) = found.ok_or(unknown)?;
    Ok((key.into_iter().map(str::to_owned).collect(), row))
}

/// A private domain is named with its id: `example.com+abcd1234`.
fn domain<'n>(turn: &Turn<'_>, name: &'n str) -> Option<(Vec<&'n str>, Object)> {
    let (plain, id) = name.split_once('+').map_or((name, None), |(name, id)| (name, Some(id)));
    [name, plain].into_iter().find_map(|name| {
        let row = turn.get(&["domainnames", name])?;
        id.is_none_or(|id| common::text_of(&row, "domainNameId") == id).then_some((vec!["domainnames", name], row))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::control::admin::call::Handler;
    use crate::control::admin::trial::Trial;

    const ARNS: &[(&str, &[&str])] = &[
        ("arn:aws:apigateway:us-east-1::/restapis/a", &["restapis", "a"]),
        ("arn:aws:apigateway:us-east-1::/restapis/a/stages/dev", &["restapis", "a", "stages", "dev"]),
        ("arn:aws:apigateway:us-east-1::/apikeys/k", &["apikeys", "k"]),
        ("arn:aws:apigateway:us-east-1::/usageplans/u", &["usageplans", "u"]),
        ("arn:aws:apigateway:us-east-1::/domainnames/example.com", &["domainnames", "example.com"]),
        ("arn:aws:apigateway:us-east-1:000000000000:/domainnames/private.com+p1", &["domainnames", "private.com"]),
        ("arn:aws:apigateway:us-east-1::/vpclinks/v", &["vpclinks", "v"]),
        ("arn:aws:apigateway:us-east-1::/clientcertificates/c", &["clientcertificates", "c"]),
    ];

    fn run(
        trial: &mut Trial,
        handler: Handler,
        arn: &str,
        query: &[(&str, &str)],
        body: Value,
    ) -> Result<Value, String> {
        let done = trial.call(handler, &[("resource_arn", arn)], query, body);
        done.map_err(|error| format!("{} {}", error.status, error.message))
    }

    #[test]
    fn every_kind_is_reached_by_its_arn() {
        let mut trial = Trial::new();
        for (arn, key) in ARNS {
            trial.put(key, json!({"domainNameId": "p1", "_secret": 1}));
            let both = json!({"tags": {"a": "1", "B": ""}});
            assert_eq!(run(&mut trial, tag, arn, &[], both.clone()), Ok(Value::Null), "{arn}");
            assert_eq!(run(&mut trial, get, arn, &[], Value::Null), Ok(both));
            run(&mut trial, tag, arn, &[], json!({"tags": {"a": "2"}})).expect("tagged");
            run(&mut trial, untag, arn, &[("tagKeys", "B"), ("tagKeys", "none")], Value::Null).expect("untagged");
            assert_eq!(trial.row(key), Some(json!({"domainNameId": "p1", "_secret": 1, "tags": {"a": "2"}})));
            run(&mut trial, untag, arn, &[("tagKeys", "a")], Value::Null).expect("untagged");
            assert_eq!(run(&mut trial, get, arn, &[], Value::Null), Ok(json!({"tags": {}})));
            assert_eq!(trial.row(key), Some(json!({"domainNameId": "p1", "_secret": 1})));
        }
    }

    #[test]
    fn what_is_not_there() {
        let mut trial = Trial::new();
        trial.put(&["restapis", "a"], json!({}));
        trial.put(&["domainnames", "private.com"], json!({"domainNameId": "p1"}));
        let mut check = |arn: &str, message: &str| {
            assert_eq!(run(&mut trial, get, arn, &[], Value::Null), Err(message.to_owned()), "{arn}");
        };
        let at = |path: &str| format!("arn:aws:apigateway:us-east-1::/{path}");
        check(&at("restapis/b"), "404 Invalid API identifier specified 000000000000:b");
        check(&at("restapis/b/stages/s"), "404 Invalid API identifier specified 000000000000:b");
        check(&at("restapis/a/stages/s"), "404 Invalid Stage identifier specified");
        check(&at("apikeys/k"), "404 Invalid API Key identifier specified");
        check(&at("usageplans/u"), "404 Invalid Usage Plan ID specified");
        check(&at("domainnames/private.com+p2"), "404 Invalid domain name identifier specified");
        check(&at("vpclinks/v"), "404 Invalid Vpc Link identifier specified");
        check(&at("clientcertificates/c"), "404 Invalid Client Certificate identifier specified");
        for wrong in [
            "",
            "a",
            "arn:aws:s3:::b",
            &at("account"),
            &at("restapis/a/models/m"),
            "arn:aws:apigateway:us-east-1::restapis/a",
        ] {
            check(wrong, "400 Invalid ARN specified in the request");
        }
    }

    #[test]
    fn bounds() {
        let message = |tags: Value| check(tags.as_object().expect("an object")).err().map(|error| error.message);
        assert_eq!(message(json!({"a": "x".repeat(256), "k".repeat(128): ""})), None);
        let reserved = "Invalid tag key. Tag keys cannot start with 'aws:' (case insensitive)";
        assert_eq!(message(json!({"AWS:x": ""})).as_deref(), Some(reserved));
        let key = "Invalid tag key. Tag keys must be between 1 and 128 characters long";
        assert_eq!(message(json!({"": ""})).as_deref(), Some(key));
        assert_eq!(message(json!({"k".repeat(129): ""})).as_deref(), Some(key));
        let value = "Invalid tag value. Tag values must be between 0 and 256 characters long";
        assert_eq!(message(json!({"a": "x".repeat(257)})).as_deref(), Some(value));
        assert_eq!(message(json!({"a": null})).as_deref(), Some(value));
        let mut trial = Trial::new();
        trial.put(&["restapis", "a"], json!({}));
        let tags = |from: usize, to: usize| json!({"tags": (from..to).map(|n| (n.to_string(), Value::from(""))).collect::<Object>()});
        assert_eq!(run(&mut trial, tag, ARNS[0].0, &[], tags(0, 50)), Ok(Value::Null));
        let many = "400 Too many tags. A resource can have at most 50 tags";
        assert_eq!(run(&mut trial, tag, ARNS[0].0, &[], tags(50, 51)), Err(many.to_owned()));
    }
}
