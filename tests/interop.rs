//! Real programs against a real server process: the supervisor and collector of two versions, a Connect client, and an
//! Alloy where one is at hand. Effects are checked on records that arrive, not on texts.

pub(crate) mod alloy;
mod bootstrap;
pub(crate) mod catalogue;
mod connect;
mod crash;
mod delivery;
mod documents;
mod drift;
mod enrolment;
pub(crate) mod meaning;
mod older;
mod own_metrics;
pub(crate) mod programs;
pub(crate) mod records;
pub(crate) mod sink;
pub(crate) mod supervisor;
