//! An access log format to its pieces.

use super::access_log::{Format, OUTCOME_VARIABLES, Piece};
use crate::edge::exchange::Variable;

const AUTHORIZER: &str = "authorizer.";

/// Compiles a format; the error names the variable that does not exist.
pub fn compile(format: &str) -> Result<Format, String> {
    let mut pieces = Vec::new();
    let mut rest = format;
    while let Some(at) = rest.find("$context.") {
        push_text(&mut pieces, &rest[..at]);
        let behind = &rest[at + "$context.".len()..];
        let end = behind.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_'))).unwrap_or(behind.len());
        let name = behind[..end].trim_end_matches('.');
        let row = OUTCOME_VARIABLES.iter().find(|(known, _)| *known == name);
        let piece = match row {
            Some((_, variable)) => Piece::Outcome(*variable),
            None if name.starts_with(AUTHORIZER) => Piece::Authorizer(name[AUTHORIZER.len()..].into()),
            None => Piece::Request(Variable::named(name).ok_or_else(|| format!("$context.{name}"))?),
        };
        pieces.push(piece);
        rest = &behind[name.len()..];
    }
    push_text(&mut pieces, rest);
    Ok(Format { pieces, json: format.trim_start().starts_with('{') })
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    if !text.is_empty() {
        pieces.push(Piece::Text(text.as_bytes().into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::exchange::{Context, DomainFacts, PathValues, Request, StageFacts};
    use crate::edge::watch::Failure;
    use crate::edge::watch::Outcome;

    #[track_caller]
    fn check(format: &str, expected: &str) {
        let request = Request::default();
        let stage = StageFacts { stage: "prod".into(), ..StageFacts::default() };
        let values = PathValues::default();
        let context = Context::new(&request, &stage, None, &values);
        let outcome = Outcome {
            status: 403,
            failure: Some(Box::new(Failure { error_message: Some("say \"no\"".into()), ..Failure::default() })),
            ..Outcome::default()
        };
        let mut line = Vec::new();
        compile(format).expect("a sound format").write(&context, &outcome, &mut line);
        assert_eq!(String::from_utf8_lossy(&line), format!("{expected}\n"));
    }

    #[test]
    fn lines() {
        check("$context.stage $context.status", "prod 403");
        check("$context.stage. $context.resourcePath", "prod. -");
        check("$context.identity.caller/$context.error.message", "-/say \"no\"");
        check(r#"{"m":"$context.error.message"}"#, r#"{"m":"say \"no\""}"#);
        check(r#"{"m":$context.error.messageString}"#, r#"{"m":"say \"no\""}"#);
        check("$5 $contextual", "$5 $contextual");
    }

    #[test]
    fn canaries_and_custom_domains() {
        let format =
            "$context.isCanaryRequest $context.customDomain.basePathMatched $context.customDomain.routingRuleIdMatched";
        check(format, "- - -");
        let request = Request::default();
        let stage = StageFacts { canary: Some(false), ..StageFacts::default() };
        let domain = DomainFacts { base_path: Some("orders".into()), routing_rule_id: None };
        let values = PathValues::default();
        let context = Context { domain: Some(&domain), ..Context::new(&request, &stage, None, &values) };
        let mut line = Vec::new();
        compile(format).expect("a sound format").write(&context, &Outcome::default(), &mut line);
        assert_eq!(String::from_utf8_lossy(&line), "false orders -\n");
    }

    #[test]
    fn what_an_authorizer_says_ends_no_line() {
        let said = serde_json::json!({"principalId": "x\r\nEvil", "claims": {"sub": "a\"b"}, "tenant": "blue"});
        let (request, stage, values) = (Request::default(), StageFacts::default(), PathValues::default());
        let context = Context { authorizer: said.as_object(), ..Context::new(&request, &stage, None, &values) };
        let mut written = Vec::new();
        let format = "$context.authorizer.principalId $context.authorizer.claims.sub $context.authorizer.tenant";
        compile(format).expect("a sound format").write(&context, &Outcome::default(), &mut written);
        assert_eq!(String::from_utf8_lossy(&written), "x\\r\\nEvil a\"b blue\n");
    }

    #[test]
    fn a_variable_that_does_not_exist_is_named() {
        assert_eq!(compile("$context.requestid").err().as_deref(), Some("$context.requestid"));
    }
}
