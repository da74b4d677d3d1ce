//! Settings that the catalogue cannot say, next to some that do the same to every record.

use serde_json::Number;

use super::Unit;
use crate::import::tree::Tree;

/// The same unit as near as the catalogue can say it, and where it differs.
pub(super) fn nearby(unit: &Unit) -> Option<(Unit, &'static str)> {
    let [part] = unit.tree.items() else { return None };
    let (Some(Tree::Text(kind)), Some(config)) = (part.get("type"), part.get("config")) else { return None };
    // How records are gathered changes none of them.
    matches!(kind.as_str(), "batch" | "otelcol.processor.batch").then_some(())?;
    let Some(Tree::Number(size)) = config.get("send_batch_size") else { return None };
    let size = size.as_i64()?;
    let largest = size.checked_add(size / 2)?;
    let config = with(config, "send_batch_max_size", Tree::Number(Number::from(largest)));
    let tree = Tree::List(vec![Tree::map([("type", Tree::text(kind)), ("config", config)])]);
    let unit = Unit {
        runtime: unit.runtime,
        observed: unit.observed.clone(),
        signals: unit.signals.clone(),
        name: unit.name.clone(),
        kinds: unit.kinds.clone(),
        tree,
    };
    Some((unit, "`send_batch_max_size` is one and a half of `send_batch_size` in LinkMesh"))
}

fn with(config: &Tree, name: &str, value: Tree) -> Tree {
    let others = config.entries().iter().filter(|(key, _)| key != name).cloned();
    Tree::Map(others.chain([(name.to_owned(), value)]).collect())
}
