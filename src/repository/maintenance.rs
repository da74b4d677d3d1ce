//! Keeping the repository small.
//!
//! Every batch of saves writes a pack, so packs grow in number, and a look-up costs a glance at each. Merging all of them
//! each time would write the whole history again and again; instead those at the small end are merged so that each pack
//! left holds at least twice as many objects as all smaller ones together (what `git repack --geometric=2` does). So
//! there are few packs, and over its life an object is written again only a handful of times. Finding good deltas among
//! large trees takes seconds once the history is long, so it happens beside the saves.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    thread::{self, JoinHandle},
};

use git2::Oid;
use linkmesh_actors::ports::{MaintenanceReport, RepositoryError};

use super::{
    error::{io_error, malformed, unavailable},
    open_handle,
    pack::{self, INDEX_HEAD, UNFINISHED},
};
use crate::data_dir::files;

/// Fewer packs than this are left alone.
const PACKS: usize = 24;
/// Fewer loose objects, which come from commits by hand only, are left alone.
const LOOSE: usize = 200;
/// A pack holds at least so many times the objects of all smaller ones together.
const FACTOR: u64 = 2;
/// How much [`probe`] writes: what a save does in a folder of five thousand documents.
const PROBE: usize = 256 << 10;

/// What an index says of its pack.
struct Pack {
    /// Path without extension.
    stem: PathBuf,
    objects: u64,
}

/// A merge under way on a thread of its own. Saves go on beside it: it only adds a pack. What that replaces is removed
/// by [`Packing::finish`], on the thread that owns the repository, when nobody reads.
pub(super) struct Packing {
    thread: JoinHandle<Result<Merged, RepositoryError>>,
    packs_before: usize,
}

/// A pack that was written and is on disk, and what it replaces.
struct Merged {
    packs: Vec<PathBuf>,
    loose: Vec<PathBuf>,
}

impl Packing {
    /// Begins a merge when there are many packs or many loose objects.
    ///
    /// `Err` holds the report of a repository that needs nothing.
    pub(super) fn start(path: &Path) -> Result<Result<Self, MaintenanceReport>, RepositoryError> {
        let packs = packs(&pack::directory(path)).map_err(io_error)?;
        let loose = loose_objects(path).map_err(io_error)?;
        let packs_before = packs.len();
        if packs_before < PACKS && loose.len() < LOOSE {
            return Ok(Err(report(packs_before, packs_before, 0)));
        }
        let path = path.to_owned();
        let merge = move || merge(&path, &to_merge(packs), loose);
        let thread = thread::Builder::new().name("config-pack".into()).spawn(merge).map_err(io_error)?;
        Ok(Ok(Self { thread, packs_before }))
    }

    /// Whether [`Self::finish`] would not wait.
    pub(super) fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// What there is to say while it goes on.
    pub(super) const fn report(&self) -> MaintenanceReport {
        MaintenanceReport { packing: true, ..report(self.packs_before, self.packs_before, 0) }
    }

    /// Waits for the new pack and removes what it replaces. The caller holds no handle that reads.
    pub(super) fn finish(self, path: &Path) -> Result<MaintenanceReport, RepositoryError> {
        let merged = self.thread.join().unwrap_or_else(|_| Err(malformed("packing panicked".into())))?;
        let directory = pack::directory(path);
        for stem in &merged.packs {
            // The index first: a pack without one is not looked at.
            for extension in ["idx", "pack"] {
                fs::remove_file(stem.with_extension(extension)).map_err(io_error)?;
            }
        }
        for file in &merged.loose {
            fs::remove_file(file).map_err(io_error)?;
        }
        files::sync_dir(&directory).map_err(io_error)?;
        let packs_after = packs(&directory).map_err(io_error)?.len();
        Ok(MaintenanceReport { packed: true, ..report(self.packs_before, packs_after, merged.loose.len()) })
    }
}

const fn report(packs_before: usize, packs_after: usize, loose_removed: usize) -> MaintenanceReport {
    MaintenanceReport { packed: false, packing: false, packs_before, packs_after, loose_removed }
}

