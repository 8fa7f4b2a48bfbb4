//! A schema of draft 4, and the models that it names, to its parts. Nothing is fetched: what a reference names is in the
//! schema or a model of the same API.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::format::Format;
use super::json::Json;
use super::number::{Divisor, Number};
use super::parts::{Dependency, Items, Keyword, Limit, Name, Options, Others, Part, PartNumber, TYPES, Types};
use super::pattern::Pattern;
use crate::settings::limits::{SCHEMA_CHAIN_MAX, SCHEMA_PARTS_MAX};

/// Before an API's id and `/models/{name}`: how AWS spells a reference to a model (rest/03 section 3.4). Whose id it is
/// does not matter, nor whether it is one: exports leave a placeholder there.
const HOME: &str = "https://apigateway.amazonaws.com/restapis/";
/// Where the schemas of an OpenAPI document stand, which are its API's models.
const SECTIONS: [&str; 2] = ["/definitions/", "/components/schemas/"];
/// References to references that are followed.
const REFERENCES_MAX: usize = 64;

/// What is wrong with a schema, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaError {
    /// The model that it is in, where it is another one.
    pub model: Option<String>,
    /// A JSON pointer; empty for the schema as a whole.
    pub pointer: String,
    pub found: String,
}

impl fmt::Display for SchemaError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.found)?;
        if !self.pointer.is_empty() {
            write!(out, ", at `{}`", self.pointer)?;
        }
        match &self.model {
            Some(model) => write!(out, " of the model `{model}`"),
            None => Ok(()),
        }
    }
}

/// Models of the API by name, as documents.
pub(super) type Models<'m> = &'m dyn Fn(&str) -> Option<Value>;

/// The parts; the first one is the whole.
pub(super) fn compile(name: Option<&str>, root: Value, models: Models<'_>) -> Result<Vec<Part>, SchemaError> {
    let root = Document { name: name.map(str::to_owned), value: Rc::new(root) };
    let mut compiler = Compiler { models, documents: vec![root], places: Vec::new(), numbers: HashMap::new() };
    compiler.number(Place { document: 0, pointer: String::new() })?;
    let mut parts = Vec::new();
    while let Some(place) = compiler.places.get(parts.len()).cloned() {
        parts.push(compiler.part(&place)?);
    }
    let mut heights = vec![Height::Unknown; parts.len()];
    for number in 0..parts.len() {
        if height(&parts, number, 0, &mut heights).is_none() {
            let found = format!(
                "it is checked against itself, or against more than {SCHEMA_CHAIN_MAX} schemas within each other, before a value is taken apart"
            );
            return Err(compiler.error(&compiler.places[number], found));
        }
    }
    Ok(parts)
}

struct Compiler<'m> {
    models: Models<'m>,
    documents: Vec<Document>,
    /// Where the part of each number stands.
    places: Vec<Place>,
    numbers: HashMap<Place, PartNumber>,
}

struct Document {
    name: Option<String>,
    value: Rc<Value>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    document: usize,
    pointer: String,
}

impl Place {
    fn below(&self, key: &str) -> Self {
        let key = key.replace('~', "~0").replace('/', "~1");
        Self { document: self.document, pointer: format!("{}/{key}", self.pointer) }
    }
}

