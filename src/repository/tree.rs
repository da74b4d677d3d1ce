//! Trees on their raw bytes: what they hold and how two differ.
//!
//! A folder of a thousand documents is a tree of 45 KB, and nearly all of two neighbouring ones is the same. Walking both
//! side by side without making an object of each entry reads a history of thousands of commits in a second.

use std::{cell::RefCell, cmp::Ordering, collections::VecDeque, rc::Rc};

use git2::{ObjectType, Odb, Oid, Repository};
use linkmesh_actors::{domain::document::DocumentPath, ports::RepositoryError};

use super::error::{malformed, unavailable};

/// A file in a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blob {
    pub(super) id: Oid,
}

/// A path that two trees do not agree on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) path: String,
    pub(super) before: Option<Blob>,
    pub(super) after: Option<Blob>,
}

/// What differs between two trees.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Differences {
    /// Ordered by path. A document that became something else, or the other way round, is one that is gone or came.
    pub(super) documents: Vec<Difference>,
    /// Files and folders that hold no documents, ordered by path; of a folder, which ends in `/`, nothing more is known.
    pub(super) others: Vec<Difference>,
    /// How many of them there are beside.
    pub(super) more: usize,
}

/// Of what is no document so many names are kept of each commit.
const OTHERS: usize = 100;
/// Longer names are only counted; no file system has them.
const LONGEST_NAME: usize = 255;

impl Differences {
    /// The paths that are told of.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.documents.iter().chain(&self.others).map(|difference| difference.path.as_str())
    }

    /// Takes note of one entry that is not the same on both sides.
    fn note(
        &mut self,
        prefix: &str,
        removed: Option<Entry<'_>>,
        added: Option<Entry<'_>>,
    ) -> Result<(), RepositoryError> {
        let is_shown = |entry: &Entry<'_>| entry.kind != Kind::Other;
        let (removed, added) = (removed.filter(is_shown), added.filter(is_shown));
        let Some(entry) = removed.or(added) else { return Ok(()) };
        let is_file = entry.kind == Kind::File;
        let name = std::str::from_utf8(entry.name).ok().filter(|name| name.len() <= LONGEST_NAME);
        let path = name.map(|name| format!("{prefix}{name}{}", if is_file { "" } else { "/" }));
        let is_document = is_file && path.as_ref().is_some_and(|path| path.parse::<DocumentPath>().is_ok());
        let Some(path) = path.filter(|_| is_document || self.others.len() < OTHERS) else {
            self.more += 1;
            return Ok(());
        };
        let blob = |entry| id_of(entry).map(|id| id.map(|id| Blob { id }));
        let (before, after) = (blob(removed)?, blob(added)?);
        // The mode alone says nothing here.
        if before != after {
            let list = if is_document { &mut self.documents } else { &mut self.others };
            list.push(Difference { path, before, after });
        }
        Ok(())
    }
}

/// Whether an entry of this mode is a file, neither a folder nor a link.
pub(super) const fn is_file(mode: i32) -> bool {
    mode & 0o170_000 == 0o100_000
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry<'a> {
    name: &'a [u8],
    kind: Kind,
    id: &'a [u8],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
    /// Links and submodules: nothing that holds a document.
    Other,
}

impl Entry<'_> {
    /// Git's order: as if the name of a folder ended in a slash.
    fn order(&self, other: &Self) -> Ordering {
        let tail = |entry: &Self| if entry.kind == Kind::Folder { b'/' } else { 0 };
        let common = self.name.len().min(other.name.len());
        let (mine, theirs) = (self.name.split_at(common), other.name.split_at(common));
        let next = |rest: &[u8], entry: &Self| rest.first().copied().unwrap_or_else(|| tail(entry));
        mine.0
            .cmp(theirs.0)
            .then_with(|| next(mine.1, self).cmp(&next(theirs.1, other)))
            .then_with(|| mine.1.cmp(theirs.1))
    }
}

/// Takes the first entry off the raw bytes of a tree: `<mode> <name>\0<20 bytes>`.
fn next<'a>(bytes: &mut &'a [u8]) -> Option<Result<Entry<'a>, RepositoryError>> {
    if bytes.is_empty() {
        return None;
    }
    let split = |bytes: &'a [u8]| {
        let space = bytes.iter().position(|byte| *byte == b' ')?;
        let (mode, rest) = (bytes.get(..space)?, bytes.get(space + 1..)?);
        let end = rest.iter().position(|byte| *byte == 0)?;
        let (name, rest) = (rest.get(..end)?, rest.get(end + 1..)?);
        let (id, rest) = rest.split_at_checked(20)?;
        let kind = match mode {
            b"40000" => Kind::Folder,
            b"120000" | b"160000" => Kind::Other,
            _ => Kind::File,
        };
        Some((Entry { name, kind, id }, rest))
    };
    match split(bytes) {
        Some((entry, rest)) => {
            *bytes = rest;
            Some(Ok(entry))
        }
        None => Some(Err(malformed("a tree of the config repository is damaged".into()))),
    }
}

