//! The way out to Lambda functions and AWS's services (rest/09, rest/10).

use super::address::{Address, host_header};
use super::definition::{Definition, Mapping};
use super::http::{Outward, outward, without_address};
use super::responses::custom;
use super::templates::binary_types;
use super::uri::with_stage_variables;
use crate::edge::transform::function::FunctionResponse;
use crate::edge::transform::headers::{Target as Mapped, target as mapped_header};
use crate::edge::transform::mapping::{FunctionRequest, RequestMapping};
use crate::edge::transform::response::ResponseMapping;
use crate::edge::upstream::places::{FunctionArn, Nowhere, Service, Target};
use crate::model::problem::{Place, Problem};
use crate::model::rest_api::{HttpMethod, IntegrationType};

/// `arn:{partition}:apigateway:{region}:[{subdomain}.]{service}:{path|action}/{rest}`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct AwsUri<'u> {
    service: Service<'u>,
    what: What<'u>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What<'u> {
    Path(&'u str),
    /// Its name, and the query behind it.
    Action(&'u str, Option<&'u str>),
}

/// Versions of the Invoke API.
const INVOKE: (&str, &str) = ("2015-03-31", "invocations");
const INVOKE_STREAMING: (&str, &str) = ("2021-11-15", "response-streaming-invocations");

/// What AWS adds to an action of a service that takes JSON: the header that names it (rest/10 section 10.2, recorded).
const JSON_TARGETS: &[(&str, &str)] =
    &[("dynamodb", "DynamoDB_20120810"), ("kinesis", "Kinesis_20131202"), ("states", "AWSStepFunctions")];

/// What AWS adds to an action of a service that takes forms: the version of its API.
const QUERY_VERSIONS: &[(&str, &str)] = &[
    ("autoscaling", "2011-01-01"),
    ("cloudformation", "2010-05-15"),
    ("ec2", "2016-11-15"),
    ("elasticache", "2015-02-02"),
    ("elasticloadbalancing", "2015-12-01"),
    ("email", "2010-12-01"),
    ("iam", "2010-05-08"),
    ("monitoring", "2010-08-01"),
    ("rds", "2014-10-31"),
    ("redshift", "2012-12-01"),
    ("sns", "2010-03-31"),
    ("sqs", "2012-11-05"),
    ("ssm", "2014-11-06"),
    ("sts", "2011-06-15"),
];

/// AWS and AWS_PROXY.
pub(super) fn aws(definition: Definition<'_>, problems: &mut Vec<Problem>) -> Option<Mapping> {
    let integration = definition.integration;
    let is_proxy = integration.kind.value == IntegrationType::AwsProxy;
    let uri = integration.uri.as_ref()?;
    let before = problems.len();
    let text = with_stage_variables(uri, definition, problems);
    let Some(parsed) = AwsUri::parse(&text) else {
        if definition.has_late_address() {
            return Some(without_address(&text));
        }
        // AWS's words, and which of both it is.
        let found = if text.starts_with("arn:") && !text.contains(":path/") && !text.contains(":action/") {
            format!("AWS ARN for integration must contain path or action: `{text}`")
        } else {
            format!("Invalid ARN specified in the request: `{text}`")
        };
        if problems.len() == before {
            let help = "Write `arn:aws:apigateway:REGION:SERVICE:path/…` or `…:action/NAME`";
            problems.push(Problem::error("integration::uri", uri.place, found, help));
        }
        return None;
    };
    let role = credentials(definition, problems);
    let places = definition.places;
    // What is said of a role is said where the role stands.
    let of_role = integration.credentials.as_ref().map_or(uri.place, |said| said.place);
    if let Some((arn, streams)) = parsed.function() {
        let wants_stream = definition.streams();
        if streams != wants_stream {
            let (found, help) = if streams {
                ("the URI streams, and `responseTransferMode` does not", "Write `responseTransferMode: STREAM`")
            } else {
                (
                    "`responseTransferMode` is STREAM, and the URI is that of a whole answer",
                    "Write `…/2021-11-15/functions/ARN/response-streaming-invocations`",
                )
            };
            problems.push(Problem::error("integration::transfer-mode", uri.place, found, help));
            return None;
        }
        let Some(arn) = FunctionArn::parse(arn) else {
            if definition.has_late_address() {
                return Some(without_address(&text));
            }
            let found = format!("`{arn}` is no ARN of a Lambda function");
            let help = "Write `arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]`";
            problems.push(Problem::error("integration::uri", uri.place, found, help));
            return None;
        };
        let api = if streams { INVOKE_STREAMING } else { INVOKE };
        let target = places.function(&arn, api, role.as_deref());
        let target = reached(target, uri.place, problems)?;
        return Some(if is_proxy {
            proxied(definition, target, problems)
        } else {
            let path = target.path.clone();
            mapped(definition, (&path, None), target, (true, None), problems)
        });
    }
    if is_proxy {
        problems.push(Problem::error(
            "integration::uri",
            uri.place,
            "Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream invocations.",
            "Use `type: aws` with a template for other services; Firehose is no proxy here either",
        ));
        return None;
    }
    let (path, query, json) = match parsed.what {
        What::Path(path) => {
            let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
            (format!("/{}", path.trim_start_matches('/')), query.map(str::to_owned), None)
        }
        What::Action(name, rest) => {
            let version = QUERY_VERSIONS.iter().find(|(service, _)| *service == parsed.service.name);
            let version = version.map(|(_, version)| format!("&Version={version}")).unwrap_or_default();
            let rest = rest.map(|rest| format!("&{rest}")).unwrap_or_default();
            let target = JSON_TARGETS.iter().find(|(service, _)| *service == parsed.service.name);
            let target = target.map(|(_, target)| format!("{target}.{name}"));
            ("/".to_owned(), Some(format!("Action={name}{version}{rest}")), target)
        }
    };
    let target = reached(places.service(&parsed.service, path.clone(), role.as_deref()), of_role, problems)?;
    // rest/07 section 7.1: every path of Lambda, whatever is called there.
    let of_function = parsed.service.name == "lambda" && matches!(parsed.what, What::Path(_));
    Some(mapped(definition, (&path, query.as_deref()), target, (of_function, json), problems))
}

/// Where a call goes; what keeps it from going anywhere is a problem.
fn reached(target: Result<Target, Nowhere>, place: Place, problems: &mut Vec<Problem>) -> Option<Target> {
    match target {
        Ok(target) => Some(target),
        Err(Nowhere { found, help }) => {
            problems.push(Problem::unsupported("refuse::nowhere", place, found, help));
            None
        }
    }
}

/// `credentials` with the stage's variables.
fn credentials(definition: Definition<'_>, problems: &mut Vec<Problem>) -> Option<String> {
    let said = definition.integration.credentials.as_ref()?;
    let role = with_stage_variables(said, definition, problems);
    (!role.is_empty()).then_some(role)
}

fn host(target: &Target) -> String {
    target.host.clone().unwrap_or_else(|| host_header(&address(target)))
}

fn address(target: &Target) -> Address {
    Address { https: target.endpoint.https, host: target.endpoint.host.clone(), port: target.endpoint.port }
}

/// Lines that each call to AWS has (rest/05 section 5.3).
fn lines(definition: Definition<'_>, target: &Target) -> String {
    let source = definition.source_arn();
    let id = &definition.api.id;
    format!(
        "X-Amzn-Apigateway-Api-Id: {id}\r\nX-Amz-Source-Arn: {source}\r\nConnection: keep-alive\r\n{}",
        target.lines
    )
}

/// Templates and mappings say what is sent.
fn mapped(
    definition: Definition<'_>,
    (path, query): (&str, Option<&str>),
    target: Target,
    (of_function, json_target): (bool, Option<String>),
    problems: &mut Vec<Problem>,
) -> Mapping {
    let backend = address(&target);
    let out = Outward {
        path,
        query,
        host: host(&target),
        lines: lines(definition, &target),
        aws: true,
        tagged: of_function,
        json_target,
    };
    let request = outward(definition, out, problems);
    let response = custom(definition, true, of_function, problems);
    Mapping {
        request: RequestMapping::Http(Box::new(request)),
        response,
        backend: Some(backend),
        signed: target.signed,
    }
}

/// The whole request is the event, and the function says the whole answer.
fn proxied(definition: Definition<'_>, target: Target, problems: &mut Vec<Problem>) -> Mapping {
    let (api, integration) = (definition.api, definition.integration);
    let mut illegal = None;
    for (name, _) in &integration.request_parameters {
        let Some(header) = name.value.strip_prefix("integration.request.header.") else { continue };
        if mapped_header(header.as_bytes(), true) == Mapped::Illegal {
            problems.push(Problem::warning(
                "integration::header",
                name.place,
                format!("mapping the header `{header}` makes every call fail with 500, as on AWS"),
                "remove the mapping: it does nothing else for a Lambda proxy",
            ));
            illegal = Some(header.into());
        }
    }
    let is_not_post = integration.http_method.as_ref().is_none_or(|verb| verb.value != HttpMethod::Post);
    if is_not_post {
        problems.push(Problem::warning(
            "integration::http-method",
            integration.http_method.as_ref().map_or(integration.place, |verb| verb.place),
            "a Lambda function is invoked by POST: every call fails with 500, as on AWS",
            "write `httpMethod: POST`",
        ));
    }
    let backend = address(&target);
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nAccept: application/json\r\nUser-Agent: AmazonAPIGateway_{}\r\n\
         Content-Type: application/json\r\n{}",
        target.path,
        host(&target),
        api.id,
        lines(definition, &target),
    );
    let binary = binary_types(api);
    let request = FunctionRequest { head: head.into_bytes().into(), illegal, is_not_post, binary: binary.clone() };
    Mapping {
        request: RequestMapping::Function(Box::new(request)),
        response: ResponseMapping::Function(Box::new(FunctionResponse { binary, streams: definition.streams() })),
        backend: Some(backend),
        signed: target.signed,
    }
}

