//! The process: its end, its reloads, its log, its metrics, and what keeps it from starting (rest/14).

mod support;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use support::backend::eventually;
use support::client::request_bytes;
use support::gateway::{Folder, run_to_end};
use support::{Backend, Client, Definition, Gateway, PATIENCE, definition};

const ROWS: &str = "GET /pets/{id} -> http_proxy /bytes/{id}
                    GET /status/{s} -> http_proxy /status/{s}
                    GET /delay/{ms} -> http_proxy /delay/{ms}
                    GET /ok -> mock 200";

fn start(args: &[&str]) -> (Backend, Gateway) {
    let backend = Backend::start();
    let gateway = Gateway::start(&definition(backend.addr, ROWS), args);
    (backend, gateway)
}

fn mock(rows: &str) -> Definition {
    definition("127.0.0.1:9".parse().unwrap(), rows)
}

#[test]
fn sigterm_finishes_what_is_under_way() {
    let (backend, gateway) = start(&[]);
    let (mut resting, fresh, mut busy) = (gateway.client(), gateway.client(), gateway.client());
    assert_eq!(resting.get("/ok").status, 200);
    busy.send(request_bytes("GET", "/delay/800", &[], b""));
    eventually("the request at the backend", || backend.requests() == 1);
    gateway.signal("TERM");
    let mut admin = gateway.admin_client();
    eventually("not ready", || admin.get("/readyz").status == 503);
    assert_eq!(admin.get("/readyz").text(), "draining\n");
    assert_eq!((admin.get("/healthz").status, admin.get("/healthz").text()), (200, "ok\n".to_owned()));
    eventually("nobody listens", || TcpStream::connect_timeout(&gateway.addr, PATIENCE).is_err());
    // What rests is closed without a word, also where nothing was ever asked.
    assert_eq!(resting.read_to_end(), b"");
    let answer = busy.read_response().expect(200, "late");
    assert_eq!(answer.header("Connection"), Some("close"));
    assert!(busy.closed_within(PATIENCE));
    drop(admin);
    fresh.finish_sending();
    assert_eq!(gateway.terminate().code(), Some(0));
}

#[test]
fn a_request_that_crosses_the_drain_is_answered_and_told_to_close() {
    let (_backend, gateway) = start(&[]);
    let mut client = gateway.client();
    assert_eq!(client.get("/ok").header("Connection"), Some("keep-alive"));
    gateway.signal("TERM");
    let mut admin = gateway.admin_client();
    eventually("not ready", || admin.get("/readyz").status == 503);
    client.send(request_bytes("GET", "/ok", &[], b""));
    if let Ok(answer) = client.try_read_response() {
        assert_eq!((answer.status, answer.header("Connection")), (200, Some("close")));
    }
    drop(admin);
    assert_eq!(gateway.terminate().code(), Some(0));
}

#[test]
fn the_drain_has_an_end_and_a_second_signal_ends_it_at_once() {
    let began = Instant::now();
    let (backend, mut gateway) = start(&["--drain-timeout", "100ms"]);
    gateway.client().send(request_bytes("GET", "/ok", &[], b""));
    let mut busy = gateway.client();
    busy.send(request_bytes("GET", "/delay/20000", &[], b""));
    eventually("the request at the backend", || backend.requests() == 1);
    gateway.signal("TERM");
    assert_eq!(gateway.wait(Duration::from_secs(5)).and_then(|status| status.code()), Some(0));

    let (backend, mut gateway) = start(&[]);
    let mut busy = gateway.client();
    busy.send(request_bytes("GET", "/delay/20000", &[], b""));
    eventually("the request at the backend", || backend.requests() == 1);
    gateway.signal("INT");
    let mut admin = gateway.admin_client();
    eventually("not ready", || admin.get("/readyz").status == 503);
    gateway.signal("TERM");
    assert_eq!(gateway.wait(Duration::from_secs(5)).and_then(|status| status.code()), Some(0));
    gateway.said("told twice to stop");
    assert!(began.elapsed() < Duration::from_secs(12), "nobody waited for the backend");
}

