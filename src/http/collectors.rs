//! `/collectors`: who they are, adding and ending them. What they run and how they are is in [`details`].

pub mod bootstrap;
mod details;

use actix_web::{
    HttpResponse,
    http::header::{ETAG, LOCATION},
    web,
};
use linkmesh_actors::{
    domain::access::Permission,
    fleet::{CollectorQuery, FleetError, Sort},
    repository::Precondition as Stored,
};
use linkmesh_proto::{
    CollectorId, Cursor, PipelineId, Revision,
    api::{
        collector::{
            Collector, CollectorCreated, CollectorPatch, CollectorPreview, CollectorStatus, ConfigState, DriftState,
            NewCollector, Runtime,
        },
        list::Page,
    },
};

use self::bootstrap::Host;
use super::{
    AppState,
    routes::{Access, Commit, Context, Id, IfMatch, Json, PREFIX, Param, Params, Precondition, Route, invalid, limit},
};
use crate::{
    auth::Caller,
    error::{Error, Result},
};

const READ: Access = Access::Needs(Permission::CollectorsRead);
const WRITE: Access = Access::Needs(Permission::CollectorsWrite);

pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::get(
            "/collectors",
            "list_collectors",
            READ,
            "Collectors by matchers, text, runtime and status. Deregistered ones only with `status=deregistered`.",
            list,
        )
        .query([
            Param { repeats: true, ..Param::text("match", "A matcher over attributes; repeated ones must all hold.") },
            Param::text("q", "A part of the name, of an attribute's value or of the id; case does not matter."),
            Param { values: &["alloy", "otelcol"], ..Param::text("runtime", "Only this program.") },
            Param {
                values: &["pending", "connected", "degraded", "offline", "deregistered"],
                ..Param::text("status", "Only this status.")
            },
            Param {
                values: &["none", "pending", "applying", "applied", "failed"],
                ..Param::text("config_state", "Only this state of the config.")
            },
            Param { values: &["in_sync", "drifted", "unknown"], ..Param::text("drift", "Only this verdict on drift.") },
            Param {
                values: &["true", "false"],
                ..Param::text("withheld", "Only those that cannot be given what they should run, or only the others.")
            },
            Param::text("pipeline", "Only those that should run this pipeline."),
            Param::text(
                "sort",
                "`name`, `status`, `last_seen`, `runtime`, `version` or `config_state`; `-` in front turns it around.",
            ),
            Param::LIMIT,
            Param::CURSOR,
        ])
        .answers::<Page<Collector>>(200, "A page of collectors."),
        Route::post(
            "/collectors",
            "create_collector",
            WRITE,
            "Creates a collector with its token, and says what to put on its host.",
            create,
        )
        .reads::<NewCollector>()
        .answers::<CollectorCreated>(201, "The collector; its token is shown this once.")
        .etag()
        .errors(&[503]),
        Route::get("/collectors/{id}", "get_collector", READ, "One collector.", get)
            .answers::<Collector>(200, "The collector.")
            .etag(),
        Route::new(
            actix_web::http::Method::PATCH,
            "/collectors/{id}",
            "update_collector",
            WRITE,
            "Changes the name and the operator's labels.",
            patch,
        )
        .reads::<CollectorPatch>()
        .precondition(Precondition::IfMatch)
        .answers::<Collector>(200, "The collector as stored.")
        .etag()
        .errors(&[409, 503]),
        Route::post(
            "/collectors/{id}/preview",
            "preview_collector",
            READ,
            "Which pipelines a change of its name and labels would bring and take, and why it could not be given them. \
             Stores nothing.",
            preview,
        )
        .reads::<CollectorPatch>()
        .answers::<CollectorPreview>(200, "What would come and go; nothing when both lists are empty.")
        .errors(&[409]),
        Route::delete(
            "/collectors/{id}",
            "deregister_collector",
            WRITE,
            "Deregisters: its tokens are dead and its session is closed when this answers. It keeps running its last \
             config; an Alloy will not start again until its `remotecfg` block is removed.",
            deregister,
        )
        .answers_nothing(204, "It is deregistered, and kept for 30 days.")
        .errors(&[409]),
    ];
    routes.extend(details::routes());
    routes
}

/// The commit that last touched a collector's document, for the audit log.
fn commit_of(state: &AppState, id: CollectorId, before: Option<Revision>) -> Option<Commit> {
    let after = state.handles.repository.snapshot().collectors.get(&id)?.revision;
    Some(Commit { before, after })
}

