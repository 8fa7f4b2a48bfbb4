//! Definitions of deployments that were read lately: what a deployment keeps never changes, so that a change of its stage need
//! not read it again. Reading one of 1,000 methods takes longer than compiling it.

use std::collections::VecDeque;
use std::sync::Arc;

use super::from_rows::{self, Owners};
use crate::control::commit::change::Key;
use crate::model::problem::Problem;
use crate::model::rest_api::RestApi;
use crate::settings::limits::{PARSED_BYTES_MAX, PARSED_BYTES_MIN};

/// A deployment's definition, and what was wrong with its rows.
pub struct Parsed {
    pub api: RestApi,
    pub owners: Owners,
    pub problems: Vec<Problem>,
}

/// The newest last; bounded by the bytes that they were read from.
#[derive(Default)]
pub struct ParsedDeployments {
    known: VecDeque<(Key, usize, Arc<Parsed>)>,
    bytes: usize,
}

impl ParsedDeployments {
    pub fn get(&mut self, key: &str) -> Option<Arc<Parsed>> {
        let at = self.known.iter().position(|(known, ..)| **known == *key)?;
        let entry = self.known.remove(at)?;
        let parsed = Arc::clone(&entry.2);
        self.known.push_back(entry);
        Some(parsed)
    }

    /// Reads a deployment's content. `None` where it is none.
    pub fn read(&mut self, key: &Key, api_id: &str, bytes: &[u8]) -> Option<Arc<Parsed>> {
        let rows = serde_json::from_slice(bytes).ok()?;
        let mut problems = Vec::new();
        let (api, owners) = from_rows::rest_api(api_id, &rows, &mut problems);
        let parsed = Arc::new(Parsed { api, owners, problems });
        if bytes.len() < PARSED_BYTES_MIN {
            return Some(parsed);
        }
        self.bytes += bytes.len();
        self.known.push_back((key.clone(), bytes.len(), Arc::clone(&parsed)));
        while self.bytes > PARSED_BYTES_MAX
            && let Some((_, length, _)) = self.known.pop_front()
        {
            self.bytes -= length;
        }
        Some(parsed)
    }

    /// A restore may bring other content under a known id.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_lately_is_kept_within_bounds() {
        let mut parsed = ParsedDeployments::default();
        let content = |name: &str, bytes: usize| {
            let name = format!("{name}{}", "x".repeat(bytes));
            format!(r#"{{"api":{{"name":"{name}"}},"resources":[]}}"#)
        };
        for index in 0..10 {
            let key: Key = format!("deployments/a/{index}").into();
            let text = content("n", PARSED_BYTES_MAX / 4);
            assert!(parsed.read(&key, "a", text.as_bytes()).is_some());
            assert!(parsed.bytes <= PARSED_BYTES_MAX);
        }
        assert!(parsed.get("deployments/a/9").is_some() && parsed.get("deployments/a/0").is_none());
        assert!(parsed.read(&"k".into(), "a", content("n", 1).as_bytes()).is_some() && parsed.get("k").is_none());
        assert!(parsed.read(&"k".into(), "a", b"{").is_none());
        parsed.forget();
        assert!(parsed.get("deployments/a/9").is_none());
    }
}
