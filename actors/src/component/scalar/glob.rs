//! Patterns of file names as the receiver reads them (doublestar 4), and whether two of them have a file in common.
//!
//! Understood: `**` as a whole part, `*`, `?`, classes, alternatives, escapes. What doublestar and the cleaning of the
//! path in front of it could read in two ways is refused: empty parts, `.`, `..`, and what a class holds of `/ , { }`.

use std::borrow::Cow;

#[cfg(test)]
mod tests;

/// The longest text of a pattern with its alternatives written out, in octets. What is compared grows with it.
const MAX_TEXT: usize = 4096;
/// The most steps of writing alternatives out: those of nested ones, too, come to an end.
const MAX_STEPS: usize = 512;
/// The characters of names, as ranges.
const NAME: [(u32, u32); 2] = [(0, SLASH - 1), (SLASH + 1, char::MAX as u32)];
const SLASH: u32 = '/' as u32;

/// A pattern without alternatives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob(Vec<Part>);

/// What stands between two slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// `**`: any folders, or none.
    Folders,
    /// A name.
    Name(Vec<Token>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// Any characters of a name, or none.
    Star,
    /// One of these characters, as ranges in ascending order.
    One(Vec<(u32, u32)>),
}

impl Part {
    /// Whether it says nothing of the name.
    pub(super) fn is_any(&self) -> bool {
        match self {
            Self::Folders => true,
            Self::Name(tokens) => tokens.iter().all(|token| *token == Token::Star),
        }
    }

    /// Its characters when it is one name.
    pub(super) fn literal(&self) -> Option<String> {
        let Self::Name(tokens) = self else { return None };
        tokens.iter().map(Token::literal).collect()
    }

    /// What is known of every name, with NUL for what is not.
    pub(super) fn known(&self) -> String {
        match self {
            Self::Folders => String::from('\0'),
            Self::Name(tokens) => tokens.iter().map(|token| token.literal().unwrap_or('\0')).collect(),
        }
    }

    /// Whether a name is of both.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let (Self::Name(one), Self::Name(other)) = (self, other) else { return true };
        // For each place in `other` whether it can be reached with what of `one` was read.
        let mut reached = vec![false; other.len() + 1];
        reach(&mut reached, 0);
        for token in one {
            pass(&mut reached, other, |token| *token == Token::Star);
            if *token == Token::Star {
                pass(&mut reached, other, |token| *token != Token::One(Vec::new()));
                continue;
            }
            let mut next = vec![false; reached.len()];
            for (at, with) in other.iter().enumerate().filter(|(at, _)| reached.get(*at) == Some(&true)) {
                match (token, with) {
                    (Token::One(set), Token::One(with)) if overlap(set, with) => reach(&mut next, at + 1),
                    (Token::One(set), Token::Star) if !set.is_empty() => reach(&mut next, at),
                    _ => {}
                }
            }
            reached = next;
        }
        pass(&mut reached, other, |token| *token == Token::Star);
        reached.last() == Some(&true)
    }
}

/// Goes on from what was reached over all that may be passed.
fn pass<T>(reached: &mut [bool], over: &[T], may: impl Fn(&T) -> bool) {
    for (at, item) in over.iter().enumerate() {
        if reached.get(at) == Some(&true) && may(item) {
            reach(reached, at + 1);
        }
    }
}

fn reach(reached: &mut [bool], at: usize) {
    if let Some(place) = reached.get_mut(at) {
        *place = true;
    }
}

fn overlap(one: &[(u32, u32)], other: &[(u32, u32)]) -> bool {
    one.iter().any(|(from, to)| other.iter().any(|(first, last)| from <= last && first <= to))
}

impl Token {
    fn literal(&self) -> Option<char> {
        match self {
            Self::One(set) => match set[..] {
                [(from, to)] if from == to => char::from_u32(from),
                _ => None,
            },
            Self::Star => None,
        }
    }

