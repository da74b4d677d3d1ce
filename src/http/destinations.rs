//! `/destinations`: exporters configured once and shared by pipelines.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method, StatusCode,
        header::{ETAG, LOCATION},
    },
    web,
};
use linkmesh_actors::{
    domain::{
        access::Permission,
        config::{ConfigSnapshot, Versioned},
        document::{DocumentPath, read_destination, read_new_destination},
        secret::mask_destination,
        validate::{FleetFacts, validate_destination},
    },
    repository::{Edit, Precondition as Stored, Saved, StoredDocument},
};
use linkmesh_proto::{
    DestinationId, Etag,
    api::{
        destination::{Destination, DestinationDocument, DestinationSaved, NewDestination},
        list::Page,
        pipeline::Validation,
    },
};
use serde_json::Value;

use super::{
    AppState,
    documents::{as_stale, id_of, misshapen, save, stored, without_added_fields},
    routes::{
        Access, Context, Id, IfMatch, Json, PREFIX, Paging, Param, Params, Precondition, Route, Version, document,
        paged,
    },
};
use crate::{
    auth::Caller,
    error::{Error, Result},
};

pub(super) fn routes() -> Vec<Route> {
    const READ: Access = Access::Needs(Permission::DestinationsRead);
    const WRITE: Access = Access::Needs(Permission::DestinationsWrite);
    vec![
        Route::get("/destinations", "list_destinations", READ, "Destinations by id.", list)
            .query([
                Param::text("q", "A part of the id, the name, the description or the kind; case does not matter."),
                Param::LIMIT,
                Param::CURSOR,
            ])
            .answers::<Page<Destination>>(200, "A page of destinations."),
        Route::post(
            "/destinations",
            "create_destination",
            WRITE,
            "Creates a destination; 409 when the id is taken.",
            post,
        )
        .reads::<NewDestination>()
        .answers::<DestinationSaved>(201, "It is committed.")
        .etag()
        .errors(&[409, 503]),
        Route::post(
            "/destinations/validate",
            "validate_destination",
            READ,
            "Says what is wrong with a destination, also for the pipelines that use it. Stores nothing.",
            validate,
        )
        .reads::<NewDestination>()
        .answers::<Validation>(200, "What is wrong; nothing when both lists are empty."),
        Route::get("/destinations/{id}", "get_destination", READ, "One destination.", get)
            .answers::<Destination>(200, "The destination; secrets as `{\"sealed\": true}`.")
            .etag(),
        Route::new(
            Method::PUT,
            "/destinations/{id}",
            "save_destination",
            WRITE,
            "Saves a destination, new or known. `{\"sealed\": true}` keeps a secret.",
            put,
        )
        .reads::<DestinationDocument>()
        .precondition(Precondition::IfMatchOrCreate)
        .answers::<DestinationSaved>(200, "It is committed.")
        .answers::<DestinationSaved>(201, "It is committed, and is new.")
        .etag()
        .errors(&[503]),
        Route::delete(
            "/destinations/{id}",
            "delete_destination",
            WRITE,
            "Deletes a destination; 409 while a pipeline sends to it.",
            delete,
        )
        .precondition(Precondition::IfMatch)
        .answers_nothing(204, "It is gone.")
        .errors(&[409, 503]),
    ]
}

/// A destination as the API shows it.
fn show(id: &DestinationId, destination: &Versioned<DestinationDocument>, config: &ConfigSnapshot) -> Destination {
    Destination {
        id: id.clone(),
        document: mask_destination(&destination.document),
        revision: destination.revision,
        updated_at: destination.updated_at,
        updated_by: destination.updated_by.clone(),
        used_by: config.users_of(id),
        broken: config.broken(&DocumentPath::Destination(id.clone())).map(|broken| broken.reason.clone()),
    }
}

/// The destination as stored now, with the version that `If-Match` must name.
fn current(state: &AppState, id: &DestinationId) -> Option<(Destination, Etag)> {
    let stored = state.handles.repository.stored(&DocumentPath::Destination(id.clone()))?;
    let (StoredDocument::Destination(_, destination), etag) = stored else { return None };
    Some((show(id, &destination, &state.handles.repository.snapshot()), etag))
}

