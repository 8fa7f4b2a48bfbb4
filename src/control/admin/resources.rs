//! Resources: the tree of an API's paths.

use serde_json::Value;

use super::call::{Call, Reply, Turn};
use super::common::{inner, no_resource, object, resource, text};
use super::content::split;
use super::errors::AwsError;
use super::paging::{member, page};
use super::patch::{self, Kind, REPLACE, Rule, Wording, rule};
use crate::control::commit::definitions::key;
use crate::model::api_rows::Object;
use crate::settings::limits::{RESOURCE_PATH_BYTES_MAX, RESOURCES_MAX};

pub fn create(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let parent = resource(turn, call, "parent_id")?;
    let part = call.text("pathPart").unwrap_or_default();
    let siblings = turn.children(&["restapis", call.path("restapi_id"), "resources"]);
    if siblings.len() >= RESOURCES_MAX {
        return Err(AwsError::limit(
            "Maximum number of resources for this API has been reached. Please contact AWS if you need additional resources.",
        ));
    }
    fits(&parent, part, &siblings, None)?;
    let id = turn.fresh_id(&["restapis", call.path("restapi_id"), "resources"], 6);
    let row = object([
        ("id", Some(id.as_str().into())),
        ("parentId", parent.get("id").cloned()),
        ("pathPart", Some(part.into())),
        ("path", Some(below(text(&parent, "path").unwrap_or("/"), part).into())),
    ]);
    turn.put(&["restapis", call.path("restapi_id"), "resources", &id], &row);
    Ok(Reply::Object(row))
}

pub fn list(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut rows = turn.children(&["restapis", call.path("restapi_id"), "resources"]);
    if rows.is_empty() {
        return Err(no_resource());
    }
    // Recorded: the byte order of the paths.
    rows.sort_by(|left, right| text(left, "path").cmp(&text(right, "path")));
    let items = rows.into_iter().map(|row| view(turn, call, row)).collect();
    page(call, items, member("path"))
}

pub fn get(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let row = resource(turn, call, "resource_id")?;
    Ok(Reply::Object(view(turn, call, row)))
}

const RULES: &[Rule] = &[rule("/pathPart", REPLACE, Kind::Text), rule("/parentId", REPLACE, Kind::Text)];

pub fn update(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let api_id = call.path("restapi_id");
    let old = resource(turn, call, "resource_id")?;
    let mut row = old.clone();
    let is_root = text(&old, "path") == Some("/");
    for operation in patch::operations(call) {
        patch::apply_one(&mut row, &operation, RULES, Wording::Listing("/parentId, /pathPart"))?;
        if is_root {
            let member = operation.path().trim_start_matches('/').to_owned();
            return Err(AwsError::bad_request(format!("Root resource cannot update its {member}.")));
        }
    }
    if row != old {
        let rows = turn.children(&["restapis", api_id, "resources"]);
        let id = call.path("resource_id");
        let parent = turn.get(&["restapis", api_id, "resources", text(&row, "parentId").unwrap_or_default()]);
        let parent = parent.ok_or_else(no_resource)?;
        if ancestors(&rows, &parent).any(|ancestor| text(ancestor, "id") == Some(id)) {
            return Err(AwsError::bad_request("Resources cannot be cyclical."));
        }
        fits(&parent, text(&row, "pathPart").unwrap_or_default(), &rows, Some(id))?;
        let (from, to) = (
            text(&old, "path").unwrap_or_default(),
            below(text(&parent, "path").unwrap_or("/"), text(&row, "pathPart").unwrap_or_default()),
        );
        row.insert("path".into(), to.as_str().into());
        turn.put(&["restapis", api_id, "resources", id], &row);
        for mut child in rows {
            let Some(rest) = text(&child, "path").and_then(|path| path.strip_prefix(from)?.strip_prefix('/')) else {
                continue;
            };
            let path = format!("{to}/{rest}");
            let id = text(&child, "id").unwrap_or_default().to_owned();
            child.insert("path".into(), path.into());
            turn.put(&["restapis", api_id, "resources", &id], &child);
        }
    }
    Ok(Reply::Object(view(turn, call, row)))
}

