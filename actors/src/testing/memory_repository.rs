//! A config repository in memory, with history, that a test can commit to by hand.

use std::{collections::BTreeMap, sync::Arc};

use linkmesh_proto::{Etag, RequestId, Revision, Timestamp};
use parking_lot::{Condvar, Mutex};
use sha2::{Digest, Sha256};

use crate::{
    domain::document::DocumentPath,
    mint::Mint as _,
    ports::{
        Bounds, CommitAuthor, CommitInfo, CommitRequest, Committed, ConfigRepository, Differences, FileChange,
        HistoryQuery, LARGEST_FILE, MaintenanceReport, PathChange, RepositoryError, RepositoryFile, Unread,
    },
};

type Tree = BTreeMap<String, Arc<[u8]>>;

#[derive(Debug, Clone)]
struct Commit {
    info: CommitInfo,
    tree: Tree,
}

#[derive(Debug, Default)]
struct State {
    commits: Vec<Commit>,
    batches: Vec<usize>,
    fails: bool,
    by_hand: u8,
    before_commit: Option<(String, String)>,
    /// Looks that a merge of packs still takes; `None` when none goes on.
    merging: Option<u8>,
    merged: usize,
}

/// A config repository in memory. Clones share it, as processes share a directory.
#[derive(Debug, Clone, Default)]
pub struct MemoryRepository {
    state: Arc<Mutex<State>>,
    /// Whether commits wait, and what wakes them.
    stall: Arc<(Mutex<Stall>, Condvar)>,
}

/// Commits that wait.
#[derive(Debug, Default)]
struct Stall {
    is_on: bool,
    waits: bool,
}

fn is_document(path: &str) -> bool {
    path.parse::<DocumentPath>().is_ok()
}

fn digest20(parts: &[&[u8]]) -> [u8; 20] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let mut id = [0; 20];
    id.copy_from_slice(digest.finalize().get(..20).expect("a digest of 32 bytes"));
    id
}

impl State {
    fn head(&self) -> Option<Revision> {
        self.commits.last().map(|commit| commit.info.revision)
    }

    fn find(&self, revision: Revision) -> Result<usize, RepositoryError> {
        let place = self.commits.iter().position(|commit| commit.info.revision == revision);
        place.ok_or(RepositoryError::UnknownRevision(revision))
    }

    fn tree(&self, revision: Option<Revision>) -> Result<Tree, RepositoryError> {
        match revision {
            None => Ok(Tree::new()),
            Some(revision) => Ok(self.find(revision).map(|place| self.commits[place].tree.clone())?),
        }
    }

    fn push(&mut self, request: &CommitRequest) -> Committed {
        let before = self.commits.last().map(|commit| commit.tree.clone()).unwrap_or_default();
        let mut tree = before.clone();
        for (path, change) in &request.changes {
            match change {
                PathChange::Put(content) => drop(tree.insert(path.clone(), content.as_slice().into())),
                PathChange::Delete => drop(tree.remove(path)),
            }
        }
        let etags = request
            .changes
            .iter()
            .map(|(path, _)| (path.clone(), tree.get(path).map(|content| Etag::from_bytes(digest20(&[content])))));
        let etags = etags.collect();
        if tree == before
            && let Some(head) = self.head()
        {
            return Committed { revision: head, changed: false, etags };
        }
        let number = self.commits.len().to_be_bytes();
        let revision = Revision::from_bytes(digest20(&[&number, request.summary.as_bytes()]));
        self.commits.push(Commit {
            info: CommitInfo {
                revision,
                parent: self.head(),
                summary: request.summary.clone(),
                author: request.author.clone(),
                at: request.at,
                request_id: Some(request.request_id.clone()),
                actor: Some(request.actor.clone()),
                paths: request.changes.iter().map(|(path, _)| path.clone()).collect(),
            },
            tree,
        });
        Committed { revision, changed: true, etags }
    }

