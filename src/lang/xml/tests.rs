use bumpalo::Bump;

use super::*;
use crate::lang::budget::{Budget, Exhausted};
use crate::lang::json::{self, Slashes};

fn as_json(xml: &str) -> Result<String, XmlError> {
    let (arena, budget) = (Bump::new(), Budget::new(10_000, 1 << 20));
    let mut out = Vec::new();
    json::write(parse(xml, &arena, &budget)?, Slashes::Plain, &budget, &mut out).unwrap();
    Ok(String::from_utf8(out).unwrap())
}

fn as_xml(json: &str) -> Result<String, XmlError> {
    let (arena, budget) = (Bump::new(), Budget::new(10_000, 1 << 20));
    let mut out = Vec::new();
    write(json::parse(json, &arena, &budget).unwrap(), &budget, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

/// A document, its value, and that it comes back as it was.
#[track_caller]
fn both(xml: &str, json: &str) {
    reads(xml, json);
    assert_eq!(as_xml(json).as_deref(), Ok(xml));
}

#[track_caller]
fn reads(xml: &str, json: &str) {
    assert_eq!(as_json(xml).as_deref(), Ok(json), "{xml}");
}

#[track_caller]
fn writes(json: &str, xml: &str) {
    assert_eq!(as_xml(json).as_deref(), Ok(xml), "{json}");
}

#[track_caller]
fn refused(xml: &str) {
    assert!(as_json(xml).is_err(), "{xml}");
}

#[track_caller]
fn unwritable(json: &str) {
    assert!(as_xml(json).is_err(), "{json}");
}

#[test]
fn shapes() {
    both("<a/>", r#"{"a":""}"#);
    both("<a>text</a>", r#"{"a":"text"}"#);
    both("<a> </a>", r#"{"a":" "}"#);
    both(r#"<a x="1"/>"#, r#"{"a":{"@x":"1"}}"#);
    both(r#"<a x="1"> t </a>"#, r##"{"a":{"@x":"1","#text":" t "}}"##);
    both("<a><b>1</b><c/></a>", r#"{"a":{"b":"1","c":""}}"#);
    both("<a><b>1</b><b>2</b></a>", r#"{"a":{"b":["1","2"]}}"#);
    both(r#"<s:E xmlns:s="u"><s:B/></s:E>"#, r#"{"s:E":{"@xmlns:s":"u","s:B":""}}"#);
    both("<ä-1.b>é😀</ä-1.b>", r#"{"ä-1.b":"é😀"}"#);
    both("<a>&lt;&amp;&gt;</a>", r#"{"a":"<&>"}"#);
    both(r#"<a x="&quot;&lt;&#10;&#9;'"/>"#, r#"{"a":{"@x":"\"<\n\t'"}}"#);
    both("<a>x&#13;y\n</a>", r#"{"a":"x\ry\n"}"#);
    reads(
        "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- c --><a><?p i?>\n <b>1</b>\n</a>\n",
        r#"{"a":{"b":"1"}}"#,
    );
    reads("<a>x<b/>y<b/>z</a>", r##"{"a":{"b":["",""],"#text":"xyz"}}"##);
    reads("<a><![CDATA[<b>&amp;]]> t</a>", r#"{"a":"<b>&amp; t"}"#);
    reads("<a>&#x41;&#66;&apos;</a>", r#"{"a":"AB'"}"#);
    reads("<a>1\r\n2\r3</a>", r#"{"a":"1\n2\n3"}"#);
    reads("<a x='1\n2'></a >", r#"{"a":{"@x":"1 2"}}"#);
    writes(r#"{"a":{"b":[1,2.50,true,null,"x"],"@y":5}}"#, "<a y=\"5\"><b>1</b><b>2.5</b><b>true</b><b/><b>x</b></a>");
    writes(r#"{"a":{"b":[]}}"#, "<a/>");
}

/// The example of docs/xml.md.
#[test]
fn a_soap_answer() {
    reads(
        r#"<?xml version="1.0" encoding="UTF-8"?>
        <soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">
          <soap:Body>
            <GetPetResponse xmlns="urn:pets">
              <Pet id="7"><Name>Fido</Name><Tag>brown</Tag><Tag>small</Tag></Pet>
            </GetPetResponse>
          </soap:Body>
        </soap:Envelope>"#,
        concat!(
            r#"{"soap:Envelope":{"@xmlns:soap":"http://schemas.xmlsoap.org/soap/envelope/","#,
            r#""soap:Body":{"GetPetResponse":{"@xmlns":"urn:pets","#,
            r#""Pet":{"@id":"7","Name":"Fido","Tag":["brown","small"]}}}}}"#
        ),
    );
}

#[test]
fn what_is_no_document_is_refused() {
    for xml in [
        "",
        "text",
        "<a>",
        "</a>",
        "<a></b>",
        "<a/><b/>",
        "<a/>x",
        "x<a/>",
        "<a",
        "<a b></a>",
        "<a b=1/>",
        "<1/>",
        "< a/>",
    ] {
        refused(xml);
    }
    for xml in
        ["<a>&</a>", "<a>&x;</a>", "<a>&#0;</a>", "<a>&#x1;</a>", "<a>&#xD800;</a>", "<a>\u{1}</a>", "<a x='1' x='2'/>"]
    {
        refused(xml);
    }
    for xml in [
        "<a x='<'/>",
        "<a x='&x;'/>",
        "<a><!-- -- --></a>",
        "<a/><?xml version='1.0'?>",
        "<a><![CDATA[</a>",
        "<a:&gt;/>",
    ] {
        refused(xml);
    }
    refused("<!DOCTYPE a><a/>");
    refused(r#"<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>"#);
    refused(r#"<!DOCTYPE l [<!ENTITY a "ll"><!ENTITY b "&a;&a;">]><l>&b;</l>"#);
}

#[test]
fn what_cannot_be_said_in_xml_is_not_written() {
    for json in ["1", "[]", "{}", r#"{"a":1,"b":2}"#, r#"{"a":[1,2]}"#, r#"{"a b":1}"#, r#"{"":1}"#, r#"{"<":1}"#] {
        unwritable(json);
    }
    for json in [
        r#"{"a":{"b":[[1]]}}"#,
        r#"{"a":{"@x":{}}}"#,
        r#"{"a":{"@ ":1}}"#,
        r##"{"a":{"#text":[1]}}"##,
        r#"{"a":"\u0001"}"#,
    ] {
        unwritable(json);
    }
}

#[test]
fn what_is_too_much_is_refused() {
    let exhausted =
        |xml: &str| parse(xml, &Bump::new(), &Budget::new(10_000, 1 << 24)).err().and_then(|error| error.exhausted);
    assert_eq!(exhausted(&"<a>".repeat(100_000)), Some(Exhausted::Depth));
    assert_eq!(exhausted(&["<a>", &"<b/>".repeat(10_000)].concat()), Some(Exhausted::Steps));
    assert_eq!(exhausted(&["<a>", &"&#65;".repeat(9_000), "</a>"].concat()), None);
    let (arena, budget) = (Bump::new(), Budget::new(1 << 20, 1 << 20));
    let deep = ["{a:".repeat(200), "1".to_owned(), "}".repeat(200)].concat();
    let value = json::parse(&deep, &arena, &budget).unwrap();
    assert_eq!(write(value, &budget, &mut Vec::new()).unwrap_err().exhausted, Some(Exhausted::Depth));
}
