//! AWS's extensions: which there are, and where they belong (openapi-extensions, the table).

use Level::{Components, Document, Info, Operation, PathItem, Scheme, Server, Tag};

use super::reader::Reader;
use super::suggest::closest;
use crate::formats::yaml::Entries;
use crate::model::cors::EXTENSION;
use crate::model::problem::Located;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Document,
    Info,
    Components,
    Server,
    PathItem,
    Operation,
    Scheme,
    Tag,
}

const EXTENSIONS: &[(&str, &[Level])] = &[
    ("x-amazon-apigateway-any-method", &[PathItem]),
    ("x-amazon-apigateway-api-key-source", &[Document, Scheme, Info]),
    ("x-amazon-apigateway-auth", &[Operation, Document]),
    ("x-amazon-apigateway-authorizer", &[Scheme]),
    ("x-amazon-apigateway-authtype", &[Scheme, Operation]),
    ("x-amazon-apigateway-binary-media-types", &[Document]),
    ("x-amazon-apigateway-cors", &[Document]),
    ("x-amazon-apigateway-documentation", &[Document]),
    ("x-amazon-apigateway-endpoint-access-mode", &[Document]),
    ("x-amazon-apigateway-endpoint-configuration", &[Document, Server]),
    ("x-amazon-apigateway-gateway-responses", &[Document]),
    ("x-amazon-apigateway-importexport-version", &[Document]),
    ("x-amazon-apigateway-integration", &[Operation]),
    ("x-amazon-apigateway-integrations", &[Components]),
    ("x-amazon-apigateway-minimum-compression-size", &[Document]),
    ("x-amazon-apigateway-policy", &[Document]),
    ("x-amazon-apigateway-request-validator", &[Document, Operation]),
    ("x-amazon-apigateway-request-validators", &[Document]),
    ("x-amazon-apigateway-security-policy", &[Document]),
    ("x-amazon-apigateway-tag-value", &[Tag]),
];

/// Weir's own.
const OURS: &[(&str, &[Level])] = &[(EXTENSION, &[Document])];

/// Warns of extensions that AWS does not know, or not here: AWS ignores them, and whoever wrote them should hear it.
pub(super) fn check(reader: &mut Reader<'_, '_>, entries: &Entries, level: Level) {
    for (key, _) in entries {
        let name = key.value.as_str();
        if name.starts_with("x-weir-") {
            ours(reader, key, level);
        }
        if !name.starts_with("x-amazon-apigateway-") {
            continue;
        }
        match EXTENSIONS.iter().find(|(known, _)| *known == name) {
            Some((_, levels)) if levels.contains(&level) => {}
            Some((_, levels)) => {
                let homes = levels.iter().map(|level| level.describe()).collect::<Vec<_>>().join(" or ");
                let found = format!("`{name}` has no effect here");
                reader.warning("openapi::extension", key.place, found, format!("Write it in {homes}"));
            }
            None => {
                let names: Vec<_> = EXTENSIONS.iter().map(|(known, _)| *known).collect();
                let help = match closest(name, &names) {
                    Some(near) => format!("Did you mean `{near}`?"),
                    None => "Remove it: neither AWS nor Weir knows it, and it has no effect".to_owned(),
                };
                reader.warning("openapi::extension", key.place, format!("unknown extension `{name}`"), help);
            }
        }
    }
}

/// Nobody else ignores these, so that what is misspelt is an error.
fn ours(reader: &mut Reader<'_, '_>, key: &Located<String>, level: Level) {
    let name = key.value.as_str();
    let homes = OURS.iter().find(|(known, _)| *known == name).map(|(_, levels)| *levels);
    if homes.is_some_and(|levels| levels.contains(&level)) {
        return;
    }
    let names: Vec<_> = OURS.iter().map(|(known, _)| *known).collect();
    let help = match (homes, closest(name, &names)) {
        (Some(levels), _) => format!("Write it in {}", levels.iter().map(|level| level.describe()).collect::<String>()),
        (None, Some(near)) => format!("Did you mean `{near}`?"),
        (None, None) => format!("Remove it: Weir's extensions are {}", names.join(", ")),
    };
    let found = if homes.is_some() { "has no effect here" } else { "is no extension of Weir" };
    reader.error("openapi::extension", key.place, format!("`{name}` {found}"), help);
}

impl Level {
    fn describe(self) -> &'static str {
        match self {
            Document => "the document itself",
            Info => "`info`",
            Components => "`components`",
            Server => "an item of `servers`",
            PathItem => "a path",
            Operation => "an operation, below its verb",
            Scheme => "a security scheme",
            Tag => "an item of `tags`",
        }
    }
}
