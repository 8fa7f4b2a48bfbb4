//! Custom domain names: `domainnames/{name}`, and `domainnames/{name}+{domainNameId}` for private ones, of which several
//! may have one name.

use serde_json::json;

use super::call::{Call, Reply, Turn};
use super::common::{shown, text_of, without_empty_tags};
use super::domain_checks::{check, check_certificates, check_name};
use super::domain_targets::{computed, row_name, types};
use super::errors::AwsError;
use super::paging::sorted_page;
use super::{domain_patch, patch, tags};
use crate::model::api_rows::Object;
use crate::settings::limits::DOMAIN_NAMES_MAX;

/// Of what is given, what is shown as it was given.
const ECHOED: &[&str] = &[
    "certificateName",
    "certificateArn",
    "regionalCertificateName",
    "regionalCertificateArn",
    "ownershipVerificationCertificateArn",
    "endpointAccessMode",
    "policy",
    "tags",
];

pub fn create(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let name = call.text("domainName").unwrap_or_default();
    check_name(name)?;
    tags::check(call.object("tags"))?;
    let mut domain = Object::new();
    domain.insert("domainName".into(), name.into());
    domain.extend(call.given(ECHOED));
    domain.insert("endpointConfiguration".into(), endpoint_configuration(call).into());
    for (member, default) in [("securityPolicy", "TLS_1_2"), ("routingMode", "BASE_PATH_MAPPING_ONLY")] {
        domain.insert(member.into(), call.text(member).unwrap_or(default).into());
    }
    keep_certificate(turn, call, &mut domain);
    if let Some(mutual) = call.object("mutualTlsAuthentication") {
        domain_patch::set_mutual_tls(&mut domain, mutual.clone(), turn.facts.lenient)?;
    }
    check(&domain)?;
    check_certificates(&domain)?;
    computed(turn.facts, &mut domain, || turn.fresh_id(&[], 10));
    let row = row_name(&domain);
    if turn.has(&["domainnames", &row]) {
        return Err(AwsError::conflict("The domain name you provided already exists."));
    }
    let domains = turn.children(&["domainnames"]);
    let private = |domain: &Object| types(domain).any(|kind| kind == "PRIVATE");
    if domains.iter().filter(|known| private(known) == private(&domain)).count() >= DOMAIN_NAMES_MAX {
        return Err(AwsError::limit(
            "Maximum number of domain names for this account has been reached. Please contact AWS if you need additional \
             domain names.",
        ));
    }
    turn.put(&["domainnames", &row], &domain);
    Ok(Reply::Object(shown(domain)))
}

pub fn list(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut domains = turn.children(&["domainnames"]);
    if call.query("resourceOwner") == Some("OTHER_ACCOUNTS") {
        // There is one account.
        domains.clear();
    }
    sorted_page(call, domains, row_name, without_empty_tags)
}

pub fn get(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    Ok(Reply::Object(shown(find(turn, call)?.1)))
}

pub fn update(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let (row, mut domain) = find(turn, call)?;
    for operation in patch::operations(call) {
        domain_patch::apply(&mut domain, &operation, turn.facts.lenient)?;
    }
    check(&domain)?;
    computed(turn.facts, &mut domain, || turn.fresh_id(&[], 10));
    if row_name(&domain) != row {
        // Private domains are other objects, with other keys.
        return Err(AwsError::bad_request("Invalid EndpointTypes specified. PRIVATE cannot be changed to or from."));
    }
    turn.put(&["domainnames", &row], &domain);
    Ok(Reply::Object(shown(domain)))
}

/// With its mappings, its rules and the accesses to it.
pub fn delete(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let (row, domain) = find(turn, call)?;
    for association in turn.children(&["domainnameaccessassociations"]) {
        if text_of(&association, "domainNameArn") == text_of(&domain, "domainNameArn") {
            turn.delete(&["domainnameaccessassociations", text_of(&association, "_id")]);
        }
    }
    turn.delete_all(&["domainnames", &row]);
    Ok(Reply::Empty)
}

/// The domain that a call names in its path (v1 and v2 spell that differently) and, where it is private, its query; with
/// the segment of its key.
pub fn find(turn: &Turn<'_>, call: &Call) -> Result<(String, Object), AwsError> {
    let name = match call.path("domain_name") {
        "" => call.path("domainName"),
        name => name,
    };
    let row = match call.query("domainNameId").filter(|id| !id.is_empty()) {
        Some(id) => format!("{name}+{id}"),
        None => name.to_owned(),
    };
    match turn.get(&["domainnames", &row]) {
        // A name with an id in it is no way to a private domain.
        Some(domain) if text_of(&domain, "domainName") == name => Ok((row, domain)),
        _ => Err(AwsError::not_found("Invalid domain name identifier specified")),
    }
}

