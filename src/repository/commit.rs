//! A batch of changes as chained commits.
//!
//! The new objects are made in a repository in memory that holds nothing but what they build on, written as one pack, and
//! synced; then the branch is moved, once. On disk libgit2 would look through every pack for each object before it makes
//! it, and read the folder of packs again each time.

use std::{collections::BTreeSet, path::Path};

use git2::{ErrorCode, FileMode, ObjectType, Odb, Oid, Repository, Signature, Time, Tree, build::TreeUpdateBuilder};
use linkmesh_actors::ports::{CommitAuthor, CommitRequest, Committed, PathChange, RepositoryError};
use linkmesh_proto::Timestamp;

use super::{
    BRANCH,
    error::{malformed, unavailable},
    etag, pack, revision,
};

/// The only backend of its kind; what the number is does not matter.
const PRIORITY: i32 = 1;

/// A workshop that holds more bytes of new objects is begun anew: what is made in memory stays there, and a folder of a
/// thousand documents takes 50 KB at each commit.
const LARGEST_WORKSHOP: usize = 16 << 20;

/// Who commits for the authors.
const COMMITTER: (&str, &str) = ("LinkMesh", "linkmesh@server.invalid");

/// What became of a batch.
pub(super) struct Batch {
    pub(super) answers: Vec<Committed>,
    pub(super) made: Vec<Made>,
}

/// A commit of a batch.
pub(super) struct Made {
    pub(super) id: Oid,
    pub(super) at: Timestamp,
    pub(super) author: String,
    pub(super) paths: Vec<String>,
}

/// Where new objects are made: the folders of the newest commit, and what was made lately. A folder of a thousand
/// documents takes a while to be found on disk, unpacked and verified, so this is kept from one batch to the next.
pub(super) struct Workshop {
    memory: Repository,
    /// Bytes of the objects that were made here.
    bytes: usize,
}

/// Stores a batch on top of `head`, which is where the branch must be. After an error neither `disk`, which may know a
/// pack that is gone, nor the workshop is of more use.
pub(super) fn store(
    disk: &Repository,
    workshop: &mut Option<Workshop>,
    path: &Path,
    head: Option<Oid>,
    requests: &[CommitRequest],
) -> Result<Batch, RepositoryError> {
    let known = workshop.take().filter(|workshop| workshop.bytes < LARGEST_WORKSHOP);
    let mut ready = known.map_or_else(Workshop::new, Ok)?;
    let memory = &ready.memory;
    if let Some(head) = head {
        let paths = requests.iter().flat_map(|request| &request.changes).map(|(path, _)| path.as_str());
        Copy { disk: disk.odb().map_err(unavailable)?, memory }.below(head, paths)?;
    }
    let mut chain = Chain { repository: memory, head, fresh: BTreeSet::new(), made: Vec::new() };
    let answers = requests.iter().map(|request| chain.add(request)).collect::<Result<Vec<_>, _>>()?;
    let Chain { fresh, made, .. } = chain;
    if let Some(newest) = made.last() {
        let stored = pack::write(&memory.odb().map_err(unavailable)?, &fresh, &pack::directory(path))?;
        move_branch(disk, head, newest.id).map_err(|failed| {
            if failed.never_moved {
                stored.take_back();
            }
            failed.error
        })?;
    }
    ready.bytes += bytes_of(memory, &fresh).map_err(unavailable)?;
    *workshop = Some(ready);
    Ok(Batch { answers, made })
}

impl Workshop {
    fn new() -> Result<Self, RepositoryError> {
        let odb = Odb::new().map_err(unavailable)?;
        odb.add_new_mempack_backend(PRIORITY).map_err(unavailable)?;
        let memory = Repository::from_odb(odb).map_err(unavailable)?;
        Ok(Self { memory, bytes: 0 })
    }
}

fn bytes_of(memory: &Repository, objects: &BTreeSet<Oid>) -> Result<usize, git2::Error> {
    let odb = memory.odb()?;
    objects.iter().map(|id| odb.read_header(*id).map(|(bytes, _)| bytes)).sum()
}

/// Brings objects into memory.
struct Copy<'a> {
    disk: Odb<'a>,
    memory: &'a Repository,
}

