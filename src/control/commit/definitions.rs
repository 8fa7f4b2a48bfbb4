//! All rows in memory, as compact JSON text, and the draft in which one command reads and writes before it is a change.
//!
//! A row is a JSON object: [`Draft::put`] makes it from one, and the store refuses to open with anything else.

use std::collections::BTreeMap;
use std::iter;
use std::ops::Bound;
use std::sync::Arc;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::change::{Change, Key};
use crate::model::api_rows::Object;

/// What would be read as something else inside a segment of a key. What is not ASCII is encoded as well.
const ENCODED: &AsciiSet = &CONTROLS.add(b'/').add(b'%');
/// An empty segment, so that it cannot be mistaken for no segment. Nothing else is encoded to this.
const EMPTY: &str = "%";

/// The key of these segments; each may hold any text.
pub fn key(segments: &[&str]) -> Key {
    let mut text = String::new();
    for segment in segments {
        if !text.is_empty() {
            text.push('/');
        }
        match *segment {
            "" => text.push_str(EMPTY),
            segment => text.extend(utf8_percent_encode(segment, ENCODED)),
        }
    }
    text.into_boxed_str()
}

/// What [`key`] was made from.
pub fn segments(key: &str) -> Vec<String> {
    let decoded = |segment| match segment {
        EMPTY => String::new(),
        segment => percent_decode_str(segment).decode_utf8_lossy().into_owned(),
    };
    if key.is_empty() { Vec::new() } else { key.split('/').map(decoded).collect() }
}

/// All that is. One thread owns it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definitions {
    rows: BTreeMap<Key, Arc<str>>,
    revision: u64,
}

impl Definitions {
    /// What a store had on disk.
    pub fn new(rows: impl IntoIterator<Item = (Key, Box<str>)>, revision: u64) -> Self {
        Self { rows: rows.into_iter().map(|(key, text)| (key, text.into())).collect(), revision }
    }

    /// Of the newest change that was applied and not undone.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn get(&self, key: &str) -> Option<&Arc<str>> {
        self.rows.get(key)
    }

    /// Every row whose key begins with `prefix` and a slash, in key order; all rows where the prefix is empty.
    pub fn below(&self, prefix: &str) -> impl Iterator<Item = (&Key, &Arc<str>)> {
        let (from, to) = bounds(prefix);
        self.rows.range::<str, _>((bound(&from), bound(&to)))
    }

    /// The rows of [`below`](Self::below) that stand behind a key among them.
    pub fn below_after(&self, prefix: &str, after: Option<&str>) -> impl Iterator<Item = (&Key, &Arc<str>)> {
        let (from, to) = bounds(prefix);
        let from = after.map_or(bound(&from), Bound::Excluded);
        // A range that ends before it begins has nothing, and may not be asked for.
        let is_range = after.is_none_or(|after| matches!(&to, Bound::Excluded(to) if after < to.as_str()));
        is_range.then(|| self.rows.range::<str, _>((from, bound(&to)))).into_iter().flatten()
    }

    /// The rows of [`below`](Self::below) that are one segment further down. Costs what they are, not what is below them.
    pub fn children(&self, prefix: &str) -> impl Iterator<Item = (&Key, &Arc<str>)> {
        children(prefix, |from, to| self.rows.range::<str, _>((from, to)).next())
    }

    /// Takes a change over. Answers the change that undoes it exactly, except for blobs: they are not kept here, and the
    /// store has none of a change that failed.
    pub fn apply(&mut self, change: &Change) -> Change {
        let revision = std::mem::replace(&mut self.revision, change.revision);
        let mut undo = Vec::with_capacity(change.rows.len());
        for (key, text) in &change.rows {
            let before = match text {
                Some(text) => self.rows.insert(key.clone(), Arc::from(&**text)),
                None => self.rows.remove(key),
            };
            undo.push((key.clone(), before.map(|text| Box::from(&*text))));
        }
        // A key that stands twice in a change is undone from its end.
        undo.reverse();
        Change { revision, rows: undo, blobs: Vec::new() }
    }

    pub fn draft(&self) -> Draft<'_> {
        Draft { under: self, rows: BTreeMap::new(), blobs: BTreeMap::new() }
    }
}

/// What one command reads and writes: its own writes over all that is. Dropping it changes nothing.
#[derive(Clone, Debug)]
pub struct Draft<'d> {
    under: &'d Definitions,
    rows: BTreeMap<Key, Option<Arc<str>>>,
    blobs: BTreeMap<Key, Option<Box<[u8]>>>,
}

