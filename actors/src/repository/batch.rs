//! A batch of saves, judged one after the other, without actors.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use linkmesh_proto::{
    DestinationId, Etag, PipelineId, RequestId, Revision, Timestamp,
    api::{
        destination::DestinationDocument,
        pipeline::{PipelineDocument, Validation},
        problem::FieldProblem,
    },
};

use super::{
    Edit, Precondition, Restoration, Save, SaveError, Saved, StoredDocument,
    check::{self, Against, Checked, Ready},
    history::RestoredFile,
    load,
};
use crate::{
    by::By,
    domain::{
        config::{ConfigSnapshot, Versioned},
        document::{DocumentPath, Settings, check_labels, parse_pipeline, to_yaml, write_collector, write_group},
        problem::Problems,
        secret::Sealer,
        validate::{Checks, CollectorFacts, Examined, FleetFacts},
    },
    mint::Mint as _,
    ports::{CommitRequest, Committed, PathChange, RepositoryFile},
};

/// The version of a document that is not there.
const NO_VERSION: Etag = Etag::from_bytes([0; 20]);

/// Something to be committed if it may be.
pub(super) enum Change {
    /// One document, and what was made of it before.
    Save(ReadySave),
    /// Files as they were once, and what was found in those that are pipelines.
    Restore { restoration: Restoration, by: By, examined: HashMap<PipelineId, Examined> },
}

/// A change of one document, with all made of it that takes long.
pub struct ReadySave(pub(super) Save, pub(super) Readied);

/// What was made of a document before its turn came.
pub(super) enum Readied {
    /// Nothing: it takes no time.
    Nothing,
    /// A pipeline.
    Pipeline(Box<Ready<PipelineDocument>>),
    /// A destination.
    Destination(Box<Ready<DestinationDocument>>),
}

impl Readied {
    /// Makes a document ready. Takes as long as it is large: for threads that may be held.
    pub(super) fn of(edit: &Edit, config: &ConfigSnapshot, sealer: &dyn Sealer) -> Self {
        match edit {
            Edit::Pipeline(id, document) => {
                Self::Pipeline(Box::new(check::ready_pipeline(id, document, config, sealer)))
            }
            Edit::Destination(id, document) => {
                Self::Destination(Box::new(check::ready_destination(id, document, config, sealer)))
            }
            Edit::Collector(..) | Edit::Group(..) | Edit::Delete(_) => Self::Nothing,
        }
    }
}

/// Examines the pipelines among files that are to come back. For threads that may be held.
pub(super) fn examine(files: &[RestoredFile]) -> HashMap<PipelineId, Examined> {
    let examined = |file: &RestoredFile| {
        let text = std::str::from_utf8(file.content.as_deref()?).ok()?;
        let document = parse_pipeline(text).ok()?;
        Some((as_pipeline(&file.path)?.clone(), Examined::of(&document)))
    };
    files.iter().filter(|file| as_pipeline(&file.path).is_some()).filter_map(examined).collect()
}

/// What came of a change, before the batch is committed.
pub(super) enum Judged {
    /// It goes into the batch as this request.
    Accepted { request: usize, warnings: Vec<FieldProblem> },
    /// It is refused.
    Refused(SaveError),
    /// An earlier change of this batch was faster: what is stored is known when the batch is.
    Overtaken(DocumentPath),
}

/// What a batch is judged against.
pub(super) struct Judge<'a> {
    pub(super) facts: &'a [CollectorFacts],
    pub(super) sealer: &'a dyn Sealer,
    pub(super) now: Timestamp,
}

