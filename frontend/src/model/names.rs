//! What people call documents, where only their ids are told.

use std::collections::BTreeMap;

use linkmesh_proto::api::revision::RevisionSummary;

/// Names of pipelines and of destinations, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Pipelines.
    pub pipelines: BTreeMap<String, String>,
    /// Destinations.
    pub destinations: BTreeMap<String, String>,
}

/// The name behind an id; the id itself while no name is known.
#[must_use]
pub fn of(names: &BTreeMap<String, String>, id: &str) -> String {
    names.get(id).map_or_else(|| id.to_owned(), Clone::clone)
}

/// The files of a commit: the name of the only one, or how many they are.
#[must_use]
pub fn files(commit: &RevisionSummary) -> String {
    match commit.paths.as_slice() {
        [one] => of(&commit.names, one),
        paths => super::format::counted(paths.len() as u64, "file", "files"),
    }
}

#[cfg(test)]
mod tests {
    use linkmesh_proto::{Revision, Timestamp};

    use super::*;

    #[test]
    fn file_is_shown_by_the_name_of_what_it_holds() {
        let path = "collectors/01010101-0101-0101-0101-010101010101.yaml".to_owned();
        let mut commit = RevisionSummary {
            sha: Revision::from_bytes([1; 20]),
            message: String::new(),
            author: String::new(),
            at: Timestamp::from_millis(0),
            request_id: None,
            paths: vec![path.clone()],
            names: BTreeMap::from([(path.clone(), "web-01".to_owned())]),
            parent: None,
        };
        assert_eq!(files(&commit), "web-01");
        commit.names.clear();
        assert_eq!(files(&commit), path, "gone: nobody calls it anything any more");
        commit.paths.push("pipelines/web.yaml".to_owned());
        assert_eq!(files(&commit), "2 files");
    }
}
