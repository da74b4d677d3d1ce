//! The documents of one folder, shared between snapshots.

use std::{
    collections::BTreeMap,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use itertools::{EitherOrBoth, Itertools as _};

use super::Versioned;

/// The documents of one folder by their ids. A copy shares everything until one of the two is changed, so that a save
/// does not pay for the folders that it leaves alone.
#[derive(Debug)]
pub struct Documents<K, D>(Arc<BTreeMap<K, Arc<Versioned<D>>>>);

/// What became of a document from one snapshot to another.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a, D> {
    /// It is new, or another version of it is in force. An equal one with another commit counts too.
    Put(&'a Arc<Versioned<D>>),
    /// It is gone.
    Removed,
}

impl<K: Ord, D> Documents<K, D> {
    /// The documents that are not the same as in `before`, in the order of their ids. Where nothing was put, both hold
    /// the same allocation, which is all that is compared.
    pub fn changes_since<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = (&'a K, Change<'a, D>)> {
        let is_shared = Arc::ptr_eq(&self.0, &before.0);
        let both = (!is_shared).then(|| before.iter().merge_join_by(self.iter(), |(old, _), (new, _)| old.cmp(new)));
        both.into_iter().flatten().filter_map(|pair| match pair {
            EitherOrBoth::Left((id, _)) => Some((id, Change::Removed)),
            EitherOrBoth::Right((id, new)) => Some((id, Change::Put(new))),
            EitherOrBoth::Both((_, old), (id, new)) => (!Arc::ptr_eq(old, new)).then_some((id, Change::Put(new))),
        })
    }
}

impl<K, D> Default for Documents<K, D> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K, D> Clone for Documents<K, D> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, D> Deref for Documents<K, D> {
    type Target = BTreeMap<K, Arc<Versioned<D>>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<K: Clone, D> DerefMut for Documents<K, D> {
    /// The map, of one's own from now on.
    fn deref_mut(&mut self) -> &mut Self::Target {
        Arc::make_mut(&mut self.0)
    }
}

impl<'a, K, D> IntoIterator for &'a Documents<K, D> {
    type Item = (&'a K, &'a Arc<Versioned<D>>);
    type IntoIter = std::collections::btree_map::Iter<'a, K, Arc<Versioned<D>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(pairs: &[(u8, &str)]) -> Documents<u8, String> {
        let mut documents = Documents::default();
        for (id, text) in pairs {
            documents.insert(*id, Arc::new(Versioned::unsaved((*text).to_owned())));
        }
        documents
    }

    fn told(now: &Documents<u8, String>, before: &Documents<u8, String>) -> Vec<(u8, Option<String>)> {
        let text = |change| match change {
            Change::Put(document) => Some(Versioned::clone(document).document),
            Change::Removed => None,
        };
        now.changes_since(before).map(|(id, change)| (*id, text(change))).collect()
    }

    #[test]
    fn copy_shares_until_it_is_changed() {
        let before = documents(&[(1, "a"), (2, "b")]);
        let mut now = before.clone();
        assert!(Arc::ptr_eq(&now.0, &before.0));
        now.remove(&1);
        assert_eq!(before.len(), 2, "the other one is left alone");
        assert!(Arc::ptr_eq(&now[&2], &before[&2]), "and so are its documents");
    }

    #[test]
    fn changes_are_told_in_order_and_unchanged_documents_are_not() {
        let before = documents(&[(1, "a"), (2, "b"), (5, "e")]);
        assert_eq!(told(&before.clone(), &before), []);
        let mut now = before.clone();
        now.remove(&1);
        now.insert(0, Arc::new(Versioned::unsaved("new".into())));
        now.insert(5, Arc::new(Versioned::unsaved("other".into())));
        now.insert(7, Arc::new(Versioned::unsaved("last".into())));
        let expected = [(0, Some("new")), (1, None), (5, Some("other")), (7, Some("last"))];
        assert_eq!(told(&now, &before), expected.map(|(id, text)| (id, text.map(str::to_owned))));
        assert_eq!(told(&now, &Documents::default()).len(), 4);
    }
}
