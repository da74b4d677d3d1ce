//! Who is asking: sessions, service-account tokens, the setup link.
//!
//! Collectors' tokens are not looked up here: they are in memory, in the fleet's directory. This module reads them from
//! a request ([`token::Bearer`]) and leaves the rest to the routes of collectors.

pub mod accounts;
mod caller;
pub mod password;
mod places;
pub mod setup_token;
pub mod throttle;
pub mod token;

use std::{sync::Arc, time::Duration};

use linkmesh_actors::{
    domain::access::Role,
    ports::{Clock, Entropy, SessionRecord, StateStore, StoreError, UserRecord},
};
use linkmesh_proto::{UserId, api::session::Setup};
use tokio::sync::broadcast;
use zeroize::Zeroizing;

use self::{
    accounts::AccountError,
    password::Passwords,
    places::Places,
    setup_token::SetupToken,
    throttle::{BY_ACCOUNT, BY_ACCOUNT_AND_ADDRESS, BY_ADDRESS, Throttle, network},
    token::{Bearer, TokenHash, TokenKind, random_secret},
};
pub use self::{
    caller::{Caller, Credential},
    setup_token::SetupCheck,
};
use crate::error::{Error, ErrorCode, Result};

/// How long after the sign-in a session ends. It is not prolonged by use: a renewal that crosses a sign-out would bring
/// the session back.
pub const SESSION: Duration = Duration::from_secs(24 * 3600);

/// Signs people in, recognises callers, and tells streams when a session ends.
#[derive(Clone)]
pub struct Auth(Arc<Inner>);

struct Inner {
    store: Arc<dyn StateStore>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    passwords: Passwords,
    by_account_and_address: Throttle,
    by_account: Throttle,
    by_address: Throttle,
    places: Places,
    setup: SetupToken,
    ended: broadcast::Sender<TokenHash>,
}

/// A session just begun.
pub struct SignedIn {
    /// Who.
    pub caller: Caller,
    /// The value of the cookie, which exists nowhere else.
    pub cookie: Zeroizing<String>,
}

impl Auth {
    /// Looks whether there is an administrator; if not, makes a setup token and answers its text beside.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn open(
        store: Arc<dyn StateStore>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<(Self, Option<Zeroizing<String>>), StoreError> {
        let (setup, text) = if store.users().await?.is_empty() {
            let (setup, text) = SetupToken::open(clock.now(), entropy.as_ref());
            (setup, Some(text))
        } else {
            (SetupToken::done(), None)
        };
        let auth = Self(Arc::new(Inner {
            passwords: Passwords::new(Arc::clone(&entropy)),
            by_account_and_address: Throttle::new(BY_ACCOUNT_AND_ADDRESS),
            by_account: Throttle::new(BY_ACCOUNT),
            by_address: Throttle::new(BY_ADDRESS),
            places: Places::default(),
            ended: broadcast::Sender::new(64),
            store,
            clock,
            entropy,
            setup,
        }));
        Ok((auth, text))
    }

