//! Client certificates: what a stage shows to its backends. AWS's are RSA; these are ECDSA P-256, whose keys are made in
//! microseconds. The private key stays in the row and is never shown.

use std::time::Duration;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use serde_json::Value;

use super::call::{Call, Reply, Turn};
use super::errors::AwsError;
use super::patch::{self, Kind, REPLACE, Rule, Wording, rule};
use super::{common, paging, tags};
use crate::model::api_rows::Object;
use crate::settings::limits::CLIENT_CERTIFICATE_LIFETIME;

const RULES: &[Rule] = &[rule("/description", REPLACE, Kind::Text)];

/// Where the private key is, as PEM.
pub const PRIVATE_KEY: &str = "_privateKey";

/// `GenerateClientCertificate`.
pub fn create(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let tags = tags::given(call)?;
    let id = turn.fresh_id(&["clientcertificates"], 6);
    let Some((certificate, key)) = generate(&id, turn.now) else {
        return Err(AwsError::unavailable("The certificate could not be generated. Please try again later."));
    };
    let mut row = Object::new();
    row.insert("clientCertificateId".into(), id.as_str().into());
    row.extend(call.given(&["description"]));
    row.insert("pemEncodedCertificate".into(), certificate.into());
    row.insert("createdDate".into(), turn.now.into());
    row.insert("expirationDate".into(), turn.now.saturating_add_unsigned(CLIENT_CERTIFICATE_LIFETIME.as_secs()).into());
    if let Some(tags) = tags {
        row.insert("tags".into(), Value::Object(tags));
    }
    row.insert(PRIVATE_KEY.into(), key.into());
    turn.put(&["clientcertificates", &id], &row);
    common::reply(row)
}

pub fn list(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let certificates = turn.children(&["clientcertificates"]).into_iter().map(common::shown).collect();
    paging::page(call, certificates, paging::member("clientCertificateId"))
}

pub fn get(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    common::reply(common::row(
        turn,
        &["clientcertificates", call.path("clientcertificate_id")],
        common::UNKNOWN_CLIENT_CERTIFICATE,
    )?)
}

pub fn update(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let id = call.path("clientcertificate_id");
    let mut row = common::row(turn, &["clientcertificates", id], common::UNKNOWN_CLIENT_CERTIFICATE)?;
    patch::apply(&mut row, &patch::operations(call), RULES, Wording::Plain)?;
    turn.put(&["clientcertificates", id], &row);
    common::reply(row)
}

pub fn delete(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let id = call.path("clientcertificate_id");
    common::row(turn, &["clientcertificates", id], common::UNKNOWN_CLIENT_CERTIFICATE)?;
    if let Some(stage) = user(turn, id) {
        return Err(AwsError::bad_request(format!(
            "Cannot delete Client Certificate '{id}', is referenced in stage: {stage}"
        )));
    }
    turn.delete(&["clientcertificates", id]);
    Ok(Reply::Empty)
}

/// The first stage that shows this certificate: `api/stage`.
fn user(turn: &Turn<'_>, id: &str) -> Option<String> {
    turn.children(&["restapis"]).iter().find_map(|api| {
        let api_id = common::text_of(api, "id");
        let stages = turn.children(&["restapis", api_id, "stages"]);
        let stage = stages.iter().find(|stage| common::text_of(stage, "clientCertificateId") == id)?;
        Some(format!("{api_id}/{}", common::text_of(stage, "stageName")))
    })
}

/// A certificate that signs itself, and its private key, both as PEM.
fn generate(id: &str, now: i64) -> Option<(String, String)> {
    let key = KeyPair::generate().ok()?;
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "Weir");
    name.push(DnType::CommonName, format!("ApiGateway {id}"));
    params.distinguished_name = name;
    params.not_before = date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(now).ok()?);
    params.not_after = params.not_before + CLIENT_CERTIFICATE_LIFETIME;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.self_signed(&key).ok()?;
    Some((certificate.pem(), key.serialize_pem()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::control::admin::trial::Trial;

    #[test]
    fn a_certificate_without_its_key() {
        let mut trial = Trial::new();
        let body = json!({"description": "d", "tags": {"a": "b"}});
        let shown = trial.call(create, &[], &[], body).expect("a certificate");
        let id = shown["clientCertificateId"].as_str().expect("an id").to_owned();
        let pem = shown["pemEncodedCertificate"].as_str().expect("a certificate");
        assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "{pem}");
        let lifetime = i64::try_from(CLIENT_CERTIFICATE_LIFETIME.as_secs()).expect("seconds");
        let dates = (&shown["createdDate"], &shown["expirationDate"]);
        assert_eq!(dates, (&json!(trial.now), &json!(trial.now + lifetime)));
        assert_eq!((&shown["description"], &shown["tags"]), (&json!("d"), &json!({"a": "b"})));
        assert!(!shown.to_string().contains("PRIVATE"), "{shown}");
        let row = trial.row(&["clientcertificates", &id]).expect("a row");
        assert!(row[PRIVATE_KEY].as_str().is_some_and(|key| key.starts_with("-----BEGIN PRIVATE KEY-----")));
        let path = &[("clientcertificate_id", id.as_str())];
        assert_eq!(trial.call(get, path, &[], Value::Null), Ok(shown.clone()));
        assert_eq!(trial.call(list, &[], &[], Value::Null), Ok(json!({"item": [shown]})));
        let patch = json!({"patchOperations": [{"op": "replace", "path": "/description", "value": "e"}]});
        assert_eq!(trial.call(update, path, &[], patch).expect("changed")["description"], "e");
    }

    #[test]
    fn one_in_use_stays() {
        let mut trial = Trial::new();
        trial.put(&["clientcertificates", "c"], json!({"clientCertificateId": "c"}));
        trial.put(&["restapis", "a"], json!({"id": "a"}));
        trial.put(&["restapis", "a", "stages", "dev"], json!({"stageName": "dev", "clientCertificateId": "c"}));
        let path = &[("clientcertificate_id", "c")];
        let error = trial.call(delete, path, &[], Value::Null).expect_err("in use");
        let message = "Cannot delete Client Certificate 'c', is referenced in stage: a/dev";
        assert_eq!((error.status, error.message.as_str()), (400, message));
        trial.put(&["restapis", "a", "stages", "dev"], json!({"stageName": "dev"}));
        assert_eq!(trial.call(delete, path, &[], Value::Null), Ok(Value::Null));
        let error = trial.call(get, path, &[], Value::Null).expect_err("gone");
        assert_eq!((error.status, error.message.as_str()), (404, common::UNKNOWN_CLIENT_CERTIFICATE));
    }
}
