//! Accesses of VPC endpoints to private domain names: `domainnameaccessassociations/{id}`, where the id is what their
//! ARN ends with.

use serde_json::json;

use super::call::{Call, Reply, Turn};
use super::common::{shown, text_of, without_empty_tags};
use super::domain_targets::account_arn;
use super::errors::AwsError;
use super::paging::sorted_page;
use super::tags;
use crate::model::api_rows::Object;
use crate::settings::limits::ACCESS_ASSOCIATIONS_MAX;

pub fn create(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let given = |name: &str| call.text(name).unwrap_or_default();
    let domain = domain_of(turn, given("domainNameArn"))?;
    let source = given("accessAssociationSource");
    let is_endpoint = source.strip_prefix("vpce-").is_some_and(|id| {
        !id.is_empty() && source.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    });
    if !is_endpoint {
        return Err(AwsError::bad_request(
            "Invalid access association source specified. Must be the ID of a VPC endpoint",
        ));
    }
    tags::check(call.object("tags"))?;
    let id = format!("domainname/{domain}/vpcesource/{source}");
    let associations = turn.children(&["domainnameaccessassociations"]);
    if turn.has(&["domainnameaccessassociations", &id]) {
        return Err(AwsError::conflict("Domain name access association already exists"));
    }
    if associations.len() >= ACCESS_ASSOCIATIONS_MAX {
        return Err(AwsError::limit(
            "Maximum number of domain name access associations for this account has been reached. Please contact AWS if \
             you need additional domain name access associations.",
        ));
    }
    let mut association = Object::new();
    let arn = account_arn(turn.facts, &format!("/domainnameaccessassociations/{id}"));
    association.insert("domainNameAccessAssociationArn".into(), arn.into());
    association.extend(call.given(&[
        "domainNameArn",
        "accessAssociationSourceType",
        "accessAssociationSource",
        "tags",
    ]));
    association.insert("_id".into(), json!(id));
    turn.put(&["domainnameaccessassociations", &id], &association);
    Ok(Reply::Object(shown(association)))
}

pub fn list(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut associations = turn.children(&["domainnameaccessassociations"]);
    if call.query("resourceOwner") == Some("OTHER_ACCOUNTS") {
        // There is one account.
        associations.clear();
    }
    sorted_page(call, associations, |association| text_of(association, "_id").to_owned(), without_empty_tags)
}

pub fn delete(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let id = found(turn, call.path("domain_name_access_association_arn"))?;
    turn.delete(&["domainnameaccessassociations", &id]);
    Ok(Reply::Empty)
}

/// The owner of the domain ends an access that another account asked for. With one account it is the same as `delete`.
pub fn reject(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let given = |name: &str| call.query(name).or_else(|| call.text(name)).unwrap_or_default();
    domain_of(turn, given("domainNameArn"))?;
    let id = found(turn, given("domainNameAccessAssociationArn"))?;
    let association = turn.get(&["domainnameaccessassociations", &id]).unwrap_or_default();
    if text_of(&association, "domainNameArn") != given("domainNameArn") {
        return Err(not_found());
    }
    turn.delete(&["domainnameaccessassociations", &id]);
    Ok(Reply::Empty)
}

/// `{name}+{domainNameId}` of a private domain.
fn domain_of(turn: &Turn<'_>, arn: &str) -> Result<String, AwsError> {
    let row = arn.rsplit_once(":/domainnames/").map_or("", |(_, row)| row);
    match turn.get(&["domainnames", row]) {
        Some(domain) if text_of(&domain, "domainNameArn") == arn && domain.contains_key("domainNameId") => {
            Ok(row.to_owned())
        }
        _ => Err(AwsError::not_found("Invalid domain name identifier specified")),
    }
}

fn found(turn: &Turn<'_>, arn: &str) -> Result<String, AwsError> {
    let id = arn.rsplit_once(":/domainnameaccessassociations/").map_or("", |(_, id)| id);
    match turn.get(&["domainnameaccessassociations", id]) {
        Some(association) if text_of(&association, "domainNameAccessAssociationArn") == arn => Ok(id.to_owned()),
        _ => Err(not_found()),
    }
}

fn not_found() -> AwsError {
    AwsError::not_found("Invalid domain name access association identifier specified")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::trial::Trial;
    use super::*;

    const DOMAIN: &str = "arn:aws:apigateway:us-east-1:000000000000:/domainnames/d.example+id";
    const ARN: &str = "arn:aws:apigateway:us-east-1:000000000000:/domainnameaccessassociations/domainname/d.example+id/vpcesource/vpce-1";

    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.put(&["domainnames", "d.example+id"], json!({"domainNameArn": DOMAIN, "domainNameId": "id"}));
        trial
    }

    fn add(trial: &mut Trial, domain: &str, source: &str) -> Result<Value, (u16, String)> {
        let body =
            json!({"domainNameArn": domain, "accessAssociationSourceType": "VPCE", "accessAssociationSource": source});
        trial.call(create, &[], &[], body).map_err(|error| (error.status, error.message))
    }

    #[test]
    fn an_access_comes_and_goes() {
        let mut trial = trial();
        let made = add(&mut trial, DOMAIN, "vpce-1").expect("an access");
        assert_eq!(made["domainNameAccessAssociationArn"], json!(ARN));
        assert_eq!(trial.call(list, &[], &[], json!({})), Ok(json!({ "item": [made] })));
        let others = trial.call(list, &[], &[("resourceOwner", "OTHER_ACCOUNTS")], json!({}));
        assert_eq!(others, Ok(json!({"item": []})));
        let path = [("domain_name_access_association_arn", ARN)];
        assert_eq!(trial.call(delete, &path, &[], json!({})), Ok(Value::Null));
        assert_eq!(trial.call(delete, &path, &[], json!({})).expect_err("it has gone").status, 404);
        add(&mut trial, DOMAIN, "vpce-1").expect("again");
        let query = [("domainNameAccessAssociationArn", ARN), ("domainNameArn", DOMAIN)];
        assert_eq!(trial.call(reject, &[], &query, json!({})), Ok(Value::Null));
        assert_eq!(trial.call(list, &[], &[], json!({})), Ok(json!({"item": []})));
    }

    #[test]
    fn what_makes_no_access() {
        let mut trial = trial();
        let unknown = (404, "Invalid domain name identifier specified".to_owned());
        assert_eq!(add(&mut trial, "x", "vpce-1"), Err(unknown));
        assert_eq!(add(&mut trial, DOMAIN, "eni-1").map_err(|error| error.0), Err(400));
        add(&mut trial, DOMAIN, "vpce-1").expect("one");
        let twice = (409, "Domain name access association already exists".to_owned());
        assert_eq!(add(&mut trial, DOMAIN, "vpce-1"), Err(twice));
    }
}