impl Copy<'_> {
    /// What changes of these paths build on: a commit, its tree, and the folders above each path.
    fn below<'p>(&self, head: Oid, paths: impl Iterator<Item = &'p str>) -> Result<(), RepositoryError> {
        self.bring(head)?;
        let root = self.memory.find_commit(head).map_err(unavailable)?.tree_id();
        self.bring(root)?;
        let folders: BTreeSet<&Path> = paths.filter_map(|path| Path::new(path).parent()).collect();
        for folder in folders {
            let mut above = root;
            for name in folder {
                let tree = self.memory.find_tree(above).map_err(unavailable)?;
                // A folder that is not there is made, and a file of its name is in the way of that.
                let Some(entry) = name.to_str().and_then(|name| tree.get_name(name)) else { break };
                if entry.kind() != Some(ObjectType::Tree) {
                    break;
                }
                above = entry.id();
                self.bring(above)?;
            }
        }
        Ok(())
    }

    fn bring(&self, id: Oid) -> Result<(), RepositoryError> {
        let memory = self.memory.odb().map_err(unavailable)?;
        if memory.exists(id) {
            return Ok(());
        }
        let object = self.disk.read(id).map_err(unavailable)?;
        memory.write(object.kind(), object.data()).map(drop).map_err(unavailable)
    }
}

struct Chain<'a> {
    /// In memory.
    repository: &'a Repository,
    head: Option<Oid>,
    /// The objects that were made.
    fresh: BTreeSet<Oid>,
    made: Vec<Made>,
}

impl<'a> Chain<'a> {
    fn add(&mut self, request: &CommitRequest) -> Result<Committed, RepositoryError> {
        let repository = self.repository;
        let parent = self.head.map(|head| repository.find_commit(head)).transpose().map_err(unavailable)?;
        let tree = match &parent {
            Some(parent) => parent.tree().map_err(unavailable)?,
            None => self.empty_tree()?,
        };
        let mut update = TreeUpdateBuilder::new();
        let mut paths = Vec::new();
        let mut etags = Vec::new();
        for (path, change) in &request.changes {
            check_path(path)?;
            let before = tree.get_path(Path::new(path)).ok().map(|entry| (entry.id(), entry.kind()));
            let after = match change {
                PathChange::Put(content) => Some(repository.blob(content).map_err(unavailable)?),
                PathChange::Delete => None,
            };
            etags.push((path.clone(), after.map(etag)));
            if before.map(|(id, _)| id) == after {
                continue;
            }
            match after {
                Some(blob) => {
                    self.fresh.insert(blob);
                    update.upsert(path.as_str(), blob, FileMode::Blob);
                }
                // A folder of that name is not the file that is to go.
                None if before.is_some_and(|(_, kind)| kind != Some(ObjectType::Blob)) => continue,
                None => {
                    update.remove(path.as_str());
                }
            }
            paths.push(path.clone());
        }
        if let (Some(head), true) = (self.head, paths.is_empty()) {
            return Ok(Committed { revision: revision(head), changed: false, etags });
        }
        let root = update.create_updated(repository, &tree).map_err(unavailable)?;
        self.note_trees(root, &paths)?;
        let root = repository.find_tree(root).map_err(unavailable)?;
        let time = Time::new(request.at.as_millis().div_euclid(1_000), 0);
        let author = signature(&request.author, &time)?;
        let committer = Signature::new(COMMITTER.0, COMMITTER.1, &time).map_err(unavailable)?;
        let message = message(request);
        let parents: Vec<_> = parent.iter().collect();
        let id = repository.commit(None, &author, &committer, &message, &root, &parents).map_err(unavailable)?;
        self.fresh.insert(id);
        self.head = Some(id);
        // As Git keeps it: in whole seconds, and with the name as it was written.
        let at = Timestamp::from_millis(time.seconds() * 1_000);
        let author = String::from_utf8_lossy(author.name_bytes()).into_owned();
        self.made.push(Made { id, at, author, paths });
        Ok(Committed { revision: revision(id), changed: true, etags })
    }

