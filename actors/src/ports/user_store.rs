//! People, their sessions, and service accounts.

use async_trait::async_trait;
use linkmesh_proto::{Timestamp, TokenId, UserId};
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::token::TokenHash;

/// A person who signs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRecord {
    /// The identifier.
    pub id: UserId,
    /// E-mail address, lower case; unique.
    pub email: String,
    /// The name shown to people.
    pub name: String,
    /// The name of the role.
    pub role: String,
    /// Argon2id in PHC form.
    pub password_hash: String,
    /// When the user was created.
    pub created_at: Timestamp,
}

/// A signed-in browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// SHA-256 of the cookie.
    pub hash: TokenHash,
    /// Who signed in.
    pub user: UserId,
    /// What a write by cookie must carry.
    pub csrf_token: String,
    /// When the user signed in.
    pub created_at: Timestamp,
    /// When the session ends.
    pub expires_at: Timestamp,
}

/// A program that acts for somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAccountRecord {
    /// The identifier.
    pub id: UserId,
    /// The name shown to people; unique.
    pub name: String,
    /// The name of the role.
    pub role: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// Who created it.
    pub created_by: String,
}

/// A token of a service account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceTokenRecord {
    /// Names the token without showing it.
    pub id: TokenId,
    /// SHA-256 of the token.
    pub hash: TokenHash,
    /// Whose it is.
    pub account: UserId,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it ends; never when absent.
    pub expires_at: Option<Timestamp>,
}

/// People, their sessions, and service accounts.
#[async_trait]
pub trait UserStore: Send + Sync + 'static {
    /// Creates a user only if there is none at all: the first administrator. `false` when there is one already.
    async fn create_first_user(&self, user: UserRecord) -> Result<bool, StoreError>;

    /// Writes a user, new or known. `false`, and nothing written, when another user has the e-mail address.
    async fn put_user(&self, user: UserRecord) -> Result<bool, StoreError>;

    /// All users, by e-mail address.
    async fn users(&self) -> Result<Vec<UserRecord>, StoreError>;

    /// One user.
    async fn user(&self, id: UserId) -> Result<Option<UserRecord>, StoreError>;

    /// The user with this e-mail address (lower case).
    async fn user_by_email(&self, email: &str) -> Result<Option<UserRecord>, StoreError>;

    /// Writes a session.
    async fn put_session(&self, session: SessionRecord) -> Result<(), StoreError>;

    /// A session by its cookie's hash, ended ones included until they are pruned.
    async fn session(&self, hash: TokenHash) -> Result<Option<SessionRecord>, StoreError>;

    /// Ends a session. `false` when there was none.
    async fn delete_session(&self, hash: TokenHash) -> Result<bool, StoreError>;

    /// Removes sessions that ended before `now`. Answers how many.
    async fn prune_sessions(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// Writes a service account with a first token, in one transaction. `false`, and nothing written, when another
    /// account has the name.
    async fn create_service_account(
        &self,
        account: ServiceAccountRecord,
        token: ServiceTokenRecord,
    ) -> Result<bool, StoreError>;

    /// All service accounts, by name.
    async fn service_accounts(&self) -> Result<Vec<ServiceAccountRecord>, StoreError>;

    /// The token with this hash and its account.
    async fn service_token(
        &self,
        hash: TokenHash,
    ) -> Result<Option<(ServiceTokenRecord, ServiceAccountRecord)>, StoreError>;
}