    fn file(&self, place: usize, path: &str, content: &[u8]) -> RepositoryFile {
        let touched = self.commits[..=place].iter().rev().find(|commit| commit.info.paths.iter().any(|p| p == path));
        let info = &touched.expect("a file has a commit that wrote it").info;
        let oversized = (content.len() > LARGEST_FILE).then_some(content.len() as u64);
        RepositoryFile {
            path: path.to_owned(),
            content: if oversized.is_some() { Vec::new() } else { content.to_vec() },
            oversized,
            etag: Etag::from_bytes(digest20(&[content])),
            revision: info.revision,
            updated_at: info.at,
            updated_by: info.author.name.clone(),
        }
    }

    fn hand(&mut self, path: &str, content: Option<&str>) -> Revision {
        self.by_hand += 1;
        let change = content.map_or(PathChange::Delete, |content| PathChange::Put(content.into()));
        let request = CommitRequest {
            changes: vec![(path.to_owned(), change)],
            author: CommitAuthor { name: "Hand".into(), email: "hand@example.com".into() },
            summary: format!("by hand {}", self.by_hand),
            // Behind whatever a server made at its clock's first moment.
            at: Timestamp::from_millis(1_767_225_600_000 + i64::from(self.by_hand)),
            request_id: RequestId::generate(),
            actor: "hand@example.com".into(),
        };
        self.push(&request).revision
    }
}

impl MemoryRepository {
    /// Commits by hand, as a person would with `git`; `None` removes the file.
    pub fn commit_by_hand(&self, path: &str, content: Option<&str>) -> Revision {
        self.state.lock().hand(path, content)
    }

    /// Commits by hand in the moment before the next batch, so that the batch finds the branch moved.
    pub fn commit_by_hand_before_the_next_batch(&self, path: &str, content: &str) {
        self.state.lock().before_commit = Some((path.to_owned(), content.to_owned()));
    }

    /// From now on commits fail for want of room, or work again.
    pub fn fail_commits(&self, fails: bool) {
        self.state.lock().fails = fails;
    }

    /// From now on commits wait, as on a disk that does not answer, or go on.
    pub fn stall_commits(&self, stalls: bool) {
        let (stall, changed) = &*self.stall;
        stall.lock().is_on = stalls;
        changed.notify_all();
    }

    /// Whether a commit waits so.
    #[must_use]
    pub fn is_commit_stalled(&self) -> bool {
        self.stall.0.lock().waits
    }

    /// How many merges of packs were finished.
    #[must_use]
    pub fn merged(&self) -> usize {
        self.state.lock().merged
    }

    /// The number of requests of each batch so far.
    #[must_use]
    pub fn batches(&self) -> Vec<usize> {
        self.state.lock().batches.clone()
    }

