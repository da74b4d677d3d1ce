//! What pipelines and destinations have in common: documents of the config repository, read whole and written whole.
//!
//! A kind of document says what is its own ([`Resource`]); reading, writing and checking are the same for all of them.

use std::{fmt::Display, str::FromStr, sync::Arc};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{ETAG, LOCATION},
    },
    web,
};
use linkmesh_actors::{
    by::By,
    domain::{
        config::{ConfigSnapshot, Documents, Versioned},
        document::{DocumentPath, Draft},
    },
    repository::{Edit, Precondition as Stored, SAVE_DEADLINE, Save, SaveError, Saved},
    runtime::AskError,
};
use linkmesh_proto::{
    Etag, ParseIdError, Revision, Slug,
    api::{pipeline::Validation, problem::FieldProblem},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::{
    AppState,
    routes::{Commit, Context, Id, IfMatch, PREFIX, Paging, Params, RawJson, Version, document, paged, written},
};
use crate::{
    auth::Caller,
    error::{Error, ErrorCode, Result},
};

/// What was read of a body, or everything that is wrong with it.
pub(super) type Outcome<T> = std::result::Result<T, Vec<FieldProblem>>;

/// One kind of document.
pub(super) trait Resource: 'static {
    /// Names a document of this kind.
    type Id: Clone
        + Display
        + Ord
        + Serialize
        + DeserializeOwned
        + From<Slug>
        + FromStr<Err = ParseIdError>
        + Send
        + Sync
        + 'static;
    /// What stands in the repository.
    type Document: Send + 'static;
    /// What the API shows of it.
    type View: Serialize;
    /// What the API answers to a save.
    type Saved: Serialize;

    /// The word for one of them in messages.
    const SINGULAR: &'static str;
    /// The word for many: in paths and in the audit log.
    const PLURAL: &'static str;

    /// Reads a body with an id or without one.
    fn read_new(body: &Value) -> Outcome<(Option<Self::Id>, Self::Document)>;
    /// Reads such a body as far as it goes.
    fn read_draft(body: &Value) -> Draft<(Option<Self::Id>, Self::Document)>;
    /// Reads a body whose id stands in the path.
    fn read(body: &Value) -> Result<Self::Document, Vec<FieldProblem>>;
    /// The document's path in the repository.
    fn path(id: &Self::Id) -> DocumentPath;
    /// The change that writes it.
    fn edit(id: Self::Id, document: Self::Document) -> Edit;
    /// All that are stored.
    fn all(config: &ConfigSnapshot) -> &Documents<Self::Id, Self::Document>;
    /// Its name.
    fn name(document: &Self::Document) -> &str;
    /// What `q` looks at beside id and name.
    fn searched(document: &Self::Document) -> Vec<&str>;
    /// What turns stored documents into what the API shows, secrets hidden.
    fn shown(state: &AppState, config: &ConfigSnapshot)
    -> impl Fn(&Self::Id, &Versioned<Self::Document>) -> Self::View;
    /// What the API answers to a save.
    fn saved(view: Self::View, saved: Saved) -> Self::Saved;
}

/// `GET` of the list.
pub(super) async fn list<R: Resource>(state: web::Data<AppState>, params: Params) -> Result<HttpResponse> {
    let paging = Paging::<R::Id>::of(&params, "id")?;
    let config = state.handles.repository.snapshot();
    let text = params.text("q").map(str::to_lowercase);
    let is_asked_for = |(id, stored): &(&R::Id, &Arc<Versioned<R::Document>>)| {
        text.as_ref().is_none_or(|text| {
            id.to_string().contains(text)
                || R::name(&stored.document).to_lowercase().contains(text)
                || R::searched(&stored.document).iter().any(|s| s.to_lowercase().contains(text))
        })
    };
    let rows: Vec<_> = R::all(&config).iter().filter(is_asked_for).collect();
    let page = paged(rows, &paging, "id", false, |(id, _)| (*id).clone());
    let shown = R::shown(&state, &config);
    written(page, |(id, _)| Paging::cursor("id", *id), |(id, stored)| shown(id, stored))
}

