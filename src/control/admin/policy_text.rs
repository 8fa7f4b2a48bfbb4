//! A resource policy as it is kept: compact JSON, its short ARNs written out (security/iam-policy-engine section 3).

use serde_json::Value;

use super::call::Facts;
use super::errors::AwsError;

/// AWS's cap on a resource policy, in bytes.
const BYTES_MAX: usize = 8192;

/// The policy with `execute-api:/stage/VERB/path` written out for this API, or what AWS says of one that is none.
pub fn kept(text: &str, facts: &Facts, account: &str, api_id: &str) -> Result<String, AwsError> {
    let invalid = || {
        AwsError::bad_request(
            "Invalid policy document. Please check the policy syntax and ensure that Principals are valid.",
        )
    };
    if text.len() > BYTES_MAX {
        return Err(invalid());
    }
    // As it is written, or as AWS answers it: escaped once more.
    let plain = serde_json::from_str::<Value>(text).ok().filter(Value::is_object);
    let escaped = || {
        let text: String = serde_json::from_str(&format!("\"{text}\"")).ok()?;
        serde_json::from_str::<Value>(&text).ok()
    };
    let mut policy = plain.or_else(escaped).ok_or_else(invalid)?;
    let statements = policy.get_mut("Statement").ok_or_else(invalid)?;
    let prefix = format!("arn:{}:execute-api:{}:{account}:{api_id}/", facts.partition, facts.region);
    let one = |statement: &mut Value| -> Result<(), AwsError> {
        let effect = statement.get("Effect").and_then(Value::as_str);
        let acts = statement.get("Action").or_else(|| statement.get("NotAction")).is_some();
        let who = statement.get("Principal").or_else(|| statement.get("NotPrincipal")).is_some();
        if !matches!(effect, Some("Allow" | "Deny")) || !acts || !who {
            return Err(invalid());
        }
        for member in ["Resource", "NotResource"] {
            match statement.get_mut(member) {
                Some(Value::Array(items)) => items.iter_mut().for_each(|item| write_out(item, &prefix)),
                Some(item) => write_out(item, &prefix),
                None => {}
            }
        }
        Ok(())
    };
    match statements {
        Value::Array(items) => items.iter_mut().try_for_each(one)?,
        statement => one(statement)?,
    }
    Ok(policy.to_string())
}

fn write_out(resource: &mut Value, prefix: &str) {
    if let Some(short) = resource.as_str().and_then(|text| text.strip_prefix("execute-api:/")) {
        *resource = format!("{prefix}{short}").into();
    }
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
