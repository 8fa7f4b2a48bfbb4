//! What a patch may change of a stage: its members, variables, access log, canary and method settings
//! (control-plane/v1-patch, the Stage row).

use serde_json::{Value, json};

use super::call::{Call, Turn};
use super::common::{inner, object, text};
use super::errors::AwsError;
use super::patch::{Operation, set};
use super::stage_checks::{documentation_version, no_deployment, percent_in_bounds, variables, wrong_percent};
use crate::model::api_rows::Object;
use crate::settings::limits::{ACCESS_LOG_FORMAT_BYTES_MAX, METHOD_SETTINGS_MAX};

pub fn apply(turn: &Turn<'_>, call: &Call, row: &mut Object, operation: &Operation) -> Result<(), AwsError> {
    let path = operation.path();
    let op = operation.op.as_str();
    if op == "copy" {
        return promote(row, operation);
    }
    if path == "/canarySettings" || path.starts_with("/canarySettings/") {
        return canary(turn, call, row, operation);
    }
    if path == "/accessLogSettings" || path.starts_with("/accessLogSettings/") {
        return access_log(turn, row, operation);
    }
    if let Some(name) = path.strip_prefix("/variables/").filter(|name| !name.is_empty() && !name.contains('/')) {
        return variable(row, "variables", name, operation);
    }
    if op == "remove" {
        return remove_setting(row, operation);
    }
    if op != "replace" {
        return Err(AwsError::bad_request(format!("Invalid {op} operation with path: {path}")));
    }
    match path {
        "/deploymentId" => {
            if !turn.has(&["restapis", call.path("restapi_id"), "deployments", operation.text()]) {
                return Err(no_deployment());
            }
            set(row, "deploymentId", operation.text().into());
        }
        "/description" => set(row, "description", operation.text().into()),
        "/clientCertificateId" if operation.text().is_empty() => {
            row.shift_remove("clientCertificateId");
        }
        "/clientCertificateId" => {
            if !turn.has(&["clientcertificates", operation.text()]) {
                return Err(AwsError::bad_request("Invalid Client Certificate identifier specified"));
            }
            if !turn.facts.lenient {
                return Err(AwsError::bad_request(
                    "Weir does not show client certificates to backends yet, so nothing was changed. Start it with --lenient \
                     to keep the setting all the same.",
                ));
            }
            set(row, "clientCertificateId", operation.text().into());
        }
        "/documentationVersion" => {
            documentation_version(turn, call.path("restapi_id"), Some(operation.text()))?;
            set(row, "documentationVersion", operation.text().into());
        }
        "/cacheClusterEnabled" => set(row, "cacheClusterEnabled", operation.boolean().into()),
        "/cacheClusterSize" => {
            if !super::shapes::enumeration("CacheClusterSize").contains(&operation.text()) {
                return Err(AwsError::bad_request("Invalid cache cluster size specified"));
            }
            set(row, "cacheClusterSize", operation.text().into());
        }
        "/tracingEnabled" => set(row, "tracingEnabled", operation.boolean().into()),
        _ => return method_setting(turn, row, operation),
    }
    Ok(())
}

fn variable(owner: &mut Object, member: &str, name: &str, operation: &Operation) -> Result<(), AwsError> {
    let mut all = inner(owner, member).cloned().unwrap_or_default();
    match operation.op.as_str() {
        "add" | "replace" => {
            all.insert(name.to_owned(), operation.text().into());
            variables(&all)?;
        }
        "remove" => {
            all.shift_remove(name);
        }
        op => return Err(AwsError::bad_request(format!("Invalid {op} operation with path: {}", operation.path()))),
    }
    if all.is_empty() {
        owner.shift_remove(member);
    } else {
        set(owner, member, Value::Object(all));
    }
    Ok(())
}

