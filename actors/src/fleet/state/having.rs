//! Which collectors have which value of an attribute, of those attributes that pipelines ask for by `name="value"`.

use std::collections::{HashMap, HashSet};

use linkmesh_proto::CollectorId;

use crate::domain::matcher::Attributes;

/// Finds the collectors that a changed pipeline may select without asking all of them.
#[derive(Default)]
pub(super) struct Having {
    by_name: HashMap<String, HashMap<String, HashSet<CollectorId>>>,
}

impl Having {
    /// Keeps account of these attributes; of one that was not asked for before, for all collectors.
    pub(super) fn account_for<'a, A: AsRef<Attributes>>(
        &mut self,
        names: impl Iterator<Item = &'a String>,
        collectors: impl Fn() -> Vec<(CollectorId, A)>,
    ) {
        let new: Vec<&String> = names.filter(|name| !self.by_name.contains_key(*name)).collect();
        if new.is_empty() {
            return;
        }
        let collectors = collectors();
        for name in new {
            let mut by_value: HashMap<String, HashSet<CollectorId>> = HashMap::new();
            for (id, attributes) in &collectors {
                if let Some(value) = attributes.as_ref().get(name) {
                    by_value.entry(value.clone()).or_default().insert(*id);
                }
            }
            self.by_name.insert(name.clone(), by_value);
        }
    }

    /// A collector's attributes became others; none before it was known, none when it is gone.
    pub(super) fn replace(&mut self, id: CollectorId, before: Option<&Attributes>, after: Option<&Attributes>) {
        for (name, by_value) in &mut self.by_name {
            let (old, new) = (before.and_then(|a| a.get(name)), after.and_then(|a| a.get(name)));
            if let Some(old) = old
                && let Some(collectors) = by_value.get_mut(old)
            {
                collectors.remove(&id);
                if collectors.is_empty() {
                    by_value.remove(old);
                }
            }
            if let Some(new) = new {
                by_value.entry(new.clone()).or_default().insert(id);
            }
        }
    }

    /// The collectors that have this value. `None` when no account is kept of the attribute.
    pub(super) fn collectors(&self, name: &str, value: &str) -> Option<impl Iterator<Item = CollectorId>> {
        Some(self.by_name.get(name)?.get(value).into_iter().flatten().copied())
    }
}
