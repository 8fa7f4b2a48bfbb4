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

/// For the fuzzer, and for the test that runs its seeds: a key on the first line, its source behind it. What is taken is
/// what was written, its names are names, and a source that no method declares is one of a response too.
pub fn fuzz(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (key, source) = text.split_once('\n').unwrap_or(("", &text));
    if let Some((location, name)) = request_key(key) {
        assert!(is_name(name) && !location.contains('.'), "{key:?}");
        assert_eq!(format!("integration.request.{location}.{name}"), key);
        assert_eq!(response_key(key), None, "a key is of one side");
    }
    if let Some(name) = response_key(key) {
        assert!(is_name(name), "{key:?}");
        assert_eq!(format!("method.response.header.{name}"), key);
    }
    let (locations, name) = match request_source(source) {
        Some(Source::Path(name)) => (["path", "path"], name),
        Some(Source::Query(name)) => (["querystring", "multivaluequerystring"], name),
        Some(Source::Header(name)) => (["header", "multivalueheader"], name),
        Some(Source::Other) => {
            let of_body = source.starts_with("method.request.body");
            return assert!(of_body != is_response_source(source), "{source:?}");
        }
        None => return assert!(!common(source), "{source:?}"),
    };
    assert!(is_name(name) && !is_response_source(source), "{source:?}");
    let spelled = locations.map(|location| format!("method.request.{location}.{name}"));
    assert!(spelled.iter().any(|spelled| spelled == source), "{source:?} and {name:?}");
}

/// Whether a line of a seed is a source of a request's mapping.
pub fn takes_source(source: &str) -> bool {
    request_source(source).is_some()
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
