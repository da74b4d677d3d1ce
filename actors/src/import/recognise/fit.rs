//! Holding a rendering with marked values against what was found: how well it fits, and what stands where they are.

use super::sentinel::{Piece, Sentinels};
use crate::import::tree::Tree;

/// What a value that is found as it is rendered counts.
const SAME: i64 = 1000;
/// What is taken off for a rendered value that is not found.
const EXTRA: i64 = 100;
/// What is taken off for an item of a list that is passed over, so that those in front come first.
const SKIPPED: i64 = 50;
/// How many items further on of a list one is looked for.
const AHEAD: usize = 24;

/// What was found in the place of a marked value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Seen {
    /// A value of its own.
    Whole(Tree),
    /// A number in the place of a duration, with the unit.
    Count(Tree, &'static str),
    /// A part of a text.
    Part {
        /// As it stands there.
        text: String,
        /// Whether it stands between double quotes.
        is_quoted: bool,
    },
}

/// How a rendering fits.
#[derive(Debug, Clone, Default)]
pub(super) struct Fit {
    /// More is better.
    pub(super) score: i64,
    /// How many values fit.
    pub(super) full: usize,
    /// How many rendered values do not.
    pub(super) wrong: usize,
    /// How many values there are in the rendering.
    pub(super) size: usize,
    /// Whether everything was found and nothing more rendered.
    pub(super) is_complete: bool,
    /// What stands in the places of marked values.
    pub(super) holes: Vec<(u32, Seen)>,
}

impl Fit {
    /// By this the better of two choices is known: rather a little that fits than more of which some does not.
    pub(super) fn rank(&self) -> i64 {
        self.score - SAME * i64::try_from(self.wrong).unwrap_or(i64::MAX / SAME)
    }
}

/// Holds a rendering against what was found. `work` counts the values that were compared.
pub(super) fn fit(found: &Tree, rendered: &Tree, sentinels: &Sentinels, work: &mut u64) -> Fit {
    let mut fitter = Fitter { sentinels, holes: Vec::new(), is_complete: true, full: 0, wrong: 0, work };
    let score = fitter.value(found, rendered);
    Fit { score, full: fitter.full, wrong: fitter.wrong, size: 0, is_complete: fitter.is_complete, holes: fitter.holes }
}

struct Fitter<'a> {
    sentinels: &'a Sentinels,
    holes: Vec<(u32, Seen)>,
    is_complete: bool,
    full: usize,
    wrong: usize,
    work: &'a mut u64,
}

