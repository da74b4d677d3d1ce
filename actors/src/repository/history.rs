//! The past of the repository, read on its thread.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use linkmesh_proto::{
    Cursor, Etag, Revision,
    api::{
        list::Page,
        revision::{FileDiff, Restored, RevisionDiff, RevisionSummary},
    },
};
use similar::TextDiff;

use super::{
    HistoryError, RepositoryHandle, SaveError,
    batch::{Change, examine},
};
use crate::{
    by::By,
    domain::{
        document::DocumentPath,
        secret::{Shown, shown},
    },
    ports::{Bounds, CommitInfo, ConfigRepository, Differences, FileChange, HistoryQuery, RepositoryError, Unread},
    runtime::AskError,
    secrets::Secrets,
    shared::Shared,
};

const DEADLINE: Duration = Duration::from_secs(10);
/// How long differences may be looked for; after that they are shown as coarse as they were found.
const COMPARE: Duration = Duration::from_secs(2);
/// What one answer holds: both sides of the largest document, and of everyday ones a few hundred.
const SHOWN: Bounds = Bounds { files: 1_000, bytes: 4 << 20 };

impl RepositoryHandle {
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut dyn ConfigRepository) -> Result<T, RepositoryError> + Send + 'static,
    ) -> Result<T, HistoryError> {
        Ok(self.worker.call(DEADLINE, move |repository| read(&mut **repository)).await??)
    }

    /// History, newest first; only commits that changed `path` when one is given.
    ///
    /// # Errors
    /// When the cursor is not valid or the repository fails.
    pub async fn history(
        &self,
        path: Option<String>,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<RevisionSummary>, HistoryError> {
        let after = cursor.map(|cursor| cursor.0.parse()).transpose().map_err(|_| HistoryError::BadCursor)?;
        let limit = limit.clamp(1, 500);
        let (commits, total) = self
            .read(move |repository| {
                let commits = repository.history(&HistoryQuery { after, path: path.clone(), limit: limit + 1 })?;
                let total = repository.count(path.as_deref())?;
                Ok((commits, total))
            })
            .await?;
        let more = commits.len() > limit;
        let items: Vec<RevisionSummary> = commits.into_iter().take(limit).map(summary).collect();
        let next_cursor = items.last().filter(|_| more).map(|last| Cursor(last.sha.to_string()));
        Ok(Page { items, next_cursor, total })
    }

    /// One commit.
    ///
    /// # Errors
    /// When there is none, or the repository fails.
    pub async fn revision(&self, revision: Revision) -> Result<RevisionSummary, HistoryError> {
        let info = self.read(move |repository| repository.commit_info(revision)).await?;
        info.map(summary).ok_or(HistoryError::UnknownRevision(revision))
    }

    /// What a commit changed, against `base`, or against its parent when none is given.
    ///
    /// # Errors
    /// When there is no such commit, or the repository fails.
    pub async fn diff(&self, base: Option<Revision>, revision: Revision) -> Result<Changes, HistoryError> {
        let (base, changes) = self
            .read(move |repository| {
                let info = repository.commit_info(revision)?;
                let base = base.or(info.ok_or(RepositoryError::UnknownRevision(revision))?.parent);
                Ok((base, repository.diff(base, revision, SHOWN)?))
            })
            .await?;
        Ok(Changes { base, revision, changes, shared: Arc::clone(&self.shared) })
    }

    /// What it takes to bring files back to what they were at a commit: those of `paths`, or every pipeline and
    /// destination. Labels of collectors, groups and settings are of today unless they are asked for by name.
    ///
    /// # Errors
    /// When there is no such commit, it would be too much, or the repository fails.
    pub async fn restoration(
        &self,
        revision: Revision,
        paths: Option<Vec<String>>,
    ) -> Result<Restoration, HistoryError> {
        let (differs, now, head) = self
            .read(move |repository| {
                repository.commit_info(revision)?.ok_or(RepositoryError::UnknownRevision(revision))?;
                let Some(head) = repository.head()? else { return Ok((Vec::new(), Vec::new(), None)) };
                let now = repository.changed_files(Some(revision), head)?;
                Ok((repository.diff(Some(head), revision, Bounds::ALL)?.files, now, Some(head)))
            })
            .await?;
        let etags: HashMap<String, Etag> =
            now.into_iter().filter_map(|(path, file)| Some((path, file?.etag))).collect();
        let named: Option<HashSet<DocumentPath>> =
            paths.map(|paths| paths.iter().filter_map(|path| path.parse().ok()).collect());
        let wanted = |path: &DocumentPath| match &named {
            Some(named) => named.contains(path),
            None => matches!(path, DocumentPath::Pipeline(_) | DocumentPath::Destination(_)),
        };
        let mut files = Vec::new();
        for FileChange { path, after, unread, .. } in differs {
            let Some(document) = path.parse().ok().filter(wanted) else { continue };
            if unread.is_some() && after.is_some() {
                return Err(HistoryError::TooLarge(path));
            }
            files.push(RestoredFile { replaces: etags.get(&path).copied(), path: document, content: after });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Restoration { of: revision, head, files })
    }

    /// Brings files back, as a new commit. The result is checked like any save.
    ///
    /// # Errors
    /// When one of the files was changed since the restoration was made ([`SaveError::Stale`]), when what comes back
    /// breaks rules today, or when the repository fails.
    pub async fn restore(&self, restoration: Restoration, by: &By) -> Result<Restored, SaveError> {
        let touched: Vec<String> = restoration.paths().map(ToString::to_string).collect();
        if let (true, Some(head)) = (touched.is_empty(), restoration.head) {
            return Ok(Restored { revision: head, paths: touched, affected: 0 });
        }
        let turn = self.turn().await?;
        let examined = actix_rt::task::spawn_blocking(move || {
            let examined = examine(&restoration.files);
            drop(turn);
            (restoration, examined)
        });
        let (restoration, examined) = examined.await.map_err(|_| AskError::Closed)?;
        let saved = self.commit(Change::Restore { restoration, by: by.clone(), examined }).await?;
        Ok(Restored { revision: saved.revision, paths: touched, affected: saved.affected })
    }
}

