//! The way from a running text to another one.
//!
//! When a document fails to load, Alloy restores the one before; when the failing document also removed a running
//! pipeline, that restore can fail too. So what is new is published first beside all that runs, and what is no longer
//! wanted is left out when that has been applied. And Alloy never says that a port could not be bound: a port changes
//! hands only after its holder is gone.

use std::{collections::BTreeSet, sync::Arc};

use super::document::{Block, Document, compose};
use crate::domain::desired::Published;

/// The texts to publish one after the other; the last one is `wanted`.
pub(super) fn way(running: &str, wanted: &Arc<Published>) -> Vec<Arc<Published>> {
    let mut texts = intermediate(running, &wanted.text).unwrap_or_default();
    texts.dedup();
    texts.retain(|text| *text != running && *text != *wanted.text);
    let mut way: Vec<_> = texts.into_iter().map(|text| Arc::new(Published::new(text.into()))).collect();
    way.push(wanted.clone());
    way
}

/// The texts in between; `None` when one of the two is not understood.
fn intermediate(running: &str, wanted: &str) -> Option<Vec<String>> {
    let (old, new) = (Document::parse(running)?, Document::parse(wanted)?);
    let is_same = |block: &Block<'_>| old.block(block.id).is_some_and(|known| known.text == block.text);
    let removed: Vec<Block<'_>> = old.blocks.iter().filter(|block| new.block(block.id).is_none()).copied().collect();
    let fresh = new.blocks.iter().any(|block| !is_same(block));

    // Blocks that want a port which another block holds.
    let holds = |block: &Block<'_>, port: &str| block.binds().contains(&port);
    let moves = |block: &Block<'_>| {
        let taken = |port: &&str| old.blocks.iter().any(|other| other.id != block.id && holds(other, port));
        !is_same(block) && block.binds().iter().any(taken)
    };
    let moving: BTreeSet<&str> = new.blocks.iter().filter(|block| moves(block)).map(|block| block.id).collect();
    if !fresh || removed.is_empty() && moving.is_empty() {
        return Some(Vec::new());
    }

    // What moves stays as it was, or away; everything else that is new joins what runs.
    let settled = closed(
        new.blocks
            .iter()
            .filter_map(|block| if moving.contains(block.id) { old.block(block.id).copied() } else { Some(*block) })
            .collect(),
    );
    let mut texts = Vec::new();
    if settled.iter().any(|block| !is_same(block)) {
        let kept = removed.iter().filter(|block| can_stay(block, &old, &settled)).copied();
        texts.push(compose(new.head, settled.iter().copied().chain(kept)));
    }
    if !moving.is_empty() {
        // Then its holders go, and with them what it was before: all of it, unless nobody else wants its port.
        let wanted_by_others = |block: &Block<'_>| {
            let binds = block.binds();
            new.blocks
                .iter()
                .filter(|other| other.id != block.id)
                .flat_map(Block::binds)
                .any(|port| binds.contains(&port))
        };
        let before = |block: &Block<'_>| old.block(block.id).filter(|old| is_pipeline(old) && !wanted_by_others(old));
        let free = new.blocks.iter().filter_map(|block| match moving.contains(block.id) {
            true => before(block).copied(),
            false => Some(*block),
        });
        texts.push(compose(new.head, closed(free.collect())));
    }
    Some(texts)
}

/// A pipeline is not taken out for a port of its own, when it can be helped: it has an instance, and receivers outside
/// of it send to that.
fn is_pipeline(block: &Block<'_>) -> bool {
    block.name() == "declare"
}

/// Leaves out what refers to blocks that are not there: an Alloy would refuse the whole document.
fn closed(mut blocks: Vec<Block<'_>>) -> Vec<Block<'_>> {
    loop {
        let there = blocks.clone();
        blocks.retain(|block| resolves(block, &there));
        if blocks.len() == there.len() {
            return blocks;
        }
    }
}

/// Whether everything of pipelines and of its own source that a block needs is among these.
fn resolves(block: &Block<'_>, there: &[Block<'_>]) -> bool {
    let declared = |pipeline: &str| {
        let id = format!("declare \"{pipeline}\"");
        there.iter().find(|other| other.id == id)
    };
    if block.name().starts_with("pl_") {
        return declared(block.name()).is_some();
    }
    let is_there = |name: &str, label: &str| there.iter().any(|b| b.name() == name && b.label() == Some(label));
    block.name() == "declare"
        || block.parts_of_source().all(|(name, label)| is_there(name, label))
            && block.pipeline_references().all(|(pipeline, instance, export)| {
                let exported = |body: &Block<'_>| body.text.contains(&format!("export \"{export}\""));
                is_there(pipeline, instance) && declared(pipeline).is_some_and(exported)
            })
}

