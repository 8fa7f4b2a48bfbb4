//! `x-weir-cors`: cross-origin requests in one line. It is ours alone, so that nothing in it is passed over in silence.

use super::reader::Reader;
use super::suggest::closest;
use crate::formats::yaml::{Node, NodeValue};
use crate::model::cors::{ANY_WITH_CREDENTIALS, Cors, EXTENSION, NAME_THE_ORIGINS};
use crate::model::problem::Located;
use crate::model::rest_api::HttpMethod;
use crate::settings::limits::{CORS_MAX_AGE_SECONDS_MAX, CORS_ORIGINS_MAX};
use crate::wire::headers::is_token;
use crate::wire::origin::OriginPattern;

const MEMBERS: [&str; 6] = ["origins", "methods", "headers", "exposeHeaders", "credentials", "maxAge"];

/// `None` where the document has none. What is refused here is left out: compiling the rest refuses it for whoever brings
/// it another way, and one mistake is told once.
pub(super) fn read<'d>(reader: &mut Reader<'d, '_>, root: &'d Node) -> Option<Located<Cors>> {
    let node = root.get(EXTENSION)?;
    for (key, _) in reader.map(node, EXTENSION)? {
        if !MEMBERS.contains(&key.value.as_str()) {
            let help = match closest(&key.value, &MEMBERS) {
                Some(near) => format!("Did you mean `{near}`?"),
                None => format!("Write one of {}", MEMBERS.join(", ")),
            };
            reader.error("cors::member", key.place, format!("`{EXTENSION}` has no `{}`", key.value), help);
        }
    }
    let credentials = node.get("credentials").and_then(|node| reader.boolean(node, "`credentials`"));
    let credentials = credentials.is_some_and(|flag| flag.value);
    let cors = Cors {
        origins: origins(reader, node, credentials),
        methods: names(reader, node, "methods", credentials),
        headers: names(reader, node, "headers", credentials),
        expose_headers: names(reader, node, "exposeHeaders", credentials),
        credentials,
        max_age: max_age(reader, node),
    };
    Some(Located::new(cors, node.place))
}

fn origins<'d>(reader: &mut Reader<'d, '_>, node: &'d Node, credentials: bool) -> Vec<String> {
    let origins = items(reader, node, "origins");
    if origins.is_empty() {
        let help = "Write `origins: [\"https://shop.example\"]`, or `\"*\"` for all";
        reader.error("cors::origin", node.place, format!("`{EXTENSION}` allows no origin"), help);
    }
    if origins.len() > CORS_ORIGINS_MAX {
        let help = "Use patterns such as `https://*.example.com`";
        reader.error("cors::origin", node.place, format!("more than {CORS_ORIGINS_MAX} origins"), help);
    }
    let sound = origins.into_iter().filter(|origin| match OriginPattern::parse(&origin.value) {
        Err(help) => {
            reader.error("cors::origin", origin.place, format!("`{}` is no origin", origin.value), help);
            false
        }
        Ok(pattern) if pattern.is_any() && credentials => {
            reader.error("cors::credentials", origin.place, ANY_WITH_CREDENTIALS, NAME_THE_ORIGINS);
            false
        }
        Ok(_) => true,
    });
    sound.map(|origin| origin.value).collect()
}

/// Verbs or headers, and `*` for all of them.
fn names<'d>(reader: &mut Reader<'d, '_>, node: &'d Node, member: &'static str, credentials: bool) -> Vec<String> {
    let mut names = items(reader, node, member);
    names.retain_mut(|name| {
        if name.value == "*" {
            // Fetch, "Access-Control-Allow-Headers": with credentials a star is the name of a header, and of no other.
            if credentials {
                let found = format!("with `credentials: true` browsers take the `*` of `{member}` for a name");
                reader.error("cors::credentials", name.place, found, "Name them one by one");
                return false;
            }
        } else if member == "methods" {
            match HttpMethod::parse(&name.value).filter(|verb| *verb != HttpMethod::Any) {
                Some(verb) => verb.as_str().clone_into(&mut name.value),
                None => {
                    let known: Vec<&str> = HttpMethod::ALL.iter().map(|verb| verb.as_str()).collect();
                    let help = match closest(&name.value, &known[..7]) {
                        Some(near) => format!("Did you mean `{near}`?"),
                        None => format!("Write one of {}, or `*`", known[..7].join(", ")),
                    };
                    reader.error("cors::name", name.place, format!("`{}` is no verb", name.value), help);
                    return false;
                }
            }
        } else if !is_token(name.value.as_bytes()) {
            let help = "Write one name an item: letters, digits and hyphens";
            reader.error("cors::name", name.place, format!("`{}` is no header's name", name.value), help);
            return false;
        }
        true
    });
    names.into_iter().map(|name| name.value).collect()
}

fn max_age<'d>(reader: &mut Reader<'d, '_>, node: &'d Node) -> Option<u32> {
    let seconds = node.get("maxAge").and_then(|node| reader.integer(node, "`maxAge`"))?;
    if seconds.value > CORS_MAX_AGE_SECONDS_MAX {
        let found = format!("`maxAge` above {CORS_MAX_AGE_SECONDS_MAX} seconds");
        let help = format!("Write a number from 0 to {CORS_MAX_AGE_SECONDS_MAX}: no browser keeps it longer");
        reader.error("cors::max-age", seconds.place, found, help);
    }
    Some(seconds.value)
}

/// A list, or one item without its brackets.
fn items<'d>(reader: &mut Reader<'d, '_>, node: &'d Node, member: &'static str) -> Vec<Located<String>> {
    let Some(node) = node.get(member) else { return Vec::new() };
    let nodes = match &node.value {
        NodeValue::Scalar(_) => std::slice::from_ref(node),
        _ => reader.list(node, member),
    };
    nodes.iter().filter_map(|node| reader.text(node, member)).collect()
}
