//! One call of the management API: what a client asked, what an operation works on, and what it answers.

use std::path::PathBuf;

use serde_json::Value;

use super::errors::AwsError;
use super::pieces::Pieces;
use crate::control::commit::definitions::{Draft, key};
use crate::control::commit::store::Store;
use crate::model::api_rows::Object;

/// What an operation is: a function of what is and what was asked. It changes nothing but its draft.
pub type Handler = fn(&mut Turn<'_>, &Call) -> Result<Reply, AwsError>;

/// What a client asked, with the shape of its input already checked.
#[derive(Clone, Debug, Default)]
pub struct Call {
    pub operation: &'static str,
    /// Parameters of the path, decoded.
    pub path: Vec<(&'static str, String)>,
    /// All of the query, decoded, in its order.
    pub query: Vec<(String, String)>,
    /// The body's members that the operation knows.
    pub body: Object,
    /// The body as it came, where the operation takes a document.
    pub raw: Vec<u8>,
    pub accept: String,
    /// Twelve digits: the account of the key that signed.
    pub account: String,
}

impl Call {
    /// A parameter of the path; the registry's template has it.
    pub fn path(&self, name: &str) -> &str {
        self.path.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a name that may stand several times (`tagKeys=a&tagKeys=b`).
    pub fn query_all<'c>(&'c self, name: &'c str) -> impl Iterator<Item = &'c str> {
        self.query.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn flag(&self, name: &str) -> bool {
        self.query(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    pub fn text(&self, member: &str) -> Option<&str> {
        self.body.get(member).and_then(Value::as_str)
    }

    pub fn boolean(&self, member: &str) -> Option<bool> {
        self.body.get(member).and_then(Value::as_bool)
    }

    pub fn integer(&self, member: &str) -> Option<i64> {
        self.body.get(member).and_then(Value::as_i64)
    }

    pub fn object(&self, member: &str) -> Option<&Object> {
        self.body.get(member).and_then(Value::as_object)
    }

    pub fn list(&self, member: &str) -> Option<&Vec<Value>> {
        self.body.get(member).and_then(Value::as_array)
    }

    /// The members of the body with these names, in this order, as they were given.
    pub fn given(&self, members: &[&str]) -> Object {
        let given = members.iter().filter_map(|name| Some(((*name).to_owned(), self.body.get(*name)?.clone())));
        given.collect()
    }
}

/// What does not change while the process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Twelve digits, in every ARN.
    pub account_id: String,
    pub region: String,
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: &'static str,
    /// Stages that need what Weir does not enforce yet are served all the same, with 501 on just those methods.
    pub lenient: bool,
}

impl Facts {
    pub fn new(account_id: &str, region: &str, lenient: bool) -> Self {
        let partition = match region.split('-').next() {
            Some("cn") => "aws-cn",
            _ if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        Self { account_id: account_id.to_owned(), region: region.to_owned(), partition, lenient }
    }

    /// `arn:aws:apigateway:us-east-1::/restapis/abc`: resources of API Gateway have no account in their ARNs.
    pub fn arn(&self, path: &str) -> String {
        format!("arn:{}:apigateway:{}::{path}", self.partition, self.region)
    }
}

/// What an operation works on: everything that is, and what this call has changed of it so far.
pub struct Turn<'t> {
    pub draft: Draft<'t>,
    pub store: &'t Store,
    pub facts: &'t Facts,
    /// Unix seconds.
    pub now: i64,
}

impl Turn<'_> {
    pub fn get(&self, segments: &[&str]) -> Option<Object> {
        self.draft.get(&key(segments))
    }

    pub fn has(&self, segments: &[&str]) -> bool {
        self.draft.get(&key(segments)).is_some()
    }

    pub fn put(&mut self, segments: &[&str], object: &Object) {
        self.draft.put(key(segments), object);
    }

    pub fn delete(&mut self, segments: &[&str]) {
        self.draft.delete(&key(segments));
    }

    /// Deletes the row and everything below it.
    pub fn delete_all(&mut self, segments: &[&str]) {
        let key = key(segments);
        self.draft.delete_below(&key);
        self.draft.delete(&key);
    }

    /// The direct children, in the order of their keys.
    pub fn children(&self, segments: &[&str]) -> Vec<Object> {
        self.draft.children(&key(segments)).into_iter().map(|(_, object)| object).collect()
    }

    /// A fresh id of `length` characters `[a-z0-9]` below `parent`.
    pub fn fresh_id(&self, parent: &[&str], length: usize) -> String {
        loop {
            let id = random_id(length, LOWER);
            let mut segments = parent.to_vec();
            segments.push(&id);
            if !self.has(&segments) {
                return id;
            }
        }
    }
}

const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const MIXED: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A value for an API key: forty letters and digits.
pub fn random_key_value() -> String {
    random_id(40, MIXED)
}

/// Random bytes of the system.
pub fn random_bytes() -> [u8; 16] {
    let mut bytes = [0; 16];
    // A guessable key is worse than none: a system without random numbers cannot run a gateway.
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes)
        .expect("the system gives random numbers");
    bytes
}

/// Thirty-two hexadecimal digits that nobody guesses.
pub fn random_hex() -> String {
    random_bytes().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Random characters of an alphabet, without a bias: bytes beyond its last whole multiple are drawn again.
fn random_id(length: usize, alphabet: &[u8]) -> String {
    let fair = 256 - 256 % alphabet.len();
    let mut id = String::with_capacity(length);
    while id.len() < length {
        let bytes = random_bytes();
        let drawn = bytes.iter().filter(|&&byte| usize::from(byte) < fair);
        id.extend(drawn.map(|&byte| char::from(alphabet[usize::from(byte) % alphabet.len()])).take(length - id.len()));
    }
    id
}

/// What an operation answers.
#[derive(Debug)]
pub enum Reply {
    /// The status alone.
    Empty,
    Object(Object),
    /// A document that a client saves.
    Document {
        body: Vec<u8>,
        content_type: &'static str,
        file_name: String,
    },
    /// A file of this process, sent and then removed.
    File(PathBuf),
    /// A document that is made while the client takes it.
    Pieces {
        body: Pieces,
        content_type: &'static str,
        file_name: &'static str,
    },
    /// The answer is what a request to this definition answers: `control/admin/test_invoke.rs` makes it.
    TestInvoke(Box<TestInvoke>),
}

/// A request that `test-invoke-method` or `test-invoke-authorizer` makes.
#[derive(Clone, Debug, PartialEq)]
pub struct TestInvoke {
    pub api_id: String,
    /// The authorizer that is asked, where it is one and not a method.
    pub authorizer_id: Option<String>,
    pub resource_path: String,
    /// As the method has it, `ANY` too.
    pub http_method: String,
    /// What is sent.
    pub verb: String,
    /// Path and query, as given or made from the resource's template.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub stage_variables: Vec<(String, String)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_of_their_alphabet() {
        let id = random_id(10, LOWER);
        assert!(id.len() == 10 && id.bytes().all(|byte| LOWER.contains(&byte)), "{id}");
        assert_ne!(id, random_id(10, LOWER));
        assert_eq!(random_key_value().len(), 40);
    }

    #[test]
    fn arns_have_their_partition() {
        let arn = |region: &str| Facts::new("000000000000", region, false).arn("/apis/a");
        assert_eq!(arn("eu-west-1"), "arn:aws:apigateway:eu-west-1::/apis/a");
        assert_eq!(arn("cn-north-1"), "arn:aws-cn:apigateway:cn-north-1::/apis/a");
        assert_eq!(arn("us-gov-west-1"), "arn:aws-us-gov:apigateway:us-gov-west-1::/apis/a");
    }
}
