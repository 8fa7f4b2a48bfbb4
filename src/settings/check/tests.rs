use super::*;
use crate::settings::file;
use crate::settings::raw::By;
use crate::settings::{MethodPattern, limits};

const CORES: NonZeroUsize = NonZeroUsize::MIN;

fn flags(said: &[(Key, &str)]) -> Raw {
    let mut raw = Raw::default();
    said.iter().for_each(|(key, text)| raw.say(*key, *text, By::Flag));
    raw
}

#[track_caller]
fn refused(said: &[(Key, &str)], expected: &[&str]) {
    let raw = flags(&[(Key::Api, "pets.yaml")]).under(flags(said));
    let mistakes = raw.check(CORES).expect_err("a mistake");
    let texts: Vec<_> = mistakes.iter().map(|mistake| format!("{}: {}", mistake.found, mistake.help)).collect();
    assert_eq!(texts, expected);
}

#[test]
fn nothing_but_a_file_is_awss_profile() {
    let settings = flags(&[(Key::Api, "pets.yaml")]).check(CORES).expect("good");
    assert_eq!(settings.apis, [ApiFile { base_path: String::new(), path: "pets.yaml".into() }]);
    assert_eq!(settings.listen, ["127.0.0.1:8080".parse::<SocketAddr>().expect("address")]);
    assert_eq!(settings.admin, Some("127.0.0.1:9900".parse().expect("address")));
    assert_eq!((settings.workers, settings.stage.as_str(), settings.driver), (CORES, "prod", DriverChoice::Auto));
    assert_eq!(settings.limits, Limits::default());
    assert_eq!((settings.access_log, settings.throttle, settings.watch, settings.lenient), (None, None, true, false));
}

#[test]
fn every_mistake_is_told_at_once() {
    refused(
        &[(Key::Workers, "0"), (Key::Stage, "a b"), (Key::Driver, "kqueue"), (Key::Listen, "8080")],
        &[
            "--listen is `8080`: Write ADDRESS:PORT, such as 127.0.0.1:8080; :8080 is every IPv4 interface, [::]:8080 every one.",
            "--workers is `0`: It may be 1 to 1024.",
            "--stage is `a b`: A stage's name has 1 to 128 of A-Z, a-z, 0-9, _ and -.",
            "--driver is `kqueue`: Write auto, io_uring or epoll.",
        ],
    );
}

#[test]
fn what_is_refused() {
    refused(
        &[(Key::Admin, ":9900")],
        &[
            "--admin is `:9900`: Metrics and health would be open to others: listen on 127.0.0.1, or add --admin-allow-remote.",
        ],
    );
    refused(&[(Key::IntegrationTimeout, "49ms")], &["--integration-timeout is `49ms`: It may be 50ms to 86400s."]);
    refused(
        &[(Key::HeaderMax, "16KB"), (Key::UrlMax, "16KB")],
        &[
            "header-max (16384) and url-max (16384) are 32768 bytes together: A whole head fits one buffer: 32255 bytes for both is the most.",
        ],
    );
    refused(
        &[(Key::AccessLogFormat, "json")],
        &["--access-log-format is given, but no access log: Add --access-log PATH, or - for standard output."],
    );
    refused(
        &[(Key::AccessLog, "-"), (Key::AccessLogFormat, "$context.requestIdea")],
        &[
            "--access-log-format is `$context.requestIdea`: Write json, clf, or a format that has $context.requestId or $context.extendedRequestId.",
        ],
    );
    refused(
        &[(Key::Api, "other.yaml")],
        &["pets.yaml and other.yaml both answer below /: Give each a base path of its own, BASE_PATH=FILE."],
    );
}

#[test]
fn no_file_is_told_plainly() {
    let mistakes = Raw::default().check(CORES).expect_err("a mistake");
    assert_eq!(mistakes.len(), 1);
    assert_eq!(mistakes[0].found, "no API is given");
}

#[test]
fn serve_wants_a_data_folder_and_no_file() {
    let serve = |said: &[(Key, &str)]| {
        let mut raw = flags(said);
        raw.command = Command::Serve;
        raw.check(CORES)
    };
    let settings = serve(&[(Key::Data, "d")]).expect("good");
    assert_eq!((settings.apis.len(), settings.data.as_deref()), (0, Some(Path::new("d"))));
    assert_eq!(settings.audit_log, Some(AuditTarget::File("d/audit.log".into())));
    assert!(settings.offers_management() && !settings.dev);
    let settings = serve(&[(Key::Data, "d"), (Key::Dev, "true"), (Key::AuditLog, "-")]).expect("good");
    assert_eq!((settings.dev, settings.audit_log), (true, Some(AuditTarget::Stderr)));
    assert_eq!(serve(&[(Key::Data, "d"), (Key::AuditLog, "off")]).expect("good").audit_log, None);

    let texts = |said: &[(Key, &str)]| {
        let mistakes = serve(said).expect_err("a mistake");
        mistakes.into_iter().map(|mistake| format!("{}: {}", mistake.found, mistake.help)).collect::<Vec<_>>()
    };
    assert_eq!(
        texts(&[]),
        [
            "no data folder is given: Name the folder that keeps the definitions, such as `weir serve --data /var/lib/weir`."
        ]
    );
    let remote = [(Key::Data, "d"), (Key::Admin, ":9900"), (Key::AdminAllowRemote, "true"), (Key::Dev, "true")];
    assert_eq!(
        texts(&remote[..3]),
        [
            "--admin is `:9900`: Others could change every API: add [[admin.credentials]] to weir.toml, or listen on 127.0.0.1."
        ]
    );
    assert_eq!(
        texts(&remote)[1],
        "--dev is given, and the admin listener is on 0.0.0.0:9900: Anybody could change every API: listen on 127.0.0.1 with --admin, or leave it out."
    );
}

