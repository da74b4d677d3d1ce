//! What pipelines and destinations have in common: documents of the config repository, read whole and written whole.

use linkmesh_actors::repository::{Edit, Precondition as Stored, Save, SaveError, Saved};
use linkmesh_proto::{Slug, api::problem::FieldProblem};
use serde::Serialize;
use serde_json::Value;

use super::{
    AppState,
    routes::{Commit, Context, Version},
};
use crate::{
    auth::Caller,
    error::{Error, ErrorCode, Result},
};

/// Fields that an answer adds to a document. Sent back they say nothing, so that what was read can be changed and
/// written as it is.
const ADDED: [&str; 6] = ["revision", "updated_at", "updated_by", "matched", "used_by", "broken"];

/// Takes out of a body what an answer adds to a document, and the identifier, which must be the path's.
///
/// # Errors
/// When the body names another document.
pub(super) fn without_added_fields(body: Value, id: &str) -> Result<Value> {
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

/// The identifier of a new document: the one given, or a slug of the name.
///
/// # Errors
/// When the name has no letter or digit to make a slug of.
pub(super) fn id_of<T: From<Slug>>(given: Option<T>, name: &str) -> Result<T> {
    let from_name = || Slug::from_name(name).map(T::from);
    given.or_else(from_name).ok_or_else(|| {
        Error::invalid_field("id", "missing_field", "give an id: the name has no letters or digits to make one of")
    })
}

/// What a write must find stored.
pub(super) const fn stored(version: Version) -> Stored {
    match version {
        Version::Is(etag) => Stored::Matches(etag),
        Version::Absent => Stored::Absent,
    }
}

/// Makes a change and writes it into the audit log. `show` turns the stored document into what `GET` answers, for the
/// client that finds it changed.
///
/// # Errors
/// When the change was not made. Nothing was stored then.
pub(super) async fn save<T: Serialize>(
    state: &AppState,
    context: &Context,
    caller: &Caller,
    edit: Edit,
    precondition: Stored,
    action: &str,
    show: impl FnOnce() -> Option<(T, linkmesh_proto::Etag)>,
) -> Result<Saved> {
    let by = context.by(caller);
    let target = edit.path();
    let before = state.handles.repository.snapshot().revision;
    match state.handles.repository.save(Save { edit, precondition, by: by.clone() }).await {
        Ok(saved) => {
            let commit = Commit { before, after: saved.revision };
            context.audit(state, &by, action, &target, Some(commit)).await;
            Ok(saved)
        }
        Err(error) => Err(conflict(error, show)),
    }
}

/// Adds to a conflict what is stored now.
fn conflict<T: Serialize>(error: SaveError, show: impl FnOnce() -> Option<(T, linkmesh_proto::Etag)>) -> Error {
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
pub(super) fn as_stale(error: Error) -> Error {
    if error.code() == ErrorCode::AlreadyExists { error.with_code(ErrorCode::StaleRevision) } else { error }
}

/// The problems of a document whose shape is wrong already, as `validate` answers them.
pub(super) fn misshapen(errors: Vec<FieldProblem>) -> linkmesh_proto::api::pipeline::Validation {
    linkmesh_proto::api::pipeline::Validation { errors, warnings: Vec::new() }
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
        assert!(id(None, "—").is_err());
    }
}
