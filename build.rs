//! Embeds the page: turns `frontend/dist`, which `frontend/bundle` fills, into a table of files.
//!
//! Without a built page the table is empty; the server then says so in place of the page.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let root = env::var("CARGO_MANIFEST_DIR")?;
    // The folder above, because cargo takes a watched path that does not exist for one that always changes.
    println!("cargo::rerun-if-changed=frontend");
    println!("cargo::rerun-if-changed=build.rs");
    let dist = Path::new(&root).join("frontend/dist");
    let manifest = match fs::read_to_string(dist.join("manifest")) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error.into()),
    };
    let mut table = String::from("&[\n");
    for line in manifest.lines().filter(|line| !line.is_empty()) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [path, file, content_type, caching, digest] = fields[..] else {
            return Err(format!("frontend/dist/manifest: {line:?} has not five fields").into());
        };
        let brotli = dist.join(format!("{file}.br"));
        let gzip = dist.join(format!("{file}.gz"));
        writeln!(
            table,
            "    Asset {{ path: {path:?}, content_type: {content_type:?}, immutable: {}, digest: {digest:?}, \
             brotli: include_bytes!({brotli:?}), gzip: include_bytes!({gzip:?}) }},",
            caching == "immutable",
        )?;
    }
    table.push_str("]\n");
    let out = Path::new(&env::var("OUT_DIR")?).join("page.rs");
    if fs::read_to_string(&out).ok().as_deref() != Some(table.as_str()) {
        fs::write(out, table)?;
    }
    Ok(())
}