#[test]
fn a_reload_takes_effect_on_connections_that_stand() {
    for (flag, signal) in [("--no-watch", true), ("--lenient", false)] {
        let gateway = Gateway::start(&mock("GET /old -> mock 200"), &[flag]);
        let mut client = gateway.client();
        assert_eq!((client.get("/old").status, client.get("/new").status), (200, 403));
        fs::write(&gateway.file, mock("GET /new -> mock 200").0).unwrap();
        if signal {
            gateway.signal("HUP");
        }
        gateway.said("reloaded: revision 2, 1 APIs, 1 methods");
        eventually("the new route on this core", || client.get("/new").status == 200);
        assert_eq!(client.get("/old").status, 403);
    }
}

#[test]
fn a_bad_file_changes_nothing_and_says_where() {
    let gateway = Gateway::start(&mock("GET /old -> mock 200"), &["--no-watch"]);
    let mut client = gateway.client();
    let good = fs::read_to_string(&gateway.file).unwrap();
    for (text, place) in [
        (good.replace("type: mock", "type: mokk"), "api.yaml:8:"),
        (good.clone() + "  : : [\n", "api.yaml:1"),
        (String::new(), "api.yaml"),
    ] {
        let before = gateway.stderr().matches("not reloaded").count();
        fs::write(&gateway.file, text).unwrap();
        gateway.signal("HUP");
        eventually("it says so", || gateway.stderr().matches("not reloaded").count() == before + 1);
        gateway.said(place);
        assert_eq!(client.get("/old").status, 200);
    }
    fs::remove_file(&gateway.file).unwrap();
    gateway.signal("HUP");
    gateway.said("there is no file");
    assert_eq!(client.get("/old").status, 200);
    fs::write(&gateway.file, good.replace("/old", "/new")).unwrap();
    gateway.signal("HUP");
    gateway.said("revision 2");
    eventually("the new route", || client.get("/new").status == 200);
}

#[test]
fn slow_fifty_reloads_under_load_fail_no_request() {
    let (backend, gateway) = start(&["--no-watch"]);
    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let addr = gateway.addr;
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let (stop, asked) = (Arc::clone(&stop), Arc::clone(&asked));
            thread::spawn(move || {
                let mut client = Client::connect(addr);
                while !stop.load(SeqCst) {
                    client.get("/pets/3").expect(200, "abc");
                    assert_eq!(client.get("/ok").status, 200);
                    if asked.fetch_add(2, SeqCst) % 50 < 2 {
                        client = Client::connect(addr);
                    }
                }
                thread
            })
        })
        .collect();
    for round in 2..52 {
        // Each time another definition: /ok and /pets/{id} are in all of them.
        let rows = format!("{ROWS}\n GET /round{round} -> mock 200");
        fs::write(&gateway.file, definition(backend.addr, &rows).0).unwrap();
        gateway.signal("HUP");
        gateway.said(&format!("revision {round},"));
    }
    stop.store(true, SeqCst);
    for thread in threads {
        thread.join().expect("no failed request");
    }
    assert_eq!(gateway.client().get("/round51").status, 200);
    assert!(asked.load(SeqCst) > 100, "{asked:?}");
    assert_eq!(gateway.metric("weir_5xx_error", ""), 0.0);
}

/// `21/Nov/2026:10:41:04 +0000`
fn is_request_time(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let month = shape.get(3..6).unwrap_or_default().to_owned();
    shape.replace(&month, "Mon") == "00/Mon/0000:00:00:00 +0000"
}

