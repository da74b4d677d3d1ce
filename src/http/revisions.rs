//! `/revisions`: history of the config repository, differences, restore.

use actix_web::{HttpResponse, http::header::ContentType, web};
use linkmesh_actors::{
    domain::{access::Permission, config::ConfigSnapshot, document::DocumentPath},
    repository::SaveError,
};
use linkmesh_proto::{
    Cursor, Revision,
    api::{
        list::Page,
        revision::{Restore, Restored, RevisionDiff, RevisionSummary},
    },
};

use super::{
    AppState,
    routes::{Access, Commit, Context, Id, Param, Params, RawJson, Route, limit},
};
use crate::{
    auth::Caller,
    error::{Error, ErrorCode, Result},
};

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
        .answers::<RevisionDiff>(200, "The difference.")
        .errors(&[503]),
        Route::post(
            "/revisions/{sha}/restore",
            "restore_revision",
            Access::Needs(Permission::RevisionsRestore),
            "Brings files back to what they were at a commit, as a new commit: all pipelines and destinations, or the \
             files that `paths` names. Needs the permission to write each of them too.",
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
    let mut page = state.handles.repository.history(path, cursor.as_ref(), limit(&params)?).await?;
    let config = state.handles.repository.snapshot();
    page.items.iter_mut().for_each(|commit| name_files(&config, commit));
    Ok(HttpResponse::Ok().json(page))
}

async fn get(state: web::Data<AppState>, Id(revision): Id<Revision>) -> Result<HttpResponse> {
    let mut commit = state.handles.repository.revision(revision).await?;
    name_files(&state.handles.repository.snapshot(), &mut commit);
    Ok(HttpResponse::Ok().json(commit))
}

/// Says what people call the files that a commit changed, as far as these are there now.
fn name_files(config: &ConfigSnapshot, commit: &mut RevisionSummary) {
    let named = |path: &String| Some((path.clone(), config.name_of(&path.parse().ok()?)?.to_owned()));
    commit.names = commit.paths.iter().filter_map(named).collect();
}

async fn diff(state: web::Data<AppState>, Id(revision): Id<Revision>, params: Params) -> Result<HttpResponse> {
    let base = params.value::<Revision>("base")?;
    // Reads, compares and writes whole files: a few at a time, and off the worker, which serves collectors too.
    let turn = state.comparisons.turn().await?;
    let changes = state.handles.repository.diff(base, revision).await?;
    let shown =
        turn.run(state.edge.answer_within, move |_| serde_json::to_vec(&changes.shown()).map_err(Error::internal));
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(shown.await?))
}

async fn restore(
    state: web::Data<AppState>,
    context: Context,
    caller: Caller,
    Id(revision): Id<Revision>,
    raw: RawJson,
) -> Result<HttpResponse> {
    let by = context.by(&caller);
    // What is brought back is held until that is done.
    let _turn = state.saves.turn().await?;
    let (body, _share) = raw.read::<Restore>()?;
    let repository = &state.handles.repository;
    for (index, path) in body.paths.iter().flatten().enumerate() {
        if path.parse::<DocumentPath>().is_err() {
            let message = "is no document of the config repository, such as pipelines/web-logs.yaml";
            return Err(Error::invalid_field(format!("paths[{index}]"), "invalid_value", message));
        }
    }
    let before = repository.snapshot().revision;
    let restoration = repository.restoration(revision, body.paths).await?;
    for path in restoration.paths() {
        let permission = Permission::to_write(path);
        if !caller.may(permission) {
            let detail = format!(
                "{path} would change, which needs the permission {permission}; the role {} does not have it.",
                caller.role
            );
            return Err(Error::new(ErrorCode::Forbidden, detail));
        }
    }
    let restored = repository.restore(restoration, &by).await.map_err(|error| match error {
        SaveError::Stale { .. } => Error::new(
            ErrorCode::Conflict,
            "A file that would have been brought back was saved in between. Nothing was stored; look again.",
        ),
        other => other.into(),
    })?;
    let commit = Commit { before, after: restored.revision };
    context.audit_commit(&state, &by, "revisions:restore", format_args!("revisions/{revision}"), commit);
    Ok(HttpResponse::Ok().json(restored))
}
