//! Inputs of the operations as the published service model has them, and what AWS says of one that does not fit.
//!
//! A list of members is one text: `name! tags{} types[]:EndpointType limit:int`. `!` is required; `[]` is a list and
//! `{}` a map of what follows; the type behind the colon is `bool`, `int`, `double`, an enumeration or a structure of the
//! tables below, and text where there is none.

use serde_json::{Number, Value};

use super::errors::AwsError;
use crate::model::api_rows::Object;
use crate::settings::limits::{PATCH_OPERATIONS_MAX, VIOLATIONS_MAX};

/// Values in the order in which AWS lists them in its messages, where that order is recorded (v1-messages).
#[rustfmt::skip] // one row an enumeration
const ENUMERATIONS: &[(&str, &[&str])] = &[
    ("AccessAssociationSourceType", &["VPCE"]),
    ("ApiKeySourceType", &["HEADER", "AUTHORIZER"]),
    ("ApiKeysFormat", &["csv"]),
    ("AuthorizerType", &["TOKEN", "REQUEST", "COGNITO_USER_POOLS"]),
    ("CacheClusterSize", &["0.5", "1.6", "6.1", "13.5", "28.4", "58.2", "118", "237"]),
    ("ConnectionType", &["INTERNET", "VPC_LINK"]),
    ("ContentHandlingStrategy", &["CONVERT_TO_BINARY", "CONVERT_TO_TEXT"]),
    ("DocumentationPartType", &["RESPONSE_BODY", "RESPONSE", "METHOD", "MODEL", "AUTHORIZER", "RESPONSE_HEADER", "RESOURCE", "PATH_PARAMETER", "REQUEST_BODY", "QUERY_PARAMETER", "API", "REQUEST_HEADER"]),
    ("EndpointAccessMode", &["BASIC", "STRICT"]),
    ("EndpointType", &["PRIVATE", "EDGE", "REGIONAL"]),
    ("GatewayResponseType", GATEWAY_RESPONSE_TYPES),
    ("IntegrationType", &["HTTP", "MOCK", "AWS_PROXY", "HTTP_PROXY", "AWS"]),
    ("IpAddressType", &["ipv4", "dualstack"]),
    ("LocationStatusType", &["DOCUMENTED", "UNDOCUMENTED"]),
    ("Op", &["add", "remove", "move", "test", "replace", "copy"]),
    ("PutMode", &["merge", "overwrite"]),
    ("QuotaPeriodType", &["DAY", "WEEK", "MONTH"]),
    ("ResourceOwner", &["SELF", "OTHER_ACCOUNTS"]),
    ("ResponseTransferMode", &["BUFFERED", "STREAM"]),
    ("RoutingMode", &["BASE_PATH_MAPPING_ONLY", "ROUTING_RULE_ONLY", "ROUTING_RULE_THEN_BASE_PATH_MAPPING"]),
    ("SecurityPolicy", &["TLS_1_0", "TLS_1_2", "SecurityPolicy_TLS13_1_3_2025_09", "SecurityPolicy_TLS13_1_3_FIPS_2025_09", "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09", "SecurityPolicy_TLS13_1_2_FIPS_PQ_2025_09", "SecurityPolicy_TLS13_1_2_FIPS_PFS_PQ_2025_09", "SecurityPolicy_TLS13_1_2_PQ_2025_09", "SecurityPolicy_TLS13_1_2_2021_06", "SecurityPolicy_TLS13_2025_EDGE", "SecurityPolicy_TLS12_PFS_2025_EDGE", "SecurityPolicy_TLS12_2018_EDGE"]),
];

