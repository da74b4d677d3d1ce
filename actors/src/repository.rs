//! The config repository's actor: validates, commits in batches, announces revisions.
