//! From a host and a path to a stage, in all the forms that an API is reached by (rest/01 sections 1.1 to 1.3).

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::domain::{Domain, Sent, Target, segment};
use crate::edge::exchange::{DomainFacts, Request, domain};

/// All stages of a snapshot, by every name that they answer to.
#[derive(Debug, Default)]
pub struct Table {
    /// In the order of the snapshot.
    pub(super) stages: Vec<StageName>,
    /// Stages of an API id, for the `execute-api` forms.
    pub(super) by_api: HashMap<Box<[u8]>, Vec<usize>, RandomState>,
    /// Custom domains by their names, in lower case.
    pub(super) domains: HashMap<Box<[u8]>, Domain, RandomState>,
    /// Those with a `*` before it, by what is behind the `*`: `.example.com`.
    pub(super) wildcards: HashMap<Box<[u8]>, Domain, RandomState>,
    /// Every other host.
    pub(super) elsewhere: Domain,
}

#[derive(Debug)]
pub(super) struct StageName {
    pub(super) name: Box<[u8]>,
    /// False under `disableExecuteApiEndpoint`.
    pub(super) execute_api: bool,
}

/// A stage, and where in the path its resources begin.
#[derive(Clone, Copy, Debug)]
pub struct Located<'t> {
    /// Index of the stage in the snapshot.
    pub stage: usize,
    pub rest: usize,
    /// Where a custom domain led to it.
    pub domain: Option<&'t DomainFacts>,
}

const EXECUTE_API: &[u8] = b".execute-api.";
const PATH_FORM: &[u8] = b"/_aws/execute-api/";
/// LocalStack's older form: `/restapis/{id}/{stage}/_user_request_/...`.
const OLD_PATH_FORM: &[u8] = b"/restapis/";
const USER_REQUEST: &[u8] = b"_user_request_";
/// RFC 1035 section 2.3.4: no name of a host is longer, and so none is looked up.
const HOST_BYTES_MAX: usize = 255;

impl Table {
    pub(super) fn locate(&self, request: &Request) -> Option<Located<'_>> {
        let (host, path) = (request.host(), request.path());
        if let Some(at) = memchr::memmem::find(host, EXECUTE_API).or_else(|| find_any_case(host)) {
            let label = &host[..at];
            // `{id}-{vpce}` is the form of a private endpoint's alias; by the endpoint's own name a header says which API is
            // meant (security/tls-mtls-private section 4).
            let id = match label.starts_with(b"vpce-") {
                true => request.last_line(b"x-apigw-api-id")?.trim_ascii(),
                false => label.split(|&byte| byte == b'-').next().unwrap_or_default(),
            };
            return self.execute_api(id, path, 0);
        }
        if let Some(domain) = self.custom_domain(host) {
            return self.follow(domain.send(request)?, path);
        }
        if let Some(rest) = path.strip_prefix(PATH_FORM) {
            let end = memchr::memchr(b'/', rest).unwrap_or(rest.len());
            return self.execute_api(&rest[..end], path, PATH_FORM.len() + end);
        }
        if let Some((id, from, rest)) = old_path_form(path) {
            let located = self.execute_api(id, path, from)?;
            return Some(Located { rest, ..located });
        }
        self.follow(self.elsewhere.send(request)?, path)
    }

    /// The domain of this name, else the one with the longest wildcard that covers it.
    fn custom_domain(&self, host: &[u8]) -> Option<&Domain> {
        if self.domains.is_empty() && self.wildcards.is_empty() {
            return None;
        }
        let name = domain(host);
        let mut room = [0; HOST_BYTES_MAX];
        let name = lower_case(name.strip_suffix(b".").unwrap_or(name), &mut room)?;
        let wildcard = || {
            let dots = memchr::memchr_iter(b'.', name).filter(|&dot| dot > 0);
            dots.filter_map(|dot| self.wildcards.get(&name[dot..])).next()
        };
        self.domains.get(name).or_else(wildcard)
    }

    /// The form in which `{stage}` is the first segment behind `from`.
    fn execute_api(&self, id: &[u8], path: &[u8], from: usize) -> Option<Located<'_>> {
        let mut room = [0; 64];
        let stages = self.by_api.get(lower_case(id, &mut room)?)?;
        let located = self.by_stage_segment(stages, path, from)?;
        self.stages[located.stage].execute_api.then_some(located)
    }

    fn by_stage_segment(&self, stages: &[usize], path: &[u8], from: usize) -> Option<Located<'_>> {
        let (start, end) = segment(path, from);
        let stage = stages.iter().copied().find(|&stage| *self.stages[stage].name == path[start..end])?;
        Some(Located { stage, rest: end, domain: None })
    }

    fn follow<'t>(&'t self, sent: Sent<'t>, path: &[u8]) -> Option<Located<'t>> {
        let Sent { target, rest, facts } = sent;
        match target {
            Target::Stage(stage) => Some(Located { stage: *stage, rest, domain: facts }),
            Target::InPath(stages) => Some(Located { domain: facts, ..self.by_stage_segment(stages, path, rest)? }),
            Target::Nowhere => None,
        }
    }
}