pub const GATEWAY_RESPONSE_TYPES: &[&str] = &[
    "REQUEST_TOO_LARGE",
    "RESOURCE_NOT_FOUND",
    "AUTHORIZER_CONFIGURATION_ERROR",
    "MISSING_AUTHENTICATION_TOKEN",
    "BAD_REQUEST_BODY",
    "INVALID_SIGNATURE",
    "INVALID_API_KEY",
    "BAD_REQUEST_PARAMETERS",
    "AUTHORIZER_FAILURE",
    "UNAUTHORIZED",
    "INTEGRATION_TIMEOUT",
    "ACCESS_DENIED",
    "DEFAULT_4XX",
    "DEFAULT_5XX",
    "WAF_FILTERED",
    "QUOTA_EXCEEDED",
    "THROTTLED",
    "API_CONFIGURATION_ERROR",
    "UNSUPPORTED_MEDIA_TYPE",
    "INTEGRATION_FAILURE",
    "EXPIRED_TOKEN",
];

#[rustfmt::skip] // one row a structure
const STRUCTURES: &[(&str, &str)] = &[
    ("ApiStage", "apiId stage throttle{}:ThrottleSettings"),
    ("CanarySettings", "percentTraffic:double deploymentId stageVariableOverrides{} useStageCache:bool"),
    ("DeploymentCanarySettings", "percentTraffic:double stageVariableOverrides{} useStageCache:bool"),
    ("DocumentationPartLocation", "type:DocumentationPartType! path method statusCode name"),
    ("EndpointConfiguration", "types[]:EndpointType ipAddressType:IpAddressType vpcEndpointIds[]"),
    ("MutualTlsAuthenticationInput", "truststoreUri truststoreVersion"),
    ("PatchOperation", "op:Op path value from"),
    ("QuotaSettings", "limit:int offset:int period:QuotaPeriodType"),
    ("RoutingRuleAction", "invokeApi:RoutingRuleActionInvokeApi!"),
    ("RoutingRuleActionInvokeApi", "apiId! stage! stripBasePath:bool"),
    ("RoutingRuleCondition", "matchBasePaths:RoutingRuleMatchBasePaths matchHeaders:RoutingRuleMatchHeaders"),
    ("RoutingRuleMatchBasePaths", "anyOf[]!"),
    ("RoutingRuleMatchHeaderValue", "header! valueGlob!"),
    ("RoutingRuleMatchHeaders", "anyOf[]:RoutingRuleMatchHeaderValue!"),
    ("StageKey", "restApiId stageName"),
    ("ThrottleSettings", "burstLimit:int rateLimit:double"),
    ("TlsConfig", "insecureSkipVerification:bool"),
];

/// Values of an enumeration.
pub fn enumeration(name: &str) -> &'static [&'static str] {
    ENUMERATIONS.iter().find(|(known, _)| *known == name).map_or(&[], |(_, values)| values)
}

/// Whether a type has a row in the tables.
pub fn is_known(kind: &str) -> bool {
    !enumeration(kind).is_empty() || STRUCTURES.iter().any(|(name, _)| *name == kind)
}

/// One member of an input, read off its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'m> {
    pub name: &'m str,
    pub kind: &'m str,
    /// `[]` and `{}` between the name and the type, from the outside in.
    pub wrapping: &'m str,
    pub required: bool,
}

/// The members of a text such as `name! tags{}`.
pub fn members(text: &str) -> impl Iterator<Item = Member<'_>> {
    text.split_ascii_whitespace().map(|word| {
        let (word, required) = word.strip_suffix('!').map_or((word, false), |word| (word, true));
        let (left, kind) = word.split_once(':').unwrap_or((word, ""));
        let end = left.find(['[', '{']).unwrap_or(left.len());
        Member { name: &left[..end], kind, wrapping: &left[end..], required }
    })
}

/// The members that a body has of those that the operation takes. What the model does not know is ignored, as AWS's
/// servers do; a null is the same as nothing. Wrong types are a SerializationException at once; what breaks a constraint
/// of the model is added to `violations`.
pub fn read(operation: &str, text: &str, body: &Object, violations: &mut Vec<String>) -> Result<Object, AwsError> {
    let mut prefix = format!("{operation}Input");
    if let Some(first) = prefix.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    structure(&prefix, text, body, violations)
}

