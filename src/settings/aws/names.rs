//! How AWS's services are called, where that differs.

/// As AWS's SDKs name them in variables (`AWS_ENDPOINT_URL_SFN`), and as integrations name them in URIs (`states`).
pub(crate) const SDK_NAMES: [(&str, &str); 34] = [
    ("APIGATEWAYMANAGEMENTAPI", "execute-api"),
    ("ATHENA", "athena"),
    ("BATCH", "batch"),
    ("BEDROCK_AGENT_RUNTIME", "bedrock-agent-runtime"),
    ("BEDROCK_RUNTIME", "bedrock-runtime"),
    ("CLOUDWATCH", "monitoring"),
    ("CLOUDWATCH_LOGS", "logs"),
    ("COGNITO_IDENTITY", "cognito-identity"),
    ("COGNITO_IDENTITY_PROVIDER", "cognito-idp"),
    ("COMPREHEND", "comprehend"),
    ("DYNAMODB", "dynamodb"),
    ("DYNAMODB_STREAMS", "streams.dynamodb"),
    ("EC2", "ec2"),
    ("ECS", "ecs"),
    ("EVENTBRIDGE", "events"),
    ("FIREHOSE", "firehose"),
    ("GLUE", "glue"),
    ("IAM", "iam"),
    ("KINESIS", "kinesis"),
    ("KMS", "kms"),
    ("LAMBDA", "lambda"),
    ("POLLY", "polly"),
    ("REKOGNITION", "rekognition"),
    ("S3", "s3"),
    ("SAGEMAKER_RUNTIME", "runtime.sagemaker"),
    ("SECRETS_MANAGER", "secretsmanager"),
    ("SES", "email"),
    ("SFN", "states"),
    ("SNS", "sns"),
    ("SQS", "sqs"),
    ("SSM", "ssm"),
    ("STS", "sts"),
    ("TEXTRACT", "textract"),
    ("TRANSLATE", "translate"),
];

/// What a service that somebody called by another name is called in URIs.
pub(super) fn in_uris(name: &str) -> Option<&'static str> {
    let also = [("step-functions", "states"), ("stepfunctions", "states"), ("cloudwatch-events", "events")];
    let written = name.to_ascii_lowercase().replace(['_', ' '], "-");
    let same = |sdk: &str| sdk.to_ascii_lowercase().replace('_', "-") == written;
    let known = SDK_NAMES.iter().chain(&also).find(|(sdk, service)| same(sdk) || *service == written);
    known.map(|(_, service)| *service).filter(|service| *service != name)
}
