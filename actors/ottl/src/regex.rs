//! Regular expressions in the dialect of Go's `regexp` package (RE2), which the collector and Alloy both use.
//!
//! A pattern is read by Go's grammar and means here what it means there: what Go refuses is refused, with Go's words and
//! the place, and what both know differently is read as Go reads it (`\d`, `\w`, `\s`, `\b` and `[:alpha:]` are ASCII, `$` is
//! the end of the text, `[a&&b]` is a list of characters, `\Q...\E`, `\C`, `\z`, octal escapes, names that begin with a
//! digit). The search is that of the regex crate's engine: leftmost-first like Go's, in time linear in the text.
//!
//! What differs: texts are UTF-8 throughout, so what Go does at octets that are not does not come up; characters and
//! cases that came with Unicode 16 are known here and not to Go 1.26 (Unicode 15); and a pattern can be too large
//! ([`PatternErrorKind::TooLarge`]) that Go would take.
//!
//! Source: Go 1.26, `regexp/syntax` (grammar), `regexp` (matching, `Expand`).

mod class;
mod expand;
mod parse;
mod unicode;

use std::ops::Range;

use regex_automata::Input;
use regex_automata::meta::Regex;
use regex_automata::util::captures::Captures as Slots;
use regex_syntax::hir::{Hir, HirKind, Repetition};

/// The longest pattern, in octets.
pub const MAX_PATTERN_BYTES: usize = 16 << 10;

/// The most instructions of a pattern, counted as Go does with all repetitions written out. Without repetitions a pattern
/// does not come to so many. Go's own bound is 3 million; here a search must end while somebody waits for it.
pub const MAX_SIZE: usize = 20_000;

/// How much memory the states of a pattern may take: what the regex crate allows by itself.
const MAX_STATES_BYTES: usize = 10 << 20;

/// A compiled regular expression.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    names: Vec<String>,
    size: usize,
    least: usize,
    reach: Option<usize>,
    regex: Regex,
}

/// What is known of a pattern that was not compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// As [`Pattern::names`].
    pub names: Vec<String>,
    /// As [`Pattern::least`].
    pub least: usize,
}

/// Why a pattern is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PatternError {
    /// Where in the pattern it is wrong, in octets.
    pub offset: usize,
    /// What is wrong, in Go's words.
    pub message: String,
    /// Whether it is wrong in Go as well.
    pub kind: PatternErrorKind,
}

/// Whether a collector would take a pattern that is refused here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternErrorKind {
    /// Not a regular expression of Go.
    Syntax,
    /// Beyond a bound that holds here only; a collector may well take it.
    TooLarge,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// It is not a regular expression of Go, or too large to be searched for here.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let parse::Parsed { hir, names, size } = read(text)?;
        let least = hir.properties().minimum_len().unwrap_or_default();
        let reach = reach(&hir);
        let config = Regex::config().nfa_size_limit(Some(MAX_STATES_BYTES));
        let regex = Regex::builder().configure(config).build_from_hir(&hir);
        let regex = regex.map_err(|_| too_large())?;
        Ok(Self { text: text.to_owned(), names, size, least, reach, regex })
    }

    /// Reads a pattern without compiling it, which takes far less time and memory. What compiles is found to be right here;
    /// what is right can be too large nevertheless.
    ///
    /// # Errors
    /// As [`Pattern::new`].
    pub fn check(text: &str) -> Result<Shape, PatternError> {
        let parse::Parsed { hir, names, .. } = read(text)?;
        Ok(Shape { names, least: hir.properties().minimum_len().unwrap_or_default() })
    }

    /// The fewest octets that a match has; 0 for one that also finds nothing at all, between any two characters.
    #[must_use]
    pub const fn least(&self) -> usize {
        self.least
    }

    /// The pattern as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names of the groups in order, empty for those without (`SubexpNames`). The first stands for the whole match and
    /// has none. Go lets several groups have one name.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// How many instructions the pattern has, for those who must bound what searches cost: one search takes at most about
    /// this many steps (of some nanoseconds) for each octet of the text, and [`Pattern::matches`] is as many searches as there
    /// are matches, each of which may go to the end of the text.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size
    }

    /// How much memory the pattern takes, in octets, without what searches take for themselves.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.regex.memory_usage()
    }

    /// What finding all matches of a text costs: together the searches look twice at each octet, and once more at so many for
    /// each match. `None` where each search may go to the end of the text: `a.*z|a` looks for a `z` behind each `a`.
    #[must_use]
    pub const fn reach(&self) -> Option<usize> {
        self.reach
    }

    /// Whether the pattern is found in a text (`MatchString`).
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// The first match in a text (`FindStringSubmatchIndex`).
    #[must_use]
    pub fn captures<'t>(&self, text: &'t str) -> Option<Captures<'t>> {
        self.search(text, 0, &mut self.regex.create_captures())
    }

    /// All matches in a text, one behind the other (`FindAllStringSubmatchIndex`). An empty one right behind another is none.
    pub fn matches<'p, 't>(&'p self, text: &'t str) -> impl Iterator<Item = Captures<'t>> + use<'p, 't> {
        let mut slots = self.regex.create_captures();
        let mut from = 0;
        let mut last_end = None;
        std::iter::from_fn(move || {
            loop {
                let found = self.search(text, from, &mut slots)?;
                let Range { start, end } = found.range();
                // Past an empty match by one character; past the end of the text nothing is found.
                from = if end > from { end } else { end + text.get(end..)?.chars().next().map_or(1, char::len_utf8) };
                let again = start == end && last_end == Some(end);
                last_end = Some(end);
                if !again {
                    return Some(found);
                }
            }
        })
    }

    /// Puts a template in place of every match (`ReplaceAllString`). In the template `$1`, `${1}`, `$name`, `${name}` are
    /// groups and `$$` is `$`; a name is as long as can be, so `$1x` is the group `1x`. What is no group is empty.
    #[must_use]
    pub fn replace_all(&self, text: &str, template: &str) -> String {
        self.replace_all_with(text, |found, into| self.expand(template, found, into))
    }

    /// Puts what `replace` writes in place of every match.
    #[must_use]
    pub fn replace_all_with(&self, text: &str, mut replace: impl FnMut(&Captures<'_>, &mut String)) -> String {
        let mut replaced = String::with_capacity(text.len());
        let mut copied = 0;
        for found in self.matches(text) {
            let Range { start, end } = found.range();
            replaced.push_str(text.get(copied..start).unwrap_or_default());
            replace(&found, &mut replaced);
            copied = end;
        }
        replaced.push_str(text.get(copied..).unwrap_or_default());
        replaced
    }

    /// Writes a template with the groups of a match (`ExpandString`).
    pub fn expand(&self, template: &str, found: &Captures<'_>, into: &mut String) {
        expand::expand(template, &self.names, found, into);
    }

    /// Searches from a place on; what is before it is seen by `^` and `\b`.
    fn search<'t>(&self, text: &'t str, from: usize, slots: &mut Slots) -> Option<Captures<'t>> {
        if from > text.len() {
            return None;
        }
        self.regex.search_captures(&Input::new(text).range(from..), slots);
        let whole = slots.get_group(0)?;
        // A group that is repeated no times, as in `(a){0}`, is no part of the compiled pattern.
        let groups = (0..self.names.len()).map(|group| slots.get_group(group).map(Range::from)).collect();
        Some(Captures { text, whole: whole.into(), groups })
    }
}

