//! What does it cost to form the invocation of a Lambda function from a request with 1 KB of JSON, and to sign it?
//!
//! The aim is 10 µs for both. On a running gateway (`loadtests/compare --rows lambda`) both, and unpacking the answer, take
//! 7.5 µs more than proxying the same 2.1 KB.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use weir::edge::upstream::credential::{Credential, Keys};
use weir::edge::upstream::places::{Signed, SignedBy};
use weir::edge::upstream::signing::Signing;
use weir::settings::raw::Key;
use weir::settings::{CredentialSource, Secret};

mod support;
use support::InMemory;

const DEFINITION: &str = r#"openapi: 3.0.1
info: {title: bench, version: "1"}
paths:
  /orders/{id}:
    post:
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {"200": {description: ok}}
      x-amazon-apigateway-integration:
        type: aws_proxy
        httpMethod: POST
        uri: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:orders/invocations
"#;

fn invocations(criterion: &mut Criterion) {
    let mut gateway = InMemory::of(DEFINITION, &[(Key::LambdaEndpoint, "http://127.0.0.1:9")]);
    let text = format!(r#"{{"id": 7, "customer": "Ann \"the cat\" Lee", "note": "{}"}}"#, "x".repeat(960));
    let head = format!(
        "POST /orders/7?page=2&sort=name HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: curl/8\r\nAccept: */*\r\n\
         Content-Type: application/json\r\nX-Request-Source: web\r\nContent-Length: {}\r\n\r\n",
        text.len()
    );
    gateway.take_in(head.as_bytes());
    let matched = gateway.route();
    let credential = Arc::new(Credential::new("bench"));
    credential.set(Some(Keys {
        access_key: "AKIDEXAMPLE".to_owned(),
        secret_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        session_token: None,
        expires: None,
    }));
    let by = SignedBy::Keys(CredentialSource::Chain);
    let signed = Signed { by, region: "us-east-1".to_owned(), service: "lambda".to_owned() };
    let signing = Signing::new(&signed, &mut |_| Arc::clone(&credential));
    let body = text.as_bytes();
    criterion.bench_function("invocation/event of 1 KB", |bencher| {
        bencher.iter(|| gateway.invocation(black_box(&matched.values), black_box(body)))
    });
    criterion.bench_function("invocation/event of 1 KB, signed", |bencher| {
        bencher.iter(|| {
            let (mut head, event) = gateway.invocation(black_box(&matched.values), black_box(body));
            signing.sign(&mut head, &event, || None, 1_795_764_608).expect("there are keys");
            (head, event)
        })
    });
}

criterion_group! { name = benches; config = support::criterion(); targets = invocations }
criterion_main!(benches);
