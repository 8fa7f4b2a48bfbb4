//! `import-rest-api`, `put-rest-api` and `get-export`: an API as one document (control-plane/openapi-import-export).

use serde_json::Value;

use super::call::{Call, Reply, Turn};
use super::common::{api, object, text, with_tags, without_empty_tags};
use super::errors::AwsError;
use super::{content, endpoint_configuration, patch, policy_text, rest_apis, stages, tags, tree};
use crate::formats::openapi::{self, BasePath, ExportOptions, Extensions, ImportOptions};
use crate::model::api_rows::{ApiRows, Object};
use crate::model::cors;
use crate::model::problem::{Problem, Severity};

pub fn import(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let (rows, warnings) = read(turn, call)?;
    let given_tags = rows.api.get("tags").and_then(Value::as_object).cloned();
    given_tags.as_ref().map(tags::check).transpose()?;
    let id = rest_apis::fresh_id(turn, given_tags.as_ref())?;
    let root = turn.fresh_id(&["restapis", &id, "resources"], 10);
    let configuration = endpoint(call, rows.api.get("endpointConfiguration"))?;
    let policy = rows.api.get("policy").and_then(Value::as_str);
    let policy = policy.map(|policy| policy_text::kept(policy, turn.facts, &call.account, &id)).transpose()?;
    let member = |name: &str| rows.api.get(name).cloned();
    let row = object([
        ("id", Some(id.as_str().into())),
        ("name", member("name")),
        ("description", member("description")),
        ("createdDate", Some(turn.now.into())),
        ("version", member("version")),
        ("binaryMediaTypes", member("binaryMediaTypes")),
        ("minimumCompressionSize", member("minimumCompressionSize")),
        ("apiKeySource", member("apiKeySource").or_else(|| Some("HEADER".into()))),
        ("endpointConfiguration", Some(configuration)),
        ("policy", policy.map(Value::from)),
        ("tags", given_tags.map(Value::Object)),
        ("disableExecuteApiEndpoint", member("disableExecuteApiEndpoint").or_else(|| Some(false.into()))),
        ("rootResourceId", Some(root.as_str().into())),
        ("securityPolicy", member("securityPolicy")),
        ("endpointAccessMode", member("endpointAccessMode")),
        (cors::ROW_MEMBER, member(cors::ROW_MEMBER)),
    ]);
    turn.put(&["restapis", &id], &row);
    let root_row = object([("id", Some(root.as_str().into())), ("path", Some("/".into()))]);
    turn.put(&["restapis", &id, "resources", &root], &root_row);
    content::write(turn, &id, rows);
    Ok(Reply::Object(without_empty_tags(with_warnings(rest_apis::view(row), warnings))))
}

pub fn put(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut row = api(turn, call)?;
    let id = call.path("restapi_id");
    let overwrite = match call.query("mode").filter(|mode| !mode.is_empty()) {
        None | Some("merge") => false,
        Some(_) => true,
    };
    let (rows, warnings) = read(turn, call)?;
    if overwrite {
        content::clear(turn, id, &rows);
        for name in rest_apis::OF_DOCUMENT {
            row.shift_remove(*name);
        }
        patch::set(&mut row, "apiKeySource", "HEADER".into());
    }
    for (name, value) in &rows.api {
        match name.as_str() {
            // Recorded: a merge appends to the list that is there.
            "binaryMediaTypes" => append(&mut row, name, value),
            "policy" => {
                let policy = policy_text::kept(value.as_str().unwrap_or_default(), turn.facts, &call.account, id)?;
                patch::set(&mut row, name, policy.into());
            }
            "endpointConfiguration" => {
                // The type stays where the document does not say one: a PRIVATE API must not come out of it public.
                let mut given = row.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
                given.extend(value.as_object().cloned().unwrap_or_default());
                patch::set(&mut row, name, endpoint_configuration::given(Some(&given))?);
            }
            // Tags of a document are for a new API; those of an API that exists stay (openapi-import-export section 4).
            "tags" => {}
            _ => patch::set(&mut row, name, value.clone()),
        }
    }
    turn.put(&["restapis", id], &row);
    content::write(turn, id, rows);
    tree::check(&turn.children(&["restapis", id, "resources"]))?;
    Ok(Reply::Object(with_tags(with_warnings(rest_apis::view(row), warnings))))
}

