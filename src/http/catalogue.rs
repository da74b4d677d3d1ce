//! `GET /catalogue`: the components that pipelines and destinations are made of.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH},
};
use linkmesh_actors::{catalog::catalogue, domain::access::Permission};
use linkmesh_proto::api::{catalogue::CatalogueEntry, list::Page};
use sha2::{Digest, Sha256};

use super::routes::{Access, Route};
use crate::error::{Error, Result};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(
            "/catalogue",
            "get_catalogue",
            Access::Needs(Permission::CatalogueRead),
            "Every component kind with the JSON Schema of its settings.",
            list,
        )
        .answers::<Page<CatalogueEntry>>(200, "All kinds, on one page.")
        .etag(),
    ]
}

async fn list(request: HttpRequest) -> Result<HttpResponse> {
    let items = catalogue().entries();
    let page = Page { total: items.len() as u64, items, next_cursor: None };
    let body = serde_json::to_vec(&page).map_err(Error::internal)?;
    // Changes with the program only: browsers ask again and mostly hear 304.
    let etag = format!("\"{}\"", hex::encode(Sha256::digest(&body)).get(..40).unwrap_or_default());
    let known = request.headers().get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((ETAG, etag)).insert_header((CACHE_CONTROL, "private, no-cache"));
    Ok(if known { response.finish() } else { response.content_type("application/json").body(body) })
}