fn access_log(turn: &Turn<'_>, row: &mut Object, operation: &Operation) -> Result<(), AwsError> {
    let path = operation.path();
    match (operation.op.as_str(), path) {
        ("remove", "/accessLogSettings") => {
            row.shift_remove("accessLogSettings");
            return Ok(());
        }
        ("remove", _) => return remove_setting(row, operation),
        ("add" | "replace", "/accessLogSettings/destinationArn" | "/accessLogSettings/format") => {}
        _ => {
            return Err(AwsError::bad_request(
                "Invalid accessLogSettings path. Must be one of : [/accessLogSettings/destinationArn, \
                 /accessLogSettings/format]",
            ));
        }
    }
    if operation.text().is_empty() {
        return Err(AwsError::bad_request("Access Log value must not be empty"));
    }
    needs_role(turn)?;
    let member = path.trim_start_matches("/accessLogSettings/");
    if member == "format" {
        access_log_format(operation.text())?;
    }
    let mut settings = inner(row, "accessLogSettings").cloned().unwrap_or_default();
    set(&mut settings, member, operation.text().trim_end_matches('\n').into());
    set(row, "accessLogSettings", Value::Object(settings));
    Ok(())
}

/// rest/14 section 14.4.
fn access_log_format(format: &str) -> Result<(), AwsError> {
    if format.len() > ACCESS_LOG_FORMAT_BYTES_MAX {
        return Err(AwsError::bad_request("Access Log Format exceeds the maximum size of 3 KB"));
    }
    if !format.contains("$context.requestId") && !format.contains("$context.extendedRequestId") {
        return Err(AwsError::bad_request(
            "Invalid Access Log Format. Access Log Format must contain $context.requestId or $context.extendedRequestId",
        ));
    }
    if format.trim_end_matches('\n').contains(['\n', '\r']) {
        return Err(AwsError::bad_request("Invalid Access Log Format. Access Log Format must be single line"));
    }
    Ok(())
}

fn needs_role(turn: &Turn<'_>) -> Result<(), AwsError> {
    let account = turn.get(&["account"]).unwrap_or_default();
    if text(&account, "cloudwatchRoleArn").is_some_and(|role| !role.is_empty()) {
        return Ok(());
    }
    Err(AwsError::bad_request("CloudWatch Logs role ARN must be set in account settings to enable logging"))
}

fn canary(turn: &Turn<'_>, call: &Call, row: &mut Object, operation: &Operation) -> Result<(), AwsError> {
    let path = operation.path();
    match (operation.op.as_str(), path) {
        ("remove", "/canarySettings") => {
            row.shift_remove("canarySettings");
            return Ok(());
        }
        ("remove", _) if !path.starts_with("/canarySettings/stageVariableOverrides/") => {
            return remove_setting(row, operation);
        }
        ("replace" | "remove", _) => {}
        (op, _) => return Err(AwsError::bad_request(format!("Invalid {op} operation with path: {path}"))),
    }
    // Recorded: a replace makes a canary with the defaults where there is none.
    let mut canary = inner(row, "canarySettings").cloned().unwrap_or_else(|| {
        object([
            ("percentTraffic", Some(json!(0.0))),
            ("deploymentId", row.get("deploymentId").cloned()),
            ("useStageCache", Some(false.into())),
        ])
    });
    match path.trim_start_matches("/canarySettings/") {
        "percentTraffic" => {
            let percent = operation.text().parse::<f64>().ok().filter(|percent| percent.is_finite());
            let percent = percent.ok_or_else(wrong_percent)?;
            percent_in_bounds(percent)?;
            set(&mut canary, "percentTraffic", percent.into());
        }
        "deploymentId" => {
            if !turn.has(&["restapis", call.path("restapi_id"), "deployments", operation.text()]) {
                return Err(no_deployment());
            }
            set(&mut canary, "deploymentId", operation.text().into());
        }
        "useStageCache" => set(&mut canary, "useStageCache", operation.boolean().into()),
        rest => match rest.strip_prefix("stageVariableOverrides/").filter(|name| !name.is_empty()) {
            Some(name) => variable(&mut canary, "stageVariableOverrides", name, operation)?,
            None => return Err(wrong_path(path)),
        },
    }
    set(row, "canarySettings", Value::Object(canary));
    Ok(())
}

