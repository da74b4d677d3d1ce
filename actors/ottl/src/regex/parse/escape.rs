//! Escapes, and classes in brackets.

use super::{ClassBuilder, Code, Parser, PatternError, class, unicode};

impl Parser<'_> {
    /// Reads a class in brackets.
    pub(super) fn class(&mut self) -> Result<(), PatternError> {
        let start = self.at;
        self.at += 1;
        let negated = self.eat("^");
        let mut builder = ClassBuilder::new(self.flags.fold_case);
        // A `]` that comes first stands for itself.
        let mut first = true;
        let mut counted = 0;
        while first || !self.rest().starts_with(']') {
            first = false;
            // Counted before they are merged, which takes time and memory for each.
            self.count_ranges(builder.len() - counted)?;
            counted = builder.len();
            if self.named_class(&mut builder)? || self.class_escape(&mut builder)? {
                continue;
            }
            let range = self.at;
            let low = self.class_char(start)?;
            let mut high = low;
            // A `-` before the closing bracket stands for itself.
            let rest = self.rest();
            if rest.starts_with('-') && rest.len() > 1 && !rest.starts_with("-]") {
                self.at += 1;
                high = self.class_char(start)?;
                if high < low {
                    return Err(self.error(Code::CharRange, range));
                }
            }
            builder.range(low, high);
        }
        self.at += 1;
        self.push_merged(builder.build(negated))
    }

    /// Reads one character of a class.
    fn class_char(&mut self, start: usize) -> Result<u32, PatternError> {
        match self.peek() {
            None => Err(self.error_about(Code::MissingBracket, start, self.text.get(start..).unwrap_or_default())),
            Some('\\') => self.escape(),
            Some(c) => {
                self.at += c.len_utf8();
                Ok(c.into())
            }
        }
    }

    /// Reads a class `[:alpha:]` or `[:^alpha:]` within another, if there is one.
    fn named_class(&mut self, builder: &mut ClassBuilder) -> Result<bool, PatternError> {
        let start = self.at;
        // Without an end it is a bracket and a colon.
        let Some((name, _)) = self.rest().strip_prefix("[:").and_then(|rest| rest.split_once(":]")) else {
            return Ok(false);
        };
        self.at += name.len() + "[::]".len();
        let (name, negated) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
        let class = class::posix(name).ok_or_else(|| self.error(Code::CharRange, start))?;
        builder.class(class, negated);
        Ok(true)
    }

    /// Reads a class `\d`, `\pL` or `\p{Greek}`, if there is one.
    pub(super) fn class_escape(&mut self, builder: &mut ClassBuilder) -> Result<bool, PatternError> {
        let start = self.at;
        let mut chars = self.rest().chars();
        let (Some('\\'), Some(letter)) = (chars.next(), chars.next()) else { return Ok(false) };
        if let Some((class, negated)) = class::perl(letter) {
            self.at += 2;
            builder.class(class, negated);
            return Ok(true);
        }
        if !matches!(letter, 'p' | 'P') {
            return Ok(false);
        }
        self.at += 2;
        let name = match self.next() {
            Some('{') => {
                let Some((name, _)) = self.rest().split_once('}') else {
                    return Err(self.error_about(Code::CharRange, start, self.text.get(start..).unwrap_or_default()));
                };
                self.at += name.len() + 1;
                name
            }
            _ => self.text.get(start + 2..self.at).unwrap_or_default(),
        };
        let (name, negated) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
        let named = unicode::named(name).ok_or_else(|| self.error(Code::CharRange, start))?;
        let negated = negated != (letter == 'P');
        if named.folds {
            builder.class(named.class, negated);
        } else {
            builder.exactly(named.class, negated);
        }
        Ok(true)
    }

    /// Reads an escape that stands for one character, which may be a surrogate.
    pub(super) fn escape(&mut self) -> Result<u32, PatternError> {
        let start = self.at;
        self.at += 1;
        let Some(c) = self.next() else {
            return Err(self.error_about(Code::TrailingBackslash, start, ""));
        };
        let is_octal = |c: Option<char>| c.is_some_and(|c| matches!(c, '0'..='7'));
        match c {
            'a' => Ok(7),
            'f' => Ok(12),
            'n' => Ok(10),
            'r' => Ok(13),
            't' => Ok(9),
            'v' => Ok(11),
            'x' => self.hexadecimal(start),
            // One digit that is not 0 would be a reference to a group, which there is none of.
            '0'..='7' if c == '0' || is_octal(self.peek()) => {
                let mut value = c.to_digit(8).unwrap_or_default();
                for _ in 0..2 {
                    let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else { break };
                    self.at += 1;
                    value = 8 * value + digit;
                }
                Ok(value)
            }
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Ok(c.into()),
            _ => Err(self.error(Code::Escape, start)),
        }
    }

    /// Reads two digits, or any number of them in braces.
    fn hexadecimal(&mut self, start: usize) -> Result<u32, PatternError> {
        let digit = |c: Option<char>| c.and_then(|c| c.to_digit(16));
        let first = self.next();
        if first != Some('{') {
            let (first, second) = (digit(first), digit(self.next()));
            return first.zip(second).map(|(a, b)| 16 * a + b).ok_or_else(|| self.error(Code::Escape, start));
        }
        let mut value = None;
        loop {
            match (self.next(), value) {
                (Some('}'), Some(value)) => return Ok(value),
                (c, before) => {
                    value = digit(c).map(|digit| 16 * before.unwrap_or(0) + digit);
                    if value.is_none_or(|value| value > u32::from(char::MAX)) {
                        return Err(self.error(Code::Escape, start));
                    }
                }
            }
        }
    }
}
