//! One change: rows put and deleted, all of them or none.

/// Where a row lives: `restapis/{id}/stages/{name}`. Keys of one object's parts begin with the object's own.
pub type Key = Box<str>;

/// A change with the revision that it makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub revision: u64,
    /// Each key with its new JSON text; `None` deletes the row.
    pub rows: Vec<(Key, Option<Box<str>>)>,
    /// What is large and seldom read (a deployment's content): it stays on disk until somebody asks for it.
    pub blobs: Vec<(Key, Option<Box<[u8]>>)>,
}
