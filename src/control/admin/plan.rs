//! `weir plan`: what a put of a document would change of an API, method by method, without changing it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::call::{Call, Turn};
use super::common::{api, text};
use super::content;
use super::errors::AwsError;
use super::import;
use crate::model::api_rows::{ApiRows, Object};

/// The difference as JSON: methods added, removed and changed, and members of the API that change.
pub fn difference(turn: &mut Turn<'_>, call: &Call) -> Result<String, AwsError> {
    api(turn, call)?;
    let id = call.path("restapi_id");
    let before = content::read(turn, id).unwrap_or_default();
    import::put(turn, call)?;
    let after = content::read(turn, id).unwrap_or_default();
    let (old, new) = (methods(&before), methods(&after));
    let only = |left: &BTreeMap<String, Object>, right: &BTreeMap<String, Object>| -> Vec<String> {
        left.keys().filter(|name| !right.contains_key(*name)).cloned().collect()
    };
    let changed = old.iter().filter_map(|(name, before)| {
        let after = new.get(name)?;
        (before != after).then(|| json!({"method": name, "members": members(before, after)}))
    });
    let plan = json!({
        "api": id,
        "added": only(&new, &old),
        "removed": only(&old, &new),
        "changed": changed.collect::<Vec<Value>>(),
        "settings": members(&before.api, &after.api),
    });
    Ok(plan.to_string())
}

/// `GET /pets` to the method, its integration's members beside its own.
fn methods(rows: &ApiRows) -> BTreeMap<String, Object> {
    let mut methods = BTreeMap::new();
    for resource in &rows.resources {
        for method in &resource.methods {
            let name = format!("{} {}", text(method, "httpMethod").unwrap_or_default(), resource.path);
            let mut flat = method.clone();
            if let Some(Value::Object(integration)) = flat.shift_remove("methodIntegration") {
                flat.extend(integration.into_iter().map(|(name, value)| (format!("integration.{name}"), value)));
            }
            methods.insert(name, flat);
        }
    }
    methods
}

/// Members that differ, before and after.
fn members(before: &Object, after: &Object) -> Value {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let differ = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    let entry = |name: &String| (name.clone(), json!({"before": before.get(name), "after": after.get(name)}));
    Value::Object(differ.map(entry).collect())
}