async fn list(state: web::Data<AppState>, params: Params) -> Result<HttpResponse> {
    let paging = Paging::<DestinationId>::of(&params, "id")?;
    let config = state.handles.repository.snapshot();
    let text = params.text("q").map(str::to_lowercase);
    let rows: Vec<_> = config
        .destinations
        .iter()
        .filter(|(id, destination)| {
            text.as_ref().is_none_or(|text| {
                let document = &destination.document;
                [id.as_str(), &document.name, &document.description, &document.kind]
                    .iter()
                    .any(|s| s.to_lowercase().contains(text))
            })
        })
        .collect();
    let Page { items, next_cursor, total } = paged(rows, &paging, "id", false, |(id, _)| (*id).clone());
    let items: Vec<_> = items.into_iter().map(|(id, destination)| show(id, destination, &config)).collect();
    Ok(HttpResponse::Ok().json(Page { items, next_cursor, total }))
}

async fn get(state: web::Data<AppState>, request: HttpRequest, Id(id): Id<DestinationId>) -> Result<HttpResponse> {
    let (destination, etag) = current(&state, &id).ok_or_else(|| Error::not_found("destination", &id))?;
    Ok(document(&request, etag, &destination))
}

async fn post(
    state: web::Data<AppState>,
    context: Context,
    caller: Caller,
    Json(body): Json<Value>,
) -> Result<HttpResponse> {
    let NewDestination { id, document } = read_new_destination(&body).map_err(Error::invalid)?;
    let id = id_of(id, &document.name)?;
    let edit = Edit::Destination(id.clone(), document);
    let saved =
        save(&state, &context, &caller, edit, Stored::Absent, "destinations:create", || current(&state, &id)).await?;
    answer(&state, &id, saved, StatusCode::CREATED)
}

async fn put(
    state: web::Data<AppState>,
    context: Context,
    caller: Caller,
    Id(id): Id<DestinationId>,
    version: Version,
    Json(body): Json<Value>,
) -> Result<HttpResponse> {
    let body = without_added_fields(body, id.as_str())?;
    let edit = Edit::Destination(id.clone(), read_destination(&body).map_err(Error::invalid)?);
    let (action, status) = match version {
        Version::Absent => ("destinations:create", StatusCode::CREATED),
        Version::Is(_) => ("destinations:update", StatusCode::OK),
    };
    let saved = save(&state, &context, &caller, edit, stored(version), action, || current(&state, &id))
        .await
        .map_err(as_stale)?;
    answer(&state, &id, saved, status)
}

fn answer(state: &AppState, id: &DestinationId, saved: Saved, status: StatusCode) -> Result<HttpResponse> {
    let (destination, etag) = current(state, id).ok_or_else(|| Error::not_found("destination", id))?;
    let mut response = HttpResponse::build(status);
    response.insert_header((ETAG, format!("\"{}\"", saved.etag.unwrap_or(etag))));
    if status == StatusCode::CREATED {
        response.insert_header((LOCATION, format!("{PREFIX}/destinations/{id}")));
    }
    Ok(response.json(DestinationSaved {
        destination,
        revision: saved.revision,
        rollout_id: None,
        affected: saved.affected,
        warnings: saved.warnings,
    }))
}

async fn delete(
    state: web::Data<AppState>,
    context: Context,
    caller: Caller,
    Id(id): Id<DestinationId>,
    IfMatch(etag): IfMatch,
) -> Result<HttpResponse> {
    let edit = Edit::Delete(DocumentPath::Destination(id.clone()));
    let precondition = Stored::Matches(etag);
    save(&state, &context, &caller, edit, precondition, "destinations:delete", || current(&state, &id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn validate(state: web::Data<AppState>, Json(body): Json<Value>) -> Result<HttpResponse> {
    let validation = match read_new_destination(&body) {
        Err(errors) => misshapen(errors),
        Ok(NewDestination { id, document }) => {
            let id = id_of(id, &document.name).or_else(|_| "draft".parse())?;
            web::block(move || {
                let facts = state.handles.fleet.facts();
                let config = state.handles.repository.snapshot();
                validate_destination(&id, &document, &config, &FleetFacts { collectors: &facts })
            })
            .await
            .map_err(Error::internal)?
        }
    };
    Ok(HttpResponse::Ok().json(validation))
}
