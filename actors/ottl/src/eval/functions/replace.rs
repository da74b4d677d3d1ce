//! Editors that replace within texts.

use super::editors::map_at;
use crate::{
    check::signature::Function,
    eval::{Arguments, Datum, Env, Error, MAX_TEXT, MAX_WEIGHT},
    program::{Argument, Expr},
    record::{Gathered, Value},
    regex::Pattern,
};

/// What a replacement may come to if all its groups are the whole match, in octets.
const MAX_EXPANDED: usize = 8 * MAX_TEXT;

/// What replaces: a text, and what may be made of it.
struct Replacement<'c> {
    text: String,
    function: Option<&'static Function>,
    arguments: Arguments<'c>,
    /// Which argument is the format.
    format: usize,
}

impl<'c> Replacement<'c> {
    /// The replacement of arguments: its text, the function and the format are arguments one behind the other.
    fn of(arguments: &Arguments<'c>, text: usize, env: &mut Env<'_>) -> Result<Self, Error> {
        Ok(Self {
            text: arguments.text(text, env)?,
            function: arguments.function(text + 1),
            arguments: *arguments,
            format: text + 2,
        })
    }

    /// The text with the function and the format applied to it.
    fn made(&self, text: String, env: &mut Env<'_>) -> Result<String, Error> {
        let Some(function) = self.function else { return Ok(text) };
        let run = function.run.ok_or_else(|| Error::unsupported(function.name))?;
        let argument = [Argument::Expr(Expr::Literal(Datum::Text(text)))];
        env.spend(64)?;
        let made = match run(&Arguments::of(&argument), env)? {
            Datum::Text(made) => made,
            other => {
                return Err(Error::value(format!("`{}` gives {} and no text", function.name, other.words())));
            }
        };
        if !self.arguments.has(self.format) {
            return Ok(made);
        }
        let format = self.arguments.text(self.format, env)?;
        formatted(&format, &made)
            .ok_or_else(|| Error::value("the format of a replacement holds `%s` once and no other `%`"))
    }

    /// A text with each match replaced.
    fn in_text(&self, regex: &Pattern, text: &str, env: &mut Env<'_>) -> Result<String, Error> {
        let mut replaced = String::with_capacity(text.len());
        let mut end = 0;
        for captures in regex.matches(text) {
            let found = captures.range();
            let seen = match regex.reach() {
                Some(reach) => 2 * (found.end - end) + reach.min(text.len() - found.end),
                None => text.len() - end,
            };
            env.search(regex, seen)?;
            // Each may name a group, which is looked for among all names.
            let groups = self.text.matches('$').count();
            env.spend(groups.saturating_mul(regex.names().len()))?;
            let most = self.text.len() + groups.saturating_mul(found.len());
            if most > MAX_EXPANDED {
                return Err(Error::TooLarge(MAX_TEXT));
            }
            let mut expanded = String::new();
            regex.expand(&self.text, &captures, &mut expanded);
            let made = self.made(expanded, env)?;
            replaced.push_str(text.get(end..found.start).unwrap_or_default());
            replaced.push_str(&made);
            end = found.end;
            if replaced.len() > MAX_TEXT {
                return Err(Error::TooLarge(MAX_TEXT));
            }
            env.spend(self.text.len() + made.len() + 16)?;
        }
        env.search(regex, 2 * (text.len() - end))?;
        replaced.push_str(text.get(end..).unwrap_or_default());
        Ok(replaced)
    }
}

/// Counts what the values of a map take by now: no more than the map may.
fn grown(weight: &mut usize, more: usize) -> Result<(), Error> {
    *weight += more;
    if *weight > MAX_WEIGHT { Err(Error::TooLarge(MAX_WEIGHT)) } else { Ok(()) }
}

fn found(pattern: &Pattern, text: &str, env: &mut Env<'_>) -> Result<bool, Error> {
    env.search(pattern, text.len())?;
    Ok(pattern.is_match(text))
}

