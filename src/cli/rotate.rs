//! `linkmesh admin rotate-secret`: a new server secret, and what the old one sealed sealed anew with it.

use std::path::Path;

use linkmesh_actors::{
    domain::{
        document::{DocumentPath, readable},
        secret::{self, SealError, Sealer},
    },
    mint::Mint as _,
    ports::{Clock as _, CommitAuthor, CommitRequest, ConfigRepository, PathChange, RepositoryError},
};
use linkmesh_proto::RequestId;

use super::{Failure, print};
use crate::{
    data_dir::{DataDir, files},
    repository::GitRepository,
    secret_key::SecretKey,
    server::{self, ServerError, system::SystemClock},
};

/// Who makes the commit: nobody who can sign in.
const ACTOR: &str = "linkmesh admin rotate-secret";

pub(super) fn run(root: &Path) -> Result<(), Failure> {
    let (data_dir, store) = DataDir::open_existing(root)
        .map_err(ServerError::from)
        .and_then(server::open_offline)
        .map_err(anyhow::Error::from)?;
    drop(store);
    let key = SecretKey::load(&data_dir.secret_key()).and_then(SecretKey::rotated).map_err(anyhow::Error::from)?;
    let mut repository = GitRepository::open(&data_dir.config_git()).map_err(anyhow::Error::from)?;
    // Everything is sealed before the new key is stored, so that one that cannot be opened changes nothing; and the
    // key is stored before the commit, so that nothing is ever sealed with a key that is nowhere.
    let resealed = reseal(&mut repository, &key).map_err(anyhow::Error::from)?;
    files::replace_durably(&data_dir.secret_key(), key.to_file_text().as_bytes()).map_err(anyhow::Error::from)?;
    let values = resealed.values;
    let left: String = resealed.left.iter().map(left_line).collect();
    let files = resealed.commit(&mut repository).map_err(anyhow::Error::from)?;
    print(&format!(
        "{left}values sealed anew with key {}: {values}, in {files} files; older keys still open what they sealed\n",
        key.current_id()
    ))
}

fn left_line((path, count): &(String, usize)) -> String {
    format!("warning: {path}: {count} that look like sealed values cannot be opened and stay as they are\n")
}

/// Why secrets were not sealed anew.
#[derive(Debug, thiserror::Error)]
enum ResealError {
    /// The repository failed.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// A value cannot be opened.
    #[error("a sealed value of {path} cannot be opened; nothing was changed")]
    Sealed {
        /// Where it stands.
        path: String,
        /// Why.
        #[source]
        source: SealError,
    },
    /// A file would be read no longer.
    #[error("{path} would not be read any more ({problem}); nothing was changed")]
    Unreadable {
        /// Which.
        path: String,
        /// Why.
        problem: String,
    },
}

/// Files with their values sealed anew, not yet committed.
struct Resealed {
    base: Option<linkmesh_proto::Revision>,
    changes: Vec<(String, PathChange)>,
    values: usize,
    /// Files with what looks like a sealed value and cannot be opened, and how many.
    left: Vec<(String, usize)>,
}

/// Seals every value anew.
fn reseal(repository: &mut dyn ConfigRepository, sealer: &dyn Sealer) -> Result<Resealed, ResealError> {
    let base = repository.head()?;
    let (mut changes, mut left, mut values) = (Vec::new(), Vec::new(), 0);
    for file in base.map(|head| repository.files(head)).transpose()?.unwrap_or_default() {
        // What is no text holds no document, and so no secret.
        let Ok(text) = String::from_utf8(file.content) else { continue };
        let document = file.path.parse::<DocumentPath>().ok();
        // A file that is broken already may stay so: a person mends it.
        let document = document.filter(|document| readable(document, &text).is_ok());
        let resealed = secret::reseal(&file.path, &text, sealer)
            .map_err(|source| ResealError::Sealed { path: file.path.clone(), source })?;
        if let (Some(document), Some(text)) = (document, &resealed.text)
            && let Err(problems) = readable(&document, text)
        {
            let problem = problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>().join("; ");
            return Err(ResealError::Unreadable { path: file.path, problem });
        }
        if resealed.left > 0 {
            left.push((file.path.clone(), resealed.left));
        }
        values += resealed.values;
        changes.extend(resealed.text.map(|text| (file.path, PathChange::Put(text.into_bytes()))));
    }
    Ok(Resealed { base, changes, values, left })
}

impl Resealed {
    /// Commits them. How many files they are.
    fn commit(self, repository: &mut dyn ConfigRepository) -> Result<usize, RepositoryError> {
        let files = self.changes.len();
        if files > 0 {
            let request = CommitRequest {
                changes: self.changes,
                author: CommitAuthor { name: "LinkMesh".to_owned(), email: "linkmesh@localhost".to_owned() },
                summary: "secrets: seal with a new server secret".to_owned(),
                at: SystemClock::default().now(),
                request_id: RequestId::generate(),
                actor: ACTOR.to_owned(),
            };
            repository.commit(self.base, &[request])?;
        }
        Ok(files)
    }
}

#[cfg(test)]
mod tests {
    use linkmesh_actors::testing::MemoryRepository;

    use super::*;

    /// Seals into so many characters.
    struct Long(usize);

    impl Sealer for Long {
        fn seal(&self, _: &str) -> String {
            format!("lms1.00000000.{}", "x".repeat(self.0))
        }

        fn open(&self, _: &str) -> Result<String, SealError> {
            Ok(String::new())
        }
    }

    #[test]
    fn file_that_would_not_be_read_any_more_stops_the_rotation() {
        let mut repository = MemoryRepository::default();
        let text = "name: C\nkind: otlp_http\nsettings:\n  headers:\n    A: {sealed: lms1.ffffffff.AAAAAAAA}\n";
        repository.commit_by_hand("destinations/broken.yaml", Some("sealed: lms1.ffffffff.AAAAAAAA\n"));
        repository.commit_by_hand("destinations/central.yaml", Some(text));
        assert_eq!(reseal(&mut repository, &Long(40)).unwrap().changes.len(), 2);
        match reseal(&mut repository, &Long(1 << 20)) {
            Err(ResealError::Unreadable { path, problem }) => {
                assert_eq!(path, "destinations/central.yaml");
                assert!(problem.contains("bytes"), "{problem}");
            }
            _ => panic!("it would be too large"),
        }
    }
}
