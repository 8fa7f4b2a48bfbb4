//! What can be called on a value, and its properties: Java's methods by the class of the receiver (rest/08 section 8.7).
//!
//! A name that the class does not have, a wrong number of arguments or wrong types give null, which prints nothing. What
//! Java answers with an exception ends the rendering.

mod format;
mod hash;
mod input;
mod lists;
mod maps;
mod numbers;
mod patterns;
mod strings;
mod units;
mod util;

use crate::lang::value::{Object, Value};
use crate::lang::vtl::program::Literal;
use crate::lang::vtl::run::{Run, Runner};

macro_rules! methods {
    ($($method:ident $name:literal)*) => {
        /// Every name that some class has.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Method {
            $($method,)*
            /// A name that none has.
            Unknown,
        }

        impl Method {
            pub(super) fn of(name: &str) -> Self {
                match name {
                    $($name => Self::$method,)*
                    _ => Self::Unknown,
                }
            }
        }
    };
}

methods! {
    Add "add" AddAll "addAll" Base64Decode "base64Decode" Base64Encode "base64Encode" BooleanValue "booleanValue"
    ByteValue "byteValue" CharAt "charAt" CharValue "charValue" Clear "clear" CodePointAt "codePointAt" Compare "compare"
    CompareTo "compareTo" CompareToIgnoreCase "compareToIgnoreCase" Concat "concat" Contains "contains"
    ContainsAll "containsAll" ContainsKey "containsKey" ContainsValue "containsValue" ContentEquals "contentEquals"
    DoubleValue "doubleValue" EndsWith "endsWith" EntrySet "entrySet" Equals "equals" EqualsIgnoreCase "equalsIgnoreCase"
    EscapeJavaScript "escapeJavaScript" FloatValue "floatValue" Format "format" Get "get" GetBody "getBody" GetKey "getKey"
    GetOrDefault "getOrDefault" GetValue "getValue" HasNext "hasNext" HashCode "hashCode" IndexOf "indexOf"
    IntValue "intValue" Intern "intern" IsBlank "isBlank" IsEmpty "isEmpty" IsInfinite "isInfinite" IsNaN "isNaN"
    Iterator "iterator" Join "join" Json "json" KeySet "keySet" LastIndexOf "lastIndexOf" Length "length"
    LongValue "longValue" Matches "matches" Max "max" Min "min" Next "next" Params "params" ParseBoolean "parseBoolean"
    ParseDouble "parseDouble" ParseInt "parseInt" ParseJson "parseJson" ParseLong "parseLong" ParseXml "parseXml" Path "path" Put "put"
    PutAll "putAll" PutIfAbsent "putIfAbsent" Remove "remove" RemoveAll "removeAll" Repeat "repeat" Replace "replace"
    ReplaceAll "replaceAll" ReplaceFirst "replaceFirst" RetainAll "retainAll" Set "set" SetValue "setValue"
    ShortValue "shortValue" Size "size" Split "split" StartsWith "startsWith" Strip "strip" SubList "subList"
    SubSequence "subSequence" Substring "substring" Sum "sum" ToArray "toArray" ToBinaryString "toBinaryString"
    ToCharArray "toCharArray" ToHexString "toHexString" ToLowerCase "toLowerCase" ToString "toString"
    ToUpperCase "toUpperCase" ToXml "toXml" Trim "trim" UrlDecode "urlDecode" UrlEncode "urlEncode" ValueOf "valueOf" Values "values"
}

impl Method {
    /// Whether it makes a text that can go straight to the output.
    pub(super) fn writes(self) -> bool {
        matches!(
            self,
            Self::Json
                | Self::EscapeJavaScript
                | Self::UrlEncode
                | Self::UrlDecode
                | Self::Base64Encode
                | Self::Base64Decode
        )
    }
}

pub(super) use util::is_util_function;

/// A call's receiver, name and arguments, and the place where it happens.
pub(super) struct Call<'c, 'r, 'a> {
    pub(super) runner: &'c mut Runner<'r, 'a>,
    pub(super) method: Method,
    pub(super) arguments: &'c [Value<'a>],
    pub(super) literal: &'c Literal,
}

impl<'a> Call<'_, '_, 'a> {
    /// No method takes these arguments: null. But a null fits every class, and what asks it anything then fails.
    fn mismatched(&self) -> Run<Value<'a>> {
        let primitive =
            matches!(self.method, Method::CharAt | Method::Substring | Method::SubSequence | Method::Params);
        if self.method != Method::Unknown && !primitive && self.arguments.iter().any(|argument| argument.is_null()) {
            return Err(self.runner.fail("a method was called with null".into()));
        }
        Ok(Value::Null)
    }
}

/// Calls a method; null where the receiver has none that takes these arguments.
pub(super) fn call<'a>(
    runner: &mut Runner<'_, 'a>,
    receiver: Value<'a>,
    method: Method,
    arguments: &[Value<'a>],
    literal: &Literal,
) -> Run<Value<'a>> {
    let mut call = Call { runner, method, arguments, literal };
    match receiver {
        Value::Text(text) => call.on_text(text),
        Value::Map(map) => call.on_map(map),
        Value::List(list) => call.on_list(list),
        Value::Object(Object::Input) => call.on_input(),
        Value::Object(Object::Util) => call.on_util(),
        Value::Object(object) => call.on_object(object),
        Value::Bool(_) | Value::Int(_) | Value::Long(_) | Value::Big(_) | Value::Double(_) | Value::Decimal(_) => {
            call.on_scalar(receiver)
        }
        Value::Null => Ok(Value::Null),
    }
}

/// Writes what a method of `$input` or `$util` with one argument makes to the output.
pub(super) fn write<'a>(
    runner: &mut Runner<'_, 'a>,
    receiver: Value<'a>,
    method: Method,
    argument: Value<'a>,
    literal: &Literal,
) -> Run<()> {
    let mut call = Call { runner, method, arguments: &[argument], literal };
    match receiver {
        Value::Object(Object::Input) => call.write_input(),
        _ => call.write_util(),
    }
}

/// A property: `getName()`, the key of a map, `isName()`, in this order.
pub(super) fn property<'a>(runner: &mut Runner<'_, 'a>, value: Value<'a>, name: &str) -> Run<Value<'a>> {
    let method = match (value, name) {
        // A class would lead to everything that Java can do.
        (_, "class" | "Class") => return Ok(Value::Null),
        (Value::Map(map), name) => return Ok(map.text(name).unwrap_or(Value::Null)),
        (Value::Object(Object::Loop(state)), name) => return Ok(maps::loop_property(state, name)),
        (Value::Object(Object::Input), "body" | "Body") => Method::GetBody,
        (Value::Object(Object::Entry(_)), "key" | "Key") => Method::GetKey,
        (Value::Object(Object::Entry(_)), "value" | "Value") => Method::GetValue,
        (Value::Text(_) | Value::List(_), "empty" | "Empty") => Method::IsEmpty,
        (Value::Object(Object::Keys(_) | Object::Values(_) | Object::Entries(_)), "empty" | "Empty") => Method::IsEmpty,
        (Value::Text(_), "blank" | "Blank") => Method::IsBlank,
        (Value::Double(_), "naN" | "NaN") => Method::IsNaN,
        (Value::Double(_), "infinite" | "Infinite") => Method::IsInfinite,
        _ => return Ok(Value::Null),
    };
    call(runner, value, method, &[], &Literal::None)
}