async fn list(state: web::Data<AppState>, params: Params) -> Result<HttpResponse> {
    let sort = match params.text("sort") {
        None => Sort::default(),
        Some(text) => Sort::parse(text).ok_or_else(|| {
            invalid(
                "sort",
                "name, status, last_seen, runtime, version or config_state, with - in front to turn it around",
            )
        })?,
    };
    let query = CollectorQuery {
        matchers: params.all("match").filter(|text| !text.is_empty()).map(str::to_owned).collect(),
        text: params.text("q").map(str::to_owned),
        runtime: params.word::<Runtime>("runtime")?,
        status: params.word::<CollectorStatus>("status")?,
        config_state: params.word::<ConfigState>("config_state")?,
        drift: params.word::<DriftState>("drift")?,
        withheld: params.value::<bool>("withheld")?,
        pipeline: params.value::<PipelineId>("pipeline")?,
        sort,
        limit: limit(&params)?,
        cursor: params.text("cursor").map(|text| Cursor(text.to_owned())),
    };
    // Reads all rows: off the worker, which serves collectors too.
    let fleet = state.handles.fleet.clone();
    let page = web::block(move || fleet.collectors(&query)).await.map_err(Error::internal)??;
    Ok(HttpResponse::Ok().json(page))
}

async fn create(
    state: web::Data<AppState>,
    context: Context,
    caller: Caller,
    Json(new): Json<NewCollector>,
) -> Result<HttpResponse> {
    let by = context.by(&caller);
    let version = new.version.clone();
    let before = state.handles.repository.snapshot().revision;
    let created = state.handles.fleet.register(new, &by).await?;
    let collector = created.collector;
    let commit = commit_of(&state, collector.id, before);
    context.audit(&state, &by, "collectors:create", format_args!("collectors/{}", collector.id), commit).await;
    let bootstrap = bootstrap::of(
        &state.edge,
        &Host {
            id: collector.id,
            name: &collector.name,
            runtime: collector.runtime,
            version: version.as_deref(),
            stability: collector.stability,
            token: created.token.reveal(),
        },
    );
    Ok(HttpResponse::Created()
        .insert_header((ETAG, format!("\"{}\"", created.etag)))
        .insert_header((LOCATION, format!("{PREFIX}/collectors/{}", collector.id)))
        .json(CollectorCreated { collector, token: created.token.reveal().to_owned(), bootstrap }))
}

/// The tag is that of the operator's document, so that a heartbeat does not make a save stale.
async fn get(state: web::Data<AppState>, Id(id): Id<CollectorId>) -> Result<HttpResponse> {
    let (collector, etag) = state.handles.fleet.collector(id)?;
    Ok(HttpResponse::Ok().insert_header((ETAG, format!("\"{etag}\""))).json(collector))
}

async fn patch(
    state: web::Data<AppState>,
    context: Context,
    caller: Caller,
    Id(id): Id<CollectorId>,
    IfMatch(etag): IfMatch,
    Json(patch): Json<CollectorPatch>,
) -> Result<HttpResponse> {
    let by = context.by(&caller);
    let before = state.handles.repository.snapshot().revision;
    match state.handles.fleet.patch(id, patch, Stored::Matches(etag), &by).await {
        Ok((collector, etag)) => {
            let commit = commit_of(&state, id, before);
            context.audit(&state, &by, "collectors:update", format_args!("collectors/{id}"), commit).await;
            Ok(HttpResponse::Ok().insert_header((ETAG, format!("\"{etag}\""))).json(collector))
        }
        Err(error @ FleetError::Stale { .. }) => {
            let (collector, etag) = state.handles.fleet.collector(id)?;
            let current = serde_json::to_value(collector).map_err(Error::internal)?;
            Err(Error::from(error).with_current(current, Some(etag)))
        }
        Err(error) => Err(error.into()),
    }
}

async fn preview(
    state: web::Data<AppState>,
    Id(id): Id<CollectorId>,
    Json(patch): Json<CollectorPatch>,
) -> Result<HttpResponse> {
    // Reads the matchers of every pipeline and renders a text: off the worker, which serves collectors too.
    let fleet = state.handles.fleet.clone();
    let preview = state.checks.run(state.edge.answer_within, move |_| Ok(fleet.outlook(id, patch)?)).await?;
    Ok(HttpResponse::Ok().json(preview))
}

async fn deregister(
    state: web::Data<AppState>,
    context: Context,
    caller: Caller,
    Id(id): Id<CollectorId>,
) -> Result<HttpResponse> {
    let by = context.by(&caller);
    state.handles.fleet.deregister(id, &by).await?;
    context.audit(&state, &by, "collectors:deregister", format_args!("collectors/{id}"), None).await;
    Ok(HttpResponse::NoContent().finish())
}
