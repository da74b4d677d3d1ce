//! Regular expressions and wildcards of arguments.

use std::sync::OnceLock;

use crate::{
    eval::Error,
    program::Expr,
    regex::{Pattern as Regex, PatternError, PatternErrorKind},
};

/// How a pattern is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notation {
    /// As Go's `regexp` reads it.
    Regex,
    /// As `gobwas/glob` reads it without separators.
    Glob,
}

/// A pattern of an argument.
#[derive(Debug)]
pub(crate) enum Pattern {
    /// It stands in the text.
    Written(Written),
    /// It is worked out for each record.
    Computed(Notation, Expr),
}

/// A pattern that has been read. It is compiled where it is first looked for: who only checks a text waits for nothing and
/// holds nothing.
#[derive(Debug)]
pub(crate) struct Written {
    regex: String,
    compiled: OnceLock<Result<Regex, Error>>,
}

impl Written {
    /// Reads a pattern.
    pub(crate) fn new(notation: Notation, text: &str) -> Result<Self, String> {
        let regex = notation.regex(text)?;
        match Regex::check(&regex) {
            // What is too large here need not be so for a collector. It is said where it is tried.
            Ok(_) | Err(PatternError { kind: PatternErrorKind::TooLarge, .. }) => {
                Ok(Self { regex, compiled: OnceLock::new() })
            }
            Err(error) => Err(error.message),
        }
    }

    /// The compiled pattern, and what it takes if it was compiled now.
    pub(crate) fn compiled(&self) -> (Result<&Regex, Error>, usize) {
        let mut taken = 0;
        let compiled = self.compiled.get_or_init(|| {
            let (compiled, memory) = compile(&self.regex);
            taken = memory;
            compiled
        });
        (compiled.as_ref().map_err(Clone::clone), taken)
    }
}

/// What it takes to find out that a pattern is too large, in octets: about as much as the largest.
const TOO_LARGE: usize = 10 << 20;

/// Compiles a regular expression, and says what it took, in octets.
fn compile(regex: &str) -> (Result<Regex, Error>, usize) {
    match Regex::new(regex) {
        Ok(regex) => {
            let memory = regex.memory();
            (Ok(regex), memory)
        }
        Err(error) if error.kind == PatternErrorKind::TooLarge => (Err(Error::PatternTooLarge), TOO_LARGE),
        Err(error) => (Err(Error::value(format!("this is no valid pattern: {error}"))), 0),
    }
}

impl Notation {
    /// Compiles a pattern, and says what it took, in octets.
    pub(crate) fn compile(self, text: &str) -> (Result<Regex, Error>, usize) {
        match self.regex(text) {
            Ok(regex) => compile(&regex),
            Err(reason) => (Err(Error::value(format!("this is no valid pattern: {reason}"))), 0),
        }
    }

    /// The pattern as a regular expression.
    fn regex(self, text: &str) -> Result<String, String> {
        match self {
            Self::Regex => Ok(text.to_owned()),
            Self::Glob => regex_of_glob(text),
        }
    }
}

/// A text with `*`, `?`, `[a-z]`, `[!abc]`, `{one,other}` and `\` as a regular expression.
fn regex_of_glob(glob: &str) -> Result<String, String> {
    let escaped = |c: char| format!("\\x{{{:x}}}", u32::from(c));
    let mut plain = String::from("(?s)\\A");
    let mut characters = glob.chars().peekable();
    let mut depth = 0_usize;
    while let Some(character) = characters.next() {
        match character {
            '*' => plain.push_str(".*"),
            '?' => plain.push('.'),
            '\\' => {
                if let Some(character) = characters.next() {
                    plain.push_str(&escaped(character));
                }
            }
            '{' => {
                depth += 1;
                plain.push_str("(?:");
            }
            ',' if depth > 0 => plain.push('|'),
            '}' if depth > 0 => {
                depth -= 1;
                plain.push(')');
            }
            '[' => {
                let content = glob_class(&mut characters)?;
                plain.push_str(&content);
            }
            plain_one if plain_one.is_ascii_alphanumeric() => plain.push(plain_one),
            other => plain.push_str(&escaped(other)),
        }
    }
    plain.extend(std::iter::repeat_n(")", depth));
    plain.push_str("\\z");
    Ok(plain)
}

/// `a-z]`, `!a-z]`, `abc]` or `!abc]`, as a class of a regular expression.
fn glob_class(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, String> {
    let unfinished = || "a `[` is not closed".to_owned();
    let escaped = |c: char| format!("\\x{{{:x}}}", u32::from(c));
    let not = characters.next_if_eq(&'!').is_some();
    let open = if not { "[^" } else { "[" };
    let first = characters.next().ok_or_else(unfinished)?;
    if characters.next_if_eq(&'-').is_some() {
        let last = characters.next().ok_or_else(unfinished)?;
        if last < first {
            return Err(format!("`{last}` comes before `{first}`"));
        }
        return match characters.next() {
            Some(']') => Ok(format!("{open}{}-{}]", escaped(first), escaped(last))),
            _ => Err("a range such as `[a-z]` holds nothing else".to_owned()),
        };
    }
    let mut class = open.to_owned();
    let mut next = Some(first);
    let mut empty = true;
    loop {
        match next.ok_or_else(unfinished)? {
            ']' if empty => return Err("`[]` holds nothing".to_owned()),
            ']' => {
                class.push(']');
                return Ok(class);
            }
            '\\' => class.push_str(&escaped(characters.next().ok_or_else(unfinished)?)),
            other => class.push_str(&escaped(other)),
        }
        empty = false;
        next = characters.next();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_texts() {
        for (glob, text, matches) in [
            ("*", "", true),
            ("hello*", "hello world", true),
            ("hello*", "say hello", false),
            ("*a?c*", "xxabcxx", true),
            ("a.c", "abc", false),
            ("{get,p*t}", "post", true),
            ("{get,p*t}", "gets", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[abc]x", "cx", true),
            ("[!abc]x", "cx", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("a\nb*", "a\nbc", true),
            ("a,b", "a,b", true),
        ] {
            assert_eq!(Notation::Glob.compile(glob).0.unwrap().is_match(text), matches, "{glob} on {text}");
        }
        for broken in ["[", "[a", "[]", "[c-a]", "[a-cx]"] {
            Notation::Glob.compile(broken).0.unwrap_err();
        }
    }
}
