//! The config repository in Git, behind the port of `linkmesh_actors`.
//!
//! A bare repository with the branch `main` and no checkout. It belongs to one thread (the port says so); people may read
//! it with any Git program at any time, and may commit by hand: a commit finds the branch moved and says so.
//!
//! | part | holds |
//! |---|---|
//! | `commit` | a batch of changes as chained commits: one pack, synced, then one move of the branch |
//! | `pack` | the pack of a batch and its index, as files |
//! | `history` | in memory, which commit touched which path; made at start, kept up with every commit |
//! | `tree` | what a tree holds and how two differ, on the raw bytes |
//! | `maintenance` | packs grow in number with each batch; merged so that there are few, and every object seldom moves |
//!
//! Durability: `pack` syncs what it writes. libgit2 syncs merged packs, references and the directories of both when
//! `core.fsyncObjectFiles` says so. Newer Git programs warn of that key at every command, so it stands in a file of our
//! own, which every handle is given when it is opened.

mod commit;
mod error;
mod history;
mod maintenance;
mod pack;
#[cfg(test)]
mod tests;
mod tree;

use std::{
    fs,
    path::{Path, PathBuf},
};

use git2::{Oid, Repository, RepositoryInitOptions};
use linkmesh_actors::ports::{
    Bounds, CommitInfo, CommitRequest, Committed, ConfigRepository, Differences, FileChange, HistoryQuery,
    LARGEST_FILE, MOST_BYTES, MaintenanceReport, RepositoryError, RepositoryFile, Unread,
};
use linkmesh_proto::{Etag, Revision};

use self::{
    commit::Workshop,
    error::{io_error, unavailable},
    history::History,
    maintenance::Packing,
    tree::{Blob, Difference, Trees},
};
use crate::data_dir::files;

/// The branch that holds the config.
const BRANCH: &str = "refs/heads/main";

/// What our handles are configured with beside the repository's own file: its name in the repository, and its text.
const OWN_CONFIG: (&str, &str) = ("linkmesh.config", "[core]\n\tfsyncObjectFiles = true\n");

/// The config repository on disk.
pub struct GitRepository {
    path: PathBuf,
    /// It finds packs that appear after it was opened by itself.
    handle: Repository,
    /// `None` after a failure, and before the first commit.
    workshop: Option<Workshop>,
    history: History,
    packing: Option<Packing>,
}

impl std::fmt::Debug for GitRepository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GitRepository").field("path", &self.path).finish_non_exhaustive()
    }
}

impl GitRepository {
    /// Makes an empty repository at `path` (mode 0700), when there is none.
    ///
    /// # Errors
    /// When there is something else at `path`, or the disk fails.
    pub fn make(path: &Path) -> Result<(), RepositoryError> {
        if path.join("HEAD").is_file() { Ok(()) } else { init(path) }
    }

    /// Opens the repository at `path`, and makes it when it is not there. Reads the history, which takes
    /// about a second for ten thousand commits.
    ///
    /// The caller holds the data directory's lock: what a killed server left locked is unlocked here.
    ///
    /// # Errors
    /// When there is something else at `path`, or the disk fails.
    pub fn open(path: &Path) -> Result<Self, RepositoryError> {
        // libgit2 would look through all packs, and read their folder again, before it lets the branch name a commit
        // that was written a moment before.
        git2::opts::strict_object_creation(false);
        // As Git itself, which takes zlib's checksum for enough: a save reads the same folder of 45 KB half a dozen times.
        git2::opts::strict_hash_verification(false);
        Self::make(path)?;
        remove_stale_locks(path)?;
        maintenance::remove_leftovers(path).map_err(io_error)?;
        let own = path.join(OWN_CONFIG.0);
        if fs::read_to_string(&own).ok().as_deref() != Some(OWN_CONFIG.1) {
            files::replace_durably(&own, OWN_CONFIG.1.as_bytes()).map_err(io_error)?;
        }
        let handle = open_handle(path)?;
        let mut repository =
            Self { path: path.to_owned(), handle, workshop: None, history: History::default(), packing: None };
        repository.synchronize()?;
        Ok(repository)
    }

