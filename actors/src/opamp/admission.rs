//! The first message of a peer that dialled with an enrolment token: which process asks, and what it is told when the
//! token is not for it.

use std::collections::BTreeMap;

use linkmesh_proto::{
    InstanceUid,
    wire::opamp::{AgentToServer, ServerErrorResponse, ServerErrorResponseType, ServerToAgent},
};

use super::{description, uid::normalise_uid};

/// What to do with a message of a peer that has no collector yet.
#[derive(Debug, Clone, PartialEq)]
pub enum Admitted {
    /// Redeem the token for this process. A token that was redeemed by the same process before lets it in again: a
    /// supervisor forgets offered settings when it restarts. When it is redeemed, open the session at the collector's
    /// [`super::AgentState`] and give it this message; else answer with [`Admission::refuse`].
    Redeem {
        /// Who asks.
        uid: InstanceUid,
        /// What it says of itself; empty when it says nothing.
        attributes: BTreeMap<String, String>,
    },
    /// Answer this; the socket stays open and idle, because a closed one is dialled again at once.
    Refused(Box<ServerToAgent>),
}

/// Judges messages that come before enrolment.
#[derive(Debug, Clone, Copy)]
pub struct Admission;

impl Admission {
    /// Reads a message of a peer that has no collector yet.
    #[must_use]
    pub fn read(message: &AgentToServer) -> Admitted {
        match normalise_uid(&message.instance_uid) {
            Ok(uid) => Admitted::Redeem {
                uid,
                attributes: message.agent_description.as_ref().map(description::attributes).unwrap_or_default(),
            },
            Err(error) => Admitted::Refused(Box::new(Self::refuse(message, &error.to_string()))),
        }
    }

    /// The answer to a message of a process that may not use the token.
    #[must_use]
    pub fn refuse(message: &AgentToServer, reason: &str) -> ServerToAgent {
        bad_request(&message.instance_uid, reason)
    }
}

/// An error response; everything but the uid is excluded beside it.
pub(super) fn bad_request(raw_uid: &[u8], reason: &str) -> ServerToAgent {
    ServerToAgent {
        instance_uid: raw_uid.to_vec(),
        error_response: Some(ServerErrorResponse {
            r#type: ServerErrorResponseType::BadRequest.into(),
            error_message: reason.to_owned(),
            details: None,
        }),
        ..Default::default()
    }
}
