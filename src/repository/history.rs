//! Which commit touched which path, in memory.
//!
//! "The last commit that touched this file" costs Git a walk through the history for each file. Here it is a binary
//! search, kept up with every commit. The history is that of the branch itself: of a merge made by hand, the first
//! parent is followed, and the merge counts as the commit that brought in what it merged.

use std::collections::HashMap;

use git2::{Commit, Oid, Repository};
use linkmesh_actors::ports::{CommitAuthor, CommitInfo, RepositoryError};
use linkmesh_proto::{RequestId, Timestamp};

use super::{error::unavailable, revision, tree::Trees};

/// Characters of a name or of the first line of a message that are kept.
const LONGEST: usize = 1_000;

/// The branch from its first commit to its newest.
#[derive(Default)]
pub(super) struct History {
    commits: Vec<Entry>,
    positions: HashMap<Oid, u32>,
    paths: Names,
    authors: Names,
    /// By path: the places of the commits that touched it, oldest first.
    touched: Vec<Vec<u32>>,
}

struct Entry {
    id: Oid,
    at: Timestamp,
    author: u32,
    paths: Box<[u32]>,
}

/// Texts by number, each kept once.
#[derive(Default)]
struct Names {
    texts: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u32>,
}

impl Names {
    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = count(self.texts.len());
        self.texts.push(text.into());
        self.numbers.insert(text.into(), number);
        number
    }

    fn text(&self, number: u32) -> &str {
        self.texts.get(number as usize).map_or("", |text| text)
    }
}

/// Places are kept in 32 bits: four thousand million commits are enough.
fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

impl History {
    /// The newest commit.
    pub(super) fn head(&self) -> Option<Oid> {
        self.commits.last().map(|entry| entry.id)
    }

    /// The place of a commit, 0 for the first.
    pub(super) fn position(&self, id: Oid) -> Option<usize> {
        self.positions.get(&id).map(|position| *position as usize)
    }