    fn one(c: char) -> Self {
        Self::One(vec![(u32::from(c), u32::from(c))])
    }
}

impl Glob {
    /// What stands between its slashes.
    pub(super) fn parts(&self) -> &[Part] {
        &self.0
    }

    /// Whether a file is of two patterns. `may` says of a part of each whether one may stand for the other.
    pub(super) fn meet(parts: &[Part], others: &[Part], may: impl Fn(&Part, &Part) -> bool) -> bool {
        let is_folders = |part: &Part| *part == Part::Folders;
        // For each place in `others` whether it can be reached with what of `parts` was read.
        let mut reached = vec![false; others.len() + 1];
        reach(&mut reached, 0);
        for part in parts {
            pass(&mut reached, others, is_folders);
            if is_folders(part) {
                pass(&mut reached, others, |other| may(part, other));
                continue;
            }
            let mut next = vec![false; reached.len()];
            for (at, other) in others.iter().enumerate() {
                if reached.get(at) == Some(&true) && may(part, other) {
                    reach(&mut next, if is_folders(other) { at } else { at + 1 });
                }
            }
            reached = next;
        }
        pass(&mut reached, others, is_folders);
        reached.last() == Some(&true)
    }
}

/// Reads an absolute pattern, with its alternatives written out. On Windows, known by its drive, which is left out, a
/// backslash divides and case says nothing.
///
/// # Errors
/// Why it is not read, for a person.
pub(super) fn read(text: &str) -> Result<Vec<Glob>, String> {
    let is_windows = !text.starts_with('/');
    let text = if is_windows {
        let rest = text.strip_prefix(|c: char| c.is_ascii_alphabetic()).and_then(|rest| rest.strip_prefix(':'));
        Cow::Owned(rest.ok_or("must be an absolute path")?.replace('\\', "/").to_lowercase())
    } else {
        Cow::Borrowed(text)
    };
    // The path is cleaned before its alternatives are: `..` between slashes counts wherever it stands.
    let rest = text.strip_prefix('/').ok_or("must be an absolute path")?;
    rest.split('/').try_for_each(no_step)?;
    let has_alternatives = text.contains('{');
    alternatives(&text)?.iter().map(|text| glob(text, has_alternatives)).collect()
}

/// The names of the path of one file; `None` when it is no absolute path.
pub(super) fn literal(path: &str) -> Option<Vec<Part>> {
    let is_windows = !path.starts_with('/');
    let path =
        if is_windows { Cow::Owned(path.get(2..)?.replace('\\', "/").to_lowercase()) } else { Cow::Borrowed(path) };
    let name = |name: &str| Part::Name(name.chars().map(Token::one).collect());
    Some(path.strip_prefix('/')?.split('/').map(name).collect())
}

fn no_step(part: &str) -> Result<(), String> {
    match part {
        "" => Err("must not hold an empty part, `//` or a `/` at the end".to_owned()),
        "." | ".." => Err("must not hold `.` or `..` as a part".to_owned()),
        _ => Ok(()),
    }
}

/// A pattern once for each choice of its alternatives.
fn alternatives(text: &str) -> Result<Vec<String>, String> {
    let too_many = || "holds too many alternatives".to_owned();
    let (mut open, mut done) = (vec![text.to_owned()], Vec::new());
    let (mut steps, mut length) = (0_usize, 0_usize);
    while let Some(text) = open.pop() {
        steps += 1;
        if steps > MAX_STEPS {
            return Err(too_many());
        }
        let Some((before, choices, after)) = first_choice(&text)? else {
            length += text.len();
            if length > MAX_TEXT {
                return Err(too_many());
            }
            done.push(text);
            continue;
        };
        if open.len() + choices.len() > MAX_STEPS {
            return Err(too_many());
        }
        open.extend(choices.iter().map(|choice| format!("{before}{choice}{after}")));
    }
    Ok(done)
}

type Choice<'t> = (&'t str, Vec<&'t str>, &'t str);

