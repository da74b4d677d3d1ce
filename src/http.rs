//! The HTTP edge: what every handler shares, and where each route is mounted.

pub mod agents;
pub mod catalogue;
pub mod collectors;
pub mod destinations;
pub mod enrolment;
pub mod fleet;
pub mod health;
pub mod live;
pub mod metrics;
pub mod opamp;
pub mod opamp_socket;
pub mod openapi;
pub mod otlp;
pub mod pipelines;
pub mod remotecfg;
pub mod revisions;
pub mod routes;
pub mod session;
pub mod setup;
pub mod ui;
