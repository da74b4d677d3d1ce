//! Attributes that stand twice in one block. Alloy refuses the whole document for one (`syntax/vm`, `struct_decoder.go` of
//! 1.19), and everything else that the collector runs with it. Of blocks only the component says whether they may stand
//! twice, and of two equal keys in an object Alloy takes the later.

use std::collections::{BTreeMap, btree_map::Entry};

use crate::render::alloy::{Statement, parse::Place};

/// Looks for them. `places` say where each statement begins, in the order in which they do.
///
/// # Errors
/// The first one, by line and column.
pub(super) fn check(body: &[Statement], places: &mut impl Iterator<Item = Place>) -> Result<(), String> {
    let mut known: BTreeMap<&str, Place> = BTreeMap::new();
    for statement in body {
        let place = places.next().unwrap_or_default();
        match statement {
            Statement::Block(block) => check(&block.body, places)?,
            Statement::Attribute(name, _) => match known.entry(name) {
                Entry::Occupied(first) => {
                    return Err(format!("`{name}` stands twice: at {} and again at {place}", first.get()));
                }
                Entry::Vacant(free) => _ = free.insert(place),
            },
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use linkmesh_proto::api::catalogue::Role;

    use super::{super::Raw, *};
    use crate::render::alloy::parse;

    fn doubled(text: &str) -> Option<String> {
        let (body, places) = parse::body_with_places(text).unwrap();
        check(&body, &mut places.into_iter()).err()
    }

    #[test]
    fn an_attribute_stands_once_in_a_block() {
        assert_eq!(doubled("a {\n\tx = 1\n\tb { x = 1 }\n\tb { x = 1 }\n\ty = {x = 1, x = 2}\n}\nc { x = 1 }\n"), None);
        let found = doubled("a {\n\tb {\n\t\tx = 1\n\t}\n\tx = 1\n\tb {\n\t\ty = 1\n\t\ty = 2\n\t}\n}\n");
        assert_eq!(found.as_deref(), Some("`y` stands twice: at 7:3 and again at 8:3"));
    }

    #[test]
    fn a_raw_text_holds_none() {
        let block = |body: &str| Raw(Role::Processor).alloy_block(&format!("otelcol.processor.batch {{{body}}}"));
        assert!(block("\na = 1\nb = 1\n").is_ok());
        assert_eq!(block("\na = 1\na = 1\n").unwrap_err(), "`a` stands twice: at 2:1 and again at 3:1");
    }
}
