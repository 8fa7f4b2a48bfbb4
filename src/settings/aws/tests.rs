use std::num::NonZeroUsize;
use std::path::Path;

use super::super::file;
use super::super::limits::AWS_CREDENTIALS_MAX;
use super::super::raw::{By, Key, Mistake, Raw};
use super::*;

fn read_with(text: &str, variables: &[(&str, &str)], flags: &[&str]) -> Result<Aws, Vec<Mistake>> {
    let file = file::read(Path::new("/etc/weir.toml"), &format!("{text}\n[[apis]]\nfile = 'x'"))?;
    let read = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned());
    let mut told = Raw::default();
    flags.iter().for_each(|text| told.say(Key::AwsEndpoint, *text, By::Flag));
    Ok(file.under(Raw::from_variables(read)).under(told).check(NonZeroUsize::MIN)?.aws)
}

fn read(text: &str) -> Result<Aws, Vec<Mistake>> {
    read_with(text, &[], &[])
}

#[track_caller]
fn refused(text: &str, at: &str, found: &str, help: &str) {
    let mistakes = read(text).expect_err("a mistake");
    assert_eq!((mistakes[0].found.as_str(), mistakes[0].help.as_str()), (found, help), "{mistakes:?}");
    let written = mistakes[0].written.map(|written| &text[written.offset..written.offset + written.length]);
    assert_eq!((written, mistakes.len()), (Some(at), 1), "{mistakes:?}");
}

#[test]
fn endpoints_of_flags_over_variables_over_the_file_over_those_of_awss_tools() {
    let check = |text: &str, variables: &[(&str, &str)], flags: &[&str], expected: &str| {
        let aws = read_with(text, variables, flags).expect("good");
        let shown: Vec<_> =
            aws.endpoints.iter().map(|(service, at)| format!("{service}={}:{}", at.host, at.port)).collect();
        assert_eq!(shown.join(" "), expected);
    };
    let file =
        "[aws]\nendpoint = 'http://all:5000'\nendpoints = { dynamodb = 'http://d:8000', s3 = 'https://S3.example' }";
    let some = "[aws.endpoints]\ndynamodb = 'http://d:8000'";
    check("", &[], &[], "");
    check(file, &[], &[], "*=all:5000 dynamodb=d:8000 s3=s3.example:443");
    check(
        file,
        &[("WEIR_AWS_ENDPOINT", "dynamodb=http://v:1 sqs=http://v:2")],
        &["sqs=http://f:3", "http://f:4"],
        "*=f:4 dynamodb=v:1 s3=s3.example:443 sqs=f:3",
    );
    let tools = [
        ("AWS_ENDPOINT_URL_DYNAMODB", "http://t:1"),
        ("AWS_ENDPOINT_URL_SFN", " http://t:2/ "),
        ("AWS_ENDPOINT_URL_EVENTBRIDGE", "http://t:3"),
        ("AWS_ENDPOINT_URL_SQS", ""),
        ("AWS_ENDPOINT_URL", "http://weir:9900"),
    ];
    check("", &tools, &[], "dynamodb=t:1 events=t:3 states=t:2");
    check(some, &tools, &[], "dynamodb=d:8000 events=t:3 states=t:2");
    check(some, &[("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"), tools[0], tools[1]], &[], "dynamodb=d:8000");
    check(some, &tools, &["http://f:1"], "*=f:1 dynamodb=d:8000");
}

#[test]
fn credentials_in_each_of_their_forms() {
    let text = "[[aws.credentials]]\nrole = 'arn:aws:iam::123456789012:role/api-*'\nprofile = 'prod'\n\
                [[aws.credentials]]\nrole = 'arn:aws-cn:iam::123456789012:role/x/y'\nassume-role = true\n\
                [[aws.credentials]]\nrole = '*'\nassume-role = 'arn:aws:iam::123456789012:role/all'\n\
                [[aws.credentials]]\nrole = 'arn:aws:iam::1234*:role/*'\nchain = true\n\
                [[aws.credentials]]\nrole = 'default'\naccess-key = 'AKIA1'\nsecret-key = 'hush'\nsession-token = 'tok'";
    let roles = read(text).expect("good").roles;
    let sources: Vec<_> = roles.iter().map(|role| (role.role.as_str(), role.source.clone())).collect();
    let keys = CredentialSource::Keys {
        access_key: "AKIA1".into(),
        secret_key: Secret::new("hush"),
        session_token: Some(Secret::new("tok")),
    };
    assert_eq!(
        sources,
        [
            ("arn:aws:iam::123456789012:role/api-*", CredentialSource::Profile("prod".into())),
            (
                "arn:aws-cn:iam::123456789012:role/x/y",
                CredentialSource::Assume("arn:aws-cn:iam::123456789012:role/x/y".into())
            ),
            ("*", CredentialSource::Assume("arn:aws:iam::123456789012:role/all".into())),
            ("arn:aws:iam::1234*:role/*", CredentialSource::Chain),
            ("default", keys),
        ]
    );
}

