//! Everything that crosses a wire of LinkMesh: identifiers, REST documents, and the Protocol Buffers messages of
//! collectors.
//!
//! The crate holds no rules and does no I/O. The page uses it without the feature `wire`, the server with it.

pub mod api;
pub mod hash;
pub mod id;
pub mod install;
pub mod time;
#[cfg(feature = "wire")]
pub mod wire;

pub use hash::ConfigHash;
pub use id::{
    CollectorId, Cursor, DestinationId, Etag, GroupId, InstanceUid, ParseIdError, PipelineId, RequestId, Revision,
    Slug, TokenId, UserId,
};
pub use time::Timestamp;
