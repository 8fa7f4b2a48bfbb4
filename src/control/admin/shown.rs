//! Rows as single answers and as pages of a list, the newest first where they have an order.

use serde_json::Value;

use super::call::{Call, Reply};
pub use super::common::shown;
use super::common::without_empty_tags;
use super::errors::AwsError;
pub use super::lookup::text;
use super::paging;
use crate::model::api_rows::Object;

/// A row as AWS shows it where `tags: {}` stands for none.
pub fn with_tags(row: Object) -> Object {
    super::common::with_tags(shown(row))
}

/// A row as an item of a list, which leaves empty tags out (wire-protocol section 7).
pub fn in_list(row: Object) -> Object {
    without_empty_tags(shown(row))
}

/// The number of a row among its like: the newest has the highest.
pub fn order(row: &Object) -> i64 {
    row.get("_order").and_then(Value::as_i64).unwrap_or_default()
}

/// What the next row among these gets, so that rows of one second have an order, too.
pub fn next_order(rows: &[Object]) -> i64 {
    rows.iter().map(order).max().unwrap_or_default() + 1
}

/// A key to page by that is smaller for what is newer.
pub fn newest_first(row: &Object) -> String {
    format!("{:020}", i64::MAX - order(row))
}

/// One page of rows in v1's envelope, sorted by `key`.
pub fn page(
    call: &Call,
    mut rows: Vec<Object>,
    key: impl Fn(&Object) -> String,
    view: impl Fn(Object) -> Object,
) -> Result<Reply, AwsError> {
    rows.sort_by_cached_key(&key);
    let (rows, position) = paging::cut(call, "limit", "position", rows, key)?;
    Ok(envelope("item", rows.into_iter().map(view), "position", position))
}

/// One page of rows in an envelope of v2, sorted by `key`.
pub fn page_v2(
    call: &Call,
    list: &str,
    mut rows: Vec<Object>,
    key: impl Fn(&Object) -> String,
    view: impl Fn(Object) -> Object,
) -> Result<Reply, AwsError> {
    rows.sort_by_cached_key(&key);
    let (rows, next) = paging::cut(call, "maxResults", "nextToken", rows, key)?;
    Ok(envelope(list, rows.into_iter().map(view), "nextToken", next))
}

fn envelope(list: &str, items: impl Iterator<Item = Object>, next: &str, position: Option<String>) -> Reply {
    let mut envelope = Object::new();
    envelope.insert(list.to_owned(), items.map(Value::Object).collect());
    if let Some(position) = position {
        envelope.insert(next.to_owned(), position.into());
    }
    Reply::Object(envelope)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(value: Value) -> Object {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn what_is_ours_stays_here() {
        let mine = json!({"id": "a", "_order": 7, "tags": {}});
        assert_eq!(Value::Object(shown(row(mine.clone()))), json!({"id": "a", "tags": {}}));
        assert_eq!(Value::Object(in_list(row(mine))), json!({"id": "a"}));
        assert_eq!(Value::Object(with_tags(row(json!({"_k": 1})))), json!({"tags": {}}));
    }

    #[test]
    fn the_newest_comes_first() {
        let rows = [row(json!({"_order": 9})), row(json!({"_order": 10}))];
        assert_eq!(next_order(&rows), 11);
        assert!(newest_first(&rows[1]) < newest_first(&rows[0]));
    }
}
