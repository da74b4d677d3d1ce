//! `linkmesh-loadtest`: see the library.

use std::{process::ExitCode, time::Duration};

use clap::Parser as _;
use linkmesh_loadtest::{Args, run};

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(args.threads()).enable_all().build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    let interrupted = async {
        // An error here means that nobody can interrupt it by a signal: the deadline ends it then.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let outcome = runtime.block_on(run(&args, interrupted));
    runtime.shutdown_timeout(Duration::from_secs(2));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("linkmesh-loadtest: {error:#}");
    ExitCode::FAILURE
}
