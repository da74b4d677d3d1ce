//! Which collectors a list shows, and in what order.

use linkmesh_proto::{
    Cursor, PipelineId,
    api::collector::{CollectorStatus, ConfigState, DriftState, Runtime},
};

/// A column to sort by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortKey {
    /// The name shown to people.
    #[default]
    Name,
    /// Whether it is there and well.
    Status,
    /// When it was last heard of.
    LastSeen,
    /// The program.
    Runtime,
    /// The version.
    Version,
    /// How far it is with its config.
    ConfigState,
}

impl SortKey {
    /// The column of `?sort=`, without the sign.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "name" => Self::Name,
            "status" => Self::Status,
            "last_seen" => Self::LastSeen,
            "runtime" => Self::Runtime,
            "version" => Self::Version,
            "config_state" => Self::ConfigState,
            _ => return None,
        })
    }
}

/// The order of a list. Collectors that are equal in the column are ordered by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sort {
    /// The column.
    pub key: SortKey,
    /// Largest first.
    pub descending: bool,
}

impl Sort {
    /// Reads `?sort=`: a column, with `-` in front for largest first.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        SortKey::from_name(name).map(|key| Self { key, descending })
    }
}

/// Which collectors a list shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CollectorQuery {
    /// Matchers over the attributes, all of which must hold.
    pub matchers: Vec<String>,
    /// A part of the name, an attribute's value or the id; case does not matter.
    pub text: Option<String>,
    /// Only this program.
    pub runtime: Option<Runtime>,
    /// Only this status. Deregistered collectors are shown only when asked for here.
    pub status: Option<CollectorStatus>,
    /// Only this state of the config.
    pub config_state: Option<ConfigState>,
    /// Only this verdict on drift.
    pub drift: Option<DriftState>,
    /// Only those that cannot be given what they should run, or only the others.
    pub withheld: Option<bool>,
    /// Only those that should run this pipeline.
    pub pipeline: Option<PipelineId>,
    /// The order.
    pub sort: Sort,
    /// At most so many rows.
    pub limit: usize,
    /// Where the page begins, from the page before.
    pub cursor: Option<Cursor>,
}