fn endpoint_configuration(call: &Call) -> Object {
    let given = call.object("endpointConfiguration");
    let member = |name: &str| given.and_then(|given| given.get(name)).cloned();
    let types = member("types").unwrap_or_else(|| json!(["EDGE"]));
    let private = types.as_array().is_some_and(|types| types.contains(&json!("PRIVATE")));
    let address = member("ipAddressType").unwrap_or_else(|| if private { "dualstack" } else { "ipv4" }.into());
    let mut configuration = Object::from_iter([("types".to_owned(), types), ("ipAddressType".to_owned(), address)]);
    configuration.extend(member("vpcEndpointIds").map(|ids| ("vpcEndpointIds".to_owned(), ids)));
    configuration
}

/// An uploaded certificate is kept and never shown.
fn keep_certificate(turn: &Turn<'_>, call: &Call, domain: &mut Object) {
    let members = [
        ("certificateBody", "_certificateBody"),
        ("certificateChain", "_certificateChain"),
        ("certificatePrivateKey", "_privateKey"),
    ];
    for (given, kept) in members {
        if let Some(pem) = call.body.get(given) {
            domain.insert(kept.into(), pem.clone());
        }
    }
    if domain.contains_key("_certificateBody") {
        domain.insert("certificateUploadDate".into(), turn.now.into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::call::Facts;
    use super::super::trial::Trial;
    use super::*;
    use crate::control::commit::definitions::Definitions;
    use crate::control::commit::store::Store;

    #[track_caller]
    fn refused(trial: &mut Trial, body: Value, status: u16, message: &str) {
        let error = trial.call(create, &[], &[], body).expect_err("no domain");
        assert_eq!((error.status, error.message.as_str()), (status, message));
    }

    fn of(kind: &str) -> Value {
        json!({"domainName": "api.example.com", "endpointConfiguration": {"types": [kind]}})
    }

    #[test]
    fn what_is_computed() {
        let mut trial = Trial::new();
        let mut body = json!({"domainName": "a.example.com", "certificateArn": "arn:c"});
        body["certificateBody"] = json!("PEM");
        body["certificatePrivateKey"] = json!("secret");
        let edge = trial.call(create, &[], &[], body).expect("a domain");
        let target = edge["distributionDomainName"].as_str().expect("a target");
        assert!(target.starts_with('d') && target.len() == "d".len() + 13 + ".cloudfront.net".len(), "{target}");
        let expected = json!({
            "domainName": "a.example.com",
            "certificateArn": "arn:c",
            "endpointConfiguration": {"types": ["EDGE"], "ipAddressType": "ipv4"},
            "securityPolicy": "TLS_1_2",
            "routingMode": "BASE_PATH_MAPPING_ONLY",
            "certificateUploadDate": 1_700_000_000,
            "distributionDomainName": target,
            "distributionHostedZoneId": "Z2FDTNDATAQYW2",
            "domainNameArn": "arn:aws:apigateway:us-east-1::/domainnames/a.example.com",
            "domainNameStatus": "AVAILABLE",
        });
        assert_eq!(edge, expected);
        assert_eq!(trial.row(&["domainnames", "a.example.com"]).expect("a row")["_privateKey"], json!("secret"));
        let regional = trial.call(create, &[], &[], of("REGIONAL")).expect("a domain");
        assert_eq!(regional["regionalHostedZoneId"], json!("Z1UJRXOUMOOFQ8"));
        assert!(regional["regionalDomainName"].as_str().is_some_and(
            |name| name.starts_with("d-") && name.len() == "d-0123456789.execute-api.us-east-1.amazonaws.com".len()
        ));
    }

    #[test]
    fn private_domains_have_an_id_in_their_name() {
        let mut trial = Trial::new();
        let first = trial.call(create, &[], &[], of("PRIVATE")).expect("a domain");
        let id = first["domainNameId"].as_str().expect("an id");
        let arn = format!("arn:aws:apigateway:us-east-1:000000000000:/domainnames/api.example.com+{id}");
        assert_eq!(
            (&first["domainNameArn"], &first["endpointConfiguration"]["ipAddressType"]),
            (&json!(arn), &json!("dualstack"))
        );
        trial.call(create, &[], &[], of("PRIVATE")).expect("another of this name");
        trial.call(create, &[], &[], of("REGIONAL")).expect("and a public one");
        refused(&mut trial, of("REGIONAL"), 409, "The domain name you provided already exists.");
        let path = [("domain_name", "api.example.com")];
        assert_eq!(trial.call(get, &path, &[("domainNameId", id)], json!({})), Ok(first.clone()));
        let row = trial.row(&["domainnames", &format!("api.example.com+{id}")]).expect("a row");
        assert_eq!(row["_closed"], json!(true));
        let mut patch = |path: &str, value: &str| {
            let body = json!({"patchOperations": [{"op": "replace", "path": path, "value": value}]});
            trial
                .call(update, &[("domain_name", "api.example.com")], &[("domainNameId", id)], body)
                .map_err(|error| error.message)
        };
        patch("/policy", "{}").expect("it");
        assert!(patch("/policy", "x").is_err_and(|message| message.starts_with("Invalid policy document.")));
        patch("/policy", "").expect("it");
        let public = patch("/endpointConfiguration/types/PRIVATE", "REGIONAL");
        assert_eq!(public, Err("Invalid EndpointTypes specified. PRIVATE cannot be changed to or from.".into()));
        let unknown = trial.call(get, &[("domain_name", &format!("api.example.com+{id}"))], &[], json!({}));
        assert_eq!(unknown.expect_err("no such name").message, "Invalid domain name identifier specified");
        trial.put(&["domainnames", &format!("api.example.com+{id}"), "basepathmappings", "x"], json!({}));
        assert_eq!(trial.call(delete, &path, &[("domainNameId", id)], json!({})), Ok(Value::Null));
        assert_eq!(trial.row(&["domainnames", &format!("api.example.com+{id}"), "basepathmappings", "x"]), None);
        let list = trial.call(list, &[], &[], json!({})).expect("a list");
        assert_eq!(list["item"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn rules() {
        let mut trial = Trial::new();
        let mut body = of("REGIONAL");
        body["certificateArn"] = json!("arn:c");
        refused(&mut trial, body, 400, "Cannot import certificates for EDGE while REGIONAL is active.");
        let mut body = of("REGIONAL");
        body["securityPolicy"] = json!("SecurityPolicy_TLS13_1_3_2025_09");
        refused(&mut trial, body, 400, "endpointAccessMode must be specified with an enhanced security policy.");
        let mut body = of("REGIONAL");
        body["mutualTlsAuthentication"] = json!({"truststoreUri": "s3://b/k"});
        let error = trial.call(create, &[], &[], body.clone()).expect_err("no domain");
        assert!(error.message.starts_with("Mutual TLS is not there yet"), "{}", error.message);
        let (definitions, store) = (Definitions::default(), Store::memory());
        let facts = Facts::new("000000000000", "us-east-1", true);
        let mut turn = Turn { draft: definitions.draft(), store: &store, facts: &facts, now: 0 };
        let call = Call { body: body.as_object().expect("an object").clone(), ..Call::default() };
        let Ok(Reply::Object(shown)) = create(&mut turn, &call) else { panic!("it is kept") };
        assert_eq!(
            (shown.get("_closed"), shown["mutualTlsAuthentication"].clone()),
            (None, json!({"truststoreUri": "s3://b/k"}))
        );
        assert_eq!(turn.get(&["domainnames", "api.example.com"]).expect("a row")["_closed"], json!(true));
    }

    #[test]
    fn patches() {
        let mut trial = Trial::new();
        trial.call(create, &[], &[], of("EDGE")).expect("a domain");
        let mut patch = |op: &str, path: &str, value: &str| {
            let body = json!({"patchOperations": [{"op": op, "path": path, "value": value}]});
            trial.call(update, &[("domain_name", "api.example.com")], &[], body).map_err(|error| error.message)
        };
        let regional = patch("replace", "/endpointConfiguration/types/0", "REGIONAL").expect("it");
        assert_eq!(regional["endpointConfiguration"]["types"], json!(["REGIONAL"]));
        assert!(regional.get("distributionDomainName").is_none() && regional["regionalDomainName"].is_string());
        let both = patch("add", "/endpointConfiguration/types", "EDGE").expect("it");
        assert_eq!(both["regionalDomainName"], regional["regionalDomainName"]);
        let edge = patch("remove", "/endpointConfiguration/types/REGIONAL", "").expect("it");
        assert_eq!(edge["endpointConfiguration"]["types"], json!(["EDGE"]));
        assert_eq!(patch("replace", "/certificateArn", "arn:d").expect("it")["certificateArn"], json!("arn:d"));
        let mode = patch("replace", "/routingMode", "ROUTING_RULE_ONLY").expect("it");
        assert_eq!(mode["routingMode"], json!("ROUTING_RULE_ONLY"));
        patch("replace", "/mutualTlsAuthentication/truststoreUri", "").expect("nothing to do");
        let mut refused = |op: &str, path: &str, value: &str, start: &str| {
            let message = patch(op, path, value).expect_err("no change");
            assert!(message.starts_with(start), "{message}");
        };
        refused("replace", "/mutualTlsAuthentication/truststoreUri", "s3://b/k", "Mutual TLS is not there yet");
        refused("replace", "/endpointConfiguration/types/0", "PRIVATE", "Only dualstack");
        refused("remove", "/endpointConfiguration/types/EDGE", "", "REGIONAL Configuration and EDGE");
        refused("move", "/endpointConfiguration/types/0", "EDGE", "Invalid patch operation specified. Must be 'add'");
        refused(
            "replace",
            "/certificate_name",
            "x",
            "Invalid patch path  '/certificate_name' specified for op 'replace'. Must be one of: [",
        );
        refused("replace", "/policy", "{}", "Resource policies are supported only for private domain names.");
    }
}
