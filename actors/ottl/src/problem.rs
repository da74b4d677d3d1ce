//! What is wrong with a text, and where.

use std::fmt;

/// A place in a text, as an operator counts it and as a program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Octets before it.
    pub offset: usize,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
}

impl Position {
    /// The position of an octet of a text; the end of the text when there is no such octet.
    #[must_use]
    pub fn of(text: &str, offset: usize) -> Self {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = text.get(..offset).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let line = before.bytes().filter(|octet| *octet == b'\n').count() + 1;
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        Self { offset, line, column }
    }
}

/// Something wrong with a text, in words for an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it begins.
    pub position: Position,
    /// What is wrong, and what was expected.
    pub message: String,
    /// What may have been meant.
    pub suggestion: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.position.line, self.position.column, self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, " (did you mean `{suggestion}`?)"),
            None => Ok(()),
        }
    }
}

/// A problem at an octet of a text that its finder does not have at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) offset: usize,
    pub(crate) message: String,
    pub(crate) suggestion: Option<String>,
}

impl Finding {
    pub(crate) fn new(offset: usize, message: impl Into<String>) -> Self {
        Self { offset, message: short(message.into()), suggestion: None }
    }

    pub(crate) fn suggest(mut self, suggestion: Option<impl Into<String>>) -> Self {
        self.suggestion = suggestion.map(|suggestion| short(suggestion.into()));
        self
    }

    pub(crate) fn within(self, text: &str) -> Problem {
        Problem { position: Position::of(text, self.offset), message: self.message, suggestion: self.suggestion }
    }
}

/// The findings as problems of a text, in the order of the text, no more than an answer should carry.
pub(crate) fn problems(mut findings: Vec<Finding>, text: &str) -> Vec<Problem> {
    /// More than these help nobody.
    const MOST: usize = 50;

    findings.sort_by_key(|finding| finding.offset);
    findings.truncate(MOST);
    findings.into_iter().map(|finding| finding.within(text)).collect()
}

/// What is said of a text, without most of what is long in it: its beginning and its end.
pub(crate) fn short(said: String) -> String {
    const FIRST: usize = 200;
    const LAST: usize = 100;

    let Some((end, _)) = said.char_indices().nth(FIRST) else { return said };
    let Some((start, _)) = said.char_indices().rev().nth(LAST - 1).filter(|(start, _)| *start > end) else {
        return said;
    };
    format!("{}…{}", said.get(..end).unwrap_or_default(), said.get(start..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_lines_from_one() {
        let text = "a\nµ = é";
        let at = |offset| {
            let Position { offset, line, column } = Position::of(text, offset);
            (offset, line, column)
        };
        assert_eq!(at(0), (0, 1, 1));
        assert_eq!(at(2), (2, 2, 1));
        assert_eq!(at(4), (4, 2, 2), "µ takes two octets and is one character");
        assert_eq!(at(3), (2, 2, 1), "within a character is its beginning");
        assert_eq!(at(99), (9, 2, 6), "behind the end is the end");
    }
}
