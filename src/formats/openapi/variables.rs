//! `${AWS::AccountId}`, `${AWS::Region}` and `${AWS::Partition}`.
//!
//! AWS replaces them in the text before it parses (openapi-import-export section 1). We replace them in the tree, so
//! that every place still points at what the user wrote.

use super::options::Options;
use crate::formats::yaml::{Node, NodeValue, Style};

pub(super) fn replace(root: &mut Node, options: &Options) {
    let partition = match options.region.split('-').next() {
        Some("cn") => "aws-cn",
        _ if options.region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    let values = [
        ("${AWS::AccountId}", options.account_id.as_str()),
        ("${AWS::Region}", options.region.as_str()),
        ("${AWS::Partition}", partition),
    ];
    walk(root, &values);
}

fn walk(node: &mut Node, values: &[(&str, &str)]) {
    match &mut node.value {
        NodeValue::Map(entries) => entries.iter_mut().for_each(|(key, value)| {
            text(&mut key.value, values);
            walk(value, values);
        }),
        NodeValue::List(items) => items.iter_mut().for_each(|item| walk(item, values)),
        NodeValue::Scalar(scalar) => {
            if text(&mut scalar.text, values) {
                // An account id is twelve digits, not a number: its leading zeros count.
                scalar.style = Style::Quoted;
            }
        }
    }
}

fn text(text: &mut String, values: &[(&str, &str)]) -> bool {
    if !text.contains("${AWS::") {
        return false;
    }
    for (variable, value) in values {
        *text = text.replace(variable, value);
    }
    true
}
