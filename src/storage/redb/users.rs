//! People, their sessions, and service accounts.

use async_trait::async_trait;
use linkmesh_actors::{
    ports::{ServiceAccountRecord, ServiceTokenRecord, SessionRecord, StoreError, UserRecord, UserStore},
    token::TokenHash,
};
use linkmesh_proto::{Timestamp, UserId};

use super::{RedbStore, plan::Changes, tables::Table, value};

#[async_trait]
impl UserStore for RedbStore {
    async fn create_first_user(&self, user: UserRecord) -> Result<bool, StoreError> {
        self.write(move |view, changes| {
            let first = view.keys_below(Table::Users, &[])?.is_empty();
            if first {
                put_user(changes, &user)?;
            }
            Ok(first)
        })
        .await
    }

    async fn put_user(&self, user: UserRecord) -> Result<bool, StoreError> {
        self.write(move |view, changes| {
            let holder = view.get(Table::UserByEmail, user.email.as_bytes())?;
            if holder.is_some_and(|holder| holder != user.id.as_bytes()) {
                return Ok(false);
            }
            let before = view.record::<UserRecord>(Table::Users, user.id.as_bytes())?;
            if let Some(before) = before.filter(|before| before.email != user.email) {
                changes.delete(Table::UserByEmail, before.email.as_bytes());
            }
            put_user(changes, &user)?;
            Ok(true)
        })
        .await
    }

    async fn users(&self) -> Result<Vec<UserRecord>, StoreError> {
        self.read(|view| {
            let mut users = view.records::<UserRecord>(Table::Users)?;
            users.sort_by(|one, other| one.email.cmp(&other.email));
            Ok(users)
        })
        .await
    }

    async fn user(&self, id: UserId) -> Result<Option<UserRecord>, StoreError> {
        self.read(move |view| view.record(Table::Users, id.as_bytes())).await
    }

    async fn user_by_email(&self, email: &str) -> Result<Option<UserRecord>, StoreError> {
        let email = email.to_owned();
        self.read(move |view| {
            let Some(id) = view.get(Table::UserByEmail, email.as_bytes())? else { return Ok(None) };
            view.record(Table::Users, &id)
        })
        .await
    }

    async fn put_session(&self, session: SessionRecord) -> Result<(), StoreError> {
        self.write(move |_, changes| changes.put(Table::Sessions, session.hash.as_bytes(), &session)).await
    }

    async fn session(&self, hash: TokenHash) -> Result<Option<SessionRecord>, StoreError> {
        self.read(move |view| view.record(Table::Sessions, hash.as_bytes())).await
    }

    async fn delete_session(&self, hash: TokenHash) -> Result<bool, StoreError> {
        self.write(move |view, changes| {
            let there = view.contains(Table::Sessions, hash.as_bytes())?;
            changes.delete(Table::Sessions, hash.as_bytes());
            Ok(there)
        })
        .await
    }

    async fn prune_sessions(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.write(move |view, changes| {
            let mut removed = 0;
            for session in view.records::<SessionRecord>(Table::Sessions)? {
                if session.expires_at < now {
                    changes.delete(Table::Sessions, session.hash.as_bytes());
                    removed += 1;
                }
            }
            Ok(removed)
        })
        .await
    }

    async fn create_service_account(
        &self,
        account: ServiceAccountRecord,
        token: ServiceTokenRecord,
    ) -> Result<bool, StoreError> {
        self.write(move |view, changes| {
            if view.contains(Table::ServiceAccountByName, account.name.as_bytes())? {
                return Ok(false);
            }
            let id = account.id.as_bytes();
            changes.put_bytes(Table::ServiceAccountByName, account.name.as_bytes(), id.to_vec());
            changes.put(Table::ServiceAccounts, id, &account)?;
            changes.put(Table::ServiceTokens, token.hash.as_bytes(), &token)?;
            Ok(true)
        })
        .await
    }

    async fn service_accounts(&self) -> Result<Vec<ServiceAccountRecord>, StoreError> {
        self.read(|view| {
            let mut accounts = view.records::<ServiceAccountRecord>(Table::ServiceAccounts)?;
            accounts.sort_by(|one, other| one.name.cmp(&other.name));
            Ok(accounts)
        })
        .await
    }

    async fn service_token(
        &self,
        hash: TokenHash,
    ) -> Result<Option<(ServiceTokenRecord, ServiceAccountRecord)>, StoreError> {
        self.read(move |view| {
            let Some(token) = view.record::<ServiceTokenRecord>(Table::ServiceTokens, hash.as_bytes())? else {
                return Ok(None);
            };
            let account = view.record(Table::ServiceAccounts, token.account.as_bytes())?;
            let account = account.ok_or_else(|| value::malformed(Table::ServiceTokens, hash.as_bytes()))?;
            Ok(Some((token, account)))
        })
        .await
    }
}

fn put_user(changes: &mut Changes, user: &UserRecord) -> Result<(), StoreError> {
    changes.put_bytes(Table::UserByEmail, user.email.as_bytes(), user.id.as_bytes().to_vec());
    changes.put(Table::Users, user.id.as_bytes(), user)
}