/// A format with a text in place of its `%s`. What upstream lets pass beyond that, Go writes in words of its own.
fn formatted(format: &str, text: &str) -> Option<String> {
    let (before, after) = format.split_once("%s")?;
    let mut result = format!("{before}{text}");
    let mut rest = after;
    while let Some((plain, next)) = rest.split_once('%') {
        result.push_str(plain);
        rest = match next.strip_prefix('s') {
            Some(next) => {
                result.push_str("%!s(MISSING)");
                next
            }
            None if next.is_empty() => {
                result.push_str("%!(NOVERB)");
                next
            }
            None => return None,
        };
    }
    result.push_str(rest);
    (!before.contains('%') && !format.contains('\n')).then_some(result)
}

pub(crate) fn replace_pattern(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let target = arguments.target(0)?;
    let original = env.get(target)?;
    if original == Datum::Nil {
        return Ok(Datum::Nil);
    }
    let replacement = Replacement::of(arguments, 2, env)?;
    if let Datum::Text(text) = original {
        let regex = arguments.pattern(1, env)?;
        if found(&regex, &text, env)? {
            let replaced = replacement.in_text(&regex, &text, env)?;
            env.set(target, Datum::Text(replaced))?;
        }
    }
    Ok(Datum::Nil)
}

pub(crate) fn replace_all_patterns(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let target = arguments.target(0)?;
    let mut map = map_at(target, env)?;
    let replacement = Replacement::of(arguments, 3, env)?;
    let regex = arguments.pattern(2, env)?;
    if arguments.literal_text(1) == Some("key") {
        let mut renamed = Gathered::default();
        let mut weight = 0;
        for (key, value) in map.iter() {
            let key = match found(&regex, key, env)? {
                true => match replacement.in_text(&regex, key, env) {
                    Ok(key) => key,
                    // What cannot be renamed goes, as upstream has it.
                    Err(Error::Kind(_) | Error::Value(_)) => continue,
                    Err(other) => return Err(other),
                },
                false => key.to_owned(),
            };
            grown(&mut weight, key.len())?;
            renamed.insert(key, value.clone());
        }
        map = renamed.into_map();
    } else {
        let mut weight = 0;
        for (_, value) in map.iter_mut() {
            if let Value::Str(text) = value
                && found(&regex, text, env)?
            {
                match replacement.in_text(&regex, text, env) {
                    Ok(replaced) => {
                        grown(&mut weight, replaced.len())?;
                        *text = replaced;
                    }
                    Err(Error::Kind(_) | Error::Value(_)) => {}
                    Err(other) => return Err(other),
                }
            }
        }
    }
    env.set(target, Datum::Map(map))?;
    Ok(Datum::Nil)
}

pub(crate) fn valid_mode(arguments: &Arguments<'_>) -> Result<(), (usize, String)> {
    match arguments.literal_text(1) {
        Some("key" | "value") | None => Ok(()),
        Some(other) => Err((1, format!("`{other}` is neither \"key\" nor \"value\""))),
    }
}

pub(crate) fn replace_match(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let target = arguments.target(0)?;
    let glob = arguments.pattern(1, env)?;
    let original = env.get(target)?;
    let replacement = whole(arguments, env)?;
    if let Datum::Text(text) = original
        && found(&glob, &text, env)?
    {
        env.set(target, Datum::Text(replacement))?;
    }
    Ok(Datum::Nil)
}

pub(crate) fn replace_all_matches(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let target = arguments.target(0)?;
    let glob = arguments.pattern(1, env)?;
    let mut map = map_at(target, env)?;
    let replacement = whole(arguments, env)?;
    let mut weight = 0;
    for (_, value) in map.iter_mut() {
        if let Value::Str(text) = value
            && found(&glob, text, env)?
        {
            env.spend(replacement.len() + text.len())?;
            grown(&mut weight, replacement.len())?;
            text.clone_from(&replacement);
        }
    }
    env.set(target, Datum::Map(map))?;
    Ok(Datum::Nil)
}

/// What replaces a whole text.
fn whole(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<String, Error> {
    let replacement = Replacement::of(arguments, 2, env)?;
    replacement.made(replacement.text.clone(), env)
}
