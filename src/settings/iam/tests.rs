use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::super::callers::{Iam, IamPolicy, IamPrincipal};
use super::super::limits::PRINCIPALS_MAX;
use super::super::raw::{By, Key, Mistake, Raw, SettingsFile};
use super::super::secret::Secret;
use super::super::{Refused, Settings, file, gather};

const FULL_ACCESS: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
const INVOKE: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"*"}]}"#;
const STATEMENT: &str = "{ effect = 'Allow', action = 'execute-api:Invoke', resource = '*' }";

fn read(text: &str) -> Result<Settings, Vec<Mistake>> {
    let file = file::read(Path::new("/etc/weir.toml"), &format!("{text}\n[[apis]]\nfile = 'x'"))?;
    file.under(Raw::default()).check(NonZeroUsize::MIN)
}

fn iam(text: &str) -> Iam {
    read(text).expect("good").iam
}

/// The one principal of these lines.
fn principal(rest: &str) -> IamPrincipal {
    iam(&with(rest)).principals.remove(0)
}

fn with(rest: &str) -> String {
    format!("[[iam.principals]]\naccess-key = 'AKIAEXAMPLE'\nsecret-key = 'hush'\n{rest}")
}

#[track_caller]
fn refused(text: &str, at: &str, found: &str, help: &str) {
    let mistakes = read(text).expect_err("a mistake");
    assert_eq!((mistakes[0].found.as_str(), mistakes[0].help.as_str()), (found, help), "{mistakes:?}");
    let written = mistakes[0].written.map(|written| &text[written.offset..written.offset + written.length]);
    assert_eq!((written, mistakes.len()), (Some(at), 1), "{mistakes:?}");
    assert!(!format!("{mistakes:?}").contains("hush"), "{mistakes:?}");
}

#[test]
fn everything_that_is_said_of_a_principal() {
    let text = format!(
        "[iam]\nmismatch-details = false\nunsigned-payload = true\n[[iam.groups]]\nname = 'readers'\n\
         policy = [{STATEMENT}]\n[[iam.groups]]\nname = 'filed'\npolicy-file = 'group.json'\n{}",
        with(
            "session-token = 'hush too'\nexpires = '2026-12-01T01:00:00+01:00'\n\
             arn = 'arn:aws:iam::123456789012:user/team/ada'\nuser-id = 'AIDAADA'\norg-id = 'o-a1b2c3d4e5'\n\
             org-paths = ['o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/', 'o-a1b2c3d4e5/r-ab12/']\n\
             tags = { team = 'blue', level = 7 }\ngroups = ['readers', 'filed', 'readers']\npolicy-file = '/own.json'"
        )
    );
    let iam = iam(&text);
    assert!(!format!("{iam:?}").contains("hush"));
    let ada = IamPrincipal {
        access_key: "AKIAEXAMPLE".into(),
        secret_key: Secret::new("hush"),
        session_token: Some(Secret::new("hush too")),
        expires: Some(1_796_083_200),
        arn: "arn:aws:iam::123456789012:user/team/ada".into(),
        user_id: "AIDAADA".into(),
        account_id: "123456789012".into(),
        org_id: Some("o-a1b2c3d4e5".into()),
        org_paths: vec!["o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/".into(), "o-a1b2c3d4e5/r-ab12/".into()],
        tags: vec![("level".into(), "7".into()), ("team".into(), "blue".into())],
        policies: vec![
            IamPolicy::File("/own.json".into()),
            IamPolicy::Json(INVOKE.into()),
            IamPolicy::File("/etc/group.json".into()),
        ],
    };
    assert_eq!(
        iam,
        Iam { principals: vec![ada], principals_file: None, mismatch_details: false, unsigned_payload: true }
    );
}

#[test]
fn what_is_not_said() {
    let nobody = Iam { principals: vec![], principals_file: None, mismatch_details: true, unsigned_payload: false };
    assert_eq!(iam("workers = 1"), nobody);
    let plain = principal("");
    assert_eq!(plain.arn, "arn:aws:iam::000000000000:user/AKIAEXAMPLE");
    assert_eq!((plain.account_id.as_str(), plain.policies.len(), plain.expires), ("000000000000", 0, None));
    let elsewhere = iam(&format!("account-id = '123456789012'\n{}", with(""))).principals.remove(0);
    assert_eq!(elsewhere.account_id, "123456789012");
    assert_eq!(principal("full-access = true").policies, [IamPolicy::Json(FULL_ACCESS.into())]);
    assert_eq!(principal("full-access = false").policies, []);
    assert_eq!(principal(&format!("policy = {STATEMENT}")).policies, [IamPolicy::Json(INVOKE.into())]);
    // TOML's own times.
    assert_eq!(principal("expires = 2026-12-01T00:00:00Z").expires, Some(1_796_083_200));
}