#[test]
fn access_log_lines_are_shaped_as_aws_s() {
    let folder = Folder::new();
    let log = folder.0.join("access.log");
    let path = log.display().to_string();
    let lines = |count: usize| {
        eventually("the lines", || fs::read_to_string(&log).is_ok_and(|text| text.lines().count() == count));
        fs::read_to_string(&log).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let (_backend, gateway) = start(&["--access-log", &path]);
    let mut client = gateway.client();
    let answer = client.get("/pets/7?x=\"");
    assert_eq!(answer.status, 400, "a quote is no part of a query");
    let mut client = gateway.client();
    let answers = [client.get("/pets/7"), client.get("/none"), client.get("/status/503")];
    let found = lines(4);
    for (answer, (resource, length)) in answers.iter().zip([("/pets/{id}", 7), ("-", 42), ("/status/{s}", 0)]) {
        // Cores hand their lines over by themselves: each answer's line is found by its id.
        let id = answer.header("x-amzn-RequestId").unwrap_or_default();
        let line = found.iter().find(|line| line.contains(id)).expect("a line for the answer");
        let time = line.split("\"requestTime\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        assert!(is_request_time(time), "{line}");
        let expected = format!(
            "{{ \"requestId\":\"{}\", \"extendedRequestId\":\"{}\", \"ip\": \"127.0.0.1\", \"caller\":\"-\", \"user\":\"-\", \"requestTime\":\"{time}\", \"httpMethod\":\"GET\", \"resourcePath\":\"{resource}\", \"status\":\"{}\", \"protocol\":\"HTTP/1.1\", \"responseLength\":\"{length}\" }}",
            answer.header("x-amzn-RequestId").unwrap_or_default(),
            answer.header("x-amz-apigw-id").unwrap_or_default(),
            answer.status,
        );
        assert_eq!(*line, expected);
        serde_json::from_str::<serde_json::Value>(line).expect("JSON");
    }
    assert_eq!(gateway.terminate().code(), Some(0));

    fs::remove_file(&log).unwrap();
    let (_backend, gateway) = start(&["--access-log", &path, "--access-log-format", "clf"]);
    let answer = gateway.client().get("/pets/7");
    let line = lines(1).remove(0);
    let time = line.split(['[', ']']).nth(1).unwrap_or_default();
    assert!(is_request_time(time), "{line}");
    let id = |name: &str| answer.header(name).unwrap_or_default().to_owned();
    let expected = format!(
        "127.0.0.1 - - [{time}]\"GET /pets/{{id}} HTTP/1.1\" 200 7 {} {}",
        id("x-amzn-RequestId"),
        id("x-amz-apigw-id")
    );
    assert_eq!(line, expected);
    drop(gateway);

    // A format of one's own; what a client sends cannot write fields of its own into JSON.
    fs::remove_file(&log).unwrap();
    let format = r#"{"id":"$context.requestId","agent":"$context.identity.userAgent","path":"$context.path","integration":"$context.integrationStatus","error":$context.error.messageString,"type":"$context.error.responseType"}"#;
    let (_backend, gateway) = start(&["--access-log", &path, "--access-log-format", format]);
    let answer = gateway.client().request("GET", "/none", &[("User-Agent", "a\",\"path\":\"forged\\")], b"");
    let value: serde_json::Value = serde_json::from_str(&lines(1)[0]).expect("JSON");
    let expected = serde_json::json!({"id": answer.header("x-amzn-RequestId"), "agent": "a\",\"path\":\"forged\\", "path": "/none", "integration": "-",
        "error": "Missing Authentication Token", "type": "MISSING_AUTHENTICATION_TOKEN"});
    assert_eq!(value, expected);
}

#[test]
fn a_rotated_log_is_opened_anew() {
    let folder = Folder::new();
    let (log, old) = (folder.0.join("access.log"), folder.0.join("access.log.1"));
    let (_backend, gateway) =
        start(&["--access-log", &log.display().to_string(), "--access-log-format", "$context.requestId $context.path"]);
    let mut client = gateway.client();
    client.get("/pets/1");
    eventually("the first line", || {
        fs::read_to_string(&log).is_ok_and(|text| text.ends_with(" /pets/1\n") && text.len() == 45)
    });
    fs::rename(&log, &old).unwrap();
    gateway.signal("HUP");
    gateway.said("revision 2");
    client.get("/pets/2");
    eventually("the second line", || {
        fs::read_to_string(&log).is_ok_and(|text| text.ends_with(" /pets/2\n") && text.len() == 45)
    });
    assert!(fs::read_to_string(&old).unwrap().ends_with(" /pets/1\n"));
    // The last lines are there when the process has ended.
    client.get("/pets/3");
    assert_eq!(gateway.terminate().code(), Some(0));
    let text = fs::read_to_string(&log).unwrap();
    let paths: Vec<&str> = text.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(paths, ["/pets/2", "/pets/3"]);
}

#[test]
fn a_full_disk_loses_lines_and_no_requests() {
    let (_backend, gateway) = start(&["--access-log", "/dev/full"]);
    let mut client = gateway.client();
    for _ in 0..100 {
        client.get("/pets/3").expect(200, "abc");
    }
    eventually("all are counted as lost", || gateway.metric("weir_access_log_lines_dropped", "") == 100.0);
    gateway.said("No space left");
    client.get("/pets/3").expect(200, "abc");
}

#[test]
fn metrics_of_each_method() {
    let (_backend, gateway) = start(&["--stage", "beta"]);
    let mut client = gateway.client();
    for path in ["/pets/1", "/pets/2", "/status/404", "/status/500", "/status/503", "/ok", "/none", "/delay/60"] {
        client.get(path);
    }
    let of =
        |name: &str, resource: &str| gateway.metric(name, &format!("stage=\"beta\",resource=\"{resource}\",method="));
    for (resource, count, client_errors, server_errors, integrations) in [
        ("/pets/{id}", 2.0, 0.0, 0.0, 2.0),
        ("/status/{s}", 3.0, 1.0, 2.0, 3.0),
        ("/ok", 1.0, 0.0, 0.0, 0.0),
        ("/delay/{ms}", 1.0, 0.0, 0.0, 1.0),
        ("", 1.0, 1.0, 0.0, 0.0),
    ] {
        let found = (of("weir_count", resource), of("weir_4xx_error", resource), of("weir_5xx_error", resource));
        assert_eq!(found, (count, client_errors, server_errors), "{resource}");
        assert_eq!(of("weir_latency_seconds_count", resource), count, "{resource}");
        assert_eq!(of("weir_integration_latency_seconds_count", resource), integrations, "{resource}");
    }
    let below =
        |le: &str| gateway.metric("weir_latency_seconds_bucket", &format!("le=\"{le}\",api=\"{}\"", api(&gateway)));
    assert_eq!(below("30.0") - below("0.05"), 1.0, "the one that took 60 ms");
    assert!(of("weir_latency_seconds_sum", "/delay/{ms}") >= 0.06);
    let text = gateway.admin_client().get("/metrics");
    assert_eq!(text.header("Content-Type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    assert!(text.text().ends_with("# EOF\n"));
    let mut admin = gateway.admin_client();
    assert_eq!((admin.get("/readyz").text(), admin.get("/healthz").text()), ("ok\n".to_owned(), "ok\n".to_owned()));
    assert_eq!(admin.get("/elsewhere").status, 404);
}

/// The value of the first `api` label.
fn api(gateway: &Gateway) -> String {
    let text = gateway.admin_client().get("/metrics").text();
    text.split("api=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned()
}

#[test]
fn methods_beyond_the_cap_are_counted_together() {
    let gateway = Gateway::start(
        &mock("GET /a -> mock 200\n GET /b -> mock 200\n GET /c -> mock 200"),
        &["--metrics-series-max", "1"],
    );
    let mut client = gateway.client();
    for path in ["/a", "/b", "/c"] {
        assert_eq!(client.get(path).status, 200);
    }
    // A request is counted when its answer has been sent: the client may ask before that.
    eventually("the counts", || gateway.metric("weir_count", "") == 3.0);
    assert!(gateway.metric("weir_count", "api=\"other\",stage=\"\"") >= 2.0);
}

/// Runs to the end that the process finds by itself, and compares exit code and what it said.
#[track_caller]
fn does_not_start(args: &[&str], code: i32, sentence: &str) {
    let (found, out, err) = run_to_end(args);
    assert_eq!((found, out.as_str()), (code, ""), "{err}");
    assert!(err.contains(sentence), "{sentence:?} is not in:\n{err}");
    assert!(!err.contains("panicked"), "{err}");
}

#[test]
fn what_keeps_it_from_starting_is_one_sentence() {
    let folder = Folder::new();
    let good = folder.write("good.yaml", &mock("GET /ok -> mock 200").0).display().to_string();
    let bad = folder.write("bad.yaml", &mock("GET /ok -> mock 200").0.replace("mock", "mokk")).display().to_string();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let free = "127.0.0.1:0";
    let in_use = format!("{taken} is in use by another program");
    does_not_start(&["run", &good, "--listen", &taken, "--admin", "off"], 1, &in_use);
    does_not_start(&["run", &good, "--listen", free, "--admin", &taken], 1, &in_use);
    does_not_start(&["run", "/none.yaml", "--listen", free, "--admin", "off"], 1, "there is no file `/none.yaml`");
    does_not_start(&["run", "/tmp", "--listen", free, "--admin", "off"], 1, "`/tmp` is a folder");
    does_not_start(&["run", &bad, "--listen", free, "--admin", "off"], 1, "`mokk` is no integration type");
    does_not_start(&["run", &bad, "--listen", free, "--admin", "off"], 1, "bad.yaml:8:");
    let log = ["run", &good, "--listen", free, "--admin", "off", "--access-log", "/none/x.log"];
    does_not_start(&log, 1, "the access log `/none/x.log` cannot be opened: No such file or directory");
    does_not_start(
        &["run", &good, "--listen", "192.0.2.1:0", "--admin", "off"],
        1,
        "192.0.2.1:0 is no address of this machine",
    );
    does_not_start(&["run", &good, "--listen", "nonsense"], 2, "--listen is `nonsense`");
    does_not_start(&["run", &good, "--head-timeout", "soon"], 2, "--head-timeout is `soon`");
    does_not_start(&["run", &good, "--nope"], 2, "unexpected argument '--nope'");
    does_not_start(&["run"], 2, "no API is given");
}

const LAMBDA: &str = "        type: aws_proxy\n        httpMethod: POST\n        uri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:f/invocations\n";

#[test]
fn what_weir_cannot_do_is_refused_or_answers_501_just_there() {
    let text = mock("GET /ok -> mock 200\n GET /lambda -> mock 201").0;
    let at = text.find("  \"/lambda\"").unwrap();
    let end = at + text[at..].find("        type: mock\n").unwrap();
    let behind = text[end..].find("  \"/ok\"").map_or(text.len(), |next| end + next);
    let definition = Definition([&text[..end], LAMBDA, &text[behind..]].concat());
    let folder = Folder::new();
    let file = folder.write("api.yaml", &definition.0).display().to_string();

    let refused = "nothing here says where the function `f` lives";
    does_not_start(&["run", &file, "--listen", "127.0.0.1:0", "--admin", "off"], 1, refused);
    let (code, out, err) = run_to_end(&["check", &file]);
    assert!(
        code == 1 && err.contains(refused) && err.contains("api.yaml:10:") && out.contains("AWS_PROXY"),
        "{out}{err}"
    );
    let (code, out, err) = run_to_end(&["check", "--lenient", &file]);
    assert_eq!(code, 0, "{err}");
    let rows: Vec<Vec<&str>> = out.lines().skip(3).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        (rows.len(), &rows[0][..4], &rows[1][..4]),
        (2, &["GET", "/lambda", "open", "501"][..], &["GET", "/ok", "open", "MOCK"][..])
    );

    let gateway = Gateway::start(&definition, &["--lenient"]);
    let mut client = gateway.client();
    assert_eq!(client.get("/ok").status, 200);
    let response = client.get("/lambda");
    assert_eq!(response.header("x-amzn-ErrorType"), Some("NotImplementedException"));
    response.expect(501, r#"{"message":"Not Implemented"}"#);
    assert_eq!(client.get("/ok").status, 200);
}

#[test]
fn check_tells_people_and_machines() {
    let folder = Folder::new();
    let text = definition("127.0.0.1:9".parse().unwrap(), "GET /ok -> mock 200\n ANY /p -> http_proxy /q").0;
    let good = folder.write("api.yaml", &text).display().to_string();
    let (code, out, err) = run_to_end(&["check", &good]);
    assert_eq!((code, err.as_str()), (0, ""));
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("test (api id ") && lines[0].contains(") answers below / and as "), "{out}");
    assert_eq!(lines[1..3], ["", "METHOD  PATH CALLERS INTEGRATION                         request  response bodies"]);
    assert_eq!(
        lines[3],
        "GET     /ok  open    MOCK                                dropped  constant MOCK asks no backend"
    );
    assert_eq!(
        lines[4],
        "ANY     /p   open    HTTP_PROXY ANY http://127.0.0.1:9/q streamed streamed nothing looks into the bodies"
    );

    let bad = folder.write("bad.yaml", &text.replace("type: mock", "type: mokk")).display().to_string();
    let (code, out, err) = run_to_end(&["check", "--json", &bad]);
    assert_eq!((code, err.as_str()), (1, ""));
    let told: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let problem = &told["problems"][0];
    assert_eq!(
        (problem["severity"].as_str(), problem["line"].as_u64(), problem["column"].as_u64()),
        (Some("error"), Some(8), Some(15))
    );
    assert_eq!(problem["found"].as_str(), Some("`mokk` is no integration type"));
    assert_eq!(
        (problem["file"].as_str(), problem["help"].as_str()),
        (Some(bad.as_str()), Some("Did you mean `mock`?"))
    );
    assert_eq!(run_to_end(&["check", "/none.yaml"]).0, 1);
}

#[test]
fn export_writes_what_can_be_run_again() {
    let folder = Folder::new();
    let text = definition("127.0.0.1:9".parse().unwrap(), "GET /ok -> mock 200\n ANY /p -> http_proxy /q").0;
    let file = folder.write("api.yaml", &text).display().to_string();
    for form in [&["--swagger", "--json"][..], &["--oas30", "--yaml"], &[]] {
        let (code, out, err) = run_to_end(&[&["export", &file], form].concat());
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        let again = folder.write("again.yaml", &out).display().to_string();
        let (code, out, err) = run_to_end(&["check", &again]);
        assert_eq!((code, err.as_str()), (0, ""));
        assert!(out.contains("/ok") && out.contains("HTTP_PROXY ANY http://127.0.0.1:9/q"), "{out}");
    }
    let (code, out, _) = run_to_end(&["export", "--extensions", "none", &file]);
    assert!(code == 0 && !out.contains("x-amazon-apigateway-integration"), "{out}");
    let (code, out, err) = run_to_end(&["export", "--extensions", "all", &file]);
    assert!(code == 1 && out.is_empty() && err.contains("`all` is no list of extensions"), "{err}");
    let bad = folder.write("bad.yaml", &text.replace("type: mock", "type: mokk")).display().to_string();
    let (code, out, err) = run_to_end(&["export", &bad]);
    assert!(code == 1 && out.is_empty() && err.contains("bad.yaml:8:"), "{err}");
    assert_eq!(run_to_end(&["export", "/none.yaml"]).0, 1);
}

#[test]
fn connections_beyond_the_cap_are_shed() {
    let (_backend, gateway) = start(&["--connections-max", "5"]);
    let mut clients: Vec<Client> = (0..5).map(|_| gateway.client()).collect();
    for client in &mut clients {
        assert_eq!(client.get("/ok").status, 200);
    }
    for _ in 0..3 {
        assert_eq!(gateway.client().read_to_end(), b"");
    }
    assert_eq!(gateway.metric("weir_connections_shed", ""), 3.0);
    for client in &mut clients {
        assert_eq!(client.get("/ok").status, 200);
    }
    drop(clients.pop());
    eventually("room for one", || gateway.client().try_get_ok());
}

#[test]
fn resting_connections_make_room() {
    let (_backend, gateway) = start(&["--connections-max", "20", "--workers", "1"]);
    let mut clients: Vec<Client> = (0..20).map(|_| gateway.client()).collect();
    for client in &mut clients {
        assert_eq!(client.get("/ok").status, 200);
    }
    eventually("somebody new gets in", || gateway.client().try_get_ok());
}

trait TryGet {
    /// Whether `/ok` is answered 200, and the connection not just closed.
    fn try_get_ok(&mut self) -> bool;
}

impl TryGet for Client {
    fn try_get_ok(&mut self) -> bool {
        self.try_send(&request_bytes("GET", "/ok", &[], b"")).is_ok()
            && self.try_read_response().is_ok_and(|response| response.status == 200)
    }
}

#[test]
fn silent_connections_hold_nobody_up() {
    let most = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit { current: most.maximum, maximum: most.maximum };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).unwrap();
    let (_backend, gateway) = start(&["--head-timeout", "60s"]);
    let silent: Vec<TcpStream> =
        (0..2_000).map(|_| TcpStream::connect_timeout(&gateway.addr, PATIENCE).unwrap()).collect();
    eventually("all are accepted", || gateway.metric("weir_connections_open", "") >= 2_000.0);
    let mut client = gateway.client();
    for _ in 0..50 {
        client.get("/pets/3").expect(200, "abc");
        assert_eq!(gateway.client().get("/ok").status, 200);
    }
    let bytes = gateway.metric("process_resident_memory_bytes", "");
    assert!(bytes < 80e6, "{bytes} bytes for {} silent connections", silent.len());
    drop(silent);
    eventually("all are gone", || gateway.metric("weir_connections_open", "") <= 1.0);
}

#[test]
fn several_listeners() {
    let (_backend, gateway) = start(&["--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"]);
    assert_eq!(gateway.addrs.len(), 2);
    for addr in &gateway.addrs {
        assert_eq!(Client::connect(*addr).get("/ok").status, 200);
    }
    if let Ok(wanted) = std::env::var("WEIR_TEST_DRIVER") {
        assert_eq!(gateway.driver(), wanted);
    }
}

#[test]
fn serve_starts_without_an_api_and_answers_403() {
    let gateway = Gateway::serve(&[]);
    assert_eq!(gateway.admin_client().get("/readyz").status, 200);
    let mut client = gateway.client();
    for path in ["/", "/pets/1"] {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.text().as_str()), (403, "{\"message\":\"Forbidden\"}"), "{path}");
    }
    gateway.signal("HUP");
    gateway.said("reloaded: revision 2, 0 stages of");
    assert_eq!(gateway.terminate().code(), Some(0));
}

#[test]
fn serve_says_what_it_misses_and_shows_no_secret() {
    does_not_start(&["serve"], 2, "no data folder is given");
    does_not_start(
        &["serve", "--data", "d", "--admin", ":0", "--admin-allow-remote"],
        2,
        "Others could change every API",
    );
    does_not_start(&["run", "--data", "d", "x.yaml"], 2, "unexpected argument '--data'");
    let folder = Folder::new();
    for (rest, sentence) in [
        ("", "the access key `A` may do nothing"),
        ("session-token = 'hush'\nacces-key = 'x'", "Did you mean `access-key`?"),
        ("x = = 1", "weir.toml is not TOML here"),
    ] {
        let text = format!("[admin]\n[[admin.credentials]]\naccess-key = 'A'\nsecret-key = 'hush'\n{rest}\n");
        let config = folder.write("weir.toml", &text).display().to_string();
        does_not_start(&["serve", "--data", "d", "--config", &config], 2, sentence);
        let (_, _, err) = run_to_end(&["serve", "--data", "d", "--config", &config]);
        assert!(!err.contains("hush"), "{err}");
    }
}
