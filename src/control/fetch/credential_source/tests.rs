//! Sources that answer, and those that do not.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Mutex;
use std::thread;

use super::*;
use crate::settings::limits::CREDENTIALS_BYTES_MAX;

/// A request as it came: its line, its headers and its body, each on lines of their own.
type Asked = Arc<Mutex<Vec<String>>>;

/// A web server that says what it was told to say, and remembers what it was asked.
pub struct Server {
    answers: Arc<Mutex<HashMap<String, String>>>,
    asked: Asked,
    pub address: SocketAddr,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (answers, asked) = (Arc::<Mutex<HashMap<String, String>>>::default(), Asked::default());
        let (table, log) = (Arc::clone(&answers), Arc::clone(&asked));
        thread::spawn(move || {
            let mut silent = Vec::new();
            for mut stream in listener.incoming().flatten() {
                let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
                let (mut head, mut length) = (String::new(), 0);
                loop {
                    let mut line = String::new();
                    if reader.read_line(&mut line).is_err() || line.trim().is_empty() {
                        break;
                    }
                    let lower = line.to_ascii_lowercase();
                    if let Some(value) = lower.strip_prefix("content-length:") {
                        length = value.trim().parse().expect("a length");
                    }
                    head.push_str(&line);
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).expect("a body");
                let line = head.lines().next().unwrap_or_default();
                let what = line.trim_end_matches(" HTTP/1.1").to_owned();
                log.lock().expect("a lock").push(format!("{head}{}", String::from_utf8_lossy(&body)));
                match table.lock().expect("a lock").get(&what) {
                    Some(answer) => _ = stream.write_all(answer.as_bytes()),
                    // Nothing is said, and the connection stays open.
                    None => silent.push(stream),
                }
            }
        });
        Self { answers, asked, address }
    }

    /// `what` is a method and a path.
    pub fn say(&self, what: &str, status: &str, body: &str) {
        let length = body.len();
        let answer = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
        self.answers.lock().expect("a lock").insert(what.into(), answer);
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("a lock").clone()
    }

    pub fn terms(&self) -> Terms {
        let endpoint = LambdaEndpoint { https: false, host: "127.0.0.1".into(), port: self.address.port() };
        Terms { region: "eu-west-1".into(), sts: Some(endpoint), default: CredentialSource::Chain }
    }
}

/// A folder that is gone with the test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let folder = Self(std::env::temp_dir().join(format!("weir-credentials-{name}-{}", std::process::id())));
        fs::create_dir_all(folder.0.join(".aws")).expect("a folder");
        folder
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).expect("a file");
        path.to_string_lossy().into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Nobody is asked who is not named: the instance's address is somebody's on some machines.
pub fn variables(pairs: &[(&str, &str)]) -> Variables {
    let mut map: HashMap<String, String> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    if !map.contains_key("AWS_EC2_METADATA_SERVICE_ENDPOINT") {
        map.insert("AWS_EC2_METADATA_DISABLED".into(), "true".into());
    }
    Arc::new(move |name| map.get(name).cloned())
}

pub fn json(access_key: &str, token: &str, expires: &str) -> String {
    format!(
        r#"{{"Code":"Success","AccessKeyId":"{access_key}","SecretAccessKey":"hush","{token}":"tok","Expiration":"{expires}"}}"#
    )
}

pub fn xml(action: &str, access_key: &str, expires: &str) -> String {
    format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result><AssumedRoleUser><Arn>a</Arn>\
         </AssumedRoleUser><Credentials><AccessKeyId>{access_key}</AccessKeyId><SecretAccessKey>hush</SecretAccessKey>\
         <SessionToken>tok</SessionToken><Expiration>{expires}</Expiration></Credentials></{action}Result></{action}Response>"
    )
}

const ENDS: &str = "2040-01-01T00:00:00Z";
const ROLE: &str = "arn:aws:iam::123456789012:role/api";

fn client(pairs: &[(&str, &str)]) -> Client {
    Client::hasty(Duration::from_secs(5), variables(pairs))
}

/// `AKID tok 2208988800`: the parts of keys whose secret is `hush`.
fn shown(keys: Result<Keys, String>) -> Result<String, String> {
    let keys = keys?;
    assert_eq!(keys.secret_key.reveal(), "hush");
    let token = keys.session_token.map_or("-".to_owned(), |token| token.reveal().to_owned());
    Ok(format!("{} {token} {}", keys.access_key, keys.expires.map_or("-".to_owned(), |at| at.to_string())))
}

