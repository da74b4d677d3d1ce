//! Go's grammar of regular expressions, read into what the engine compiles.
//!
//! Source: Go 1.26, `regexp/syntax`, `Parse` with the flags of `regexp.Compile` (`syntax.Perl`).

use regex_syntax::hir::{Capture, Class, Hir, Look, Repetition};

use super::class::{self, ClassBuilder};
use super::{MAX_SIZE, PatternError, PatternErrorKind, unicode};

mod escape;
mod group;
mod node;

use node::{Frame, Node};

/// How deep groups and repetitions may be nested, far less than Go's 1,000: the engine recurses over them, by some 12 KiB of
/// stack a level in a build without optimisation, and threads have 2 MiB.
const MAX_DEPTH: usize = 100;
/// How many ranges of characters all classes together may have. `\pL` has some 650.
const MAX_RANGES: usize = 100_000;
/// How often what is innermost may be repeated by all repetitions around it.
const MAX_REPEAT: u32 = 1_000;

/// A pattern that was read.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) hir: Hir,
    /// The names of the groups, empty for those without, the whole match first.
    pub(super) names: Vec<String>,
    /// How many instructions it has.
    pub(super) size: usize,
}

/// Reads a pattern.
pub(super) fn parse(text: &str) -> Result<Parsed, PatternError> {
    let mut parser = Parser {
        text,
        at: 0,
        flags: Flags::default(),
        frames: vec![Frame::default()],
        names: vec![String::new()],
        ranges: 0,
    };
    // The last operator of repetition, if nothing is between it and here.
    let mut last_repeat = None;
    while let Some(c) = parser.peek() {
        let at = parser.at;
        let repeated = parser.step(c, last_repeat)?;
        last_repeat = repeated.then_some(at);
    }
    match parser.frames.as_slice() {
        [_] => {
            let Node { hir, size, .. } = parser.close_alternatives()?;
            Ok(Parsed { hir, names: parser.names, size })
        }
        [.., open] => Err(parser.error_about(Code::MissingParen, open.offset, text)),
        [] => Err(parser.error_about(Code::UnexpectedParen, 0, text)),
    }
}

/// What can be wrong (`ErrorCode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    CharRange,
    Escape,
    NamedCapture,
    PerlOp,
    RepeatOp,
    RepeatSize,
    MissingBracket,
    MissingParen,
    MissingRepeatArgument,
    TrailingBackslash,
    UnexpectedParen,
}

impl Code {
    const fn words(self) -> &'static str {
        match self {
            Self::CharRange => "invalid character class range",
            Self::Escape => "invalid escape sequence",
            Self::NamedCapture => "invalid named capture",
            Self::PerlOp => "invalid or unsupported Perl syntax",
            Self::RepeatOp => "invalid nested repetition operator",
            Self::RepeatSize => "invalid repeat count",
            Self::MissingBracket => "missing closing ]",
            Self::MissingParen => "missing closing )",
            Self::MissingRepeatArgument => "missing argument to repetition operator",
            Self::TrailingBackslash => "trailing backslash at end of expression",
            Self::UnexpectedParen => "unexpected )",
        }
    }
}

/// What `(?imsU)` sets.
#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    fold_case: bool,
    multi_line: bool,
    dot_matches_newline: bool,
    swap_greed: bool,
}

#[derive(Debug)]
struct Parser<'p> {
    text: &'p str,
    at: usize,
    flags: Flags,
    frames: Vec<Frame>,
    names: Vec<String>,
    ranges: usize,
}

impl<'p> Parser<'p> {
    fn rest(&self) -> &'p str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Takes a prefix off.
    fn eat(&mut self, prefix: &str) -> bool {
        let there = self.rest().starts_with(prefix);
        if there {
            self.at += prefix.len();
        }
        there
    }

    /// An error about the text from a place to here.
    fn error(&self, code: Code, from: usize) -> PatternError {
        self.error_about(code, from, self.text.get(from..self.at).unwrap_or_default())
    }

    /// An error at a place, in Go's words.
    fn error_about(&self, code: Code, offset: usize, about: &str) -> PatternError {
        let message = format!("{}: `{about}`", code.words());
        PatternError { offset, message, kind: PatternErrorKind::Syntax }
    }

