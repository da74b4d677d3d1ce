//! Answering the poll that says nothing new, which nearly all of them are.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use linkmesh_proto::wire::collector::GetConfigRequest;

use crate::domain::desired::Published;

/// What decides whether a poll says something new; shared with the threads that take polls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FastPath {
    /// What is served; `None` while there is nothing to serve.
    pub published: Option<Arc<Published>>,
    /// [`poll_digest`] of the newest poll that went through the state machine; `None`: no poll is unchanged.
    pub seen: Option<u64>,
}

/// A digest of what an Alloy says of itself in every poll: id, attributes, address. Equal digests mean that the poll
/// tells nothing new about these; they live for one run of the server only.
#[must_use]
pub fn poll_digest(request: &GetConfigRequest, address: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    request.id.hash(&mut hasher);
    address.hash(&mut hasher);
    reported_attributes(&request.local_attributes, &request.attributes).hash(&mut hasher);
    hasher.finish()
}

/// The attributes of a request: up to Alloy 1.6 they stand in another field.
pub(super) fn reported_attributes<'a>(
    local: &'a BTreeMap<String, String>,
    old: &'a BTreeMap<String, String>,
) -> &'a BTreeMap<String, String> {
    if local.is_empty() { old } else { local }
}

/// Whether a poll is answered with `not_modified` and tells nothing that the state machine does not know. Such a poll
/// needs no actor, no lock beyond reading [`FastPath`], and no disk; only the time it came is worth keeping.
#[must_use]
pub fn is_unchanged(path: &FastPath, request: &GetConfigRequest, address: &str) -> bool {
    let Some(published) = &path.published else { return false };
    *request.hash == *published.hash_text
        && request.remote_config_status.is_none()
        && request.effective_config.is_none()
        && path.seen == Some(poll_digest(request, address))
}