/// `copy` from the canary into the stage. The canary stays until it is removed.
fn promote(row: &mut Object, operation: &Operation) -> Result<(), AwsError> {
    let from = operation.from.as_deref().unwrap_or("null");
    let path = operation.path();
    let known =
        [("/deploymentId", "/canarySettings/deploymentId"), ("/variables", "/canarySettings/stageVariableOverrides")];
    if !known.contains(&(path, from)) {
        return Err(AwsError::bad_request(format!(
            "Invalid copy operation with path: {path} and from {from}. Valid copy:path are [/deploymentId, /variables] and \
             valid copy:from are [/canarySettings/deploymentId, /canarySettings/stageVariableOverrides]"
        )));
    }
    let Some(canary) = inner(row, "canarySettings").cloned() else {
        return Err(AwsError::bad_request("Promotion not available. Canary does not exist."));
    };
    if path == "/deploymentId" {
        let id = canary.get("deploymentId").cloned().unwrap_or_default();
        set(row, "deploymentId", id);
        return Ok(());
    }
    let mut variables = inner(row, "variables").cloned().unwrap_or_default();
    variables.extend(inner(&canary, "stageVariableOverrides").cloned().unwrap_or_default());
    if !variables.is_empty() {
        set(row, "variables", Value::Object(variables));
    }
    Ok(())
}

/// `remove /{path}/{METHOD}` takes a whole entry away.
fn remove_setting(row: &mut Object, operation: &Operation) -> Result<(), AwsError> {
    let key = operation.path().strip_prefix('/').unwrap_or(operation.path());
    let settings = row.get_mut("methodSettings").and_then(Value::as_object_mut);
    if settings.is_some_and(|settings| settings.shift_remove(key).is_some()) {
        return Ok(());
    }
    // The blank at the end is AWS's.
    Err(AwsError::bad_request(format!(
        "Cannot remove method setting {key} because there is no method setting for this method "
    )))
}

/// `replace /{path}/{METHOD}/throttling/rateLimit` and its like.
fn method_setting(turn: &Turn<'_>, row: &mut Object, operation: &Operation) -> Result<(), AwsError> {
    let path = operation.path();
    let mut parts = path.rsplitn(3, '/');
    let (name, group, key) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next());
    let key =
        key.and_then(|key| key.strip_prefix('/')).filter(|key| is_method_key(key)).ok_or_else(|| wrong_path(path))?;
    let wrong = || AwsError::bad_request(format!("Invalid method setting value: {}", operation.text()));
    let (member, value): (&str, Value) = match (group, name) {
        ("metrics", "enabled") => ("metricsEnabled", operation.boolean().into()),
        ("logging", "dataTrace") => ("dataTraceEnabled", operation.boolean().into()),
        ("logging", "loglevel") => {
            let level = operation.text();
            match level {
                "OFF" => {}
                "ERROR" | "INFO" => needs_role(turn)?,
                _ => {
                    return Err(AwsError::bad_request(
                        "Invalid logging level specified. Must be one of: [OFF, ERROR, INFO]",
                    ));
                }
            }
            ("loggingLevel", level.into())
        }
        ("throttling", "burstLimit") => {
            let burst = operation.text().parse::<f64>().ok().filter(|burst| *burst >= -1.0 && burst.fract() == 0.0);
            let burst = burst.filter(|burst| *burst <= f64::from(i32::MAX)).ok_or_else(wrong)?;
            ("throttlingBurstLimit", (burst as i64).into())
        }
        ("throttling", "rateLimit") => {
            let rate = operation.text().parse::<f64>().ok().filter(|rate| rate.is_finite() && *rate >= -1.0);
            ("throttlingRateLimit", rate.ok_or_else(wrong)?.into())
        }
        ("caching", "enabled") => ("cachingEnabled", operation.boolean().into()),
        ("caching", "ttlInSeconds") => {
            let seconds = operation.text().parse::<i64>().ok().filter(|seconds| (0..=3600).contains(seconds));
            ("cacheTtlInSeconds", seconds.ok_or_else(wrong)?.into())
        }
        ("caching", "dataEncrypted") => ("cacheDataEncrypted", operation.boolean().into()),
        ("caching", "requireAuthorizationForCacheControl") => {
            ("requireAuthorizationForCacheControl", operation.boolean().into())
        }
        ("caching", "unauthorizedCacheControlHeaderStrategy") => {
            let known = ["FAIL_WITH_403", "SUCCEED_WITH_RESPONSE_HEADER", "SUCCEED_WITHOUT_RESPONSE_HEADER"];
            if !known.contains(&operation.text()) {
                return Err(wrong());
            }
            ("unauthorizedCacheControlHeaderStrategy", operation.text().into())
        }
        _ => return Err(wrong_path(path)),
    };
    let settings = row.entry("methodSettings").or_insert_with(|| json!({}));
    let Some(settings) = settings.as_object_mut() else { return Err(wrong_path(path)) };
    if settings.len() >= METHOD_SETTINGS_MAX && !settings.contains_key(key) {
        return Err(AwsError::limit(format!("A stage may have at most {METHOD_SETTINGS_MAX} method settings")));
    }
    let entry = settings.entry(key).or_insert_with(|| Value::Object(default_setting()));
    if let Some(entry) = entry.as_object_mut() {
        set(entry, member, value);
    }
    Ok(())
}

