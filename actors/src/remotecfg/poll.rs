//! What an Alloy says.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use linkmesh_proto::{
    ConfigHash,
    wire::collector::{GetConfigRequest, RegisterCollectorRequest, RemoteConfigStatus},
};

use super::{
    effect::{Effect, PollAnswer},
    fast::{poll_digest, reported_attributes},
    input::Poll,
    state::{AlloyState, Output},
};
use crate::{
    domain::{
        health::cut,
        standing::{Now, PersistClass, short},
    },
    opamp::{RemoteStatus, ReportedStatus},
};

/// Length to which an Alloy's error texts are cut.
const MAX_ERROR: usize = 8 << 10;
/// Attributes that are kept of what it reports.
const MAX_ATTRIBUTES: usize = 128;
/// Length to which keys and values of attributes are cut.
const MAX_ATTRIBUTE: usize = 1024;

/// What stands in front of an error of the transport, and never in front of one of a load: those begin with a place,
/// `line:col:` or `-:`.
const CONNECT_CODES: [&str; 16] = [
    "canceled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal",
    "unavailable",
    "data_loss",
    "unauthenticated",
];

impl AlloyState {
    pub(super) fn registered(&mut self, now: Now, request: &RegisterCollectorRequest, address: &str, out: &mut Output) {
        self.heard(now, out);
        let attributes = reported_attributes(&request.local_attributes, &request.attributes);
        self.identify(&request.id, address, attributes, out);
        if self.record.name.as_deref() != Some(request.name.as_str()) && !request.name.is_empty() {
            self.record.name = Some(cut(&request.name, MAX_ATTRIBUTE).into());
            out.persist(PersistClass::Soon);
            out.row_changed = true;
        }
    }

    pub(super) fn polled(&mut self, now: Now, poll: Poll, out: &mut Output) {
        self.heard(now, out);
        let Poll { request, address } = poll;
        let attributes = reported_attributes(&request.local_attributes, &request.attributes);
        self.identify(&request.id, &address, attributes, out);
        self.digest = Some(poll_digest(&request, &address));
        self.received(&request, out);
        if let Some(status) = &request.remote_config_status {
            self.take_status(now, status, out);
        }
        if !self.retry_if_stuck() && request.remote_config_status.is_none() {
            self.refused_in_silence(now, out);
        }
        let hash_text = request.hash;
        let mut body = None;
        if let Some(map) = request.effective_config.and_then(|effective| effective.config_map) {
            let mut files = map.config_map;
            // One file under the empty name.
            let file = files.remove("").or_else(|| files.into_values().next());
            if let Some(file) = file {
                body = Some(file.body.clone());
                self.take_effective(now, file, out);
            }
        }
        self.confirm_served(body.as_deref(), out);
        self.settle(out);
        let answer = self.answer(&hash_text, out);
        out.effects.push(Effect::Answer(answer));
    }

    /// The hash of a request is what it received last: not what it runs. An empty one is a fresh process.
    fn received(&mut self, request: &GetConfigRequest, out: &mut Output) {
        let received = request.hash.parse::<ConfigHash>().ok();
        if request.hash.is_empty() {
            self.started_fresh();
        }
        if received == self.record.received {
            return;
        }
        self.record.received = received;
        out.persist(PersistClass::Soon);
        if received.is_some() && received == self.published() {
            self.served_at = None;
            self.overdue = false;
        }
    }

    fn take_status(&mut self, now: Now, status: &RemoteConfigStatus, out: &mut Output) {
        self.record.reports_status = true;
        let word = ReportedStatus::from_wire(status.status);
        let error = cut(&status.error_message, MAX_ERROR);
        if word == ReportedStatus::Failed && is_transport_error(error) {
            // It could not talk to us: that says nothing of the config, and everything runs on.
            if *self.transport_error != *error {
                self.transport_error = error.into();
                out.event("transport_error", error);
            }
            return;
        }
        let reported = RemoteStatus { hash: self.record.received, status: word, error: error.into(), at: now.at };
        let is_news =
            self.record.status.as_ref().is_none_or(|known| RemoteStatus { at: now.at, ..known.clone() } != reported);
        self.transport_error = Box::default();
        self.record.status = Some(reported);
        if is_news {
            out.persist(PersistClass::Now);
        }
        if word == ReportedStatus::Failed {
            self.refused(now, error, out);
        }
    }

    /// Keeps what it says of itself, and notices when two take turns.
    fn identify(&mut self, id: &str, address: &str, attributes: &BTreeMap<String, String>, out: &mut Output) {
        let mut hasher = DefaultHasher::new();
        (id, address).hash(&mut hasher);
        let identity = hasher.finish();
        let known = self.identity.now;
        if known.is_some_and(|known| known != identity) {
            let patience = self.patience();
            let is_back = |(before, at)| before == identity && self.clock.saturating_sub(at) < patience;
            if self.identity.before.is_some_and(is_back) {
                self.identity.doubled_until = Some(self.clock + patience);
            }
            self.identity.before = known.map(|known| (known, self.clock));
        }
        self.identity.now = Some(identity);
        let kept: BTreeMap<Box<str>, Box<str>> = attributes
            .iter()
            .take(MAX_ATTRIBUTES)
            .map(|(key, value)| (cut(key, MAX_ATTRIBUTE).into(), cut(value, MAX_ATTRIBUTE).into()))
            .collect();
        if self.record.attributes != kept {
            self.record.attributes = kept;
            out.attributes_changed = true;
            out.row_changed = true;
            out.persist(PersistClass::Now);
        }
        if self.record.id.as_deref() != Some(id) || self.record.address.as_deref() != Some(address) {
            self.record.id = Some(cut(id, MAX_ATTRIBUTE).into());
            self.record.address = Some(address.into()).filter(|_| !address.is_empty());
            out.persist(PersistClass::Soon);
            out.row_changed = true;
        }
    }

    fn answer(&mut self, has: &str, out: &mut Output) -> PollAnswer {
        let Some(published) = self.way.current().cloned() else { return PollAnswer::NotModified };
        let is_other = self.record.published != Some(published.hash);
        self.record.published = Some(published.hash);
        if *published.hash_text == *has {
            // An answer with another text was lost on its way.
            if is_other {
                out.persist(PersistClass::Soon);
            }
            return PollAnswer::NotModified;
        }
        if is_other {
            self.record.was_configured = true;
            out.persist(PersistClass::Now);
            out.event("config_offered", format!("config {} was served", short(published.hash)));
        }
        self.record.retry = None;
        self.note_served(&published);
        PollAnswer::Content(published)
    }
}

/// Whether an error message is one of the transport.
fn is_transport_error(message: &str) -> bool {
    message.split_once(':').is_some_and(|(code, _)| CONNECT_CODES.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::is_transport_error;

    #[test]
    fn errors_of_transport_and_load_are_told_apart() {
        for transport in
            ["unavailable: 503 Service Unavailable", "unauthenticated: bad token", "unknown: 204 No Content"]
        {
            assert!(is_transport_error(transport), "{transport}");
        }
        for load in ["34:1: expected }, got EOF", "-: something", "unknown component", "", "a loader exists: x"] {
            assert!(!is_transport_error(load), "{load}");
        }
    }
}
