//! Whose a problem is where there is no file with a line to show.

use crate::model::problem::{Place, Problem};

/// The file of every place that stands in no file.
const NO_FILE: u32 = u32::MAX;

/// What each place of a definition from rows belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    /// By a place's offset. The first is the API itself, and has no name.
    names: Vec<String>,
}

impl Owners {
    pub(super) fn add(&mut self, name: String) -> Place {
        let offset = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name);
        Place { file: NO_FILE, offset, length: 0 }
    }

    fn name(&self, place: Place) -> Option<&str> {
        let name = self.names.get(place.offset as usize).filter(|_| place.file == NO_FILE)?;
        Some(name.as_str()).filter(|name| !name.is_empty())
    }
}

/// A problem with the method that it is about: `GET /pets: authorizers are not there yet`.
pub fn describe(problem: &Problem, owners: &Owners) -> String {
    match problem.place.and_then(|place| owners.name(place)) {
        Some(name) => format!("{name}: {}", problem.found),
        None => problem.found.clone(),
    }
}
