//! Regular expressions and wildcards.

use regex::{Regex, RegexBuilder};

use crate::program::Expr;

/// What a compiled expression may take, in octets.
const MAX_COMPILED: usize = 1 << 20;

/// A regular expression of an argument.
#[derive(Debug)]
pub(crate) enum Pattern {
    /// It stands in the text.
    Ready(Regex),
    /// It is worked out for each record.
    Computed(Expr),
}

/// Compiles a regular expression as Go reads it.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(&ascii_classes(pattern))
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_COMPILED)
        .build()
        .map_err(|error| error.to_string().lines().last().unwrap_or_default().to_owned())
}

/// `\d`, `\w`, `\s` and `\b` are of ASCII in Go.
fn ascii_classes(pattern: &str) -> String {
    let mut plain = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    let mut in_class = false;
    while let Some(character) = characters.next() {
        if character != '\\' {
            in_class = (in_class || character == '[') && character != ']';
            plain.push(character);
            continue;
        }
        let (class, content) = match characters.next() {
            Some('d') => (true, "0-9"),
            Some('w') => (true, "0-9A-Za-z_"),
            Some('s') => (true, "\\t\\n\\x0C\\r "),
            Some('b') => (false, "(?-u:\\b)"),
            Some('B') => (false, "(?-u:\\B)"),
            Some('D') if !in_class => (false, "[^0-9]"),
            Some('W') if !in_class => (false, "[^0-9A-Za-z_]"),
            Some('S') if !in_class => (false, "[^\\t\\n\\x0C\\r ]"),
            Some('z') if !in_class => (false, "\\z"),
            Some(other) => {
                plain.extend(['\\', other]);
                continue;
            }
            None => {
                plain.push('\\');
                continue;
            }
        };
        if class && !in_class {
            plain.extend(["[", content, "]"]);
        } else {
            plain.push_str(content);
        }
    }
    plain
}

/// Puts the groups of a match in place of `$1`, `${1}` and `$name`, by the rules of Go's `Regexp.Expand`.
pub(crate) fn expand(template: &str, captures: &regex::Captures<'_>, into: &mut String) {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        into.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            into.push('$');
            rest = after;
            continue;
        }
        let Some((name, after)) = group_name(after) else {
            into.push('$');
            rest = after;
            continue;
        };
        let group = match name.parse::<usize>() {
            Ok(number) => captures.get(number),
            Err(_) => captures.name(name),
        };
        into.push_str(group.map_or("", |group| group.as_str()));
        rest = after;
    }
    into.push_str(rest);
}

/// `name` or `{name}` at the beginning, and what follows.
fn group_name(text: &str) -> Option<(&str, &str)> {
    let (inner, braces) = match text.strip_prefix('{') {
        Some(inner) => (inner, true),
        None => (text, false),
    };
    let end = inner.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(inner.len());
    let (name, after) = inner.split_at_checked(end)?;
    if name.is_empty() {
        return None;
    }
    if braces { Some((name, after.strip_prefix('}')?)) } else { Some((name, after)) }
}

/// A text with wildcards, as `gobwas/glob` reads it without separators.
#[derive(Debug)]
pub(crate) enum Glob {
    /// It stands in the text.
    Ready(Regex),
    /// It is worked out for each record.
    Computed(Expr),
}

/// Compiles a text with `*`, `?`, `[a-z]`, `[!abc]`, `{one,other}` and `\`.
pub(crate) fn compile_glob(glob: &str) -> Result<Regex, String> {
    let mut plain = String::from("(?s)\\A");
    let mut characters = glob.chars().peekable();
    let mut depth = 0_usize;
    while let Some(character) = characters.next() {
        match character {
            '*' => plain.push_str(".*"),
            '?' => plain.push('.'),
            '\\' => {
                if let Some(escaped) = characters.next() {
                    plain.push_str(&regex::escape(escaped.encode_utf8(&mut [0; 4])));
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
            other => plain.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    plain.extend(std::iter::repeat_n(")", depth));
    plain.push_str("\\z");
    RegexBuilder::new(&plain)
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_COMPILED)
        .build()
        .map_err(|error| error.to_string().lines().last().unwrap_or_default().to_owned())
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
    fn groups_are_put_into_a_replacement_as_go_does() {
        let regex = compile("(?P<first>a)(b)?(c)").unwrap();
        let captures = regex.captures("ac").unwrap();
        for (template, expanded) in [
            ("$1-$2-$3", "a--c"),
            ("${1}x", "ax"),
            ("$1x", ""),
            ("$first!", "a!"),
            ("${first}", "a"),
            ("$$1", "$1"),
            ("$", "$"),
            ("$-", "$-"),
            ("${1", "${1"),
            ("${}", "${}"),
            ("${a b}", "${a b}"),
            ("$99", ""),
        ] {
            let mut into = String::new();
            expand(template, &captures, &mut into);
            assert_eq!(into, expanded, "{template}");
        }
    }

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
            assert_eq!(compile_glob(glob).unwrap().is_match(text), matches, "{glob} on {text}");
        }
        for broken in ["[", "[a", "[]", "[c-a]", "[a-cx]"] {
            compile_glob(broken).unwrap_err();
        }
    }
}
