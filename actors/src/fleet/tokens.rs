//! Tokens of collectors: issued, replaced, ended.

use std::sync::Arc;

use linkmesh_proto::CollectorId;

use super::{FleetError, FleetHandle};
use crate::{
    by::By,
    collector::{Work, post_if_alive},
    directory::{Connection, KnownToken, Slot},
    ports::{CloseReason, CollectorTokenRecord},
    shared::Shared,
    token::{Token, TokenHash, TokenKind},
};

/// What a token is issued for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To be shown to who asked for it.
    Shown,
    /// To be offered to a supervisor that dialled with an enrolment token.
    Offered,
}

impl FleetHandle {
    /// Issues a new token. The one before stays valid until [`Self::end_previous_token`], or until 7 days after a session
    /// or a poll first used the new one; one older still ends at once. Sessions end with the token that opened them.
    ///
    /// # Errors
    /// When there is no such collector, or the store fails.
    pub async fn rotate_token(&self, id: CollectorId, by: &By) -> Result<Token, FleetError> {
        let slot = self.registered(id)?;
        let (this, by) = (self.clone(), by.clone());
        self.detached(async move {
            let token = this.issue(&slot, Purpose::Shown).await?;
            this.note(&slot, "token_issued", format!("a new token was issued by {}", by.actor()));
            Ok(token)
        })
        .await?
    }

    /// Issues a new token beside the newest that there is.
    pub(super) async fn issue(&self, slot: &Arc<Slot>, purpose: Purpose) -> Result<Token, FleetError> {
        let _one_at_a_time = slot.administration.lock().await;
        // Only the lock makes that certain: a token of a deregistered collector would open the door again.
        if slot.is_deregistered() {
            return Err(FleetError::Deregistered);
        }
        let (shared, id) = (&self.shared, slot.id());
        let token = Token::mint(TokenKind::Collector, &*shared.entropy);
        let offered = purpose == Purpose::Offered;
        let before = shared.directory.tokens_with(id);
        // What is offered replaces what was offered; what an operator knows of stays as it is.
        let kept = before.iter().filter_map(|(hash, known)| match known {
            known if offered && !known.offered => Some((*hash, known.clone())),
            known if known.previous => None,
            known => Some((*hash, KnownToken { previous: true, ..known.clone() })),
        });
        let kept: Vec<_> = kept.collect();
        let new = CollectorTokenRecord { offered, ..token_record(&token, id, shared) };
        let records = std::iter::once(new.clone()).chain(kept.iter().map(|(hash, known)| known.record(*hash)));
        shared.store.set_collector_tokens(id, records.collect(), None).await?;
        let is_kept = |hash: &TokenHash| kept.iter().any(|(kept, _)| kept == hash);
        let ended: Vec<_> = before.into_iter().filter(|(hash, _)| !is_kept(hash)).collect();
        end_known_tokens(shared, slot, &ended);
        for (hash, known) in kept {
            shared.directory.insert_token(hash, known);
        }
        shared.directory.insert_token(token.hash(), KnownToken::new(Arc::clone(slot), &new));
        Ok(token)
    }

    /// Ends the token before the newest. A session that was opened with it is closed. Does nothing when there is none.
    ///
    /// # Errors
    /// When there is no such collector, or the store fails.
    pub async fn end_previous_token(&self, id: CollectorId, by: &By) -> Result<(), FleetError> {
        let slot = self.registered(id)?;
        let (this, by) = (self.clone(), by.clone());
        self.detached(async move {
            let _one_at_a_time = slot.administration.lock().await;
            let shared = &this.shared;
            let (previous, current): (Vec<_>, Vec<_>) =
                shared.directory.tokens_with(id).into_iter().partition(|(_, known)| known.previous);
            if previous.is_empty() {
                return Ok(());
            }
            let records = current.iter().map(|(hash, known)| known.record(*hash));
            shared.store.set_collector_tokens(id, records.collect(), None).await?;
            end_known_tokens(shared, &slot, &previous);
            this.note(&slot, "token_ended", format!("the previous token was ended by {}", by.actor()));
            Ok(())
        })
        .await?
    }

    /// Notes that a session or a poll uses a token: when nothing replaced it, those that it replaced get an end. One that
    /// was offered replaced none that an operator knows of.
    pub(super) fn begin_grace(&self, used: &KnownToken) {
        if used.previous || self.shared.directory.has_one_token(used.slot.id()) {
            return;
        }
        let (id, offered) = (used.slot.id(), used.offered);
        let is_replaced = move |known: &KnownToken| known.previous && (known.offered || !offered);
        let is_unended = move |(_, known): &(TokenHash, KnownToken)| is_replaced(known) && known.ends_at.is_none();
        if !self.shared.directory.tokens_with(id).iter().any(is_unended) {
            return;
        }
        let (this, slot) = (self.clone(), Arc::clone(&used.slot));
        self.shared.pool.hub().spawn(async move {
            let _one_at_a_time = slot.administration.lock().await;
            let shared = &this.shared;
            let ends_at = shared.clock.now().plus(shared.settings.previous_token_grace);
            let mut tokens = shared.directory.tokens_with(id);
            if !tokens.iter().any(is_unended) {
                return;
            }
            for (_, known) in tokens.iter_mut().filter(|(_, known)| is_replaced(known)) {
                known.ends_at.get_or_insert(ends_at);
            }
            let records = tokens.iter().map(|(hash, known)| known.record(*hash));
            match shared.store.set_collector_tokens(id, records.collect(), None).await {
                Ok(()) => {
                    for (hash, known) in tokens {
                        shared.directory.insert_token(hash, known);
                    }
                }
                // The next session tries again.
                Err(error) => tracing::warn!(collector = %id, code = error.code(), "end of a token not stored"),
            }
        });
    }
}

/// Makes tokens of a collector unknown that are no longer stored, and closes the sessions that were opened with them.
/// Whoever ends a token does it by this: a session must not outlive its token.
pub(crate) fn end_known_tokens(shared: &Shared, slot: &Slot, ended: &[(TokenHash, KnownToken)]) {
    for (hash, _) in ended {
        shared.directory.remove_token(hash);
    }
    // The lock is gone before sockets are closed: their end takes it.
    let is_dead = |connection: &mut Arc<Connection>| ended.iter().any(|(hash, _)| *hash == connection.token);
    let closed: Vec<_> = slot.connections.lock().extract_if(.., is_dead).collect();
    for connection in closed {
        connection.transport.close(CloseReason::Revoked);
        // Full: the actor finds the session gone when it next sends.
        let _ = post_if_alive(shared, slot, Work::Disconnected(connection.id));
    }
}

/// A token that was just minted.
pub(super) fn token_record(token: &Token, collector: CollectorId, shared: &Shared) -> CollectorTokenRecord {
    let created_at = shared.clock.now();
    CollectorTokenRecord { hash: token.hash(), collector, created_at, previous: false, ends_at: None, offered: false }
}
