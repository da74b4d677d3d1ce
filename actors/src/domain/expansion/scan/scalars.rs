//! Scalars: where they end, and what the parser clears on its way through them.

use super::{Scanner, Work};

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

impl Scanner<'_> {
    pub(super) fn plain(&mut self) {
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

    pub(super) fn quoted(&mut self) {
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

    pub(super) fn block_scalar(&mut self) {
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
