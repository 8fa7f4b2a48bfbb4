//! What all parts of the import use: values of the right kind or a problem, references, and the list of problems.

use super::found::{Audience, Found, Owner, Part};
use super::options::Options;
use super::suggest::closest;
use crate::formats::yaml::{Entries, Node, NodeValue};
use crate::model::problem::{Located, Place, Problem};

/// A chain of references longer than this goes round in a circle.
const REFERENCES_MAX: usize = 16;

pub(super) struct Reader<'d, 'p> {
    pub(super) options: &'d Options,
    root: &'d Node,
    /// What is being read: problems are told of it.
    pub(super) owner: Owner,
    audience: Audience,
    problems: &'p mut Vec<Found>,
}

impl<'d, 'p> Reader<'d, 'p> {
    pub(super) fn new(root: &'d Node, options: &'d Options, problems: &'p mut Vec<Found>) -> Self {
        Self { options, root, owner: Owner::Document, audience: Audience::Everybody, problems }
    }

    /// Reads what only the control plane keeps: its problems are no matter of who serves the file.
    pub(super) fn for_import<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.audience, Audience::Import);
        let read = read(self);
        self.audience = before;
        read
    }

    pub(super) fn root(&self) -> &'d Node {
        self.root
    }

    pub(super) fn error(
        &mut self,
        code: &'static str,
        place: Place,
        found: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Problem::error(code, place, found, help), self.audience);
    }

    /// An error that AWS does not speak of at import: it takes the document, and fails later or never.
    pub(super) fn deploy_error(
        &mut self,
        code: &'static str,
        place: Place,
        found: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Problem::error(code, place, found, help), Audience::Serve);
    }

    /// A warning that is ours and not AWS's.
    pub(super) fn lint(&mut self, code: &'static str, place: Place, found: impl Into<String>, help: impl Into<String>) {
        self.push(Problem::warning(code, place, found, help), Audience::Serve);
    }

    pub(super) fn warning(
        &mut self,
        code: &'static str,
        place: Place,
        found: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Problem::warning(code, place, found, help), self.audience);
    }

    pub(super) fn unsupported(
        &mut self,
        code: &'static str,
        place: Place,
        found: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Problem::unsupported(code, place, found, help), self.audience);
    }

    /// The entries of a map. Nothing at all (`parameters:`) is an empty one.
    pub(super) fn map(&mut self, node: &'d Node, what: &str) -> Option<&'d Entries> {
        static EMPTY: Entries = Entries::new();
        match &node.value {
            NodeValue::Map(entries) => Some(entries),
            _ if node.is_null() => Some(&EMPTY),
            _ => {
                self.kind(node, what, "a map", "Write `key: value` pairs below it");
                None
            }
        }
    }

    pub(super) fn list(&mut self, node: &'d Node, what: &str) -> &'d [Node] {
        match &node.value {
            NodeValue::List(items) => items,
            _ if node.is_null() => &[],
            _ => {
                self.kind(node, what, "a list", "Write its items in `[…]`, or one a line after `- `");
                &[]
            }
        }
    }

    /// Text. Numbers are taken as they are written, truth values are not (openapi-extensions section 3).
    pub(super) fn text(&mut self, node: &'d Node, what: &str) -> Option<Located<String>> {
        match &node.value {
            NodeValue::Scalar(scalar) if scalar.is_null() => None,
            NodeValue::Scalar(scalar) if scalar.as_bool().is_none() => {
                Some(Located::new(scalar.text.clone(), node.place))
            }
            NodeValue::Scalar(scalar) => {
                self.kind(node, what, "text", &format!("Write it in quotes: \"{}\"", scalar.text));
                None
            }
            _ => {
                self.kind(node, what, "text", "Write one value, in quotes");
                None
            }
        }
    }

    /// `true` or `false`, also in quotes.
    pub(super) fn boolean(&mut self, node: &'d Node, what: &str) -> Option<Located<bool>> {
        let value = match &node.value {
            NodeValue::Scalar(scalar) if scalar.is_null() => return None,
            NodeValue::Scalar(scalar) => scalar.as_bool().or_else(|| scalar.text.parse().ok()),
            _ => None,
        };
        if value.is_none() {
            self.kind(node, what, "true or false", "Write `true` or `false`");
        }
        Some(Located::new(value?, node.place))
    }

    /// A whole number, also in quotes.
    pub(super) fn integer(&mut self, node: &'d Node, what: &str) -> Option<Located<u32>> {
        let value = match &node.value {
            NodeValue::Scalar(scalar) if scalar.is_null() => return None,
            NodeValue::Scalar(scalar) => scalar.text.trim().parse().ok(),
            _ => None,
        };
        if value.is_none() {
            self.kind(node, what, "a whole number", "Write digits, without a unit");
        }
        Some(Located::new(value?, node.place))
    }

    /// One of AWS's words, in any case; the answer has AWS's spelling.
    pub(super) fn choice(
        &mut self,
        code: &'static str,
        node: &'d Node,
        what: &str,
        choices: &[&str],
    ) -> Option<Located<String>> {
        let text = self.text(node, what)?;
        if let Some(choice) = choices.iter().find(|choice| choice.eq_ignore_ascii_case(&text.value)) {
            return Some(Located::new((*choice).to_owned(), text.place));
        }
        let help = match closest(&text.value, choices) {
            Some(choice) => format!("Did you mean `{choice}`?"),
            None => format!("Write one of {}", choices.join(", ")),
        };
        self.error(code, text.place, format!("`{}` is no {what}", text.value), help);
        None
    }

    /// The node that a `$ref` stands for, or the node itself.
    pub(super) fn resolve(&mut self, node: &'d Node) -> Option<&'d Node> {
        let mut target = node;
        for _ in 0..REFERENCES_MAX {
            let Some(reference) = target.get("$ref") else { return Some(target) };
            let reference = self.text(reference, "`$ref`")?;
            let Some(pointer) = reference.value.strip_prefix("#/") else {
                let found = format!("`$ref: {}` names something outside this file", reference.value);
                let help =
                    "Copy it below `components` and write `$ref: \"#/components/…\"`: AWS takes no other files either";
                self.error("openapi::reference", reference.place, found, help);
                return None;
            };
            let found = pointer.split('/').try_fold(self.root, |node, step| step_into(node, step));
            let Some(found) = found else {
                let found = format!("`$ref: {}` names nothing in this file", reference.value);
                self.error("openapi::reference", reference.place, found, "Correct the name, or define it there");
                return None;
            };
            target = found;
        }
        self.error("openapi::reference", node.place, "references that go round in a circle", "Define the value once");
        None
    }

    fn kind(&mut self, node: &Node, what: &str, wanted: &str, help: &str) {
        let found = format!("{what} must be {wanted}, not {}", node.describe());
        self.push(Problem::error("openapi::type", node.place, found, help), self.audience);
    }

    fn push(&mut self, problem: Problem, audience: Audience) {
        // What only an import reads is told to it alone, whatever it is.
        let audience = if self.audience == Audience::Import { Audience::Import } else { audience };
        self.problems.push(Found { problem, owner: self.owner.clone(), audience, on_aws: None });
    }

    /// What AWS's import says in place of the problem that was told last.
    pub(super) fn on_aws(&mut self, text: impl Into<String>) {
        if let Some(found) = self.problems.last_mut() {
            found.on_aws = Some(text.into());
        }
    }

    /// What of a method is read from here on; answers what was read before.
    pub(super) fn part(&mut self, part: Part) -> Part {
        match &mut self.owner {
            Owner::Method(_, _, current) => std::mem::replace(current, part),
            Owner::Document | Owner::Path(_) => part,
        }
    }
}

/// RFC 6901: `~1` is a slash, `~0` a tilde.
fn step_into<'d>(node: &'d Node, step: &str) -> Option<&'d Node> {
    let step = step.replace("~1", "/").replace("~0", "~");
    match &node.value {
        NodeValue::List(items) => items.get(step.parse::<usize>().ok()?),
        _ => node.get(&step),
    }
}
