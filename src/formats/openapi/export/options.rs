//! What an export is told beside the rows.

use jiff::Timestamp;

/// `GET …/exports/{swagger|oas30}`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExportDialect {
    Swagger2,
    #[default]
    OpenApi3,
}

/// `extensions=`, a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// `x-amazon-apigateway-integration`
    pub integrations: bool,
    /// `x-amazon-apigateway-authorizer`
    pub authorizers: bool,
    /// Everything that AWS has an extension for.
    pub apigateway: bool,
    /// Taken, and without effect: what AWS adds for Postman is not known.
    pub postman: bool,
}

impl Extensions {
    pub const ALL: Self = Self { integrations: true, authorizers: true, apigateway: true, postman: false };

    /// Of AWS's words, with commas; `None` where one is unknown.
    pub fn parse(list: &str) -> Option<Self> {
        let mut extensions = Self::default();
        for word in list.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match word {
                "integrations" => extensions.integrations = true,
                "authorizers" => extensions.authorizers = true,
                "apigateway" => extensions = Self { postman: extensions.postman, ..Self::ALL },
                "postman" => extensions.postman = true,
                _ => return None,
            }
        }
        Some(extensions)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportOptions {
    pub dialect: ExportDialect,
    /// YAML in place of JSON.
    pub yaml: bool,
    pub extensions: Extensions,
    pub api_id: String,
    pub region: String,
    /// The stage's name: the base path.
    pub stage: String,
    /// Seconds since 1970: the version of an API that has none.
    pub created_date: i64,
    /// The documentation version that the stage shows.
    pub documentation_version: Option<String>,
}

impl ExportOptions {
    /// `2016-09-12T17:50:37Z`
    pub(super) fn created(&self) -> String {
        Timestamp::from_second(self.created_date).unwrap_or_default().to_string()
    }

    /// Where schemas stand.
    pub(super) fn section(&self) -> &'static str {
        match self.dialect {
            ExportDialect::Swagger2 => "#/definitions/",
            ExportDialect::OpenApi3 => "#/components/schemas/",
        }
    }
}
