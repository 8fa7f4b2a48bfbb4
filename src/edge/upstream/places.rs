//! Where Lambda functions and AWS's services are reached, and by whose keys, for whoever compiles a call of one.

use std::net::SocketAddr;

use crate::functions::ARN_HEADER;
use crate::settings::{Aws, CredentialSource, Function, FunctionPlace, LambdaEndpoint, RoleCredentials};

/// What the settings say of it.
#[derive(Clone, Copy)]
pub struct Places<'p> {
    pub functions: &'p [Function],
    /// Of functions that no entry is for.
    pub lambda_endpoint: Option<&'p LambdaEndpoint>,
    pub aws: &'p Aws,
    /// Where functions on this machine are invoked, if some run.
    pub door: Option<Door<'p>>,
}

/// The Invoke API of the functions on this machine.
#[derive(Clone, Copy)]
pub struct Door<'p> {
    pub address: SocketAddr,
    /// A header line, with its end, that every call has to bring.
    pub line: &'p str,
}

/// Where one kind of call goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub endpoint: LambdaEndpoint,
    /// What its `Host` says, where that is not the endpoint's own.
    pub host: Option<String>,
    pub path: String,
    /// Lines that every call has beside the usual ones.
    pub lines: String,
    pub signed: Option<Signed>,
}

/// With what a call is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub by: SignedBy,
    pub region: String,
    pub service: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedBy {
    /// The client, who has signed her request.
    Caller,
    Keys(CredentialSource),
}

/// Why a call can go nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nowhere {
    pub found: String,
    pub help: String,
}

/// `arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionArn<'a> {
    pub whole: &'a str,
    pub partition: &'a str,
    pub region: &'a str,
    pub name: &'a str,
    pub qualifier: Option<&'a str>,
}

impl<'a> FunctionArn<'a> {
    pub fn parse(arn: &'a str) -> Option<Self> {
        let parts: Vec<&str> = arn.split(':').collect();
        let (fixed, named) = parts.split_at_checked(5)?;
        let [prefix, partition, "lambda", region, account] = *fixed else { return None };
        let (name, qualifier) = match *named {
            ["function", name] => (name, None),
            ["function", name, qualifier] => (name, Some(qualifier)),
            _ => return None,
        };
        let word = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_$".contains(&byte))
        };
        // It becomes a part of a path, as it is.
        let sound =
            prefix == "arn" && [partition, region, account, name].into_iter().all(word) && qualifier.is_none_or(word);
        sound.then_some(Self { whole: arn, partition, region, name, qualifier })
    }
}

/// A service by the name that it has in URIs: its subdomain is before it (`runtime.sagemaker`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service<'a> {
    pub partition: &'a str,
    pub region: &'a str,
    pub subdomain: Option<&'a str>,
    pub name: &'a str,
}

/// `credentials` that ask for the caller's own (rest/10 section 10.1).
const CALLER: &str = "arn:aws:iam::*:user/*";

/// Services that sign by another name than that of their endpoints.
const SIGNING_NAMES: &[(&str, &str)] = &[
    ("appsync-api", "appsync"),
    ("bedrock-agent-runtime", "bedrock"),
    ("bedrock-runtime", "bedrock"),
    ("email", "ses"),
];

/// Services of a whole partition.
const GLOBAL: &[&str] = &["cloudfront", "iam", "organizations", "route53"];