#[test]
fn ids_stand_in_for_those_of_aws() {
    let check = |key: &str, arn: &str, expected: &str| {
        let text = with(&format!("arn = '{arn}'")).replace("AKIAEXAMPLE", key);
        assert_eq!(iam(&text).principals[0].user_id, expected, "{key} {arn}");
    };
    let (user, account) = ("arn:aws:iam::123456789012:user/ada", "123456789012");
    check("AKIAEXAMPLE", user, "AIDAEXAMPLE");
    check("ASIAEXAMPLE", user, "AIDAEXAMPLE");
    check("ada", user, "ada");
    check("AKIA", user, "AKIA");
    check("ASIAEXAMPLE", "arn:aws:sts::123456789012:assumed-role/ci/build-7", "AROAEXAMPLE:build-7");
    check("ASIAEXAMPLE", "arn:aws:sts::123456789012:federated-user/eve", &format!("{account}:eve"));
    check("AKIAEXAMPLE", "arn:aws-cn:iam::123456789012:root", account);
}

#[test]
fn what_is_wrong_with_a_principal() {
    let check = |rest: &str, at: &str, found: &str, help: &str| refused(&with(rest), at, found, help);
    let arn = "Write an ARN such as arn:aws:iam::123456789012:user/ada or arn:aws:sts::123456789012:assumed-role/ROLE/SESSION.";
    for wrong in [
        "ada",
        "arn:aws:iam::1234:user/ada",
        "arn:aws:iam::123456789012:user/",
        "arn:aws:iam::123456789012:user/a//b",
        "arn:aws:iam::123456789012:user/*",
        "arn:aws:iam::123456789012:root/x",
        "arn:aws:iam:eu-west-1:123456789012:user/ada",
        "arn:aws:iam::123456789012:group/readers",
        "arn:awsome:iam::123456789012:user/ada",
        "arn:aws:s3::123456789012:user/ada",
        "arn:aws:sts::123456789012:assumed-role/ci",
        "arn:aws:sts::123456789012:assumed-role/ci/a/b",
        "arn:aws:sts::123456789012:user/ada",
    ] {
        check(&format!("arn = '{wrong}'"), &format!("'{wrong}'"), &format!("arn is `{wrong}`"), arn);
    }
    check(
        "arn = 'arn:aws:iam::123456789012:role/ci'",
        "'arn:aws:iam::123456789012:role/ci'",
        "arn is `arn:aws:iam::123456789012:role/ci`",
        "A role does not sign, its session does: write arn:aws:sts::123456789012:assumed-role/ROLE/SESSION.",
    );
    let time = "Write a time with its zone, such as 2026-12-01T00:00:00Z.";
    check("expires = 'tomorrow'", "'tomorrow'", "expires is `tomorrow`", time);
    check("expires = '2026-12-01'", "'2026-12-01'", "expires is `2026-12-01`", time);
    check("expires = 2026-12-01T00:00:00", "2026-12-01T00:00:00", "expires is `2026-12-01T00:00:00`", time);
    check("expires = 7", "7", "`expires` is an integer here", "Write a time such as \"2026-12-01T00:00:00Z\".");
    check(
        "user-id = 'a b'",
        "'a b'",
        "user-id is `a b`",
        "Write 1 to 193 letters and signs of ASCII, such as AIDAEXAMPLE or AROAEXAMPLE:session.",
    );
    check("org-id = 'o-1'", "'o-1'", "org-id is `o-1`", "Write o- and 10 to 32 of a-z and 0-9, such as o-a1b2c3d4e5.");
    let path = "Write the organization, its root and the units below, with a slash at the end, such as o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/.";
    for wrong in ["o-a1b2c3d4e5/r-ab12", "o-a1b2c3d4e5/", "o-zzzzzzzzzz/r-ab12/", "o-a1b2c3d4e5/r-ab12/x-1/", ""] {
        let rest = format!("org-id = 'o-a1b2c3d4e5'\norg-paths = ['{wrong}']");
        check(&rest, &format!("'{wrong}'"), &format!("an org-path is `{wrong}`"), path);
    }
    check(
        "org-paths = ['o-a1b2c3d4e5/r-ab12/']",
        "[[iam.principals]]",
        "the access key `AKIAEXAMPLE` has org-paths and no org-id",
        "Add the `org-id` that the paths begin with.",
    );
    check(
        "tags = 'x'",
        "'x'",
        "`tags` is a string here",
        "Write a table of names and texts, such as { team = \"blue\" }.",
    );
    let tag = "A tag's name has 1 to 128 characters, its value at most 256.";
    check("tags = { '' = 'x' }", "'x'", "the tag `` of the access key `AKIAEXAMPLE` is too long, or has no name", tag);
    check(
        "tags = { Team = 'x', team = 'y' }",
        "'y'",
        "the access key `AKIAEXAMPLE` has the tag `team` twice, but for its case",
        "Keep one of them.",
    );
    check(
        "groups = ['none']",
        "'none'",
        "the access key `AKIAEXAMPLE` is in the group `none`, which is not there",
        "Add it to [[iam.groups]], or to [[groups]] of the file of principals.",
    );
    check(
        "full-access = true\npolicy-file = 'x'",
        "[[iam.principals]]",
        "the access key `AKIAEXAMPLE` has more than one of policy, policy-file and full-access",
        "Keep one of them.",
    );
    check("policy = [{ efect = 'Allow' }]", "efect", "`efect` is not a key of a statement", "Did you mean `effect`?");
    check("acess-key = 'x'", "acess-key", "`acess-key` is not a key of [[principals]]", "Did you mean `access-key`?");
    check("user-id = 1", "1", "`user-id` is an integer here", "Write a text.");
    check(
        "session-token = ''",
        "[[iam.principals]]",
        "the access key `AKIAEXAMPLE` has an empty session-token",
        "Leave `session-token` out for keys that do not end.",
    );
    let many = ["'a'"; 11].join(",");
    let mistakes = read(&with(&format!("groups = [{many}]"))).expect_err("a mistake");
    assert_eq!(mistakes[0].found, "the access key `AKIAEXAMPLE` is in 11 groups");
    let tags: String = (0..51).map(|n| format!("t{n} = 'x', ")).collect();
    let mistakes = read(&with(&format!("tags = {{ {tags} }}"))).expect_err("a mistake");
    assert_eq!(mistakes[0].found, "the access key `AKIAEXAMPLE` has 51 tags");
}

