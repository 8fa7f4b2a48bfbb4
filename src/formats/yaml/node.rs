//! One value of a document, and what a plain scalar means.

use serde_json::{Map, Number, Value};

use crate::model::problem::{Located, Place};

/// A map's keys and values, in the order in which they were written.
pub type Entries = Vec<(Located<String>, Node)>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// From its first character to its last.
    pub place: Place,
    pub value: NodeValue,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeValue {
    Map(Entries),
    List(Vec<Node>),
    Scalar(Scalar),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    pub text: String,
    pub style: Style,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes: may be a number, a truth value or null.
    Plain,
    /// Text whatever it looks like: in quotes, or a block.
    Quoted,
}

impl Node {
    pub fn scalar(place: Place, text: String, style: Style) -> Self {
        Self { place, value: NodeValue::Scalar(Scalar { text, style }) }
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        let NodeValue::Map(entries) = &self.value else { return None };
        entries.iter().find(|(name, _)| name.value == key).map(|(_, value)| value)
    }

    pub fn is_null(&self) -> bool {
        matches!(&self.value, NodeValue::Scalar(scalar) if scalar.is_null())
    }

    /// What it is, for a message: `a map`, `the number 3`.
    pub fn describe(&self) -> String {
        match &self.value {
            NodeValue::Map(_) => "a map".to_owned(),
            NodeValue::List(_) => "a list".to_owned(),
            NodeValue::Scalar(scalar) => match scalar.to_json() {
                Value::Null => "nothing".to_owned(),
                Value::Bool(value) => format!("the truth value {value}"),
                Value::Number(_) => format!("the number {}", scalar.text),
                _ => format!("the text `{}`", scalar.text),
            },
        }
    }
}

impl Scalar {
    pub fn is_null(&self) -> bool {
        self.style == Style::Plain && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }

    /// YAML 1.2.2, 10.3.2: the core schema.
    pub fn as_bool(&self) -> Option<bool> {
        match (self.style, self.text.as_str()) {
            (Style::Plain, "true" | "True" | "TRUE") => Some(true),
            (Style::Plain, "false" | "False" | "FALSE") => Some(false),
            _ => None,
        }
    }

    pub fn to_json(&self) -> Value {
        if self.style == Style::Quoted {
            return Value::String(self.text.clone());
        }
        if self.is_null() {
            return Value::Null;
        }
        if let Some(value) = self.as_bool() {
            return Value::Bool(value);
        }
        number(&self.text).map_or_else(|| Value::String(self.text.clone()), Value::Number)
    }
}

fn number(text: &str) -> Option<Number> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok().map(Number::from);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return u64::from_str_radix(digits, 8).ok().map(Number::from);
    }
    // Rust's float parser also takes `inf`, `nan` and `infinity`, which are text here.
    if !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) {
        return None;
    }
    let signed = text.parse::<i64>().ok().map(Number::from);
    signed.or_else(|| text.parse::<u64>().ok().map(Number::from)).or_else(|| Number::from_f64(text.parse().ok()?))
}

pub(super) fn to_json(node: &Node) -> Value {
    match &node.value {
        NodeValue::Map(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (key.value.clone(), to_json(value))).collect::<Map<_, _>>())
        }
        NodeValue::List(items) => Value::Array(items.iter().map(to_json).collect()),
        NodeValue::Scalar(scalar) => scalar.to_json(),
    }
}
