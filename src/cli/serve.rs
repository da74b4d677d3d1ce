//! `linkmesh serve`.

use super::{Failure, ServeArgs};
use crate::{
    config::{Config, GrpcConfig, Overrides},
    server, telemetry,
};

pub(super) fn run(args: ServeArgs) -> Result<(), Failure> {
    let asks_for_grpc = args.grpc.is_some();
    let overrides =
        Overrides { data_dir: args.data_dir, http: args.http.map(Into::into), grpc: args.grpc.map(Into::into) };
    let config = Config::load(args.file.config.as_deref(), &overrides)?;
    telemetry::start(&config.log).map_err(|error| Failure::Usage(error.to_string()))?;
    if asks_for_grpc || config.grpc != GrpcConfig::default() {
        let address = config.grpc.listen;
        tracing::warn!(%address, "nothing listens at the address of --grpc (grpc.listen): this version has no gRPC yet");
    }
    server::run(config, args.ready_file).map_err(anyhow::Error::from)?;
    Ok(())
}
