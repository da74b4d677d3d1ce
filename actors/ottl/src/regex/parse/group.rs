//! What begins with a parenthesis: groups, names, flags.

use super::{Code, Frame, Parser, PatternError};

impl Parser<'_> {
    /// Reads a `(` with what belongs to it.
    pub(super) fn open(&mut self) -> Result<(), PatternError> {
        let start = self.at;
        let rest = self.rest();
        // As in Go, a name needs something behind its `<`.
        let name = match (rest.strip_prefix("(?P<"), rest.strip_prefix("(?<")) {
            (Some(name), _) | (_, Some(name)) if !name.is_empty() => Some(name),
            _ => None,
        };
        if let Some(name) = name {
            let Some((name, behind)) = name.split_once('>') else {
                return Err(self.error_about(Code::NamedCapture, start, rest));
            };
            self.at = self.text.len() - behind.len();
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                return Err(self.error(Code::NamedCapture, start));
            }
            return self.enter(start, Some(name));
        }
        if rest.starts_with("(?") {
            return self.open_with_flags(start);
        }
        self.at += 1;
        self.enter(start, Some(""))
    }

    /// Opens a group, which captures when it has a name, be it an empty one.
    fn enter(&mut self, offset: usize, name: Option<&str>) -> Result<(), PatternError> {
        if self.frames.len() > super::MAX_DEPTH {
            return Err(self.too_large("expression nests too deeply"));
        }
        let capture = match name {
            None => None,
            Some(name) => {
                self.names.push(name.to_owned());
                u32::try_from(self.names.len() - 1).ok()
            }
        };
        self.frames.push(Frame { offset, capture, outside: self.flags, ..Frame::default() });
        Ok(())
    }

    /// Reads `(?i)` or `(?i:`.
    fn open_with_flags(&mut self, start: usize) -> Result<(), PatternError> {
        self.at += 2;
        let mut flags = self.flags;
        let mut on = true;
        // A minus must be followed by a flag.
        let mut complete = true;
        while let Some(c) = self.next() {
            match c {
                'i' => flags.fold_case = on,
                'm' => flags.multi_line = on,
                's' => flags.dot_matches_newline = on,
                'U' => flags.swap_greed = on,
                '-' if on => {
                    on = false;
                    complete = false;
                    continue;
                }
                ':' | ')' if complete => {
                    if c == ':' {
                        self.enter(start, None)?;
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => break,
            }
            complete = true;
        }
        Err(self.error(Code::PerlOp, start))
    }
}
