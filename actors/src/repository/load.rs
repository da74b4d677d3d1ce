//! From files to documents in force.

use std::sync::Arc;

use linkmesh_proto::{Revision, api::problem::FieldProblem};

use crate::{
    domain::{
        config::{BrokenFile, ConfigSnapshot, Memo, Versioned},
        document::{
            DocumentPath, Settings, parse_collector, parse_destination, parse_group, parse_pipeline, parse_settings,
        },
        secret::{clear_in_destination, clear_in_pipeline},
    },
    ports::{ConfigRepository, HistoryQuery, RepositoryError, RepositoryFile},
};

/// How far back a last good version of a broken file is looked for.
const LOOK_BACK: usize = 100;

/// Reads the repository at its head. A broken file counts with its last good version, when history has one.
pub(crate) fn load(repository: &mut dyn ConfigRepository) -> Result<ConfigSnapshot, RepositoryError> {
    let Some(head) = repository.head()? else { return Ok(ConfigSnapshot::default()) };
    let mut snapshot = ConfigSnapshot { revision: Some(head), ..ConfigSnapshot::default() };
    for file in repository.files(head)? {
        if let Ok(path) = file.path.parse::<DocumentPath>()
            && let Err(reason) = take(&mut snapshot, &path, &file)
        {
            put_broken(&mut snapshot, &path, &file, reason);
            restore_last_good(repository, &mut snapshot, &path, &file)?;
        }
    }
    for path in snapshot.pipelines.keys().cloned().map(DocumentPath::Pipeline) {
        tell_of_secrets(&snapshot, &path);
    }
    for path in snapshot.destinations.keys().cloned().map(DocumentPath::Destination) {
        tell_of_secrets(&snapshot, &path);
    }
    Ok(snapshot)
}

/// Brings a snapshot up to a commit that was made by hand. A file that it broke keeps its last good version.
pub(super) fn follow(
    repository: &mut dyn ConfigRepository,
    snapshot: &ConfigSnapshot,
    head: Revision,
) -> Result<ConfigSnapshot, RepositoryError> {
    let mut next = snapshot.clone();
    for (path, file) in repository.changed_files(snapshot.revision, head)? {
        let Ok(document) = path.parse::<DocumentPath>() else { continue };
        next.broken.retain(|broken| broken.path != path);
        match file {
            None => remove(&mut next, &document),
            Some(file) => {
                if let Err(reason) = take(&mut next, &document, &file) {
                    put_broken(&mut next, &document, &file, reason);
                    // From history, as a start would: it may have been gone in between.
                    remove(&mut next, &document);
                    restore_last_good(repository, &mut next, &document, &file)?;
                }
                tell_of_secrets(&next, &document);
            }
        }
    }
    next.revision = Some(head);
    Ok(next)
}

/// Puts a document in force.
pub(super) fn take(snapshot: &mut ConfigSnapshot, path: &DocumentPath, file: &RepositoryFile) -> Result<(), String> {
    if let Some(bytes) = file.oversized {
        return Err(format!("the file has {bytes} bytes, more than any document, or all files together have too many"));
    }
    let text = std::str::from_utf8(&file.content).map_err(|_| "the file is not UTF-8".to_owned())?;
    match path {
        DocumentPath::Pipeline(id) => {
            let document = parse_pipeline(text).map_err(in_words)?;
            snapshot.pipelines.insert(id.clone(), versioned(document, file));
        }
        DocumentPath::Destination(id) => {
            let document = parse_destination(text).map_err(in_words)?;
            snapshot.destinations.insert(id.clone(), versioned(document, file));
        }
        DocumentPath::Group(id) => {
            let document = parse_group(text).map_err(in_words)?;
            snapshot.groups.insert(id.clone(), versioned(document, file));
        }
        DocumentPath::Collector(id) => {
            let document = parse_collector(text).map_err(in_words)?;
            snapshot.collectors.insert(*id, versioned(document, file));
        }
        DocumentPath::Settings => {
            snapshot.settings = parse_settings(text).map_err(in_words)?;
            snapshot.settings_from = Some((file.updated_at, file.revision));
        }
    }
    Ok(())
}

/// Takes a document out of force.
pub(super) fn remove(snapshot: &mut ConfigSnapshot, path: &DocumentPath) {
    match path {
        DocumentPath::Pipeline(id) => drop(snapshot.pipelines.remove(id)),
        DocumentPath::Destination(id) => drop(snapshot.destinations.remove(id)),
        DocumentPath::Group(id) => drop(snapshot.groups.remove(id)),
        DocumentPath::Collector(id) => drop(snapshot.collectors.remove(id)),
        DocumentPath::Settings => (snapshot.settings, snapshot.settings_from) = (Settings::default(), None),
    }
}

fn versioned<T>(document: T, file: &RepositoryFile) -> Arc<Versioned<T>> {
    Arc::new(Versioned {
        document,
        etag: file.etag,
        revision: file.revision,
        updated_at: file.updated_at,
        updated_by: file.updated_by.clone(),
        memo: Memo::default(),
    })
}

fn in_words(problems: Vec<FieldProblem>) -> String {
    let in_words = |problem: FieldProblem| match problem.field.as_str() {
        "" => problem.message,
        field => format!("{field}: {}", problem.message),
    };
    problems.into_iter().map(in_words).collect::<Vec<_>>().join("; ")
}

fn put_broken(snapshot: &mut ConfigSnapshot, path: &DocumentPath, file: &RepositoryFile, reason: String) {
    tracing::warn!(path = %file.path, %reason, "a file of the config repository is broken, its last good version counts");
    let broken = BrokenFile { path: file.path.clone(), document: Some(path.clone()), etag: file.etag, reason };
    snapshot.broken.push(broken);
}

/// Warns of secrets that a hand-made commit put into a document in the clear: the field, never the value.
fn tell_of_secrets(snapshot: &ConfigSnapshot, path: &DocumentPath) {
    let clear = match path {
        DocumentPath::Pipeline(id) => snapshot.pipelines.get(id).map(|stored| clear_in_pipeline(&stored.document)),
        DocumentPath::Destination(id) => {
            snapshot.destinations.get(id).map(|stored| clear_in_destination(&stored.document))
        }
        DocumentPath::Group(_) | DocumentPath::Collector(_) | DocumentPath::Settings => None,
    };
    for field in clear.into_iter().flatten() {
        tracing::warn!(
            %path, %field,
            "a secret stands in the clear in the config repository: save the document once to seal it, and change the secret"
        );
    }
}

/// Puts the newest good version of a broken file in force, unless it was deleted after that.
fn restore_last_good(
    repository: &mut dyn ConfigRepository,
    snapshot: &mut ConfigSnapshot,
    path: &DocumentPath,
    broken: &RepositoryFile,
) -> Result<(), RepositoryError> {
    let query = HistoryQuery { after: Some(broken.revision), path: Some(broken.path.clone()), limit: LOOK_BACK };
    for commit in repository.history(&query)? {
        match repository.file(commit.revision, &broken.path)? {
            None => return Ok(()),
            Some(file) if take(snapshot, path, &file).is_ok() => return Ok(()),
            Some(_) => {}
        }
    }
    Ok(())
}
