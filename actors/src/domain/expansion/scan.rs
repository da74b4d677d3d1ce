//! Where flow collections begin and end in a YAML text, without making anything of it.
//!
//! For each token the parser (libyaml) looks at every bracket that is open, and each time that a text within goes on
//! behind blanks it clears the longest run of blanks that the text had so far: both take time that is quadratic in the
//! size of a hostile text. This finds out beforehand how many brackets will be open, and how much will be cleared, in
//! time that is linear.
//!
//! What is a bracket and what is text is the parser's own idea, down to where it departs from the specification, so
//! this follows its scanner: indentation, which ends plain and block scalars; the simple key, which decides on
//! indentation; and quotes, comments, anchors, tags. What the parser refuses is read on in some way: it is refused anyway.

use std::ops::Range;

/// What the parser will do of what can take long.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    /// The most brackets that are open at one time.
    pub(super) depth: usize,
    /// Bytes that are cleared.
    pub(super) cleared: u64,
    /// `%TAG` and other directives: each is compared with all.
    pub(super) directives: usize,
}

/// A key that stands on one line is at most so long, in bytes.
const LONGEST_KEY: usize = 1024;

/// Looks through a text.
pub(super) fn work(text: &str) -> Work {
    let mut scanner = Scanner::new(text);
    while scanner.token() {}
    scanner.work
}

/// The first tag that is none of these, as it is written.
pub(super) fn tag_besides<'t>(text: &'t str, known: &[&str]) -> Option<&'t str> {
    let mut scanner = Scanner::new(text);
    loop {
        let is_more = scanner.token();
        let tag = scanner.tag.take().and_then(|range| std::str::from_utf8(scanner.text.get(range)?).ok());
        if let Some(tag) = tag.filter(|tag| !known.contains(tag)) {
            return Some(tag);
        }
        if !is_more {
            return None;
        }
    }
}

struct Scanner<'a> {
    text: &'a [u8],
    /// In bytes.
    at: usize,
    line: usize,
    /// In characters.
    column: i64,
    /// Where the block collection stands that is open, -1 outside of all.
    indent: i64,
    /// Those around it.
    indents: Vec<i64>,
    /// How many brackets are open.
    level: usize,
    /// What may be a key outside of all brackets, once a colon follows.
    key: Option<Key>,
    is_key_allowed: bool,
    /// Where the tag stands that was read last.
    tag: Option<Range<usize>>,
    work: Work,
}

struct Key {
    at: usize,
    line: usize,
    column: i64,
}

/// Counts what a scalar lets the parser clear.
#[derive(Default)]
struct Runs {
    longest: usize,
}

impl Runs {
    fn add(&mut self, length: usize, work: &mut Work) {
        self.longest = self.longest.max(length);
        // Buffers begin with 16 bytes and double. A run is cleared once, and line breaks once more.
        work.cleared = work.cleared.saturating_add(4 * self.longest as u64 + 64);
    }
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text: text.as_bytes(),
            at: 0,
            line: 0,
            column: 0,
            indent: -1,
            indents: Vec::new(),
            level: 0,
            key: None,
            is_key_allowed: true,
            tag: None,
            work: Work::default(),
        }
    }
}

