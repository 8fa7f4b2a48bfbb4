//! `patchOperations`: what may be changed of each resource is a table of rules (control-plane/v1-patch).
//!
//! All operations of one call are applied in order to a copy; the first that fails leaves the resource as it was.

use serde_json::Value;

use super::call::Call;
use super::errors::AwsError;
use crate::model::api_rows::Object;

/// One element of `patchOperations`, its `op` already known to be one of the model's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    pub op: String,
    /// `None` where none was given: AWS's messages print `null`.
    pub path: Option<String>,
    pub value: Option<String>,
    pub from: Option<String>,
}

impl Operation {
    pub fn path(&self) -> &str {
        self.path.as_deref().unwrap_or("null")
    }

    /// The value as AWS reads a truth value: `true` in any case is true, anything else is not.
    pub fn boolean(&self) -> bool {
        self.value.as_deref().is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    pub fn text(&self) -> &str {
        self.value.as_deref().unwrap_or_default()
    }
}

/// The operations of a call.
pub fn operations(call: &Call) -> Vec<Operation> {
    let text = |object: &Object, name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
    let items = call.list("patchOperations").map_or(&[][..], Vec::as_slice);
    let operation = |item: &Value| {
        let object = item.as_object()?;
        Some(Operation {
            op: text(object, "op").unwrap_or_default(),
            path: text(object, "path"),
            value: text(object, "value"),
            from: text(object, "from"),
        })
    };
    items.iter().filter_map(operation).collect()
}

/// The parts of a JSON Pointer, `~1` and `~0` undone (RFC 6901).
pub fn parts(path: &str) -> Vec<String> {
    path.strip_prefix('/').unwrap_or(path).split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

pub const ADD: u8 = 1;
pub const REPLACE: u8 = 2;
pub const REMOVE: u8 = 4;

/// What stands at a path.
#[derive(Clone, Copy)]
pub enum Kind {
    /// A text; an empty one is kept.
    Text,
    /// A text that an empty value removes.
    Clearable,
    Boolean,
    /// A whole number; the function says what is wrong with a value that is none, or is out of bounds.
    Integer(fn(&str) -> Result<i64, AwsError>),
    /// A map of texts with the rest of the path as the entry's name.
    Map,
    /// A map of truth values.
    BooleanMap,
    /// A list of texts: the value is added or removed.
    List,
    /// A list of texts whose items stand in the path: `/binaryMediaTypes/image~1png`.
    ListInPath,
}

/// One row of a resource's table.
#[derive(Clone, Copy)]
pub struct Rule {
    /// `/name`; maps and lists in paths are named without what follows: `/requestParameters`.
    pub path: &'static str,
    pub operations: u8,
    pub kind: Kind,
}

pub const fn rule(path: &'static str, operations: u8, kind: Kind) -> Rule {
    Rule { path, operations, kind }
}

/// How a resource words what it cannot do: AWS's services grew apart.
#[derive(Clone, Copy)]
pub enum Wording {
    /// `Invalid patch path /x` and `Invalid patch operation specified. Must be one of: [replace]`.
    Plain,
    /// `Invalid patch path  '/x' specified for op 'replace'. Must be one of: [/a, /b]`, with this list.
    Listing(&'static str),
}

/// Applies every operation to `object`, or says why it cannot.
pub fn apply(object: &mut Object, operations: &[Operation], rules: &[Rule], wording: Wording) -> Result<(), AwsError> {
    operations.iter().try_for_each(|operation| apply_one(object, operation, rules, wording))
}

pub fn apply_one(object: &mut Object, operation: &Operation, rules: &[Rule], wording: Wording) -> Result<(), AwsError> {
    let path = operation.path();
    let Some((rule, rest)) = rules.iter().find_map(|rule| Some((rule, matched(rule, path)?))) else {
        return Err(unknown_path(operation, wording));
    };
    let bit = match operation.op.as_str() {
        "add" => ADD,
        "replace" => REPLACE,
        "remove" => REMOVE,
        _ => 0,
    };
    if rule.operations & bit == 0 {
        return Err(unsupported(operation, rule, wording));
    }
    let name = rule.path.strip_prefix('/').unwrap_or(rule.path);
    // A path of two parts (`/tlsConfig/insecureSkipVerification`) names a member of a member.
    let (object, name) = match name.split_once('/') {
        Some((outer, inner)) => (nested(object, outer), inner),
        None => (object, name),
    };
    change(object, name, rest.as_deref(), bit, rule.kind, operation)
}

/// Whether the path is this rule's; and for maps and lists in paths, the entry that it names.
fn matched(rule: &Rule, path: &str) -> Option<Option<String>> {
    match rule.kind {
        Kind::Map | Kind::BooleanMap | Kind::ListInPath => {
            let rest = path.strip_prefix(rule.path)?.strip_prefix('/').filter(|rest| !rest.is_empty())?;
            // An entry is one part: `/requestModels/application/json` is no path (recorded).
            (!rest.contains('/')).then(|| Some(rest.replace("~1", "/").replace("~0", "~")))
        }
        _ => (path == rule.path).then_some(None),
    }
}

fn nested<'o>(object: &'o mut Object, name: &str) -> &'o mut Object {
    let place = object.entry(name).or_insert_with(|| Value::Object(Object::new()));
    if !place.is_object() {
        *place = Value::Object(Object::new());
    }
    match place {
        Value::Object(inner) => inner,
        _ => unreachable!("it has just been made an object"),
    }
}

fn change(
    object: &mut Object,
    name: &str,
    entry: Option<&str>,
    bit: u8,
    kind: Kind,
    operation: &Operation,
) -> Result<(), AwsError> {
    match kind {
        Kind::Text | Kind::Clearable | Kind::Boolean | Kind::Integer(_) if bit == REMOVE => {
            object.shift_remove(name);
        }
        Kind::Text => set(object, name, operation.text().into()),
        Kind::Clearable if operation.text().is_empty() => {
            object.shift_remove(name);
        }
        Kind::Clearable => set(object, name, operation.text().into()),
        Kind::Boolean => set(object, name, operation.boolean().into()),
        Kind::Integer(read) => set(object, name, read(operation.text())?.into()),
        Kind::Map | Kind::BooleanMap => {
            let entry = entry.unwrap_or_default();
            if bit == REMOVE {
                let left = object.get_mut(name).and_then(Value::as_object_mut).map(|map| {
                    map.shift_remove(entry);
                    map.len()
                });
                // After the last entry has been removed the member vanishes (v1-operations, notes).
                if left == Some(0) {
                    object.shift_remove(name);
                }
                return Ok(());
            }
            let value = match kind {
                Kind::BooleanMap => operation.boolean().into(),
                _ => operation.value.clone().map_or(Value::Null, Value::from),
            };
            set(nested(object, name), entry, value);
        }
        Kind::List => list(object, name, bit, operation.text(), operation.text()),
        Kind::ListInPath => {
            let entry = entry.unwrap_or_default();
            // `replace` takes the path's item out and appends the value (recorded for binary media types).
            let added = if bit == REPLACE { operation.value.as_deref().unwrap_or(entry) } else { entry };
            list(object, name, bit, entry, added);
        }
    }
    Ok(())
}

fn list(object: &mut Object, name: &str, bit: u8, old: &str, new: &str) {
    let place = object.entry(name).or_insert_with(|| Value::Array(Vec::new()));
    if !place.is_array() {
        *place = Value::Array(Vec::new());
    }
    let Some(items) = place.as_array_mut() else { return };
    if bit != ADD {
        items.retain(|item| item.as_str() != Some(old));
    }
    if bit != REMOVE && !items.iter().any(|item| item.as_str() == Some(new)) {
        items.push(new.into());
    }
    if items.is_empty() {
        object.shift_remove(name);
    }
}

/// Keeps the member's place among the others.
pub fn set(object: &mut Object, name: &str, value: Value) {
    match object.get_mut(name) {
        Some(place) => *place = value,
        None => {
            object.insert(name.to_owned(), value);
        }
    }
}

fn unknown_path(operation: &Operation, wording: Wording) -> AwsError {
    let (op, path) = (operation.op.as_str(), operation.path());
    AwsError::bad_request(match wording {
        Wording::Plain => format!("Invalid patch path {path}"),
        Wording::Listing(known) if op == "replace" => {
            format!("Invalid patch path  '{path}' specified for op '{op}'. Must be one of: [{known}]")
        }
        Wording::Listing(_) => choose_supported(op, path),
    })
}

fn unsupported(operation: &Operation, rule: &Rule, wording: Wording) -> AwsError {
    let names = [(ADD, "add"), (REPLACE, "replace"), (REMOVE, "remove")];
    let allowed: Vec<_> = names.iter().filter(|(bit, _)| rule.operations & bit != 0).map(|(_, name)| *name).collect();
    AwsError::bad_request(match wording {
        Wording::Plain => {
            format!("Invalid patch operation specified. Must be one of: [{}]", allowed.join(", "))
        }
        Wording::Listing(_) => choose_supported(&operation.op, operation.path()),
    })
}

fn choose_supported(op: &str, path: &str) -> String {
    format!("Invalid patch path  '{path}' specified for op '{op}'. Please choose supported operations")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RULES: &[Rule] = &[
        rule("/name", REPLACE, Kind::Text),
        rule("/flag", REPLACE, Kind::Boolean),
        rule("/tlsConfig/insecureSkipVerification", REPLACE, Kind::Boolean),
        rule("/templates", ADD | REPLACE | REMOVE, Kind::Map),
        rule("/scopes", ADD | REMOVE, Kind::List),
        rule("/types", ADD | REPLACE | REMOVE, Kind::ListInPath),
    ];

    #[track_caller]
    fn check(before: Value, operation: (&str, &str, Option<&str>), expected: Result<Value, &str>) {
        let Value::Object(mut object) = before else { panic!("an object") };
        let (op, path, value) = operation;
        let operation =
            Operation { op: op.into(), path: Some(path.into()), value: value.map(str::to_owned), from: None };
        let done = apply(&mut object, &[operation], RULES, Wording::Plain).map(|()| Value::Object(object));
        assert_eq!(done.map_err(|error| error.message), expected.map_err(str::to_owned));
    }

    #[test]
    fn members_maps_and_lists() {
        check(json!({"name": "a"}), ("replace", "/name", Some("b")), Ok(json!({"name": "b"})));
        check(json!({}), ("replace", "/flag", Some("TRUE")), Ok(json!({"flag": true})));
        check(json!({}), ("replace", "/flag", None), Ok(json!({"flag": false})));
        let nested = json!({"tlsConfig": {"insecureSkipVerification": true}});
        check(json!({}), ("replace", "/tlsConfig/insecureSkipVerification", Some("true")), Ok(nested));
        let one = json!({"templates": {"application/json": "x"}});
        check(json!({}), ("add", "/templates/application~1json", Some("x")), Ok(one.clone()));
        check(one, ("remove", "/templates/application~1json", None), Ok(json!({})));
        check(json!({"scopes": ["a"]}), ("add", "/scopes", Some("b")), Ok(json!({"scopes": ["a", "b"]})));
        check(json!({"scopes": ["a"]}), ("remove", "/scopes", Some("a")), Ok(json!({})));
        check(json!({"types": ["a/b"]}), ("replace", "/types/a~1b", Some("c")), Ok(json!({"types": ["c"]})));
    }

    #[test]
    fn what_cannot_be_done() {
        check(json!({}), ("replace", "/nmae", Some("b")), Err("Invalid patch path /nmae"));
        check(json!({}), ("add", "/types", None), Err("Invalid patch path /types"));
        check(
            json!({}),
            ("add", "/templates/application/json", None),
            Err("Invalid patch path /templates/application/json"),
        );
        check(json!({}), ("add", "/name", None), Err("Invalid patch operation specified. Must be one of: [replace]"));
        check(json!({}), ("move", "/name", None), Err("Invalid patch operation specified. Must be one of: [replace]"));
    }
}
