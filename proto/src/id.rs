//! Identifiers as newtypes, parsed once where they enter the process.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a text is not an identifier of the asked kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a valid {kind}: {reason}")]
pub struct ParseIdError {
    /// What was expected, for example `pipeline id`.
    pub kind: &'static str,
    /// The text that was refused, cut to 80 characters.
    pub text: String,
    /// The rule that it breaks.
    pub reason: &'static str,
}

impl ParseIdError {
    fn new(kind: &'static str, text: &str, reason: &'static str) -> Self {
        Self { kind, text: text.chars().take(80).collect(), reason }
    }
}

macro_rules! text_serde {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string" })
            }
        }
    };
}
pub(crate) use text_serde;

/// A name that an operator chose for a file of the config repository:
/// `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`, never changed once given.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(Box<str>);

impl Slug {
    /// The text of the slug.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Turns a display name into a slug, for documents that are posted without an id.
    ///
    /// Letters are lowered, every run of other characters becomes one hyphen, and the result is cut to 63 characters.
    /// Returns `None` when no ASCII letter or digit is left.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let mut slug = String::with_capacity(name.len());
        for character in name.chars() {
            if character.is_ascii_alphanumeric() {
                slug.push(character.to_ascii_lowercase());
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        slug.truncate(63);
        slug.trim_end_matches('-').parse().ok()
    }
}

impl FromStr for Slug {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text.as_bytes();
        let reason = if bytes.is_empty() || bytes.len() > 63 {
            "1 to 63 characters"
        } else if !bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-') {
            "lower-case letters, digits and hyphens only"
        } else if bytes.first() == Some(&b'-') || bytes.last() == Some(&b'-') {
            "starts and ends with a letter or digit"
        } else {
            return Ok(Self(text.into()));
        };
        Err(ParseIdError::new("id", text, reason))
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
text_serde!(Slug);

macro_rules! slug_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Slug);
        impl $name {
            /// The text of the identifier.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }
        impl From<Slug> for $name {
            fn from(slug: Slug) -> Self {
                Self(slug)
            }
        }
        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
        text_serde!($name);
    };
}

slug_id!(
    /// Names a pipeline: the file `pipelines/<id>.yaml`.
    PipelineId
);
slug_id!(
    /// Names a destination: the file `destinations/<id>.yaml`.
    DestinationId
);
slug_id!(
    /// Names a group: the file `groups/<id>.yaml`.
    GroupId
);

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);
        impl $name {
            /// The identifier with these 16 bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
            /// The 16 bytes of the identifier.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }
        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self).map_err(|_| ParseIdError::new($kind, text, "a UUID"))
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
        text_serde!($name);
    };
}

uuid_id!(
    /// Names a collector for as long as LinkMesh knows it. Given by the server; not the collector's own instance uid.
    CollectorId, "collector id"
);
uuid_id!(
    /// The identity that an OpAMP agent claims for its process (opamp-spec, `AgentToServer.instance_uid`).
    InstanceUid, "instance uid"
);
uuid_id!(
    /// Names an enrolment token or a service-account token without showing it.
    TokenId, "token id"
);
uuid_id!(
    /// Names a user or a service account.
    UserId, "user id"
);

/// Ties a log line, a commit and an audit entry to one request.
///
/// Text, because it may come from the client or from a proxy in front: 1 to 64 of `A-Z a-z 0-9 . _ -`, so that it can
/// stand in a commit trailer and in a log line without escaping.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(Box<str>);

impl RequestId {
    /// The identifier that is written as the UUID of these 16 bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes).to_string().into())
    }

    /// The text of the identifier.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RequestId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if fits {
            Ok(Self(text.into()))
        } else {
            Err(ParseIdError::new("request id", text, "1 to 64 letters, digits, dots, underscores and hyphens"))
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
text_serde!(RequestId);

macro_rules! git_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 20]);
        impl $name {
            /// The object with these 20 bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 20]) -> Self {
                Self(bytes)
            }
            /// The 20 bytes of the object id.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 20] {
                &self.0
            }
        }
        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut bytes = [0; 20];
                hex::decode_to_slice(text, &mut bytes)
                    .map_err(|_| ParseIdError::new($kind, text, "40 hexadecimal digits"))?;
                Ok(Self(bytes))
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }
        text_serde!($name);
    };
}

git_id!(
    /// One commit of the config repository.
    Revision, "revision"
);
git_id!(
    /// The version of one document: the Git blob id of its file, so that saves of different files never collide.
    Etag, "entity tag"
);

/// A place in a list or in the live feed; opaque to clients.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Cursor(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slug_refuses_what_a_file_name_must_not_hold() {
        for bad in ["", "-a", "a-", "A", "a_b", "a/b", "..", "ä", &"a".repeat(64)] {
            assert!(bad.parse::<Slug>().is_err(), "{bad:?}");
        }
        for good in ["a", "0", "web-logs", &"a".repeat(63)] {
            assert!(good.parse::<Slug>().is_ok(), "{good:?}");
        }
    }

    #[test]
    fn request_id_refuses_what_would_break_a_trailer_or_a_log_line() {
        for bad in ["", "a b", "a\nb", "a:b", "ä", &"a".repeat(65)] {
            assert!(bad.parse::<RequestId>().is_err(), "{bad:?}");
        }
        assert_eq!("6f1c.A_b-2".parse::<RequestId>().map(|id| id.to_string()).as_deref(), Ok("6f1c.A_b-2"));
    }

    #[test]
    fn slug_is_made_from_a_name() {
        assert_eq!(Slug::from_name("Web logs (shop)").map(|s| s.to_string()), Some("web-logs-shop".to_owned()));
        assert_eq!(Slug::from_name("—"), None);
    }
}
