//! `x-weir-cors` to the lines of an answer.

use super::{Cors, Origins};
use crate::model::cors::{ANY_WITH_CREDENTIALS, NAME_THE_ORIGINS};
use crate::model::problem::{Located, Place, Problem};
use crate::model::rest_api::{HttpMethod, RestApi};
use crate::wire::headers::is_token;
use crate::wire::origin::OriginPattern;

/// `None` where the API has none. What a document's reader refuses is refused here too: rows may come from elsewhere.
pub fn compile(api: &RestApi, problems: &mut Vec<Problem>) -> Option<Cors> {
    let Located { value: cors, place } = api.cors.as_ref()?;
    let mut origins = Vec::new();
    for origin in &cors.origins {
        match OriginPattern::parse(origin) {
            Ok(pattern) => origins.push(pattern),
            Err(help) => {
                problems.push(Problem::error("cors::origin", *place, format!("`{origin}` is no origin"), help));
            }
        }
    }
    let any = origins.iter().any(OriginPattern::is_any);
    if cors.credentials && any {
        problems.push(Problem::error("cors::credentials", *place, ANY_WITH_CREDENTIALS, NAME_THE_ORIGINS));
    }
    let mut list = |items: &[String]| {
        problems.extend(items.iter().filter(|item| !is_token(item.as_bytes())).map(|item| not_a_name(item, *place)));
        Some(items.join(",")).filter(|text| !text.is_empty())
    };
    let methods = list(&cors.methods).or_else(|| Some(verbs(api)));
    let headers = list(&cors.headers);
    let exposed = list(&cors.expose_headers);

    // Which origins, and whether with credentials: that is said here alone. Of the rest, what is not said here stays
    // the backend's.
    let mut always = Lines { names: vec!["Access-Control-Allow-Origin", CREDENTIALS], ..Lines::default() };
    always.add(CREDENTIALS, cors.credentials.then(|| "true".to_owned()));
    always.add("Access-Control-Expose-Headers", exposed);
    let mut on_preflights = Lines::default();
    on_preflights.add("Access-Control-Allow-Methods", methods);
    on_preflights.add("Access-Control-Allow-Headers", headers);
    on_preflights.add("Access-Control-Max-Age", cors.max_age.map(|seconds| seconds.to_string()));
    Some(Cors {
        origins: if any { Origins::Any } else { Origins::These(origins.into()) },
        on_every_answer: always.text.into_bytes().into(),
        replaced: always.names.into(),
        on_preflights: on_preflights.text.into_bytes().into(),
        replaced_on_preflights: on_preflights.names.into(),
    })
}

const CREDENTIALS: &str = "Access-Control-Allow-Credentials";

#[derive(Default)]
struct Lines {
    text: String,
    names: Vec<&'static str>,
}

impl Lines {
    fn add(&mut self, name: &'static str, value: Option<String>) {
        if let Some(value) = value {
            self.names.push(name);
            self.text.extend([name, ": ", &value, "\r\n"]);
        }
    }
}

fn not_a_name(item: &str, place: Place) -> Problem {
    Problem::error("cors::name", place, format!("{item:?} is no name"), "Write the name of a verb or a header")
}

/// The verbs that the API has, which is what a page can want of it.
fn verbs(api: &RestApi) -> String {
    let methods = || api.resources.iter().flat_map(|resource| &resource.methods).map(|method| method.http_method);
    let all = methods().any(|method| method == HttpMethod::Any);
    let named = HttpMethod::ALL.into_iter().filter(|verb| *verb != HttpMethod::Any);
    let used = named.filter(|verb| all || methods().any(|method| method == *verb));
    used.map(HttpMethod::as_str).collect::<Vec<_>>().join(",")
}
