//! A resource policy as it is kept: compact JSON, its short ARNs written out (security/iam-policy-engine section 3).

use serde_json::Value;

use super::call::Facts;
use super::errors::AwsError;
use crate::lang::policy::{Policy, write_out};
use crate::lang::unique_json;
use crate::settings::limits::RESOURCE_POLICY_BYTES_MAX;

/// The policy with `execute-api:/stage/VERB/path` written out for this API, or what AWS says of one that is none.
pub fn kept(text: &str, facts: &Facts, account: &str, api_id: &str) -> Result<String, AwsError> {
    let invalid = || {
        AwsError::bad_request(
            "Invalid policy document. Please check the policy syntax and ensure that Principals are valid.",
        )
    };
    if text.len() > RESOURCE_POLICY_BYTES_MAX {
        return Err(invalid());
    }
    // As it is written, or as AWS answers it: escaped once more.
    let object = |text: &str| serde_json::from_str::<Value>(text).ok().filter(Value::is_object);
    let plain = object(text).map(|policy| (policy, text.to_owned()));
    let escaped = || {
        let text: String = serde_json::from_str(&format!("\"{text}\"")).ok()?;
        Some((object(&text)?, text))
    };
    let (mut policy, text) = plain.or_else(escaped).ok_or_else(invalid)?;
    // The text shows a member that stands twice; the value has what short resources stand for.
    write_out(&mut policy, &format!("arn:{}:execute-api:{}:{account}:{api_id}", facts.partition, facts.region));
    unique_json::parse(text.as_bytes()).map_err(|_| invalid())?;
    Policy::of_resource_value(&policy).map_err(|_| invalid())?;
    Ok(policy.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_arns_are_written_out_and_nonsense_refused() {
        let facts = Facts::new("000000000000", "us-east-1", false);
        let kept = |text: &str| kept(text, &facts, "111111111111", "abc").map_err(|error| error.message);
        let policy = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*"}]}"#;
        let full = policy.replace("execute-api:/*", "arn:aws:execute-api:us-east-1:111111111111:abc/*");
        assert_eq!(kept(policy), Ok(full));
        for wrong in ["", "[]", "{}", r#"{"Statement":[{"Effect":"allow","Principal":"*","Action":"*"}]}"#] {
            assert!(kept(wrong).is_err_and(|message| message.starts_with("Invalid policy document.")), "{wrong}");
        }
    }
}
