//! Pages of a list (control-plane/wire-protocol section 6): `limit` and an opaque `position`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::call::{Call, Reply};
use super::errors::AwsError;
use crate::model::api_rows::Object;

/// What AWS gives where no limit is said.
const DEFAULT: usize = 25;
const LARGEST: usize = 500;

/// One page of `items` in v1's envelope. A position is the `key` of the last item of the page before, so that items that
/// come or go in between shift nothing.
pub fn page(call: &Call, items: Vec<Object>, key: impl Fn(&Object) -> String) -> Result<Reply, AwsError> {
    let (items, position) = cut(call, "limit", "position", items, key)?;
    Ok(envelope("item", items.into_iter(), "position", position))
}

/// One page of rows in v1's envelope, sorted by `key`.
pub fn sorted_page(
    call: &Call,
    mut rows: Vec<Object>,
    key: impl Fn(&Object) -> String,
    view: impl Fn(Object) -> Object,
) -> Result<Reply, AwsError> {
    rows.sort_by_cached_key(&key);
    let (rows, position) = cut(call, "limit", "position", rows, key)?;
    Ok(envelope("item", rows.into_iter().map(view), "position", position))
}

/// One page of rows in an envelope of v2, sorted by `key`.
pub fn sorted_page_v2(
    call: &Call,
    list: &str,
    mut rows: Vec<Object>,
    key: impl Fn(&Object) -> String,
    view: impl Fn(Object) -> Object,
) -> Result<Reply, AwsError> {
    rows.sort_by_cached_key(&key);
    let (rows, next) = cut(call, "maxResults", "nextToken", rows, key)?;
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

/// The items of one page, and where the next begins.
pub fn cut(
    call: &Call,
    limit: &str,
    position: &str,
    items: Vec<Object>,
    key: impl Fn(&Object) -> String,
) -> Result<(Vec<Object>, Option<String>), AwsError> {
    let limit = match call.query(limit).filter(|limit| !limit.is_empty()) {
        None => DEFAULT,
        Some(text) => match text.parse::<i64>() {
            // Recorded: -1 is no error.
            Ok(limit) if limit < 1 => DEFAULT,
            Ok(limit) => usize::try_from(limit).map_or(LARGEST, |limit| limit.min(LARGEST)),
            Err(_) => return Err(AwsError::serialization("class java.lang.String can not be converted to an Integer")),
        },
    };
    let start = match call.query(position).filter(|position| !position.is_empty()) {
        None => 0,
        Some(position) => {
            let after = URL_SAFE_NO_PAD.decode(position).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let after = after.ok_or_else(|| AwsError::bad_request("Invalid position parameter"))?;
            match items.iter().position(|item| key(item) == after) {
                Some(at) => at + 1,
                // The last item of the page before has gone: go on with the first behind its place.
                None => items.iter().position(|item| key(item) > after).unwrap_or(items.len()),
            }
        }
    };
    let rest = items.len().saturating_sub(start);
    let mut page: Vec<Object> = items.into_iter().skip(start).take(limit).collect();
    let next = (rest > limit).then(|| page.last().map(|item| URL_SAFE_NO_PAD.encode(key(item)))).flatten();
    page.truncate(limit);
    Ok((page, next))
}

/// The text of a member, as a key to page by.
pub fn member(name: &'static str) -> impl Fn(&Object) -> String {
    move |item| item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn items(count: usize) -> Vec<Object> {
        let item = |n: usize| Object::from_iter([("id".to_owned(), Value::from(format!("{n:03}")))]);
        (0..count).map(item).collect()
    }

    fn page_of(query: &[(&str, &str)], count: usize) -> (usize, Option<String>) {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let call = Call { query, ..Call::default() };
        let (items, next) = cut(&call, "limit", "position", items(count), member("id")).expect("a page");
        (items.len(), next)
    }

    #[test]
    fn pages_meet_every_item_once() {
        assert_eq!(page_of(&[], 25), (25, None));
        let (first, next) = page_of(&[], 60);
        let next = next.expect("a position");
        let (second, last) = page_of(&[("position", &next)], 60);
        let last = last.expect("a position");
        assert_eq!((first, second, page_of(&[("position", &last)], 60)), (25, 25, (10, None)));
        assert_eq!(page_of(&[("limit", "-1")], 3), (3, None));
        assert_eq!(page_of(&[("limit", "500")], 500), (500, None));
        assert_eq!(page_of(&[("limit", "9999")], 501).0, 500);
    }

    #[test]
    fn a_position_survives_its_item() {
        let position = URL_SAFE_NO_PAD.encode("0015");
        assert_eq!(page_of(&[("position", &position)], 5).0, 3);
    }

    #[test]
    fn the_newest_comes_first() {
        let row = |order: i64| Object::from_iter([("_order".to_owned(), Value::from(order))]);
        let rows = [row(9), row(10)];
        assert_eq!(next_order(&rows), 11);
        assert!(newest_first(&rows[1]) < newest_first(&rows[0]));
    }
}