#[test]
fn what_is_wrong_with_keys() {
    let head = "[[iam.principals]]";
    refused(
        &format!("{head}\nsecret-key = 'hush'"),
        head,
        "this principal has no access-key",
        "Add `access-key = \"…\"`.",
    );
    for secret in ["", "secret-key = ''"] {
        let text = format!("{head}\naccess-key = 'A'\n{secret}");
        refused(&text, head, "the access key `A` has no secret-key", "Add `secret-key = \"…\"`.");
    }
    refused(
        &format!("{head}\nsecret-key = 'hush'\naccess-key = 'A/B'"),
        "'A/B'",
        "access-key is `A/B`",
        "An access key has 1 to 128 of A-Z, a-z, 0-9, _, - and a full stop.",
    );
    let twice = with("arn = 'arn:aws:iam::123456789012:user/ada'");
    refused(
        &format!("{twice}\n{}", twice.replace("'AKIAEXAMPLE'", "\"AKIAEXAMPLE\"")),
        "\"AKIAEXAMPLE\"",
        "the access key `AKIAEXAMPLE` is given twice",
        "Leave one of the principals out.",
    );
}

#[test]
fn what_is_wrong_with_groups_and_with_the_rest() {
    let group = |rest: &str| format!("[[iam.groups]]\nname = 'readers'\n{rest}");
    let full = group("full-access = true");
    refused(
        &format!("{full}\n{}", with("groups = ['reader']")),
        "'reader'",
        "the access key `AKIAEXAMPLE` is in the group `reader`, which is not there",
        "Did you mean `readers`?",
    );
    refused(
        &group(""),
        "[[iam.groups]]",
        "the group `readers` has no policy",
        "Add `policy`, `policy-file`, or `full-access = true`.",
    );
    refused(
        &format!("{full}\n{}", full.replace('\'', "\"")),
        "\"readers\"",
        "the group `readers` is given twice",
        "Leave one of them out, or rename it.",
    );
    refused("[[iam.groups]]\nfull-access = true", "[[iam.groups]]", "this group has no name", "Add `name = \"…\"`.");
    refused(
        "[[iam.groups]]\nname = 'a b'\nfull-access = true",
        "'a b'",
        "name is `a b`",
        "A group's name has 1 to 128 of A-Z, a-z, 0-9 and +=,.@_-.",
    );
    refused(
        &group("full-access = true\npolicy-file = 'x'"),
        "[[iam.groups]]",
        "the group `readers` has more than one of policy, policy-file and full-access",
        "Keep one of them.",
    );
    refused(&group("polcy = 1"), "polcy", "`polcy` is not a key of [[groups]]", "Did you mean `policy`?");
    // What was wrong with its policy is told alone.
    refused(
        &group("policy = 1"),
        "1",
        "`policy` is an integer here",
        "Write statements such as [{ effect = \"Allow\", action = \"apigateway:GET\", resource = \"*\" }].",
    );
    refused(
        "[iam]\nmismatch-detail = 1",
        "mismatch-detail",
        "`mismatch-detail` is not a key of [iam]",
        "Did you mean `mismatch-details`?",
    );
    refused("[iam]\nunsigned-payload = 'no'", "'no'", "`unsigned-payload` is a string here", "Write true or false.");
    refused(
        "iam = 1",
        "1",
        "`iam` is an integer here",
        "Write a table with `principals`, or with a `principals-file`.",
    );
    refused(
        "[iam]\nprincipals = 1",
        "1",
        "`principals` is an integer here",
        "Write tables with `access-key` and `secret-key`.",
    );
    refused("user-pool = 1", "user-pool", "`user-pool` is not a setting", "Did you mean `user-pools`?");
    let many: String = (0..=1_000).map(|n| format!("[[iam.groups]]\nname = 'g{n}'\nfull-access = true\n")).collect();
    assert_eq!(read(&many).expect_err("a mistake")[0].found, "1001 groups of principals are given");
}

