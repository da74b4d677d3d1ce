//! `linkmesh backup` and `linkmesh restore`.

use std::path::PathBuf;

use clap::Args;

use super::{Failure, print};
use crate::backup;

/// What `linkmesh backup` takes.
#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The data directory; no server may run on it
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The file to write, readable by its owner only: it holds the server secret
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// What `linkmesh restore` takes.
#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// The data directory to make; it must be empty or absent
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The backup
    #[arg(long = "in", value_name = "FILE")]
    input: PathBuf,
}

pub(super) fn backup(args: &BackupArgs) -> Result<(), Failure> {
    let summary = backup::backup(&args.data_dir, &args.out).map_err(anyhow::Error::from)?;
    print(&format!("{} files, {} bytes, in {}\n", summary.files, summary.bytes, args.out.display()))
}

pub(super) fn restore(args: &RestoreArgs) -> Result<(), Failure> {
    let summary = backup::restore(&args.data_dir, &args.input).map_err(anyhow::Error::from)?;
    print(&format!("{} files, {} bytes, in {}\n", summary.files, summary.bytes, args.data_dir.display()))
}