    /// Appends a commit.
    pub(super) fn push<'a>(&mut self, id: Oid, at: Timestamp, author: &str, paths: impl Iterator<Item = &'a str>) {
        let author = self.authors.number(author);
        let paths = paths.map(|path| self.paths.number(path)).collect();
        self.append(Entry { id, at, author, paths });
    }

    fn append(&mut self, entry: Entry) {
        let position = count(self.commits.len());
        self.touched.resize_with(self.paths.texts.len(), Vec::new);
        for path in &entry.paths {
            if let Some(touched) = self.touched.get_mut(*path as usize) {
                touched.push(position);
            }
        }
        self.positions.insert(entry.id, position);
        self.commits.push(entry);
    }

    /// Follows the branch to where it is now, which may be anywhere: forward after a commit by hand, or elsewhere after
    /// a rewrite.
    pub(super) fn follow(&mut self, repository: &Repository, head: Option<Oid>) -> Result<(), RepositoryError> {
        let mut missing = Vec::new();
        let mut next = head;
        let mut kept = 0;
        while let Some(id) = next {
            if let Some(position) = self.position(id) {
                kept = position + 1;
                break;
            }
            let commit = repository.find_commit(id).map_err(unavailable)?;
            next = commit.parent_ids().next();
            missing.push(id);
        }
        // Read everything before changing anything, so that an error leaves the history as it was.
        let trees = Trees::of(repository)?;
        let mut found = Vec::with_capacity(missing.len());
        for id in missing.into_iter().rev() {
            let commit = repository.find_commit(id).map_err(unavailable)?;
            let parent = commit.parents().next().map(|parent| parent.tree_id());
            let differences = trees.differences(parent, Some(commit.tree_id()))?;
            // As numbers: what thousands of commits have in common would be many texts.
            let paths: Box<[u32]> = differences.paths().map(|path| self.paths.number(path)).collect();
            let author = self.authors.number(&author(&commit).name);
            found.push(Entry { id, at: made_at(&commit), author, paths });
        }
        self.truncate(kept);
        found.into_iter().for_each(|entry| self.append(entry));
        Ok(())
    }

    fn truncate(&mut self, length: usize) {
        for entry in self.commits.drain(length..) {
            self.positions.remove(&entry.id);
        }
        let length = count(length);
        for touched in &mut self.touched {
            touched.truncate(touched.partition_point(|position| *position < length));
        }
    }

    /// The commit that last touched a path, as of the commit at `position`: its id, time and author. The commit itself
    /// for a path that is not in the history.
    pub(super) fn last_touch(&self, path: &str, position: usize) -> (Oid, Timestamp, &str) {
        let position = count(position);
        let touched = self.touched(path);
        let behind = touched.partition_point(|touch| *touch <= position);
        let last = behind.checked_sub(1).and_then(|last| touched.get(last).copied());
        let entry = self.commits.get(last.unwrap_or(position) as usize);
        entry.map_or((Oid::ZERO_SHA1, Timestamp::default(), ""), |entry| {
            (entry.id, entry.at, self.authors.text(entry.author))
        })
    }

    /// Places, newest first, of at most `limit` commits before the place `before`, all or those that touched `path`.
    pub(super) fn newest(&self, before: Option<usize>, path: Option<&str>, limit: usize) -> Vec<usize> {
        let before = before.unwrap_or(self.commits.len());
        match path {
            None => (0..before).rev().take(limit).collect(),
            Some(path) => {
                let touched = self.touched(path).iter().rev().map(|position| *position as usize);
                touched.filter(|position| *position < before).take(limit).collect()
            }
        }
    }

    /// How many commits there are, all or those that touched `path`.
    pub(super) fn count(&self, path: Option<&str>) -> u64 {
        path.map_or(self.commits.len(), |path| self.touched(path).len()) as u64
    }

    /// The places of the commits that touched a path, oldest first.
    fn touched(&self, path: &str) -> &[u32] {
        let number = self.paths.numbers.get(path);
        number.and_then(|number| self.touched.get(*number as usize)).map_or(&[], Vec::as_slice)
    }

    /// The facts of the commit at a place.
    pub(super) fn info(&self, repository: &Repository, position: usize) -> Result<CommitInfo, RepositoryError> {
        let before = position.checked_sub(1).and_then(|before| self.commits.get(before));
        let entry = self.commits.get(position).ok_or_else(|| RepositoryError::Unavailable("no such commit".into()))?;
        let commit = repository.find_commit(entry.id).map_err(unavailable)?;
        let message = String::from_utf8_lossy(commit.message_bytes());
        let mut paths: Vec<_> = entry.paths.iter().map(|path| self.paths.text(*path).to_owned()).collect();
        paths.sort();
        Ok(CommitInfo {
            revision: revision(entry.id),
            parent: before.map(|before| revision(before.id)),
            summary: cut(message.lines().next().unwrap_or_default()),
            author: author(&commit),
            at: entry.at,
            request_id: trailer(&message, "Request-Id").and_then(|id| id.parse::<RequestId>().ok()),
            actor: trailer(&message, "Actor").map(cut),
            paths,
        })
    }
}

/// What a commit by hand says of itself is cut to what a person reads.
fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

fn made_at(commit: &Commit<'_>) -> Timestamp {
    Timestamp::from_millis(commit.author().when().seconds().saturating_mul(1_000))
}

fn author(commit: &Commit<'_>) -> CommitAuthor {
    let author = commit.author();
    let text = |bytes: &[u8]| cut(&String::from_utf8_lossy(bytes));
    CommitAuthor { name: text(author.name_bytes()), email: text(author.email_bytes()) }
}

/// The value of a trailer: a line `<key>: <value>` of the message's last paragraph.
fn trailer<'a>(message: &'a str, key: &str) -> Option<&'a str> {
    let paragraph = message.trim_end().rsplit("\n\n").next()?;
    paragraph.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": ")).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailers_are_read_from_the_last_paragraph_only() {
        let message = "pipelines: update a\n\nActor: not this one\n\nRequest-Id: r-1\nActor: ada@example.com\n";
        assert_eq!(trailer(message, "Actor"), Some("ada@example.com"));
        assert_eq!(trailer(message, "Request-Id"), Some("r-1"));
        assert_eq!(trailer("made by hand\n", "Actor"), None);
        assert_eq!(trailer("", "Actor"), None);
    }
}
