//! `execute-api:/stage/VERB/path` stands for the ARN of the API whose policy it is (security/iam-policy-engine section 3).

use serde_json::Value;

/// Writes it out in every statement; `api_arn` is `arn:aws:execute-api:us-east-1:123456789012:abcde12345`.
pub fn write_out(document: &mut Value, api_arn: &str) {
    let long = |text: &mut Value| {
        let rest = text.as_str().and_then(|text| text.strip_prefix("execute-api:"));
        let rest = match rest {
            Some("*") => "/*",
            Some(rest) if rest.starts_with('/') => rest,
            _ => return,
        };
        *text = format!("{api_arn}{rest}").into();
    };
    let statements = match document.get_mut("Statement") {
        Some(Value::Array(statements)) => statements.as_mut_slice(),
        Some(one) => std::slice::from_mut(one),
        None => return,
    };
    for statement in statements {
        for name in ["Resource", "NotResource"] {
            match statement.get_mut(name) {
                Some(Value::Array(texts)) => texts.iter_mut().for_each(long),
                Some(text) => long(text),
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn short_resources_are_this_apis() {
        let arn = "arn:aws:execute-api:eu-west-1:123456789012:abcde12345";
        let mut document = json!({"Statement": [
            {"Resource": ["execute-api:/*/GET/*", "execute-api:*", 1]},
            {"NotResource": "execute-api:/prod/POST/a"},
            {"Resource": "*"},
            "no statement",
        ]});
        write_out(&mut document, arn);
        assert_eq!(
            document,
            json!({"Statement": [
                {"Resource": [format!("{arn}/*/GET/*"), format!("{arn}/*"), 1]},
                {"NotResource": format!("{arn}/prod/POST/a")},
                {"Resource": "*"},
                "no statement",
            ]})
        );
        let mut one = json!({"Statement": {"Resource": "execute-api:/*"}});
        write_out(&mut one, arn);
        assert_eq!(one, json!({"Statement": {"Resource": format!("{arn}/*")}}));
        write_out(&mut json!([]), arn);
    }
}