    /// Where the branch is.
    fn branch(&self) -> Result<Option<Oid>, RepositoryError> {
        match self.handle.refname_to_id(BRANCH) {
            Ok(id) => Ok(Some(id)),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Brings the history in memory to where the branch is, and answers that.
    fn synchronize(&mut self) -> Result<Option<Oid>, RepositoryError> {
        let head = self.branch()?;
        if self.history.head() != head {
            self.history.follow(&self.handle, head)?;
        }
        Ok(head)
    }

    /// The place of a commit in the history. Looks at the branch again when it is not known.
    fn position(&mut self, revision: Revision) -> Result<usize, RepositoryError> {
        let id = oid(revision);
        if self.history.position(id).is_none() {
            self.synchronize()?;
        }
        self.history.position(id).ok_or(RepositoryError::UnknownRevision(revision))
    }

    /// The tree of a commit, also of one that is no longer on the branch.
    fn tree_of(&self, revision: Revision) -> Result<Oid, RepositoryError> {
        match self.handle.find_commit(oid(revision)) {
            Ok(commit) => Ok(commit.tree_id()),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Err(RepositoryError::UnknownRevision(revision)),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// The size of a blob, in bytes. What is there may say that it is a gigabyte in a kilobyte, so this comes first.
    fn size(&self, blob: Option<Blob>) -> Result<usize, RepositoryError> {
        let Some(blob) = blob else { return Ok(0) };
        let header = self.handle.odb().and_then(|odb| odb.read_header(blob.id));
        header.map(|(bytes, _)| bytes).map_err(unavailable)
    }

    fn content(&self, blob: Blob) -> Result<Vec<u8>, RepositoryError> {
        Ok(self.handle.find_blob(blob.id).map_err(unavailable)?.content().to_vec())
    }

    fn finish_packing(&mut self, packing: Packing) -> Result<MaintenanceReport, RepositoryError> {
        let report = packing.finish(&self.path);
        // Opened afresh, so that packs that are gone are neither kept open nor looked for.
        self.handle = open_handle(&self.path)?;
        report
    }

    /// Reads a file, as far as it is of the size of a document, and of what is `left` of all files together.
    fn document(
        &self,
        path: String,
        blob: Blob,
        position: usize,
        left: &mut usize,
    ) -> Result<RepositoryFile, RepositoryError> {
        let bytes = self.size(Some(blob))?;
        let (content, oversized) = if bytes > LARGEST_FILE || bytes > *left {
            tracing::warn!(path, bytes, "file in the config repository is too large, not read");
            (Vec::new(), Some(bytes as u64))
        } else {
            *left -= bytes;
            (self.content(blob)?, None)
        };
        let (commit, updated_at, author) = self.history.last_touch(&path, position);
        let (revision, updated_by) = (revision(commit), author.to_owned());
        Ok(RepositoryFile { path, content, oversized, etag: etag(blob.id), revision, updated_at, updated_by })
    }

    /// Both sides of a document, likewise.
    fn change(&self, document: Difference, left: &mut usize) -> Result<FileChange, RepositoryError> {
        let Difference { path, before, after } = document;
        let (old, new) = (self.size(before)?, self.size(after)?);
        let unread = match old.saturating_add(new) {
            _ if old.max(new) > LARGEST_FILE => Some(Unread::TooLarge),
            both if both > *left => Some(Unread::TooMuch),
            both => {
                *left -= both;
                None
            }
        };
        let content = |blob: Option<Blob>| match unread {
            None => blob.map(|blob| self.content(blob)).transpose(),
            Some(_) => Ok(blob.map(|_| Vec::new())),
        };
        Ok(FileChange { before: content(before)?, after: content(after)?, path, unread })
    }
}

impl ConfigRepository for GitRepository {
    fn head(&mut self) -> Result<Option<Revision>, RepositoryError> {
        Ok(self.branch()?.map(revision))
    }

    fn files(&mut self, at: Revision) -> Result<Vec<RepositoryFile>, RepositoryError> {
        let position = self.position(at)?;
        let documents = Trees::of(&self.handle)?.differences(None, Some(self.tree_of(at)?))?.documents;
        let present = documents.into_iter().filter_map(|Difference { path, after, .. }| Some((path, after?)));
        let mut left = MOST_BYTES;
        present.map(|(path, blob)| self.document(path, blob, position, &mut left)).collect()
    }

    fn file(&mut self, at: Revision, path: &str) -> Result<Option<RepositoryFile>, RepositoryError> {
        let position = self.position(at)?;
        let tree = self.handle.find_tree(self.tree_of(at)?).map_err(unavailable)?;
        match tree.get_path(Path::new(path)) {
            Ok(entry) if tree::is_file(entry.filemode()) => {
                self.document(path.to_owned(), Blob { id: entry.id() }, position, &mut { LARGEST_FILE }).map(Some)
            }
            Ok(_) => Ok(None),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    fn changed_files(
        &mut self,
        from: Option<Revision>,
        to: Revision,
    ) -> Result<Vec<(String, Option<RepositoryFile>)>, RepositoryError> {
        let position = self.position(to)?;
        let from = from.map(|from| self.tree_of(from)).transpose()?;
        let documents = Trees::of(&self.handle)?.differences(from, Some(self.tree_of(to)?))?.documents;
        let mut left = MOST_BYTES;
        let file = |Difference { path, after, .. }| {
            let file = after.map(|blob| self.document(path.clone(), blob, position, &mut left)).transpose();
            Ok((path, file?))
        };
        documents.into_iter().map(file).collect()
    }

    fn commit(
        &mut self,
        base: Option<Revision>,
        requests: &[CommitRequest],
    ) -> Result<Vec<Committed>, RepositoryError> {
        let head = self.synchronize()?;
        if head.map(revision) != base {
            return Err(RepositoryError::Moved { head: head.map(revision) });
        }
        let batch = match commit::store(&self.handle, &mut self.workshop, &self.path, head, requests) {
            Ok(batch) => batch,
            Err(error) => {
                // Should it not open, the old one reads on.
                if let Ok(handle) = open_handle(&self.path) {
                    self.handle = handle;
                }
                return Err(error);
            }
        };
        for made in &batch.made {
            self.history.push(made.id, made.at, &made.author, made.paths.iter().map(String::as_str));
        }
        Ok(batch.answers)
    }

    fn history(&mut self, query: &HistoryQuery) -> Result<Vec<CommitInfo>, RepositoryError> {
        self.synchronize()?;
        let before = query.after.map(|after| self.position(after)).transpose()?;
        let positions = self.history.newest(before, query.path.as_deref(), query.limit);
        positions.into_iter().map(|position| self.history.info(&self.handle, position)).collect()
    }

    fn count(&mut self, path: Option<&str>) -> Result<u64, RepositoryError> {
        self.synchronize()?;
        Ok(self.history.count(path))
    }

    fn commit_info(&mut self, revision: Revision) -> Result<Option<CommitInfo>, RepositoryError> {
        match self.position(revision) {
            Ok(position) => self.history.info(&self.handle, position).map(Some),
            Err(RepositoryError::UnknownRevision(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn diff(&mut self, base: Option<Revision>, to: Revision, bounds: Bounds) -> Result<Differences, RepositoryError> {
        let base = base.map(|base| self.tree_of(base)).transpose()?;
        let tree::Differences { documents, others, more } =
            Trees::of(&self.handle)?.differences(base, Some(self.tree_of(to)?))?;
        let more = more + (documents.len() + others.len()).saturating_sub(bounds.files);
        let mut left = bounds.bytes;
        let documents = documents.into_iter().map(|document| self.change(document, &mut left));
        let others = others.into_iter().map(|Difference { path, before, after }| {
            let side = |blob: Option<Blob>| blob.map(|_| Vec::new());
            let unread = Some(Unread::NoDocument);
            Ok(FileChange { path, before: side(before), after: side(after), unread })
        });
        let files = documents.chain(others).take(bounds.files).collect::<Result<_, _>>()?;
        Ok(Differences { files, more })
    }

    fn probe(&mut self) -> Result<(), RepositoryError> {
        maintenance::probe(&self.path).map_err(io_error)
    }

    /// Begins a merge of packs, which goes on beside the saves, or finishes one that is ready.
    fn maintain(&mut self) -> Result<MaintenanceReport, RepositoryError> {
        match self.packing.take() {
            Some(packing) if packing.is_finished() => self.finish_packing(packing),
            Some(packing) => Ok(self.packing.insert(packing).report()),
            None => match Packing::start(&self.path)? {
                Ok(packing) => Ok(self.packing.insert(packing).report()),
                Err(nothing_to_do) => Ok(nothing_to_do),
            },
        }
    }
}

/// Opens the repository so that what it writes is synced.
fn open_handle(path: &Path) -> Result<Repository, RepositoryError> {
    let repository = Repository::open_bare(path).map_err(unavailable)?;
    configure(&repository, path)?;
    Ok(repository)
}

/// Gives a handle our own configuration. It is asked when objects are first used, so this comes right after opening.
fn configure(repository: &Repository, path: &Path) -> Result<(), RepositoryError> {
    let mut config = repository.config().map_err(unavailable)?;
    config.add_file(&path.join(OWN_CONFIG.0), git2::ConfigLevel::App, true).map_err(unavailable)
}

fn init(path: &Path) -> Result<(), RepositoryError> {
    files::create_private_dir(path).map_err(io_error)?;
    let mut options = RepositoryInitOptions::new();
    options.bare(true).external_template(false).initial_head("main");
    Repository::init_opts(path, &options).map_err(unavailable)?;
    // libgit2 does not sync what it makes here, and a commit is worth nothing without it.
    for file in ["HEAD", "config"] {
        fs::File::open(path.join(file)).and_then(|file| file.sync_all()).map_err(io_error)?;
    }
    for directory in ["refs/heads", "refs", "objects/pack", "objects", ""] {
        files::sync_dir(&path.join(directory)).map_err(io_error)?;
    }
    files::sync_dir(files::parent(path)).map_err(io_error)
}

/// Removes the locks that a process leaves behind which is killed while it moves the branch. Nobody else moves it by
/// libgit2 while we hold the data directory, and a person's `git` holds such a lock for a moment only.
fn remove_stale_locks(path: &Path) -> Result<(), RepositoryError> {
    for lock in ["refs/heads/main.lock", "HEAD.lock", "config.lock", "packed-refs.lock"] {
        match fs::remove_file(path.join(lock)) {
            Ok(()) => tracing::warn!(lock, "removed a lock that a killed process left in the config repository"),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(io_error(error)),
        }
    }
    Ok(())
}

fn oid_bytes(id: Oid) -> [u8; 20] {
    // A repository of SHA-1 objects, the only kind that libgit2 opens here, has ids of 20 bytes.
    id.as_bytes().try_into().unwrap_or_default()
}

fn revision(id: Oid) -> Revision {
    Revision::from_bytes(oid_bytes(id))
}

fn etag(id: Oid) -> Etag {
    Etag::from_bytes(oid_bytes(id))
}

fn oid(revision: Revision) -> Oid {
    // 20 bytes are always an id.
    Oid::from_bytes(revision.as_bytes()).unwrap_or(Oid::ZERO_SHA1)
}
