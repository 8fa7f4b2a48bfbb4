use serde_json::{Value, json};

use super::*;
use crate::settings::limits::{SCHEMA_PARTS_MAX, SCHEMA_STEPS_MAX, SCHEMA_VIOLATIONS_BYTES_MAX};

const HOME: &str = "https://apigateway.amazonaws.com/restapis/";

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn none(_: &str) -> Option<Value> {
    None
}

/// A schema, a body, and what is said of it; empty where it holds. The crate has to agree on whether it does.
#[track_caller]
fn check(schema: &str, body: &str, expected: &str) {
    let schema = parsed(schema);
    let compiled = Schema::compile(schema.clone(), &none).unwrap_or_else(|error| panic!("{schema}: {error}"));
    let found = compiled.check(body.as_bytes()).map_or_else(|invalid| invalid.to_string(), |()| String::new());
    assert_eq!(found, expected, "{schema} and {body}");
    assert_eq!(oracle(&schema).is_valid(&parsed(body)), expected.is_empty(), "the crate: {schema} and {body}");
}

fn oracle(schema: &Value) -> jsonschema::Validator {
    let options = jsonschema::options().with_draft(jsonschema::Draft::Draft4).should_validate_formats(true).offline();
    options.build(schema).unwrap_or_else(|error| panic!("{schema}: {error}"))
}

#[track_caller]
fn refused(schema: &str, expected: &str) {
    let error = Schema::compile(parsed(schema), &none).map(|_| ()).expect_err(schema);
    assert_eq!(error.to_string(), expected, "{schema}");
}