impl Compiler<'_> {
    fn error(&self, place: &Place, found: impl Into<String>) -> SchemaError {
        let model = self.documents.get(place.document).and_then(|document| document.name.clone());
        SchemaError { model: model.filter(|_| place.document > 0), pointer: place.pointer.clone(), found: found.into() }
    }

    /// The number of the part that stands there, behind its references.
    fn number(&mut self, mut place: Place) -> Result<PartNumber, SchemaError> {
        for _ in 0..REFERENCES_MAX {
            let document = self.documents.get(place.document).map(|document| Rc::clone(&document.value));
            let Some(Value::Object(schema)) = document.as_deref().and_then(|document| document.pointer(&place.pointer))
            else {
                return Err(self.error(&place, "a schema is an object"));
            };
            let Some(reference) = schema.get("$ref") else {
                if let Some(number) = self.numbers.get(&place) {
                    return Ok(*number);
                }
                if self.places.len() >= SCHEMA_PARTS_MAX {
                    return Err(self.error(&place, format!("it has more than {SCHEMA_PARTS_MAX} parts")));
                }
                let number = self.places.len() as PartNumber;
                self.places.push(place.clone());
                self.numbers.insert(place, number);
                return Ok(number);
            };
            let Value::String(reference) = reference else {
                return Err(self.error(&place, "`$ref` is a text"));
            };
            place = match self.target(place.document, reference) {
                Some(target) => target,
                None => {
                    let found = format!("`{reference}` names neither a part of the schema nor a model of this API");
                    return Err(self.error(&place, found));
                }
            };
        }
        Err(self.error(&place, "references name each other in a circle"))
    }

    /// What a reference names. Draft 4: nothing that stands beside it matters.
    fn target(&mut self, document: usize, reference: &str) -> Option<Place> {
        let (home, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let pointer = percent_decoded(fragment)?;
        let document = if home.is_empty() {
            let own = &self.documents.get(document)?.value;
            if own.pointer(&pointer).is_none() {
                // A schema that stands in an operation names those of its document.
                let name = SECTIONS.iter().find_map(|section| pointer.strip_prefix(section))?;
                let name = Some(name.replace("~1", "/").replace("~0", "~")).filter(|_| !name.contains('/'))?;
                return Some(Place { document: self.model(&name)?, pointer: String::new() });
            }
            document
        } else {
            let (_, name) = home.strip_prefix(HOME)?.split_once("/models/")?;
            self.model(name)?
        };
        Some(Place { document, pointer })
    }

    fn model(&mut self, name: &str) -> Option<usize> {
        let known = self.documents.iter().position(|document| document.name.as_deref() == Some(name));
        if known.is_some() {
            return known;
        }
        let value = Rc::new((self.models)(name)?);
        self.documents.push(Document { name: Some(name.to_owned()), value });
        Some(self.documents.len() - 1)
    }

    fn part(&mut self, place: &Place) -> Result<Part, SchemaError> {
        let document = self.documents.get(place.document).map(|document| Rc::clone(&document.value));
        let Some(Value::Object(schema)) = document.as_deref().and_then(|document| document.pointer(&place.pointer))
        else {
            return Err(self.error(place, "a schema is an object"));
        };
        let mut part = Part::default();
        // serde_json keeps the order of the text; the Java library has its keywords sorted.
        let sorted: BTreeMap<&String, &Value> = schema.iter().collect();
        for (keyword, value) in sorted {
            if let Some(keyword) = self.keyword(place, schema, keyword, value)? {
                part.keywords.push(keyword);
            }
        }
        self.members(place, schema, &mut part)?;
        part.items = self.items(place, schema)?;
        Ok(part)
    }

    fn keyword(
        &mut self,
        place: &Place,
        schema: &Map<String, Value>,
        keyword: &str,
        value: &Value,
    ) -> Result<Option<Keyword>, SchemaError> {
        let own = place.below(keyword);
        let wrong = |what: &str| self.error(&own, format!("`{keyword}` is {what}"));
        let count = || {
            let whole = value.as_f64().filter(|number| number.fract() == 0.0 && *number >= 0.0);
            value.as_u64().or(whole.map(|number| number as u64)).ok_or_else(|| wrong("an integer from 0"))
        };
        let limit = |flag: &str| {
            let number = Number::new(value.as_number().ok_or_else(|| wrong("a number"))?.to_string());
            match schema.get(flag) {
                None | Some(Value::Bool(false)) => Ok(Limit { number, exclusive: false }),
                Some(Value::Bool(true)) => Ok(Limit { number, exclusive: true }),
                // Later drafts have a number there.
                Some(_) => Err(self.error(place, format!("`{flag}` is true or false in draft 4"))),
            }
        };
        Ok(Some(match keyword {
            "additionalItems" => match (value, schema.get("items")) {
                (Value::Bool(false), Some(Value::Array(items))) => Keyword::AdditionalItems(items.len()),
                (Value::Bool(_) | Value::Object(_), _) => return Ok(None),
                _ => return Err(wrong("true, false or a schema")),
            },
            "additionalProperties" => match value {
                Value::Bool(false) => Keyword::AdditionalProperties,
                Value::Bool(_) | Value::Object(_) => return Ok(None),
                _ => return Err(wrong("true, false or a schema")),
            },
            "allOf" => Keyword::AllOf(self.list(&own, value)?),
            "anyOf" => Keyword::AnyOf(self.list(&own, value)?),
            "oneOf" => Keyword::OneOf(self.list(&own, value)?),
            "not" => Keyword::Not(self.number(own)?),
            "dependencies" => self.dependencies(&own, value)?,
            "enum" => match value {
                Value::Array(values) if !values.is_empty() => {
                    let json = Json::of_owned(value.to_string()).ok_or_else(|| wrong("too deep"))?;
                    Keyword::Enum(Options::new(json))
                }
                _ => return Err(wrong("a list of values")),
            },
            "exclusiveMaximum" | "exclusiveMinimum" if !value.is_boolean() => {
                return Err(wrong("true or false in draft 4"));
            }
            "format" => match value.as_str() {
                Some(name) => return Ok(Format::named(name).map(Keyword::Format)),
                None => return Err(wrong("a text")),
            },
            "maximum" => Keyword::Maximum(limit("exclusiveMaximum")?),
            "maxItems" => Keyword::MaxItems(count()?),
            "maxLength" => Keyword::MaxLength(count()?),
            "maxProperties" => Keyword::MaxProperties(count()?),
            "minimum" => Keyword::Minimum(limit("exclusiveMinimum")?),
            "minItems" => Keyword::MinItems(count()?),
            "minLength" => Keyword::MinLength(count()?),
            "minProperties" => Keyword::MinProperties(count()?),
            "multipleOf" => {
                let text = value.as_number().ok_or_else(|| wrong("a number"))?.to_string();
                let divisor = Divisor::of(&text).ok_or_else(|| wrong("above 0 and has at most 18 digits"))?;
                Keyword::MultipleOf(divisor, text.into())
            }
            "pattern" => {
                let source = value.as_str().ok_or_else(|| wrong("a text"))?;
                Keyword::Pattern(self.pattern(&own, source)?)
            }
            "required" => {
                if texts(value).is_none() {
                    return Err(wrong("a list of names"));
                }
                Keyword::Required
            }
            "type" => {
                let names = value.as_str().map(|name| vec![name]).or_else(|| texts(value));
                let mut types = Types::default();
                let sound = names.is_some_and(|names| !names.is_empty() && names.iter().all(|name| types.add(name)));
                if !sound {
                    return Err(wrong(&format!("one or several of {}", TYPES.join(", "))));
                }
                Keyword::Type(types)
            }
            "uniqueItems" => match value {
                Value::Bool(true) => Keyword::UniqueItems,
                Value::Bool(false) => return Ok(None),
                _ => return Err(wrong("true or false")),
            },
            _ => return Ok(None),
        }))
    }

    fn pattern(&self, place: &Place, source: &str) -> Result<Pattern, SchemaError> {
        Pattern::compile(source)
            .map_err(|why| self.error(place, format!("the pattern `{source}` cannot be run: {why}")))
    }

    fn list(&mut self, place: &Place, value: &Value) -> Result<Box<[PartNumber]>, SchemaError> {
        match value {
            Value::Array(parts) if !parts.is_empty() => {
                (0..parts.len()).map(|index| self.number(place.below(&index.to_string()))).collect()
            }
            _ => Err(self.error(place, "it is a list of schemas")),
        }
    }

    fn dependencies(&mut self, place: &Place, value: &Value) -> Result<Keyword, SchemaError> {
        let members = value.as_object().ok_or_else(|| self.error(place, "`dependencies` is an object"))?;
        let mut dependencies = Vec::new();
        for (name, value) in members {
            let own = place.below(name);
            let dependency = match value {
                Value::Object(_) => Dependency::Part(self.number(own)?),
                value => match texts(value) {
                    Some(names) => Dependency::Names(names.into_iter().map(Box::from).collect()),
                    None => return Err(self.error(&own, "a dependency is a schema or a list of names")),
                },
            };
            dependencies.push((name.as_str().into(), dependency));
        }
        Ok(Keyword::Dependencies(dependencies.into()))
    }

    fn members(&mut self, place: &Place, schema: &Map<String, Value>, part: &mut Part) -> Result<(), SchemaError> {
        let mut names: BTreeMap<&str, Name> = BTreeMap::new();
        for (name, own) in self.map(place, schema, "properties")? {
            let part = self.number(own)?;
            names.entry(name).or_insert_with(|| Name::new(name)).part = Some(part);
        }
        for name in schema.get("required").and_then(texts).into_iter().flatten() {
            names.entry(name).or_insert_with(|| Name::new(name)).required = true;
        }
        part.names = names.into_values().collect();
        part.required = part.names.iter().filter(|name| name.required).count();
        let mut patterns = Vec::new();
        for (source, own) in self.map(place, schema, "patternProperties")? {
            patterns.push((self.pattern(&own, source)?, self.number(own)?));
        }
        part.patterns = patterns.into();
        part.others = match schema.get("additionalProperties") {
            Some(Value::Bool(false)) => Others::Forbidden,
            Some(Value::Object(_)) => Others::Part(self.number(place.below("additionalProperties"))?),
            _ => Others::Allowed,
        };
        Ok(())
    }

    fn map<'s>(
        &self,
        place: &Place,
        schema: &'s Map<String, Value>,
        keyword: &str,
    ) -> Result<Vec<(&'s str, Place)>, SchemaError> {
        let own = place.below(keyword);
        match schema.get(keyword) {
            None => Ok(Vec::new()),
            Some(Value::Object(members)) => Ok(members.keys().map(|name| (name.as_str(), own.below(name))).collect()),
            Some(_) => Err(self.error(&own, format!("`{keyword}` is an object of schemas"))),
        }
    }

    fn items(&mut self, place: &Place, schema: &Map<String, Value>) -> Result<Items, SchemaError> {
        let own = place.below("items");
        match schema.get("items") {
            None => Ok(Items::Any),
            Some(Value::Object(_)) => Ok(Items::All(self.number(own)?)),
            Some(Value::Array(parts)) => {
                let parts = (0..parts.len()).map(|index| self.number(own.below(&index.to_string())));
                let parts = parts.collect::<Result<_, _>>()?;
                let behind = schema.get("additionalItems").is_some_and(Value::is_object);
                let behind = behind.then(|| self.number(place.below("additionalItems"))).transpose()?;
                Ok(Items::Each(parts, behind))
            }
            Some(_) => Err(self.error(&own, "`items` is a schema or a list of them")),
        }
    }
}