/// The id, where the stage's segment is looked for, and where the API's own path begins.
fn old_path_form(path: &[u8]) -> Option<(&[u8], usize, usize)> {
    let behind = path.strip_prefix(OLD_PATH_FORM)?;
    let id = OLD_PATH_FORM.len() + memchr::memchr(b'/', behind)?;
    let stage = segment(path, id).1;
    let (start, end) = segment(path, stage);
    (path[start..end] == *USER_REQUEST).then(|| (&path[OLD_PATH_FORM.len()..id], id, end))
}

/// Hosts are lower case nearly always; the few that are not are looked at with care.
fn find_any_case(host: &[u8]) -> Option<usize> {
    if !host.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    host.windows(EXECUTE_API.len()).position(|window| window.eq_ignore_ascii_case(EXECUTE_API))
}

/// The text in lower case; `None` where it is longer than any name can be.
fn lower_case<'n, const N: usize>(text: &'n [u8], room: &'n mut [u8; N]) -> Option<&'n [u8]> {
    let room = room.get_mut(..text.len())?;
    if !text.iter().any(u8::is_ascii_uppercase) {
        return Some(text);
    }
    room.copy_from_slice(text);
    room.make_ascii_lowercase();
    Some(room)
}

#[cfg(test)]
mod tests {
    use super::super::compile::{StageAddress, table};
    use super::*;
    use crate::model::routes::{
        BasePathMapping, CustomDomain, HeaderCondition, Routes, RoutingMode, RoutingRule, RuleCondition,
    };
    use crate::wire::h1::head;
    use crate::wire::h1::request::HeadLimits;
    use crate::wire::headers::Span;

    const STAGES: &[(&str, &str)] = &[("abcdefghij", "prod"), ("klmnopqrst", "dev"), ("klmnopqrst", "prod")];

    fn mapping(base_path: &str, api_id: &str, stage: &str) -> BasePathMapping {
        let stage = Some(stage.to_owned()).filter(|stage| !stage.is_empty());
        BasePathMapping { base_path: base_path.into(), api_id: api_id.into(), stage }
    }

    fn domain_with(name: &str, mappings: Vec<BasePathMapping>) -> CustomDomain {
        CustomDomain { name: name.into(), mappings, ..CustomDomain::default() }
    }

    fn compiled(routes: &Routes) -> Table {
        let address =
            |&(api_id, stage): &(&'static str, &'static str)| StageAddress { api_id, stage, execute_api: true };
        table(STAGES.iter().map(address), routes)
    }

    fn mounted(mounts: &[(&str, &str, &str)]) -> Table {
        let mounts = mounts.iter().map(|(base_path, api, stage)| mapping(base_path, api, stage)).collect();
        compiled(&Routes { mounts, domains: Vec::new() })
    }

    /// A request with this Host, this path, and these further lines.
    fn request(host: &str, path: &str, lines: &str) -> Request {
        let text = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n");
        let mut request = Request { bytes: crate::net::buffer::Buffer::head(), ..Request::default() };
        request.bytes.push(text.as_bytes());
        let length = head::end(&request.bytes, 0).expect("a whole head");
        let limits = HeadLimits { header_bytes_max: 10_240, url_bytes_max: 10_240 };
        request.head.parse(&request.bytes, length, limits).expect("a sound head");
        request.path = Span { start: 4, end: 4 + path.len() as u16 };
        request.host = request.head.host.unwrap_or_default();
        request
    }

    /// `api/stage rest`, or nothing.
    fn found(table: &Table, request: &Request) -> Option<(usize, String)> {
        let located = table.locate(request)?;
        Some((located.stage, String::from_utf8_lossy(&request.path()[located.rest..]).into_owned()))
    }

