//! JSON in which no object has a name twice: of two members with one name one reader takes the first and another the
//! last, and what one of them has checked is not what the other one does.
//!
//! For documents of some KB: policies, tokens, keys. Bodies are read by `lang::json`.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Nesting is bounded by serde_json's own 128 levels.
pub fn parse(json: &[u8]) -> Result<Value, serde_json::Error> {
    let unique: Unique = serde_json::from_slice(json)?;
    Ok(unique.0)
}

struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Unique;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Unique, E> {
        Ok(Unique(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Unique, E> {
        Ok(Unique(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Unique, E> {
        Ok(Unique(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Unique, E> {
        Ok(Unique(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Unique, E> {
        Ok(Unique(Number::from_f64(value).map_or(Value::Null, Value::Number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Unique, E> {
        Ok(Unique(Value::String(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Unique, A::Error> {
        let mut array = Vec::new();
        while let Some(Unique(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(Unique(Value::Array(array)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Unique, A::Error> {
        let mut object = Map::new();
        while let Some((name, Unique(value))) = entries.next_entry::<String, Unique>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format_args!("`{name}` stands twice")));
            }
            object.insert(name, value);
        }
        Ok(Unique(Value::Object(object)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_stands_once_at_any_depth() {
        assert_eq!(
            parse(br#"{"a":[{"b":1.5},{"b":null}],"c":"\u00e9"}"#).ok(),
            Some(json!({"a": [{"b": 1.5}, {"b": null}], "c": "é"}))
        );
        for twice in [&br#"{"a":1,"a":1}"#[..], br#"[{"x":{"a":1,"b":2,"\u0061":3}}]"#] {
            let refused = parse(twice).expect_err("it stands twice").to_string();
            assert!(refused.contains("`a` stands twice"), "{refused}");
        }
        assert!(parse(&b"[".repeat(1_000)).is_err() && parse(b"\"\xff\"").is_err() && parse(b"{} {}").is_err());
    }
}
