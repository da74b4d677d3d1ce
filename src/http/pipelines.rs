//! `/pipelines`: documents of the config repository, checked and previewed before they are saved.

use std::time::Duration;

use actix_web::{HttpResponse, http::Method, web};
use linkmesh_actors::{
    domain::{
        access::Permission,
        config::{ConfigSnapshot, Documents, Versioned},
        document::{DocumentPath, Draft, read_draft_pipeline, read_new_pipeline, read_pipeline},
        dry_run::{Sample, dry_run},
        problem::problem,
        secret::{clear_in_pipeline, mask_pipeline},
    },
    import::import,
    repository::{Edit, Saved},
};
use linkmesh_ottl::{record::json, run::IsOver};
use linkmesh_proto::{
    PipelineId,
    api::{
        list::Page,
        pipeline::{
            DryRun, Import, Matched, NewDryRun, NewImport, NewPipeline, Pipeline, PipelineDocument, PipelineSaved,
            Preview, Validation,
        },
        problem::FieldProblem,
    },
};
use serde_json::Value;

use super::{
    AppState,
    documents::{Resource, delete, get, list, look_through, post, put, validate},
    routes::{Access, Param, Precondition, RawJson, Route},
};
use crate::error::Result;

/// How long a dry run may take.
const DRY_RUN_TIME: Duration = Duration::from_secs(2);
/// How long parts of a config are looked for in the catalogue; what was not looked at by then stays raw.
const IMPORT_TIME: Duration = Duration::from_secs(15);

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
            .answers::<Page<Pipeline>>(200, "A page of pipelines.")
            .errors(&[503]),
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
        .reads_only()
        .reads::<NewPipeline>()
        .errors(&[503])
        .answers::<Validation>(200, "What is wrong; nothing when both lists are empty."),
        Route::post(
            "/pipelines/preview",
            "preview_pipeline",
            READ,
            "What a collector that runs only this pipeline would get, on both runtimes. Stores nothing.",
            preview,
        )
        .reads_only()
        .reads::<NewPipeline>()
        .errors(&[503])
        .answers::<Preview>(200, "Both texts, secrets hidden, the collectors that match, and what stops a save."),
        Route::post(
            "/pipelines/dry-run",
            "try_pipeline",
            READ,
            "Runs sample records through a pipeline, in the server: what each step does to them. Stores nothing.",
            try_out,
        )
        .reads_only()
        .reads::<NewDryRun>()
        .errors(&[503])
        .answers::<DryRun>(200, "The records after each step, and what stopped it."),
        Route::post(
            "/pipelines/import",
            "import_pipelines",
            READ,
            "Makes pipelines and destinations of a config that runs already, and says what they cannot. Stores nothing.",
            import_text,
        )
        .reads_only()
        .reads::<NewImport>()
        .errors(&[503])
        .answers::<Import>(200, "What it becomes, and what is left over."),
        Route::get("/pipelines/{id}", "get_pipeline", READ, "One pipeline.", get::<Pipelines>)
            .answers::<Pipeline>(200, "The pipeline; secrets as `{\"sealed\": true}`.")
            .etag()
            .errors(&[503]),
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
            in_the_clear: clear_in_pipeline(&pipeline.document),
        }
    }

    fn saved(pipeline: Pipeline, Saved { revision, affected, warnings, .. }: Saved) -> PipelineSaved {
        PipelineSaved { pipeline, revision, rollout_id: None, affected, warnings }
    }
}

async fn preview(state: web::Data<AppState>, raw: RawJson) -> Result<HttpResponse> {
    let fleet = state.handles.fleet.clone();
    let (shown, problems) =
        look_through::<Pipelines, _>(&state, raw, move |id, document| fleet.preview(&id, &document)).await?;
    let mut preview = shown.unwrap_or_else(|| Preview {
        collectors: Matched { loses: 0, matched: 0, items: Vec::new() },
        otelcol: None,
        alloy: None,
        errors: Vec::new(),
        warnings: Vec::new(),
    });
    preview.errors.splice(0..0, problems);
    Ok(HttpResponse::Ok().json(preview))
}

async fn try_out(state: web::Data<AppState>, raw: RawJson) -> Result<HttpResponse> {
    let now_unix_nano = u64::try_from(state.clock.now().as_millis()).unwrap_or_default() * 1_000_000;
    // Read only when it is its turn: what is read holds many times the memory of its text.
    let tried = state.trials.run(DRY_RUN_TIME, move |is_over| {
        let (request, _share) = raw.read::<NewDryRun>()?;
        Ok(tried(request, now_unix_nano, is_over))
    });
    Ok(HttpResponse::Ok().json(tried.await?))
}

fn tried(request: NewDryRun, now_unix_nano: u64, is_over: IsOver) -> DryRun {
    let NewDryRun { pipeline, records, source, runtime, seed } = request;
    let Draft { document, problems } = read_draft_pipeline(&pipeline);
    drop(pipeline);
    let records = match records {
        Value::String(text) => json::read(text.as_bytes(), &json::Limits::default()),
        document => json::read_value(&document, &json::Limits::default()),
    };
    let refused = |errors| DryRun { steps: Vec::new(), destinations: Vec::new(), errors };
    match (document, records) {
        (Some(NewPipeline { document, .. }), Ok(records)) => {
            dry_run(&document, Sample { records, source, runtime, now_unix_nano, seed }, is_over)
        }
        (_, Err(error)) => {
            let at = if error.path.is_empty() { "records".to_owned() } else { format!("records.{}", error.path) };
            refused([problems, vec![problem(at, "invalid_value", error.reason())]].concat())
        }
        (None, _) => refused(problems),
    }
}

async fn import_text(state: web::Data<AppState>, raw: RawJson) -> Result<HttpResponse> {
    let beside = state.handles.repository.snapshot();
    let imported = state.trials.run(IMPORT_TIME, move |is_over| {
        let (NewImport { runtime, text }, _share) = raw.read()?;
        Ok(import(runtime, &text, &beside, is_over))
    });
    Ok(HttpResponse::Ok().json(imported.await?))
}
