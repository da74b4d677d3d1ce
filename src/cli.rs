//! The command line.
//!
//! Exit codes: 0 done, 1 failed at run time, 2 wrong usage or configuration.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, ConfigError, Overrides};

mod admin;
mod files;
mod rotate;
mod serve;

/// A control plane for fleets of OpenTelemetry collectors.
#[derive(Debug, Parser)]
#[command(name = "linkmesh", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the server
    Serve(ServeArgs),
    /// Administers a data directory while no server runs on it
    Admin {
        #[command(subcommand)]
        command: admin::AdminCommand,
    },
    /// Prints the effective configuration, secrets hidden
    CheckConfig(ConfigArgs),
    /// Writes repository, state and server secret into one file
    Backup(files::BackupArgs),
    /// Fills an empty data directory from a backup
    Restore(files::RestoreArgs),
    /// Prints the version
    Version,
    /// Prints a completion script for a shell
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
struct ConfigArgs {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE", env = "LINKMESH_CONFIG")]
    config: Option<PathBuf>,
}

/// What `linkmesh serve` takes.
#[derive(Debug, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    file: ConfigArgs,
    /// Directory of everything that must last
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Address of the HTTP listener; port 0 picks one
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// Address of the gRPC listener, which this version does not have yet: nothing listens there
    #[arg(long, value_name = "ADDR")]
    grpc: Option<SocketAddr>,
    /// Where to write, as JSON, what was bound, once every listener is up
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// Exit code 2.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// Exit code 1.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

impl Failure {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Usage(_) => 2,
            Self::Failed(_) => 1,
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(args) => serve::run(args),
        Command::Admin { command } => admin::run(command),
        Command::CheckConfig(args) => {
            let config = Config::load(args.config.as_deref(), &Overrides::default())?;
            print(&config.to_toml().map_err(anyhow::Error::from)?)
        }
        Command::Backup(args) => files::backup(&args),
        Command::Restore(args) => files::restore(&args),
        Command::Version => print(concat!("linkmesh ", env!("CARGO_PKG_VERSION"), "\n")),
        Command::Completion { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut <Cli as clap::CommandFactory>::command(), "linkmesh", &mut script);
            write_out(&script)
        }
    }
}

fn print(text: &str) -> Result<(), Failure> {
    write_out(text.as_bytes())
}

/// Writes to standard output. A reader that has gone away, as in `linkmesh ... | head`, is no failure.
fn write_out(bytes: &[u8]) -> Result<(), Failure> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// One line on standard error: the error and everything that caused it.
fn complain(failure: &Failure) {
    use std::io::Write;
    let mut line = format!("linkmesh: {failure}");
    let mut cause = std::error::Error::source(failure);
    while let Some(error) = cause {
        let text = error.to_string();
        if !line.contains(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        cause = error.source();
    }
    // Nothing is left to tell when standard error itself is gone.
    drop(writeln!(std::io::stderr(), "{line}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_is_well_formed() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn contract_of_the_command_line_parses() {
        for line in [
            "linkmesh serve",
            "linkmesh serve --config f --data-dir d --http 127.0.0.1:0 --grpc 127.0.0.1:0 --ready-file r",
            "linkmesh admin init --data-dir d --email a@b.c --password-stdin",
            "linkmesh admin token --data-dir d --name n --role admin --expires 30d",
            "linkmesh admin token --data-dir d --name n --role admin",
            "linkmesh check-config --config f",
            "linkmesh backup --data-dir d --out f",
            "linkmesh restore --data-dir d --in f",
            "linkmesh version",
            "linkmesh completion bash",
        ] {
            if let Err(error) = Cli::try_parse_from(line.split(' ')) {
                panic!("{line}: {error}");
            }
        }
        for line in ["linkmesh", "linkmesh frob", "linkmesh serve --http nonsense", "linkmesh admin init --data-dir d"]
        {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}