/// `*/*`, or a path and a verb.
fn is_method_key(key: &str) -> bool {
    let Some((path, verb)) = key.rsplit_once('/').or(Some(("", key))) else { return false };
    match verb {
        "*" => path == "*",
        "GET" | "PUT" | "POST" | "DELETE" | "PATCH" | "OPTIONS" | "HEAD" | "ANY" => path != "*",
        _ => false,
    }
}

/// What an entry begins with (v1-operations, `MethodSetting`).
fn default_setting() -> Object {
    object([
        ("metricsEnabled", Some(false.into())),
        ("dataTraceEnabled", Some(false.into())),
        ("throttlingBurstLimit", Some(5000.into())),
        ("throttlingRateLimit", Some(json!(10_000.0))),
        ("cachingEnabled", Some(false.into())),
        ("cacheTtlInSeconds", Some(300.into())),
        ("cacheDataEncrypted", Some(false.into())),
        ("requireAuthorizationForCacheControl", Some(true.into())),
        ("unauthorizedCacheControlHeaderStrategy", Some("SUCCEED_WITH_RESPONSE_HEADER".into())),
    ])
}

/// One long string, with the commas that AWS left out.
fn wrong_path(path: &str) -> AwsError {
    AwsError::bad_request(format!(
        "Invalid method setting path: {path}. Must be one of: [/deploymentId, /description, /cacheClusterEnabled, \
         /cacheClusterSize, /clientCertificateId, /accessLogSettings, /accessLogSettings/destinationArn, \
         /accessLogSettings/format, /{{resourcePath}}/{{httpMethod}}/metrics/enabled, \
         /{{resourcePath}}/{{httpMethod}}/logging/dataTrace, /{{resourcePath}}/{{httpMethod}}/logging/loglevel, \
         /{{resourcePath}}/{{httpMethod}}/throttling/burstLimit/{{resourcePath}}/{{httpMethod}}/throttling/rateLimit\
         /{{resourcePath}}/{{httpMethod}}/caching/ttlInSeconds, /{{resourcePath}}/{{httpMethod}}/caching/enabled, \
         /{{resourcePath}}/{{httpMethod}}/caching/dataEncrypted, \
         /{{resourcePath}}/{{httpMethod}}/caching/requireAuthorizationForCacheControl, \
         /{{resourcePath}}/{{httpMethod}}/caching/unauthorizedCacheControlHeaderStrategy, /*/*/metrics/enabled, \
         /*/*/logging/dataTrace, /*/*/logging/loglevel, /*/*/throttling/burstLimit /*/*/throttling/rateLimit \
         /*/*/caching/ttlInSeconds, /*/*/caching/enabled, /*/*/caching/dataEncrypted, \
         /*/*/caching/requireAuthorizationForCacheControl, /*/*/caching/unauthorizedCacheControlHeaderStrategy, \
         /variables/{{variable_name}}, /tracingEnabled]"
    ))
}
