//! Changes that are in memory and perhaps not yet on disk, each with the change that undoes it.

use std::collections::VecDeque;

use super::change::Change;
use super::definitions::Definitions;

/// Oldest first.
#[derive(Debug, Default)]
pub struct Unsettled(VecDeque<(u64, Change)>);

impl Unsettled {
    /// `undo` is what [`Definitions::apply`] answered for `revision`.
    pub fn keep(&mut self, revision: u64, undo: Change) {
        debug_assert!(self.0.back().is_none_or(|(last, _)| *last < revision), "revisions rise");
        self.0.push_back((revision, undo));
    }

    /// This revision was acknowledged, and with it every earlier one: they are written in their order.
    pub fn settle(&mut self, revision: u64) {
        while self.0.front().is_some_and(|(oldest, _)| *oldest <= revision) {
            self.0.pop_front();
        }
    }

    /// Undoes every change from `since` on, newest first. Answers how many they were.
    pub fn undo(&mut self, since: u64, definitions: &mut Definitions) -> usize {
        let mut count = 0;
        while self.0.back().is_some_and(|(newest, _)| *newest >= since) {
            if let Some((_, undo)) = self.0.pop_back() {
                definitions.apply(&undo);
                count += 1;
            }
        }
        count
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_undone_first_and_what_is_settled_stays() {
        let (mut definitions, mut unsettled) = (Definitions::default(), Unsettled::default());
        for revision in 1..=5 {
            let rows = vec![(Box::from("n"), Some(Box::from(format!("{{\"n\":{revision}}}"))))];
            let undo = definitions.apply(&Change { revision, rows, blobs: Vec::new() });
            unsettled.keep(revision, undo);
        }
        unsettled.settle(2);
        assert_eq!((unsettled.undo(4, &mut definitions), unsettled.len()), (2, 1));
        assert_eq!((definitions.get("n").map(|text| &**text), definitions.revision()), (Some(r#"{"n":3}"#), 3));
        assert_eq!((unsettled.undo(1, &mut definitions), unsettled.is_empty()), (1, true));
        assert_eq!((definitions.get("n").map(|text| &**text), definitions.revision()), (Some(r#"{"n":2}"#), 2));
    }
}