fn structure(place: &str, text: &str, body: &Object, violations: &mut Vec<String>) -> Result<Object, AwsError> {
    if violations.len() >= VIOLATIONS_MAX {
        return Err(AwsError::validation(violations));
    }
    let mut kept = Object::new();
    for member in members(text) {
        let place = format!("{place}.{}", member.name);
        match body.get(member.name).filter(|value| !value.is_null()) {
            Some(value) => {
                let value = wrapped(&place, member.wrapping, member.kind, value, violations)?;
                kept.insert(member.name.to_owned(), value);
            }
            None if member.required => violations.push(missing(&place)),
            None => {}
        }
    }
    Ok(kept)
}

/// What AWS says of a member that must be there.
pub fn missing(place: &str) -> String {
    format!("Value null at '{place}' failed to satisfy constraint: Member must not be null")
}

fn wrapped(
    place: &str,
    wrapping: &str,
    kind: &str,
    value: &Value,
    violations: &mut Vec<String>,
) -> Result<Value, AwsError> {
    if let Some(inner) = wrapping.strip_prefix("[]") {
        let Value::Array(items) = value else { return Err(unexpected(value)) };
        if inner.is_empty() && !enumeration(kind).is_empty() {
            return enumerated_list(place, kind, items, violations);
        }
        if kind == "PatchOperation" && items.len() > PATCH_OPERATIONS_MAX {
            return Err(AwsError::bad_request(format!(
                "At most {PATCH_OPERATIONS_MAX} patch operations are taken at once"
            )));
        }
        let mut kept = Vec::new();
        for (index, item) in items.iter().enumerate() {
            kept.push(wrapped(&format!("{place}.{}.member", index + 1), inner, kind, item, violations)?);
        }
        return Ok(Value::Array(kept));
    }
    if let Some(inner) = wrapping.strip_prefix("{}") {
        let Value::Object(entries) = value else { return Err(unexpected(value)) };
        let mut kept = Object::new();
        for (name, value) in entries {
            // A null in a map is kept: a template may be "nothing" (wire-protocol section 3).
            let value = match value {
                Value::Null => Value::Null,
                value => wrapped(&format!("{place}.{name}.member"), inner, kind, value, violations)?,
            };
            kept.insert(name.clone(), value);
        }
        return Ok(Value::Object(kept));
    }
    scalar(place, kind, value, violations)
}

fn scalar(place: &str, kind: &str, value: &Value, violations: &mut Vec<String>) -> Result<Value, AwsError> {
    let cannot =
        |wanted: &str| Err(AwsError::serialization(format!("{} can not be converted to {wanted}", class(value))));
    match (kind, value) {
        (_, Value::Object(body)) => match STRUCTURES.iter().find(|(name, _)| *name == kind) {
            Some((_, text)) => structure(place, text, body, violations).map(Value::Object),
            None => Err(unexpected(value)),
        },
        (_, Value::Array(_)) => Err(unexpected(value)),
        ("bool", Value::Bool(_)) => Ok(value.clone()),
        ("bool", _) => cannot("a Boolean"),
        ("int", Value::Number(number)) => match whole(number) {
            Some(whole) => Ok(whole.into()),
            None => cannot("an Integer"),
        },
        ("int", _) => cannot("an Integer"),
        ("double", Value::Number(number)) => Ok(number.as_f64().map_or(Value::Null, Value::from)),
        ("double", _) => cannot("a Double"),
        (_, Value::String(text)) => {
            let values = enumeration(kind);
            if !values.is_empty() && !values.contains(&text.as_str()) {
                violations.push(not_in(place, text, values));
            }
            if STRUCTURES.iter().any(|(name, _)| *name == kind) {
                return Err(unexpected(value));
            }
            Ok(value.clone())
        }
        _ => cannot("an String"),
    }
}

/// A whole number, also where it is written with a point (`29000.0`).
fn whole(number: &Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 1e15).map(|float| float as i64)
    })
}

/// What AWS says of a value that an enumeration does not have.
pub fn not_in(place: &str, value: &str, values: &[&str]) -> String {
    let values = values.join(", ");
    format!("Value '{value}' at '{place}' failed to satisfy constraint: Member must satisfy enum value set: [{values}]")
}

