//! Who makes a request.

use linkmesh_actors::{
    domain::access::{Permission, Role},
    token::TokenHash,
};
use linkmesh_proto::{
    Timestamp, UserId,
    api::session::{Session, User},
};

use crate::error::{Error, ErrorCode, Result};

/// How a caller proved who they are.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A session cookie. Writes need the CSRF token beside it.
    Session {
        /// SHA-256 of the cookie.
        hash: TokenHash,
        /// What `X-CSRF-Token` must hold.
        csrf_token: String,
        /// When the session ends.
        expires_at: Timestamp,
    },
    /// A service account's token.
    ServiceToken {
        /// SHA-256 of the token.
        hash: TokenHash,
        /// When it ends.
        expires_at: Option<Timestamp>,
    },
}

impl Credential {
    /// What the store knows it by.
    #[must_use]
    pub const fn hash(&self) -> TokenHash {
        match self {
            Self::Session { hash, .. } | Self::ServiceToken { hash, .. } => *hash,
        }
    }
}

/// A person or a service account that proved who it is.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The identifier.
    pub id: UserId,
    /// E-mail address; empty for a service account.
    pub email: String,
    /// The name shown to people.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// How they proved it.
    pub credential: Credential,
}

impl Caller {
    /// Whether the caller may do this.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.role.allows(permission)
    }

    /// Refuses what the caller may not do.
    ///
    /// # Errors
    /// [`ErrorCode::Forbidden`], naming the permission.
    pub fn need(&self, permission: Permission) -> Result<()> {
        if self.may(permission) {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::Forbidden,
            format!("This needs the permission {permission}, which the role {} does not have.", self.role),
        ))
    }

    /// What `GET /session` answers.
    #[must_use]
    pub fn session(&self) -> Session {
        Session {
            user: User {
                id: self.id,
                email: self.email.clone(),
                name: self.name.clone(),
                role: self.role.as_str().to_owned(),
            },
            permissions: self.role.permissions().map(|permission| permission.as_str().to_owned()).collect(),
            csrf_token: match &self.credential {
                Credential::Session { csrf_token, .. } => Some(csrf_token.clone()),
                Credential::ServiceToken { .. } => None,
            },
        }
    }
}