impl Places<'_> {
    /// Where a function is invoked. `api` is the path behind it: `invocations`, of the Invoke API of `version`.
    pub fn function(
        &self,
        arn: &FunctionArn<'_>,
        (version, api): (&str, &str),
        role: Option<&str>,
    ) -> Result<Target, Nowhere> {
        let path = format!("/{version}/functions/{}/{api}", arn.whole);
        let elsewhere = |endpoint: &LambdaEndpoint, path: String| Target {
            endpoint: endpoint.clone(),
            host: None,
            path,
            lines: String::new(),
            // An emulator asks for no signature; where somebody says whose keys they are, it gets one.
            signed: self.named(role).map(|by| signed(by, arn.region, "lambda")),
        };
        let entry = self.functions.iter().find(|entry| {
            let whole = arn.qualifier.map(|qualifier| format!("{}:{qualifier}", arn.name));
            whole.is_some_and(|whole| is_met(&entry.pattern, &whole)) || is_met(&entry.pattern, arn.name)
        });
        match (entry.map(|entry| &entry.place), self.lambda_endpoint) {
            (Some(FunctionPlace::Aws), _) => {
                let service = Service { partition: arn.partition, region: arn.region, subdomain: None, name: "lambda" };
                let by = self.by(role)?;
                Ok(Target { signed: Some(signed(by, arn.region, "lambda")), ..self.reached(&service, path) })
            }
            (Some(FunctionPlace::Url { endpoint, path: own }), _) => {
                Ok(elsewhere(endpoint, own.clone().unwrap_or(path)))
            }
            (Some(FunctionPlace::Local(local)), _) => match self.door {
                Some(door) => Ok(Target {
                    endpoint: LambdaEndpoint {
                        https: false,
                        host: door.address.ip().to_string(),
                        port: door.address.port(),
                    },
                    host: None,
                    // By the name that it has here, whatever account the ARN is of.
                    path: format!("/{version}/functions/{}/{api}", local.name),
                    // … and what it is told to have been called as.
                    lines: format!("{}{ARN_HEADER}: {}\r\n", door.line, arn.whole),
                    signed: None,
                }),
                None => Err(Nowhere {
                    found: format!("the function `{}` runs on this machine, and none does here", arn.name),
                    help: "Start it with `weir run` or `weir serve`".to_owned(),
                }),
            },
            (None, Some(endpoint)) => Ok(elsewhere(endpoint, path)),
            (None, None) => Err(Nowhere {
                found: format!("nothing here says where the function `{}` lives", arn.name),
                help: format!(
                    "Add `[[functions]]` with `name = \"{}\"` and `dir`, `url` or `aws = true` to weir.toml, or say \
                     `--function {}=DIR:HANDLER` or `--lambda-endpoint URL`",
                    arn.name, arn.name
                ),
            }),
        }
    }

    /// Where a service answers at `path`, and by whose keys it is asked.
    pub fn service(&self, service: &Service<'_>, path: String, role: Option<&str>) -> Result<Target, Nowhere> {
        if role.is_none() {
            return Err(Nowhere {
                found: format!("an integration with {} has no credentials", service.name),
                help:
                    "Add `credentials: arn:aws:iam::ACCOUNT:role/NAME`, and say in weir.toml whose keys that role has: \
                       `[[aws.credentials]]` with `role` and `profile`, `access-key` or `chain = true`"
                        .to_owned(),
            });
        }
        let own = SIGNING_NAMES.iter().find(|(name, _)| *name == service.name);
        let signing = match (service.subdomain, service.name) {
            (Some("data"), "iot") => "iotdata",
            (_, name) => own.map_or(name, |(_, signing)| signing),
        };
        let region = if GLOBAL.contains(&service.name) { global_region(service.partition) } else { service.region };
        let by = self.by(role)?;
        Ok(Target { signed: Some(signed(by, region, signing)), ..self.reached(service, path) })
    }

    fn reached(&self, service: &Service<'_>, path: String) -> Target {
        let named = self.aws.endpoints.get(service.name).or_else(|| self.aws.endpoints.get("*"));
        // What a subdomain says (a bucket, an API) is told to whoever stands in for AWS by the name that AWS has.
        let own = named.is_some() && service.subdomain.is_some();
        let endpoint = named.cloned().unwrap_or_else(|| LambdaEndpoint { https: true, host: host(service), port: 443 });
        Target { endpoint, host: own.then(|| host(service)), path, lines: String::new(), signed: None }
    }

    /// Who signs for a role.
    fn by(&self, role: Option<&str>) -> Result<SignedBy, Nowhere> {
        match (self.named(role), role) {
            (Some(by), _) => Ok(by),
            (None, None) => Ok(SignedBy::Keys(CredentialSource::Chain)),
            (None, Some(role)) => Err(Nowhere {
                found: format!("nobody here stands for the role `{role}`"),
                help: format!(
                    "Say in weir.toml whose keys it has: `[[aws.credentials]]` with `role = \"{role}\"` (or a pattern \
                     with *) and `profile`, `access-key` and `secret-key`, `assume-role` or `chain = true`"
                ),
            }),
        }
    }

    /// Who the settings say signs for a role, or where there is none.
    fn named(&self, role: Option<&str>) -> Option<SignedBy> {
        if role == Some(CALLER) {
            return Some(SignedBy::Caller);
        }
        let meets = |entry: &&RoleCredentials| match role {
            Some(role) => is_met(&entry.role, role),
            // No pattern: who may sign for some role is not meant for what names none.
            None => entry.role == "default",
        };
        let entry = self.aws.roles.iter().find(meets)?;
        Some(SignedBy::Keys(entry.source.clone()))
    }
}