#[test]
fn whom_callers_are_taken_for_is_known_to_this_machine_alone() {
    let file = "dev-identity = 'me.json'";
    let settings = read(&format!("{file}\nlisten = ['127.0.0.1:1', '[::1]:1']")).expect("good");
    assert_eq!(settings.dev_identity.as_deref(), Some(Path::new("/etc/me.json")));
    let help = "Anybody who calls would be taken for whom the file names: listen on 127.0.0.1 only, or leave it out.";
    refused(
        &format!("{file}\nlisten = ['127.0.0.1:1', ':2']"),
        "'me.json'",
        "dev-identity is given, and others can reach 0.0.0.0:2",
        help,
    );
    refused(
        &format!("{file}\n[[vpc-endpoints]]\nid = 'vpce-1'\nlisten = '10.0.0.1:3'"),
        "'me.json'",
        "dev-identity is given, and others can reach 10.0.0.1:3",
        help,
    );
    let mut flags = Raw::default();
    for (key, text) in [(Key::Api, "x"), (Key::DevIdentity, "me.json"), (Key::Listen, ":1")] {
        flags.say(key, text, By::Flag);
    }
    let mistakes = flags.check(NonZeroUsize::MIN).expect_err("a mistake");
    assert_eq!(mistakes[0].found, "--dev-identity is given, and others can reach 0.0.0.0:1");
}