fn chain(pairs: &[(&str, &str)], terms: &Terms) -> Result<String, String> {
    shown(client(pairs).keys(&CredentialSource::Chain, terms, None))
}

#[track_caller]
fn told(found: Result<String, String>, expected: &str) {
    let told = found.expect_err("no keys");
    assert!(told.contains(expected), "{told}");
    assert!(!told.contains("hush") && !told.contains("tok-"), "{told}");
}

#[test]
fn the_chain_goes_in_order_and_ends_at_what_is_set_up() {
    let (server, folder) = (Server::start(), Folder::new("chain"));
    let terms = server.terms();
    let home = folder.0.to_string_lossy().into_owned();
    let token = folder.write("token", "tok-web\n");
    server.say("GET /container", "200 OK", &json("CONTAINER", "Token", ENDS));
    server.say("PUT /latest/api/token", "200 OK", "metadata-token");
    server.say("GET /latest/meta-data/iam/security-credentials/", "200 OK", "web-role\n");
    server.say("GET /latest/meta-data/iam/security-credentials/web-role", "200 OK", &json("INSTANCE", "Token", ENDS));
    server.say("POST /", "200 OK", &xml("AssumeRoleWithWebIdentity", "WEB", ENDS));
    folder.write(".aws/credentials", "[default]\naws_access_key_id = PROFILE\naws_secret_access_key = hush\n[empty]\n");
    let (container, instance) = (server.url("/container"), server.url(""));
    let all = [
        ("AWS_ACCESS_KEY_ID", "ENV"),
        ("AWS_SECRET_ACCESS_KEY", "hush"),
        ("AWS_SESSION_TOKEN", "tok"),
        ("HOME", home.as_str()),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.as_str()),
        ("AWS_ROLE_ARN", ROLE),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.as_str()),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", instance.as_str()),
    ];
    for (from, expected) in [
        (0, "ENV tok -"),
        (3, "PROFILE - -"),
        (4, "WEB tok 2208988800"),
        (6, "CONTAINER tok 2208988800"),
        (7, "INSTANCE tok 2208988800"),
    ] {
        assert_eq!(chain(&all[from..], &terms).as_deref(), Ok(expected));
    }
    // A profile without keys is passed over, one that is not there is not.
    let with_profile = |name| [&[("AWS_PROFILE", name)], &all[3..]].concat();
    assert_eq!(chain(&with_profile("empty"), &terms).as_deref(), Ok("WEB tok 2208988800"));
    told(chain(&with_profile("none"), &terms), "there is no profile \"none\" in ");
    told(chain(&all[..1], &terms), "AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not");
    told(chain(&all[4..5], &terms), "AWS_WEB_IDENTITY_TOKEN_FILE is set, and AWS_ROLE_ARN is not");
    let nothing = chain(&[], &terms).expect_err("no keys");
    assert_eq!(
        nothing,
        "there are no keys in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), in the profile \"default\" of \
         ~/.aws, of a web identity (AWS_WEB_IDENTITY_TOKEN_FILE) or of a container, and of the instance: it is not asked, \
         as AWS_EC2_METADATA_DISABLED says. Set one of them up, or name keys with [[aws.credentials]]"
    );
    let bad = [("AWS_ACCESS_KEY_ID", "A B"), ("AWS_SECRET_ACCESS_KEY", "hush")];
    told(chain(&bad, &terms), "has characters that no key has");
}