/// A folder that takes more bytes, half a million names or more, is not read.
const LARGEST_FOLDER: usize = 64 << 20;

/// How many trees are kept: the root and the folders of one commit, which are half of the next comparison.
const KEPT: usize = 8;

/// Reads and compares trees.
pub(super) struct Trees<'r> {
    odb: Odb<'r>,
    recent: RefCell<VecDeque<(Oid, Rc<[u8]>)>>,
}

impl<'r> Trees<'r> {
    pub(super) fn of(repository: &'r Repository) -> Result<Self, RepositoryError> {
        Ok(Self { odb: repository.odb().map_err(unavailable)?, recent: RefCell::default() })
    }

    /// What differs between two trees. A missing tree is an empty one.
    ///
    /// Looks at the top and into the folders of documents, and nowhere deeper: whoever may push can nest folders without
    /// end, and make billions of paths of a few small trees.
    pub(super) fn differences(&self, before: Option<Oid>, after: Option<Oid>) -> Result<Differences, RepositoryError> {
        let mut found = Differences::default();
        let mut folders = Vec::new();
        self.compare(before, after, |removed, added| {
            let name = removed.or(added).map(|entry| entry.name);
            match DocumentPath::FOLDERS.iter().find(|folder| name == Some(folder.as_bytes())) {
                Some(folder) if removed.or(added).is_some_and(|entry| entry.kind == Kind::Folder) => {
                    folders.push((folder, id_of(removed)?, id_of(added)?));
                    Ok(())
                }
                _ => found.note("", removed, added),
            }
        })?;
        for (folder, before, after) in folders {
            let prefix = format!("{folder}/");
            self.compare(before, after, |removed, added| found.note(&prefix, removed, added))?;
        }
        found.documents.sort_by(|one, other| one.path.cmp(&other.path));
        found.others.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(found)
    }

    /// Visits the entries of one folder that are not the same on both sides.
    fn compare(
        &self,
        before: Option<Oid>,
        after: Option<Oid>,
        mut visit: impl FnMut(Option<Entry<'_>>, Option<Entry<'_>>) -> Result<(), RepositoryError>,
    ) -> Result<(), RepositoryError> {
        if before == after {
            return Ok(());
        }
        let (before, after) = (self.read(before)?, self.read(after)?);
        let (mut old, mut new) = (&*before, &*after);
        let (mut left, mut right) = (next(&mut old).transpose()?, next(&mut new).transpose()?);
        loop {
            let order = match (&left, &right) {
                (None, None) => return Ok(()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(one), Some(other)) => one.order(other),
            };
            let removed = if order.is_le() { left } else { None };
            let added = if order.is_ge() { right } else { None };
            if removed != added {
                visit(removed, added)?;
            }
            if order.is_le() {
                left = next(&mut old).transpose()?;
            }
            if order.is_ge() {
                right = next(&mut new).transpose()?;
            }
        }
    }

    /// The raw bytes of a tree; none for none.
    fn read(&self, id: Option<Oid>) -> Result<Rc<[u8]>, RepositoryError> {
        let Some(id) = id else { return Ok(Rc::default()) };
        if let Some((_, bytes)) = self.recent.borrow().iter().find(|(recent, _)| *recent == id) {
            return Ok(Rc::clone(bytes));
        }
        let (bytes, _) = self.odb.read_header(id).map_err(unavailable)?;
        if bytes > LARGEST_FOLDER {
            return Err(malformed(format!("a folder of the config repository is described in {bytes} bytes")));
        }
        let object = self.odb.read(id).map_err(unavailable)?;
        if object.kind() != ObjectType::Tree {
            return Err(malformed(format!("object {id} of the config repository is no tree")));
        }
        let bytes: Rc<[u8]> = object.data().into();
        let mut recent = self.recent.borrow_mut();
        recent.truncate(KEPT - 1);
        recent.push_front((id, Rc::clone(&bytes)));
        Ok(bytes)
    }
}

fn id_of(entry: Option<Entry<'_>>) -> Result<Option<Oid>, RepositoryError> {
    entry.map(|entry| Oid::from_bytes(entry.id)).transpose().map_err(unavailable)
}
