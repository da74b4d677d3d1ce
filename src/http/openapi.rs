//! `GET /openapi.json`: the interface described from the table of routes and the types of `linkmesh-proto`.

use std::sync::OnceLock;

use actix_web::{
    HttpResponse,
    http::{Method, header::CACHE_CONTROL},
};
use linkmesh_proto::api::problem::Problem;
use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::routes::{Access, Answer, Body, Meta, PREFIX, Param, Precondition, Route, SESSION_COOKIE, table};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(
            "/openapi.json",
            "get_openapi",
            Access::Public,
            "This description. The same for everybody; it holds nothing of the fleet.",
            get_openapi,
        )
        .answers_text(200, "OpenAPI 3.1.", "application/json"),
    ]
}

async fn get_openapi() -> HttpResponse {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| describe().to_string());
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((CACHE_CONTROL, "public, max-age=300"))
        .body(text.as_str())
}

/// The description of all routes.
#[must_use]
pub fn describe() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let problem = generator.subschema_for::<Problem>().to_value();
    let mut paths = Map::new();
    for route in table() {
        let operation = operation(&route.meta, &mut generator);
        let path = paths.entry(format!("{PREFIX}{}", route.meta.path)).or_insert_with(|| json!({}));
        if let Value::Object(methods) = path {
            methods.insert(route.meta.method.as_str().to_lowercase(), operation);
        }
    }
    for (path, summary) in [("/healthz", "Whether the process lives."), ("/readyz", "Whether it can do its work.")] {
        let answers =
            json!({"200": {"description": "It does."}, "503": {"description": "It does not; the body says why."}});
        paths.insert(
            path.to_owned(),
            json!({"get": {
                "operationId": path.trim_start_matches('/'), "summary": summary, "security": [], "responses": answers,
            }}),
        );
    }
    let mut schemas = generator.take_definitions(true);
    schemas.sort_keys();
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "LinkMesh",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A control plane for fleets of OpenTelemetry collectors. Times are RFC 3339 in UTC; unknown \
                fields are refused; errors are problem documents (RFC 9457).",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {"Problem": {
                "description": "Why the request was refused or failed.",
                "content": {"application/problem+json": {"schema": problem}},
            }},
            "securitySchemes": {
                "session": {
                    "type": "apiKey", "in": "cookie", "name": SESSION_COOKIE,
                    "description": "Set by `POST /session`. Writes also need the session's `X-CSRF-Token`.",
                },
                "service_account": {"type": "http", "scheme": "bearer", "bearerFormat": "lmsat_..."},
                "enrolment_token": {"type": "http", "scheme": "bearer", "bearerFormat": "lmet_..."},
            },
        },
    })
}

fn operation(meta: &Meta, generator: &mut SchemaGenerator) -> Value {
    let mut operation = json!({
        "operationId": meta.name,
        "summary": meta.summary,
        "tags": [meta.path.split('/').nth(1).unwrap_or("server").split('.').next()],
        "security": match meta.access {
            Access::Public => json!([]),
            Access::EnrolmentToken => json!([{"enrolment_token": []}]),
            Access::SignedIn | Access::Needs(_) => json!([{"session": []}, {"service_account": []}]),
        },
        "x-permission": match meta.access {
            Access::Needs(permission) => json!(permission.as_str()),
            Access::Public | Access::EnrolmentToken | Access::SignedIn => Value::Null,
        },
        "parameters": parameters(meta),
    });
    if let Some(body) = &meta.request {
        operation["requestBody"] = json!({"required": true, "content": content(body, generator)});
    }
    let mut responses = Map::new();
    for Answer { status, description, body } in &meta.answers {
        let mut answer = json!({"description": description});
        if let Some(body) = body {
            answer["content"] = content(body, generator);
        }
        if meta.etag {
            answer["headers"] =
                json!({"ETag": {"schema": {"type": "string"}, "description": "Version of the document."}});
        }
        responses.insert(status.to_string(), answer);
    }
    for status in error_statuses(meta) {
        responses.entry(status.to_string()).or_insert(json!({"$ref": "#/components/responses/Problem"}));
    }
    responses.insert("default".to_owned(), json!({"$ref": "#/components/responses/Problem"}));
    operation["responses"] = Value::Object(responses);
    operation
}

fn content(body: &Body, generator: &mut SchemaGenerator) -> Value {
    let schema = body.schema.map_or_else(|| json!({}), |schema| schema(generator).to_value());
    json!({body.content_type: {"schema": schema}})
}

fn error_statuses(meta: &Meta) -> Vec<u16> {
    let mut statuses = meta.errors.to_vec();
    match meta.access {
        Access::Public => {}
        Access::SignedIn | Access::EnrolmentToken => statuses.push(401),
        Access::Needs(_) => statuses.extend([401, 403]),
    }
    if meta.path.contains('{') {
        statuses.extend([400, 404]);
    }
    if meta.precondition != Precondition::None {
        statuses.extend([412, 428]);
    }
    if meta.request.is_some() {
        statuses.extend([400, 408, 413, 415, 422]);
    }
    if meta.method != Method::GET {
        statuses.push(504);
    }
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

fn parameters(meta: &Meta) -> Vec<Value> {
    let header = |name: &str, required: bool, description: &str| json!({"name": name, "in": "header", "required": required, "description": description, "schema": {"type": "string"}});
    let mut parameters: Vec<_> = meta
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    parameters.extend(meta.query.iter().map(query_parameter));
    match meta.precondition {
        Precondition::None => {}
        Precondition::IfMatch => parameters.push(header("If-Match", true, "`ETag` of the version that this changes.")),
        Precondition::IfMatchOrCreate => {
            parameters.push(header("If-Match", false, "`ETag` of the version that this changes."));
            parameters.push(header("If-None-Match", false, "`*` to create; one of the two is needed."));
        }
    }
    if meta.is_idempotent_by_key() {
        parameters.push(header("Idempotency-Key", false, "A repeated request with the same key is carried out once."));
    }
    parameters
}

fn query_parameter(param: &Param) -> Value {
    let mut schema = json!({"type": param.kind});
    if !param.values.is_empty() {
        schema["enum"] = json!(param.values);
    }
    if param.repeats {
        schema = json!({"type": "array", "items": schema});
    }
    json!({"name": param.name, "in": "query", "required": false, "description": param.description, "schema": schema})
}

#[cfg(test)]
mod tests;
