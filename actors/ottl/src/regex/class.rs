//! Classes of characters: `[a-z]`, `\d`, `[:alpha:]`.
//!
//! Source: Go 1.26, `regexp/syntax`, `parseClass`, `perl_groups.go`.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::unicode;

/// A class while it is read.
#[derive(Debug, Default)]
pub(super) struct ClassBuilder {
    ranges: Vec<ClassUnicodeRange>,
    fold: bool,
}

impl ClassBuilder {
    pub(super) const fn new(fold: bool) -> Self {
        Self { ranges: Vec::new(), fold }
    }

    /// Adds a range, of which surrogates are no part.
    pub(super) fn range(&mut self, low: u32, high: u32) {
        let mut class = ClassUnicode::new(scalars(low, high));
        if self.fold {
            unicode::fold(&mut class);
        }
        self.ranges.extend_from_slice(class.ranges());
    }

    /// Adds a class, or with `negated` what is not in it. Case is let go first, so that what differs in case only from what is
    /// in the class is not in its negation.
    pub(super) fn class(&mut self, mut class: ClassUnicode, negated: bool) {
        if self.fold {
            unicode::fold(&mut class);
        }
        self.exactly(class, negated);
    }

    /// Adds a class in which case matters even where it does not otherwise.
    pub(super) fn exactly(&mut self, mut class: ClassUnicode, negated: bool) {
        if negated {
            class.negate();
        }
        self.ranges.extend_from_slice(class.ranges());
    }

    /// How many ranges were added.
    pub(super) const fn len(&self) -> usize {
        self.ranges.len()
    }

    /// The class, or with `negated` what is not in it.
    pub(super) fn build(self, negated: bool) -> ClassUnicode {
        let mut class = ClassUnicode::new(self.ranges);
        if negated {
            class.negate();
        }
        class
    }
}

/// A range without the surrogates, which no text in UTF-8 holds.
fn scalars(low: u32, high: u32) -> impl Iterator<Item = ClassUnicodeRange> {
    let below = (low, high.min(0xD7FF));
    let above = (low.max(0xE000), high);
    [below, above]
        .into_iter()
        .filter(|(low, high)| low <= high)
        .filter_map(|(low, high)| Some(ClassUnicodeRange::new(char::from_u32(low)?, char::from_u32(high)?)))
}

/// The class of an escape `\d`, `\s`, `\w` or one of the same in upper case, which negates.
pub(super) fn perl(letter: char) -> Option<(ClassUnicode, bool)> {
    let ranges: &[_] = match letter.to_ascii_lowercase() {
        'd' => &[('0', '9')],
        // Without the vertical tab, which `[:space:]` has.
        's' => &[('\t', '\n'), ('\x0c', '\r'), (' ', ' ')],
        'w' => WORD,
        _ => return None,
    };
    Some((class(ranges), letter.is_ascii_uppercase()))
}

const WORD: &[(char, char)] = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];

/// The class `[:name:]`.
pub(super) fn posix(name: &str) -> Option<ClassUnicode> {
    let ranges: &[_] = match name {
        "alnum" => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        "alpha" => &[('A', 'Z'), ('a', 'z')],
        "ascii" => &[('\0', '\x7f')],
        "blank" => &[('\t', '\t'), (' ', ' ')],
        "cntrl" => &[('\0', '\x1f'), ('\x7f', '\x7f')],
        "digit" => &[('0', '9')],
        "graph" => &[('!', '~')],
        "lower" => &[('a', 'z')],
        "print" => &[(' ', '~')],
        "punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "space" => &[('\t', '\r'), (' ', ' ')],
        "upper" => &[('A', 'Z')],
        "word" => WORD,
        "xdigit" => &[('0', '9'), ('A', 'F'), ('a', 'f')],
        _ => return None,
    };
    Some(class(ranges))
}

fn class(ranges: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(ranges.iter().map(|(low, high)| ClassUnicodeRange::new(*low, *high)))
}
