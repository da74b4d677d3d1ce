//! `/pipelines`: documents of the config repository, checked and previewed before they are saved.

use actix_web::{HttpResponse, http::Method, web};
use linkmesh_actors::{
    domain::{
        access::Permission,
        config::{ConfigSnapshot, Documents, Versioned},
        document::{DocumentPath, Draft, read_draft_pipeline, read_new_pipeline, read_pipeline},
        secret::mask_pipeline,
    },
    repository::{Edit, Saved},
};
use linkmesh_proto::{
    PipelineId,
    api::{
        list::Page,
        pipeline::{Matched, NewPipeline, Pipeline, PipelineDocument, PipelineSaved, Preview, Validation},
        problem::FieldProblem,
    },
};
use serde_json::Value;

use super::{
    AppState,
    documents::{Resource, delete, draft, get, list, post, put, validate},
    routes::{Access, Json, Param, Precondition, Route},
};
use crate::error::{Error, Result};

pub(super) fn routes() -> Vec<Route> {
    const READ: Access = Access::Needs(Permission::PipelinesRead);
    const WRITE: Access = Access::Needs(Permission::PipelinesWrite);
    vec![
        Route::get("/pipelines", "list_pipelines", READ, "Pipelines by id.", list::<Pipelines>)
            .query([
                Param::text("q", "A part of the id, the name or the description; case does not matter."),
                Param::LIMIT,
                Param::CURSOR,
            ])
            .answers::<Page<Pipeline>>(200, "A page of pipelines."),
        Route::post(
            "/pipelines",
            "create_pipeline",
            WRITE,
            "Creates a pipeline; 409 when the id is taken.",
            post::<Pipelines>,
        )
        .reads::<NewPipeline>()
        .answers::<PipelineSaved>(201, "It is committed.")
        .etag()
        .errors(&[409, 503]),
        Route::post(
            "/pipelines/validate",
            "validate_pipeline",
            READ,
            "Says what is wrong with a pipeline. Stores nothing.",
            validate::<Pipelines>,
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
        .answers::<Preview>(200, "Both texts, secrets hidden, the collectors that match, and what stops a save."),
        Route::get("/pipelines/{id}", "get_pipeline", READ, "One pipeline.", get::<Pipelines>)
            .answers::<Pipeline>(200, "The pipeline; secrets as `{\"sealed\": true}`.")
            .etag(),
        Route::new(
            Method::PUT,
            "/pipelines/{id}",
            "save_pipeline",
            WRITE,
            "Saves a pipeline, new or known.",
            put::<Pipelines>,
        )
        .reads::<PipelineDocument>()
        .precondition(Precondition::IfMatchOrCreate)
        .answers::<PipelineSaved>(200, "It is committed.")
        .answers::<PipelineSaved>(201, "It is committed, and is new.")
        .etag()
        .errors(&[503]),
        Route::delete("/pipelines/{id}", "delete_pipeline", WRITE, "Deletes a pipeline.", delete::<Pipelines>)
            .precondition(Precondition::IfMatch)
            .answers_nothing(204, "It is gone.")
            .errors(&[503]),
    ]
}

/// Pipelines as documents.
struct Pipelines;

impl Resource for Pipelines {
    type Id = PipelineId;
    type Document = PipelineDocument;
    type View = Pipeline;
    type Saved = PipelineSaved;

    const SINGULAR: &'static str = "pipeline";
    const PLURAL: &'static str = "pipelines";

    fn read_new(body: &Value) -> Result<(Option<PipelineId>, PipelineDocument), Vec<FieldProblem>> {
        read_new_pipeline(body).map(|NewPipeline { id, document }| (id, document))
    }

    fn read_draft(body: &Value) -> Draft<(Option<PipelineId>, PipelineDocument)> {
        let Draft { document, problems } = read_draft_pipeline(body);
        Draft { document: document.map(|NewPipeline { id, document }| (id, document)), problems }
    }

    fn read(body: &Value) -> Result<PipelineDocument, Vec<FieldProblem>> {
        read_pipeline(body)
    }

    fn path(id: &PipelineId) -> DocumentPath {
        DocumentPath::Pipeline(id.clone())
    }

    fn edit(id: PipelineId, document: PipelineDocument) -> Edit {
        Edit::Pipeline(id, document)
    }

    fn all(config: &ConfigSnapshot) -> &Documents<PipelineId, PipelineDocument> {
        &config.pipelines
    }

    fn name(document: &PipelineDocument) -> &str {
        &document.name
    }

    fn searched(document: &PipelineDocument) -> Vec<&str> {
        vec![&document.description]
    }

    fn shown(
        state: &AppState,
        config: &ConfigSnapshot,
    ) -> impl Fn(&PipelineId, &Versioned<PipelineDocument>) -> Pipeline {
        let matched = state.handles.fleet.matched_counts();
        let meter = state.handles.meter.clone();
        move |id, pipeline| Pipeline {
            id: id.clone(),
            document: mask_pipeline(&pipeline.document),
            revision: pipeline.revision,
            updated_at: pipeline.updated_at,
            updated_by: pipeline.updated_by.clone(),
            matched: matched.get(id).copied().unwrap_or(0),
            rates: meter.rates(Some(id)),
            broken: config.broken(&Self::path(id)).map(|broken| broken.reason.clone()),
        }
    }

    fn saved(pipeline: Pipeline, Saved { revision, affected, warnings, .. }: Saved) -> PipelineSaved {
        PipelineSaved { pipeline, revision, rollout_id: None, affected, warnings }
    }
}

async fn preview(state: web::Data<AppState>, Json(body): Json<Value>) -> Result<HttpResponse> {
    let Draft { document, problems } = draft::<Pipelines>(&body);
    let mut preview = match document {
        None => Preview {
            collectors: Matched { loses: 0, matched: 0, items: Vec::new() },
            otelcol: None,
            alloy: None,
            errors: Vec::new(),
            warnings: Vec::new(),
        },
        Some((id, document)) => {
            web::block(move || state.handles.fleet.preview(&id, &document)).await.map_err(Error::internal)?
        }
    };
    preview.errors.splice(0..0, problems);
    Ok(HttpResponse::Ok().json(preview))
}
