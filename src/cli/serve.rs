//! `linkmesh serve`.

use super::{Failure, ServeArgs};
use crate::{
    config::{Config, Overrides},
    server, telemetry,
};

pub(super) fn run(args: ServeArgs) -> Result<(), Failure> {
    let overrides =
        Overrides { data_dir: args.data_dir, http: args.http.map(Into::into), grpc: args.grpc.map(Into::into) };
    let config = Config::load(args.file.config.as_deref(), &overrides)?;
    telemetry::start(&config.log).map_err(|error| Failure::Usage(error.to_string()))?;
    server::run(config, args.ready_file).map_err(anyhow::Error::from)?;
    Ok(())
}
