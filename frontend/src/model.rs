//! View models: what the page shows, worked out without a browser, and tested on the host.

pub mod access;
pub mod beside;
pub mod chain;
pub mod conflict;
pub mod delivery;
pub mod diff;
pub mod dry_run;
pub mod filter;
pub mod format;
pub mod import;
pub mod kinds;
pub mod names;
pub mod problems;
pub mod rates;
pub mod records;
pub mod samples;
pub mod schema;
pub mod secrets;
pub mod soon;
pub mod sse;
pub mod status;
pub mod undo;
pub mod yaml;

#[cfg(test)]
mod contrast;
#[cfg(test)]
mod sample;