    fn too_large(&self, message: &str) -> PatternError {
        PatternError { offset: self.at, message: message.to_owned(), kind: PatternErrorKind::TooLarge }
    }

    /// Reads one element. Says whether it was a repetition.
    fn step(&mut self, c: char, last_repeat: Option<usize>) -> Result<bool, PatternError> {
        let start = self.at;
        match c {
            '(' => self.open()?,
            '|' => {
                self.at += 1;
                self.close_sequence();
            }
            ')' => self.close()?,
            '^' => self.look(1, if self.flags.multi_line { Look::StartLF } else { Look::Start })?,
            '$' => self.look(1, if self.flags.multi_line { Look::EndLF } else { Look::End })?,
            '.' => {
                self.at += 1;
                let mut class = ClassBuilder::new(false);
                if !self.flags.dot_matches_newline {
                    class.range('\n'.into(), '\n'.into());
                }
                self.push_class(class.build(true))?;
            }
            '[' => self.class()?,
            '*' | '+' | '?' => {
                self.at += 1;
                let (min, max) = match c {
                    '*' => (0, None),
                    '+' => (1, None),
                    _ => (0, Some(1)),
                };
                self.repeat(start, min, max, false, last_repeat)?;
                return Ok(true);
            }
            '{' => {
                let Some((min, max)) = self.counts() else {
                    self.at = start + 1;
                    self.literal('{')?;
                    return Ok(false);
                };
                let most = max.unwrap_or(min);
                if min > MAX_REPEAT || most > MAX_REPEAT || min > most {
                    return Err(self.error(Code::RepeatSize, start));
                }
                self.repeat(start, min, max, true, last_repeat)?;
                return Ok(true);
            }
            '\\' => self.backslash()?,
            c => {
                self.at += c.len_utf8();
                self.literal(c)?;
            }
        }
        Ok(false)
    }

    /// Reads an element that begins with a backslash.
    fn backslash(&mut self) -> Result<(), PatternError> {
        let start = self.at;
        match self.rest().chars().nth(1) {
            Some('A') => self.look(2, Look::Start),
            Some('z') => self.look(2, Look::End),
            Some('b') => self.look(2, Look::WordAscii),
            Some('B') => self.look(2, Look::WordAsciiNegate),
            Some('C') => {
                self.at += 2;
                Err(self.error(Code::Escape, start))
            }
            Some('Q') => {
                self.at += 2;
                let (quoted, skip) = match self.rest().split_once("\\E") {
                    Some((quoted, _)) => (quoted, 2),
                    None => (self.rest(), 0),
                };
                self.at += quoted.len() + skip;
                quoted.chars().try_for_each(|c| self.literal(c))
            }
            _ => {
                let mut class = ClassBuilder::new(self.flags.fold_case);
                if self.class_escape(&mut class)? {
                    return self.push_class(class.build(false));
                }
                match char::from_u32(self.escape()?) {
                    Some(c) => self.literal(c),
                    // A surrogate is no character of a text.
                    None => self.push(Node::leaf(Hir::fail())),
                }
            }
        }
    }

    /// Adds an element to what is read.
    fn push(&mut self, node: Node) -> Result<(), PatternError> {
        self.check(&node)?;
        if let Some(frame) = self.frames.last_mut() {
            frame.sequence.push(node);
        }
        Ok(())
    }

    fn check(&self, node: &Node) -> Result<(), PatternError> {
        if node.depth > MAX_DEPTH {
            return Err(self.too_large("expression nests too deeply"));
        }
        if node.size > MAX_SIZE { Err(self.too_large("expression too large")) } else { Ok(()) }
    }

    /// Adds an assertion that is written in so many octets.
    fn look(&mut self, octets: usize, look: Look) -> Result<(), PatternError> {
        self.at += octets;
        self.push(Node::leaf(Hir::look(look)))
    }

    fn literal(&mut self, c: char) -> Result<(), PatternError> {
        if self.flags.fold_case {
            let mut class = ClassBuilder::new(true);
            class.range(c.into(), c.into());
            return self.push_class(class.build(false));
        }
        self.push(Node::leaf(Hir::literal(c.encode_utf8(&mut [0; 4]).as_bytes())))
    }

