//! `linkmesh admin`: what an administrator does on the machine itself, while no server runs.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Subcommand;
use linkmesh_actors::{domain::access::Role, ports::Entropy};
use zeroize::Zeroizing;

use super::{Failure, print, rotate};
use crate::{
    auth::{
        accounts::{self, AccountError},
        password::Passwords,
    },
    config::Span,
    data_dir::{DataDir, DataDirError},
    server::{
        self, ServerError,
        system::{SystemClock, SystemEntropy},
    },
    storage::redb::RedbStore,
};

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
        /// The data directory, or an empty directory that is to become one
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
    /// Makes a new server secret and seals with it what the old one sealed, in one commit
    RotateSecret {
        /// The data directory
        #[arg(long, value_name = "DIR")]
        data_dir: PathBuf,
    },
}

pub(super) fn run(command: AdminCommand) -> Result<(), Failure> {
    actix_rt::System::new().block_on(async move {
        match command {
            AdminCommand::Init { data_dir, email, password_stdin: _ } => init(&data_dir, &email).await,
            AdminCommand::Token { data_dir, name, role, expires } => token(&data_dir, &name, &role, expires).await,
            AdminCommand::RotateSecret { data_dir } => rotate::run(&data_dir),
        }
    })
}

async fn init(data_dir: &Path, email: &str) -> Result<(), Failure> {
    let mut password = Zeroizing::new(String::new());
    std::io::stdin().read_line(&mut password)?;
    let password = Zeroizing::new(password.trim_end_matches(['\r', '\n']).to_owned());
    let (_data_dir, store) = open(DataDir::open(data_dir))?;
    let passwords = Passwords::new(Arc::new(SystemEntropy));
    // The page shows the name; whoever is behind the address may change it there.
    let name = email.split('@').next().unwrap_or(email);
    let created =
        accounts::create_first_administrator(&store, &SystemClock::default(), &passwords, email, name, password).await;
    close(&store).await;
    let user = created.map_err(account_failure)?;
    print(&format!("administrator {} created\n", user.email))
}

async fn token(data_dir: &Path, name: &str, role: &str, expires: Option<Span>) -> Result<(), Failure> {
    let role: Role = role.parse().map_err(|_| {
        let known: Vec<_> = Role::ALL.iter().map(|role| role.as_str()).collect();
        Failure::Usage(format!("there is no role {role:?}; known: {}", known.join(", ")))
    })?;
    let (_data_dir, store) = open(DataDir::open_made(data_dir))?;
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let created = accounts::create_service_account(
        &store,
        &SystemClock::default(),
        &entropy,
        name,
        role,
        expires.map(|span| span.0),
        "linkmesh admin token",
    )
    .await;
    close(&store).await;
    let token = created.map_err(account_failure)?;
    print(&format!("{}\n", token.reveal()))
}

fn open(data_dir: Result<DataDir, DataDirError>) -> Result<(DataDir, RedbStore), Failure> {
    let opened = data_dir.map_err(ServerError::from).and_then(server::open_offline);
    opened.map_err(|error| anyhow::Error::from(error).into())
}

async fn close(store: &RedbStore) {
    if let Err(error) = store.close().await {
        tracing::error!(%error, "the state store was not closed cleanly");
    }
}

/// What the person typed is their error; all else is the program's.
fn account_failure(error: AccountError) -> Failure {
    match error {
        AccountError::Invalid { .. } => Failure::Usage(error.to_string()),
        other => Failure::Failed(other.into()),
    }
}
