use super::*;
use crate::edge::exchange::{Context, PathValues, Request, StageFacts};
use crate::edge::fault::Fault;
use crate::edge::request_validator::validate;
use crate::model::problem::Located;
use crate::model::rest_api::{HttpMethod, Model};
use crate::net::buffer::Buffer;
use crate::wire::h1::head;
use crate::wire::h1::request::HeadLimits;
use crate::wire::headers::Span;

fn at<T>(value: T) -> Located<T> {
    Located::new(value, Place::default())
}

fn validator(name: &str, validate_request_body: bool, validate_request_parameters: bool) -> RequestValidator {
    RequestValidator { name: at(name.to_owned()), validate_request_body, validate_request_parameters }
}

fn api() -> RestApi {
    let model = |name: &str, text: &str| Model {
        name: at(name.to_owned()),
        description: None,
        content_type: "application/json".to_owned(),
        schema: ModelSchema::Text(text.to_owned()),
    };
    RestApi {
        request_validators: vec![
            validator("both", true, true),
            validator("v1", true, false),
            validator("idle", false, false),
        ],
        models: vec![
            model("Sum", r#"{"required":["a"],"properties":{"a":{"type":"integer"}}}"#),
            model("Broken", r#"{"type":"text"}"#),
            model("NoJson", "{"),
        ],
        ..RestApi::default()
    }
}

fn method(validator: Option<&str>, required: &[&str], models: &[(&str, &str)]) -> Method {
    Method {
        http_method: HttpMethod::Post,
        operation_name: None,
        request_parameters: required.iter().map(|key| (at(format!("method.request.{key}")), true)).collect(),
        security: Vec::new(),
        auth: None,
        request_validator: validator.map(|name| at(name.to_owned())),
        authorization_scopes: Vec::new(),
        request_models: models.iter().map(|(kind, name)| ((*kind).to_owned(), (*name).to_owned())).collect(),
        method_responses: Vec::new(),
        integration: None,
        place: Place::default(),
    }
}

fn compiled(api: &RestApi, method: &Method) -> Result<Option<Validator>, Vec<Problem>> {
    let resource = Resource { id: String::new(), path: at("/nested/{test}/{all+}".to_owned()), methods: Vec::new() };
    let mut problems = Vec::new();
    let compiled = Compiler::new(api).validator(&resource, method, &mut problems);
    compiled.map_err(|Refused| problems)
}

fn fault(method: &Method, query: &str, lines: &str, body: &str) -> Option<Fault> {
    let validator = compiled(&api(), method).expect("sound");
    let mut request = Request { bytes: Buffer::head(), ..Request::default() };
    request.bytes.push(format!("POST /nested/a/b?{query} HTTP/1.1\r\nHost: a\r\n{lines}\r\n").as_bytes());
    let length = head::end(&request.bytes, 0).expect("a whole head");
    let limits = HeadLimits { header_bytes_max: 10_240, url_bytes_max: 10_240 };
    request.head.parse(&request.bytes, length, limits).expect("a sound head");
    let start = "POST /nested/a/b?".len() as u16;
    request.query = Some(Span { start, end: start + query.len() as u16 });
    let (stage, values) = (StageFacts::default(), PathValues::default());
    let context = Context::new(&request, &stage, None, &values);
    validate(validator.as_ref(), &context, body.as_bytes()).err()
}

/// A method with the validator for both, and what its requests are told: the message, the errors, the log's line.
#[track_caller]
fn check(
    required: &[&str],
    models: &[(&str, &str)],
    request: (&str, &str, &str),
    expected: Option<(&str, Option<&str>, &str)>,
) {
    let (query, lines, body) = request;
    let fault = fault(&method(Some("both"), required, models), query, lines, body);
    let told = fault.as_ref().map(|fault| {
        (&*fault.message, fault.validation_errors.as_deref(), fault.detail.as_deref().unwrap_or_default())
    });
    assert_eq!(told, expected, "{required:?} {models:?} {request:?}");
}

#[test]
fn parameters_that_are_missing_are_told_by_their_full_keys() {
    let all = ["querystring.qs1", "path.issuer", "header.x-header-param", "path.test", "path.all", "header.b"];
    let message = "Missing required request parameters: [b, x-header-param, issuer, qs1]";
    check(&all, &[("application/json", "Sum")], ("", "", "no JSON"), Some((message, None, "")));
    // One that the path does not have is always missing.
    let given = ("qs1=a", "X-Header-Param: a\r\nB: b\r\n", "{}");
    check(&all, &[], given, Some(("Missing required request parameters: [issuer]", None, "")));
    check(&["querystring.qs1", "path.test", "header.b"], &[], given, None);
    check(&["body.a", "cookie.b"], &[], ("", "", "{}"), None);
}

#[test]
fn a_body_is_told_in_the_errors_and_in_the_log() {
    let models = [("application/json", "Sum"), ("$default", "Error"), ("text/plain", "Empty")];
    let body = |lines: &'static str, body: &'static str| ("", lines, body);
    check(&[], &models, body("", r#"{"a":1}"#), None);
    check(
        &[],
        &models,
        body("Content-Type: application/json; charset=utf-8\r\n", "{}"),
        Some((
            "Invalid request body",
            Some(r#"[object has missing required properties (["a"])]"#),
            r#"Request body does not match model schema for content type application/json: [object has missing required properties (["a"])]"#,
        )),
    );
    check(
        &[],
        &models,
        body("", "no JSON"),
        Some((
            "Invalid request body",
            None,
            "Request body does not match model schema for content type application/json: [Unknown error parsing request body]",
        )),
    );
    check(
        &[],
        &models,
        body("Content-Type: a/b\r\n", r#"{"message":1}"#),
        Some((
            "Invalid request body",
            Some(r#"[instance type (integer) does not match any allowed primitive type (allowed: ["string"])]"#),
            r#"Request body does not match model schema for content type a/b: [instance type (integer) does not match any allowed primitive type (allowed: ["string"])]"#,
        )),
    );
    check(&[], &models, body("Content-Type: text/plain\r\n", "{}"), None);
}

#[test]
fn a_method_that_asks_for_nothing_has_no_validator() {
    let api = api();
    for (name, required, whole) in [
        (None, "header.a", false),
        (Some(""), "header.a", false),
        (Some("idle"), "header.a", false),
        (Some("v1"), "header.a", true),
    ] {
        let found = compiled(&api, &method(name, &[required], &[])).expect("sound");
        assert_eq!(found.is_some_and(|validator| validator.needs_body()), whole, "{name:?}");
    }
    let of_document = RestApi { request_validator: Some(at("both".to_owned())), ..api };
    let found = compiled(&of_document, &method(None, &["header.a"], &[])).expect("sound").expect("the document's");
    assert!(found.needs_body() && found.parameters.len() == 1);
    assert!(compiled(&of_document, &method(Some(""), &["header.a"], &[])).expect("sound").is_none());
}

#[test]
fn what_cannot_be_checked_is_refused() {
    let told = |validator: &str, model: &str| {
        let problems =
            compiled(&api(), &method(Some(validator), &[], &[("application/json", model)])).expect_err(model);
        problems
            .into_iter()
            .map(|problem| format!("{}: {}", problem.code, problem.found))
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(told("gone", "Sum"), "method::request-validator: no request validator is named `gone`");
    assert_eq!(told("v1", "None"), "method::request-model: no model is named `None`");
    let types = "`type` is one or several of array, boolean, integer, null, number, object, string, at `/type`";
    assert_eq!(
        told("v1", "Broken"),
        format!("model::schema: the model `Broken` cannot be used to check bodies: {types}")
    );
    assert_eq!(
        told("v1", "NoJson"),
        "model::schema: the model `NoJson` cannot be used to check bodies: a schema is an object"
    );
    let inline = "model::schema: the schema of this method's body cannot be used to check bodies: ";
    assert_eq!(told("v1", r#"{"type":"text"}"#), format!("{inline}{types}"));
}

/// A broken model is told once, and no method is served without it.
#[test]
fn methods_share_their_models() {
    let api = api();
    let methods = [("Sum", true), ("Broken", false), ("Sum", true), ("Broken", false)]
        .map(|(model, sound)| (method(Some("v1"), &[], &[("application/json", model)]), sound));
    let resource = Resource { id: String::new(), path: at("/".to_owned()), methods: Vec::new() };
    let (mut compiler, mut problems) = (Compiler::new(&api), Vec::new());
    let mut schemas = Vec::new();
    for (method, sound) in &methods {
        let found = compiler.validator(&resource, method, &mut problems);
        assert_eq!(found.is_ok(), *sound);
        schemas.extend(
            found.ok().flatten().and_then(|validator| validator.body).map(|body| Arc::clone(&body.models[0].1)),
        );
    }
    assert_eq!(problems.len(), 1);
    assert!(Arc::ptr_eq(&schemas[0], &schemas[1]));
}