/// `GET` of one.
pub(super) async fn get<R: Resource>(
    state: web::Data<AppState>,
    request: HttpRequest,
    Id(id): Id<R::Id>,
) -> Result<HttpResponse> {
    let (view, etag) = current::<R>(&state, &id).ok_or_else(|| Error::not_found(R::SINGULAR, &id))?;
    Ok(document(&request, etag, &view))
}

/// `POST`: a new one.
pub(super) async fn post<R: Resource>(
    state: web::Data<AppState>,
    context: Context,
    caller: Caller,
    raw: RawJson,
) -> Result<HttpResponse> {
    let change = Change { by: context.by(&caller), precondition: Stored::Absent, verb: "create" };
    let (id, saved) = save::<R>(&state, &context, change, raw, |body| {
        let (id, document) = R::read_new(&body).map_err(Error::invalid)?;
        Ok((id_of(id, R::name(&document))?, document))
    })
    .await?;
    answer::<R>(&state, &id, saved, StatusCode::CREATED)
}

/// `PUT`: one that is known, or a new one.
pub(super) async fn put<R: Resource>(
    state: web::Data<AppState>,
    context: Context,
    caller: Caller,
    Id(id): Id<R::Id>,
    version: Version,
    raw: RawJson,
) -> Result<HttpResponse> {
    let (precondition, verb, status) = match version {
        Version::Absent => (Stored::Absent, "create", StatusCode::CREATED),
        Version::Is(etag) => (Stored::Matches(etag), "update", StatusCode::OK),
    };
    let change = Change { by: context.by(&caller), precondition, verb };
    let saved = save::<R>(&state, &context, change, raw, move |body| {
        let body = without_added_fields(body, &id.to_string())?;
        let document = R::read(&body).map_err(Error::invalid)?;
        Ok((id, document))
    });
    let (id, saved) = saved.await.map_err(as_stale)?;
    answer::<R>(&state, &id, saved, status)
}

