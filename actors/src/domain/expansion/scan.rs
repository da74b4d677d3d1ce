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

mod scalars;

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

/// What a text is made of beside its structure, as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece<'t> {
    /// A tag: `!!str`.
    Tag(&'t str),
    /// A value or key without quotes.
    Plain(&'t str),
    /// One in quotes, with them.
    Quoted(&'t str),
    /// One behind `|` or `>`, with that.
    Block(&'t str),
}

/// Makes a piece of what is written.
type Of<'t> = fn(&'t str) -> Piece<'t>;

/// The pieces of a text in their order.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut scanner = Scanner::new(text);
    let mut is_more = true;
    std::iter::from_fn(move || {
        while is_more {
            is_more = scanner.token();
            if let Some((piece, range)) = scanner.piece.take()
                && let Some(written) = scanner.text.get(range).and_then(|bytes| std::str::from_utf8(bytes).ok())
            {
                return Some(piece(written));
            }
        }
        None
    })
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
    /// Which piece was read last, and where it stands.
    piece: Option<(Of<'a>, Range<usize>)>,
    work: Work,
}

struct Key {
    at: usize,
    line: usize,
    column: i64,
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
            piece: None,
            work: Work::default(),
        }
    }

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
            b'|' | b'>' if is_outside => self.scalar(Piece::Block, Self::block_scalar),
            b'\'' | b'"' => self.scalar(Piece::Quoted, Self::quoted),
            b'-' => self.scalar(Piece::Plain, Self::plain),
            b'?' | b':' if is_outside => self.scalar(Piece::Plain, Self::plain),
            // Begins nothing: the parser goes no further.
            b'|' | b'>' | b'%' | b'@' | b'`' | b'\t' => self.skip(),
            _ => self.scalar(Piece::Plain, Self::plain),
        }
        true
    }

    fn scalar(&mut self, piece: Of<'a>, read: fn(&mut Self)) {
        let from = self.at;
        read(self);
        self.piece = Some((piece, from..self.at));
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
        self.piece = Some((Piece::Tag, from..self.at));
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}
