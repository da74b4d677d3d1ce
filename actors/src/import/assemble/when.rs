//! Conditions on what goes to a destination: a filter of its own in front of it.

use linkmesh_proto::api::{collector::Runtime, pipeline::Signal};

use super::Assembly;
use crate::{
    domain::resolve::ResolvedDestination,
    import::{
        found::{Out, Written},
        recognise::{of_blocks, rendered_stage},
        tree::Tree,
    },
};

impl Assembly<'_> {
    /// The condition under which records of these signals take a way: `None` when it holds more than such a filter.
    pub(super) fn condition(&self, out: &Out, signals: &[Signal]) -> Option<String> {
        let [index] = out.via.as_slice() else { return None };
        let found = self.config.found.get(*index)?;
        let drops = found.config.entries().iter().find_map(|(_, section)| first_text(section))?;
        let when = drops.strip_prefix("not (")?.strip_suffix(')')?.to_owned();
        crate::component::scalar::ottl(&when).ok()?;
        let destination =
            ResolvedDestination { id: "probe".parse().ok()?, signals: signals.to_vec(), when: Some(when.clone()) };
        let rendered = rendered_stage(self.runtime, &destination.filter()?);
        let there = match (&found.written, self.runtime) {
            (Written::Alloy(block), Runtime::Alloy) => of_blocks(&[block]),
            (Written::Otelcol(_), Runtime::Otelcol) => super::parts::of_otelcol(&[found], &[]),
            _ => return None,
        };
        let there = Tree::List(there.items().iter().map(|part| super::parts::limited(part, signals)).collect());
        same(&there, &rendered).then_some(when)
    }
}

/// The first text in lists of a section.
fn first_text(section: &Tree) -> Option<&str> {
    match section {
        Tree::Map(entries) => entries.iter().find_map(|(_, below)| first_text(below)),
        Tree::List(items) => items.iter().find_map(|item| item.as_text().or_else(|| first_text(item))),
        _ => None,
    }
}

/// Whether two trees mean the same.
fn same(a: &Tree, b: &Tree) -> bool {
    match (a, b) {
        (Tree::Map(a), Tree::Map(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| b.iter().any(|(other, there)| other == key && same(value, there)))
        }
        (Tree::List(a), Tree::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (a, b) => a.means(b),
    }
}