#[test]
fn the_java_librarys_words() {
    let object = r#"{"required":["name","age"],"properties":{"age":{"type":"integer"},"name":{"type":"string"}}}"#;
    check(object, r#"{"name":"a","age":1}"#, "");
    check(object, "{}", r#"[object has missing required properties (["age","name"])]"#);
    check(
        object,
        r#"{"age":"x"}"#,
        r#"[object has missing required properties (["name"]), instance type (string) does not match any allowed primitive type (allowed: ["integer"])]"#,
    );
    check(object, "[]", "");
    check(
        r#"{"type":"object"}"#,
        "[]",
        r#"[instance type (array) does not match any allowed primitive type (allowed: ["object"])]"#,
    );
    check(
        r#"{"type":"number"}"#,
        "null",
        r#"[instance type (null) does not match any allowed primitive type (allowed: ["integer","number"])]"#,
    );
    check(
        r#"{"type":["string","null"]}"#,
        "true",
        r#"[instance type (boolean) does not match any allowed primitive type (allowed: ["null","string"])]"#,
    );
    check(
        r#"{"enum":["a","b"]}"#,
        r#""x""#,
        r#"[instance value ("x") not found in enum (possible values: ["a","b"])]"#,
    );
    check(
        r#"{"enum":[{"a":1},2]}"#,
        r#"{"a":[1]}"#,
        r#"[instance value ({"a":[1]}) not found in enum (possible values: [{"a":1},2])]"#,
    );
    check(
        r#"{"minimum":5}"#,
        "4.50",
        "[numeric instance is lower than the required minimum (minimum: 5, found: 4.50)]",
    );
    check(
        r#"{"minimum":5,"exclusiveMinimum":true}"#,
        "5.0",
        "[numeric instance is not strictly greater than the required minimum 5]",
    );
    check(
        r#"{"maximum":500}"#,
        "1000",
        "[numeric instance is greater than the required maximum (maximum: 500, found: 1000)]",
    );
    check(
        r#"{"maximum":5,"exclusiveMaximum":true}"#,
        "5",
        "[numeric instance is not strictly lower than the required maximum 5]",
    );
    check(r#"{"multipleOf":0.01}"#, "1.001", "[remainder of division is not zero (1.001 / 0.01)]");
    check(r#"{"minLength":3}"#, r#""ab""#, r#"[string "ab" is too short (length: 2, required minimum: 3)]"#);
    check(r#"{"maxLength":1}"#, r#""a\u00e4""#, r#"[string "aä" is too long (length: 2, maximum allowed: 1)]"#);
    check(r#"{"pattern":"^a"}"#, r#""b""#, r#"[ECMA 262 regex "^a" does not match input string "b"]"#);
    check(r#"{"format":"ipv4"}"#, r#""b""#, r#"[string "b" is not a valid IPv4 address]"#);
    check(r#"{"format":"email"}"#, r#""b""#, r#"[string "b" is not a valid email address]"#);
    check(r#"{"minItems":1}"#, "[]", "[array is too short: must have at least 1 elements but instance has 0 elements]");
    check(
        r#"{"maxItems":1}"#,
        "[1,2]",
        "[array is too long: must have at most 1 elements but instance has 2 elements]",
    );
    check(r#"{"uniqueItems":true}"#, "[1,2,1.0]", "[array must not contain duplicate elements]");
    check(
        r#"{"items":[{}],"additionalItems":false}"#,
        "[1,2]",
        "[schema only allows 1 elements in array but instance has 2 elements]",
    );
    check(
        r#"{"additionalProperties":false,"properties":{"a":{}}}"#,
        r#"{"z":1,"a":2,"x":3}"#,
        r#"[object instance has properties which are not allowed by the schema: ["x","z"]]"#,
    );
    check(
        r#"{"minProperties":2}"#,
        r#"{"a":1}"#,
        "[object has too few properties (found 1 but schema requires at least 2)]",
    );
    check(
        r#"{"maxProperties":0}"#,
        r#"{"a":1}"#,
        "[object has too many properties (found 1 but schema requires at most 0)]",
    );
    check(
        r#"{"allOf":[{"type":"string"},{}]}"#,
        "1",
        "[instance failed to match all required schemas (matched only 1 out of 2)]",
    );
    check(
        r#"{"anyOf":[{"type":"string"},{"type":"null"}]}"#,
        "1",
        "[instance failed to match at least one required schema among 2]",
    );
    check(
        r#"{"oneOf":[{"type":"string"},{"type":"null"}]}"#,
        "1",
        "[instance failed to match exactly one schema (matched 0 out of 2)]",
    );
    check(
        r#"{"oneOf":[{},{"type":"integer"},{}]}"#,
        "1",
        "[instance failed to match exactly one schema (matched 3 out of 3)]",
    );
    check(r#"{"not":{}}"#, "1", "[instance matched a schema which it should not have]");
    check(
        r#"{"dependencies":{"a":["b","c"]}}"#,
        r#"{"a":1,"b":2}"#,
        r#"[property "a" of object has missing property dependencies (schema requires ["b","c"]; missing: ["c"])]"#,
    );
    check(
        r#"{"dependencies":{"a":{"required":["b"]}}}"#,
        r#"{"a":1}"#,
        r#"[object has missing required properties (["b"])]"#,
    );
}

#[test]
fn reasons_come_in_the_java_librarys_order() {
    check(
        r#"{"type":"array","pattern":"^a","minLength":2,"enum":["b"],"properties":{}}"#,
        r#""x""#,
        r#"[instance value ("x") not found in enum (possible values: ["b"]), string "x" is too short (length: 1, required minimum: 2), ECMA 262 regex "^a" does not match input string "x", instance type (string) does not match any allowed primitive type (allowed: ["array"])]"#,
    );
    check(
        r#"{"properties":{"b":{"maximum":1},"a":{"items":{"maximum":2}}},"maxProperties":1}"#,
        r#"{"b":5,"a":[3,1,4]}"#,
        "[object has too many properties (found 2 but schema requires at most 1), \
         numeric instance is greater than the required maximum (maximum: 2, found: 3), \
         numeric instance is greater than the required maximum (maximum: 2, found: 4), \
         numeric instance is greater than the required maximum (maximum: 1, found: 5)]",
    );
}

#[test]
fn what_holds() {
    for (schema, body) in [
        ("{}", "1"),
        (r#"{"type":"integer"}"#, "-12345678901234567890123"),
        (r#"{"type":"number","minimum":0}"#, "1e-3"),
        (r#"{"minimum":0,"maxLength":1,"minItems":4,"required":["a"],"format":"ipv4","uniqueItems":true}"#, "7"),
        (r#"{"minLength":1,"maxLength":1}"#, r#""\ud83d\ude00""#),
        (r#"{"items":[{"type":"null"}],"additionalItems":{"type":"string"}}"#, r#"[null,"a","b"]"#),
        (r#"{"additionalItems":false,"items":{}}"#, "[1,2,3]"),
        (r#"{"patternProperties":{"^x-":{"type":"string"}},"additionalProperties":false}"#, r#"{"x-a":"b"}"#),
        (r#"{"additionalProperties":{"type":"string"},"properties":{"a":{}}}"#, r#"{"a":1,"b":"c"}"#),
        (r#"{"oneOf":[{"type":"null"},{"type":"string"}]}"#, "null"),
        (r#"{"not":{"type":"string"}}"#, "1"),
        (r#"{"uniqueItems":true}"#, r#"[1,"1",true,null,[1],[1,2],{"a":1},{"a":2}]"#),
        (r#"{"enum":[1,2,3,4,5,6,7,8,9,10,"a",null]}"#, "10.0"),
        (r#"{"format":"int64","type":"integer"}"#, "5"),
        (r#"{"properties":{"a\u0062":{"type":"null"}}}"#, r#"{"\u0061b":null}"#),
        (
            r##"{"properties":{"a":{"$ref":"#/definitions/b~1c%25d"}},"definitions":{"b/c%d":{"type":"null"}}}"##,
            r#"{"a":null}"#,
        ),
        (r##"{"properties":{"a":{"$ref":"#/properties/b","type":"string"},"b":{"type":"null"}}}"##, r#"{"a":null}"#),
    ] {
        check(schema, body, "");
    }
}

#[test]
fn what_does_not_hold() {
    for (schema, body) in [
        (r#"{"type":"integer"}"#, "1.0"),
        (r#"{"items":[{"type":"null"}],"additionalItems":{"type":"string"}}"#, "[null,1]"),
        (r#"{"patternProperties":{"^x-":{"type":"string"}},"additionalProperties":false}"#, r#"{"x-a":1}"#),
        (r#"{"patternProperties":{"^x-":{"type":"string"}},"properties":{"x-a":{"maxLength":1}}}"#, r#"{"x-a":"bc"}"#),
        (r#"{"additionalProperties":{"type":"string"},"properties":{"a":{}}}"#, r#"{"a":1,"b":2}"#),
        (r#"{"enum":[1,2,3,4,5,6,7,8,9,10,"a",null]}"#, "11"),
        (r#"{"uniqueItems":true}"#, r#"[{"a":1,"b":2},{"b":2,"a":1}]"#),
        (r##"{"properties":{"next":{"$ref":"#"}},"required":["v"]}"##, r#"{"v":1,"next":{"v":1,"next":{}}}"#),
    ] {
        let (schema, body) = (parsed(schema), parsed(body));
        let compiled = Schema::compile(schema.clone(), &none).expect("a schema");
        let answer = compiled.check(body.to_string().as_bytes());
        assert!(matches!(answer, Err(Invalid::Violations(_))), "{schema} and {body}: {answer:?}");
        assert!(!oracle(&schema).is_valid(&body), "the crate: {schema} and {body}");
    }
}

#[test]
fn a_name_that_stands_twice_is_checked_twice() {
    let schema = parsed(r#"{"properties":{"a":{"type":"integer"}},"required":["a","b"],"minProperties":2}"#);
    let schema = Schema::compile(schema, &none).expect("a schema");
    assert_eq!(schema.check(br#"{"a":1,"b":2,"a":3}"#), Ok(()));
    for body in [r#"{"a":"x","a":1,"b":2}"#, r#"{"a":1,"a":"x","b":2}"#, r#"{"a":1,"a":2}"#] {
        assert!(matches!(schema.check(body.as_bytes()), Err(Invalid::Violations(_))), "{body}");
    }
}

#[test]
fn bodies_that_are_no_json() {
    let schema = Schema::any();
    assert_eq!((schema.check(b""), schema.check(b"null")), (Ok(()), Ok(())));
    for body in [&b" "[..], b"{", b"a=b", b"{}{}", b"\xff", b"\"\xe4\"", "[".repeat(200).as_bytes()] {
        let answer = schema.check(body).expect_err("no JSON");
        assert_eq!(answer.to_string(), "[Unknown error parsing request body]");
        assert_eq!(answer.into_violations(), None);
    }
}

#[test]
fn models_name_each_other_and_themselves() {
    let model = |name: &str| match name {
        "Pets" => Some(json!({"type": "array", "items": {"$ref": format!("{HOME}abc123/models/Pet")}})),
        "Pet" => Some(json!({
            "required": ["owner"],
            "properties": {"owner": {"$ref": format!("{HOME}{{restapi_id}}/models/Owner#/definitions/Any")}}
        })),
        "Owner" => Some(json!({
            "type": "object",
            "properties": {"pets": {"$ref": format!("{HOME}other/models/Pets")}, "boss": {"$ref": "#"}},
            "definitions": {"Any": {"oneOf": [{"type": "null"}, {"$ref": "#"}]}}
        })),
        _ => None,
    };
    let pets = Schema::of_model("Pets", &model).expect("a model").expect("a schema");
    let holds = |body: &str| pets.check(body.as_bytes()).is_ok();
    assert!(holds(r#"[{"owner":null},{"owner":{"pets":[{"owner":{"boss":{"pets":[]}}}]}}]"#));
    assert!(!holds(r#"[{"owner":{"pets":[{"owner":{"boss":{"pets":[{}]}}}]}}]"#));
    assert!(Schema::of_model("None", &model).is_none());
    // As the schemas of an OpenAPI document's operations name them.
    for reference in ["#/components/schemas/Pets", "#/definitions/Pets"] {
        let inline = Schema::compile(json!({"properties": {"a": {"$ref": reference}}}), &model).expect("a schema");
        assert!(inline.check(br#"{"a":[]}"#).is_ok() && inline.check(br#"{"a":[{}]}"#).is_err());
    }
    let broken = |name: &str| (name == "A").then(|| json!({"properties": {"a/b": {"type": "text"}}}));
    let error = Schema::compile(json!({"$ref": format!("{HOME}a/models/A")}), &broken).expect_err("a type");
    let expected = "`type` is one or several of array, boolean, integer, null, number, object, string, \
                    at `/properties/a~1b/type` of the model `A`";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn what_is_no_schema() {
    refused("[]", "a schema is an object");
    refused(r#"{"properties":{"a":1}}"#, "a schema is an object, at `/properties/a`");
    refused(r#"{"properties":[]}"#, "`properties` is an object of schemas, at `/properties`");
    refused(r#"{"items":true}"#, "`items` is a schema or a list of them, at `/items`");
    refused(r#"{"required":true}"#, "`required` is a list of names, at `/required`");
    refused(r#"{"minLength":-1}"#, "`minLength` is an integer from 0, at `/minLength`");
    refused(r#"{"exclusiveMinimum":1}"#, "`exclusiveMinimum` is true or false in draft 4, at `/exclusiveMinimum`");
    refused(r#"{"minimum":"1"}"#, "`minimum` is a number, at `/minimum`");
    refused(r#"{"multipleOf":0}"#, "`multipleOf` is above 0 and has at most 18 digits, at `/multipleOf`");
    refused(r#"{"enum":[]}"#, "`enum` is a list of values, at `/enum`");
    refused(r#"{"allOf":[]}"#, "it is a list of schemas, at `/allOf`");
    refused(
        r#"{"pattern":"("}"#,
        "the pattern `(` cannot be run: it is no regular expression of ECMA 262, at `/pattern`",
    );
    refused(r#"{"dependencies":{"a":"b"}}"#, "a dependency is a schema or a list of names, at `/dependencies/a`");
    for reference in [
        "Pet",
        "file:///etc/passwd",
        "http://example.com/s.json",
        "#/nowhere",
        "https://apigateway.amazonaws.com/restapis/a/models/B",
    ] {
        let found = format!("`{reference}` names neither a part of the schema nor a model of this API");
        refused(&json!({"$ref": reference}).to_string(), &found);
    }
}

#[test]
fn circles_without_an_end_are_refused() {
    refused(r##"{"$ref":"#"}"##, "references name each other in a circle");
    refused(
        r##"{"$ref":"#/definitions/a","definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}}}"##,
        "references name each other in a circle, at `/definitions/b`",
    );
    for keyword in ["allOf", "anyOf", "oneOf"] {
        let error = Schema::compile(json!({keyword: [{"$ref": "#"}]}), &none).expect_err("a circle");
        assert!(error.found.contains("checked against itself"), "{error}");
    }
    for schema in [json!({"not": {"$ref": "#"}}), json!({"dependencies": {"a": {"allOf": [{"$ref": "#"}]}}})] {
        assert!(Schema::compile(schema, &none).is_err());
    }
    let chain: serde_json::Map<String, Value> =
        (0..100).map(|n| (format!("m{n}"), json!({"not": {"$ref": format!("#/definitions/m{}", n + 1)}}))).collect();
    let mut chain = json!({"definitions": chain});
    chain["definitions"]["m100"] = json!({});
    chain["not"] = json!({"$ref": "#/definitions/m0"});
    assert!(Schema::compile(chain, &none).is_err());
}

#[test]
fn a_schema_has_so_many_parts() {
    let many: serde_json::Map<String, Value> = (0..SCHEMA_PARTS_MAX).map(|n| (n.to_string(), json!({}))).collect();
    let error = Schema::compile(json!({"properties": many}), &none).expect_err("too many");
    assert!(error.found.contains("parts"), "{error}");
}

/// Two ways to the same member double the work with each level: 2^100 without a bound.
#[test]
fn work_is_bounded_whatever_the_schema_says() {
    let twice = json!({"properties": {"a": {"$ref": "#"}}});
    let schema = Schema::compile(json!({"allOf": [twice, twice], "properties": {"b": {"not": {}}}}), &none);
    assert!(schema.is_ok());
    let doubled = parsed(
        r##"{"allOf":[{"properties":{"a":{"$ref":"#/definitions/n"}}}],"definitions":{"n":{"allOf":[{"properties":{"a":{"$ref":"#/definitions/n"}}},{"properties":{"a":{"$ref":"#/definitions/n"}}}]}}}"##,
    );
    let schema = Schema::compile(doubled, &none).expect("a schema");
    let deep = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    assert_eq!(schema.check(deep(8).as_bytes()), Ok(()));
    assert_eq!(schema.check(deep(100).as_bytes()), Err(Invalid::TooCostly));
    // And what `not` makes of an answer that was not found.
    let turned = parsed(
        r##"{"not":{"$ref":"#/definitions/n"},"definitions":{"n":{"anyOf":[{"properties":{"a":{"$ref":"#/definitions/n"}},"type":"null"},{"properties":{"a":{"not":{"$ref":"#/definitions/n"}}}}]}}}"##,
    );
    let schema = Schema::compile(turned, &none).expect("a schema");
    assert!(schema.check(deep(100).as_bytes()).is_err());
}

/// The deepest that both limits allow, on a test's stack of 2 MB and in a debug build.
#[test]
fn depth_is_bounded() {
    let schema = parsed(r##"{"allOf":[{"allOf":[{"allOf":[{"properties":{"a":{"$ref":"#"}}}]}]}]}"##);
    let schema = Schema::compile(schema, &none).expect("a schema");
    let deep = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    assert_eq!(schema.check(deep(127).as_bytes()), Ok(()));
    assert_eq!(schema.check(deep(128).as_bytes()), Err(Invalid::NotJson));
}

/// What is not linear is paid for: not every text of a body may ask for it at length.
#[test]
fn costly_patterns_are_paid_for() {
    let schema = parsed(r#"{"items":{"pattern":"^(?!b)","minLength":1}}"#);
    let schema = Schema::compile(schema, &none).expect("a schema");
    let body = |count: usize| format!("[{}]", vec![format!("\"{}\"", "a".repeat(1_000)); count].join(","));
    assert_eq!(schema.check(body(30).as_bytes()), Ok(()));
    let twice = Schema::compile(json!({"items": {"pattern": "^(?!b)", "not": {"pattern": "^(?=b)"}}}), &none);
    assert_eq!(twice.expect("a schema").check(body(30).as_bytes()), Err(Invalid::TooCostly));
}

/// A pattern that may be in all of its states at once costs them all a byte: this one took seconds, and was not counted.
#[test]
fn programs_are_paid_for() {
    let check = |pattern: &str, text: &str, expected: Result<(), Invalid>| {
        for schema in [
            json!({ "items": { "pattern": pattern } }),
            json!({ "items": { "patternProperties": { pattern: { "not": {} } } } }),
        ] {
            let (body, named) = (format!("[\"{text}\"]"), format!("[{{\"{text}\":1}}]"));
            let by_name = schema.pointer("/items/patternProperties").is_some();
            let compiled = Schema::compile(schema, &none).expect(pattern);
            let answer = compiled.check(if by_name { named.as_bytes() } else { body.as_bytes() });
            match (by_name, &expected) {
                (true, Ok(())) => assert!(matches!(answer, Err(Invalid::Violations(_))), "{pattern}: {answer:?}"),
                _ => assert_eq!(answer, expected, "{pattern}"),
            }
        }
    };
    check("a[ab]{900}c", &"abbab".repeat(4_000), Err(Invalid::TooCostly));
    check("(a|a?b){1,5000}c", &"ab".repeat(4_000), Err(Invalid::TooCostly));
    // What people write never has a choice, or is small.
    check("^[a-zA-Z0-9 .]{1,255}$", &"a b.".repeat(60), Ok(()));
    check("^.{0,2000}$", &"ä".repeat(2_000), Ok(()));
    check("^[\\w.+-]+@([\\w-]+\\.)+[A-Za-z]{2,}$", "someone.else+tag@mail.example.org", Ok(()));
    check("[a-z]{1,255}", &"ab".repeat(1_000), Ok(()));
    check("\\S", &"ab".repeat(100_000), Ok(()));
}

#[test]
fn many_short_texts_add_up() {
    let schema = Schema::compile(json!({"items": {"pattern": "e[a-z]{30}c"}}), &none).expect("a schema");
    let body = |count: usize| format!("[{}]", vec![format!("\"e{}c\"", "e".repeat(30)); count].join(","));
    assert_eq!(schema.check(body(400).as_bytes()), Ok(()));
    assert_eq!(schema.check(body(2_000).as_bytes()), Err(Invalid::TooCostly));
}

/// A body of any size has an end to its steps, and to say why comes out of the same ones.
#[test]
fn the_largest_body_costs_no_more_than_the_limit() {
    let each = format!("[{}1]", "1,".repeat(SCHEMA_STEPS_MAX as usize / 6));
    let times = |count: usize| {
        let all = vec![json!({"type": "integer"}); count];
        Schema::compile(json!({"items": {"allOf": all}}), &none).expect("a schema").check(each.as_bytes())
    };
    assert_eq!(times(3), Ok(()));
    assert_eq!(times(7), Err(Invalid::TooCostly));
    // To find the last one wrong takes half of the steps; to find it again, and what is wrong, takes more than the rest.
    let last = each.replace("1]", "null]");
    let schema = json!({"items": {"allOf": [{"type": "integer"}, {"type": "integer"}, {"type": "integer"}]}});
    let schema = Schema::compile(schema, &none).expect("a schema");
    assert_eq!(schema.check(last.as_bytes()), Err(Invalid::TooCostly));
}

#[test]
fn what_reads_a_value_again_is_paid_for() {
    let refused = |schema: Value, body: &str| {
        let schema = Schema::compile(schema, &none).expect("a schema");
        assert_eq!(schema.check(body.as_bytes()), Err(Invalid::TooCostly));
    };
    let long = format!("\"{}\"", "a".repeat(1 << 20));
    refused(json!({"allOf": vec![json!({"minLength": 100_000}); 100]}), &long);
    refused(
        json!({"uniqueItems": true, "items": {"$ref": "#"}}),
        &format!("{}{long}{}", "[".repeat(120), "]".repeat(120)),
    );
    let names: Vec<String> = (0..2_000).map(|n| format!("k{n}")).collect();
    let members: Vec<String> = (0..50_000).map(|n| format!("\"k{n}\":1")).collect();
    refused(json!({"dependencies": {"k0": names}}), &format!("{{{}}}", members.join(",")));
    let regexes = vec![r#""(((\\w{100}){100}){100}){100}""#; 1_000];
    refused(json!({"items": {"format": "regex"}}), &format!("[{}]", regexes.join(",")));
}

#[test]
fn large_bodies_take_linear_time() {
    let unique = Schema::compile(json!({"uniqueItems": true, "items": {"type": "integer"}}), &none).expect("a schema");
    let numbers: Vec<String> = (0..100_000).map(|n| n.to_string()).collect();
    assert_eq!(unique.check(format!("[{}]", numbers.join(",")).as_bytes()), Ok(()));
    // A list of a value and of the list of that value: all of them had one hash.
    let unique = Schema::compile(json!({"uniqueItems": true}), &none).expect("a schema");
    let lists: Vec<_> = (0..50_000).map(|number| format!("[{number},[{number}]]")).collect();
    assert_eq!(unique.check(format!("[{}]", lists.join(",")).as_bytes()), Ok(()));
    let wide: Vec<String> = (0..50_000).map(|n| format!("\"k{n}\":{n}")).collect();
    let wide = format!("{{{}}}", wide.join(","));
    let strict = Schema::compile(json!({"required": ["k0", "k1"], "minProperties": 50_000}), &none).expect("a schema");
    assert_eq!(strict.check(wide.as_bytes()), Ok(()));
    // Every item is wrong: what is told is bounded.
    let texts = Schema::compile(json!({"items": {"type": "string"}}), &none).expect("a schema");
    let Err(Invalid::Violations(list)) = texts.check(format!("[{}]", numbers.join(",")).as_bytes()) else {
        panic!("numbers are no texts")
    };
    assert!(list.len() < SCHEMA_VIOLATIONS_BYTES_MAX + 10 && list.ends_with("]"), "{}", list.len());
    let long = format!("\"{}\"", "ä".repeat(100_000));
    let short = Schema::compile(json!({"maxLength": 3, "enum": [1]}), &none).expect("a schema");
    let Err(Invalid::Violations(list)) = short.check(long.as_bytes()) else { panic!("it is too long") };
    assert!(list.len() < 1_000 && list.contains("length: 100000"), "{list}");
}

/// The crate's verdict on what chance makes of both.
#[test]
fn the_crate_agrees() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let mut yes = 0;
    for _ in 0..400 {
        let schema = any_schema(&mut draw, 3);
        let (ours, theirs) = (Schema::compile(schema.clone(), &none).expect("a schema"), oracle(&schema));
        for _ in 0..25 {
            let body = any_value(&mut draw, 3);
            let answer = ours.check(body.to_string().as_bytes());
            assert_eq!(answer.is_ok(), theirs.is_valid(&body), "{schema} and {body}: {answer:?}");
            yes += usize::from(answer.is_ok());
        }
    }
    assert!((1_000..9_000).contains(&yes), "{yes} of 10,000 held: chance has to say both");
}

fn any_value(draw: &mut impl FnMut(usize) -> usize, depth: usize) -> Value {
    match draw(if depth == 0 { 6 } else { 9 }) {
        0 => Value::Null,
        1 => Value::from(draw(2) == 0),
        2 => Value::from(draw(7)),
        3 => Value::from(draw(14) as f64 / 4.0 - 1.0),
        4 | 5 => Value::from(["", "a", "ab", "abc", "äö", "x-1", "192.0.2.1"][draw(7)]),
        6 => (0..draw(4)).map(|_| any_value(draw, depth - 1)).collect(),
        _ => (0..draw(4)).map(|_| (["a", "b", "c", "x-1"][draw(4)].to_owned(), any_value(draw, depth - 1))).collect(),
    }
}

fn any_schema(draw: &mut impl FnMut(usize) -> usize, depth: usize) -> Value {
    let mut schema = serde_json::Map::new();
    let named = |draw: &mut dyn FnMut(usize) -> usize| ["a", "b", "c", "x-1"][draw(4)];
    for _ in 0..draw(3) + usize::from(depth == 3) {
        let (keyword, value) = match draw(if depth == 0 { 13 } else { 22 }) {
            0 | 1 => ("type", json!(["array", "boolean", "integer", "null", "number", "object", "string"][draw(7)])),
            2 => ("type", json!([["array", "object"], ["integer", "string"], ["null", "number"]][draw(3)])),
            3 => ("enum", json!([any_value(draw, 1), any_value(draw, 1), "a"])),
            4 => ("minimum", json!(draw(4))),
            5 => ("maximum", json!(draw(4))),
            6 => ("multipleOf", json!([1.0, 0.5, 0.25, 2.0, 3.0][draw(5)])),
            7 => ("minLength", json!(draw(3))),
            8 => ("maxLength", json!(draw(3))),
            9 => ("pattern", json!(["^a", "b$", "^[a-c]+$", "\\d", "^.$"][draw(5)])),
            10 => ("required", json!([named(draw)])),
            11 => (["minItems", "maxItems", "minProperties", "maxProperties"][draw(4)], json!(draw(3))),
            12 => ("uniqueItems", json!(true)),
            13 | 14 => (
                "properties",
                json!({ named(draw): any_schema(draw, depth - 1), named(draw): any_schema(draw, depth - 1) }),
            ),
            15 => ("items", any_schema(draw, depth - 1)),
            16 => ("items", json!([any_schema(draw, depth - 1)])),
            17 => (["additionalProperties", "additionalItems"][draw(2)], json!(false)),
            18 => (["additionalProperties", "not"][draw(2)], any_schema(draw, depth - 1)),
            19 => (
                ["allOf", "anyOf", "oneOf"][draw(3)],
                json!([any_schema(draw, depth - 1), any_schema(draw, depth - 1)]),
            ),
            20 => ("patternProperties", json!({ "^x-": any_schema(draw, depth - 1) })),
            _ => ("dependencies", json!({ named(draw): [named(draw)] })),
        };
        schema.insert(keyword.to_owned(), value);
    }
    Value::from(schema)
}