fn enumerated_list(place: &str, kind: &str, items: &[Value], violations: &mut Vec<String>) -> Result<Value, AwsError> {
    let mut texts = Vec::new();
    for item in items {
        match item {
            Value::String(text) => texts.push(text.as_str()),
            other => {
                return Err(AwsError::serialization(format!("{} can not be converted to an String", class(other))));
            }
        }
    }
    let values = enumeration(kind);
    if texts.iter().any(|text| !values.contains(text)) {
        violations.push(format!(
            "Value '[{}]' at '{place}' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy \
             enum value set: [{}]]",
            texts.join(", "),
            values.join(", ")
        ));
    }
    Ok(Value::Array(items.to_vec()))
}

fn class(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "class java.lang.Boolean",
        Value::Number(_) => "class com.amazon.coral.value.json.numbers.TruncatingBigNumber",
        Value::String(_) => "class java.lang.String",
        Value::Array(_) => "class java.util.ArrayList",
        Value::Object(_) => "class java.util.LinkedHashMap",
        Value::Null => "null",
    }
}

/// A list where a map should be, and the like.
fn unexpected(value: &Value) -> AwsError {
    AwsError::serialization(match value {
        Value::Array(_) => "Start of list found where not expected",
        Value::Object(_) => "Start of structure or map found where not expected.",
        _ => "Unexpected field type",
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(members: &str, body: Value, expected: Result<Value, &str>, violations: &[&str]) {
        let Value::Object(body) = body else { panic!("an object") };
        let mut found = Vec::new();
        let read = read("PutIntegration", members, &body, &mut found);
        assert_eq!(read.map(Value::Object).map_err(|error| error.message), expected.map_err(str::to_owned));
        assert_eq!(found, violations);
    }

    #[test]
    fn recorded_messages() {
        let boolean = "class java.lang.Boolean can not be converted to an String";
        check("name", json!({"name": true}), Err(boolean), &[]);
        let number = "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String";
        check("description", json!({"description": 1}), Err(number), &[]);
        let kinds = "[HTTP, MOCK, AWS_PROXY, HTTP_PROXY, AWS]";
        let wrong = format!(
            "Value 'X' at 'putIntegrationInput.type' failed to satisfy constraint: Member must satisfy enum value set: {kinds}"
        );
        check("type:IntegrationType!", json!({"type": "X"}), Ok(json!({"type": "X"})), &[&wrong]);
        let types = "Value '[wrong]' at 'putIntegrationInput.endpointConfiguration.types' failed to satisfy constraint: \
                     Member must satisfy constraint: [Member must satisfy enum value set: [PRIVATE, EDGE, REGIONAL]]";
        let body = json!({"endpointConfiguration": {"types": ["wrong"]}});
        check("endpointConfiguration:EndpointConfiguration", body.clone(), Ok(body), &[types]);
        let op = "Value 'x' at 'putIntegrationInput.patchOperations.2.member.op' failed to satisfy constraint: \
                  Member must satisfy enum value set: [add, remove, move, test, replace, copy]";
        let body = json!({"patchOperations": [{"op": "add"}, {"op": "x"}]});
        check("patchOperations[]:PatchOperation", body.clone(), Ok(body), &[op]);
    }

    #[test]
    fn what_is_unknown_or_null_is_left_out() {
        check("name", json!({"name": null, "nmae": 7}), Ok(json!({})), &[]);
        let null = "Value null at 'putIntegrationInput.name' failed to satisfy constraint: Member must not be null";
        check("name!", json!({}), Ok(json!({})), &[null]);
        check("t{}", json!({"t": {"a": null, "b": "c"}}), Ok(json!({"t": {"a": null, "b": "c"}})), &[]);
    }

    #[test]
    fn numbers() {
        check("t:int", json!({"t": 29000.0}), Ok(json!({"t": 29000})), &[]);
        check("t:double", json!({"t": 50}), Ok(json!({"t": 50.0})), &[]);
        check("t:int", json!({"t": "5"}), Err("class java.lang.String can not be converted to an Integer"), &[]);
        check("t:int", json!({"t": [5]}), Err("Start of list found where not expected"), &[]);
    }
}
