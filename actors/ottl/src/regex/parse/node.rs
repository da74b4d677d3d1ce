//! What has been read of a pattern.

use regex_syntax::hir::Hir;

use super::Flags;

/// A part of the pattern, with what its bounds are counted by.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) hir: Hir,
    /// How often its innermost part is repeated.
    pub(super) repeats: u32,
    pub(super) depth: usize,
    /// How many instructions it has (`calcSize`).
    pub(super) size: usize,
}

impl Node {
    /// Of one element.
    pub(super) const fn leaf(hir: Hir) -> Self {
        Self { hir, repeats: 1, depth: 1, size: 1 }
    }

    /// Puts parts together, with so many instructions between two of them.
    pub(super) fn join(mut parts: Vec<Self>, between: usize, how: fn(Vec<Hir>) -> Hir) -> Self {
        match parts.pop() {
            Some(only) if parts.is_empty() => only,
            last => {
                parts.extend(last);
                let repeats = parts.iter().map(|part| part.repeats).max().unwrap_or(1);
                let depth = 1 + parts.iter().map(|part| part.depth).max().unwrap_or(0);
                let size = parts.iter().map(|part| part.size + between).sum::<usize>().saturating_sub(between).max(1);
                Self { hir: how(parts.into_iter().map(|part| part.hir).collect()), repeats, depth, size }
            }
        }
    }
}

/// A group that is open, or the whole pattern.
#[derive(Debug, Default)]
pub(super) struct Frame {
    /// Where it was opened.
    pub(super) offset: usize,
    /// Its number, if it captures.
    pub(super) capture: Option<u32>,
    /// What holds again behind it.
    pub(super) outside: Flags,
    /// What stands before a `|`.
    pub(super) alternatives: Vec<Node>,
    /// What stands behind it so far.
    pub(super) sequence: Vec<Node>,
}
