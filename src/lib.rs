//! The LinkMesh server: edges, adapters and composition.
//!
//! Nothing here holds a rule of the product; those live in `linkmesh_actors`. `http` speaks to operators and collectors,
//! `storage` and `repository` keep what must last, `server` puts everything together in the one order that is safe.

pub mod auth;
pub mod backup;
pub mod cli;
pub mod config;
pub mod data_dir;
pub mod error;
pub mod http;
pub mod repository;
pub mod secret_key;
pub mod server;
pub mod shutdown;
pub mod storage;
pub mod telemetry;