fn signed(by: SignedBy, region: &str, service: &str) -> Signed {
    Signed { by, region: region.to_owned(), service: service.to_owned() }
}

/// For which region the services of a whole partition sign.
fn global_region(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        _ => "us-east-1",
    }
}

/// `{subdomain}.{service}.{region}.amazonaws.com`
fn host(service: &Service<'_>) -> String {
    let mut host = String::new();
    if let Some(subdomain) = service.subdomain {
        host.push_str(subdomain);
        host.push('.');
    }
    host.push_str(service.name);
    if !GLOBAL.contains(&service.name) {
        host.push('.');
        host.push_str(service.region);
    }
    host.push_str(if service.partition == "aws-cn" { ".amazonaws.com.cn" } else { ".amazonaws.com" });
    host.to_ascii_lowercase()
}

/// Whether a pattern, in which `*` is any text, is met.
fn is_met(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("orders", "orders", true),
            ("orders", "orders2", false),
            ("*", "", true),
            ("*", "orders", true),
            ("or*", "orders", true),
            ("*ers", "orders", true),
            ("o*d*s", "orders", true),
            ("o*x*s", "orders", false),
            ("orders*s", "orders", false),
            ("arn:aws:iam::*:role/api-*", "arn:aws:iam::123456789012:role/api-x", true),
        ] {
            assert_eq!(is_met(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn arns_of_functions() {
        let check = |arn: &str, expected: Option<(&str, Option<&str>)>| {
            let found = FunctionArn::parse(arn).map(|arn| (arn.name, arn.qualifier));
            assert_eq!(found, expected, "{arn}");
        };
        check("arn:aws:lambda:eu-west-1:123456789012:function:orders", Some(("orders", None)));
        check("arn:aws:lambda:eu-west-1:123456789012:function:orders:live", Some(("orders", Some("live"))));
        check("arn:aws:lambda:eu-west-1:123456789012:function:orders:$LATEST", Some(("orders", Some("$LATEST"))));
        check("arn:aws-cn:lambda:cn-north-1:1:function:a", Some(("a", None)));
        for none in [
            "orders",
            "arn:aws:lambda:eu-west-1:123456789012:function:",
            "arn:aws:lambda:eu-west-1:123456789012:layer:orders",
            "arn:aws:lambda::1:function:a",
            "arn:aws:lambda:eu-west-1:1/../x?y:function:a",
            "arn:aws:sqs:eu-west-1:1:function:a",
            "arn:aws:lambda:eu-west-1:1:function:a/../b",
            "arn:aws:lambda:eu-west-1:1:function:a:b:c",
            "arn:aws:lambda:eu-west-1:1:function:a b",
        ] {
            check(none, None);
        }
    }

    #[test]
    fn hosts_of_services() {
        let check = |name: &str, subdomain: Option<&str>, partition: &str, expected: &str| {
            assert_eq!(host(&Service { partition, region: "eu-west-1", subdomain, name }), expected);
        };
        check("dynamodb", None, "aws", "dynamodb.eu-west-1.amazonaws.com");
        check("s3", Some("bucket"), "aws", "bucket.s3.eu-west-1.amazonaws.com");
        check("iam", None, "aws", "iam.amazonaws.com");
        check("sqs", None, "aws-cn", "sqs.eu-west-1.amazonaws.com.cn");
    }
}
