//! What the edge can ask of the fleet.

use std::{collections::BTreeMap, sync::Arc};

use linkmesh_proto::{
    CollectorId, Cursor, Etag, PipelineId, TokenId,
    api::{
        collector::{
            Collector, CollectorConfig, CollectorEvent, CollectorHealth, CollectorPatch, NewCollector, Runtime,
            Stability,
        },
        enrolment::{Enrol, EnrollmentToken, NewEnrollmentToken},
        fleet::FleetSummary,
        list::Page,
        pipeline::{Matched, PipelineDocument, Preview},
    },
    wire::{
        collector::{GetConfigRequest, GetConfigResponse, RegisterCollectorRequest, UnregisterCollectorRequest},
        opamp::{AgentToServer, ServerToAgent},
    },
};

use super::{
    AdmitError, AgentSession, CollectorQuery, EnrolError, ExchangeError, FleetError, Peer, PollError, PollPeer,
    QueryError,
};
use crate::{
    by::By, domain::validate::CollectorFacts, ports::Transport, repository::Precondition, runtime::AskError,
    token::Token,
};

/// A collector just created; its token is shown this once.
#[derive(Debug, Clone)]
pub struct RegisteredCollector {
    /// The collector.
    pub collector: Collector,
    /// The version of its document.
    pub etag: Etag,
    /// Its token.
    pub token: Token,
}

/// A collector that enrolled; its token is shown this once.
#[derive(Debug, Clone)]
pub struct EnrolledCollector {
    /// The identifier.
    pub id: CollectorId,
    /// The program.
    pub runtime: Runtime,
    /// The name.
    pub name: String,
    /// Alloy's stability level.
    pub stability: Stability,
    /// Labels from the enrolment token.
    pub labels: BTreeMap<String, String>,
    /// Its token.
    pub token: Token,
}

/// An enrolment token just made; shown this once.
#[derive(Debug, Clone)]
pub struct IssuedEnrollment {
    /// What the list shows of it.
    pub record: EnrollmentToken,
    /// The token.
    pub token: Token,
}

/// What the edge can ask of the fleet. Cheap to clone; every request has a deadline.
#[derive(Clone)]
pub struct FleetHandle {
    _private: (),
}

impl FleetHandle {
    // ---- lists and rows: read from memory, wake no actor ----

    /// One page of collectors.
    ///
    /// # Errors
    /// When a matcher or the cursor cannot be read.
    pub fn collectors(&self, query: &CollectorQuery) -> Result<Page<Collector>, QueryError> {
        let _ = query;
        Ok(Page { items: Vec::new(), next_cursor: None, total: 0 })
    }

    /// One collector with the version of its document. A collector without a document has the version of zeros, which
    /// `If-Match` may name like any other.
    ///
    /// # Errors
    /// When there is none.
    pub fn collector(&self, id: CollectorId) -> Result<(Collector, Etag), FleetError> {
        Err(FleetError::UnknownCollector(id))
    }

    /// Counts, the newest revision, broken files.
    #[must_use]
    pub fn summary(&self) -> FleetSummary {
        FleetSummary {
            total: 0,
            status: Default::default(),
            runtime: Default::default(),
            config_state: Default::default(),
            drift: Default::default(),
            revision: None,
            broken_files: Vec::new(),
        }
    }

    /// What checks of documents need to know of every registered collector.
    #[must_use]
    pub fn facts(&self) -> Vec<CollectorFacts> {
        Vec::new()
    }

    /// How many collectors run each pipeline now. A pipeline that none runs is missing.
    #[must_use]
    pub fn matched_counts(&self) -> BTreeMap<PipelineId, u64> {
        BTreeMap::new()
    }

    /// The collectors that a list of matchers selects.
    ///
    /// # Errors
    /// When a matcher cannot be read.
    pub fn matched(&self, matchers: &[String]) -> Result<Matched, QueryError> {
        let _ = matchers;
        Ok(Matched { matched: 0, items: Vec::new() })
    }

