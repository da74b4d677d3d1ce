//! `/revisions`: history of the config repository, differences, restore.

use actix_web::{HttpResponse, web};
use linkmesh_actors::domain::access::Permission;
use linkmesh_proto::{
    Cursor, Revision,
    api::{
        list::Page,
        revision::{Restore, Restored, RevisionDiff, RevisionSummary},
    },
};

use super::{
    AppState,
    routes::{Access, Commit, Context, Id, Json, Param, Params, Route, limit},
};
use crate::{auth::Caller, error::Result};

pub(super) fn routes() -> Vec<Route> {
    const READ: Access = Access::Needs(Permission::RevisionsRead);
    vec![
        Route::get("/revisions", "list_revisions", READ, "History, newest first.", list)
            .query([
                Param::text("path", "Only commits that changed this file, for example `pipelines/web-logs.yaml`."),
                Param::LIMIT,
                Param::CURSOR,
            ])
            .answers::<Page<RevisionSummary>>(200, "A page of commits. `total` counts those of this page and before."),
        Route::get("/revisions/{sha}", "get_revision", READ, "One commit.", get)
            .answers::<RevisionSummary>(200, "The commit."),
        Route::get(
            "/revisions/{sha}/diff",
            "diff_revision",
            READ,
            "What a commit changed, against its parent or another commit. Sealed values are hidden.",
            diff,
        )
        .query([Param::text("base", "The commit to compare with; the parent when absent.")])
        .answers::<RevisionDiff>(200, "The difference."),
        Route::post(
            "/revisions/{sha}/restore",
            "restore_revision",
            Access::Needs(Permission::RevisionsRestore),
            "Brings files back to what they were at a commit, as a new commit.",
            restore,
        )
        .reads::<Restore>()
        .answers::<Restored>(200, "The new commit; the one before when nothing differed.")
        .errors(&[409, 503]),
    ]
}

async fn list(state: web::Data<AppState>, params: Params) -> Result<HttpResponse> {
    let path = params.text("path").map(str::to_owned);
    let cursor = params.text("cursor").map(|text| Cursor(text.to_owned()));
    let page = state.handles.repository.history(path, cursor.as_ref(), limit(&params)?).await?;
    Ok(HttpResponse::Ok().json(page))
}

async fn get(state: web::Data<AppState>, Id(revision): Id<Revision>) -> Result<HttpResponse> {
    Ok(HttpResponse::Ok().json(state.handles.repository.revision(revision).await?))
}

async fn diff(state: web::Data<AppState>, Id(revision): Id<Revision>, params: Params) -> Result<HttpResponse> {
    let base = params.value::<Revision>("base")?;
    Ok(HttpResponse::Ok().json(state.handles.repository.diff(base, revision).await?))
}

async fn restore(
    state: web::Data<AppState>,
    context: Context,
    caller: Caller,
    Id(revision): Id<Revision>,
    Json(body): Json<Restore>,
) -> Result<HttpResponse> {
    let by = context.by(&caller);
    let before = state.handles.repository.snapshot().revision;
    let restored = state.handles.repository.restore(revision, body.paths, &by).await?;
    let commit = Commit { before, after: restored.revision };
    context.audit(&state, &by, "revisions:restore", format_args!("revisions/{revision}"), Some(commit)).await;
    Ok(HttpResponse::Ok().json(restored))
}