impl<'d> Draft<'d> {
    /// What the draft was begun on.
    pub fn under(&self) -> &'d Definitions {
        self.under
    }

    pub fn contains(&self, key: &str) -> bool {
        self.text(key).is_some()
    }

    pub fn get(&self, key: &str) -> Option<Object> {
        self.text(key).map(parsed)
    }

    pub fn put(&mut self, key: impl Into<Key>, object: &Object) {
        let text = serde_json::to_string(object).expect("an object with text for keys is written");
        self.rows.insert(key.into(), Some(text.into()));
    }

    /// Was there something to delete?
    pub fn delete(&mut self, key: &str) -> bool {
        let was_there = self.contains(key);
        if was_there {
            self.rows.insert(key.into(), None);
        }
        was_there
    }

    /// Deletes everything below `prefix`, not `prefix` itself. Answers how much that was.
    pub fn delete_below(&mut self, prefix: &str) -> usize {
        let keys: Vec<Key> = self.texts_below(prefix).map(|(key, _)| key.clone()).collect();
        let count = keys.len();
        self.rows.extend(keys.into_iter().map(|key| (key, None)));
        count
    }

    /// Everything whose key begins with `prefix` and a slash, in key order; all rows where the prefix is empty.
    pub fn list(&self, prefix: &str) -> Vec<(Key, Object)> {
        self.texts_below(prefix).map(|(key, text)| (key.clone(), parsed(text))).collect()
    }

    /// Rows whose key is `prefix`, a slash and one segment. Costs what they are, not what is below them.
    pub fn children(&self, prefix: &str) -> Vec<(Key, Object)> {
        children(prefix, |from, to| self.first(from, to)).map(|(key, text)| (key.clone(), parsed(text))).collect()
    }

    pub fn put_blob(&mut self, key: impl Into<Key>, bytes: impl Into<Box<[u8]>>) {
        self.blobs.insert(key.into(), Some(bytes.into()));
    }

    /// What this draft has put. Older ones are the store's.
    pub fn blob(&self, key: &str) -> Option<&[u8]> {
        self.blobs.get(key)?.as_deref()
    }

    /// Deleting a blob that is not there is no mistake: only the store knows.
    pub fn delete_blob(&mut self, key: impl Into<Key>) {
        self.blobs.insert(key.into(), None);
    }

    /// The change, in key order. What was put as it had been, and what came and went within the draft, is not in it.
    pub fn finish(self, revision: u64) -> Change {
        let under = self.under;
        let rows = self
            .rows
            .into_iter()
            .filter(|(key, text)| under.get(key) != text.as_ref())
            .map(|(key, text)| (key, text.map(|text| Box::from(&*text))))
            .collect();
        Change { revision, rows, blobs: self.blobs.into_iter().collect() }
    }

    fn text(&self, key: &str) -> Option<&Arc<str>> {
        match self.rows.get(key) {
            Some(own) => own.as_ref(),
            None => self.under.get(key),
        }
    }

    fn texts_below(&self, prefix: &str) -> impl Iterator<Item = (&Key, &Arc<str>)> {
        let (mut from, to) = bounds(prefix);
        iter::from_fn(move || {
            let (key, text) = self.first(bound(&from), bound(&to))?;
            from = Bound::Excluded(key.to_string());
            Some((key, text))
        })
    }

    /// The first row between two keys, own ones over those under them.
    fn first(&self, from: Bound<&str>, to: Bound<&str>) -> Option<(&Key, &Arc<str>)> {
        let mut own = self.rows.range::<str, _>((from, to)).peekable();
        let mut under = self.under.rows.range::<str, _>((from, to)).peekable();
        loop {
            match (own.peek(), under.peek()) {
                (None, None) => return None,
                (Some((own_key, _)), Some((under_key, _))) if under_key < own_key => return under.next(),
                (None, Some(_)) => return under.next(),
                (Some((own_key, text)), under_next) => {
                    if under_next.is_some_and(|(under_key, _)| under_key == own_key) {
                        under.next();
                    }
                    match text {
                        Some(text) => return Some((own_key, text)),
                        None => own.next(),
                    };
                }
            }
        }
    }
}

fn parsed(text: &Arc<str>) -> Object {
    serde_json::from_str(text).expect("a row is an object: `put` wrote it, or the store has looked at it")
}

type OwnedBounds = (Bound<String>, Bound<String>);

/// All keys below a prefix: from behind `prefix/` to before `prefix0`, which is the next text that does not begin so.
fn bounds(prefix: &str) -> OwnedBounds {
    if prefix.is_empty() {
        return (Bound::Unbounded, Bound::Unbounded);
    }
    (Bound::Excluded(format!("{prefix}/")), Bound::Excluded(format!("{prefix}0")))
}

fn bound(owned: &Bound<String>) -> Bound<&str> {
    owned.as_ref().map(String::as_str)
}

/// Walks from child to child: what is below a child is jumped over.
fn children<'r>(
    prefix: &str,
    first: impl Fn(Bound<&str>, Bound<&str>) -> Option<(&'r Key, &'r Arc<str>)>,
) -> impl Iterator<Item = (&'r Key, &'r Arc<str>)> {
    let (mut from, to) = bounds(prefix);
    let behind = if prefix.is_empty() { 0 } else { prefix.len() + 1 };
    iter::from_fn(move || {
        loop {
            let (key, text) = first(bound(&from), bound(&to))?;
            match key[behind..].find('/') {
                None => {
                    from = Bound::Excluded(key.to_string());
                    return Some((key, text));
                }
                Some(slash) => from = Bound::Included(format!("{}0", &key[..behind + slash])),
            }
        }
    })
}

#[cfg(test)]
mod tests;