impl<'u> AwsUri<'u> {
    fn parse(uri: &'u str) -> Option<Self> {
        let mut parts = uri.splitn(6, ':');
        let ("arn", partition, "apigateway", region, named, what) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?)
        else {
            return None;
        };
        let what = match what.split_once('/')? {
            ("path", path) => What::Path(path),
            ("action", action) => match action.split_once('&') {
                Some((name, rest)) => What::Action(name, Some(rest)),
                None => What::Action(action, None),
            },
            _ => return None,
        };
        let (subdomain, name) = match named.rsplit_once('.') {
            Some((subdomain, name)) => (Some(subdomain), name),
            None => (None, named),
        };
        // They become a host: nothing else may stand in them.
        let label =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let sound = label(partition)
            && label(region)
            && label(name)
            && subdomain.is_none_or(|subdomain| subdomain.split('.').all(label));
        let named = !matches!(what, What::Action("", _));
        (sound && named).then_some(Self { service: Service { partition, region, subdomain, name }, what })
    }

    /// The ARN of the function that is invoked, and whether its answer is streamed; `None` where it is another call.
    fn function(&self) -> Option<(&'u str, bool)> {
        let What::Path(path) = self.what else { return None };
        if self.service.name != "lambda" {
            return None;
        }
        let behind = |(version, api): (&str, &str)| {
            let path = path.trim_start_matches('/').strip_prefix(version)?.strip_prefix("/functions/")?;
            path.strip_suffix(api)?.strip_suffix('/')
        };
        behind(INVOKE).map(|arn| (arn, false)).or_else(|| behind(INVOKE_STREAMING).map(|arn| (arn, true)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(uri: &str, expected: Option<(&str, Option<&str>, What<'_>)>) {
        let found = AwsUri::parse(uri).map(|uri| (uri.service.name, uri.service.subdomain, uri.what));
        assert_eq!(found, expected, "{uri}");
    }

    #[test]
    fn uris() {
        let of = |rest: &str| format!("arn:aws:apigateway:eu-west-1:{rest}");
        check(&of("sqs:path/123456789012/q"), Some(("sqs", None, What::Path("123456789012/q"))));
        check(&of("sns:path//"), Some(("sns", None, What::Path("/"))));
        check(&of("dynamodb:action/Query"), Some(("dynamodb", None, What::Action("Query", None))));
        check(
            &of("s3:action/GetObject&Bucket=b&Key=k"),
            Some(("s3", None, What::Action("GetObject", Some("Bucket=b&Key=k")))),
        );
        check(&of("abc.execute-api:path/x"), Some(("execute-api", Some("abc"), What::Path("x"))));
        for none in ["dynamodb:Query", "dynamodb:action/", ":path/x", "sqs/evil:path/x", "a..b:path/x", "sqs:path"] {
            check(&of(none), None);
        }
        check("arn:aws:lambda:eu-west-1:1:function:f", None);
        check("https://example.com", None);
    }

    #[test]
    fn functions() {
        let check = |path: &str, expected: Option<(&str, bool)>| {
            let uri = format!("arn:aws:apigateway:eu-west-1:lambda:path/{path}");
            assert_eq!(AwsUri::parse(&uri).expect("an ARN").function(), expected, "{path}");
        };
        check("2015-03-31/functions/F/invocations", Some(("F", false)));
        check("/2015-03-31/functions/F/invocations", Some(("F", false)));
        check("2021-11-15/functions/F/response-streaming-invocations", Some(("F", true)));
        check("2015-03-31/functions/", None);
        check("2015-03-31/functions/F", None);
    }
}
