//! Keeping the repository small.
//!
//! Every batch of saves writes a pack, so packs grow in number, and a look-up costs a glance at each. Merging all of them
//! each time would write the whole history again and again; instead those at the small end are merged so that each pack
//! left holds at least twice as many objects as all smaller ones together (what `git repack --geometric=2` does). So
//! there are few packs, and over its life an object is written again only a handful of times.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _},
    path::{Path, PathBuf},
};

use git2::Oid;
use linkmesh_actors::ports::{MaintenanceReport, RepositoryError};

use super::{
    error::{io_error, malformed, unavailable},
    open_handle,
};
use crate::data_dir::files;

/// Fewer packs than this are left alone.
const PACKS: usize = 24;
/// Fewer loose objects, which come from commits by hand only, are left alone.
const LOOSE: usize = 200;
/// A pack holds at least so many times the objects of all smaller ones together.
const FACTOR: u64 = 2;

/// What an index says of its pack.
struct Pack {
    /// Path without extension.
    stem: PathBuf,
    objects: u64,
}

/// Merges packs when there are many, and packs loose objects when there are many.
pub(super) fn run(path: &Path) -> Result<MaintenanceReport, RepositoryError> {
    let directory = path.join("objects/pack");
    let packs = packs(&directory).map_err(io_error)?;
    let loose = loose_objects(path).map_err(io_error)?;
    let before = packs.len();
    if before < PACKS && loose.len() < LOOSE {
        return Ok(MaintenanceReport { packed: false, packs_before: before, packs_after: before, loose_removed: 0 });
    }
    let merged = to_merge(packs);
    let repository = open_handle(path)?;
    let mut builder = repository.packbuilder().map_err(unavailable)?;
    for (id, _) in &loose {
        builder.insert_object(*id, None).map_err(unavailable)?;
    }
    for pack in &merged {
        for id in object_ids(pack)? {
            builder.insert_object(id, None).map_err(unavailable)?;
        }
    }
    builder.write(&directory, 0).map_err(unavailable)?;
    let name = builder.name().map_err(unavailable)?.unwrap_or_default().to_owned();
    if !directory.join(format!("pack-{name}.idx")).is_file() {
        return Err(malformed(format!("the new pack {name} is not there")));
    }
    // All is in the new pack, and that is on disk: what it replaces can go.
    for pack in &merged {
        if pack.stem.file_name().is_some_and(|stem| *stem != *format!("pack-{name}")) {
            for extension in ["idx", "pack"] {
                fs::remove_file(pack.stem.with_extension(extension)).map_err(io_error)?;
            }
        }
    }
    for (_, file) in &loose {
        fs::remove_file(file).map_err(io_error)?;
    }
    files::sync_dir(&directory).map_err(io_error)?;
    let after = self::packs(&directory).map_err(io_error)?.len();
    Ok(MaintenanceReport { packed: true, packs_before: before, packs_after: after, loose_removed: loose.len() })
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
    if head != *b"\xfftOc\0\0\0\x02" {
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