/// Files that are to be brought back, as the repository was when it was looked at.
#[derive(Debug, Clone)]
pub struct Restoration {
    pub(super) of: Revision,
    /// Where the branch was.
    pub(super) head: Option<Revision>,
    pub(super) files: Vec<RestoredFile>,
}

#[derive(Debug, Clone)]
pub(super) struct RestoredFile {
    pub(super) path: DocumentPath,
    /// What comes back; `None`: there was none, it goes.
    pub(super) content: Option<Vec<u8>>,
    /// The version in its place.
    pub(super) replaces: Option<Etag>,
}

impl Restoration {
    /// The files that would change.
    pub fn paths(&self) -> impl Iterator<Item = &DocumentPath> {
        self.files.iter().map(|file| &file.path)
    }
}

fn summary(info: CommitInfo) -> RevisionSummary {
    RevisionSummary {
        sha: info.revision,
        message: info.summary,
        author: info.author.name,
        at: info.at,
        request_id: info.request_id.map(|id| id.to_string()),
        paths: info.paths,
        names: BTreeMap::new(),
        parent: info.parent,
    }
}

/// The files that differ between two commits, as they were read.
pub struct Changes {
    base: Option<Revision>,
    revision: Revision,
    changes: Differences,
    shared: Arc<Shared>,
}

impl Changes {
    /// The differences for people: secrets hidden, also those that a commit by hand held in the clear.
    ///
    /// Compares whole files, which may take seconds: call it where a thread may be held.
    #[must_use]
    pub fn shown(self) -> RevisionDiff {
        let deadline = Instant::now() + COMPARE;
        let Differences { files, more } = self.changes;
        let files = files.into_iter().map(|change| file_diff(change, &self.shared.secrets, deadline)).collect();
        RevisionDiff { base: self.base, sha: self.revision, files, more: more as u64 }
    }
}

fn file_diff(change: FileChange, known: &Secrets, deadline: Instant) -> FileDiff {
    let kind = match (&change.before, &change.after) {
        (None, _) => "added",
        (Some(_), None) => "deleted",
        (Some(_), Some(_)) => "changed",
    };
    let left_out = change.unread.map(|unread| match unread {
        Unread::NoDocument => "no_document",
        Unread::TooLarge => "too_large",
        Unread::TooMuch => "too_much",
    });
    let patch = if left_out.is_some() { String::new() } else { patch(&change, known, deadline) };
    FileDiff { path: change.path, change: kind.to_owned(), patch, left_out: left_out.map(str::to_owned) }
}

fn patch(change: &FileChange, known: &Secrets, deadline: Instant) -> String {
    // Hidden before they are compared: a secret that changed shows as unchanged text, never as a blob.
    let of_side = |content: &Option<Vec<u8>>| {
        let text = String::from_utf8_lossy(content.as_deref()?);
        Some(shown(&change.path, &text, &|text| known.hide(text).into_owned()))
    };
    let sides = [of_side(&change.before), of_side(&change.after)];
    // Both in one writing, or all of one would differ from all of the other.
    let is_as_written = sides.iter().flatten().all(|side| side.as_written.is_some());
    let [before, after] = sides.map(|side| match side {
        Some(Shown { as_written: Some(text), .. }) if is_as_written => text,
        Some(Shown { anew, .. }) => anew,
        None => String::new(),
    });
    let side = |letter: &str, content: &Option<Vec<u8>>| match content {
        Some(_) => Cow::Owned(format!("{letter}/{}", change.path)),
        None => Cow::Borrowed("/dev/null"),
    };
    TextDiff::configure()
        .deadline(deadline)
        .diff_lines(before.as_str(), after.as_str())
        .unified_diff()
        .context_radius(3)
        .header(&side("a", &change.before), &side("b", &change.after))
        .to_string()
}

#[cfg(test)]
mod tests;
