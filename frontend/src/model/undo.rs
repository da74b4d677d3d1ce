//! Taking one commit back: its files become what they were right before it.

use linkmesh_proto::{
    Revision,
    api::revision::{FileDiff, RevisionSummary},
};

/// The commit before, and the files that are brought back to it. `None`: the commit cannot be taken back by itself, since
/// it is the first, or made a collector known, or touched what is no document.
#[must_use]
pub fn of(commit: &RevisionSummary, files: &[FileDiff]) -> Option<(Revision, Vec<String>)> {
    let is_document = |path: &String| {
        ["pipelines/", "destinations/", "groups/", "collectors/"].iter().any(|folder| path.starts_with(folder))
            && path.ends_with(".yaml")
    };
    // Whether a collector is known is no matter of its file.
    let is_arrival = |file: &FileDiff| file.path.starts_with("collectors/") && file.change != "changed";
    let can_be = !commit.paths.is_empty() && commit.paths.iter().all(is_document) && !files.iter().any(is_arrival);
    commit.parent.filter(|_| can_be).map(|parent| (parent, commit.paths.clone()))
}

/// Of these files, those that a way back deletes: before the commit those are not there that it made, right after it those
/// that it deleted.
#[must_use]
pub fn deletes(files: &[FileDiff], paths: &[String], to_before: bool) -> Vec<String> {
    let change = if to_before { "added" } else { "deleted" };
    files
        .iter()
        .filter(|file| file.change == change && paths.contains(&file.path))
        .map(|file| file.path.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use linkmesh_proto::Timestamp;

    use super::*;

    fn commit(paths: &[&str]) -> RevisionSummary {
        RevisionSummary {
            sha: Revision::from_bytes([2; 20]),
            message: String::new(),
            author: String::new(),
            at: Timestamp::from_millis(0),
            request_id: None,
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            names: BTreeMap::new(),
            parent: Some(Revision::from_bytes([1; 20])),
        }
    }

    fn diff(path: &str, change: &str) -> FileDiff {
        FileDiff { path: path.to_owned(), change: change.to_owned(), patch: String::new(), left_out: None }
    }

    #[test]
    fn files_of_the_commit_go_back_to_what_stood_before_it() {
        let made = commit(&["pipelines/web.yaml", "destinations/central.yaml"]);
        let files = [diff("pipelines/web.yaml", "added"), diff("destinations/central.yaml", "changed")];
        assert_eq!(of(&made, &files), Some((Revision::from_bytes([1; 20]), made.paths.clone())));
        let relabelled = commit(&["collectors/a.yaml"]);
        assert!(of(&relabelled, &[diff("collectors/a.yaml", "changed")]).is_some());
    }

    #[test]
    fn way_back_deletes_what_is_not_there_where_it_leads() {
        let paths = ["made", "ended", "other"].map(str::to_owned).to_vec();
        let files = [diff("made", "added"), diff("ended", "deleted"), diff("other", "changed")];
        assert_eq!(deletes(&files, &paths, true), ["made"]);
        assert_eq!(deletes(&files, &paths, false), ["ended"]);
        assert_eq!(deletes(&files, &paths[2..], true), Vec::<String>::new());
    }

    #[test]
    fn what_cannot_be_taken_back_is_not_offered() {
        let first = RevisionSummary { parent: None, ..commit(&["pipelines/web.yaml"]) };
        assert_eq!(of(&first, &[diff("pipelines/web.yaml", "added")]), None);
        for (path, change) in [
            ("collectors/a.yaml", "added"),
            ("collectors/a.yaml", "deleted"),
            ("linkmesh.yaml", "changed"),
            ("README.md", "added"),
        ] {
            assert_eq!(of(&commit(&[path]), &[diff(path, change)]), None, "{path} {change}");
        }
        assert_eq!(of(&commit(&[]), &[]), None);
    }
}