#[test]
fn what_is_wrong_with_endpoints() {
    let url = "Write http:// or https://, a host and, if it has one, its port, such as http://127.0.0.1:3001.";
    refused("[aws]\nendpoint = 'http://a/b'", "'http://a/b'", "endpoint is `http://a/b`", url);
    refused("[aws]\nendpoints = { sqs = 'a:1' }", "'a:1'", "endpoints.sqs is `a:1`", url);
    refused(
        "aws = 'x'",
        "'x'",
        "`aws` is a string here",
        "Write a table with `endpoint`, `endpoints` or `credentials`.",
    );
    refused("[aws]\nendpoint = 1", "1", "`endpoint` is an integer here", "Write a text.");
    refused("[aws]\nendpints = {}", "endpints", "`endpints` is not a key of [aws]", "Did you mean `endpoints`?");
    refused("[aws]\nendpoints = { sqs = 1 }", "1", "`sqs` is an integer here", "Write a text.");
    refused(
        "[aws]\nendpoints = 'x'",
        "'x'",
        "`endpoints` is a string here",
        "Write a table of services and URLs, such as { dynamodb = \"http://127.0.0.1:8000\" }.",
    );
    for (service, uri) in [
        ("sfn", "states"),
        ("EventBridge", "events"),
        ("StepFunctions", "states"),
        ("secrets-manager", "secretsmanager"),
        ("DynamoDB", "dynamodb"),
    ] {
        refused(
            &format!("[aws]\nendpoints = {{ {service} = 'http://a' }}"),
            "'http://a'",
            &format!("`{service}` is not the name of a service"),
            &format!("Integrations' URIs call it {uri}: write that."),
        );
    }
    refused(
        "[aws]\nendpoints = { 'a b' = 'http://a' }",
        "'http://a'",
        "`a b` is not the name of a service",
        "Write it as integrations' URIs do, such as dynamodb, sqs or states.",
    );
    for (variables, flags, found) in [
        (&[("AWS_ENDPOINT_URL_SFN", "x")][..], &[][..], "AWS_ENDPOINT_URL_SFN is `x`"),
        (&[("WEIR_AWS_ENDPOINT", "x")], &[], "WEIR_AWS_ENDPOINT is `x`"),
        (&[], &["sqs=x"], "--aws-endpoint is `x`"),
    ] {
        assert_eq!(read_with("", variables, flags).expect_err("a mistake")[0].found, found);
    }
}

#[test]
fn what_is_wrong_with_credentials() {
    let one = "`profile`, `access-key` with `secret-key`, `assume-role` or `chain = true`";
    let with = |rest: &str| format!("[[aws.credentials]]\n{rest}");
    let of_default = |rest: &str| with(&format!("role = 'default'\n{rest}"));
    let role = "Write a role's ARN such as arn:aws:iam::123456789012:role/api, a pattern of one with *, or default for what signs where no role is named.";
    refused(
        &with("chain = true"),
        "[[aws.credentials]]",
        "these credentials have no role",
        "Add `role = \"arn:aws:iam::123456789012:role/api-*\"`, or `role = \"default\"` for what signs where no role is named.",
    );
    for text in [
        "api",
        "arn:aws:iam::1234:role/a",
        "arn:aws:iam::123456789012:user/a",
        "arn:aws:iam::123456789012:role/",
        "role/*",
        "arn:aws:sts::*",
        "",
    ] {
        refused(
            &with(&format!("role = '{text}'\nchain = true")),
            &format!("'{text}'"),
            &format!("role is `{text}`"),
            role,
        );
    }
    refused(&with("role = 'defualt'\nchain = true"), "'defualt'", "role is `defualt`", "Did you mean `default`?");
    refused(
        &of_default(""),
        "[[aws.credentials]]",
        "the credentials of `default` come from nowhere",
        &format!("Add one of {one}."),
    );
    refused(
        &of_default("profile = 'a'\nsecret-key = 'hush'"),
        "[[aws.credentials]]",
        "the credentials of `default` have both profile and access-key",
        &format!("Keep one of {one}."),
    );
    refused(&of_default("chain = false"), "false", "chain is `false`", "Write true, or leave it out.");
    refused(&of_default("chain = 1"), "1", "`chain` is an integer here", "Write true.");
    refused(
        &of_default("profile = ''"),
        "''",
        "profile is ``",
        "Name a profile of ~/.aws/config or ~/.aws/credentials.",
    );
    refused(
        &of_default("access-key = 'A'"),
        "[[aws.credentials]]",
        "the credentials of `default` have no secret-key",
        "Add `secret-key = \"…\"`.",
    );
    refused(
        &of_default("secret-key = 'hush'"),
        "[[aws.credentials]]",
        "the credentials of `default` have no access-key",
        "Add `access-key = \"…\"`.",
    );
    refused(
        &of_default("access-key = 'A'\nsecret-key = 'hush'\nsession-token = 'a b'"),
        "[[aws.credentials]]",
        "the credentials of `default` have a session-token that no header can carry",
        "Write it without blanks, or leave it out for keys that do not end.",
    );
    refused(
        &of_default("assume-role = true"),
        "true",
        "assume-role is `true`",
        "Name the role: `true` is the `role` itself, which has to be one ARN then.",
    );
    refused(
        &of_default("assume-role = 'api'"),
        "'api'",
        "assume-role is `api`",
        "Write a role's ARN such as arn:aws:iam::123456789012:role/api, or true for the `role` itself.",
    );
    refused(
        &of_default("profil = 'a'"),
        "profil",
        "`profil` is not a key of [[aws.credentials]]",
        "Did you mean `profile`?",
    );
    refused(&of_default("secret-key = 1"), "1", "`secret-key` is an integer here", "Write a text.");
    refused(
        &format!("{}\n[[aws.credentials]] # two\nrole = 'default'\nchain = true", of_default("chain = true")),
        "[[aws.credentials]]",
        "the credentials of `default` are given twice",
        "The first ones hold: leave the others out.",
    );
    let many: String = (0..=AWS_CREDENTIALS_MAX)
        .map(|n| format!("[[aws.credentials]]\nrole = 'arn:aws:iam::*:role/{n}'\nchain = true\n"))
        .collect();
    assert_eq!(read(&many).expect_err("a mistake")[0].found, "101 credentials of AWS are given");
}