impl Fitter<'_> {
    fn value(&mut self, found: &Tree, rendered: &Tree) -> i64 {
        *self.work += 1;
        match (found, rendered) {
            (Tree::Map(found), Tree::Map(rendered)) if !found.is_empty() && !rendered.is_empty() => {
                self.mapping(found, rendered)
            }
            (Tree::List(found), Tree::List(rendered)) if !found.is_empty() && !rendered.is_empty() => {
                self.list(found, rendered)
            }
            (Tree::Map(_) | Tree::List(_), _) if found.means(rendered) => self.same(),
            // Nothing is rendered yet of what is found there.
            (Tree::Map(_), Tree::Map(none)) if none.is_empty() => self.missing(),
            (Tree::List(_), Tree::List(none)) if none.is_empty() => self.missing(),
            (_, Tree::Text(template)) => self.text(found, template),
            (_, Tree::Opaque(template)) if Sentinels::is_in(template) => self.text(found, template),
            (_, Tree::Env { prefix, name }) if Sentinels::is_in(name) => {
                self.text(found, &format!("{prefix}${{env:{name}}}"))
            }
            (_, Tree::Number(number)) if let Some(hole) = self.sentinels.of_number(number) => match found {
                Tree::Number(_) => self.hole(hole, Seen::Whole(found.clone()), 0),
                _ => self.wrong(rendered),
            },
            (Tree::Number(_), Tree::Number(number)) if let Some((hole, unit)) = self.sentinels.of_count(number) => {
                self.hole(hole, Seen::Count(found.clone(), unit), 0)
            }
            _ if found.means(rendered) => self.same(),
            _ => self.wrong(rendered),
        }
    }

    /// Something is found as it is rendered.
    fn same(&mut self) -> i64 {
        self.full += 1;
        SAME
    }

    /// Something is found that is not rendered.
    fn missing(&mut self) -> i64 {
        self.is_complete = false;
        0
    }

    /// Something is rendered that is not found.
    fn wrong(&mut self, rendered: &Tree) -> i64 {
        self.is_complete = false;
        self.wrong += rendered.size();
        -EXTRA * i64::try_from(rendered.size()).unwrap_or(1)
    }

    fn mapping(&mut self, found: &[(String, Tree)], rendered: &[(String, Tree)]) -> i64 {
        let mut score = 0;
        let mut used = vec![false; found.len()];
        let mut marked = Vec::new();
        for (key, value) in rendered {
            if Sentinels::is_in(key) {
                marked.push((key, value));
                continue;
            }
            *self.work += 1;
            match found.iter().position(|(known, _)| known == key) {
                Some(at) => {
                    if let (Some(used), Some((_, there))) = (used.get_mut(at), found.get(at)) {
                        *used = true;
                        score += self.value(there, value);
                    }
                }
                None => score += self.wrong(value),
            }
        }
        for (key, value) in marked {
            let next = used.iter().position(|used| !used);
            let (Some(at), Some(hole)) = (next, self.sentinels.of_text(key)) else {
                score += self.wrong(value);
                continue;
            };
            if let (Some(used), Some((name, there))) = (used.get_mut(at), found.get(at)) {
                *used = true;
                score += self.hole(hole, Seen::Whole(Tree::text(name)), 0) + self.value(there, value);
            }
        }
        self.is_complete &= used.iter().all(|used| *used);
        score
    }

    /// Items in their order, each where it fits best of what is left.
    fn list(&mut self, found: &[Tree], rendered: &[Tree]) -> i64 {
        let mut score = 0;
        let mut at = 0;
        for item in rendered {
            let Some(first) = found.get(at) else {
                score += self.wrong(item);
                continue;
            };
            let mut best = (at, self.tried(first, item));
            if !best.1.is_complete {
                for (index, there) in found.iter().enumerate().skip(at + 1).take(AHEAD) {
                    let mut tried = self.tried(there, item);
                    tried.score -= SKIPPED * i64::try_from(index - at).unwrap_or(1);
                    let fits = tried.is_complete;
                    if tried.score > best.1.score {
                        best = (index, tried);
                    }
                    if fits {
                        break;
                    }
                }
            }
            let (index, tried) = best;
            self.full += tried.full;
            self.wrong += tried.wrong;
            self.is_complete &= index == at && tried.is_complete;
            score += tried.score;
            self.holes.extend(tried.holes);
            at = index + 1;
        }
        self.is_complete &= at == found.len();
        score
    }

    /// How an item fits, without keeping that.
    fn tried(&mut self, found: &Tree, rendered: &Tree) -> Fit {
        let before = self.holes.len();
        let was_full = std::mem::replace(&mut self.full, 0);
        let was_wrong = std::mem::replace(&mut self.wrong, 0);
        let was_complete = std::mem::replace(&mut self.is_complete, true);
        let score = self.value(found, rendered);
        let holes = self.holes.split_off(before);
        let full = std::mem::replace(&mut self.full, was_full);
        let wrong = std::mem::replace(&mut self.wrong, was_wrong);
        Fit { score, full, wrong, size: 0, is_complete: std::mem::replace(&mut self.is_complete, was_complete), holes }
    }

    /// Something stands in the place of a marked value. One that stands in two places has one value.
    fn hole(&mut self, hole: u32, seen: Seen, literal: i64) -> i64 {
        let is_other = |known: &Seen| match (known, &seen) {
            (Seen::Whole(a), Seen::Whole(b)) => a != b,
            (Seen::Part { text: a, is_quoted: x }, Seen::Part { text: b, is_quoted: y }) => x == y && a != b,
            _ => false,
        };
        if self.holes.iter().any(|(known, value)| *known == hole && is_other(value)) {
            self.is_complete = false;
            self.wrong += 1;
            return -EXTRA;
        }
        self.holes.push((hole, seen));
        self.full += 1;
        // Less than for the same value without marks, so that what says more by itself is preferred.
        SAME - 100 + literal
    }

    fn text(&mut self, found: &Tree, template: &str) -> i64 {
        let rendered = || Tree::text(template);
        let Some(pieces) = self.sentinels.pieces(template) else {
            return match found {
                _ if found.means(&rendered()) => self.same(),
                Tree::Text(text) => {
                    self.is_complete = false;
                    self.wrong += 1;
                    alike(text, template)
                }
                _ => self.wrong(&rendered()),
            };
        };
        if let [Piece::Hole(hole)] = pieces.as_slice() {
            return match found {
                Tree::Text(_) | Tree::Number(_) | Tree::Bool(_) | Tree::Env { .. } => {
                    self.hole(*hole, Seen::Whole(found.clone()), 0)
                }
                _ => self.wrong(&rendered()),
            };
        }
        let text = match found {
            Tree::Text(text) => text.clone(),
            Tree::Env { prefix, name } => format!("{prefix}${{env:{name}}}"),
            _ => return self.wrong(&rendered()),
        };
        match taken_apart(&text, &pieces) {
            Ok(parts) => {
                let literal: usize = pieces.iter().map(|p| if let Piece::Literal(l) = p { l.len() } else { 0 }).sum();
                // One text that several stand in is said by all of them and not by one that swallows the others.
                let number = i64::try_from(parts.len()).unwrap_or(i64::MAX).min(40);
                let literal = share(literal, text.len(), 40) + number;
                let mut score = 0;
                for (hole, part) in parts {
                    score = self.hole(hole, part, literal);
                    if score < 0 {
                        return score;
                    }
                }
                score
            }
            Err(matched) => {
                self.is_complete = false;
                self.wrong += 1;
                share(matched, text.len(), 400)
            }
        }
    }
}

