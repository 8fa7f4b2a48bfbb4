//! What is wrong with a definition, and where it was written.

use std::path::PathBuf;

use crate::settings::raw::{Mistake, Written};

/// A file that a definition was read from, with its text, so that a problem can show the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub path: PathBuf,
    pub text: String,
}

/// All files of one load; a [`Place`] names one of them by its index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    pub files: Vec<Source>,
}

impl Sources {
    /// Keeps a file and answers the index by which a [`Place`] names it.
    pub fn add(&mut self, path: PathBuf, text: String) -> u32 {
        self.files.push(Source { path, text });
        u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX)
    }

    pub fn get(&self, place: Place) -> Option<&Source> {
        self.files.get(place.file as usize)
    }

    /// Line and column of a place, both from 1; columns count characters.
    pub fn line_and_column(&self, place: Place) -> Option<(usize, usize)> {
        let text = &self.get(place)?.text;
        let mut offset = (place.offset as usize).min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &text[..offset];
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        Some((line, before[start..].chars().count() + 1))
    }
}

/// Where something was written: a file, and the bytes in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Index into [`Sources::files`].
    pub file: u32,
    /// Byte offset in the file.
    pub offset: u32,
    /// Length in bytes.
    pub length: u32,
}

/// A value, and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    pub value: T,
    pub place: Place,
}

impl<T> Located<T> {
    pub fn new(value: T, place: Place) -> Self {
        Self { value, place }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing starts.
    Error,
    /// Weir cannot do this yet. An error, unless `--lenient` answers 501 on just that method.
    Unsupported,
    /// Weir goes on; somebody should look.
    Warning,
}

/// One thing that is wrong: what was found, where, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    /// A stable name for machines, e.g. `openapi::integration::uri`.
    pub code: &'static str,
    pub place: Option<Place>,
    /// What was found, as one sentence without a full stop.
    pub found: String,
    /// What to write or do, as one sentence.
    pub help: String,
}

impl Problem {
    pub fn error(code: &'static str, place: Place, found: impl Into<String>, help: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, place: Some(place), found: found.into(), help: help.into() }
    }

    pub fn unsupported(code: &'static str, place: Place, found: impl Into<String>, help: impl Into<String>) -> Self {
        Self { severity: Severity::Unsupported, code, place: Some(place), found: found.into(), help: help.into() }
    }

    pub fn warning(code: &'static str, place: Place, found: impl Into<String>, help: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, code, place: Some(place), found: found.into(), help: help.into() }
    }

    /// A mistake in the settings; `file` is the index among the sources of the settings file that it is in.
    pub fn of_settings(mistake: Mistake, file: u32) -> Self {
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let place = |written: Written| Place { file, offset: narrow(written.offset), length: narrow(written.length) };
        Self {
            severity: Severity::Error,
            code: mistake.code,
            place: mistake.written.map(place),
            found: mistake.found,
            help: mistake.help,
        }
    }

    /// A problem that no file's line shows: a flag, a port, a missing file.
    pub fn nowhere(code: &'static str, found: impl Into<String>, help: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, place: None, found: found.into(), help: help.into() }
    }
}
