//! Parameter mappings: the forms that a key and its source can have (rest/04 section 4.4, rest/07 section 7.3).

/// Where a request mapping's value comes from, as far as a definition can be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source<'t> {
    /// `method.request.path.NAME`
    Path(&'t str),
    /// `method.request.querystring.NAME`, or all its values.
    Query(&'t str),
    /// `method.request.header.NAME`, or all its values.
    Header(&'t str),
    /// A body, the context, a stage variable or a constant: nothing that a method declares.
    Other,
}

/// `integration.request.{header|querystring|path}.NAME` to location and NAME.
pub(super) fn request_key(key: &str) -> Option<(&str, &str)> {
    let (location, name) = key.strip_prefix("integration.request.")?.split_once('.')?;
    (matches!(location, "header" | "querystring" | "path") && is_name(name)).then_some((location, name))
}

/// `method.response.header.NAME` to NAME.
pub(super) fn response_key(key: &str) -> Option<&str> {
    key.strip_prefix("method.response.header.").filter(|name| is_name(name))
}

/// AWS's words for an expression that it does not take (control-plane/v1-messages).
pub(super) fn invalid(expression: &str) -> String {
    refused(&format!("Invalid mapping expression specified: {expression}"))
}

/// AWS's frame around what its validation of an integration found.
pub(super) fn refused(error: &str) -> String {
    format!("Invalid mapping expression specified: Validation Result: warnings : [], errors : [{error}]")
}

pub(super) fn request_source(source: &str) -> Option<Source<'_>> {
    let Some(rest) = source.strip_prefix("method.request.") else { return common(source).then_some(Source::Other) };
    if rest == "body" || rest.strip_prefix("body.").is_some_and(|path| !path.is_empty()) {
        return Some(Source::Other);
    }
    let (location, name) = rest.split_once('.').filter(|(_, name)| is_name(name))?;
    match location {
        "path" => Some(Source::Path(name)),
        "querystring" | "multivaluequerystring" => Some(Source::Query(name)),
        "header" | "multivalueheader" => Some(Source::Header(name)),
        _ => None,
    }
}

pub(super) fn is_response_source(source: &str) -> bool {
    let Some(rest) = source.strip_prefix("integration.response.") else { return common(source) };
    match rest.split_once('.') {
        Some(("header" | "multivalueheader", name)) => is_name(name),
        Some(("body", path)) => !path.is_empty(),
        _ => rest == "body",
    }
}

/// `^[a-zA-Z0-9._$-]+$`
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'$' | b'-'))
}

/// `context.NAME`, `stageVariables.NAME` or `'constant'`.
fn common(source: &str) -> bool {
    let quoted = source.len() >= 2 && source.starts_with('\'') && source.ends_with('\'');
    let variable = source.strip_prefix("context.").or_else(|| source.strip_prefix("stageVariables."));
    quoted || variable.is_some_and(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: Option<Source<'_>>) {
        assert_eq!(request_source(source), expected);
    }

    #[test]
    fn sources_have_aws_forms() {
        check("method.request.path.id", Some(Source::Path("id")));
        check("method.request.multivaluequerystring.a", Some(Source::Query("a")));
        check("method.request.header.X-A", Some(Source::Header("X-A")));
        check("method.request.body", Some(Source::Other));
        check("method.request.body.a[0].b", Some(Source::Other));
        check("context.identity.sourceIp", Some(Source::Other));
        check("stageVariables.x", Some(Source::Other));
        check("'it''s'", Some(Source::Other));
        check("''", Some(Source::Other));
        check("'", None);
        check("plain", None);
        check("method.request.cookie.a", None);
        check("method.request.header.", None);
        check("context.", None);
    }

    #[test]
    fn keys_have_aws_forms() {
        assert_eq!(request_key("integration.request.header.X-A"), Some(("header", "X-A")));
        assert_eq!(request_key("integration.request.path.a/b"), None);
        assert_eq!(request_key("integration.request.body.a"), None);
        assert_eq!(response_key("method.response.header.X"), Some("X"));
        assert!(is_response_source("integration.response.header.Location"));
        assert!(!is_response_source("integration.response.status"));
    }
}
