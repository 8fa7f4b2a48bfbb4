//! OpenAPI definitions from rows such as `GET /pets/{petId} -> http_proxy /pets/{petId}`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;

/// The text of a definition, as it goes into a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition(pub String);

impl From<&str> for Definition {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Definition {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// One row a method, against one backend:
///
/// ```text
/// GET  /pets/{petId}   -> http_proxy /pets/{petId}        path parameters are mapped by name
/// ANY  /all/{proxy+}   -> http_proxy /{proxy} timeout=500  the backend's verb is the client's
/// POST /orders         -> http_proxy PUT /orders           the backend's verb is PUT
/// GET  /elsewhere      -> http_proxy http://localhost:1/x  another backend
/// GET  /form           -> http /form
/// GET  /ok             -> mock 200
/// GET  /q              -> http_proxy /q header.X-A='b' querystring.q=method.request.querystring.p
/// ```
///
/// Words after the target are `timeout=MS` or a mapping `{header|querystring|path}.NAME=SOURCE`.
#[track_caller]
pub fn definition(backend: SocketAddr, rows: &str) -> Definition {
    let mut paths: BTreeMap<&str, Vec<(String, String)>> = BTreeMap::new();
    for row in rows.lines().map(str::trim).filter(|row| !row.is_empty() && !row.starts_with('#')) {
        let (left, right) = row.split_once("->").unwrap_or_else(|| panic!("a row without ->: {row}"));
        let mut left = left.split_whitespace();
        let (Some(verb), Some(path)) = (left.next(), left.next()) else { panic!("VERB /path in {row}") };
        paths.entry(path).or_default().push((verb.to_owned(), method(backend, row, verb, path, right)));
    }
    let mut out = String::from("openapi: 3.0.1\ninfo: {title: test, version: \"1\"}\npaths:\n");
    for (path, methods) in paths {
        writeln!(out, "  \"{path}\":").expect("a string takes everything");
        for (verb, text) in methods {
            let key = if verb == "ANY" { "x-amazon-apigateway-any-method".to_owned() } else { verb.to_lowercase() };
            write!(out, "    {key}:\n{text}").expect("a string takes everything");
        }
    }
    Definition(out)
}

fn method(backend: SocketAddr, row: &str, verb: &str, path: &str, right: &str) -> String {
    let mut words = right.split_whitespace().peekable();
    let kind = words.next().unwrap_or_else(|| panic!("no integration in {row}"));
    let path_names: Vec<&str> = path.split('/').filter_map(parameter).collect();

    let mut lines = vec![format!("type: {kind}")];
    let mut mappings: Vec<(String, String)> = Vec::new();
    if kind == "mock" {
        let status = words.next().unwrap_or("200");
        lines.push(format!("requestTemplates: {{application/json: '{{\"statusCode\": {status}}}'}}"));
        lines.push(format!("responses: {{default: {{statusCode: \"{status}\"}}}}"));
    } else {
        let backend_verb = match words.peek() {
            Some(word) if !word.contains('/') && !word.contains('=') => words.next().unwrap_or(verb),
            _ => verb,
        };
        let target = words.next().unwrap_or(path);
        let uri = if target.starts_with('/') { format!("http://{backend}{target}") } else { target.to_owned() };
        lines.push(format!("httpMethod: {backend_verb}"));
        lines.push(format!("uri: \"{uri}\""));
        if kind == "http" {
            lines.push("responses: {default: {statusCode: \"200\"}}".to_owned());
        }
        for name in &path_names {
            if target.contains(&format!("{{{name}}}")) {
                let mapping = (format!("integration.request.path.{name}"), format!("method.request.path.{name}"));
                mappings.push(mapping);
            }
        }
    }
    for word in words {
        match word.split_once('=') {
            Some(("timeout", milliseconds)) => lines.push(format!("timeoutInMillis: {milliseconds}")),
            Some((name, source)) => mappings.push((format!("integration.request.{name}"), source.to_owned())),
            None => panic!("what is {word:?} in {row}"),
        }
    }
    if !mappings.is_empty() {
        lines.push("requestParameters:".to_owned());
        lines.extend(mappings.iter().map(|(name, source)| format!("  {name}: \"{source}\"")));
    }

    let mut parameters: Vec<String> = path_names
        .iter()
        .map(|name| format!("{{name: {name}, in: path, required: true, schema: {{type: string}}}}"))
        .collect();
    for (_, source) in &mappings {
        // AWS wants what a mapping reads to be declared; path parameters are above.
        for (place, word) in [("header", "header"), ("query", "querystring")] {
            for prefix in ["", "multivalue"] {
                if let Some(name) = source.strip_prefix(&format!("method.request.{prefix}{word}.")) {
                    parameters.push(format!("{{name: {name}, in: {place}, schema: {{type: string}}}}"));
                }
            }
        }
    }
    parameters.dedup();

    let mut out = String::new();
    if !parameters.is_empty() {
        writeln!(out, "      parameters: [{}]", parameters.join(", ")).expect("a string takes everything");
    }
    out.push_str("      responses: {\"200\": {description: ok}}\n      x-amazon-apigateway-integration:\n");
    for line in lines {
        writeln!(out, "        {line}").expect("a string takes everything");
    }
    out
}

/// `petId` of `{petId}`, `proxy` of `{proxy+}`.
fn parameter(segment: &str) -> Option<&str> {
    Some(segment.strip_prefix('{')?.strip_suffix('}')?.trim_end_matches('+'))
}