    fn empty_tree(&self) -> Result<Tree<'a>, RepositoryError> {
        let id = self.repository.treebuilder(None).and_then(|builder| builder.write()).map_err(unavailable)?;
        self.repository.find_tree(id).map_err(unavailable)
    }

    /// Takes note of the trees that a change made: the root, and the folders above each path.
    fn note_trees(&mut self, root: Oid, paths: &[String]) -> Result<(), RepositoryError> {
        self.fresh.insert(root);
        let root = self.repository.find_tree(root).map_err(unavailable)?;
        for path in paths {
            for folder in Path::new(path).ancestors().skip(1).take_while(|folder| !folder.as_os_str().is_empty()) {
                // Gone when its last file went.
                if let Ok(entry) = root.get_path(folder) {
                    self.fresh.insert(entry.id());
                }
            }
        }
        Ok(())
    }
}

/// A move of the branch that failed.
struct Failed {
    error: RepositoryError,
    /// The branch was never at the new commit, so that nothing names the objects below it. What is only believed does
    /// not count: a move that was taken back may have reached the disk, and its way back not.
    never_moved: bool,
}

/// Compare-and-swap of the branch. libgit2 syncs the reference and its directory.
fn move_branch(repository: &Repository, from: Option<Oid>, to: Oid) -> Result<(), Failed> {
    let moved = match from {
        Some(from) => repository.reference_matching(BRANCH, to, true, from, "linkmesh: save"),
        None => repository.reference(BRANCH, to, false, "linkmesh: save"),
    };
    let Err(error) = moved else { return Ok(()) };
    // Refused before anything was written: somebody else was faster.
    let refused = matches!(error.code(), ErrorCode::Modified | ErrorCode::Exists);
    let now = match repository.refname_to_id(BRANCH) {
        Ok(now) => Some(now),
        Err(error) if error.code() == ErrorCode::NotFound => None,
        Err(unreadable) => {
            tracing::error!(error = %unreadable, "it is not known where the branch is after a save that failed");
            return Err(Failed { error: unavailable(error), never_moved: refused });
        }
    };
    if now == from {
        return Err(Failed { error: unavailable(error), never_moved: true });
    }
    if now == Some(to) {
        // It was moved and only the sync of it failed. Nobody was told yet, so it goes back.
        let back = match from {
            Some(from) => repository.reference_matching(BRANCH, from, true, to, "linkmesh: take back").map(drop),
            None => repository.find_reference(BRANCH).and_then(|mut reference| reference.delete()),
        };
        if let Err(error) = back {
            tracing::error!(%error, "a save that failed could not be taken back from the config repository");
        }
        return Err(Failed { error: unavailable(error), never_moved: false });
    }
    Err(Failed { error: RepositoryError::Moved { head: now.map(revision) }, never_moved: refused })
}

/// What libgit2 would refuse with a panic or with less clear words.
fn check_path(path: &str) -> Result<(), RepositoryError> {
    let good = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.eq_ignore_ascii_case(".git");
    if path.split('/').all(good) && !path.contains(['\0', '\\', '\n']) {
        Ok(())
    } else {
        Err(malformed(format!("{path:?} is no path for a file")))
    }
}

fn signature(author: &CommitAuthor, time: &Time) -> Result<Signature<'static>, RepositoryError> {
    let clean = |text: &str, otherwise: &str| {
        let text: String = text.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect();
        let text = text.trim().to_owned();
        // Git strips these at both ends, and refuses a name that has nothing else.
        if text.chars().all(|c| ".,:;\"\\' ".contains(c)) { otherwise.to_owned() } else { text }
    };
    let name = clean(&author.name, "unknown");
    Signature::new(&name, &clean(&author.email, "unknown@server.invalid"), time).map_err(unavailable)
}

/// The first line in words, then the trailers.
fn message(request: &CommitRequest) -> String {
    let line = |text: &str| text.split(char::is_control).collect::<Vec<_>>().join(" ").trim().to_owned();
    let (summary, actor) = (line(&request.summary), line(&request.actor));
    format!("{summary}\n\nRequest-Id: {}\nActor: {actor}\n", line(&request.request_id.to_string()))
}
