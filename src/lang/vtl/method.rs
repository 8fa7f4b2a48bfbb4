//! The names of the methods that can be called, known when a template is compiled.

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

    /// Whether it is a function of `$util`.
    pub(super) fn is_of_util(self) -> bool {
        matches!(
            self,
            Self::EscapeJavaScript
                | Self::ParseJson
                | Self::UrlEncode
                | Self::UrlDecode
                | Self::Base64Encode
                | Self::Base64Decode
                // Weir's own.
                | Self::ParseXml
                | Self::ToXml
        )
    }
}