/// Writes one pack of all that these packs and loose objects hold.
fn merge(path: &Path, packs: &[Pack], loose: Vec<(Oid, PathBuf)>) -> Result<Merged, RepositoryError> {
    let repository = open_handle(path)?;
    let mut builder = repository.packbuilder().map_err(unavailable)?;
    for (id, _) in &loose {
        builder.insert_object(*id, None).map_err(unavailable)?;
    }
    for pack in packs {
        for id in object_ids(pack)? {
            builder.insert_object(id, None).map_err(unavailable)?;
        }
    }
    let directory = pack::directory(path);
    builder.write(&directory, 0).map_err(unavailable)?;
    let name = format!("pack-{}", builder.name().map_err(unavailable)?.unwrap_or_default());
    if !directory.join(&name).with_extension("idx").is_file() {
        return Err(malformed(format!("the new pack {name} is not there")));
    }
    let stems = packs.iter().map(|pack| pack.stem.clone());
    let replaced = stems.filter(|stem| stem.file_name().is_some_and(|stem| *stem != *name));
    Ok(Merged { packs: replaced.collect(), loose: loose.into_iter().map(|(_, file)| file).collect() })
}

/// Removes what a merge or a save left behind that was killed midway.
pub(super) fn remove_leftovers(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(pack::directory(path))? {
        let file = entry?.path();
        if file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes())) {
            fs::remove_file(&file)?;
        }
    }
    Ok(())
}

/// Writes where a save would, as much as a save may need, and removes it.
pub(super) fn probe(path: &Path) -> io::Result<()> {
    let directory = pack::directory(path);
    let file = directory.join(format!("{UNFINISHED}probe"));
    let written = File::create(&file).and_then(|mut probe| {
        probe.write_all(&[0; PROBE])?;
        probe.sync_all()
    });
    // Also of a write that failed: what it took is wanted elsewhere.
    let removed = fs::remove_file(&file);
    written.and(removed)?;
    files::sync_dir(&directory)
}

/// The packs to make one of, so that what is left grows by [`FACTOR`].
fn to_merge(mut packs: Vec<Pack>) -> Vec<Pack> {
    packs.sort_by_key(|pack| pack.objects);
    let mut smaller = 0;
    let mut merge = 0;
    for (index, pack) in packs.iter().enumerate() {
        if pack.objects < FACTOR * smaller {
            merge = index + 1;
        }
        smaller += pack.objects;
    }
    packs.truncate(merge);
    packs
}

fn packs(directory: &Path) -> io::Result<Vec<Pack>> {
    let mut packs = Vec::new();
    for entry in fs::read_dir(directory)? {
        let index = entry?.path();
        let stem = index.with_extension("");
        // A pack that somebody marked to be kept is kept.
        let ours = index.extension().is_some_and(|extension| extension == "idx")
            && stem.with_extension("pack").is_file()
            && !stem.with_extension("keep").is_file();
        if ours {
            packs.push(Pack { objects: u64::from(fanout_total(&mut File::open(&index)?)?), stem });
        }
    }
    Ok(packs)
}

/// How many objects an index lists: the last number of its fan-out table, big-endian, behind magic and version.
fn fanout_total(index: &mut File) -> io::Result<u32> {
    let mut head = [0; 8];
    index.read_exact(&mut head)?;
    if head != INDEX_HEAD {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not a pack index of version 2"));
    }
    index.seek(io::SeekFrom::Start(8 + 255 * 4))?;
    let mut total = [0; 4];
    index.read_exact(&mut total)?;
    Ok(u32::from_be_bytes(total))
}

fn object_ids(pack: &Pack) -> Result<Vec<Oid>, RepositoryError> {
    let mut index = File::open(pack.stem.with_extension("idx")).map_err(io_error)?;
    let total = fanout_total(&mut index).map_err(io_error)?;
    let mut ids = Vec::new();
    index.take(u64::from(total) * 20).read_to_end(&mut ids).map_err(io_error)?;
    ids.chunks_exact(20).map(|id| Oid::from_bytes(id).map_err(unavailable)).collect()
}

/// Objects in files of their own: `objects/<two digits>/<38 digits>`.
fn loose_objects(path: &Path) -> io::Result<Vec<(Oid, PathBuf)>> {
    let mut loose = Vec::new();
    for folder in fs::read_dir(path.join("objects"))? {
        let folder = folder?;
        let name = folder.file_name();
        let Some(start) = name.to_str().filter(|name| name.len() == 2) else { continue };
        for file in fs::read_dir(folder.path())? {
            let file = file?;
            let id = file.file_name().to_str().and_then(|rest| Oid::from_str(&format!("{start}{rest}")).ok());
            loose.extend(id.filter(|_| file.file_name().len() == 38).map(|id| (id, file.path())));
        }
    }
    Ok(loose)
}
