//! A request to an actor, with a deadline.

use std::time::Duration;

use actix::{Actor, Addr, Handler, MailboxError, Message, dev::ToEnvelope};

use super::TellError;

/// Why a request got no answer. The actor may still have acted on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The deadline passed.
    #[error("no answer within the deadline")]
    Deadline,
    /// Too many requests wait already.
    #[error("too many requests are waiting")]
    Full,
    /// The actor is gone. When it is supervised, it is being rebuilt: ask again.
    #[error("the receiver is gone or just being restarted")]
    Closed,
}

impl From<TellError> for AskError {
    fn from(error: TellError) -> Self {
        match error {
            TellError::Full => Self::Full,
            TellError::Closed => Self::Closed,
        }
    }
}

impl AskError {
    /// A stable code for problem documents and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Deadline => "deadline_exceeded",
            Self::Full => "overloaded",
            Self::Closed => "unavailable",
        }
    }
}

/// Sends a message and waits for the answer, at most for `deadline`.
///
/// Waiting for room in the mailbox counts as waiting for the answer.
///
/// # Errors
/// See [`AskError`].
pub async fn ask<A, M>(addr: &Addr<A>, message: M, deadline: Duration) -> Result<M::Result, AskError>
where
    A: Actor + Handler<M>,
    A::Context: ToEnvelope<A, M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    match tokio::time::timeout(deadline, addr.send(message)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(MailboxError::Closed)) => Err(AskError::Closed),
        Ok(Err(MailboxError::Timeout)) | Err(_) => Err(AskError::Deadline),
    }
}
