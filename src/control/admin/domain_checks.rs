//! What a custom domain name may be called and have, however it came about.

use serde_json::Value;

use super::common::text_of;
use super::domain_targets::types;
use super::errors::AwsError;
use super::shapes;
use crate::model::api_rows::Object;
use crate::settings::limits::DOMAIN_NAME_CHARS_MAX;

/// A name of DNS with at least two labels, or `*.` and a name.
pub fn check_name(name: &str) -> Result<(), AwsError> {
    if name.is_empty() {
        return Err(AwsError::bad_request("No Domain Name specified"));
    }
    let host = name.strip_prefix("*.").unwrap_or(name);
    let label = |label: &str| {
        let bytes = label.as_bytes();
        matches!(bytes.len(), 1..=63)
            && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
            && bytes.first() != Some(&b'-')
            && bytes.last() != Some(&b'-')
    };
    // Hosts with `execute-api` in them are default endpoints: a domain must not take one over.
    let reserved = host.split('.').any(|label| label == "execute-api");
    if name.len() > DOMAIN_NAME_CHARS_MAX || !name.contains('.') || reserved || !host.split('.').all(label) {
        return Err(AwsError::bad_request("Invalid Domain Name specified"));
    }
    Ok(())
}

/// What holds for every domain, however it came about.
pub fn check(domain: &Object) -> Result<(), AwsError> {
    let count = types(domain).count();
    if count == 0 {
        return Err(AwsError::bad_request("REGIONAL Configuration and EDGE Configuration cannot be both DISABLED."));
    }
    let private = types(domain).any(|kind| kind == "PRIVATE");
    if private && count > 1 {
        return Err(AwsError::bad_request("Cannot create a domain name with PRIVATE and another Endpoint Type."));
    }
    let configuration = domain.get("endpointConfiguration").and_then(Value::as_object);
    match configuration.map_or("", |configuration| text_of(configuration, "ipAddressType")) {
        "dualstack" => {}
        "ipv4" if !private => {}
        "ipv4" => {
            return Err(AwsError::bad_request("Only dualstack ipAddressType is supported for Private domain names."));
        }
        _ => return Err(AwsError::bad_request("ipAddressType must be either ipv4 or dualstack.")),
    }
    for (member, enumeration) in [
        ("securityPolicy", "SecurityPolicy"),
        ("routingMode", "RoutingMode"),
        ("endpointAccessMode", "EndpointAccessMode"),
    ] {
        let values = shapes::enumeration(enumeration);
        if domain.get(member).and_then(Value::as_str).is_some_and(|value| !values.contains(&value)) {
            let values = values.join(",");
            return Err(AwsError::bad_request(format!("Invalid {member} specified. Valid options are {values}")));
        }
    }
    if text_of(domain, "securityPolicy").starts_with("SecurityPolicy_")
        && text_of(domain, "endpointAccessMode").is_empty()
    {
        return Err(AwsError::bad_request("endpointAccessMode must be specified with an enhanced security policy."));
    }
    if domain.contains_key("mutualTlsAuthentication") && !types(domain).eq(["REGIONAL"]) {
        return Err(AwsError::bad_request("Mutual TLS is supported only for Regional domain names."));
    }
    let policies = ["policy", "managementPolicy"].into_iter().filter_map(|name| domain.get(name)?.as_str());
    for policy in policies {
        if !private {
            return Err(AwsError::bad_request("Resource policies are supported only for private domain names."));
        }
        if serde_json::from_str::<Object>(policy).is_err() {
            return Err(AwsError::bad_request(
                "Invalid policy document. Please check the policy syntax and ensure that Principals are valid.",
            ));
        }
    }
    Ok(())
}

/// Certificates of a creation belong to its endpoint type.
pub fn check_certificates(domain: &Object) -> Result<(), AwsError> {
    let has = |members: [&str; 2]| members.iter().any(|member| domain.get(*member).is_some_and(Value::is_string));
    let one = |kind: &str| types(domain).eq([kind]);
    let what = if one("REGIONAL") && has(["certificateArn", "certificateName"]) {
        "Cannot import certificates for EDGE while REGIONAL is active."
    } else if one("EDGE") && has(["regionalCertificateArn", "regionalCertificateName"]) {
        "Cannot import certificates for REGIONAL while EDGE is active."
    } else {
        return Ok(());
    };
    Err(AwsError::bad_request(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let check = |name: &str, expected: bool| assert_eq!(check_name(name).is_ok(), expected, "{name}");
        for name in ["example.com", "a-b.c1.example", "*.example.com", "xn--bcher-kva.example"] {
            check(name, true);
        }
        for name in [
            "",
            "localhost",
            "A.example.com",
            "a..b",
            "-a.b",
            "a.*.b",
            "a*.b",
            "*.*.b",
            "a.b:80",
            "x.execute-api.y",
            "a.b.",
        ] {
            check(name, false);
        }
        check(&format!("{}.b", "a".repeat(64)), false);
    }
}