    fn push_class(&mut self, class: regex_syntax::hir::ClassUnicode) -> Result<(), PatternError> {
        self.count_ranges(class.ranges().len())?;
        self.push_merged(class)
    }

    /// Adds a class whose ranges were counted.
    fn push_merged(&mut self, class: regex_syntax::hir::ClassUnicode) -> Result<(), PatternError> {
        self.push(Node::leaf(Hir::class(Class::Unicode(class))))
    }

    fn count_ranges(&mut self, more: usize) -> Result<(), PatternError> {
        self.ranges += more;
        if self.ranges > MAX_RANGES { Err(self.too_large("expression too large")) } else { Ok(()) }
    }

    /// Repeats the last element.
    fn repeat(
        &mut self,
        start: usize,
        min: u32,
        max: Option<u32>,
        counted: bool,
        last_repeat: Option<usize>,
    ) -> Result<(), PatternError> {
        let lazy = self.eat("?");
        if let Some(last) = last_repeat {
            return Err(self.error(Code::RepeatOp, last));
        }
        let Some(node) = self.frames.last_mut().and_then(|frame| frame.sequence.pop()) else {
            return Err(self.error(Code::MissingRepeatArgument, start));
        };
        let mut repeats = node.repeats;
        if counted {
            match max.unwrap_or(min) {
                0 if max.is_some() => repeats = 1,
                times => repeats = repeats.saturating_mul(times.max(1)),
            }
            if (min >= 2 || max.is_some_and(|max| max >= 2)) && repeats > MAX_REPEAT {
                return Err(self.error(Code::RepeatSize, start));
            }
        }
        let (least, size) = (min as usize, node.size);
        let size = match max {
            None if least == 0 => size + 2,
            None => least.saturating_mul(size) + 1,
            Some(most) => (most as usize).saturating_mul(size) + (most as usize - least),
        };
        let greedy = lazy == self.flags.swap_greed;
        let hir = Hir::repetition(Repetition { min, max, greedy, sub: Box::new(node.hir) });
        self.push(Node { hir, repeats, depth: node.depth + 1, size: size.max(1) })
    }

    /// Reads `{2}`, `{2,}` or `{2,3}`; anything else is literal.
    fn counts(&mut self) -> Option<(u32, Option<u32>)> {
        self.at += 1;
        let min = self.count()?;
        let max = if self.eat(",") {
            if self.rest().starts_with('}') { None } else { Some(self.count()?) }
        } else {
            Some(min)
        };
        self.eat("}").then_some((min, max))
    }

    /// Reads a number without zeros before it. One that is too large is as large as can be.
    fn count(&mut self) -> Option<u32> {
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let number = self.rest().get(..digits)?;
        if number.is_empty() || (number.len() > 1 && number.starts_with('0')) {
            return None;
        }
        self.at += digits;
        Some(number.parse().unwrap_or(u32::MAX))
    }

    /// Ends an alternative.
    fn close_sequence(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            let node = Node::join(std::mem::take(&mut frame.sequence), 0, Hir::concat);
            frame.alternatives.push(node);
        }
    }

    /// Ends the alternatives of the innermost group, which stays open.
    fn close_alternatives(&mut self) -> Result<Node, PatternError> {
        self.close_sequence();
        let alternatives = self.frames.last_mut().map(|frame| std::mem::take(&mut frame.alternatives));
        let node = Node::join(alternatives.unwrap_or_default(), 1, Hir::alternation);
        self.check(&node)?;
        Ok(node)
    }

    /// Reads a `)`.
    fn close(&mut self) -> Result<(), PatternError> {
        if self.frames.len() < 2 {
            return Err(self.error_about(Code::UnexpectedParen, self.at, self.text));
        }
        self.at += 1;
        let mut node = self.close_alternatives()?;
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        self.flags = frame.outside;
        if let Some(index) = frame.capture {
            node.hir = Hir::capture(Capture { index, name: None, sub: Box::new(node.hir) });
            node.depth += 1;
            node.size += 2;
        }
        self.push(node)
    }
}
