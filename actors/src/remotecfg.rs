//! Delivery of configs to Alloy (`collector.v1`, the `remotecfg` block) as a pure state machine: no clock, no I/O.
//!
//! Alloy polls; the server only answers. What is published for a collector is a [`Published`] text, decided when the
//! desired text changes and not when a poll comes, so that nearly all polls are answered from [`FastPath`] without
//! waking the collector's actor: [`is_unchanged`]. Polls that say something new go through [`AlloyState::apply`].
//!
//! Followed: Alloy's source (v1.19-dev) and about 60 starts of Alloy 1.18 against a mock server.

mod delivery;
mod document;
mod effect;
mod fast;
mod input;
mod poll;
mod record;
mod rhythm;
mod state;
mod steps;
#[cfg(test)]
mod tests;

pub use crate::domain::desired::Published;
pub use effect::{Effect, PollAnswer};
pub use fast::{FastPath, is_unchanged, poll_digest};
pub use input::{ComponentCount, Input, Poll};
pub use record::AlloyRecord;
pub use rhythm::{Pulse, Rhythm};
pub use state::AlloyState;
