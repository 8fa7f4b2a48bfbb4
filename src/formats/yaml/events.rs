//! YAML text to the tree, over saphyr's events.

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};

use super::json::duplicate;
use super::node::{Entries, Node, NodeValue, Style};
use super::offsets::Offsets;
use crate::model::problem::{Located, Place, Problem};
use crate::settings::limits::{DOCUMENT_ALIAS_BYTES_MAX, DOCUMENT_DEPTH_MAX};

pub(super) fn parse(file: u32, text: &str, problems: &mut Vec<Problem>) -> Option<Node> {
    let mut builder = Builder {
        text,
        offsets: Offsets::new(file, text),
        open: Vec::new(),
        root: None,
        anchors: HashMap::new(),
        copied_bytes: 0,
        documents: 0,
        problems: Vec::new(),
    };
    let outcome = builder.run();
    problems.append(&mut builder.problems);
    if let Err(problem) = outcome {
        problems.push(*problem);
        return None;
    }
    if builder.root.is_none() {
        let place = builder.offsets.end();
        problems.push(Problem::error(
            "yaml::empty",
            place,
            "the document is empty",
            "Write an OpenAPI definition into it",
        ));
    }
    builder.root
}

struct Builder<'t> {
    text: &'t str,
    offsets: Offsets<'t>,
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, Anchor>,
    /// What anchors and aliases have copied so far: the bound against alias bombs.
    copied_bytes: usize,
    documents: usize,
    problems: Vec<Problem>,
}

/// A map or list whose end has not come yet.
struct Open {
    start: Span,
    anchor: usize,
    items: Items,
}

enum Items {
    List(Vec<Node>),
    Map { entries: Entries, first: HashMap<String, u32>, key: Option<Key>, merged: Vec<Node> },
}

struct Key {
    text: Located<String>,
    /// `<<`, not in quotes: the entries of its value become the map's (the merge key of YAML 1.1, which AWS takes).
    merge: bool,
}

struct Anchor {
    node: Node,
    bytes: usize,
    height: usize,
}

type Build = Result<(), Box<Problem>>;

impl<'t> Builder<'t> {
    fn run(&mut self) -> Build {
        let body = self.offsets.body();
        for event in Parser::new_from_str(body) {
            let (event, span) = event.map_err(|error| {
                let place = self.offsets.place(*error.marker(), *error.marker());
                let help = "Correct the YAML here; nothing after it was read";
                Box::new(Problem::error("yaml::syntax", place, error.info().to_owned(), help))
            })?;
            self.event(event, span)?;
        }
        Ok(())
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Build {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(self.refuse(
                        span,
                        "a second document in the same file",
                        "Keep one definition in a file",
                    ));
                }
            }
            Event::Alias(anchor) => return self.alias(anchor, span),
            Event::Scalar(text, style, anchor, tag) => {
                self.tag(tag.as_deref(), span)?;
                let forced = tag.as_deref().is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
                let plain = style == ScalarStyle::Plain && !forced;
                let place = self.offsets.scalar(span, style == ScalarStyle::Plain && !text.is_empty());
                let style = if plain { Style::Plain } else { Style::Quoted };
                return self.attach(Node::scalar(place, text.into_owned(), style), anchor);
            }
            Event::SequenceStart(anchor, tag) => {
                self.tag(tag.as_deref(), span)?;
                return self.enter(span, anchor, Items::List(Vec::new()));
            }
            Event::MappingStart(anchor, tag) => {
                self.tag(tag.as_deref(), span)?;
                let map = Items::Map { entries: Vec::new(), first: HashMap::new(), key: None, merged: Vec::new() };
                return self.enter(span, anchor, map);
            }
            Event::SequenceEnd | Event::MappingEnd => return self.leave(span.end),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn enter(&mut self, start: Span, anchor: usize, items: Items) -> Build {
        if self.open.len() >= DOCUMENT_DEPTH_MAX {
            let found = format!("nested deeper than {DOCUMENT_DEPTH_MAX} levels");
            return Err(self.refuse(start, &found, "Nest less deep"));
        }
        self.open.push(Open { start, anchor, items });
        Ok(())
    }

    fn leave(&mut self, end: Marker) -> Build {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let value = match open.items {
            Items::List(items) => NodeValue::List(items),
            Items::Map { mut entries, merged, .. } => {
                merge(&mut entries, merged);
                NodeValue::Map(entries)
            }
        };
        let place = self.offsets.place(open.start.start, end);
        self.attach(Node { place, value }, open.anchor)
    }

