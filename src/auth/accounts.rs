//! Making users and service accounts: by the setup link, and offline from the command line.

use std::{sync::Arc, time::Duration};

use linkmesh_actors::{
    domain::access::Role,
    mint::Mint as _,
    ports::{Clock, Entropy, ServiceAccountRecord, ServiceTokenRecord, StateStore, StoreError, UserRecord},
    token::{Token, TokenKind},
};
use linkmesh_proto::{TokenId, UserId};
use zeroize::Zeroizing;

use super::password::{PasswordError, Passwords};

/// Why an account was not made. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// There is an administrator already.
    #[error("there is an administrator already")]
    AdministratorExists,
    /// Another service account has the name.
    #[error("there is a service account named {0:?} already")]
    NameTaken(String),
    /// A field breaks a rule.
    #[error("{field} {objection}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// The rule.
        objection: &'static str,
    },
    /// The password was not hashed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Lower case without blanks around: how e-mail addresses are compared and stored.
#[must_use]
pub fn canonical_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// The longest e-mail address, in bytes (RFC 5321, 4.5.3.1.3).
pub(super) const MAX_EMAIL: usize = 254;

/// What is wrong with an e-mail address; `None` when it will do. Its owner is not asked: it only names a person.
fn email_objection(email: &str) -> Option<&'static str> {
    let form = email.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if !form
        || email.len() > MAX_EMAIL
        || email.chars().any(|c| c.is_whitespace() || c.is_control() || "<>".contains(c))
    {
        return Some("must be an e-mail address");
    }
    None
}

/// What is wrong with a display name; `None` when it will do. It becomes the author of commits.
fn name_objection(name: &str) -> Option<&'static str> {
    if name.trim().is_empty() || name.chars().count() > 200 {
        return Some("must have 1 to 200 characters");
    }
    if name.chars().any(|c| c.is_control() || "<>".contains(c)) {
        return Some("must not hold <, > or control characters");
    }
    None
}

fn check(field: &'static str, objection: Option<&'static str>) -> Result<(), AccountError> {
    objection.map_or(Ok(()), |objection| Err(AccountError::Invalid { field, objection }))
}

/// Creates the first administrator.
///
/// # Errors
/// When there is one already, a field breaks a rule, or the store fails.
pub async fn create_first_administrator(
    store: &dyn StateStore,
    clock: &dyn Clock,
    passwords: &Passwords,
    email: &str,
    name: &str,
    password: Zeroizing<String>,
) -> Result<UserRecord, AccountError> {
    let email = canonical_email(email);
    check("email", email_objection(&email))?;
    check("name", name_objection(name))?;
    check("password", Passwords::objection(&password, &email))?;
    let user = UserRecord {
        id: UserId::generate(),
        email,
        name: name.trim().to_owned(),
        role: Role::Admin.as_str().to_owned(),
        password_hash: passwords.hash(password).await?,
        created_at: clock.now(),
    };
    if !store.create_first_user(user.clone()).await? {
        return Err(AccountError::AdministratorExists);
    }
    Ok(user)
}

/// Creates a service account with a first token, which is shown this once.
///
/// # Errors
/// When the name is taken or breaks a rule, or the store fails.
pub async fn create_service_account(
    store: &dyn StateStore,
    clock: &dyn Clock,
    entropy: &Arc<dyn Entropy>,
    name: &str,
    role: Role,
    valid: Option<Duration>,
    created_by: &str,
) -> Result<Token, AccountError> {
    check("name", name_objection(name))?;
    let now = clock.now();
    let token = Token::mint(TokenKind::ServiceAccount, entropy.as_ref());
    let account = ServiceAccountRecord {
        id: UserId::generate(),
        name: name.trim().to_owned(),
        role: role.as_str().to_owned(),
        created_at: now,
        created_by: created_by.to_owned(),
    };
    let record = ServiceTokenRecord {
        id: TokenId::generate(),
        hash: token.hash(),
        account: account.id,
        created_at: now,
        expires_at: valid.map(|valid| now.plus(valid)),
    };
    let name = account.name.clone();
    if !store.create_service_account(account, record).await? {
        return Err(AccountError::NameTaken(name));
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_break_a_commit_author_is_no_name_and_no_address() {
        for bad in ["", "  ", "a<b", "a\nb", &"x".repeat(201)] {
            assert!(name_objection(bad).is_some(), "{bad:?}");
        }
        for bad in ["", "ada", "@x", "a@", "a b@x", "a@<x>", "a@x\n"] {
            assert!(email_objection(bad).is_some(), "{bad:?}");
        }
        assert!(name_objection("Ada Lovelace").is_none() && email_objection("ada@example.com").is_none());
    }
}