pub fn delete(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let row = resource(turn, call, "resource_id")?;
    let path = text(&row, "path").unwrap_or_default();
    if path == "/" {
        return Err(AwsError::bad_request("Root resource cannot be deleted."));
    }
    let api_id = call.path("restapi_id");
    for other in turn.children(&["restapis", api_id, "resources"]) {
        let own = text(&other, "path")
            .is_some_and(|other| other == path || other.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')));
        if let Some(id) = text(&other, "id").filter(|_| own) {
            turn.delete_all(&["restapis", api_id, "resources", id]);
        }
    }
    Ok(Reply::Empty)
}

/// With the verbs that it has; with the whole methods where `embed=methods` asks for them.
fn view(turn: &Turn<'_>, call: &Call, mut row: Object) -> Object {
    let embed = call.query_all("embed").flat_map(|value| value.split(',')).any(|value| value == "methods");
    let id = text(&row, "id").unwrap_or_default();
    let below = key(&["restapis", call.path("restapi_id"), "resources", id, "methods"]);
    let methods = turn.draft.children(&below).into_iter().map(|(_, method)| method);
    let entry = |method: Object| {
        let verb = text(&method, "httpMethod").unwrap_or_default().to_owned();
        (verb, Value::Object(if embed { method } else { Object::new() }))
    };
    let methods: Object = methods.map(entry).collect();
    if !methods.is_empty() {
        row.insert("resourceMethods".into(), Value::Object(methods));
    }
    row
}

fn below(parent: &str, part: &str) -> String {
    format!("{}/{part}", parent.trim_end_matches('/'))
}

fn ancestors<'r>(rows: &'r [Object], from: &'r Object) -> impl Iterator<Item = &'r Object> {
    let parent = move |row: &&'r Object| {
        let id = text(row, "parentId")?;
        rows.iter().find(|other| text(other, "id") == Some(id))
    };
    // No deeper than there are resources: a circle could otherwise not be told from a long way.
    std::iter::successors(Some(from), parent).take(rows.len() + 1)
}

/// Whether a part may stand below a parent, beside its siblings (rest/01 section 1.4). `except` is the one that moves.
fn fits(parent: &Object, part: &str, rows: &[Object], except: Option<&str>) -> Result<(), AwsError> {
    if !is_part(part) {
        return Err(AwsError::bad_request(
            "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the \
             beginning and the end.",
        ));
    }
    let path = text(parent, "path").unwrap_or("/");
    if path.len() + 1 + part.len() > RESOURCE_PATH_BYTES_MAX {
        return Err(AwsError::bad_request(format!(
            "Resource's path is longer than {RESOURCE_PATH_BYTES_MAX} bytes: no request could reach it"
        )));
    }
    let (_, own) = split(path);
    if own.ends_with("+}") {
        return Err(AwsError::bad_request(format!(
            "Cannot create a child of a resource with a greedy path variable: {own}"
        )));
    }
    let siblings = rows.iter().filter(|row| {
        text(row, "parentId").is_some() && text(row, "parentId") == text(parent, "id") && text(row, "id") != except
    });
    for sibling in siblings {
        let other = text(sibling, "pathPart").unwrap_or_default();
        if other == part {
            return Err(AwsError::conflict(format!(
                "Another resource with the same parent already has this name: {part}"
            )));
        }
        if part.starts_with('{') && other.starts_with('{') {
            return Err(AwsError::bad_request(format!(
                "A sibling ({other}) of this resource already has a variable path part -- only one is allowed"
            )));
        }
    }
    Ok(())
}

/// `[a-zA-Z0-9._:~*,-]+`, `{name}` or `{name+}`.
fn is_part(part: &str) -> bool {
    match part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) => {
            let name = name.strip_suffix('+').unwrap_or(name);
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._$-".contains(&byte))
        }
        None => !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:~*,-".contains(&byte)),
    }
}

/// Whether a resource's path has this parameter.
pub fn has_parameter(row: &Object, name: &str) -> bool {
    let path = text(row, "path").unwrap_or_default();
    path.split('/').any(|part| {
        part.strip_prefix('{')
            .and_then(|part| part.strip_suffix('}'))
            .is_some_and(|part| part.trim_end_matches('+') == name)
    })
}

/// The verbs of a method's `methodResponses`, as an empty map where there are none.
pub fn responses(method: &Object) -> Object {
    inner(method, "methodResponses").cloned().unwrap_or_default()
}