    #[track_caller]
    fn check(table: &Table, host: &str, path: &str, expected: Option<(usize, &str)>) {
        check_with(table, host, path, "", expected);
    }

    #[track_caller]
    fn check_with(table: &Table, host: &str, path: &str, lines: &str, expected: Option<(usize, &str)>) {
        let expected = expected.map(|(stage, rest)| (stage, rest.to_owned()));
        assert_eq!(found(table, &request(host, path, lines)), expected, "{host} {path} {lines}");
    }

    #[test]
    fn forms_of_an_address() {
        let table = mounted(&[("", "abcdefghij", "prod"), ("orders", "klmnopqrst", "dev")]);
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
        check(&table, &format!("{}.execute-api.x", "A".repeat(100)), "/prod", None);
        check(&table, "localhost", "/_aws/execute-api/klmnopqrst/dev/7", Some((1, "/7")));
        check(&table, "localhost", "/_aws/execute-api/klmnopqrst/prod/7", Some((2, "/7")));
        check(&table, "localhost", "/_aws/execute-api/klmnopqrst/nope/7", None);
        check(&table, "localhost", "/_aws/execute-api/klmnopqrst", None);
        check(&table, "localhost", "/restapis/klmnopqrst/dev/_user_request_/7", Some((1, "/7")));
        check(&table, "localhost", "/restapis/klmnopqrst/dev/_user_request_", Some((1, "")));
        check(&table, "localhost", "/restapis/klmnopqrst/nope/_user_request_/7", None);
        check(&table, "localhost", "/restapis/klmnopqrst/dev", Some((0, "/restapis/klmnopqrst/dev")));
    }

    #[test]
    fn a_disabled_endpoint_is_reached_by_its_domain_alone() {
        let address = StageAddress { api_id: "abcdefghij", stage: "prod", execute_api: false };
        let routes = Routes { mounts: vec![mapping("", "abcdefghij", "prod")], domains: Vec::new() };
        let table = table([address], &routes);
        check(&table, "abcdefghij.execute-api.us-east-1.amazonaws.com", "/prod/x", None);
        check(&table, "localhost", "/_aws/execute-api/abcdefghij/prod/x", None);
        check(&table, "localhost", "/restapis/abcdefghij/prod/_user_request_/x", None);
        check(&table, "localhost", "/x", Some((0, "/x")));
    }

    #[test]
    fn a_multi_level_key_makes_all_keys_prefixes() {
        let table = mounted(&[("orders", "abcdefghij", "prod"), ("orders/v1", "klmnopqrst", "dev")]);
        check(&table, "h", "/orders/v1/x", Some((1, "/x")));
        check(&table, "h", "/ordersandmore", Some((0, "andmore")));
        check(&table, "h", "/else", None);
    }

    #[test]
    fn a_mapping_without_a_stage_takes_it_from_the_path() {
        let table = mounted(&[("", "klmnopqrst", ""), ("a", "klmnopqrst", ""), ("gone", "nosuchapi0", "")]);
        check(&table, "h", "/a/dev/x", Some((1, "/x")));
        check(&table, "h", "/prod/x", Some((2, "/x")));
        check(&table, "h", "/a/nope/x", None);
        check(&table, "h", "/a", None);
        check(&table, "h", "/gone/prod", None);
    }

    #[test]
    fn the_most_specific_domain_wins() {
        let routes = Routes {
            mounts: vec![mapping("", "abcdefghij", "prod")],
            domains: vec![
                domain_with("API.example.com", vec![mapping("(none)", "klmnopqrst", "dev")]),
                domain_with("*.example.com", vec![mapping("/x/", "klmnopqrst", "prod")]),
                domain_with("*.sub.example.com", vec![mapping("x", "klmnopqrst", "dev")]),
                CustomDomain { closed: true, ..domain_with("closed.test", vec![mapping("", "abcdefghij", "prod")]) },
            ],
        };
        let table = compiled(&routes);
        check(&table, "api.EXAMPLE.com:8443", "/x", Some((1, "/x")));
        check(&table, "api.example.com.", "/x", Some((1, "/x")));
        check(&table, "other.example.com", "/x/y", Some((2, "/y")));
        check(&table, "other.example.com", "/y", None);
        check(&table, "a.sub.example.com", "/x/y", Some((1, "/y")));
        check(&table, "a.b.example.com", "/x/y", Some((2, "/y")));
        check(&table, "example.com", "/x/y", Some((0, "/x/y")));
        check(&table, ".example.com", "/x/y", Some((0, "/x/y")));
        check(&table, "closed.test", "/", None);
        check(&table, &format!("{}.example.com", "a".repeat(300)), "/x", Some((0, "/x")));
        // The forms with an API id are the gateway's own hosts', not a customer's.
        check(
            &table,
            "api.example.com",
            "/_aws/execute-api/abcdefghij/prod/7",
            Some((1, "/_aws/execute-api/abcdefghij/prod/7")),
        );
    }

