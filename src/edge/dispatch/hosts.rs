//! From a host and a path to a stage, in all the forms that an API is reached by (rest/01 sections 1.1 to 1.3).

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::tree::Tree;

/// All stages of a snapshot, by every name that they answer to.
#[derive(Debug, Default)]
pub struct Table {
    pub(super) stages: Vec<StageRoutes>,
    /// Stages of an API id, for the `execute-api` forms.
    pub(super) by_api: HashMap<Box<[u8]>, Vec<usize>, RandomState>,
    /// Base path mappings of the default domain, longest first, without slashes at their ends.
    pub(super) mappings: Vec<(Box<[u8]>, usize)>,
    /// Whether any mapping has more than one segment: that changes how all are compared.
    pub(super) multi_level: bool,
    /// The mapping with an empty base path.
    pub(super) catch_all: Option<usize>,
}

#[derive(Debug)]
pub(super) struct StageRoutes {
    pub(super) stage: Box<[u8]>,
    /// False under `disableExecuteApiEndpoint`.
    pub(super) execute_api: bool,
    pub(super) tree: Tree,
}

/// A stage, and where in the path its resources begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located {
    pub stage: usize,
    pub rest: usize,
}

const EXECUTE_API: &[u8] = b".execute-api.";
const PATH_FORM: &[u8] = b"/_aws/execute-api/";

impl Table {
    pub(super) fn tree(&self, stage: usize) -> &Tree {
        &self.stages[stage].tree
    }

    pub(super) fn locate(&self, host: &[u8], path: &[u8]) -> Option<Located> {
        if let Some(at) = memchr::memmem::find(host, EXECUTE_API).or_else(|| find_any_case(host)) {
            let label = &host[..at];
            // `{id}-{vpce}` is the form of a private endpoint's alias.
            let id = label.split(|&byte| byte == b'-').next().unwrap_or_default();
            return self.by_stage_segment(id, path, 0);
        }
        if let Some(rest) = path.strip_prefix(PATH_FORM) {
            let end = memchr::memchr(b'/', rest).unwrap_or(rest.len());
            return self.by_stage_segment(&rest[..end], path, PATH_FORM.len() + end);
        }
        self.by_base_path(path)
    }

    /// `{stage}` is the first segment behind `from`.
    fn by_stage_segment(&self, id: &[u8], path: &[u8], from: usize) -> Option<Located> {
        let stages = self.by_api.get(&*id.to_ascii_lowercase())?;
        let (start, end) = segment(path, from);
        stages
            .iter()
            .copied()
            .find(|&stage| {
                let routes = &self.stages[stage];
                routes.execute_api && *routes.stage == path[start..end]
            })
            .map(|stage| Located { stage, rest: end })
    }

    fn by_base_path(&self, path: &[u8]) -> Option<Located> {
        if !self.mappings.is_empty() {
            let (start, end) = segment(path, 0);
            // rest/01 section 1.3: single-level keys are whole segments; with a multi-level key among them, the longest
            // that is a prefix of the text wins, which sends `/ordersandmore` to `orders`.
            let matched = self.mappings.iter().find(|(key, _)| {
                if self.multi_level { path[start..].starts_with(key) } else { **key == path[start..end] }
            });
            if let Some((key, stage)) = matched {
                return Some(Located { stage: *stage, rest: start + key.len() });
            }
        }
        self.catch_all.map(|stage| Located { stage, rest: 0 })
    }
}

/// The first segment behind `from` that is not empty.
fn segment(path: &[u8], from: usize) -> (usize, usize) {
    let start = path[from..].iter().position(|&byte| byte != b'/').map_or(path.len(), |at| from + at);
    let end = memchr::memchr(b'/', &path[start..]).map_or(path.len(), |at| start + at);
    (start, end)
}

/// Hosts are lower case nearly always; the few that are not are looked at with care.
fn find_any_case(host: &[u8]) -> Option<usize> {
    if !host.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    host.windows(EXECUTE_API.len()).position(|window| window.eq_ignore_ascii_case(EXECUTE_API))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(stages: &[(&str, &str, Option<&str>)]) -> Table {
        let mut table = Table::default();
        for (index, (id, stage, base_path)) in stages.iter().enumerate() {
            table.add(id, stage, true, *base_path, Tree::new());
            assert_eq!(table.stages.len(), index + 1);
        }
        table
    }

    #[track_caller]
    fn check(table: &Table, host: &str, path: &str, expected: Option<(usize, &str)>) {
        let located = table.locate(host.as_bytes(), path.as_bytes());
        assert_eq!(located.map(|located| (located.stage, &path[located.rest..])), expected, "{host} {path}");
    }

    #[test]
    fn forms_of_an_address() {
        let table = table(&[("abcdefghij", "prod", Some("")), ("klmnopqrst", "dev", Some("orders"))]);
        check(&table, "localhost:8080", "/pets/1", Some((0, "/pets/1")));
        check(&table, "localhost", "/orders/7", Some((1, "/7")));
        check(&table, "localhost", "//orders/7", Some((1, "/7")));
        check(&table, "localhost", "/orders", Some((1, "")));
        check(&table, "localhost", "/ordersandmore", Some((0, "/ordersandmore")));
        check(&table, "abcdefghij.execute-api.us-east-1.amazonaws.com", "/prod/pets", Some((0, "/pets")));
        check(&table, "ABCDEFGHIJ.Execute-Api.us-east-1.amazonaws.com", "/prod", Some((0, "")));
        check(&table, "abcdefghij-vpce-1.execute-api.eu-west-1.amazonaws.com", "//prod/x", Some((0, "/x")));
        check(&table, "abcdefghij.execute-api.us-east-1.amazonaws.com", "/nope/pets", None);
        check(&table, "abcdefghij.execute-api.us-east-1.amazonaws.com", "/", None);
        check(&table, "unknown.execute-api.us-east-1.amazonaws.com", "/prod", None);
        check(&table, "localhost", "/_aws/execute-api/klmnopqrst/dev/7", Some((1, "/7")));
        check(&table, "localhost", "/_aws/execute-api/klmnopqrst/prod/7", None);
        check(&table, "localhost", "/_aws/execute-api/klmnopqrst", None);
    }

    #[test]
    fn a_multi_level_key_makes_all_keys_prefixes() {
        let table = table(&[("a", "s", Some("orders")), ("b", "s", Some("orders/v1")), ("c", "s", None)]);
        check(&table, "h", "/orders/v1/x", Some((1, "/x")));
        check(&table, "h", "/ordersandmore", Some((0, "andmore")));
        check(&table, "h", "/else", None);
    }
}