/// Reads a pattern that is not too long.
fn read(text: &str) -> Result<parse::Parsed, PatternError> {
    if text.len() > MAX_PATTERN_BYTES {
        return Err(too_large());
    }
    parse::parse(text)
}

/// How far behind a match an expression may look, beyond what the next match passes over.
///
/// That is as far as what is bounded in it is long in two cases. In one, all else is a repetition at its end: each round of
/// it is part of the match. In the other, all else are repetitions of one character: while a search goes on in one of them
/// behind a match, no other match can end, or it would have ended there itself, in place of the match that it found.
fn reach(hir: &Hir) -> Option<usize> {
    match hir.kind() {
        _ if hir.properties().maximum_len().is_some() => hir.properties().maximum_len(),
        HirKind::Capture(capture) => reach(&capture.sub),
        HirKind::Concat(parts) => {
            let (last, before) = parts.split_last()?;
            let before = before.iter().map(steps).sum::<Option<usize>>()?;
            Some(before.saturating_add(steps(last).or_else(|| tail(last))?))
        }
        _ => tail(hir),
    }
}

/// The first case.
fn tail(hir: &Hir) -> Option<usize> {
    let bounded = |hir: &Hir| hir.properties().maximum_len();
    match hir.kind() {
        _ if bounded(hir).is_some() => bounded(hir),
        HirKind::Capture(capture) => tail(&capture.sub),
        HirKind::Repetition(repetition) => Some(bounded(&repetition.sub)?.saturating_mul(rounds(repetition))),
        HirKind::Concat(parts) => {
            let (last, before) = parts.split_last()?;
            let before = before.iter().map(bounded).sum::<Option<usize>>()?;
            Some(before.saturating_add(tail(last)?))
        }
        HirKind::Alternation(parts) => parts.iter().map(tail).try_fold(0, |most, part| Some(most.max(part?))),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => None,
    }
}

/// The second case.
fn steps(hir: &Hir) -> Option<usize> {
    match hir.kind() {
        _ if hir.properties().maximum_len().is_some() => hir.properties().maximum_len(),
        HirKind::Capture(capture) => steps(&capture.sub),
        HirKind::Concat(parts) => parts.iter().map(steps).sum(),
        HirKind::Repetition(repetition) => {
            let is_character = match repetition.sub.kind() {
                HirKind::Class(_) => true,
                HirKind::Literal(literal) => str::from_utf8(&literal.0).is_ok_and(|text| text.chars().count() == 1),
                _ => false,
            };
            is_character.then(|| rounds(repetition).saturating_mul(4))
        }
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) | HirKind::Alternation(_) => None,
    }
}

/// How many rounds must be before what follows can be.
fn rounds(repetition: &Repetition) -> usize {
    usize::try_from(repetition.min).unwrap_or(usize::MAX).max(1)
}

fn too_large() -> PatternError {
    PatternError { offset: 0, message: "expression too large".to_owned(), kind: PatternErrorKind::TooLarge }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

/// A match, with what its groups matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captures<'t> {
    text: &'t str,
    whole: Range<usize>,
    groups: Vec<Option<Range<usize>>>,
}

impl<'t> Captures<'t> {
    /// Where the match is in the text, in octets.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.whole.clone()
    }

    /// How many groups the pattern has, with the whole match as one.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.groups.len()
    }

    /// Always false: the whole match is a group.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// What a group matched, the whole match for 0; `None` for one that took no part.
    #[must_use]
    pub fn get(&self, group: usize) -> Option<&'t str> {
        self.text.get(self.group_range(group)?)
    }

    /// Where a group matched in the text, in octets.
    #[must_use]
    pub fn group_range(&self, group: usize) -> Option<Range<usize>> {
        self.groups.get(group)?.clone()
    }
}

#[cfg(test)]
mod tests;
