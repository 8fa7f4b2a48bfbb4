#![cfg(test)]

use super::compile::compile;
use super::*;
use crate::model;
use crate::model::problem::{Located, Place, Problem};
use crate::model::rest_api::RestApi;
use crate::wire::h1::head;
use crate::wire::h1::request::HeadLimits;

fn cors(origins: &[&str], change: impl FnOnce(&mut model::cors::Cors)) -> (Option<Cors>, Vec<Problem>) {
    let origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
    let mut cors = model::cors::Cors { origins, methods: vec!["PUT".to_owned()], ..Default::default() };
    change(&mut cors);
    let api = RestApi { cors: Some(Located::new(cors, Place::default())), ..RestApi::default() };
    let mut problems = Vec::new();
    (compile(&api, &mut problems), problems)
}

fn full(cors: &mut model::cors::Cors) {
    let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
    cors.headers = list(&["content-type", "x-a"]);
    cors.expose_headers = list(&["x-b"]);
    cors.max_age = Some(600);
    cors.credentials = true;
}

/// What becomes of a head, with `|` for the ends of lines.
#[track_caller]
fn check(cors: &Cors, request: &str, head: &str, expected: &str) {
    let text = format!("{} / HTTP/1.1|Host: h|{}|", request.split('|').next().unwrap_or_default(), {
        let lines = request.split_once('|').map_or("", |(_, lines)| lines);
        if lines.is_empty() { String::new() } else { format!("{lines}|") }
    });
    let mut request = Request { bytes: Buffer::head(), ..Request::default() };
    request.bytes.push(text.replace('|', "\r\n").as_bytes());
    let length = head::end(&request.bytes, 0).expect("a whole head");
    let limits = HeadLimits { header_bytes_max: 10_240, url_bytes_max: 10_240 };
    request.head.parse(&request.bytes, length, limits).expect("a sound head");
    request.verb = crate::edge::exchange::Verb::of(request.method_text());
    let mut found = Buffer::head();
    found.push(head.replace('|', "\r\n").as_bytes());
    cors.put_into(&mut found, &request);
    assert_eq!(String::from_utf8_lossy(&found).replace("\r\n", "|"), expected, "{text}");
}

const PREFLIGHT: &str = "OPTIONS|Origin: https://a.example|Access-Control-Request-Method: PUT";

#[test]
fn any_origin_gets_a_star() {
    let (any, problems) = cors(&["*"], |_| {});
    let any = any.expect("CORS");
    assert_eq!(problems, []);
    check(&any, "GET", "200|A: b|", "200|A: b|Access-Control-Allow-Origin: *|");
    check(&any, "GET|Origin: null", "200|", "200|Access-Control-Allow-Origin: *|");
    let answer = "204|Access-Control-Allow-Origin: *|Access-Control-Allow-Methods: PUT|";
    check(&any, PREFLIGHT, "204|", answer);
    check(&any, "OPTIONS|Origin: https://a.example", "204|", "204|Access-Control-Allow-Origin: *|");
}

#[test]
fn listed_origins_are_echoed_and_vary() {
    let (some, problems) = cors(&["https://a.example", "https://*.b.example"], full);
    let some = some.expect("CORS");
    assert_eq!(problems, []);
    let told = "Access-Control-Allow-Credentials: true|Access-Control-Expose-Headers: x-b|";
    let of = |origin: &str| format!("200|Vary: Origin|Access-Control-Allow-Origin: {origin}|{told}");
    check(&some, "GET|Origin: https://a.example", "200|", &of("https://a.example"));
    check(&some, "GET|origin: https://x.b.example", "200|", &of("https://x.b.example"));
    check(&some, "GET|Origin: https://evil.example", "200|", "200|Vary: Origin|");
    check(&some, "GET|Origin: https://a.example|Origin: https://a.example", "200|", "200|Vary: Origin|");
    check(&some, "GET", "200|", "200|Vary: Origin|");
    let more =
        "Access-Control-Allow-Methods: PUT|Access-Control-Allow-Headers: content-type,x-a|Access-Control-Max-Age: 600|";
    check(&some, PREFLIGHT, "200|", &format!("{}{more}", of("https://a.example")));
    check(&some, &PREFLIGHT.replace("a.example", "c.example"), "204|", "204|Vary: Origin|");
}

#[test]
fn the_backend_s_own_lines_give_way() {
    let (some, _) = cors(&["https://a.example"], |_| {});
    let some = some.expect("CORS");
    let backend = "200|access-control-allow-origin: *|Access-Control-Allow-Credentials : true|Vary: Accept|\
                   Access-Control-Expose-Headers: x|Access-Control-Allow-Methods: GET|Access-Control-Max-Age: 1|";
    let kept = "200|Vary: Accept|Access-Control-Expose-Headers: x|Access-Control-Allow-Methods: GET|Access-Control-Max-Age: 1|";
    check(&some, "GET|Origin: https://b.example", backend, &format!("{kept}Vary: Origin|"));
    let own = "Vary: Origin|Access-Control-Allow-Origin: https://a.example|";
    check(&some, "GET|Origin: https://a.example", backend, &format!("{kept}{own}"));
    let kept = "200|Vary: Accept|Access-Control-Expose-Headers: x|Access-Control-Max-Age: 1|";
    check(&some, PREFLIGHT, backend, &format!("{kept}{own}Access-Control-Allow-Methods: PUT|"));
}

#[track_caller]
fn check_refused(origin: &str, change: impl FnOnce(&mut model::cors::Cors), code: &str) {
    let codes: Vec<_> = cors(&[origin], change).1.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, [code]);
}

#[test]
fn rows_that_no_reader_has_seen_are_refused() {
    check_refused("*", |cors| cors.credentials = true, "cors::credentials");
    check_refused("a", |_| {}, "cors::origin");
    check_refused("*", |cors| cors.headers = vec!["a\r\nb".to_owned()], "cors::name");
}
