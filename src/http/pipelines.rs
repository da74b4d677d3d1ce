//! `/pipelines`: documents of the config repository, checked and previewed before they are saved.

use std::collections::BTreeMap;

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
        document::{DocumentPath, read_new_pipeline, read_pipeline},
        secret::mask_pipeline,
        validate::{FleetFacts, validate_pipeline},
    },
    repository::{Edit, Precondition as Stored, Saved, StoredDocument},
};
use linkmesh_proto::{
    Etag, PipelineId,
    api::{
        list::Page,
        pipeline::{NewPipeline, Pipeline, PipelineDocument, PipelineSaved, Preview, Validation},
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
    const READ: Access = Access::Needs(Permission::PipelinesRead);
    const WRITE: Access = Access::Needs(Permission::PipelinesWrite);
    vec![
        Route::get("/pipelines", "list_pipelines", READ, "Pipelines by id.", list)
            .query([
                Param::text("q", "A part of the id, the name or the description; case does not matter."),
                Param::LIMIT,
                Param::CURSOR,
            ])
            .answers::<Page<Pipeline>>(200, "A page of pipelines."),
        Route::post("/pipelines", "create_pipeline", WRITE, "Creates a pipeline; 409 when the id is taken.", post)
            .reads::<NewPipeline>()
            .answers::<PipelineSaved>(201, "It is committed.")
            .etag()
            .errors(&[409, 503]),
        Route::post(
            "/pipelines/validate",
            "validate_pipeline",
            READ,
            "Says what is wrong with a pipeline. Stores nothing.",
            validate,
        )
        .reads::<NewPipeline>()
        .answers::<Validation>(200, "What is wrong; nothing when both lists are empty."),
        Route::post(
            "/pipelines/preview",
            "preview_pipeline",
            READ,
            "What a collector that runs only this pipeline would get, on both runtimes. Stores nothing.",
            preview,
        )
        .reads::<NewPipeline>()
        .answers::<Preview>(200, "Both texts, secrets hidden, and the collectors that match."),
        Route::get("/pipelines/{id}", "get_pipeline", READ, "One pipeline.", get)
            .answers::<Pipeline>(200, "The pipeline; secrets as `{\"sealed\": true}`.")
            .etag(),
        Route::new(Method::PUT, "/pipelines/{id}", "save_pipeline", WRITE, "Saves a pipeline, new or known.", put)
            .reads::<PipelineDocument>()
            .precondition(Precondition::IfMatchOrCreate)
            .answers::<PipelineSaved>(200, "It is committed.")
            .answers::<PipelineSaved>(201, "It is committed, and is new.")
            .etag()
            .errors(&[503]),
        Route::delete("/pipelines/{id}", "delete_pipeline", WRITE, "Deletes a pipeline.", delete)
            .precondition(Precondition::IfMatch)
            .answers_nothing(204, "It is gone.")
            .errors(&[503]),
    ]
}

/// A pipeline as the API shows it.
fn show(
    id: &PipelineId,
    pipeline: &Versioned<PipelineDocument>,
    config: &ConfigSnapshot,
    matched: &BTreeMap<PipelineId, u64>,
) -> Pipeline {
    Pipeline {
        id: id.clone(),
        document: mask_pipeline(&pipeline.document),
        revision: pipeline.revision,
        updated_at: pipeline.updated_at,
        updated_by: pipeline.updated_by.clone(),
        matched: matched.get(id).copied().unwrap_or(0),
        broken: config.broken(&DocumentPath::Pipeline(id.clone())).map(|broken| broken.reason.clone()),
    }
}

/// The pipeline as stored now, with the version that `If-Match` must name.
fn current(state: &AppState, id: &PipelineId) -> Option<(Pipeline, Etag)> {
    let stored = state.handles.repository.stored(&DocumentPath::Pipeline(id.clone()))?;
    let (StoredDocument::Pipeline(_, pipeline), etag) = stored else { return None };
    let config = state.handles.repository.snapshot();
    Some((show(id, &pipeline, &config, &state.handles.fleet.matched_counts()), etag))
}

async fn list(state: web::Data<AppState>, params: Params) -> Result<HttpResponse> {
    let paging = Paging::<PipelineId>::of(&params, "id")?;
    let config = state.handles.repository.snapshot();
    let text = params.text("q").map(str::to_lowercase);
    let rows: Vec<_> = config
        .pipelines
        .iter()
        .filter(|(id, pipeline)| {
            text.as_ref().is_none_or(|text| {
                let document = &pipeline.document;
                [id.as_str(), &document.name, &document.description].iter().any(|s| s.to_lowercase().contains(text))
            })
        })
        .collect();
    let Page { items, next_cursor, total } = paged(rows, &paging, "id", false, |(id, _)| (*id).clone());
    let matched = state.handles.fleet.matched_counts();
    let items: Vec<_> = items.into_iter().map(|(id, pipeline)| show(id, pipeline, &config, &matched)).collect();
    Ok(HttpResponse::Ok().json(Page { items, next_cursor, total }))
}

async fn get(state: web::Data<AppState>, request: HttpRequest, Id(id): Id<PipelineId>) -> Result<HttpResponse> {
    let (pipeline, etag) = current(&state, &id).ok_or_else(|| Error::not_found("pipeline", &id))?;
    Ok(document(&request, etag, &pipeline))
}

async fn post(
    state: web::Data<AppState>,
    context: Context,
    caller: Caller,
    Json(body): Json<Value>,
) -> Result<HttpResponse> {
    let NewPipeline { id, document } = read_new_pipeline(&body).map_err(Error::invalid)?;
    let id = id_of(id, &document.name)?;
    let edit = Edit::Pipeline(id.clone(), document);
    let saved =
        save(&state, &context, &caller, edit, Stored::Absent, "pipelines:create", || current(&state, &id)).await?;
    answer(&state, &id, saved, StatusCode::CREATED)
}

async fn put(
    state: web::Data<AppState>,
    context: Context,
    caller: Caller,
    Id(id): Id<PipelineId>,
    version: Version,
    Json(body): Json<Value>,
) -> Result<HttpResponse> {
    let body = without_added_fields(body, id.as_str())?;
    let edit = Edit::Pipeline(id.clone(), read_pipeline(&body).map_err(Error::invalid)?);
    let (action, status) = match version {
        Version::Absent => ("pipelines:create", StatusCode::CREATED),
        Version::Is(_) => ("pipelines:update", StatusCode::OK),
    };
    let saved = save(&state, &context, &caller, edit, stored(version), action, || current(&state, &id))
        .await
        .map_err(as_stale)?;
    answer(&state, &id, saved, status)
}

fn answer(state: &AppState, id: &PipelineId, saved: Saved, status: StatusCode) -> Result<HttpResponse> {
    let (pipeline, etag) = current(state, id).ok_or_else(|| Error::not_found("pipeline", id))?;
    let mut response = HttpResponse::build(status);
    response.insert_header((ETAG, format!("\"{}\"", saved.etag.unwrap_or(etag))));
    if status == StatusCode::CREATED {
        response.insert_header((LOCATION, format!("{PREFIX}/pipelines/{id}")));
    }
    Ok(response.json(PipelineSaved {
        pipeline,
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
    Id(id): Id<PipelineId>,
    IfMatch(etag): IfMatch,
) -> Result<HttpResponse> {
    let edit = Edit::Delete(DocumentPath::Pipeline(id.clone()));
    let precondition = Stored::Matches(etag);
    save(&state, &context, &caller, edit, precondition, "pipelines:delete", || current(&state, &id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The draft of a body: its id, or one that stands for it while it has none.
fn draft(body: &Value) -> Result<(PipelineId, PipelineDocument), Vec<linkmesh_proto::api::problem::FieldProblem>> {
    let NewPipeline { id, document } = read_new_pipeline(body)?;
    let id = id_of(id, &document.name).or_else(|_| "draft".parse()).map_err(|_| Vec::new())?;
    Ok((id, document))
}

async fn validate(state: web::Data<AppState>, Json(body): Json<Value>) -> Result<HttpResponse> {
    let validation = match draft(&body) {
        Err(errors) => misshapen(errors),
        // Looks at every collector that matches: off the worker.
        Ok((id, document)) => web::block(move || {
            let facts = state.handles.fleet.facts();
            let config = state.handles.repository.snapshot();
            validate_pipeline(&id, &document, &config, &FleetFacts { collectors: &facts })
        })
        .await
        .map_err(Error::internal)?,
    };
    Ok(HttpResponse::Ok().json(validation))
}

async fn preview(state: web::Data<AppState>, Json(body): Json<Value>) -> Result<HttpResponse> {
    let (id, document) = draft(&body).map_err(Error::invalid)?;
    let preview = web::block(move || state.handles.fleet.preview(&id, &document)).await.map_err(Error::internal)?;
    Ok(HttpResponse::Ok().json(preview))
}