    /// A file at the head.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<String> {
        let state = self.state.lock();
        let content = state.commits.last()?.tree.get(path)?;
        Some(String::from_utf8_lossy(content).into_owned())
    }

    /// How many commits there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state.lock().commits.len()
    }

    /// Whether there is no commit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl ConfigRepository for MemoryRepository {
    fn head(&mut self) -> Result<Option<Revision>, RepositoryError> {
        Ok(self.state.lock().head())
    }

    fn files(&mut self, at: Revision) -> Result<Vec<RepositoryFile>, RepositoryError> {
        let state = self.state.lock();
        let place = state.find(at)?;
        let documents = state.commits[place].tree.iter().filter(|(path, _)| is_document(path));
        Ok(documents.map(|(path, content)| state.file(place, path, content)).collect())
    }

    fn changed_files(
        &mut self,
        from: Option<Revision>,
        to: Revision,
    ) -> Result<Vec<(String, Option<RepositoryFile>)>, RepositoryError> {
        let changes = self.diff(from, to, Bounds::ALL)?.files.into_iter().filter(|change| is_document(&change.path));
        let state = self.state.lock();
        let place = state.find(to)?;
        let file = |change: FileChange| {
            let file = state.commits[place].tree.get(&change.path);
            let file = file.map(|content| state.file(place, &change.path, content));
            (change.path, file)
        };
        Ok(changes.map(file).collect())
    }

    fn commit(
        &mut self,
        base: Option<Revision>,
        requests: &[CommitRequest],
    ) -> Result<Vec<Committed>, RepositoryError> {
        let (stall, changed) = &*self.stall;
        let mut stall = stall.lock();
        changed.wait_while(&mut stall, |stall| {
            stall.waits = stall.is_on;
            stall.is_on
        });
        drop(stall);
        let mut state = self.state.lock();
        if let Some((path, content)) = state.before_commit.take() {
            state.hand(&path, Some(&content));
        }
        if state.fails {
            return Err(RepositoryError::NoSpace("told to fail".into()));
        }
        if state.head() != base {
            return Err(RepositoryError::Moved { head: state.head() });
        }
        state.batches.push(requests.len());
        Ok(requests.iter().map(|request| state.push(request)).collect())
    }

    fn history(&mut self, query: &HistoryQuery) -> Result<Vec<CommitInfo>, RepositoryError> {
        let state = self.state.lock();
        let end = match query.after {
            Some(after) => state.find(after)?,
            None => state.commits.len(),
        };
        let touches = |info: &&CommitInfo| query.path.as_ref().is_none_or(|path| info.paths.contains(path));
        let newest_first = state.commits[..end].iter().rev().map(|commit| &commit.info);
        Ok(newest_first.filter(touches).take(query.limit).cloned().collect())
    }

    fn commit_info(&mut self, revision: Revision) -> Result<Option<CommitInfo>, RepositoryError> {
        let state = self.state.lock();
        Ok(state.find(revision).ok().map(|place| state.commits[place].info.clone()))
    }

    fn diff(&mut self, base: Option<Revision>, to: Revision, bounds: Bounds) -> Result<Differences, RepositoryError> {
        let state = self.state.lock();
        let (before, after) = (state.tree(base)?, state.tree(Some(to))?);
        let paths: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let mut left = bounds.bytes;
        let mut change = |path: &&String| {
            let (old, new) = (before.get(*path), after.get(*path));
            (old != new).then(|| {
                let size = |side: Option<&Arc<[u8]>>| side.map_or(0, |content| content.len());
                let both = size(old) + size(new);
                let unread = match path {
                    path if !is_document(path) => Some(Unread::NoDocument),
                    _ if size(old).max(size(new)) > LARGEST_FILE => Some(Unread::TooLarge),
                    _ if both > left => Some(Unread::TooMuch),
                    _ => None,
                };
                left -= if unread.is_none() { both } else { 0 };
                let content = |side: Option<&Arc<[u8]>>| match unread {
                    None => side.map(|content| content.to_vec()),
                    Some(_) => side.map(|_| Vec::new()),
                };
                FileChange { path: (*path).clone(), before: content(old), after: content(new), unread }
            })
        };
        let mut files: Vec<FileChange> = paths.iter().filter_map(&mut change).collect();
        files.sort_by_key(|change| !is_document(&change.path));
        let more = files.len().saturating_sub(bounds.files);
        files.truncate(bounds.files);
        Ok(Differences { files, more })
    }

    fn probe(&mut self) -> Result<(), RepositoryError> {
        if self.state.lock().fails { Err(RepositoryError::NoSpace("told to fail".into())) } else { Ok(()) }
    }

    /// Plays a merge that takes two more looks until it is done.
    fn maintain(&mut self) -> Result<MaintenanceReport, RepositoryError> {
        let mut state = self.state.lock();
        let looks_left = state.merging.unwrap_or(2);
        state.merging = looks_left.checked_sub(1);
        let packed = state.merging.is_none();
        state.merged += usize::from(packed);
        Ok(MaintenanceReport { packed, packing: !packed, ..MaintenanceReport::default() })
    }
}
