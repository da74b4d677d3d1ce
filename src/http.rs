//! The HTTP edge: what every handler shares, and where each route is mounted.

pub mod agents;
mod body;
pub mod budget;
pub mod catalogue;
pub mod client_address;
pub mod collectors;
pub mod destinations;
mod documents;
pub mod enrolment;
pub mod fleet;
pub mod health;
pub mod live;
pub mod metrics;
pub mod mounts;
mod off_worker;
pub mod opamp;
pub mod opamp_socket;
pub mod openapi;
pub mod otlp;
mod parts;
pub mod pipelines;
pub mod remotecfg;
pub mod revisions;
pub mod routes;
pub mod session;
pub mod setup;
mod state;
mod turns;
pub mod ui;
mod unsent;

pub use state::{AppState, Edge};
