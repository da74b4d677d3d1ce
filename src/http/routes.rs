//! The one table of REST routes: method, path, who may, handler, documents.
//!
//! From it are made the routes that actix-web serves, the checks in front of them ([`guard`]), the `route` label of
//! metrics, and the `OpenAPI` description ([`super::openapi`]). A route that is not here does not exist.

mod conditional;
mod context;
mod extract;
mod finish;
mod guard;
mod idempotency;
mod outlive;
mod page;
mod route;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use actix_web::{HttpRequest, web};

pub use self::{
    conditional::{IfMatch, Version, document},
    context::{Commit, Context, REQUEST_ID},
    extract::{DEFAULT_MAX_BODY, Id, Json, Params, RawJson, invalid},
    finish::finish,
    guard::{RouteLabel, SESSION_COOKIE},
    idempotency::Idempotency,
    page::{Paging, limit, paged, written},
    route::{Access, Answer, Body, Meta, Param, Precondition, Route, SchemaOf},
};
use crate::error::{Error, ErrorCode};

/// Where the table is mounted.
pub const PREFIX: &str = "/api/v1";

/// Every route under [`PREFIX`], in the order of the description.
#[must_use]
pub fn table() -> Vec<Route> {
    [
        super::setup::routes(),
        super::session::routes(),
        super::fleet::routes(),
        super::collectors::routes(),
        super::enrolment::routes(),
        super::pipelines::routes(),
        super::destinations::routes(),
        super::catalogue::routes(),
        super::revisions::routes(),
        super::live::routes(),
        super::metrics::routes(),
        super::openapi::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Mounts the table, and what answers outside of it, under the scope that `config` configures ([`PREFIX`]).
pub fn configure(config: &mut web::ServiceConfig) {
    let mut paths: BTreeMap<&'static str, (actix_web::Resource, Vec<&'static str>)> = BTreeMap::new();
    for route in table() {
        let (meta, service) = route.service();
        let (resource, methods) = paths.remove(meta.path).unwrap_or_else(|| (web::resource(meta.path), Vec::new()));
        let method = match meta.method.as_str() {
            "GET" => "GET",
            "POST" => "POST",
            "PUT" => "PUT",
            "PATCH" => "PATCH",
            _ => "DELETE",
        };
        let methods = methods.into_iter().chain([method]).collect();
        paths.insert(meta.path, (resource.route(service), methods));
    }
    // Fixed paths before those with parameters: `/pipelines/validate` is no pipeline.
    let (fixed, patterns): (Vec<_>, Vec<_>) = paths.into_iter().partition(|(path, _)| !path.contains('{'));
    for (_, (resource, methods)) in fixed.into_iter().chain(patterns) {
        config.service(resource.default_service(web::to(move || {
            let methods = methods.clone();
            async move {
                let detail = format!("This resource knows {}.", methods.join(", "));
                Err::<actix_web::HttpResponse, _>(Error::new(ErrorCode::MethodNotAllowed, detail).with_allow(methods))
            }
        })));
    }
}

/// Answers what nothing else answers under [`PREFIX`].
///
/// # Errors
/// Always.
pub async fn not_found(request: HttpRequest) -> Result<actix_web::HttpResponse, Error> {
    Err(Error::new(ErrorCode::NotFound, format!("There is nothing at {}.", request.path())))
}
