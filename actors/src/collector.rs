//! The actor of one collector that is there.
//!
//! *Owns* the protocol's state machine of one collector ([`crate::opamp::AgentState`] or
//! [`crate::remotecfg::AlloyState`]) and performs its effects, in their order: what must be durable before an answer is
//! on disk before the answer goes out.
//!
//! *Mailbox* 64 messages, exactly: its only address stands in the collector's slot; and 8 MiB of what peers sent, or one
//! message that is larger. A collector sends a handful in a burst; one that floods is cut.
//!
//! *Senders*: the collector's sessions and polls, the fleet when another text is desired, operators' requests.
//!
//! *Life*: built from the stored record at the first message, retired when the collector is gone. *Its death* by a panic
//! is counted; the next message builds it again from what is stored, and its sessions, which the slot keeps, go on.

mod actor;
mod components;
mod effects;
mod host;
mod mailbox;
mod recorder;
mod row;

pub(crate) use actor::CollectorActor;
pub(crate) use components::ComponentRegistry;
#[cfg(test)]
pub(crate) use components::hash_of;
pub(crate) use host::AgentRecord;
pub(crate) use mailbox::{Described, Work, post, post_if_alive, share};
pub(crate) use recorder::Recorder;