#[test]
fn profiles_in_each_of_their_forms() {
    let (server, folder) = (Server::start(), Folder::new("profiles"));
    let token = folder.write("token", "tok-web");
    server.say("POST /", "200 OK", &xml("AssumeRole", "ROLE", ENDS));
    let process =
        folder.write("process.json", &format!(r#"{{"Version":1,{}"#, &json("PROCESS", "SessionToken", ENDS)[1..]));
    let config = format!(
        "[default]\nregion = eu-west-1\n[profile static]\naws_access_key_id = LOW\naws_secret_access_key = low\n\
         [profile process]\ncredential_process = cat '{process}'\n\
         [profile broken]\ncredential_process = echo hush; exit 3\n\
         [profile version]\ncredential_process = echo '{{\"Version\":2}}'\n\
         [profile role]\nrole_arn = {ROLE}\nsource_profile = static\nexternal_id = x y\nrole_session_name = me\n\
         [profile own]\nrole_arn = {ROLE}\nsource_profile = own\naws_access_key_id = OWN\naws_secret_access_key = hush\n\
         [profile env]\nrole_arn = {ROLE}\ncredential_source = Environment\n\
         [profile mars]\nrole_arn = {ROLE}\ncredential_source = Mars\n\
         [profile alone]\nrole_arn = {ROLE}\n\
         [profile both]\nrole_arn = {ROLE}\ncredential_source = Environment\nsource_profile = static\n\
         [profile web]\nrole_arn = {ROLE}\nweb_identity_token_file = {token}\n\
         [profile mfa]\nrole_arn = {ROLE}\nsource_profile = static\nmfa_serial = arn\n\
         [profile sso]\nsso_session = corp\n[profile half]\naws_access_key_id = HALF\n\
         [profile a]\nrole_arn = {ROLE}\nsource_profile = b\n[profile b]\nrole_arn = {ROLE}\nsource_profile = a\n\
         [profile gone]\nrole_arn = {ROLE}\nsource_profile = nobody\n"
    );
    let home = folder.0.to_string_lossy().into_owned();
    folder.write("config", &config);
    let credentials = folder.write(
        "keys",
        "[static]\naws_access_key_id = STATIC\naws_secret_access_key = hush\naws_session_token = tok # c\n",
    );
    let pairs = [
        ("HOME", home.as_str()),
        ("AWS_CONFIG_FILE", "~/config"),
        ("AWS_SHARED_CREDENTIALS_FILE", credentials.as_str()),
        ("AWS_ACCESS_KEY_ID", "ENV"),
        ("AWS_SECRET_ACCESS_KEY", "hush"),
    ];
    let profile =
        |name: &str| shown(client(&pairs).keys(&CredentialSource::Profile(name.into()), &server.terms(), None));
    assert_eq!(profile("static").as_deref(), Ok("STATIC tok -"));
    assert_eq!(profile("process").as_deref(), Ok("PROCESS tok 2208988800"));
    assert_eq!(server.asked().len(), 0);
    for (name, expected) in [
        ("role", "Credential=STATIC/"),
        ("own", "Credential=OWN/"),
        ("env", "Credential=ENV/"),
        ("web", "WebIdentityToken=tok-web"),
    ] {
        assert_eq!(profile(name).as_deref(), Ok("ROLE tok 2208988800"), "{name}");
        let asked = server.asked().pop().expect("a request");
        assert!(asked.contains(expected), "{asked}");
        assert_eq!(asked.contains("RoleSessionName=me&ExternalId=x%20y&"), name == "role", "{asked}");
    }
    for (name, expected) in [
        ("default", "the profile \"default\" has no keys: give it"),
        ("nobody", "there is no profile \"nobody\" in "),
        ("gone", "there is no profile \"nobody\" in "),
        ("broken", "the credential_process of the profile \"broken\": it ended with exit status: 3"),
        ("version", "the credential_process of the profile \"version\": its Version is not 1"),
        ("mars", "the credential_source of the profile \"mars\" is \"Mars\": known are"),
        ("alone", "the profile \"alone\" has role_arn, and neither"),
        ("both", "the profile \"both\" has both source_profile and credential_source"),
        ("mfa", "the profile \"mfa\" wants a code of a device"),
        ("sso", "the profile \"sso\" signs in by SSO, which needs a browser"),
        ("half", "the profile \"half\" has only one of"),
        ("a", "more than 8 profiles are each other's source_profile"),
    ] {
        told(profile(name), expected);
    }
    folder.write("config", &" ".repeat(1024 * 1024 + 1));
    told(profile("static"), "it has more than 1048576 bytes");
}

#[test]
fn a_container_is_asked_with_its_token() {
    let (server, folder) = (Server::start(), Folder::new("container"));
    let (terms, url) = (server.terms(), server.url("/creds?x=tok-query"));
    let check = |pairs: &[(&str, &str)]| {
        chain(&[&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str())], pairs].concat(), &terms)
    };
    let say = |status: &str, body: &str| server.say("GET /creds?x=tok-query", status, body);
    say("200 OK", &json("A", "Token", ENDS));
    let token = folder.write("token", "tok-file\n");
    let authorization = |asked: Vec<String>| {
        let last = asked.last().cloned().unwrap_or_default();
        last.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("authorization: ").map(str::to_owned))
    };
    assert_eq!(check(&[]).as_deref(), Ok("A tok 2208988800"));
    assert_eq!(authorization(server.asked()), None);
    let written = [("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic tok-env")];
    assert!(check(&written).is_ok());
    assert_eq!(authorization(server.asked()).as_deref(), Some("basic tok-env"));
    assert!(check(&[written[0], ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &token)]).is_ok());
    assert_eq!(authorization(server.asked()).as_deref(), Some("tok-file"));
    let lines = folder.write("lines", "tok-a\r\ntok-b");
    told(check(&[("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &lines)]), "has more than one line");
    told(check(&[("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/nonexistent")]), "/nonexistent: No such file");

    say("403 Forbidden", "hush");
    let address = server.url("/creds");
    told(check(&[]), &format!("{address}: it answers 403"));
    for (body, expected) in [
        ("hush", "the container's credentials: the answer is not JSON"),
        (r#"{"SecretAccessKey":"hush"}"#, "the answer has no AccessKeyId"),
        (r#"{"AccessKeyId":"A"}"#, "the answer has no SecretAccessKey"),
        (r#"{"AccessKeyId":"A","SecretAccessKey":"hush","Expiration":"soon"}"#, "its Expiration is no time"),
        (r#"{"AccessKeyId":"A\n","SecretAccessKey":"hush"}"#, "has characters that no key has"),
    ] {
        say("200 OK", body);
        told(check(&[]), expected);
    }
    say("200 OK", &" ".repeat(CREDENTIALS_BYTES_MAX + 1));
    told(check(&[]), "larger than");
    let before = server.asked().len();
    say(&format!("302 Found\r\nLocation: {}", server.url("/elsewhere")), "");
    assert!(check(&written).is_err());
    assert_eq!(server.asked().len(), before + 1, "a redirect would carry the token along");
    told(
        chain(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/")], &terms),
        "neither https:// nor on this machine",
    );
    told(chain(&[("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "x")], &terms), "does not begin with /");
}

#[test]
fn an_instance_is_asked_by_version_2_alone() {
    let server = Server::start();
    let (terms, url) = (server.terms(), server.url("/"));
    let client = Client {
        connect_timeout: Duration::from_millis(300),
        ..client(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url)])
    };
    let check = || shown(client.keys(&CredentialSource::Chain, &terms, None));
    let roles = "GET /latest/meta-data/iam/security-credentials/";
    told(check(), "of the instance: ");
    server.say("PUT /latest/api/token", "403 Forbidden", "");
    told(check(), "/latest/api/token: it answers 403");
    server.say("PUT /latest/api/token", "200 OK", "metadata-token");
    server.say(roles, "404 Not Found", "");
    told(check(), "it answers 404");
    for role in ["", "../../x", "a b"] {
        server.say(roles, "200 OK", role);
        told(check(), "it has no role");
    }
    server.say(roles, "200 OK", "web+role\nother");
    let role = format!("{roles}web+role");
    server.say(&role, "200 OK", r#"{"Code":"AssumeRoleUnauthorizedAccess","Message":"hush"}"#);
    told(check(), "the credentials of its role web+role: AssumeRoleUnauthorizedAccess.");
    server.say(&role, "200 OK", &json("INSTANCE", "Token", ENDS));
    assert_eq!(check().as_deref(), Ok("INSTANCE tok 2208988800"));
    let asked = server.asked();
    let [.., token, list, keys] = &asked[..] else { panic!("{asked:?}") };
    let has = |asked: &str, line: &str| asked.to_ascii_lowercase().lines().any(|it| it == line);
    assert!(has(token, "x-aws-ec2-metadata-token-ttl-seconds: 21600"), "{token}");
    assert!(
        has(list, "x-aws-ec2-metadata-token: metadata-token") && has(keys, "x-aws-ec2-metadata-token: metadata-token")
    );
}

#[test]
fn a_role_is_assumed_with_a_signature() {
    let server = Server::start();
    server.say("POST /", "200 OK", &xml("AssumeRole", "ROLE", ENDS));
    let base = Keys {
        access_key: "BASE".into(),
        secret_key: Secret::new("hush"),
        session_token: Some(Secret::new("tok-base")),
        expires: None,
    };
    let assume = |base| shown(client(&[]).keys(&CredentialSource::Assume(ROLE.into()), &server.terms(), base));
    assert_eq!(assume(Some(&base)).as_deref(), Ok("ROLE tok 2208988800"));
    let asked = server.asked().pop().expect("a request");
    let body = "Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fapi&RoleSessionName=weir&Version=2011-06-15";
    assert!(asked.ends_with(body), "{asked}");
    let head = asked.to_ascii_lowercase();
    assert!(head.contains(&format!("host: {}\r\n", server.address)), "{head}");
    assert!(head.contains("x-amz-security-token: tok-base\r\n"), "{head}");
    assert!(
        asked
            .contains("/eu-west-1/sts/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, ")
    );
    verified(&asked, &base);
    told(assume(None), "the default credentials, with which it is assumed, have no keys");
    let error = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User is not authorized to perform: \
                 sts:AssumeRole</Message></Error></ErrorResponse>";
    server.say("POST /", "403 Forbidden", error);
    told(assume(Some(&base)), "role/api cannot be assumed: http://127.0.0.1:");
    told(assume(Some(&base)), "answers 403, AccessDenied: User is not authorized to perform: sts:AssumeRole");
    server.say("POST /", "200 OK", "<html>");
    told(assume(Some(&base)), "the answer has no AccessKeyId");
    server.say("POST /", "200 OK", &xml("AssumeRole", "ROLE", "soon"));
    told(assume(Some(&base)), "the answer has no Expiration");
}

/// The other side of the signature finds it right.
#[track_caller]
fn verified(asked: &str, keys: &Keys) {
    use crate::sigv4::{Request, Scope, Signer, SigningKey, hash, sign};
    let (head, body) = asked.rsplit_once("\r\n").expect("a body");
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value).expect(name)
    };
    let date = header("x-amz-date");
    let seconds = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).expect("a time");
    let seconds = seconds.to_zoned(jiff::tz::TimeZone::UTC).expect("a time").timestamp().as_second();
    let headers = [("host", header("host")), ("content-type", header("content-type"))];
    let request = Request {
        method: b"POST",
        path: b"/",
        query: None,
        headers: headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())),
        body_hash: hash(body.as_bytes()),
    };
    let scope = Scope { date: &date[..8], region: "eu-west-1", service: "sts" };
    let key = SigningKey::derive(keys.secret_key.reveal(), scope);
    let session_token = keys.session_token.as_ref().map(Secret::reveal);
    let signer = Signer { access_key: &keys.access_key, key: &key, session_token, region: "eu-west-1", service: "sts" };
    let signed = sign(&request, &signer, seconds);
    assert_eq!(signed.last().map(|(_, value)| value.as_str()), Some(header("authorization")));
}

#[test]
fn who_says_nothing_is_not_waited_for() {
    let server = Server::start();
    let url = server.url("/silent");
    let client = Client::hasty(Duration::from_millis(200), variables(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url)]));
    let began = Instant::now();
    told(shown(client.keys(&CredentialSource::Chain, &server.terms(), None)), "timeout");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn where_the_token_service_is() {
    let url = |region: &str, sts: Option<LambdaEndpoint>| {
        let terms = Terms { region: region.into(), sts, default: CredentialSource::Chain };
        let client = client(&[]);
        Attempt { client: &client, terms: &terms, until: Instant::now() }.service().url
    };
    assert_eq!(url("eu-west-1", None), "https://sts.eu-west-1.amazonaws.com/");
    assert_eq!(url("cn-north-1", None), "https://sts.cn-north-1.amazonaws.com.cn/");
    let at = |https, port| Some(LambdaEndpoint { https, host: "sts.local".into(), port });
    assert_eq!(url("eu-west-1", at(true, 443)), "https://sts.local/");
    assert_eq!(url("eu-west-1", at(true, 80)), "https://sts.local:80/");
    assert_eq!(url("eu-west-1", at(false, 80)), "http://sts.local/");
}

#[test]
fn what_settings_say_of_roles() {
    use std::num::NonZeroUsize;
    let terms = |text: &str| {
        let text = format!("region = 'eu-west-1'\n{text}\n[[apis]]\nfile = 'x'");
        let raw = crate::settings::file::read(Path::new("/etc/weir.toml"), &text).expect("toml");
        Terms::of(&raw.check(NonZeroUsize::MIN).expect("good"))
    };
    let plain = terms("");
    assert_eq!((plain.region.as_str(), &plain.sts, plain.base()), ("eu-west-1", &None, CredentialSource::Chain));
    let port = |terms: Terms| terms.sts.map(|endpoint| endpoint.port);
    assert_eq!(port(terms("[aws]\nendpoint = 'http://a:1'")), Some(1));
    assert_eq!(port(terms("[aws]\nendpoint = 'http://a:1'\nendpoints = { sts = 'http://a:2' }")), Some(2));
    let default = terms("[[aws.credentials]]\nrole = 'default'\nprofile = 'p'");
    assert_eq!(default.base(), CredentialSource::Profile("p".into()));
    let assumed = terms(&format!("[[aws.credentials]]\nrole = 'default'\nassume-role = '{ROLE}'"));
    assert_eq!(
        (assumed.default.clone(), assumed.base()),
        (CredentialSource::Assume(ROLE.into()), CredentialSource::Chain)
    );
}