/// Whether a block that is no longer wanted can stay for a while beside the others.
fn can_stay(block: &Block<'_>, old: &Document<'_>, settled: &[Block<'_>]) -> bool {
    // An instance under another label of a pipeline that goes on: two of them would take everything twice.
    if block.name().starts_with("pl_") && settled.iter().any(|other| other.name() == block.name()) {
        return false;
    }
    // Blocks that are wanted go before what they were.
    let gone = old.blocks.iter().filter(|block| settled.iter().all(|other| other.id != block.id));
    resolves(block, &settled.iter().chain(gone).copied().collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipeline(name: &str, body: &str) -> String {
        format!(
            "declare \"pl_{name}\" {{\n\texport \"logs\" {{\n\t\tvalue = otelcol.processor.filter.in.input\n\t}}\n\n\t// \
             {body}\n}}\n\npl_{name} \"default\" {{ }}\n"
        )
    }

    fn receiver(port: u16, users: &[&str]) -> String {
        let users: Vec<_> = users.iter().map(|user| format!("pl_{user}.default.logs")).collect();
        format!(
            "otelcol.receiver.otlp \"src_{port}\" {{\n\thttp {{\n\t\tendpoint = \"0.0.0.0:{port}\"\n\t}}\n\n\toutput \
             {{\n\t\tlogs = [{}]\n\t}}\n}}\n",
            users.join(", ")
        )
    }

    fn document(parts: &[String]) -> String {
        format!("// head\n\n{}", parts.join("\n"))
    }

    /// The texts on the way, without the last one, which is `wanted`.
    fn between(running: &str, wanted: &str) -> Vec<String> {
        let way = way(running, &Arc::new(Published::new(wanted.into())));
        assert_eq!(&*way.last().unwrap().text, wanted, "it ends where it should");
        way.iter().rev().skip(1).rev().map(|published| published.text.to_string()).collect()
    }

    #[test]
    fn what_only_adds_or_only_removes_takes_one_step() {
        let (a, b) = (pipeline("a", "1"), pipeline("b", "1"));
        let both = document(&[a.clone(), b.clone()]);
        let one = document(&[a]);
        assert_eq!(between(&one, &both), Vec::<String>::new());
        assert_eq!(between(&both, &one), Vec::<String>::new());
        assert_eq!(between(&both, &both), Vec::<String>::new());
        let changed = document(&[pipeline("a", "2"), b]);
        assert_eq!(between(&both, &changed), Vec::<String>::new());
        assert_eq!(between(&both, "// nothing\n"), Vec::<String>::new());
        assert_eq!(between("// nothing\n", &both), Vec::<String>::new());
    }

    #[test]
    fn additions_come_before_removals() {
        let (a, b, c) = (pipeline("a", "1"), pipeline("b", "1"), pipeline("c", "1"));
        let running = document(&[a.clone(), b.clone()]);
        let wanted = document(&[a.clone(), c.clone()]);
        assert_eq!(between(&running, &wanted), [document(&[a, c, b])]);
    }

    #[test]
    fn a_source_of_several_blocks_comes_and_goes_as_a_whole() {
        let source = |user: &str| {
            receiver(514, &[user])
                .replace(&format!("pl_{user}.default.logs"), "otelcol.processor.transform.src_514.input")
                + &receiver(514, &[user]).replace("receiver.otlp", "processor.transform").replacen("endpoint", "x", 1)
        };
        let (a, b) = (pipeline("a", "1"), pipeline("b", "1"));
        let (running, wanted) = (document(&[source("a"), a]), document(&[source("b"), b]));
        // Two processors of one label cannot be there at once: while `a` is needed no more and still runs, the source
        // sends to `b` already.
        let way = between(&running, &wanted);
        for text in &way {
            let document = Document::parse(text).unwrap();
            assert!(document.blocks.iter().all(|block| resolves(block, &document.blocks)), "{text}");
        }
        let orphan = Document::parse(&wanted).unwrap();
        let orphan: Vec<_> = orphan.blocks.into_iter().filter(|block| block.name() != "declare").collect();
        assert_eq!(closed(orphan), [], "without its processor the receiver would not load");
    }

    #[test]
    fn a_change_beside_a_removal_is_proven_first() {
        let (a, b) = (pipeline("a", "1"), pipeline("b", "1"));
        let changed = pipeline("a", "2");
        let wanted = document(std::slice::from_ref(&changed));
        assert_eq!(between(&document(&[a, b.clone()]), &wanted), [document(&[changed, b])]);
    }

    #[test]
    fn a_port_changes_hands_when_it_is_free() {
        // The receiver of 4317 took 4318 too; now they are two.
        let a = pipeline("a", "1");
        let both = receiver(4317, &["a"]).replace("http {", "grpc {\n\t\tendpoint = \"0.0.0.0:4318\"\n\t}\n\n\thttp {");
        let running = document(&[both, a.clone()]);
        let wanted = document(&[receiver(4317, &["a"]), receiver(4318, &["a"]), a.clone()]);
        let free = document(&[receiver(4317, &["a"]), a]);
        assert_eq!(between(&running, &wanted), [free]);
    }

    #[test]
    fn a_port_that_moves_between_removed_and_new_blocks_takes_a_pause() {
        let a = pipeline("a", "1");
        let other = receiver(4317, &["a"]).replace("src_4317", "src_x").replace("0.0.0.0", "127.0.0.1");
        let running = document(&[receiver(4317, &["a"]), a.clone()]);
        let wanted = document(&[other, a.clone()]);
        assert_eq!(between(&running, &wanted), [document(&[a])], "nobody holds it in between");
    }

    #[test]
    fn ports_are_never_held_twice_on_the_way() {
        let (a, b) = (pipeline("a", "1"), pipeline("b", "1"));
        let x = receiver(1, &["a"]).replace("src_1", "src_x");
        let y = receiver(2, &["b"]).replace("src_2", "src_y");
        let swapped_x = receiver(2, &["a"]).replace("src_2", "src_x");
        let swapped_y = receiver(1, &["b"]).replace("src_1", "src_y");
        let running = document(&[x, y, a.clone(), b.clone()]);
        let wanted = document(&[swapped_x, swapped_y, a, b]);
        let way = between(&running, &wanted);
        assert_eq!(way.len(), 1);
        assert!(!way[0].contains("otelcol.receiver"), "both let go first: {}", way[0]);
    }

    #[test]
    fn a_receiver_whose_pipeline_changed_its_exports_does_not_stay() {
        let a = pipeline("a", "1");
        let silent = a.replace("export \"logs\"", "export \"metrics\"");
        let running = document(&[receiver(4317, &["a"]), a]);
        let wanted = document(&[silent]);
        assert_eq!(between(&running, &wanted), Vec::<String>::new(), "a dangling reference would fail the load");
    }

    #[test]
    fn an_instance_under_another_label_does_not_stay() {
        let (a, b) = (pipeline("a", "1"), pipeline("b", "1"));
        let relabelled = a.replace("\"default\"", "\"r2\"");
        let running = document(&[a, b.clone()]);
        let wanted = document(&[relabelled, b]);
        assert_eq!(between(&running, &wanted), Vec::<String>::new());
    }

    /// A pipeline with a receiver that an operator wrote by hand.
    fn raw(name: &str, port: u16) -> String {
        pipeline(
            name,
            &format!(
                "raw\n\tloki.source.api \"s_raw\" {{\n\t\thttp {{\n\t\t\tlisten_address = \"0.0.0.0\"\n\t\t\tlisten_port = \
                 {port}\n\t\t}}\n\t}}"
            ),
        )
    }

    #[test]
    fn port_of_a_receiver_inside_a_pipeline_changes_hands_when_it_is_free() {
        // The pipeline takes over the port of a receiver that moves on.
        let running = document(&[receiver(4317, &["b"]), raw("a", 3500), pipeline("b", "1")]);
        let moved = receiver(4318, &["b"]).replace("src_4318", "src_4317");
        let wanted = document(&[moved.clone(), raw("a", 4317), pipeline("b", "1")]);
        let free = document(&[moved, raw("a", 3500), pipeline("b", "1")]);
        assert_eq!(between(&running, &wanted), [free], "the pipeline runs on as it was meanwhile");
    }

    #[test]
    fn new_pipeline_waits_for_the_port_that_another_gives_up() {
        let running = document(&[raw("a", 3500), pipeline("b", "1")]);
        let wanted = document(&[raw("a", 3501), pipeline("b", "1"), raw("c", 3500), receiver(4317, &["b", "c"])]);
        let way = between(&running, &wanted);
        assert_eq!(way, [document(&[raw("a", 3501), pipeline("b", "1")])]);
        assert!(!way[0].contains("pl_c"), "neither its instance nor who sends to it can be there without it");
    }

    #[test]
    fn pipelines_that_swap_ports_both_let_go_first() {
        let running = document(&[raw("a", 1), raw("b", 2), pipeline("c", "1")]);
        let wanted = document(&[raw("a", 2), raw("b", 1), pipeline("c", "1")]);
        assert_eq!(between(&running, &wanted), [document(&[pipeline("c", "1")])]);
    }

    #[test]
    fn what_is_not_understood_is_published_as_it_is() {
        assert_eq!(between("a {", "b { }"), Vec::<String>::new());
    }
}
