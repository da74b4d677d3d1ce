//! Trees on their raw bytes: what they hold and how two differ.
//!
//! A folder of a thousand documents is a tree of 45 KB, and nearly all of two neighbouring ones is the same. Walking both
//! side by side without making an object of each entry reads a history of thousands of commits in a second.

use std::{cell::RefCell, cmp::Ordering, collections::VecDeque, rc::Rc};

use git2::{ObjectType, Odb, Oid, Repository};
use linkmesh_actors::ports::RepositoryError;

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

    /// The files that differ between two trees, ordered by path. A missing tree is an empty one.
    ///
    /// A file that became a folder of the same name, or the other way round, shows as both.
    pub(super) fn differences(
        &self,
        before: Option<Oid>,
        after: Option<Oid>,
    ) -> Result<Vec<Difference>, RepositoryError> {
        let mut found = Vec::new();
        walk(self, "", before, after, &mut found)?;
        found.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(found)
    }

    /// The raw bytes of a tree; none for none.
    fn read(&self, id: Option<Oid>) -> Result<Rc<[u8]>, RepositoryError> {
        let Some(id) = id else { return Ok(Rc::default()) };
        if let Some((_, bytes)) = self.recent.borrow().iter().find(|(recent, _)| *recent == id) {
            return Ok(Rc::clone(bytes));
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

fn walk(
    trees: &Trees<'_>,
    prefix: &str,
    before: Option<Oid>,
    after: Option<Oid>,
    found: &mut Vec<Difference>,
) -> Result<(), RepositoryError> {
    if before == after {
        return Ok(());
    }
    let (before, after) = (trees.read(before)?, trees.read(after)?);
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
            differ(trees, prefix, removed, added, found)?;
        }
        if order.is_le() {
            left = next(&mut old).transpose()?;
        }
        if order.is_ge() {
            right = next(&mut new).transpose()?;
        }
    }
}

/// Takes note of one entry that is not the same on both sides.
fn differ(
    trees: &Trees<'_>,
    prefix: &str,
    removed: Option<Entry<'_>>,
    added: Option<Entry<'_>>,
    found: &mut Vec<Difference>,
) -> Result<(), RepositoryError> {
    let Some(name) = removed.or(added).map(|entry| entry.name) else { return Ok(()) };
    let Ok(name) = std::str::from_utf8(name) else {
        tracing::warn!(folder = prefix, "file in the config repository has a name that is not UTF-8, left out");
        return Ok(());
    };
    let path = format!("{prefix}{name}");
    let of_kind = |entry: Option<Entry<'_>>, kind| match entry {
        Some(entry) if entry.kind == kind => Oid::from_bytes(entry.id).map(Some).map_err(unavailable),
        _ => Ok(None),
    };
    let (before, after) = (of_kind(removed, Kind::File)?, of_kind(added, Kind::File)?);
    if before != after {
        let (before, after) = (before.map(|id| Blob { id }), after.map(|id| Blob { id }));
        found.push(Difference { path: path.clone(), before, after });
    }
    let (before, after) = (of_kind(removed, Kind::Folder)?, of_kind(added, Kind::Folder)?);
    if before != after {
        walk(trees, &format!("{path}/"), before, after, found)?;
    }
    Ok(())
}
