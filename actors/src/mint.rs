//! New identifiers. They are minted here and not where they are defined: that crate compiles for browsers, which have no
//! clock and no randomness that a library could take without asking.

use linkmesh_proto::{CollectorId, InstanceUid, RequestId, TokenId, UserId};
use uuid::Uuid;

/// An identifier that can be made anew.
pub trait Mint {
    /// A new identifier, a UUID version 7, so that ids sort by age.
    #[must_use]
    fn generate() -> Self;
}

macro_rules! mint {
    ($($name:ident)+) => {
        $(impl Mint for $name {
            fn generate() -> Self {
                Self::from_bytes(Uuid::now_v7().into_bytes())
            }
        })+
    };
}

mint!(CollectorId InstanceUid RequestId TokenId UserId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_age_and_are_uuids_of_version_7() {
        let ids: Vec<CollectorId> = (0..1_000).map(|_| CollectorId::generate()).collect();
        assert!(ids.is_sorted());
        assert!(ids.iter().all(|id| id.as_bytes()[6] >> 4 == 7), "{ids:?}");
        let text = RequestId::generate().to_string();
        assert!(text.parse::<TokenId>().is_ok_and(|id| id.to_string() == text), "{text}");
    }
}