/// `DELETE`.
pub(super) async fn delete<R: Resource>(
    state: web::Data<AppState>,
    context: Context,
    caller: Caller,
    Id(id): Id<R::Id>,
    IfMatch(etag): IfMatch,
) -> Result<HttpResponse> {
    let (by, precondition) = (context.by(&caller), Stored::Matches(etag));
    let repository = &state.handles.repository;
    let before = repository.snapshot().revision;
    let edit = Edit::Delete(R::path(&id));
    let saved = repository.save(Save { edit, precondition, by: by.clone() }).await;
    let change = Change { by, precondition, verb: "delete" };
    made::<R>(&state, &context, &change, &id, before, saved)?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST` to `validate`.
pub(super) async fn validate<R: Resource>(state: web::Data<AppState>, raw: RawJson) -> Result<HttpResponse> {
    let fleet = state.handles.fleet.clone();
    let checked = look_through::<R, _>(&state, raw, move |id, document| fleet.check(&R::edit(id, document)));
    let (validation, problems) = checked.await?;
    let mut validation = validation.unwrap_or_else(|| Validation { errors: Vec::new(), warnings: Vec::new() });
    validation.errors.splice(0..0, problems);
    Ok(HttpResponse::Ok().json(validation))
}

/// What is found in the document of a body when its turn has come, and what is wrong with its shape; nothing is found when
/// too little of it can be read. It is read no sooner, and off the worker.
pub(super) async fn look_through<R: Resource, T: Send + 'static>(
    state: &AppState,
    raw: RawJson,
    look: impl FnOnce(R::Id, R::Document) -> T + Send + 'static,
) -> Result<(Option<T>, Vec<FieldProblem>)> {
    let looked = state.checks.run(state.edge.answer_within, move |_| {
        let (body, _share) = raw.read::<Value>()?;
        let Draft { document, problems } = draft::<R>(&body);
        drop(body);
        Ok((document.map(|(id, document)| look(id, document)), problems))
    });
    looked.await
}

/// The document of a body as far as it can be read, with its id, or with one that stands for it while it has none.
fn draft<R: Resource>(body: &Value) -> Draft<(R::Id, R::Document)> {
    let Draft { document, problems } = R::read_draft(body);
    let document = document.and_then(|(id, document)| {
        let id = id_of(id, R::name(&document)).or_else(|_| "draft".parse()).ok()?;
        Some((id, document))
    });
    Draft { document, problems }
}

/// A document as stored now, with the version that `If-Match` must name: of a broken file, whose last good version is
/// shown, that of the broken text.
fn current<R: Resource>(state: &AppState, id: &R::Id) -> Option<(R::View, Etag)> {
    let config = state.handles.repository.snapshot();
    let stored = R::all(&config).get(id)?;
    let etag = config.broken(&R::path(id)).map_or(stored.etag, |broken| broken.etag);
    Some((R::shown(state, &config)(id, stored), etag))
}

fn answer<R: Resource>(state: &AppState, id: &R::Id, saved: Saved, status: StatusCode) -> Result<HttpResponse> {
    let (view, etag) = current::<R>(state, id).ok_or_else(|| Error::not_found(R::SINGULAR, id))?;
    let mut response = HttpResponse::build(status);
    response.insert_header((ETAG, format!("\"{}\"", saved.etag.unwrap_or(etag))));
    if status == StatusCode::CREATED {
        response.insert_header((LOCATION, format!("{PREFIX}/{}/{id}", R::PLURAL)));
    }
    Ok(response.json(R::saved(view, saved)))
}

/// A change of one document.
struct Change {
    by: By,
    precondition: Stored,
    /// What is done, for the audit log.
    verb: &'static str,
}

/// Saves the document of a body and writes that into the audit log. The body is read when its turn has come, off the
/// worker; what is read holds its part of the memory until it is saved. A client that finds the document changed gets what
/// `GET` answers now.
async fn save<R: Resource>(
    state: &AppState,
    context: &Context,
    change: Change,
    raw: RawJson,
    read: impl FnOnce(Value) -> Result<(R::Id, R::Document)> + Send + 'static,
) -> Result<(R::Id, Saved)> {
    let until = Instant::now() + SAVE_DEADLINE;
    let repository = &state.handles.repository;
    let ready = {
        let (repository, precondition, by) = (repository.clone(), change.precondition, change.by.clone());
        state.saves.run(SAVE_DEADLINE, move |_| {
            let (body, mut share) = raw.read::<Value>()?;
            let weight = weight(&body);
            let (id, document) = read(body)?;
            share.resize(HELD_OF_A_SAVE * weight)?;
            let edit = R::edit(id.clone(), document);
            Ok((id, repository.ready(Save { edit, precondition, by }), share))
        })
    };
    // Nothing is stored before it is ready.
    let (id, ready, share) = timeout_at(until, ready).await.unwrap_or(Err(AskError::Full.into()))?;
    let before = repository.snapshot().revision;
    let saved = timeout_at(until, repository.save_ready(ready)).await.unwrap_or(Err(AskError::Deadline.into()));
    drop(share);
    made::<R>(state, context, &change, &id, before, saved).map(|saved| (id, saved))
}

/// How many times what was read of a body is held while that waits to be saved: as it came, as it is to be stored, and what
/// was found in it.
const HELD_OF_A_SAVE: usize = 3;

/// About how many bytes of memory a value takes.
fn weight(value: &Value) -> usize {
    /// What a map and the allocator add to an entry.
    const ENTRY: usize = 64;
    size_of::<Value>()
        + match value {
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(weight).sum(),
            Value::Object(map) => map.iter().map(|(key, item)| ENTRY + key.len() + weight(item)).sum(),
            _ => 0,
        }
}

/// What came of a change.
fn made<R: Resource>(
    state: &AppState,
    context: &Context,
    Change { by, verb, .. }: &Change,
    id: &R::Id,
    before: Option<Revision>,
    saved: std::result::Result<Saved, SaveError>,
) -> Result<Saved> {
    match saved {
        Ok(saved) => {
            let commit = Commit { before, after: saved.revision };
            context.audit_commit(state, by, &format!("{}:{verb}", R::PLURAL), R::path(id), commit);
            Ok(saved)
        }
        Err(error) => Err(conflict(error, || current::<R>(state, id))),
    }
}

/// Fields that an answer adds to a document. Sent back they say nothing, so that what was read can be changed and
/// written as it is.
const ADDED: [&str; 8] =
    ["revision", "updated_at", "updated_by", "matched", "rates", "used_by", "broken", "in_the_clear"];

/// Takes out of a body what an answer adds to a document, and the identifier, which must be the path's.
///
/// # Errors
/// When the body names another document.
fn without_added_fields(body: Value, id: &str) -> Result<Value> {
    let Value::Object(mut fields) = body else { return Ok(body) };
    match fields.shift_remove("id") {
        None | Some(Value::Null) => {}
        Some(Value::String(given)) if given == id => {}
        Some(_) => {
            return Err(Error::invalid_field(
                "id",
                "invalid_value",
                format!("must be {id}, as in the path, or absent"),
            ));
        }
    }
    for field in ADDED {
        fields.shift_remove(field);
    }
    Ok(Value::Object(fields))
}

/// The identifier of a new document: the one given, or a slug of the name in Latin letters.
///
/// # Errors
/// When the name has no letter or digit to make a slug of.
fn id_of<T: From<Slug>>(given: Option<T>, name: &str) -> Result<T> {
    let from_name = || Slug::from_name(&deunicode::deunicode(name)).map(T::from);
    given.or_else(from_name).ok_or_else(|| {
        Error::invalid_field("id", "missing_field", "give an id: the name has no letters or digits to make one of")
    })
}

/// Adds to a conflict what is stored now.
fn conflict<T: Serialize>(error: SaveError, show: impl FnOnce() -> Option<(T, Etag)>) -> Error {
    let etag = match &error {
        SaveError::Stale { etag, .. } => *etag,
        SaveError::Exists(_) => None,
        _ => return error.into(),
    };
    let error = Error::from(error);
    match show().and_then(|(shown, now)| Some((serde_json::to_value(shown).ok()?, now))) {
        Some((current, now)) => error.with_current(current, etag.or(Some(now))),
        None => error,
    }
}

/// `PUT` with `If-None-Match: *` of what is there: the precondition failed, not the identifier.
fn as_stale(error: Error) -> Error {
    if error.code() == ErrorCode::AlreadyExists { error.with_code(ErrorCode::StaleRevision) } else { error }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_read_can_be_written_back() {
        let read =
            json!({"id": "a", "name": "A", "revision": "x", "updated_at": "t", "updated_by": "u", "used_by": []});
        assert_eq!(without_added_fields(read, "a").unwrap(), json!({"name": "A"}));
        let error = without_added_fields(json!({"id": "b"}), "a").unwrap_err();
        assert_eq!(error.errors()[0].field, "id");
    }

    #[test]
    fn id_is_given_or_made_of_the_name() {
        let id = |given: Option<&str>, name| id_of::<Slug>(given.map(|id| id.parse().unwrap()), name);
        assert_eq!(id(Some("x"), "Web logs").unwrap().as_str(), "x");
        assert_eq!(id(None, "Web logs").unwrap().as_str(), "web-logs");
        assert_eq!(id(None, "Über Größe").unwrap().as_str(), "uber-grosse");
        assert_eq!(id(None, "名前").unwrap().as_str(), "ming-qian");
        assert!(id(None, "—").is_err());
    }
}
