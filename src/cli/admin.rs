//! `linkmesh admin`: what an administrator does on the machine itself, while no server runs.

use std::path::PathBuf;

use clap::Subcommand;

use super::Failure;
use crate::config::Span;

/// What can be administered offline.
#[derive(Debug, Subcommand)]
pub(super) enum AdminCommand {
    /// Creates the first administrator, instead of the setup link
    Init {
        /// The data directory
        #[arg(long, value_name = "DIR")]
        data_dir: PathBuf,
        /// E-mail address of the administrator
        #[arg(long, value_name = "EMAIL")]
        email: String,
        /// Reads the password from standard input, one line
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Creates a service account and prints its token, once
    Token {
        /// The data directory
        #[arg(long, value_name = "DIR")]
        data_dir: PathBuf,
        /// Name of the service account
        #[arg(long)]
        name: String,
        /// Its role: admin, operator, pipeline-engineer or viewer
        #[arg(long)]
        role: String,
        /// How long the token is valid, such as 30d; for ever when absent
        #[arg(long, value_name = "SPAN")]
        expires: Option<Span>,
    },
}

pub(super) fn run(command: AdminCommand) -> Result<(), Failure> {
    let _ = command;
    Err(Failure::Usage("not wired".into()))
}
