//! Members of a row: writing those that are there, reading those that may be.

use serde_json::Value;

use crate::model::api_rows::Object;

pub(super) trait Members {
    fn put(&mut self, key: &str, value: Option<impl Into<Value>>);
    /// Nothing where it is empty: a document does not tell an empty map from none.
    fn put_object(&mut self, key: &str, value: Object);
    fn put_list<'t>(&mut self, key: &str, items: impl Iterator<Item = &'t str>);
}

impl Members for Object {
    fn put(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.insert(key.to_owned(), value.into());
        }
    }

    fn put_object(&mut self, key: &str, value: Object) {
        self.put(key, Some(value).filter(|value| !value.is_empty()));
    }

    fn put_list<'t>(&mut self, key: &str, items: impl Iterator<Item = &'t str>) {
        let items: Vec<Value> = items.map(Value::from).collect();
        self.put(key, Some(items).filter(|items| !items.is_empty()));
    }
}

pub(super) fn text<'r>(row: &'r Object, key: &str) -> Option<&'r str> {
    row.get(key).and_then(Value::as_str)
}

pub(super) fn object<'r>(row: &'r Object, key: &str) -> Option<&'r Object> {
    row.get(key).and_then(Value::as_object)
}