/// The document's rows and what AWS would warn of; or why it cannot be taken.
fn read(turn: &Turn<'_>, call: &Call) -> Result<(ApiRows, Vec<Value>), AwsError> {
    let unreadable = || AwsError::bad_request("Invalid OpenAPI input.");
    let document = std::str::from_utf8(&call.raw).map_err(|_| unreadable())?;
    let base_path = match call.query("basepath").unwrap_or("ignore") {
        "ignore" => BasePath::Ignore,
        "prepend" => BasePath::Prepend,
        "split" => BasePath::Split,
        other => {
            return Err(AwsError::bad_request(format!(
                "Invalid basepath specified: {other}. Valid options are ignore,prepend,split"
            )));
        }
    };
    let options = ImportOptions {
        account_id: call.account.clone(),
        region: turn.facts.region.clone(),
        base_path,
        ignore_documentation: call.query_all("ignore").any(|value| value == "documentation"),
        ..ImportOptions::default()
    };
    let mut problems = Vec::new();
    let imported = openapi::import_rows(document, &options, &mut problems).ok_or_else(unreadable)?;
    let syntax = |problem: &Problem| problem.code.starts_with("yaml::") || problem.code == "openapi::version";
    if problems.iter().any(|problem| problem.severity == Severity::Error && syntax(problem)) {
        return Err(unreadable());
    }
    let told = |wanted: fn(Severity) -> bool| {
        let those = problems.iter().filter(move |problem| wanted(problem.severity));
        those.map(|problem| problem.found.clone()).collect::<Vec<String>>()
    };
    let errors = told(|severity| severity == Severity::Error);
    if !errors.is_empty() {
        return Err(AwsError::bad_request(format!("Errors found during import:\n\t{}", errors.join("\n\t"))));
    }
    let warnings = told(|severity| severity != Severity::Error);
    if call.flag("failonwarnings") && !warnings.is_empty() {
        return Err(AwsError::bad_request(format!("Warnings found during import:\n\t{}", warnings.join("\n\t"))));
    }
    Ok((imported.rows, warnings.into_iter().map(Value::from).collect()))
}

/// The endpoint type of the query, else of the document, else EDGE.
fn endpoint(call: &Call, of_document: Option<&Value>) -> Result<Value, AwsError> {
    let Some(kinds) = call.query("endpointConfigurationTypes").filter(|kinds| !kinds.is_empty()) else {
        return endpoint_configuration::given(of_document.and_then(Value::as_object));
    };
    let kinds: Vec<Value> = kinds.split(',').map(|kind| kind.trim().into()).collect();
    if kinds.iter().any(|kind| !super::shapes::enumeration("EndpointType").contains(&kind.as_str().unwrap_or_default()))
    {
        return Err(AwsError::bad_request("Invalid EndpointTypes specified. Valid options are REGIONAL,EDGE,PRIVATE"));
    }
    let of_query = call.query("vpcEndpointIds");
    let of_document = of_document.and_then(|document| document.get("vpcEndpointIds")).filter(|_| of_query.is_none());
    let endpoints: Vec<Value> = of_query
        .into_iter()
        .flat_map(|ids| ids.split(','))
        .filter(|id| !id.is_empty())
        .map(|id| id.trim().into())
        .collect();
    let endpoints = of_document.cloned().unwrap_or_else(|| endpoints.into());
    let given = object([("types", Some(kinds.into())), ("vpcEndpointIds", Some(endpoints))]);
    endpoint_configuration::given(Some(&given))
}

fn append(row: &mut Object, name: &str, value: &Value) {
    let mut items = row.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    for item in value.as_array().into_iter().flatten() {
        if !items.contains(item) {
            items.push(item.clone());
        }
    }
    patch::set(row, name, items.into());
}

fn with_warnings(mut row: Object, warnings: Vec<Value>) -> Object {
    if !warnings.is_empty() {
        row.insert("warnings".into(), warnings.into());
    }
    row
}

/// The API as the stage serves it, not as it stands now.
pub fn export(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let stage = stages::find(turn, call)?;
    let row = api(turn, call)?;
    let dialect = match call.path("export_type") {
        "oas30" => openapi::ExportDialect::OpenApi3,
        "swagger" => openapi::ExportDialect::Swagger2,
        _ => return Err(AwsError::bad_request("Invalid export type specified. Valid options are oas30,swagger")),
    };
    let yaml = match call.accept.as_str() {
        "application/yaml" | "application/x-yaml" | "text/yaml" => true,
        "" | "*/*" => false,
        accept if accept.contains("json") => false,
        _ => {
            return Err(AwsError::bad_request(
                "Invalid Accept header specified. Valid options are application/json,application/yaml",
            ));
        }
    };
    let deployment = text(&stage, "deploymentId").unwrap_or_default();
    let rows = content::deployed(turn, call.path("restapi_id"), deployment)
        .ok_or_else(|| AwsError::unavailable("The deployment's content cannot be read"))?;
    let extensions = Extensions::parse(call.query("extensions").unwrap_or_default()).ok_or_else(|| {
        AwsError::bad_request(
            "Invalid extensions specified. Valid options are integrations,apigateway,authorizers,postman",
        )
    })?;
    let options = ExportOptions {
        dialect,
        yaml,
        extensions,
        api_id: call.path("restapi_id").to_owned(),
        region: turn.facts.region.clone(),
        stage: call.path("stage_name").to_owned(),
        created_date: row.get("createdDate").and_then(Value::as_i64).unwrap_or_default(),
        documentation_version: text(&stage, "documentationVersion").map(str::to_owned),
    };
    let version = text(&rows.api, "version").unwrap_or_default();
    let prefix = if call.path("export_type") == "oas30" { "oas30" } else { "swagger" };
    let ending = if yaml { "yaml" } else { "json" };
    Ok(Reply::Document {
        body: openapi::export(&rows, &options).into_bytes(),
        content_type: "application/octet-stream",
        file_name: format!("{prefix}_{}.{ending}", file_word(version)),
    })
}

/// A version goes into a header: what would end its quotes is left out.
fn file_word(version: &str) -> String {
    version.chars().filter(|letter| letter.is_ascii_graphic() && !matches!(letter, '"' | '\\' | '/')).take(64).collect()
}