    /// What a collector that runs only this pipeline would get, on both runtimes, with what is wrong with it. Secrets
    /// are hidden. Stores nothing.
    #[must_use]
    pub fn preview(&self, id: &PipelineId, document: &PipelineDocument) -> Preview {
        let _ = (id, document);
        Preview {
            collectors: Matched { matched: 0, items: Vec::new() },
            otelcol: None,
            alloy: None,
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    // ---- operators ----

    /// Creates a collector with a token. Its name and labels go into the config repository first.
    ///
    /// # Errors
    /// When the request breaks rules, or a store fails.
    pub async fn register(&self, new: NewCollector, by: &By) -> Result<RegisteredCollector, FleetError> {
        let _ = (new, by);
        Err(AskError::Closed.into())
    }

    /// Changes name and labels of the operator, in the config repository.
    ///
    /// # Errors
    /// When the precondition does not hold, the request breaks rules, or the repository fails.
    pub async fn patch(
        &self,
        id: CollectorId,
        patch: CollectorPatch,
        precondition: Precondition,
        by: &By,
    ) -> Result<(Collector, Etag), FleetError> {
        let _ = (id, patch, precondition, by);
        Err(AskError::Closed.into())
    }

    /// Ends a collector: its tokens are dead when this returns, and its session closed. It is kept for 30 days.
    ///
    /// # Errors
    /// When there is none, it was deregistered before, or the store fails.
    pub async fn deregister(&self, id: CollectorId, by: &By) -> Result<(), FleetError> {
        let _ = (id, by);
        Err(AskError::Closed.into())
    }

    /// What the collector should run and what it says that it runs, both without secrets, and how they compare.
    ///
    /// # Errors
    /// When there is no such collector, or the store fails.
    pub async fn config(&self, id: CollectorId) -> Result<CollectorConfig, FleetError> {
        let _ = id;
        Err(AskError::Closed.into())
    }

    /// The health that it reported.
    ///
    /// # Errors
    /// When there is no such collector, or the store fails.
    pub async fn health(&self, id: CollectorId) -> Result<CollectorHealth, FleetError> {
        let _ = id;
        Err(AskError::Closed.into())
    }

    /// What happened to it, newest first.
    ///
    /// # Errors
    /// When there is no such collector, or the store fails.
    pub async fn events(
        &self,
        id: CollectorId,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<CollectorEvent>, FleetError> {
        let _ = (id, cursor, limit);
        Err(AskError::Closed.into())
    }

    /// Issues a new token. The one before stays valid until [`Self::end_previous_token`], or until 7 days after a fresh
    /// process first used the new one; one older still ends at once.
    ///
    /// # Errors
    /// When there is no such collector, or the store fails.
    pub async fn rotate_token(&self, id: CollectorId, by: &By) -> Result<Token, FleetError> {
        let _ = (id, by);
        Err(AskError::Closed.into())
    }

    /// Ends the token before the newest. A session that was opened with it is closed. Does nothing when there is none.
    ///
    /// # Errors
    /// When there is no such collector, or the store fails.
    pub async fn end_previous_token(&self, id: CollectorId, by: &By) -> Result<(), FleetError> {
        let _ = (id, by);
        Err(AskError::Closed.into())
    }

    /// Asks the collector to restart.
    ///
    /// # Errors
    /// When it cannot be asked to, or is not connected.
    pub async fn restart(&self, id: CollectorId, by: &By) -> Result<(), FleetError> {
        let _ = (id, by);
        Err(AskError::Closed.into())
    }

    /// Lifts the latch of a config that failed: it is offered once more.
    ///
    /// # Errors
    /// When its config did not fail.
    pub async fn retry(&self, id: CollectorId, by: &By) -> Result<(), FleetError> {
        let _ = (id, by);
        Err(AskError::Closed.into())
    }

    // ---- enrolment ----

    /// Makes an enrolment token.
    ///
    /// # Errors
    /// When the request breaks rules, or the store fails.
    pub async fn create_enrollment(&self, new: NewEnrollmentToken, by: &By) -> Result<IssuedEnrollment, FleetError> {
        let _ = (new, by);
        Err(AskError::Closed.into())
    }

    /// The enrolment tokens that have not ended, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn enrollments(&self) -> Result<Vec<EnrollmentToken>, FleetError> {
        Err(AskError::Closed.into())
    }

    /// Ends an enrolment token. Supervisors that redeemed it are still let in with it.
    ///
    /// # Errors
    /// When there is none, or the store fails.
    pub async fn delete_enrollment(&self, id: TokenId, by: &By) -> Result<(), FleetError> {
        let _ = by;
        Err(FleetError::UnknownEnrollment(id))
    }

    /// Redeems an enrolment token: creates a collector with a token of its own.
    ///
    /// # Errors
    /// When the token is unknown, ended, used or for another runtime, or the store fails.
    pub async fn enrol(&self, token: &str, request: Enrol) -> Result<EnrolledCollector, EnrolError> {
        let _ = (token, request);
        Err(AskError::Closed.into())
    }

    // ---- OpAMP ----

    /// Looks at the token of a peer that wants an OpAMP session: a collector's own, or one for enrolment. From memory;
    /// before the upgrade, so that nobody is let in to be thrown out.
    ///
    /// # Errors
    /// When the peer is to be turned away.
    pub fn admit(&self, token: &str, address: Option<String>) -> Result<Peer, AdmitError> {
        let _ = (token, address);
        Err(AdmitError::Busy)
    }

    /// Opens the session of an admitted peer over a WebSocket. It ends when the returned value is dropped.
    #[must_use]
    pub fn open_session(&self, peer: Peer, transport: Arc<dyn Transport>) -> AgentSession {
        let _ = peer;
        AgentSession::new(transport)
    }

    /// One message of an admitted peer by plain HTTP, and its answer. `None` is a body that is no message.
    ///
    /// # Errors
    /// When the peer is turned away, or the answer takes too long.
    pub async fn exchange(&self, peer: Peer, message: Option<AgentToServer>) -> Result<ServerToAgent, ExchangeError> {
        let _ = (peer, message);
        Err(AskError::Closed.into())
    }

    // ---- remotecfg and own metrics ----

    /// Whose token this is: for own metrics, which take nothing but a collector's own token.
    ///
    /// # Errors
    /// When the token is not a collector's, or dead.
    pub fn authenticate(&self, token: &str) -> Result<CollectorId, AdmitError> {
        let _ = token;
        Err(AdmitError::Busy)
    }

    /// Answers a poll. A poll that says nothing new is answered from memory: it touches no disk and wakes no actor.
    ///
    /// # Errors
    /// When the peer is turned away, the request names no id, or the answer takes too long.
    pub async fn poll(
        &self,
        token: &str,
        peer: PollPeer,
        request: GetConfigRequest,
    ) -> Result<GetConfigResponse, PollError> {
        let _ = (token, peer, request);
        Err(AskError::Closed.into())
    }

    /// Alloy starts. Touches memory only and never waits: Alloy ends when this fails.
    ///
    /// # Errors
    /// When the peer is turned away, or the request names no id.
    pub fn alloy_started(
        &self,
        token: &str,
        peer: PollPeer,
        request: RegisterCollectorRequest,
    ) -> Result<(), PollError> {
        let _ = (token, peer, request);
        Err(AskError::Closed.into())
    }

    /// Alloy stops: it is gone, but stays registered.
    ///
    /// # Errors
    /// When the peer is turned away.
    pub fn alloy_stopped(&self, token: &str, request: UnregisterCollectorRequest) -> Result<(), PollError> {
        let _ = (token, request);
        Err(AskError::Closed.into())
    }
}