    /// A finished value finds its parent.
    fn attach(&mut self, node: Node, anchor: usize) -> Build {
        if anchor != 0 {
            let (bytes, height) = measure(&node);
            self.spend(bytes, node.place)?;
            self.anchors.insert(anchor, Anchor { node: node.clone(), bytes, height });
        }
        match self.open.last_mut().map(|open| &mut open.items) {
            None => self.root = Some(node),
            Some(Items::List(items)) => items.push(node),
            Some(Items::Map { entries, first, key, merged }) => match key.take() {
                None => {
                    let NodeValue::Scalar(scalar) = node.value else {
                        let help = "Write the key as text on one line";
                        return Err(Box::new(Problem::error("yaml::key", node.place, "a key must be text", help)));
                    };
                    let merge = scalar.text == "<<" && scalar.style == Style::Plain;
                    *key = Some(Key { text: Located::new(scalar.text, node.place), merge });
                }
                Some(Key { merge: true, .. }) => match node.value {
                    NodeValue::List(items) => merged.extend(items),
                    _ => merged.push(node),
                },
                Some(Key { text, .. }) => match first.get(&text.value) {
                    Some(earlier) => duplicate(self.text, &text, *earlier as usize, &mut self.problems),
                    None => {
                        first.insert(text.value.clone(), text.place.offset);
                        entries.push((text, node));
                    }
                },
            },
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Build {
        let place = self.offsets.place(span.start, span.end);
        let Some(found) = self.anchors.get(&anchor) else {
            let help = "Give the anchor a value that does not contain its own alias";
            return Err(Box::new(Problem::error("yaml::alias", place, "an alias that refers to itself", help)));
        };
        if self.open.len() + found.height > DOCUMENT_DEPTH_MAX {
            let found = format!("nested deeper than {DOCUMENT_DEPTH_MAX} levels");
            return Err(self.refuse(span, &found, "Nest less deep"));
        }
        let (node, bytes) = (found.node.clone(), found.bytes);
        self.spend(bytes, place)?;
        self.attach(node, 0)
    }

    fn spend(&mut self, bytes: usize, place: Place) -> Build {
        self.copied_bytes = self.copied_bytes.saturating_add(bytes);
        if self.copied_bytes > DOCUMENT_ALIAS_BYTES_MAX {
            let found = format!("anchors and aliases repeat more than {DOCUMENT_ALIAS_BYTES_MAX} bytes");
            return Err(Box::new(Problem::error("yaml::alias", place, found, "Write the values out")));
        }
        Ok(())
    }

    /// Only YAML's own tags mean something here. CloudFormation's functions would be taken for their argument.
    fn tag(&self, tag: Option<&Tag>, span: Span) -> Build {
        match tag {
            Some(tag) if !tag.is_yaml_core_schema() && !tag.suffix.is_empty() => {
                let found = format!("the tag `{}{}`", tag.handle, tag.suffix);
                let help = "Write the value itself: CloudFormation's functions are not evaluated in a definition";
                Err(self.refuse(span, &found, help))
            }
            _ => Ok(()),
        }
    }

    fn refuse(&self, span: Span, found: &str, help: &str) -> Box<Problem> {
        Box::new(Problem::error("yaml::structure", self.offsets.place(span.start, span.end), found, help))
    }
}

/// The map's own entries win over merged ones, earlier merged ones over later.
fn merge(entries: &mut Entries, merged: Vec<Node>) {
    if merged.is_empty() {
        return;
    }
    let mut known: HashSet<String> = entries.iter().map(|(key, _)| key.value.clone()).collect();
    for node in merged {
        if let NodeValue::Map(more) = node.value {
            entries.extend(more.into_iter().filter(|(key, _)| known.insert(key.value.clone())));
        }
    }
}

/// Bytes that a copy takes, roughly, and levels of nesting.
fn measure(node: &Node) -> (usize, usize) {
    let own = size_of::<Node>();
    match &node.value {
        NodeValue::Scalar(scalar) => (own + scalar.text.len(), 0),
        NodeValue::List(items) => sum(own, items.iter().map(measure)),
        NodeValue::Map(entries) => sum(
            own,
            entries.iter().map(|(key, value)| {
                let (bytes, height) = measure(value);
                (bytes + size_of::<Located<String>>() + key.value.len(), height)
            }),
        ),
    }
}

fn sum(own: usize, parts: impl Iterator<Item = (usize, usize)>) -> (usize, usize) {
    parts.fold((own, 1), |(bytes, height), (more, below)| (bytes + more, height.max(below + 1)))
}