/// What stands before the first alternatives, they, and what stands behind.
fn first_choice(text: &str) -> Result<Option<Choice<'_>>, String> {
    let (mut depth, mut from, mut begin) = (0_usize, 0, 0);
    let mut choices = Vec::new();
    let mut chars = text.char_indices();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '{' => {
                depth += 1;
                if depth == 1 {
                    (begin, from) = (at, at + 1);
                }
            }
            ',' if depth == 1 => {
                choices.push(part(from, at));
                from = at + 1;
            }
            '}' => {
                depth = depth.checked_sub(1).ok_or("a `}` closes nothing")?;
                if depth == 0 {
                    choices.push(part(from, at));
                    return Ok(Some((part(0, begin), choices, part(at + 1, text.len()))));
                }
            }
            _ => {}
        }
    }
    if depth > 0 { Err("a `}` is missing".to_owned()) } else { Ok(None) }
}

fn glob(text: &str, had_alternatives: bool) -> Result<Glob, String> {
    let mut parts = Vec::new();
    for part in text.strip_prefix('/').ok_or("must be an absolute path")?.split('/') {
        no_step(part)?;
        if part == "**" {
            parts.push(Part::Folders);
            continue;
        }
        // Alternatives make `**` any folders in the midst of a name, too.
        if had_alternatives && part.contains("**") {
            return Err("`**` must stand alone between two `/`".to_owned());
        }
        let name = Part::Name(tokens(part)?);
        // `\.` and `[.]`.
        name.literal().as_deref().map_or(Ok(()), no_step)?;
        parts.push(name);
    }
    Ok(Glob(parts))
}

fn tokens(part: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut chars = part.chars();
    while let Some(c) = chars.next() {
        tokens.push(match c {
            '*' if tokens.last() == Some(&Token::Star) => continue,
            '*' => Token::Star,
            '?' => Token::One(NAME.to_vec()),
            '[' => class(&mut chars)?,
            '\\' => Token::one(chars.next().ok_or("a `\\` must not stand before a `/` or at the end")?),
            c => Token::one(c),
        });
    }
    Ok(tokens)
}

/// The class whose bracket was read.
fn class(chars: &mut std::str::Chars<'_>) -> Result<Token, String> {
    let missing = || "a `]` is missing, or a class holds one of `/ , { }`".to_owned();
    let is_negated = matches!(chars.clone().next(), Some('^' | '!'));
    if is_negated {
        chars.next();
    }
    let mut set: Vec<(u32, u32)> = Vec::new();
    let mut last = None;
    loop {
        let c = match chars.next().ok_or_else(missing)? {
            ']' if set.is_empty() => return Err("`[]` holds no character".to_owned()),
            ']' => break,
            ',' | '{' | '}' => return Err(missing()),
            '-' if last.is_some() && !chars.as_str().starts_with(']') => {
                let to = match chars.next().ok_or_else(missing)? {
                    '\\' => chars.next().ok_or_else(missing)?,
                    ',' | '{' | '}' => return Err(missing()),
                    c => c,
                };
                // One the wrong way round has the character before it, which stands for itself.
                set.extend(last.take().map(|from| (from, u32::from(to))).filter(|(from, to)| from <= to));
                continue;
            }
            '\\' => chars.next().ok_or_else(missing)?,
            c => c,
        };
        last = Some(u32::from(c));
        set.push((u32::from(c), u32::from(c)));
    }
    Ok(Token::One(if is_negated { others(set) } else { set }))
}

/// The characters of names that are not of a set.
fn others(mut set: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    set.push((SLASH, SLASH));
    set.sort_unstable();
    let (mut from, mut others) = (0, Vec::new());
    for (first, last) in set {
        if first > from {
            others.push((from, first - 1));
        }
        from = from.max(last + 1);
    }
    if from <= u32::from(char::MAX) {
        others.push((from, u32::from(char::MAX)));
    }
    others
}
