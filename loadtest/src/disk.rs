//! What a data directory lies on.

use std::path::Path;

use anyhow::Context;
use serde::Serialize;

/// Where a sync costs something, and where it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Disk {
    /// A file system of memory alone: a save there says nothing of one that survives a power cut.
    Memory,
    /// Anything else.
    Disk,
}

impl Disk {
    /// What a folder lies on: the mount point above it that is nearest, of mounts on one place the last.
    pub(crate) fn below(folder: &Path) -> anyhow::Result<Self> {
        let folder = folder.canonicalize().with_context(|| folder.display().to_string())?;
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").context("/proc/self/mountinfo")?;
        Ok(Self::among(&mounts, &folder))
    }

    /// proc(5): `36 35 98:0 /root /mount-point options optional-fields - type source options`.
    fn among(mounts: &str, folder: &Path) -> Self {
        let kinds = mounts.lines().filter_map(|line| {
            let (place, kind) = line.split_once(" - ")?;
            let place = place.split(' ').nth(4)?.replace("\\040", " ");
            folder.starts_with(&place).then_some((place.len(), kind.split(' ').next()?))
        });
        // Of equal lengths the last wins.
        let kind = kinds.max_by_key(|(length, _)| *length).map(|(_, kind)| kind);
        if matches!(kind, Some("tmpfs" | "ramfs")) { Self::Memory } else { Self::Disk }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / /tmp rw,nosuid shared:2 - ext4 /dev/sda2 rw
24 22 0:22 / /tmp rw,nosuid shared:2 - tmpfs tmpfs rw,size=1024k
25 24 8:2 / /tmp/a\\040disk rw shared:3 master:1 - ext4 /dev/sda2 rw
";

    #[test]
    fn nearest_mount_decides() {
        for (folder, disk) in [
            ("/var/lib/linkmesh", Disk::Disk),
            ("/tmpfoo", Disk::Disk),
            ("/tmp", Disk::Memory),
            ("/tmp/linkmesh", Disk::Memory),
            ("/tmp/a disk/linkmesh", Disk::Disk),
        ] {
            assert_eq!(Disk::among(MOUNTS, Path::new(folder)), disk, "{folder}");
        }
    }
}
