//! `endpointConfiguration` of APIs and domain names: exactly one type, and the addresses that go with it.

use serde_json::{Value, json};

use super::common::object;
use super::errors::AwsError;
use super::patch::{Operation, set};
use crate::model::api_rows::Object;

/// What a creation gives, with AWS's defaults: EDGE, and ipv4 but for PRIVATE.
pub fn given(configuration: Option<&Object>) -> Result<Value, AwsError> {
    let empty = Object::new();
    let configuration = configuration.unwrap_or(&empty);
    let kind = match configuration.get("types").and_then(Value::as_array).map(Vec::as_slice) {
        None => "EDGE",
        Some([]) => {
            return Err(AwsError::bad_request(
                "REGIONAL Configuration and EDGE Configuration cannot be both DISABLED.",
            ));
        }
        Some([one]) => one.as_str().unwrap_or("EDGE"),
        Some(_) => return Err(AwsError::bad_request("Cannot create an api with multiple Endpoint Types.")),
    };
    let address = configuration.get("ipAddressType").and_then(Value::as_str);
    if kind == "PRIVATE" && address == Some("ipv4") {
        return Err(only_dualstack());
    }
    let address = address.unwrap_or(if kind == "PRIVATE" { "dualstack" } else { "ipv4" });
    let endpoints = configuration.get("vpcEndpointIds").filter(|ids| ids.as_array().is_some_and(|ids| !ids.is_empty()));
    Ok(Value::Object(object([
        ("types", Some(json!([kind]))),
        ("ipAddressType", Some(address.into())),
        ("vpcEndpointIds", endpoints.cloned()),
    ])))
}

/// One operation below `/endpointConfiguration`.
pub fn patch(row: &mut Object, operation: &Operation) -> Result<(), AwsError> {
    let path = operation.path();
    let place =
        row.entry("endpointConfiguration").or_insert_with(|| json!({"types": ["EDGE"], "ipAddressType": "ipv4"}));
    let Some(configuration) = place.as_object_mut() else {
        return Err(AwsError::bad_request(format!("Invalid patch path {path}")));
    };
    if let Some(old) = path.strip_prefix("/endpointConfiguration/types/") {
        return types(configuration, old, operation);
    }
    match path {
        "/endpointConfiguration/ipAddressType" if operation.op == "replace" => {
            let private = configuration.get("types").is_some_and(|types| types[0] == "PRIVATE");
            match operation.text() {
                "ipv4" if private => Err(only_dualstack()),
                address @ ("ipv4" | "dualstack") => {
                    set(configuration, "ipAddressType", address.into());
                    Ok(())
                }
                _ => Err(AwsError::bad_request("ipAddressType must be either ipv4 or dualstack.")),
            }
        }
        "/endpointConfiguration/vpcEndpointIds" if matches!(operation.op.as_str(), "add" | "remove") => {
            let ids = configuration.get("vpcEndpointIds").and_then(Value::as_array).cloned().unwrap_or_default();
            let mut ids: Vec<Value> = ids.into_iter().filter(|id| id.as_str() != Some(operation.text())).collect();
            if operation.op == "add" {
                ids.push(operation.text().into());
            }
            if ids.is_empty() {
                configuration.shift_remove("vpcEndpointIds");
            } else {
                set(configuration, "vpcEndpointIds", ids.into());
            }
            Ok(())
        }
        "/endpointConfiguration/ipAddressType" => {
            Err(AwsError::bad_request("Invalid patch operation specified. Must be one of: [replace]"))
        }
        "/endpointConfiguration/vpcEndpointIds" => {
            Err(AwsError::bad_request("Invalid patch operation specified. Must be one of: [add, remove]"))
        }
        _ => Err(AwsError::bad_request(format!("Invalid patch path {path}"))),
    }
}

/// `/types/EDGE` or `/types/0`; whatever the operation, one type is left.
fn types(configuration: &mut Object, old: &str, operation: &Operation) -> Result<(), AwsError> {
    if !matches!(operation.op.as_str(), "add" | "remove" | "replace") {
        return Err(AwsError::bad_request("Invalid patch operation specified. Must be 'add'|'remove'|'replace'"));
    }
    let known = ["REGIONAL", "EDGE", "PRIVATE"];
    let wrong = || AwsError::bad_request("Invalid EndpointTypes specified. Valid options are REGIONAL,EDGE,PRIVATE");
    if operation.op == "remove" {
        return Err(AwsError::bad_request("REGIONAL Configuration and EDGE Configuration cannot be both DISABLED."));
    }
    let fresh = match operation.value.as_deref() {
        Some(value) => value,
        None => old,
    };
    if !known.contains(&fresh) || !(old == "0" || known.contains(&old)) {
        return Err(wrong());
    }
    let was_private = configuration.get("types").is_some_and(|types| types[0] == "PRIVATE");
    set(configuration, "types", json!([fresh]));
    if was_private && fresh != "PRIVATE" {
        set(configuration, "ipAddressType", "ipv4".into());
        configuration.shift_remove("vpcEndpointIds");
    }
    if fresh == "PRIVATE" {
        set(configuration, "ipAddressType", "dualstack".into());
    }
    Ok(())
}

fn only_dualstack() -> AwsError {
    AwsError::bad_request("Only dualstack ipAddressType is supported for Private APIs.")
}