    fn rule(priority: u32, stage: &str, strip_base_path: bool, conditions: Vec<RuleCondition>) -> RoutingRule {
        let (id, api_id, stage) = (format!("rule{priority}"), "klmnopqrst".into(), stage.into());
        RoutingRule { id, priority, conditions, api_id, stage, strip_base_path }
    }

    fn header(header: &str, value_glob: &str) -> RuleCondition {
        RuleCondition::Headers(vec![
            HeaderCondition { header: "x-never".into(), value_glob: "*".into() },
            HeaderCondition { header: header.into(), value_glob: value_glob.into() },
        ])
    }

    fn with_rules(routing_mode: RoutingMode) -> Table {
        let paths = |paths: &[&str]| RuleCondition::BasePaths(paths.iter().map(|&path| path.into()).collect());
        let rules = vec![
            rule(30, "prod", false, vec![paths(&["users"])]),
            rule(10, "dev", true, vec![paths(&["users", "users/v1"]), header("X-Version", "beta*")]),
            rule(20, "dev", false, vec![header("accept", "*json"), header("Host", "d.test")]),
            rule(40, "nope", false, vec![paths(&["lost"])]),
        ];
        let mappings = vec![mapping("", "abcdefghij", "prod")];
        let domain = CustomDomain { routing_mode, rules, ..domain_with("d.test", mappings) };
        compiled(&Routes { mounts: Vec::new(), domains: vec![domain] })
    }

    #[test]
    fn rules_are_asked_by_priority() {
        let table = with_rules(RoutingMode::RoutingRuleThenBasePathMapping);
        check(&table, "d.test", "/users/4", Some((2, "/users/4")));
        check(&table, "d.test", "/usersandmore", Some((0, "/usersandmore")));
        check_with(&table, "d.test", "/users/4", "x-version: beta-2\r\n", Some((1, "/4")));
        check_with(&table, "d.test", "//users/v1/4", "X-VERSION: beta\r\n", Some((1, "/4")));
        check_with(&table, "d.test", "/users/4", "x-version: Beta\r\n", Some((2, "/users/4")));
        check_with(&table, "d.test:80", "/x", "Accept: text/xml\r\nAccept: application/json\r\n", Some((1, "/x")));
        check_with(&table, "d.test", "/x", "Accept: application/json,text/xml\r\n", Some((0, "/x")));
        check(&table, "d.test", "/lost", None);
        check(&table, "d.test", "/", Some((0, "/")));
    }

    #[test]
    fn routing_modes() {
        let rules = with_rules(RoutingMode::RoutingRuleOnly);
        check(&rules, "d.test", "/users/4", Some((2, "/users/4")));
        check(&rules, "d.test", "/x", None);
        let mappings = with_rules(RoutingMode::BasePathMappingOnly);
        check(&mappings, "d.test", "/users/4", Some((0, "/users/4")));
    }

    #[test]
    fn what_matched_is_known_to_the_log() {
        let table = with_rules(RoutingMode::RoutingRuleThenBasePathMapping);
        let check = |path: &str, lines: &str, base_path: Option<&str>, rule: Option<&str>| {
            let request = request("d.test", path, lines);
            let facts = table.locate(&request).expect("a stage").domain.expect("a domain");
            assert_eq!((facts.base_path.as_deref(), facts.routing_rule_id.as_deref()), (base_path, rule), "{path}");
        };
        check("/users/v1/x", "X-Version: beta\r\n", Some("users/v1"), Some("rule10"));
        check("/x", "Accept: json\r\n", None, Some("rule20"));
        check("/x", "", Some("(none)"), None);
        let mounts = mounted(&[("", "abcdefghij", "prod")]);
        assert!(mounts.locate(&request("h", "/", "")).expect("a stage").domain.is_none());
    }
}