#[test]
fn what_only_serve_knows_says_nothing_to_run() {
    let raw = flags(&[(Key::Api, "x"), (Key::Data, "d"), (Key::Dev, "true")]);
    let settings = raw.check(CORES).expect("good");
    assert_eq!((settings.data, settings.dev, settings.audit_log), (None, false, None));
    let remote = flags(&[(Key::Api, "x"), (Key::Admin, ":9900"), (Key::AdminAllowRemote, "true")]);
    assert!(!remote.check(CORES).expect("good").offers_management());
}

#[test]
fn awss_formats_are_written_out() {
    for (name, format) in [("json", FORMAT_JSON), ("clf", FORMAT_CLF), ("$context.requestId", "$context.requestId")] {
        let raw = flags(&[(Key::Api, "x"), (Key::AccessLog, "-"), (Key::AccessLogFormat, name)]);
        let log = raw.check(CORES).expect("good").access_log;
        assert_eq!(log, Some(AccessLog { target: LogTarget::Stdout, format: format.into() }));
    }
}

#[test]
fn the_file_says_it_all() {
    let text = r#"
        listen = [":8080"]
        workers = 2
        payload-max = "20MB"
        throttle = "100:50"
        admin = "0.0.0.0:9900"
        admin-allow-remote = true
        [stage-variables]
        backend = "http://pets.internal"
        [method-settings."*/*"]
        rate = 10
        burst = 5
        [[apis]]
        file = "pets.yaml"
        [apis.method-settings."/pets/GET"]
        logging = false
        [[apis]]
        base-path = "/orders/"
        file = "/abs/orders.yaml"
        [upstreams."Pets.internal:80"]
        addresses = ["10.0.0.7", "10.0.0.8:81"]
    "#;
    let settings = file::read(Path::new("/etc/weir.toml"), text).expect("toml").check(CORES).expect("good");
    assert_eq!(settings.apis[0].path, Path::new("/etc/pets.yaml"));
    assert_eq!(settings.apis[1], ApiFile { base_path: "orders".into(), path: "/abs/orders.yaml".into() });
    assert_eq!(settings.limits.payload_bytes_max, 2 * limits::PAYLOAD_BYTES_MAX);
    assert_eq!(settings.throttle, Some(Throttle { rate_per_second: 100.0, burst: 50 }));
    assert_eq!(settings.stage_variables["backend"], "http://pets.internal");
    assert_eq!(settings.upstreams[0].authority, "pets.internal:80");
    assert_eq!(settings.upstreams[0].addresses.len(), 2);
    let all = Some(Throttle { rate_per_second: 10.0, burst: 5 });
    let pets = MethodPattern::One { path: "/pets".into(), verb: "GET".into() };
    assert!(settings.method_settings.contains(&MethodSetting {
        api: None,
        pattern: MethodPattern::All,
        throttle: all,
        logging: None
    }));
    assert!(settings.method_settings.contains(&MethodSetting {
        api: Some(String::new()),
        pattern: pets,
        throttle: None,
        logging: Some(false)
    }));
}

#[test]
fn a_mistake_of_the_file_has_its_place() {
    let text = "workers = 2\nstage = \"a b\"\n[[apis]]\nfile = 'x'\n[method-settings.'/pets/get']\nrate = 1";
    let mistakes = file::read(Path::new("weir.toml"), text).expect("toml").check(CORES).expect_err("mistakes");
    let at = |mistake: &Mistake| mistake.written.map(|w| &text[w.offset..w.offset + w.length]);
    let found: Vec<_> = mistakes.iter().map(|mistake| (mistake.found.as_str(), at(mistake))).collect();
    assert_eq!(
        found,
        [
            ("`/pets/get` does not name a method", Some("'/pets/get'")),
            ("`/pets/get` has only one of rate and burst", Some("'/pets/get'")),
            ("stage is `a b`", Some("\"a b\"")),
        ]
    );
}
