//! In what a rendering is not what was found, for a person.

use crate::import::tree::Tree;

/// How many settings are named of each kind of difference.
const MOST: usize = 3;

/// What `kind` would make of something else, when components are given as a list of `{type, config}`; `None` when it is the
/// same. No values are named: they may be secrets.
pub(super) fn differences(kind: &str, found: &Tree, rendered: &Tree) -> Option<String> {
    let mut all = Differences::default();
    for part in rendered.items() {
        let of_type = found.items().iter().find(|known| known.get("type") == part.get("type"));
        match (of_type.and_then(|known| known.get("config")), part.get("config"), part.get("type")) {
            (Some(known), Some(config), _) => all.value(String::new(), known, config),
            (None, _, Some(Tree::Text(name))) => all.added.push(name.clone()),
            _ => {}
        }
    }
    let said: Vec<String> = [("lack", all.lacking), ("have another", all.other), ("add", all.added)]
        .into_iter()
        .filter(|(_, places)| !places.is_empty())
        .map(|(verb, places)| format!("{verb} {}", listed(&places)))
        .collect();
    let (last, before) = said.split_last()?;
    let said = if before.is_empty() { last.clone() } else { format!("{} and {last}", before.join(", ")) };
    Some(format!("`{kind}` would {said}"))
}

fn listed(places: &[String]) -> String {
    let shown: Vec<String> = places.iter().take(MOST).map(|place| format!("`{place}`")).collect();
    match places.len().checked_sub(MOST) {
        None | Some(0) => shown.join(", "),
        Some(more) => format!("{} and {more} more", shown.join(", ")),
    }
}

#[derive(Default)]
struct Differences {
    /// What was found and is not rendered.
    lacking: Vec<String>,
    /// What is rendered otherwise.
    other: Vec<String>,
    /// What is rendered and was not found.
    added: Vec<String>,
}

impl Differences {
    fn value(&mut self, at: String, found: &Tree, rendered: &Tree) {
        match (found, rendered) {
            (Tree::Map(known), Tree::Map(entries)) => {
                for (key, value) in known {
                    match entries.iter().find(|(name, _)| name == key) {
                        Some((_, other)) => self.value(below(&at, key), value, other),
                        None => self.lacking.push(below(&at, key)),
                    }
                }
                let more = entries.iter().filter(|(key, _)| known.iter().all(|(name, _)| name != key));
                self.added.extend(more.map(|(key, _)| below(&at, key)));
            }
            (Tree::List(known), Tree::List(items)) if known.len() == items.len() => {
                for (index, (value, other)) in known.iter().zip(items).enumerate() {
                    self.value(format!("{at}[{index}]"), value, other);
                }
            }
            _ if found.means(rendered) => {}
            _ => self.other.push(at),
        }
    }
}

fn below(at: &str, key: &str) -> String {
    let key = key.trim_end_matches("{}");
    if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn part(config: &str) -> Tree {
        let config = Tree::of_otelcol(&serde_norway::from_str::<Value>(config).unwrap());
        Tree::List(vec![Tree::map([("type", Tree::text("x")), ("config", config)])])
    }

    #[test]
    fn differences_are_named_by_their_place_and_without_values() {
        for (found, rendered, expected) in [
            ("{a: 1, b: {c: 60s}}", "{b: {c: 1m}, a: 1}", None),
            ("{a: 1}", "{}", Some("`k` would lack `a`")),
            ("{}", "{a: {b: secret}}", Some("`k` would add `a`")),
            ("{a: {b: [1, {c: x}]}}", "{a: {b: [1, {c: y}]}}", Some("`k` would have another `a.b[1].c`")),
            ("{a: [1]}", "{a: [1, 2]}", Some("`k` would have another `a`")),
            (
                "{a: 1, b: 1, c: 1, d: 1, e: 1, f: 1}",
                "{f: 2, g: 3}",
                Some("`k` would lack `a`, `b`, `c` and 2 more, have another `f` and add `g`"),
            ),
        ] {
            assert_eq!(differences("k", &part(found), &part(rendered)).as_deref(), expected, "{found} {rendered}");
        }
    }
}
