//! The URI of an integration with an AWS service:
//! `arn:aws:apigateway:{region}:{service}:{path|action}/…` (control-plane/v1-messages).

use super::reader::Reader;
use crate::model::rest_api::{Integration, IntegrationType};

const CODE: &str = "openapi::integration::uri";

pub(super) fn check(reader: &mut Reader<'_, '_>, integration: &Integration) {
    let Some(uri) = &integration.uri else { return };
    let proxy = integration.kind.value == IntegrationType::AwsProxy;
    if let Some(fault) = fault(&uri.value, proxy, integration.credentials.is_some()) {
        let help = "Write `arn:aws:apigateway:REGION:SERVICE:path/…` or `:action/…`";
        reader.error(CODE, uri.place, fault, help);
    }
}

/// What AWS says of it, if anything.
fn fault(uri: &str, proxy: bool, credentials: bool) -> Option<&'static str> {
    let parts: Vec<&str> = uri.splitn(6, ':').collect();
    let ["arn", _, "apigateway", _, service, target] = parts[..] else {
        return Some("Invalid ARN specified in the request");
    };
    if !target.starts_with("path/") && !target.starts_with("action/") {
        return Some("AWS ARN for integration must contain path or action");
    }
    // A subdomain may come before the service's name.
    let service = service.rsplit('.').next().unwrap_or(service);
    match service {
        "lambda" => None,
        "firehose" if proxy => None,
        _ if proxy => Some(
            "Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream invocations.",
        ),
        _ if !credentials => Some("Role ARN must be specified for AWS integrations"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(uri: &str, proxy: bool, expected: Option<&str>) {
        assert_eq!(fault(uri, proxy, false), expected);
    }

    #[test]
    fn arns_are_judged_in_aws_words() {
        let lambda = "arn:aws:apigateway:r:lambda:path/2015-03-31/functions/arn:aws:lambda:r:1:function:${stageVariables.f}/invocations";
        check(lambda, true, None);
        check(lambda, false, None);
        check("https://b.example", false, Some("Invalid ARN specified in the request"));
        check("arn:aws:lambda:r:1:function:f", true, Some("Invalid ARN specified in the request"));
        check("arn:aws:apigateway:r:sqs:q", false, Some("AWS ARN for integration must contain path or action"));
        check("arn:aws:apigateway:r:sqs:path/q", false, Some("Role ARN must be specified for AWS integrations"));
        check("arn:aws:apigateway:r:x.sqs:path/q", true, fault("arn:aws:apigateway:r:s3:action/A", true, true));
        assert_eq!(fault("arn:aws:apigateway:r:sqs:action/A", false, true), None);
    }
}
