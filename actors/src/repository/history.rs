//! The past of the repository, read on its thread.

use std::{collections::BTreeMap, time::Duration};

use linkmesh_proto::{
    Cursor, Revision,
    api::{
        list::Page,
        revision::{FileDiff, Restored, RevisionDiff, RevisionSummary},
    },
};
use similar::TextDiff;

use super::{HistoryError, RepositoryHandle, RestoreError, SaveError, batch::Change};
use crate::{
    by::By,
    domain::{document::DocumentPath, secret::redact_sealed},
    ports::{CommitInfo, ConfigRepository, FileChange, HistoryQuery, RepositoryError},
};

const DEADLINE: Duration = Duration::from_secs(10);

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

    /// What a commit changed, against `base`, or against its parent when none is given. Sealed values are hidden.
    ///
    /// # Errors
    /// When there is no such commit, or the repository fails.
    pub async fn diff(&self, base: Option<Revision>, revision: Revision) -> Result<RevisionDiff, HistoryError> {
        let (base, changes) = self
            .read(move |repository| {
                let info = repository.commit_info(revision)?;
                let base = base.or(info.ok_or(RepositoryError::UnknownRevision(revision))?.parent);
                Ok((base, repository.diff(base, revision)?))
            })
            .await?;
        Ok(RevisionDiff { base, sha: revision, files: changes.into_iter().map(file_diff).collect() })
    }

    /// Brings files back to what they were at a commit, as a new commit; all files when `paths` is absent. The result
    /// is checked like any save.
    ///
    /// # Errors
    /// When there is no such commit, what it holds breaks rules today, or the repository fails.
    pub async fn restore(
        &self,
        revision: Revision,
        paths: Option<Vec<String>>,
        by: &By,
    ) -> Result<Restored, RestoreError> {
        let (changes, head) = self
            .read(move |repository| {
                repository.commit_info(revision)?.ok_or(RepositoryError::UnknownRevision(revision))?;
                let head = repository.head()?;
                let differs = match head {
                    Some(head) => repository.diff(Some(head), revision)?,
                    None => Vec::new(),
                };
                Ok((differs, head))
            })
            .await?;
        let wanted = |path: &str| paths.as_ref().is_none_or(|paths| paths.iter().any(|wanted| wanted == path));
        let files: BTreeMap<DocumentPath, Option<Vec<u8>>> = changes
            .into_iter()
            .filter(|change| wanted(&change.path))
            .filter_map(|change| Some((change.path.parse().ok()?, change.after)))
            .collect();
        let touched: Vec<String> = files.keys().map(ToString::to_string).collect();
        if files.is_empty() {
            let revision = head.ok_or(HistoryError::UnknownRevision(revision))?;
            return Ok(Restored { revision, paths: Vec::new(), affected: 0 });
        }
        let change = Change::Restore { of: revision, files: files.into_iter().collect(), by: by.clone() };
        let saved = self.commit(change).await.map_err(|error: SaveError| RestoreError::Save(error))?;
        Ok(Restored { revision: saved.revision, paths: touched, affected: saved.affected })
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
        parent: info.parent,
    }
}

fn file_diff(change: FileChange) -> FileDiff {
    let kind = match (&change.before, &change.after) {
        (None, _) => "added",
        (Some(_), None) => "deleted",
        (Some(_), Some(_)) => "changed",
    };
    // Hidden before they are compared: a sealed value that changed shows as unchanged text, never as a blob.
    let text = |content: Option<Vec<u8>>| {
        content.map_or_else(String::new, |content| redact_sealed(&String::from_utf8_lossy(&content)).into_owned())
    };
    let (before, after) = (text(change.before), text(change.after));
    let patch = TextDiff::from_lines(&before, &after)
        .unified_diff()
        .context_radius(3)
        .header(&format!("a/{}", change.path), &format!("b/{}", change.path))
        .to_string();
    FileDiff { path: change.path, change: kind.to_owned(), patch }
}