/// A share of a whole, of at most `most`.
fn share(part: usize, whole: usize, most: i64) -> i64 {
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX / 100);
    count(part.min(whole)) * most / count(whole.max(1))
}

/// How far two texts are the same from their beginning and from their end.
fn alike(found: &str, rendered: &str) -> i64 {
    let common = found.bytes().zip(rendered.bytes()).take_while(|(a, b)| a == b).count();
    let rest = found.len().min(rendered.len()) - common;
    let end = found.bytes().rev().zip(rendered.bytes().rev()).take(rest).take_while(|(a, b)| a == b).count();
    share(common + end, found.len().max(rendered.len()), 400)
}

/// What stands in a text where the pieces have marked values; else how far they fit, in octets.
fn taken_apart(text: &str, pieces: &[Piece<'_>]) -> Result<Vec<(u32, Seen)>, usize> {
    let mut parts = Vec::new();
    let mut at = 0;
    let mut is_quoted = false;
    let mut pieces = pieces.iter().peekable();
    while let Some(piece) = pieces.next() {
        let rest = text.get(at..).ok_or(at)?;
        match piece {
            Piece::Literal(literal) => {
                if !rest.starts_with(literal) {
                    let common = rest.bytes().zip(literal.bytes()).take_while(|(a, b)| a == b).count();
                    return Err(at + common);
                }
                at += literal.len();
                is_quoted ^= quotes(literal).count() % 2 == 1;
            }
            Piece::Hole(hole) => {
                let next = match pieces.peek() {
                    Some(Piece::Literal(next)) => Some(*next),
                    Some(Piece::Hole(_)) => return Err(at),
                    None => None,
                };
                let length = match next {
                    None => Some(rest.len()),
                    Some(next) if is_quoted => within_quotes(rest, next),
                    // The last one reaches to what stands at the end.
                    Some(next) if pieces.len() == 1 && rest.ends_with(next) => rest.len().checked_sub(next.len()),
                    Some(next) => rest.find(next),
                };
                let length = length.ok_or(at)?;
                let part = rest.get(..length).ok_or(at)?;
                parts.push((*hole, Seen::Part { text: part.to_owned(), is_quoted }));
                at += length;
            }
        }
    }
    if at == text.len() { Ok(parts) } else { Err(at) }
}

/// Where double quotes stand in a text that are not escaped.
fn quotes(text: &str) -> impl Iterator<Item = usize> {
    let mut is_escaped = false;
    text.bytes().enumerate().filter_map(move |(at, byte)| {
        let is_quote = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_quote.then_some(at)
    })
}

/// How much of a text between quotes stands before what follows a marked value in it.
fn within_quotes(text: &str, next: &str) -> Option<usize> {
    let end = quotes(text).next()?;
    match quotes(next).next() {
        Some(before_quote) => end.checked_sub(before_quote),
        None => text.get(..end)?.find(next),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn tree(text: &str) -> Tree {
        Tree::of_otelcol(&serde_norway::from_str::<Value>(text).unwrap())
    }

    fn fitted(found: &str, rendered: &str) -> Fit {
        // `<1>` stands for the marked value 1.
        let rendered = rendered.replace('<', "\u{e000}").replace('>', "\u{e001}");
        fit(&tree(found), &tree(&rendered), &Sentinels::default(), &mut 0)
    }

    #[test]
    fn what_stands_in_a_text_is_found() {
        for (found, rendered, expected) in [
            ("IsMatch(body, \"a\\\"b\")", "IsMatch(body, \"<1>\")", vec!["a\\\"b"]),
            ("not (f(x))", "not (<1>)", vec!["f(x)"]),
            ("https://gateway-eu.example/otlp", "https://gateway-<1>.example/otlp", vec!["eu"]),
            ("not (f(x, \"^a\") or f(x, \"^b\"))", "not (f(x, \"^<1>\") or f(x, \"^<2>\"))", vec!["a", "b"]),
            ("f(\"(?i)^(a|b)$\", 1)", "f(\"(?i)^(<1>|<2>)$\", 1)", vec!["a", "b"]),
            ("set(a[\"k\"], \"v\")", "set(a[\"<1>\"], \"<2>\")", vec!["k", "v"]),
        ] {
            let fit = fitted(&format!("'{found}'"), &format!("'{rendered}'"));
            let texts: Vec<String> = fit
                .holes
                .into_iter()
                .map(|(_, seen)| match seen {
                    Seen::Part { text, .. } => text,
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!((texts, fit.is_complete), (expected.into_iter().map(str::to_owned).collect(), true), "{found}");
        }
    }

    #[test]
    fn a_value_in_two_places_is_one_value() {
        assert!(fitted("{a: x, b: x}", "{a: <1>, b: <1>}").is_complete);
        assert!(!fitted("{a: x, b: y}", "{a: <1>, b: <1>}").is_complete);
    }

    #[test]
    fn what_is_missing_or_more_is_not_complete() {
        assert!(fitted("{a: {x: 1}, b: [1, 2]}", "{b: [1, 2], a: {x: 1}}").is_complete);
        for (found, rendered) in [
            ("{a: 1}", "{a: 1, b: 2}"),
            ("{a: 1, b: 2}", "{a: 1}"),
            ("[1, 2]", "[1]"),
            ("[1]", "[1, 2]"),
            ("[2, 1]", "[1, 2]"),
        ] {
            assert!(!fitted(found, rendered).is_complete, "{found} {rendered}");
        }
        assert!(fitted("[1, 2, 3]", "[1, 2]").score > fitted("[1, 2, 3]", "[1]").score);
        assert!(fitted("{a: abcd}", "{a: abcx}").score > fitted("{a: abcd}", "{a: xbcy}").score);
    }

    #[test]
    fn keys_may_be_marked() {
        let fit = fitted("{headers: {x: 1, y: z}}", "{headers: {<1>: 1, <2>: <3>}}");
        assert!(fit.is_complete);
        assert_eq!(fit.holes.len(), 3);
    }
}