impl<'a> Judge<'a> {
    fn against(&self, config: &'a ConfigSnapshot) -> Against<'a> {
        Against { config, facts: self.facts, sealer: self.sealer }
    }
}

/// Judges changes in their order, each against what those before it leave. Answers the commits to make.
pub(super) fn judge(
    changes: &[Change],
    config: &ConfigSnapshot,
    judge: &Judge<'_>,
) -> (Vec<Judged>, Vec<CommitRequest>) {
    let mut overlay = config.clone();
    let mut requests: Vec<CommitRequest> = Vec::from_iter(config.revision.is_none().then(|| layout(judge.now)));
    let made_anyway = requests.len();
    let mut touched: Vec<DocumentPath> = Vec::new();
    let judged = changes
        .iter()
        .map(|change| {
            let outcome = match change {
                Change::Save(ReadySave(save, ready)) => judge_save(save, ready, &mut overlay, &touched, judge),
                Change::Restore { restoration, by, examined } => {
                    judge_restore(restoration, by, examined, &mut overlay, &touched, judge)
                }
            };
            match outcome {
                Ok((request, paths, warnings)) => {
                    touched.extend(paths);
                    requests.push(request);
                    Judged::Accepted { request: requests.len() - 1, warnings }
                }
                Err(refused) => refused,
            }
        })
        .collect();
    if requests.len() == made_anyway {
        // Nothing was accepted, so nothing begins.
        requests.clear();
    }
    (judged, requests)
}

/// The first commit of a repository: `linkmesh.yaml`, so that its version and what holds for every config can be read and
/// changed there. In words, so that no later release changes what collectors run by other defaults.
fn layout(now: Timestamp) -> CommitRequest {
    let (path, by) = (DocumentPath::Settings, By::server("repository", RequestId::generate()));
    let text = to_yaml(&Settings::default()).into_bytes();
    request(vec![(path.to_string(), PathChange::Put(text))], summary(&path, "create", None), &by, now)
}

type Outcome = Result<(CommitRequest, Vec<DocumentPath>, Vec<FieldProblem>), Judged>;

fn judge_save(
    save: &Save,
    ready: &Readied,
    overlay: &mut ConfigSnapshot,
    touched: &[DocumentPath],
    judge: &Judge<'_>,
) -> Outcome {
    let path = save.edit.path();
    let stored = stored(overlay, &path);
    let exists = stored.is_some() || overlay.broken(&path).is_some();
    // A version inside this batch is not known yet, and nobody can have seen it.
    let is_overtaken = touched.contains(&path);
    let holds = match save.precondition {
        Precondition::Any => true,
        Precondition::Absent if exists => return Err(Judged::Refused(SaveError::Exists(path))),
        Precondition::Absent => true,
        Precondition::Matches(NO_VERSION) => !exists,
        Precondition::Matches(_) if is_overtaken => return Err(Judged::Overtaken(path)),
        Precondition::Matches(etag) => stored.as_ref().is_some_and(|(_, current)| *current == etag),
    };
    if !holds {
        if is_overtaken {
            return Err(Judged::Overtaken(path));
        }
        if !exists && matches!(save.edit, Edit::Delete(_)) {
            return Err(Judged::Refused(SaveError::NotFound(path)));
        }
        let (current, etag) = stored.map_or((None, None), |(document, etag)| (document, Some(etag)));
        return Err(Judged::Refused(SaveError::Stale { current, etag }));
    }
    let invalid = |errors, warnings| Judged::Refused(SaveError::Invalid { errors, warnings });

    let mut warnings = Vec::new();
    let mut check = |validation: Validation| {
        if validation.errors.is_empty() {
            warnings = validation.warnings;
            Ok(())
        } else {
            Err(invalid(validation.errors, validation.warnings))
        }
    };
    let name = collector_name(&save.edit, overlay);
    let (change, verb) = match &save.edit {
        Edit::Pipeline(id, document) => {
            let against = judge.against(overlay);
            let Checked { document, text, validation } = match ready {
                Readied::Pipeline(ready) => check::ready_pipeline_checked(id, document, ready, against),
                _ => check::pipeline(id, document, against),
            };
            check(validation)?;
            let text = text.map_err(|errors| invalid(errors, Vec::new()))?;
            let verb = if overlay.pipelines.contains_key(id) { "update" } else { "create" };
            overlay.pipelines.insert(id.clone(), Arc::new(Versioned::unsaved(document)));
            (PathChange::Put(text.into_bytes()), verb)
        }
        Edit::Destination(id, document) => {
            let against = judge.against(overlay);
            let Checked { document, text, validation } = match ready {
                Readied::Destination(ready) => check::ready_destination_checked(id, document, ready, against),
                _ => check::destination(id, document, against),
            };
            check(validation)?;
            let text = text.map_err(|errors| invalid(errors, Vec::new()))?;
            let verb = if overlay.destinations.contains_key(id) { "update" } else { "create" };
            overlay.destinations.insert(id.clone(), Arc::new(Versioned::unsaved(document)));
            (PathChange::Put(text.into_bytes()), verb)
        }
        Edit::Collector(id, document) => {
            if let Err(errors) = check_labels(&document.labels) {
                return Err(invalid(errors, Vec::new()));
            }
            let text = write_collector(document).map_err(|errors| invalid(errors, Vec::new()))?;
            overlay.collectors.insert(*id, Arc::new(Versioned::unsaved(document.clone())));
            (PathChange::Put(text.into_bytes()), if exists { "update" } else { "create" })
        }
        Edit::Group(id, document) => {
            let text = write_group(document).map_err(|errors| invalid(errors, Vec::new()))?;
            overlay.groups.insert(id.clone(), Arc::new(Versioned::unsaved(document.clone())));
            (PathChange::Put(text.into_bytes()), if exists { "update" } else { "create" })
        }
        Edit::Delete(DocumentPath::Destination(id)) if !overlay.users_of(id).is_empty() => {
            return Err(Judged::Refused(SaveError::InUse(overlay.users_of(id))));
        }
        Edit::Delete(_) if !exists => return Err(Judged::Refused(SaveError::NotFound(path))),
        Edit::Delete(_) => {
            load::remove(overlay, &path);
            (PathChange::Delete, "delete")
        }
    };
    overlay.broken.retain(|broken| broken.document.as_ref() != Some(&path));
    let request = request(vec![(path.to_string(), change)], summary(&path, verb, name.as_deref()), &save.by, judge.now);
    Ok((request, vec![path], warnings))
}

fn unsaved(path: &DocumentPath, content: Vec<u8>) -> RepositoryFile {
    RepositoryFile {
        path: path.to_string(),
        content,
        oversized: None,
        etag: NO_VERSION,
        revision: Revision::from_bytes([0; 20]),
        updated_at: Timestamp::default(),
        updated_by: String::new(),
    }
}

fn judge_restore(
    Restoration { of, head, files }: &Restoration,
    by: &By,
    examined: &HashMap<PipelineId, Examined>,
    overlay: &mut ConfigSnapshot,
    touched: &[DocumentPath],
    judge: &Judge<'_>,
) -> Outcome {
    for RestoredFile { path, replaces, .. } in files {
        if touched.contains(path) {
            return Err(Judged::Overtaken(path.clone()));
        }
        let now = stored(overlay, path);
        let is_as_seen = match path {
            // Settings carry no version in memory: any commit since may have changed them.
            DocumentPath::Settings => overlay.revision == *head,
            _ => now.as_ref().map(|(_, etag)| *etag) == *replaces,
        };
        if !is_as_seen {
            let (current, etag) = now.map_or((None, None), |(document, etag)| (document, Some(etag)));
            return Err(Judged::Refused(SaveError::Stale { current, etag }));
        }
    }
    let mut next = overlay.clone();
    let mut errors = Problems::default();
    let problem = |errors: &mut Problems, path: &DocumentPath, field: &str, code: &str, message: String| {
        let field = if field.is_empty() { path.to_string() } else { format!("{path}: {field}") };
        errors.add(field, code, message);
    };
    for RestoredFile { path, content, .. } in files {
        match content {
            None => load::remove(&mut next, path),
            Some(content) => {
                if let Err(reason) = load::take(&mut next, path, &unsaved(path, content.clone())) {
                    problem(&mut errors, path, "", "invalid_yaml", reason);
                }
            }
        }
        next.broken.retain(|broken| broken.document.as_ref() != Some(path));
    }
    let destinations: BTreeSet<&DestinationId> = files.iter().filter_map(|file| as_destination(&file.path)).collect();
    let sends_there = |pipeline: &PipelineDocument| pipeline.destinations.iter().any(|d| destinations.contains(d.id()));
    let restored: BTreeSet<&PipelineId> = files.iter().filter_map(|file| as_pipeline(&file.path)).collect();
    let checks = Checks::of_many(&next, FleetFacts { collectors: judge.facts });
    for (id, pipeline) in &next.pipelines {
        // Untouched ones too, when they send where something changes: a destination that is gone again breaks them.
        if !restored.contains(id) && !sends_there(&pipeline.document) {
            continue;
        }
        // More would not be kept.
        if errors.is_full() {
            break;
        }
        let found = match examined.get(id) {
            Some(examined) => checks.examined_pipeline(id, &pipeline.document, examined),
            None => checks.stored_pipeline(id, pipeline),
        };
        for found in found.errors {
            problem(&mut errors, &DocumentPath::Pipeline(id.clone()), &found.field, &found.code, found.message);
        }
    }
    drop(checks);
    if let Err(errors) = errors.or(()) {
        return Err(Judged::Refused(SaveError::Invalid { errors, warnings: Vec::new() }));
    }
    *overlay = next;
    let changes = files.iter().map(|file| {
        let change = file.content.clone().map_or(PathChange::Delete, PathChange::Put);
        (file.path.to_string(), change)
    });
    let short: String = of.to_string().chars().take(12).collect();
    let what = match &files[..] {
        [file] => file.path.to_string(),
        _ => format!("{} files", files.len()),
    };
    let request = request(changes.collect(), format!("restore: {what} as of {short}"), by, judge.now);
    Ok((request, files.iter().map(|file| file.path.clone()).collect(), Vec::new()))
}

const fn as_pipeline(path: &DocumentPath) -> Option<&PipelineId> {
    match path {
        DocumentPath::Pipeline(id) => Some(id),
        _ => None,
    }
}

const fn as_destination(path: &DocumentPath) -> Option<&DestinationId> {
    match path {
        DocumentPath::Destination(id) => Some(id),
        _ => None,
    }
}

fn request(changes: Vec<(String, PathChange)>, summary: String, by: &By, at: Timestamp) -> CommitRequest {
    CommitRequest {
        changes,
        author: by.author(),
        summary,
        at,
        request_id: by.request_id.clone(),
        actor: by.actor().to_owned(),
    }
}

/// The name of the collector whose document is changed: its id says nothing to a person. Absent for everything else.
fn collector_name(edit: &Edit, overlay: &ConfigSnapshot) -> Option<String> {
    let name = match edit {
        Edit::Collector(_, document) => document.name.clone(),
        Edit::Delete(DocumentPath::Collector(id)) => overlay.collectors.get(id)?.document.name.clone(),
        _ => return None,
    };
    Some(name).filter(|name| !name.is_empty())
}

/// What changed, in words: `pipelines: update web-logs`, `collectors: create web-01`.
fn summary(path: &DocumentPath, verb: &str, collector_name: Option<&str>) -> String {
    match path {
        DocumentPath::Pipeline(id) => format!("pipelines: {verb} {id}"),
        DocumentPath::Destination(id) => format!("destinations: {verb} {id}"),
        DocumentPath::Group(id) => format!("groups: {verb} {id}"),
        DocumentPath::Collector(id) => collector_name
            .map_or_else(|| format!("collectors: {verb} {id}"), |name| format!("collectors: {verb} {name}")),
        DocumentPath::Settings => format!("linkmesh.yaml: {verb}"),
    }
}

/// A document in force, and the version that a save must name: of a broken file that of the broken text.
pub(super) fn stored(config: &ConfigSnapshot, path: &DocumentPath) -> Option<(Option<StoredDocument>, Etag)> {
    let document = match path {
        DocumentPath::Pipeline(id) => {
            config.pipelines.get(id).map(|stored| (StoredDocument::Pipeline(id.clone(), stored.clone()), stored.etag))
        }
        DocumentPath::Destination(id) => {
            let stored = config.destinations.get(id);
            stored.map(|stored| (StoredDocument::Destination(id.clone(), stored.clone()), stored.etag))
        }
        DocumentPath::Group(id) => {
            config.groups.get(id).map(|stored| (StoredDocument::Group(id.clone(), stored.clone()), stored.etag))
        }
        DocumentPath::Collector(id) => {
            config.collectors.get(id).map(|stored| (StoredDocument::Collector(*id, stored.clone()), stored.etag))
        }
        DocumentPath::Settings => None,
    };
    match (document, config.broken(path)) {
        (document, Some(broken)) => Some((document.map(|(document, _)| document), broken.etag)),
        (Some((document, etag)), None) => Some((Some(document), etag)),
        (None, None) => None,
    }
}

/// The snapshot after a batch was committed.
pub(super) fn committed(config: &ConfigSnapshot, requests: &[CommitRequest], commits: &[Committed]) -> ConfigSnapshot {
    let mut next = config.clone();
    for (request, commit) in requests.iter().zip(commits) {
        next.revision = Some(commit.revision);
        for ((path, change), (_, etag)) in request.changes.iter().zip(&commit.etags) {
            let Ok(document) = path.parse::<DocumentPath>() else { continue };
            next.broken.retain(|broken| broken.path != *path);
            match (change, etag) {
                (PathChange::Put(content), Some(etag)) => {
                    let is_same = stored(&next, &document).is_some_and(|(_, stored)| stored == *etag);
                    if is_same && !commit.changed {
                        continue;
                    }
                    let file = RepositoryFile {
                        path: path.clone(),
                        content: content.clone(),
                        oversized: None,
                        etag: *etag,
                        revision: commit.revision,
                        updated_at: request.at,
                        updated_by: request.author.name.clone(),
                    };
                    if let Err(reason) = load::take(&mut next, &document, &file) {
                        // It was read before it was committed. Should it not read now, the next start says so, and the
                        // file is there for a person.
                        tracing::error!(path, %reason, "a document just committed does not read back");
                    }
                }
                (PathChange::Delete, _) | (PathChange::Put(_), None) => load::remove(&mut next, &document),
            }
        }
    }
    next
}

/// The answer to a change that was committed.
pub(super) fn saved(commit: &Committed, warnings: Vec<FieldProblem>, affected: u64) -> Saved {
    Saved {
        revision: commit.revision,
        etag: commit.etags.first().and_then(|(_, etag)| *etag),
        changed: commit.changed,
        affected,
        warnings,
    }
}

#[cfg(test)]
mod tests;
