//! Many texts searched for at once.

use std::{fmt, ops::Range};

use aho_corasick::{AhoCorasick, BuildError, Input, MatchKind};

/// How much of each text the automaton holds, in octets. It takes a hundred times as much memory as what it holds, and a
/// secret may have 8192 characters in six forms. The rest of a text is compared at the places where it may stand.
const BEGINNING: usize = 32;

/// How many octets may be compared for each of a text, and for any text. Without a limit a text of one letter, and a secret
/// of the same with another at its end, took as many as both are long, multiplied. Texts that nobody made for this take
/// about one.
const COMPARED: usize = 256;
const COMPARED_ANYWAY: usize = 1 << 20;

/// Texts that are searched for. Where several stand at one place, the longest is found: a secret may be the beginning of
/// another.
pub(super) struct Known {
    /// Finds the places at which one may stand.
    beginnings: AhoCorasick,
    /// In order, none twice, none empty.
    texts: Vec<Box<str>>,
    /// For each the longest other that it begins with.
    shorter: Vec<Option<usize>>,
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").field("texts", &self.texts.len()).finish_non_exhaustive()
    }
}

impl Known {
    /// Texts in order, none twice and none empty.
    ///
    /// # Errors
    /// When there are too many for an automaton.
    pub(super) fn new(texts: Vec<Box<str>>) -> Result<Self, Box<BuildError>> {
        let bytes = texts.iter().map(|text| text.as_bytes());
        let mut beginnings: Vec<&[u8]> = bytes.map(|text| text.get(..BEGINNING).unwrap_or(text)).collect();
        // Those that are equal follow each other, since the texts do.
        beginnings.dedup();
        let beginnings = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(beginnings)?;
        let shorter = shorter(&texts);
        Ok(Self { beginnings, texts, shorter })
    }

    /// Where the texts stand in another, from left to right; none begins before another ends. `None` when it would take too
    /// long to say.
    pub(super) fn places(&self, text: &str) -> Option<Vec<Range<usize>>> {
        let mut places = Vec::new();
        let mut left = COMPARED_ANYWAY.saturating_add(text.len().saturating_mul(COMPARED));
        let mut from = 0;
        while let Some(found) = self.beginnings.find(Input::new(text).range(from..)) {
            let start = found.start();
            let (length, compared) = self.longest_at(text.as_bytes().get(start..)?);
            left = left.checked_sub(compared)?;
            from = start + length.unwrap_or(1);
            places.extend(length.map(|_| start..from));
        }
        Some(places)
    }

    /// The length of the longest of the texts that this one begins with, and how much was compared for it.
    fn longest_at(&self, text: &[u8]) -> (Option<usize>, usize) {
        // In order, what a text begins with stands before it, and all between begin with the same: so either the last
        // that is not behind it is the longest, or the longest is one that that one begins with.
        let behind = self.texts.partition_point(|known| known.as_bytes() <= text);
        let common = |index: Option<usize>| {
            let known = index.and_then(|index| self.texts.get(index));
            known.map_or(0, |known| common(known.as_bytes(), text))
        };
        let mut nearest = behind.checked_sub(1);
        let shared = common(nearest);
        // As much was compared to find out that the next is behind it.
        let mut compared = BEGINNING + shared + common(Some(behind));
        while let Some(index) = nearest {
            compared += 1;
            match self.texts.get(index) {
                Some(known) if known.len() <= shared => return (Some(known.len()), compared),
                _ => nearest = self.shorter.get(index).copied().flatten(),
            }
        }
        (None, compared)
    }
}

/// How many octets two texts have in common at their beginning.
fn common(one: &[u8], other: &[u8]) -> usize {
    const AT_ONCE: usize = 64;
    let equal =
        one.chunks_exact(AT_ONCE).zip(other.chunks_exact(AT_ONCE)).take_while(|(a, b)| a == b).count() * AT_ONCE;
    equal + one.iter().skip(equal).zip(other.iter().skip(equal)).take_while(|(a, b)| a == b).count()
}

