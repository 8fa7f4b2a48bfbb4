//! Which host and path lead to which API and stage, in AWS's words: custom domains with their base path mappings and
//! routing rules (rest/01 section 1.3).

/// All of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    /// For every host that is neither a custom domain nor an `execute-api` one.
    pub mounts: Vec<BasePathMapping>,
    pub domains: Vec<CustomDomain>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomDomain {
    /// `api.example.com`, or `*.example.com` for every name below it that has no domain of its own.
    pub name: String,
    pub routing_mode: RoutingMode,
    pub mappings: Vec<BasePathMapping>,
    /// In any order: their priority decides.
    pub rules: Vec<RoutingRule>,
    /// Something that the domain asks for cannot be enforced (mutual TLS, for one): every request is 403 Forbidden.
    pub closed: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RoutingMode {
    #[default]
    BasePathMappingOnly,
    RoutingRuleOnly,
    RoutingRuleThenBasePathMapping,
}

impl RoutingMode {
    /// By AWS's spelling of either version of its API.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "BASE_PATH_MAPPING_ONLY" | "API_MAPPING_ONLY" => Some(Self::BasePathMappingOnly),
            "ROUTING_RULE_ONLY" => Some(Self::RoutingRuleOnly),
            "ROUTING_RULE_THEN_BASE_PATH_MAPPING" | "ROUTING_RULE_THEN_API_MAPPING" => {
                Some(Self::RoutingRuleThenBasePathMapping)
            }
            _ => None,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BasePathMapping {
    /// Empty, or `(none)`, is the catch-all. Slashes at its ends do not count.
    pub base_path: String,
    pub api_id: String,
    /// Where there is none, the first segment behind the base path names the stage.
    pub stage: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoutingRule {
    pub id: String,
    /// The lowest is asked first.
    pub priority: u32,
    /// All of them have to hold; none at all hold always.
    pub conditions: Vec<RuleCondition>,
    pub api_id: String,
    pub stage: String,
    /// Whether the API gets the path without the matched base path.
    pub strip_base_path: bool,
}

/// One condition: any of its alternatives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleCondition {
    /// `matchBasePaths.anyOf`: whole segments at the beginning of the path.
    BasePaths(Vec<String>),
    /// `matchHeaders.anyOf`.
    Headers(Vec<HeaderCondition>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderCondition {
    /// In any case.
    pub header: String,
    /// Text with `*` before it, behind it, on both sides, or alone.
    pub value_glob: String,
}