/// A folder with `weir.toml` and a file of principals; it goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(config: &str, principals: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("weir-principals-{}-{}", std::process::id(), NEXT.fetch_add(1, Relaxed));
        let folder = Self(std::env::temp_dir().join(name));
        std::fs::create_dir_all(folder.0.join("keys")).expect("made");
        std::fs::write(folder.0.join("weir.toml"), format!("{config}\n[[apis]]\nfile = 'x'")).expect("written");
        std::fs::write(folder.0.join("keys/principals.toml"), principals).expect("written");
        folder
    }

    fn gather(&self) -> Result<Settings, Refused> {
        gather(Raw::from_config(Some(self.0.join("weir.toml"))), NonZeroUsize::MIN)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const NAMED: &str = "[iam]\nprincipals-file = 'keys/principals.toml'\n";

#[test]
fn a_file_of_principals_is_read_too() {
    let config = format!("{NAMED}[[iam.groups]]\nname = 'readers'\nfull-access = true\n{}", with(""));
    let filed = "[[groups]]\nname = 'filed'\npolicy-file = 'group.json'\n[[principals]]\naccess-key = 'FILED'\n\
                 secret-key = 'hush'\ngroups = ['readers', 'filed']\n";
    let folder = Folder::new(&config, filed);
    let settings = folder.gather().expect("good");
    let keys: Vec<_> = settings.iam.principals.iter().map(|principal| principal.access_key.as_str()).collect();
    assert_eq!(keys, ["AKIAEXAMPLE", "FILED"]);
    // Paths in it start at its own folder.
    let policies = [IamPolicy::Json(FULL_ACCESS.into()), IamPolicy::File(folder.0.join("keys/group.json"))];
    assert_eq!(settings.iam.principals[1].policies, policies);
    let files: Vec<_> = settings.files_of_callers().into_iter().collect();
    assert_eq!(files, [folder.0.join("keys/group.json"), folder.0.join("keys/principals.toml")]);
}

#[test]
fn files_that_are_watched() {
    let text = "dev-identity = 'me.json'\n[[user-pools]]\nid = 'a_1'\nissuer = 'https://a'\njwks-file = 'keys.json'";
    let files: Vec<_> = read(&format!("{text}\n{}", with("policy-file = 'p.json'")))
        .expect("good")
        .files_of_callers()
        .into_iter()
        .collect();
    assert_eq!(files, ["/etc/keys.json", "/etc/p.json"].map(PathBuf::from));
}

#[track_caller]
fn refused_in_file(principals: &str, at: Option<&str>, found: &str) {
    let folder = Folder::new(NAMED, principals);
    let refused = folder.gather().expect_err("a mistake");
    let (mistake, shown) = (&refused.mistakes[0], refused.principals.as_ref().expect("its text"));
    assert!(mistake.found.starts_with(found), "{mistake:?}");
    if let Some(at) = at {
        let written = mistake.written.expect("a place");
        assert_eq!(written.file, SettingsFile::Principals);
        assert_eq!(&shown.1[written.offset..written.offset + written.length], at);
    }
    assert_eq!(shown.0, folder.0.join("keys/principals.toml"));
    assert!(!format!("{refused:?}").contains("hush"), "{refused:?}");
}

#[test]
fn mistakes_of_a_file_of_principals_are_shown_in_it() {
    let filed = "[[principals]]\naccess-key = 'FILED'\nsecret-key = 'hush'\n";
    refused_in_file(&format!("{filed}org = 1"), Some("org"), "`org` is not a key of [[principals]]");
    refused_in_file(&format!("{filed}arn = 'x'"), Some("'x'"), "arn is `x`");
    refused_in_file(&format!("{filed}[iam]"), Some("iam"), "`iam` is not a key of a file of principals");
    refused_in_file(&format!("{filed}x = = 1"), None, "the file of principals is not TOML here");
    refused_in_file(&format!("{filed}{filed}"), Some("'FILED'"), "the access key `FILED` is given twice");
}

#[test]
fn the_example_is_good() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/principals.toml");
    let mut raw = Raw::default();
    raw.say(Key::Api, "x", By::Flag);
    raw.say(Key::PrincipalsFile, path.to_string_lossy(), By::Flag);
    let iam = gather(raw, NonZeroUsize::MIN).expect("good").iam;
    let of = |key: &str| iam.principals.iter().find(|principal| principal.access_key == key).expect(key);
    assert_eq!(of("AKIAADA").policies, [IamPolicy::Json(INVOKE.into())]);
    assert_eq!(of("ASIACI").user_id, "AROACI:build-7");
    assert_eq!((of("AKIAGUEST").policies.len(), iam.principals_file), (0, Some(path)));
}

#[test]
fn more_principals_than_there_may_be() {
    let text = "[[principals]]\n".repeat(PRINCIPALS_MAX + 1);
    let mut raw = Raw::default();
    raw.say(Key::Api, "x", By::Flag);
    raw.iam = file::read_principals(Path::new("principals.toml"), &text).expect("TOML");
    let mistakes = raw.check(NonZeroUsize::MIN).expect_err("a mistake");
    let texts: Vec<_> = mistakes.iter().map(|mistake| format!("{}: {}", mistake.found, mistake.help)).collect();
    assert_eq!(texts, ["100001 principals are given: 100000 are the most."]);
}

#[test]
fn a_file_of_principals_that_cannot_be_read() {
    let text = "[iam]\nprincipals-file = 'gone.toml'";
    let folder = Folder::new(text, "");
    let refused = folder.gather().expect_err("a mistake");
    let mistake = &refused.mistakes[0];
    let gone = folder.0.join("gone.toml");
    let found = format!("principals-file names {}, which cannot be read: ", gone.display());
    assert!(mistake.found.starts_with(&found), "{mistake:?}");
    let written = mistake.written.expect("a place");
    assert_eq!(&text[written.offset..written.offset + written.length], "'gone.toml'");
}

#[test]
fn the_same_mistake_in_each_principal_is_told_a_hundred_times() {
    let wrong = "[[principals]]\naccess-key = 'FILED'\n";
    let folder = Folder::new(NAMED, &wrong.repeat(250));
    let mistakes = folder.gather().expect_err("mistakes").mistakes;
    assert_eq!((mistakes.len(), mistakes[100].found.as_str()), (101, "there are 150 more mistakes in the settings"));
}
