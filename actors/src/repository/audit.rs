//! Audit rows that a crash lost: each commit says in its trailers who made it in which request.

use crate::{
    ports::{AuditEntry, CommitInfo, ConfigRepository, HistoryQuery, RepositoryError, StateStore, StoreError},
    repository::handle::RepositoryWorker,
};

/// How far back is looked: a few times the saves that can be on their way at once. A crash, a store that fails for a
/// while and saves whose answer took too long lose the rows of the last moments only.
const LOOK_BACK: usize = 2_000;

/// Appends what is missing, oldest first. Saves of one batch write their rows beside each other, so that a commit may
/// miss its row although a later one has it: every commit is looked at. Answers how many were missing.
pub(crate) async fn rebuild(store: &dyn StateStore, commits: Vec<CommitInfo>) -> Result<usize, StoreError> {
    let mut missing = Vec::new();
    for commit in commits.into_iter().filter(is_audited) {
        if !store.audit_has_revision(commit.revision).await? {
            missing.push(entry(commit));
        }
    }
    let count = missing.len();
    for entry in missing.into_iter().rev() {
        store.append_audit(entry).await?;
    }
    Ok(count)
}

/// The newest commits, to rebuild rows from.
pub(crate) fn newest(repository: &mut dyn ConfigRepository) -> Result<Vec<CommitInfo>, RepositoryError> {
    repository.history(&HistoryQuery { limit: LOOK_BACK, ..HistoryQuery::default() })
}

/// Whether a commit has a row of its own: it came by a request, which the one that begins a repository did not, and
/// changed more than what a collector's row tells.
fn is_audited(commit: &CommitInfo) -> bool {
    let is_begin = commit.parent.is_none() && commit.paths.iter().all(|path| path == "linkmesh.yaml");
    commit.actor.is_some() && !is_begin && commit.paths.iter().any(|path| !path.starts_with("collectors/"))
}

fn entry(commit: CommitInfo) -> AuditEntry {
    let (resource, rest) = commit.summary.split_once(": ").unwrap_or(("revisions", "write"));
    let verb = rest.split(' ').next().unwrap_or("write");
    let action = if resource == "restore" { "revisions:restore".to_owned() } else { format!("{resource}:{verb}") };
    let target = commit.paths.first().map(|path| path.trim_end_matches(".yaml").to_owned()).unwrap_or_default();
    AuditEntry {
        at: commit.at,
        actor: commit.actor.unwrap_or_default(),
        action,
        target,
        address: None,
        request_id: commit.request_id,
        before: commit.parent,
        after: Some(commit.revision),
    }
}

/// Reads the newest commits on the repository's thread and appends the rows that they miss.
pub(crate) async fn rebuild_from(store: &dyn StateStore, worker: &RepositoryWorker) {
    let deadline = std::time::Duration::from_secs(30);
    match worker.call(deadline, |repository| newest(&mut **repository)).await {
        Ok(Ok(commits)) => match rebuild(store, commits).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "audit entries rebuilt from commits"),
            Err(error) => tracing::error!(code = error.code(), "audit entries not rebuilt"),
        },
        Ok(Err(error)) => tracing::error!(code = error.code(), "audit entries not rebuilt"),
        Err(error) => tracing::error!(%error, "audit entries not rebuilt"),
    }
}

#[cfg(test)]
mod tests {
    use linkmesh_proto::{RequestId, Revision, Timestamp};

    use super::*;
    use crate::{
        mint::Mint as _,
        ports::{AuditStore, CommitAuthor},
        testing::MemoryStore,
    };

    fn commit(number: u8, path: &str, actor: Option<&str>) -> CommitInfo {
        CommitInfo {
            revision: Revision::from_bytes([number; 20]),
            parent: None,
            summary: "pipelines: update web".into(),
            author: CommitAuthor { name: "Ada".into(), email: "ada@example.com".into() },
            at: Timestamp::from_millis(i64::from(number)),
            request_id: Some(RequestId::generate()),
            actor: actor.map(str::to_owned),
            paths: vec![path.to_owned()],
        }
    }

    #[tokio::test]
    async fn rows_that_a_crash_lost_are_rebuilt_once_and_in_order() {
        let store = MemoryStore::default();
        let commits = || {
            vec![
                commit(4, "pipelines/web.yaml", Some("ada@example.com")),
                commit(3, "pipelines/web.yaml", None),
                commit(2, "collectors/x.yaml", Some("ada@example.com")),
                commit(1, "pipelines/web.yaml", Some("bob@example.com")),
                CommitInfo { parent: None, ..commit(0, "linkmesh.yaml", Some("LinkMesh repository")) },
            ]
        };
        assert_eq!(rebuild(&store, commits()).await.unwrap(), 2);
        assert_eq!(rebuild(&store, commits()).await.unwrap(), 0);
        let rows = store.audit(None, 10).await.unwrap();
        let told: Vec<_> = rows.iter().map(|row| (row.entry.actor.as_str(), row.entry.action.as_str())).collect();
        assert_eq!(told, [("ada@example.com", "pipelines:update"), ("bob@example.com", "pipelines:update")]);
        assert_eq!(rows[0].entry.target, "pipelines/web");
    }

    #[tokio::test]
    async fn row_is_rebuilt_also_when_a_later_commit_has_its_own() {
        let store = MemoryStore::default();
        let commits: Vec<_> = (1..=5).rev().map(|n| commit(n, "pipelines/web.yaml", Some("ada@example.com"))).collect();
        // Of one batch the rows of the fifth and the second were written before the crash.
        for place in [0, 3] {
            store.append_audit(entry(commits[place].clone())).await.unwrap();
        }
        assert_eq!(rebuild(&store, commits.clone()).await.unwrap(), 3);
        let rows = store.audit(None, 10).await.unwrap();
        let mut told: Vec<_> = rows.iter().filter_map(|row| row.entry.after).collect();
        told.sort();
        let mut all: Vec<_> = commits.iter().map(|commit| commit.revision).collect();
        all.sort();
        assert_eq!(told, all, "each has one row");
        assert_eq!(rebuild(&store, commits).await.unwrap(), 0);
    }
}
