//! Writing the pack of a batch, and its index.
//!
//! libgit2 can do that. But it deflates trees, which are hashes for the most part, and inflates and hashes again what it
//! has just written to find out what it is: in a folder of a thousand documents that was half of what a save computes.
//! Here it is known what each object is, and the format is a short one that stays as it is. Merging packs, where it is
//! about finding deltas, is libgit2's ([`super::maintenance`]).
//!
//! Source: gitformat-pack(5), *pack-\*.pack files have the following format* and *Version 2 pack-\*.idx files*.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use flate2::{Compression, Crc, write::ZlibEncoder};
use git2::{ObjectType, Odb, Oid};
use linkmesh_actors::ports::RepositoryError;
use sha1::{Digest as _, Sha1};

use super::error::{io_error, malformed, unavailable};
use crate::data_dir::files;

/// How the names of files begin that are still being written; libgit2 names its own so.
pub(super) const UNFINISHED: &str = "pack_git2_";
/// How an index of version 2 begins.
pub(super) const INDEX_HEAD: [u8; 8] = *b"\xfftOc\0\0\0\x02";
/// How a pack of version 2 begins; the number of its objects follows.
const PACK_HEAD: [u8; 8] = *b"PACK\0\0\0\x02";
/// Nobody writes to a pack: Git's own mode.
const MODE: u32 = 0o444;

/// Where the packs of a repository are.
pub(super) fn directory(repository: &Path) -> PathBuf {
    repository.join("objects/pack")
}

/// A pack in memory: what becomes of it is two files of one name.
struct Pack {
    /// The checksum of the pack, in hexadecimal, as Git names packs.
    name: String,
    pack: Vec<u8>,
    index: Vec<u8>,
}

/// Where an object is in a pack.
struct Entry {
    id: Oid,
    offset: u32,
    checksum: u32,
}

/// A pack that is on disk.
pub(super) struct Stored {
    directory: PathBuf,
    name: String,
    /// The same objects were not there before.
    is_new: bool,
}

/// Writes objects as one pack with its index; after return both survive a power cut.
///
/// # Errors
/// When an object cannot be read, or the files not written; nothing is left behind then.
pub(super) fn write(odb: &Odb<'_>, ids: &BTreeSet<Oid>, directory: &Path) -> Result<Stored, RepositoryError> {
    let Pack { name, pack, index } = build(odb, ids)?;
    let mut stored = Stored { directory: directory.to_owned(), name, is_new: true };
    // Without the other none of the two is looked at, and what a kill between the moves leaves is the smaller one.
    let parts = [("idx", index), ("pack", pack)];
    let places = parts.each_ref().map(|(extension, _)| stored.file(extension));
    if places.iter().all(|place| place.exists()) {
        // Of a save whose move of the branch was taken back: on disk it may have stayed, so that the pack may be named.
        stored.is_new = false;
        let synced = places.iter().try_for_each(|place| File::open(place)?.sync_all());
        return synced.and_then(|()| files::sync_dir(directory)).map(|()| stored).map_err(io_error);
    }
    let unfinished = parts.each_ref().map(|(extension, _)| stored.unfinished(extension));
    let written = unfinished.iter().zip(&parts).try_for_each(|(place, (_, content))| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(place)?;
        file.write_all(content)?;
        file.sync_all()
    });
    let moved = written
        .and_then(|()| unfinished.iter().zip(&places).try_for_each(|(from, to)| fs::rename(from, to)))
        .and_then(|()| files::sync_dir(directory));
    if let Err(error) = moved {
        unfinished.iter().for_each(|file| remove(file));
        stored.take_back();
        return Err(io_error(error));
    }
    Ok(stored)
}

impl Stored {
    /// Removes it: the branch was never moved to what it holds.
    pub(super) fn take_back(&self) {
        if self.is_new {
            ["idx", "pack"].iter().for_each(|extension| remove(&self.file(extension)));
        }
    }

    fn file(&self, extension: &str) -> PathBuf {
        self.directory.join(format!("pack-{}.{extension}", self.name))
    }

    /// Ends so that no Git program takes it for a pack or its index.
    fn unfinished(&self, extension: &str) -> PathBuf {
        self.directory.join(format!("{UNFINISHED}{}_{extension}", self.name))
    }
}

fn remove(file: &Path) {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(file = %file.display(), %error, "what a failed save has written is left behind");
        }
        _ => {}
    }
}

fn build(odb: &Odb<'_>, ids: &BTreeSet<Oid>) -> Result<Pack, RepositoryError> {
    let mut pack = PACK_HEAD.to_vec();
    pack.extend(number(ids.len())?.to_be_bytes());
    let mut entries = Vec::with_capacity(ids.len());
    for id in ids {
        let object = odb.read(*id).map_err(unavailable)?;
        let begin = pack.len();
        push_object(&mut pack, object.kind(), object.data())?;
        let mut checksum = Crc::new();
        checksum.update(&pack[begin..]);
        entries.push(Entry { id: *id, offset: number(begin)?, checksum: checksum.sum() });
    }
    number(pack.len())?;
    let checksum = Sha1::digest(&pack);
    pack.extend_from_slice(&checksum);
    Ok(Pack { name: hex::encode(checksum), index: index(&entries, &checksum), pack })
}

/// What does not fit an index of 31-bit offsets is no batch of saves.
fn number(of: usize) -> Result<u32, RepositoryError> {
    i32::try_from(of).map(i32::cast_unsigned).map_err(|_| malformed("a batch is too large for one pack".into()))
}

fn push_object(pack: &mut Vec<u8>, kind: ObjectType, data: &[u8]) -> Result<(), RepositoryError> {
    let (kind, effort) = match kind {
        ObjectType::Commit => (1, Compression::fast()),
        // Names and hashes: deflating them is a fifth of what a save computes, and leaves two thirds. Between two trees
        // there is nearly nothing, and merged packs hold just that.
        ObjectType::Tree => (2, Compression::none()),
        ObjectType::Blob => (3, Compression::fast()),
        other => return Err(malformed(format!("a save makes no {}", other.str()))),
    };
    // Four bits of the size beside the kind, then seven in each byte; the highest bit says that another one follows.
    let mut rest = data.len() >> 4;
    let mut byte = (kind << 4) | low_bits(data.len(), 0x0f);
    while rest > 0 {
        pack.push(byte | 0x80);
        byte = low_bits(rest, 0x7f);
        rest >>= 7;
    }
    pack.push(byte);
    let mut deflate = ZlibEncoder::new(pack, effort);
    deflate.write_all(data).and_then(|()| deflate.finish().map(drop)).map_err(io_error)
}

fn low_bits(of: usize, mask: u8) -> u8 {
    of.to_le_bytes()[0] & mask
}

/// The index of objects in the order of their ids.
fn index(entries: &[Entry], pack: &[u8]) -> Vec<u8> {
    let mut index = INDEX_HEAD.to_vec();
    // How many ids begin with this byte or a smaller one.
    let mut below = 0_u32;
    let mut ids = entries.iter().peekable();
    for first in 0..=u8::MAX {
        while ids.next_if(|entry| entry.id.as_bytes()[0] <= first).is_some() {
            below += 1;
        }
        index.extend(below.to_be_bytes());
    }
    entries.iter().for_each(|entry| index.extend_from_slice(entry.id.as_bytes()));
    entries.iter().for_each(|entry| index.extend(entry.checksum.to_be_bytes()));
    entries.iter().for_each(|entry| index.extend(entry.offset.to_be_bytes()));
    index.extend_from_slice(pack);
    let checksum = Sha1::digest(&index);
    index.extend_from_slice(&checksum);
    index
}