/// For each text the longest other that it begins with. They are in order.
fn shorter(texts: &[Box<str>]) -> Vec<Option<usize>> {
    let mut open: Vec<usize> = Vec::new();
    let mut shorter = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        while open.last().and_then(|last| texts.get(*last)).is_some_and(|last| !text.starts_with(&**last)) {
            open.pop();
        }
        shorter.push(open.last().copied());
        open.push(index);
    }
    shorter
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn known(texts: &[String]) -> Known {
        let mut texts: Vec<Box<str>> = texts.iter().map(|text| text.as_str().into()).collect();
        texts.sort_unstable();
        texts.dedup();
        Known::new(texts).unwrap()
    }

    fn one(place: Range<usize>) -> Vec<Range<usize>> {
        std::iter::once(place).collect()
    }

    /// What is meant, place by place.
    fn naive(texts: &[String], within: &str) -> Vec<Range<usize>> {
        let (mut found, mut at) = (Vec::new(), 0);
        while at < within.len() {
            let rest = &within.as_bytes()[at..];
            let longest = texts.iter().filter(|text| rest.starts_with(text.as_bytes())).map(String::len).max();
            found.extend(longest.map(|length| at..at + length));
            at += longest.unwrap_or(1);
        }
        found
    }

    /// The whole texts in one automaton.
    fn whole(texts: &[String], within: &str) -> Vec<Range<usize>> {
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(texts).unwrap();
        automaton.find_iter(within).map(|found| found.range()).collect()
    }

    /// Texts of a few pieces: equal for a while, then not, some the beginning or the end of others.
    fn texts() -> impl Strategy<Value = Vec<String>> {
        let piece = prop::sample::select(vec!["a", "b", "ä", "aaaaaaaaaaaaaaa", "abababababababa", "0123456789abcdef"]);
        let text = prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat());
        prop::collection::vec(text, 1..8)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]
        #[test]
        fn what_is_found_is_what_a_search_for_the_whole_texts_finds(
            texts in texts(),
            parts in prop::collection::vec((0..8_usize, 0..100_usize, 0..100_usize), 1..6),
        ) {
            let mut within = String::new();
            for (which, from, to) in parts {
                // A part of a text, or all of it.
                let text = &texts[which % texts.len()];
                let cut = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
                within.push_str(text.get(cut(from / 4)..cut(to)).unwrap_or(text));
            }
            let found = known(&texts).places(&within).unwrap();
            prop_assert_eq!(&found, &naive(&texts, &within));
            prop_assert_eq!(&found, &whole(&texts, &within));
        }
    }

    #[test]
    fn an_automaton_holds_beginnings_only() {
        let digits = |n: usize| format!("{n:06}");
        let long: Vec<String> = (0..200).map(|n| digits(n).repeat(700)).collect();
        let short: Vec<String> = (0..200).map(|n| digits(n).repeat(8)).collect();
        let of = |texts: &[String]| known(texts).beginnings.memory_usage();
        assert_eq!(of(&long), of(&short), "it does not grow with what the texts hold");
        assert!(of(&long) < 200 * BEGINNING * 200, "{}", of(&long));
        let within = format!("x{}x{}", &long[7][..4199], long[7]);
        assert_eq!(known(&long).places(&within), Some(one(4201..8401)));
    }

    #[test]
    fn a_text_that_takes_too_long_is_given_up() {
        let secret = |end: &str| vec![format!("{}{end}", "m".repeat(8000))];
        for end in ["a", "z"] {
            let known = known(&secret(end));
            assert_eq!(known.places(&"m".repeat(200_000)), None, "{end}");
            let within = format!("{}{end} {}", "m".repeat(8000), "other ".repeat(100_000));
            assert_eq!(known.places(&within), Some(one(0..8001)));
        }
    }
}
