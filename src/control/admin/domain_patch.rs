//! What `update-domain-name` may change (control-plane/v1-patch); whether the outcome may be is in `domain_checks.rs`.

use serde_json::Value;

use super::common::text_of;
use super::domain_targets::types;
use super::errors::AwsError;
use super::patch::{self, Kind, Operation, REPLACE, Rule, Wording, rule};
use super::shapes;
use crate::model::api_rows::Object;

const RULES: &[Rule] = &[
    rule("/certificateArn", REPLACE, Kind::Clearable),
    rule("/certificateName", REPLACE, Kind::Clearable),
    rule("/endpointAccessMode", REPLACE, Kind::Clearable),
    rule("/endpointConfiguration/ipAddressType", REPLACE, Kind::Text),
    rule("/managementPolicy", REPLACE, Kind::Clearable),
    rule("/ownershipVerificationCertificateArn", REPLACE, Kind::Clearable),
    rule("/policy", REPLACE, Kind::Clearable),
    rule("/regionalCertificateArn", REPLACE, Kind::Clearable),
    rule("/regionalCertificateName", REPLACE, Kind::Clearable),
    rule("/routingMode", REPLACE, Kind::Text),
    rule("/securityPolicy", REPLACE, Kind::Text),
];
const WORDING: Wording = Wording::Listing(
    "/certificateArn, /certificateName, /endpointAccessMode, /endpointConfiguration/ipAddressType, \
     /endpointConfiguration/types/{type}, /managementPolicy, /mutualTlsAuthentication/truststoreUri, \
     /mutualTlsAuthentication/truststoreVersion, /ownershipVerificationCertificateArn, /policy, \
     /regionalCertificateArn, /regionalCertificateName, /routingMode, /securityPolicy",
);

pub fn apply(domain: &mut Object, operation: &Operation, lenient: bool) -> Result<(), AwsError> {
    let path = operation.path();
    if let Some(rest) = path.strip_prefix("/endpointConfiguration/types") {
        return change_types(domain, operation, rest.strip_prefix('/').unwrap_or_default());
    }
    match (operation.op.as_str(), path.strip_prefix("/mutualTlsAuthentication/")) {
        ("replace", Some(member @ ("truststoreUri" | "truststoreVersion"))) => {
            let mut mutual =
                domain.get("mutualTlsAuthentication").and_then(Value::as_object).cloned().unwrap_or_default();
            patch::set(&mut mutual, member, operation.text().into());
            set_mutual_tls(domain, mutual, lenient)
        }
        _ => patch::apply_one(domain, operation, RULES, WORDING),
    }
}

/// Mutual TLS as it is wanted. Client certificates cannot be verified yet: to serve such a domain would be to leave it
/// open, so it is refused, or kept and closed (`domain_targets::computed`) where the operator asked for leniency. No
/// trust store is no mutual TLS.
pub fn set_mutual_tls(domain: &mut Object, mutual: Object, lenient: bool) -> Result<(), AwsError> {
    if text_of(&mutual, "truststoreUri").is_empty() {
        domain.shift_remove("mutualTlsAuthentication");
        return Ok(());
    }
    if !lenient {
        return Err(AwsError::bad_request(
            "Mutual TLS is not there yet: Weir cannot verify client certificates. Nothing was changed. With --lenient the \
             domain name is kept, and answers nobody.",
        ));
    }
    patch::set(domain, "mutualTlsAuthentication", mutual.into());
    Ok(())
}

/// `/types/0` (Terraform) and `/types/EDGE` name what is replaced or removed; `/types` with a value is enough as well.
fn change_types(domain: &mut Object, operation: &Operation, which: &str) -> Result<(), AwsError> {
    let mut kinds: Vec<String> = types(domain).map(str::to_owned).collect();
    let named = |name: &str| kinds.iter().position(|kind| kind == name);
    let at = match which.parse::<usize>() {
        Ok(at) => Some(at).filter(|at| *at < kinds.len()),
        Err(_) if which.is_empty() => named(operation.text()),
        Err(_) => named(which),
    };
    let value = match operation.text() {
        "" => which,
        value => value,
    };
    let invalid = || AwsError::bad_request("Invalid EndpointTypes specified. Valid options are REGIONAL,EDGE,PRIVATE");
    let valid = shapes::enumeration("EndpointType").contains(&value);
    match (operation.op.as_str(), at) {
        ("add" | "replace", _) if !valid => return Err(invalid()),
        ("add", _) if kinds.iter().any(|kind| kind == value) => {}
        ("add", _) => kinds.push(value.to_owned()),
        ("replace", Some(at)) => value.clone_into(&mut kinds[at]),
        ("replace", None) if kinds.len() == 1 => kinds = vec![value.to_owned()],
        ("remove", Some(at)) => drop(kinds.remove(at)),
        ("replace" | "remove", None) => return Err(invalid()),
        _ => {
            let what = "Invalid patch operation specified. Must be 'add'|'remove'|'replace'";
            return Err(AwsError::bad_request(what));
        }
    }
    kinds.dedup();
    if let Some(Value::Object(configuration)) = domain.get_mut("endpointConfiguration") {
        patch::set(configuration, "types", kinds.into());
    }
    Ok(())
}