fn texts(value: &Value) -> Option<Vec<&str>> {
    value.as_array()?.iter().map(Value::as_str).collect()
}

/// RFC 6901 section 6: a pointer in a fragment is percent-encoded.
fn percent_decoded(fragment: &str) -> Option<String> {
    percent_encoding::percent_decode_str(fragment).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[derive(Clone, Copy, Debug)]
enum Height {
    Unknown,
    Known(usize),
}

/// How many schemas the same value is checked against within each other; `None` where there is no end to it.
fn height(parts: &[Part], number: usize, depth: usize, heights: &mut [Height]) -> Option<usize> {
    if let Some(Height::Known(height)) = heights.get(number) {
        return Some(*height).filter(|height| depth + height <= SCHEMA_CHAIN_MAX);
    }
    if depth > SCHEMA_CHAIN_MAX {
        return None;
    }
    let mut most = 0;
    for keyword in &parts.get(number)?.keywords {
        let below: &mut dyn Iterator<Item = PartNumber> = match keyword {
            Keyword::AllOf(parts) | Keyword::AnyOf(parts) | Keyword::OneOf(parts) => &mut parts.iter().copied(),
            Keyword::Not(part) => &mut std::iter::once(*part),
            Keyword::Dependencies(dependencies) => &mut dependencies.iter().filter_map(|(_, one)| match one {
                Dependency::Part(part) => Some(*part),
                Dependency::Names(_) => None,
            }),
            _ => continue,
        };
        for part in below {
            most = most.max(1 + height(parts, part as usize, depth + 1, heights)?);
        }
    }
    if let Some(place) = heights.get_mut(number) {
        *place = Height::Known(most);
    }
    Some(most)
}