impl Scanner<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        // The end of the text and NUL, which no text may hold, are the same to the parser.
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn is(&self, byte: u8) -> bool {
        self.peek(0) == byte
    }

    fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.peek(ahead), b' ' | b'\t')
    }

    /// How long the line break is that stands there; 0 when none does.
    fn line_break(&self, ahead: usize) -> usize {
        match self.peek(ahead) {
            b'\r' if self.peek(ahead + 1) == b'\n' => 2,
            b'\r' | b'\n' => 1,
            0xc2 if self.peek(ahead + 1) == 0x85 => 2,
            0xe2 if self.peek(ahead + 1) == 0x80 && matches!(self.peek(ahead + 2), 0xa8 | 0xa9) => 3,
            _ => 0,
        }
    }

    fn is_break_or_end(&self, ahead: usize) -> bool {
        self.peek(ahead) == 0 || self.line_break(ahead) > 0
    }

    fn is_gap(&self, ahead: usize) -> bool {
        self.is_blank(ahead) || self.is_break_or_end(ahead)
    }

    fn is_document_indicator(&self) -> bool {
        let starts = |three: &[u8]| self.text.get(self.at..).is_some_and(|rest| rest.starts_with(three));
        self.column == 0 && (starts(b"---") || starts(b"...")) && self.is_gap(3)
    }

    /// Goes on by a character that is no line break.
    fn skip(&mut self) {
        self.at += match self.peek(0) {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0.. => 4,
            _ => 1,
        };
        self.column += 1;
    }

    fn skip_line(&mut self) {
        let length = self.line_break(0);
        if length > 0 {
            self.at += length;
            self.line += 1;
            self.column = 0;
        }
    }

    fn skip_while(&mut self, belongs: impl Fn(u8) -> bool) {
        while !self.is(0) && belongs(self.peek(0)) {
            self.skip();
        }
    }

    fn skip_to_break(&mut self) {
        while !self.is_break_or_end(0) {
            self.skip();
        }
    }

    fn skip_to_token(&mut self) {
        loop {
            if self.column == 0 && self.text.get(self.at..).is_some_and(|rest| rest.starts_with(b"\xef\xbb\xbf")) {
                self.skip();
            }
            let tabs = self.level > 0 || !self.is_key_allowed;
            self.skip_while(|byte| byte == b' ' || tabs && byte == b'\t');
            if self.is(b'#') {
                self.skip_to_break();
            }
            if self.line_break(0) == 0 {
                return;
            }
            self.skip_line();
            if self.level == 0 {
                self.is_key_allowed = true;
            }
        }
    }

    /// A block collection begins at a column, unless one does already.
    fn roll(&mut self, column: i64) {
        if self.level == 0 && self.indent < column {
            self.indents.push(self.indent);
            self.indent = column;
        }
    }

    /// Block collections end that stand further to the right.
    fn unroll(&mut self, column: i64) {
        while self.level == 0 && self.indent > column {
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    /// What begins here may be a key.
    fn save_key(&mut self) {
        if self.level == 0 && self.is_key_allowed {
            self.key = Some(Key { at: self.at, line: self.line, column: self.column });
        }
    }

    fn drop_key(&mut self) {
        if self.level == 0 {
            self.key = None;
        }
    }

    /// Reads a token. Whether there was one.
    fn token(&mut self) -> bool {
        self.skip_to_token();
        self.unroll(self.column);
        if self.is(0) {
            return false;
        }
        let is_outside = self.level == 0;
        match self.peek(0) {
            b'%' if self.column == 0 => self.directive(),
            b'-' | b'.' if self.is_document_indicator() => {
                self.unroll(-1);
                self.drop_key();
                self.is_key_allowed = false;
                (0..3).for_each(|_| self.skip());
            }
            b'[' | b'{' => {
                self.save_key();
                self.level += 1;
                self.work.depth = self.work.depth.max(self.level);
                self.is_key_allowed = true;
                self.skip();
            }
            b']' | b'}' => {
                self.drop_key();
                self.level = self.level.saturating_sub(1);
                self.is_key_allowed = false;
                self.skip();
            }
            b',' => {
                self.drop_key();
                self.is_key_allowed = true;
                self.skip();
            }
            b'-' if self.is_gap(1) => {
                self.roll(self.column);
                self.drop_key();
                self.is_key_allowed = true;
                self.skip();
            }
            b'?' if !is_outside || self.is_gap(1) => {
                self.roll(self.column);
                self.drop_key();
                self.is_key_allowed = is_outside;
                self.skip();
            }
            b':' if !is_outside || self.is_gap(1) => self.value(),
            b'*' | b'&' => {
                self.begin_scalar();
                self.skip();
                self.skip_while(is_word);
            }
            b'!' => self.tag(),
            b'|' | b'>' if is_outside => self.block_scalar(),
            b'\'' | b'"' => self.quoted(),
            b'-' => self.plain(),
            b'?' | b':' if is_outside => self.plain(),
            // Begins nothing: the parser goes no further.
            b'|' | b'>' | b'%' | b'@' | b'`' | b'\t' => self.skip(),
            _ => self.plain(),
        }
        true
    }

    fn begin_scalar(&mut self) {
        self.save_key();
        self.is_key_allowed = false;
    }

    fn directive(&mut self) {
        self.unroll(-1);
        self.drop_key();
        self.is_key_allowed = false;
        self.work.directives += 1;
        self.skip_to_break();
        self.skip_line();
    }

    fn value(&mut self) {
        if self.level > 0 {
            self.is_key_allowed = false;
        } else {
            let is_near = |key: &Key| key.line == self.line && self.at <= key.at + LONGEST_KEY;
            let key = self.key.take().filter(is_near);
            self.is_key_allowed = key.is_none();
            self.roll(key.map_or(self.column, |key| key.column));
        }
        self.skip();
    }

    fn tag(&mut self) {
        self.begin_scalar();
        let from = self.at;
        let is_whole = self.peek(1) == b'<';
        self.skip();
        if is_whole {
            self.skip();
        }
        let in_address = |byte| is_word(byte) || b";/?:@&=+$.%!~*'()".contains(&byte);
        self.skip_while(|byte| in_address(byte) || is_whole && b",[]".contains(&byte));
        if is_whole && self.is(b'>') {
            self.skip();
        }
        self.tag = Some(from..self.at);
    }

    fn plain(&mut self) {
        self.begin_scalar();
        let indent = self.indent + 1;
        let mut is_line_new = false;
        let mut runs = Runs::default();
        let is_flow = |byte| matches!(byte, b',' | b'[' | b']' | b'{' | b'}');
        loop {
            if self.is_document_indicator() || self.is(b'#') {
                break;
            }
            while !self.is_gap(0) {
                let next = self.peek(0);
                let ends = match (next, self.level) {
                    (b':', 0) => self.is_gap(1),
                    // The parser refuses some of these.
                    (b':', _) => self.is_gap(1) || is_flow(self.peek(1)) || self.peek(1) == b'?',
                    (_, 0) => false,
                    _ => is_flow(next),
                };
                if ends {
                    break;
                }
                is_line_new = false;
                self.skip();
            }
            if !self.is_blank(0) && self.line_break(0) == 0 {
                break;
            }
            is_line_new |= self.gap(&mut runs);
            if self.level == 0 && self.column < indent {
                break;
            }
        }
        if is_line_new {
            self.is_key_allowed = true;
        }
    }

    /// Skips blanks and line breaks. Whether there was a line break.
    fn gap(&mut self, runs: &mut Runs) -> bool {
        let (from, line) = (self.at, self.line);
        while self.is_blank(0) || self.line_break(0) > 0 {
            if self.is_blank(0) {
                self.skip();
            } else {
                self.skip_line();
            }
        }
        runs.add(self.at - from, &mut self.work);
        self.line > line
    }

    fn quoted(&mut self) {
        self.begin_scalar();
        let quote = self.peek(0);
        let is_single = quote == b'\'';
        let mut runs = Runs::default();
        self.skip();
        loop {
            if self.is(0) || self.is_document_indicator() {
                return;
            }
            while !self.is_gap(0) {
                if is_single && self.is(quote) && self.peek(1) == quote {
                    self.skip();
                    self.skip();
                } else if self.is(quote) {
                    break;
                } else if !is_single && self.is(b'\\') {
                    self.skip();
                    if self.line_break(0) > 0 {
                        self.skip_line();
                        break;
                    }
                    if !self.is(0) {
                        self.skip();
                    }
                } else {
                    self.skip();
                }
            }
            if self.is(quote) {
                self.skip();
                return;
            }
            self.gap(&mut runs);
        }
    }

    fn block_scalar(&mut self) {
        self.drop_key();
        self.is_key_allowed = true;
        self.skip();
        let mut indent = 0;
        for _ in 0..2 {
            match self.peek(0) {
                b'+' | b'-' => self.skip(),
                digit @ b'1'..=b'9' if indent == 0 => {
                    indent = self.indent.max(0) + i64::from(digit - b'0');
                    self.skip();
                }
                _ => {}
            }
        }
        self.skip_while(|byte| matches!(byte, b' ' | b'\t'));
        if self.is(b'#') {
            self.skip_to_break();
        }
        if !self.is_break_or_end(0) {
            return;
        }
        self.skip_line();
        let mut runs = Runs::default();
        self.block_breaks(&mut indent, &mut runs);
        while self.column == indent && !self.is(0) {
            self.skip_to_break();
            self.skip_line();
            self.block_breaks(&mut indent, &mut runs);
        }
    }

    /// Skips empty lines and the indentation behind them; finds out how deep that is when it is not known.
    fn block_breaks(&mut self, indent: &mut i64, runs: &mut Runs) {
        let (from, known) = (self.at, *indent);
        let mut deepest = 0;
        loop {
            while (known == 0 || self.column < known) && self.is(b' ') {
                self.skip();
            }
            deepest = deepest.max(self.column);
            if self.line_break(0) == 0 {
                break;
            }
            self.skip_line();
        }
        if known == 0 {
            *indent = deepest.max(self.indent + 1).max(1);
        }
        runs.add(self.at - from, &mut self.work);
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}
