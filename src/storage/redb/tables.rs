//! The tables and their keys.

use redb::TableDefinition;

pub(super) type Bytes = &'static [u8];

macro_rules! tables {
    ($($(#[$doc:meta])* $variant:ident => $name:literal,)*) => {
        /// A table of the store. All have bytes for keys and values; the comment says what a key is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Table {
            $($(#[$doc])* $variant,)*
        }

        impl Table {
            /// Every table, in the order of their numbers.
            pub(super) const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in the file. Part of the format: never changed.
            pub(super) const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

tables! {
    /// A word: `schema_version`, and `probe`, which is written to see whether writing works again.
    Meta => "meta",
    /// Collector id.
    Collectors => "collectors",
    /// Collector id: the state of its protocol.
    Agents => "agents",
    /// Collector id.
    Presence => "presence",
    /// Collector id: the config it last reported.
    Effective => "effective",
    /// The hash by which collectors call a tree of components.
    Components => "components",
    /// Collector id, then the event's place.
    Events => "events",
    /// SHA-256 of a collector's token.
    CollectorTokens => "collector_tokens",
    /// Collector id, then SHA-256 of its token; no value.
    TokensOfCollector => "tokens_of_collector",
    /// Enrolment token id.
    Enrollments => "enrollments",
    /// SHA-256 of an enrolment token: its id.
    EnrollmentByHash => "enrollment_by_hash",
    /// User id.
    Users => "users",
    /// E-mail address: user id.
    UserByEmail => "user_by_email",
    /// SHA-256 of a session's cookie.
    Sessions => "sessions",
    /// Service account id.
    ServiceAccounts => "service_accounts",
    /// Name: service account id.
    ServiceAccountByName => "service_account_by_name",
    /// SHA-256 of a service account's token.
    ServiceTokens => "service_tokens",
    /// The record's place.
    Audit => "audit",
    /// Commit: the place of the record that says who made it.
    AuditByRevision => "audit_by_revision",
}

impl Table {
    pub(super) const fn definition(self) -> TableDefinition<'static, Bytes, Bytes> {
        TableDefinition::new(self.name())
    }
}

/// A key made of parts that follow one another. All but the last have a fixed length.
pub(super) fn key(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// The last eight bytes of a key as the number they are.
pub(super) fn trailing_number(key: &[u8]) -> Option<u64> {
    key.last_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}
