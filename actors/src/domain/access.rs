//! Who may do what: permissions as `resource:verb`, and the roles that are built in.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::document::DocumentPath;

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)+) => {
        /// Something that a route may ask for. Written `resource:verb`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission {
            $($(#[$doc])* $name,)+
        }

        impl Permission {
            /// Every permission there is.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The permission as `resource:verb`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

permissions! {
    /// See collectors, their health, events, throughput and configs.
    CollectorsRead = "collectors:read",
    /// Add, label, re-key and deregister collectors.
    CollectorsWrite = "collectors:write",
    /// Restart a collector and offer it a failed config again.
    CollectorsRestart = "collectors:restart",
    /// See enrolment tokens (never their text).
    EnrolmentRead = "enrollment-tokens:read",
    /// Make and end enrolment tokens.
    EnrolmentWrite = "enrollment-tokens:write",
    /// See pipelines, and validate and preview a draft of one.
    PipelinesRead = "pipelines:read",
    /// Save and delete pipelines, and restore them from history.
    PipelinesWrite = "pipelines:write",
    /// See destinations; secrets are never shown.
    DestinationsRead = "destinations:read",
    /// Save and delete destinations.
    DestinationsWrite = "destinations:write",
    /// See groups.
    GroupsRead = "groups:read",
    /// Save and delete groups.
    GroupsWrite = "groups:write",
    /// See the component catalogue.
    CatalogueRead = "catalogue:read",
    /// See history and differences.
    RevisionsRead = "revisions:read",
    /// Bring files back from history; each needs the permission to write it too.
    RevisionsRestore = "revisions:restore",
    /// See counts over the fleet.
    FleetRead = "fleet:read",
    /// Follow the live feed.
    EventsRead = "events:read",
    /// See rollouts.
    RolloutsRead = "rollouts:read",
    /// Pause, resume, abort and roll back.
    RolloutsWrite = "rollouts:write",
    /// See users and roles.
    UsersRead = "users:read",
    /// Add, change and remove users and roles.
    UsersWrite = "users:write",
    /// See service accounts.
    ServiceAccountsRead = "service-accounts:read",
    /// Add and remove service accounts and their tokens.
    ServiceAccountsWrite = "service-accounts:write",
    /// Read the audit log.
    AuditRead = "audit:read",
    /// See the server's own state.
    ServerRead = "server:read",
    /// Change the server's settings (`linkmesh.yaml`).
    ServerWrite = "server:write",
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Permission {
    /// What writing a file of the config repository needs, in whatever way.
    #[must_use]
    pub const fn to_write(path: &DocumentPath) -> Self {
        match path {
            DocumentPath::Pipeline(_) => Self::PipelinesWrite,
            DocumentPath::Destination(_) => Self::DestinationsWrite,
            DocumentPath::Group(_) => Self::GroupsWrite,
            DocumentPath::Collector(_) => Self::CollectorsWrite,
            DocumentPath::Settings => Self::ServerWrite,
        }
    }
}

/// A text that names no permission or role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not known")]
pub struct UnknownName(pub String);

impl FromStr for Permission {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|p| p.as_str() == text).ok_or_else(|| UnknownName(text.to_owned()))
    }
}

/// A set of permissions with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Everything.
    Admin,
    /// The fleet; pipelines read-only.
    Operator,
    /// Pipelines and destinations; the fleet read-only.
    PipelineEngineer,
    /// Looks, and changes nothing.
    Viewer,
}

impl Role {
    /// Every built-in role.
    pub const ALL: &[Self] = &[Self::Admin, Self::Operator, Self::PipelineEngineer, Self::Viewer];

    /// The role's name on the wire and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::PipelineEngineer => "pipeline-engineer",
            Self::Viewer => "viewer",
        }
    }

    /// Whether somebody with this role may do what needs `permission`.
    #[must_use]
    pub const fn allows(self, permission: Permission) -> bool {
        use Permission as P;
        match permission {
            P::UsersRead
            | P::UsersWrite
            | P::ServiceAccountsRead
            | P::ServiceAccountsWrite
            | P::AuditRead
            | P::ServerWrite => {
                matches!(self, Self::Admin)
            }
            P::CollectorsWrite | P::CollectorsRestart | P::EnrolmentRead | P::EnrolmentWrite | P::GroupsWrite => {
                matches!(self, Self::Admin | Self::Operator)
            }
            P::PipelinesWrite | P::DestinationsWrite | P::RevisionsRestore => {
                matches!(self, Self::Admin | Self::PipelineEngineer)
            }
            P::RolloutsWrite => matches!(self, Self::Admin | Self::Operator | Self::PipelineEngineer),
            P::CollectorsRead
            | P::PipelinesRead
            | P::DestinationsRead
            | P::GroupsRead
            | P::CatalogueRead
            | P::RevisionsRead
            | P::FleetRead
            | P::EventsRead
            | P::RolloutsRead
            | P::ServerRead => true,
        }
    }

    /// The role's permissions, in the order of [`Permission::ALL`].
    pub fn permissions(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |p| self.allows(*p))
    }

    /// Whether this role allows all that `other` does: what somebody may grant.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        other.permissions().all(|p| self.allows(p))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|r| r.as_str() == text).ok_or_else(|| UnknownName(text.to_owned()))
    }
}

impl Serialize for Role {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admin_may_do_everything_and_viewer_writes_nothing() {
        assert!(Permission::ALL.iter().all(|p| Role::Admin.allows(*p)));
        assert!(Role::Viewer.permissions().all(|p| p.as_str().ends_with(":read")));
        assert!(!Role::Viewer.allows(Permission::AuditRead));
    }

    #[test]
    fn operator_and_engineer_do_not_do_each_others_work() {
        assert!(Role::Operator.allows(Permission::CollectorsWrite));
        assert!(!Role::Operator.allows(Permission::PipelinesWrite));
        assert!(Role::PipelineEngineer.allows(Permission::PipelinesWrite));
        assert!(!Role::PipelineEngineer.allows(Permission::CollectorsWrite));
        assert!(!Role::Operator.covers(Role::PipelineEngineer));
        assert!(Role::Operator.covers(Role::Viewer));
    }

    #[test]
    fn names_read_back() {
        for permission in Permission::ALL {
            assert_eq!(permission.as_str().parse(), Ok(*permission));
        }
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(*role));
        }
        assert!("root".parse::<Role>().is_err());
    }
}