    /// Creates the first administrator and signs them in.
    ///
    /// # Errors
    /// When the token does not open it, a field breaks a rule, or there is an administrator.
    pub async fn set_up(&self, setup: Setup, address: &str) -> Result<SignedIn> {
        let done = || Error::new(ErrorCode::Gone, "This server has an administrator. Sign in instead.");
        let Setup { setup_token, email, name, password } = setup;
        let (token, password) = (Zeroizing::new(setup_token), Zeroizing::new(password));
        match self.0.setup.check(&token, self.0.clock.now()) {
            SetupCheck::Done => return Err(done()),
            SetupCheck::Right => {}
            SetupCheck::Expired => {
                return Err(Error::new(
                    ErrorCode::WrongSetupToken,
                    "The setup link has expired. Restart the server: it prints a new one.",
                ));
            }
            SetupCheck::Wrong => {
                self.0.by_address.take(&network(address), self.0.clock.monotonic()).map_err(too_many)?;
                return Err(Error::new(
                    ErrorCode::WrongSetupToken,
                    "This is not the setup link that the running server printed.",
                ));
            }
        }
        let inner = &self.0;
        let created = accounts::create_first_administrator(
            inner.store.as_ref(),
            inner.clock.as_ref(),
            &inner.passwords,
            &email,
            &name,
            password,
        );
        match created.await {
            Ok(user) => {
                inner.setup.close();
                inner.places.note(&user.email, &network(address), inner.clock.monotonic());
                self.begin_session(user).await
            }
            Err(AccountError::AdministratorExists) => {
                inner.setup.close();
                Err(done())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Signs somebody in by password.
    ///
    /// # Errors
    /// When the password is wrong, or too many were.
    pub async fn sign_in(&self, email: &str, password: Zeroizing<String>, address: &str) -> Result<SignedIn> {
        let inner = &self.0;
        let email = accounts::canonical_email(email);
        let (now, address) = (inner.clock.monotonic(), network(address));
        let guesser = format!("{email} {address}");
        inner.by_address.take(&address, now).map_err(too_many)?;
        let wrong = || Error::new(ErrorCode::Unauthenticated, "The e-mail address or the password is wrong.");
        if email.len() > accounts::MAX_EMAIL {
            // Nobody's, and not to be remembered.
            return Err(wrong());
        }
        inner.by_account_and_address.take(&guesser, now).map_err(too_many)?;
        let from_afar = !inner.places.knows(&email, &address, now);
        if from_afar {
            inner.by_account.take(&email, now).map_err(too_many)?;
        }
        let user = inner.store.user_by_email(&email).await?;
        let hash = user.as_ref().map(|user| user.password_hash.clone());
        let right = inner.passwords.verify(password, hash).await?;
        let Some(user) = user.filter(|_| right) else {
            return Err(wrong());
        };
        inner.by_address.give_back(&address);
        inner.by_account_and_address.give_back(&guesser);
        if from_afar {
            inner.by_account.give_back(&email);
        }
        inner.places.note(&email, &address, now);
        self.begin_session(user).await
    }

    async fn begin_session(&self, user: UserRecord) -> Result<SignedIn> {
        let inner = &self.0;
        let now = inner.clock.now();
        let cookie = random_secret(inner.entropy.as_ref());
        let session = SessionRecord {
            hash: TokenHash::of(&cookie),
            user: user.id,
            csrf_token: random_secret(inner.entropy.as_ref()).to_string(),
            created_at: now,
            expires_at: now.plus(SESSION),
        };
        inner.store.put_session(session.clone()).await?;
        Ok(SignedIn { caller: person(user, session)?, cookie })
    }

    /// Ends a session. Streams that belong to it end at once.
    ///
    /// # Errors
    /// When the store fails; the session lives then.
    pub async fn sign_out(&self, hash: TokenHash) -> Result<()> {
        self.0.store.delete_session(hash).await?;
        // Nobody listening is fine: there is no stream to end.
        let _ = self.0.ended.send(hash);
        Ok(())
    }

    /// Hears of every session that ends by sign-out.
    #[must_use]
    pub fn ended_sessions(&self) -> broadcast::Receiver<TokenHash> {
        self.0.ended.subscribe()
    }

    /// Recognises a caller by bearer token or, without one, by session cookie.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthenticated`] without valid credentials.
    pub async fn recognise(&self, bearer: &Bearer, cookie: Option<&str>) -> Result<Caller> {
        match (bearer, cookie) {
            (Bearer::Absent, Some(cookie)) => self.by_session(TokenHash::of(cookie)).await,
            (Bearer::Absent, None) => Err(Error::new(
                ErrorCode::Unauthenticated,
                "Sign in, or send a service account's token in the Authorization header.",
            )),
            (bearer, _) => match bearer.of_kind(TokenKind::ServiceAccount) {
                Some(token) => self.by_service_token(token.hash()).await,
                None => Err(Error::new(
                    ErrorCode::Unauthenticated,
                    "The Authorization header holds no service account's token (lmsat_...).",
                )),
            },
        }
    }

    /// Whether credentials that were good are good still, for streams that outlive their request.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthenticated`] when they are not.
    pub async fn recheck(&self, credential: &Credential) -> Result<Caller> {
        match credential {
            Credential::Session { hash, .. } => self.by_session(*hash).await,
            Credential::ServiceToken { hash, .. } => self.by_service_token(*hash).await,
        }
    }

    async fn by_session(&self, hash: TokenHash) -> Result<Caller> {
        let inner = &self.0;
        let ended = || Error::new(ErrorCode::Unauthenticated, "The session has ended. Sign in again.");
        let now = inner.clock.now();
        let session = inner.store.session(hash).await?.filter(|s| now < s.expires_at).ok_or_else(ended)?;
        let user = inner.store.user(session.user).await?.ok_or_else(ended)?;
        person(user, session)
    }

    async fn by_service_token(&self, hash: TokenHash) -> Result<Caller> {
        let inner = &self.0;
        let now = inner.clock.now();
        let found = inner.store.service_token(hash).await?;
        let Some((token, account)) = found.filter(|(token, _)| token.expires_at.is_none_or(|end| now < end)) else {
            return Err(Error::new(ErrorCode::Unauthenticated, "The token is unknown, has expired or was revoked."));
        };
        Ok(Caller {
            id: account.id,
            email: String::new(),
            role: role(&account.role, account.id)?,
            name: account.name,
            credential: Credential::ServiceToken { hash, expires_at: token.expires_at },
        })
    }
}

fn person(user: UserRecord, session: SessionRecord) -> Result<Caller> {
    Ok(Caller {
        id: user.id,
        role: role(&user.role, user.id)?,
        email: user.email,
        name: user.name,
        credential: Credential::Session {
            hash: session.hash,
            csrf_token: session.csrf_token,
            expires_at: session.expires_at,
        },
    })
}

/// A role that this version does not know grants nothing.
fn role(name: &str, owner: UserId) -> Result<Role> {
    name.parse().map_err(|error| {
        Error::new(ErrorCode::Forbidden, format!("This server does not know the role of the account {owner}."))
            .with_source(error)
    })
}

fn too_many(after: Duration) -> Error {
    Error::new(ErrorCode::TooManyRequests, "Too many attempts. Wait, then try again.").with_retry_after(after)
}

impl From<AccountError> for Error {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Invalid { field, objection } => Self::invalid_field(field, "invalid_value", objection),
            AccountError::AdministratorExists => Self::new(ErrorCode::Gone, "There is an administrator already."),
            AccountError::NameTaken(_) => Self::new(ErrorCode::AlreadyExists, format!("{error}.")),
            AccountError::Password(error) => error.into(),
            AccountError::Store(error) => error.into(),
        }
    }
}

impl From<password::PasswordError> for Error {
    fn from(error: password::PasswordError) -> Self {
        match error {
            password::PasswordError::Busy => {
                Self::new(ErrorCode::Unavailable, "Too many people sign in at this moment. Try again.")
                    .with_retry_after(Duration::from_secs(5))
            }
            other => Self::internal(other),
        }
    }
}
