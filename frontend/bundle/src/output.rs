//! Writes the files, their compressed forms and the manifest.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

/// How long a browser may keep a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cache {
    /// For ever: the name holds a hash of the content.
    Immutable,
    /// Only after asking again.
    Revalidate,
}

/// One file of the page.
pub(crate) struct Asset {
    /// Its path in the URL.
    pub(crate) url: String,
    /// How long it may be kept.
    pub(crate) cache: Cache,
    file: PathBuf,
    content_type: &'static str,
    sha256: String,
    content: Vec<u8>,
}

/// What a first visit transfers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct FirstLoad {
    /// With brotli.
    pub(crate) brotli: usize,
    /// With gzip.
    pub(crate) gzip: usize,
}

impl Asset {
    /// A file whose name holds a hash of its content.
    pub(crate) fn hashed(stem: &str, extension: &str, content_type: &'static str, content: Vec<u8>) -> Self {
        let sha256 = hex::encode(Sha256::digest(&content));
        let name = format!("{stem}-{}.{extension}", sha256.get(..16).unwrap_or(&sha256));
        let file = Path::new("assets").join(&name);
        Self { url: format!("/assets/{name}"), cache: Cache::Immutable, file, content_type, sha256, content }
    }

    /// A file that keeps its name.
    pub(crate) fn fixed(url: &str, file: &str, content_type: &'static str, content: Vec<u8>) -> Self {
        let sha256 = hex::encode(Sha256::digest(&content));
        Self { url: url.to_owned(), cache: Cache::Revalidate, file: file.into(), content_type, sha256, content }
    }

    /// The name without the folder.
    pub(crate) fn file_name(&self) -> String {
        self.file.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn manifest_line(&self) -> String {
        let cache = match self.cache {
            Cache::Immutable => "immutable",
            Cache::Revalidate => "revalidate",
        };
        format!("{}\t{}\t{}\t{cache}\t{}\n", self.url, self.file.display(), self.content_type, self.sha256)
    }
}

/// Writes all files into a directory, removes what an earlier build left in it, and returns the size of a first load.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn write(out: &Path, assets: &[Asset]) -> anyhow::Result<FirstLoad> {
    let mut size = FirstLoad::default();
    let mut manifest = String::new();
    let mut written = BTreeSet::new();
    fs::create_dir_all(out.join("assets")).with_context(|| format!("cannot make {}", out.display()))?;
    for asset in assets {
        let path = out.join(&asset.file);
        let brotli = brotli(&asset.content)?;
        let gzip = gzip(&asset.content)?;
        size.brotli += brotli.len();
        size.gzip += gzip.len();
        for (path, content) in
            [(path.clone(), &asset.content), (with_suffix(&path, "br"), &brotli), (with_suffix(&path, "gz"), &gzip)]
        {
            write_changed(&path, content)?;
            written.insert(path);
        }
        write!(manifest, "{}", asset.manifest_line())?;
    }
    remove_others(&out.join("assets"), &written)?;
    // Last, so that a manifest never names what is not there.
    write_changed(&out.join("manifest"), manifest.as_bytes())?;
    Ok(size)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

fn write_changed(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    if fs::read(path).is_ok_and(|before| before == content) {
        return Ok(());
    }
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}

fn remove_others(directory: &Path, keep: &BTreeSet<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))? {
        let path = entry?.path();
        if !keep.contains(&path) {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

fn brotli(content: &[u8]) -> anyhow::Result<Vec<u8>> {
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        size_hint: content.len(),
        ..brotli::enc::BrotliEncoderParams::default()
    };
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut &*content, &mut out, &parameters).context("brotli")?;
    Ok(out)
}

fn gzip(content: &[u8]) -> anyhow::Result<Vec<u8>> {
    // `GzBuilder` leaves the time zero, so that equal input gives equal bytes.
    let mut encoder = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).context("gzip")?;
    encoder.finish().context("gzip")
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn assets(text: &str) -> Vec<Asset> {
        vec![
            Asset::fixed("/index.html", "index.html", "text/html", b"<html>".to_vec()),
            Asset::hashed("page", "js", "text/javascript", text.as_bytes().to_vec()),
        ]
    }

    #[test]
    fn manifest_names_files_that_exist_in_three_forms() {
        let out = tempfile::tempdir().unwrap();
        write(out.path(), &assets("one")).unwrap();
        let manifest = fs::read_to_string(out.path().join("manifest")).unwrap();
        assert_eq!(manifest.lines().count(), 2);
        for line in manifest.lines() {
            let fields: Vec<_> = line.split('\t').collect();
            assert_eq!(fields.len(), 5, "{line}");
            for suffix in ["", ".br", ".gz"] {
                assert!(out.path().join(format!("{}{suffix}", fields[1])).exists(), "{line} {suffix}");
            }
            assert_eq!(fields[3] == "immutable", fields[0].starts_with("/assets/"), "{line}");
        }
    }

    #[test]
    fn files_of_an_earlier_build_are_removed() {
        let out = tempfile::tempdir().unwrap();
        write(out.path(), &assets("one")).unwrap();
        write(out.path(), &assets("two")).unwrap();
        assert_eq!(fs::read_dir(out.path().join("assets")).unwrap().count(), 3);
    }

    #[test]
    fn compressed_forms_hold_the_content() {
        let content = b"a calm instrument panel".repeat(50);
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&*gzip(&content).unwrap()).read_to_end(&mut plain).unwrap();
        assert_eq!(plain, content);
        let mut plain = Vec::new();
        brotli::BrotliDecompress(&mut &*brotli(&content).unwrap(), &mut plain).unwrap();
        assert_eq!(plain, content);
    }
}
