//! What the guard hands to handlers: the request's id and origin, and the caller.

use std::{
    fmt::Display,
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, http::header::HeaderName, web};
use futures_util::FutureExt as _;
use linkmesh_actors::{by::By, mint::Mint as _, ports::AuditEntry};
use linkmesh_proto::{RequestId, Revision};

use crate::{
    auth::Caller,
    error::{Error, Result},
    http::{AppState, client_address::client_address},
};

/// Carries the request id in both directions.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is known of a request before anybody looks into it.
#[derive(Debug, Clone)]
pub struct Context {
    /// Ties log line, commit and audit entry together. The client's own when it sent a usable one.
    pub request_id: RequestId,
    /// The client's IP address.
    pub address: Option<String>,
}

impl Context {
    /// Reads a request.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        let state = request.app_data::<web::Data<AppState>>();
        let proxies = state.map_or(&[][..], |state| state.edge.trusted_proxies.as_slice());
        let given = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
        Self {
            request_id: given.unwrap_or_else(RequestId::generate),
            address: client_address(request.peer_addr(), request.headers(), proxies).map(|address| address.to_string()),
        }
    }

    /// The address, or a text that stands for none, for throttling.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.address.as_deref().unwrap_or("unknown")
    }

    /// The caller of this request, for commits, events and the audit log.
    #[must_use]
    pub fn by(&self, caller: &Caller) -> By {
        By {
            name: caller.name.clone(),
            email: (!caller.email.is_empty()).then(|| caller.email.clone()),
            address: self.address.clone(),
            request_id: self.request_id.clone(),
        }
    }

    /// Appends to the audit log what was just done: `action` is `resource:verb`.
    ///
    /// The deed is durable already, so a failing log does not turn the answer into an error: it is logged.
    pub async fn audit(&self, state: &AppState, by: &By, action: &str, target: impl Display, commit: Option<Commit>) {
        append(state, Self::entry(state, by, action, target, commit)).await;
    }

    /// As [`Self::audit`] for a commit of documents, without waiting for the disk: should the server die before the row
    /// is there, the next start rebuilds it from the commit (decision 23).
    pub fn audit_commit(&self, state: &AppState, by: &By, action: &str, target: impl Display, commit: Commit) {
        let mut appended = Box::pin(append(state, Self::entry(state, by, action, target, Some(commit))));
        // In the store's queue from now on, before the answer is: a server that stops writes it.
        if appended.as_mut().now_or_never().is_none() {
            actix_web::rt::spawn(appended);
        }
    }

    fn entry(state: &AppState, by: &By, action: &str, target: impl Display, commit: Option<Commit>) -> AuditEntry {
        AuditEntry {
            at: state.clock.now(),
            actor: by.actor().to_owned(),
            action: action.to_owned(),
            target: target.to_string(),
            address: by.address.clone(),
            request_id: Some(by.request_id.clone()),
            before: commit.and_then(|commit| commit.before),
            after: commit.map(|commit| commit.after),
        }
    }
}

fn append(state: &AppState, entry: AuditEntry) -> impl Future<Output = ()> + use<> {
    let store = Arc::clone(&state.store);
    async move {
        let (request_id, action) = (entry.request_id.clone(), entry.action.clone());
        if let Err(error) = store.append_audit(entry).await {
            let (request_id, cause) = (request_id.map(tracing::field::display), Error::from(error).chain());
            tracing::error!(request_id, action, cause, "audit entry was not stored");
        }
    }
}

/// The revisions before and after a save, for the audit log.
#[derive(Debug, Clone, Copy)]
pub struct Commit {
    /// The newest commit when the save began.
    pub before: Option<Revision>,
    /// The commit of the save.
    pub after: Revision,
}

impl FromRequest for Context {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let known = request.extensions().get::<Self>().cloned();
        ready(Ok(known.unwrap_or_else(|| Self::of(request))))
    }
}

impl FromRequest for Caller {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Self>().cloned();
        ready(caller.ok_or_else(|| Error::internal("a handler asks for the caller of a route that is open to all")))
    }
}
