//! `ParseCSV`.
//!
//! Source: `parseutils/csv.go` of `internal/coreinternal`, and `encoding/csv` of Go, which it reads with.

use crate::{
    eval::{Arguments, Datum, Env, Error},
    record::{Attributes, Value},
};

pub(crate) fn valid_csv(arguments: &Arguments<'_>) -> Result<(), (usize, String)> {
    for index in [2, 3] {
        if arguments.literal_text(index).is_some_and(|delimiter| delimiter.chars().count() != 1) {
            return Err((index, "a delimiter is one character".to_owned()));
        }
    }
    match arguments.literal_text(4) {
        Some("strict" | "lazyQuotes" | "ignoreQuotes") | None => Ok(()),
        Some(other) => Err((4, format!("`{other}` is none of \"strict\", \"lazyQuotes\" and \"ignoreQuotes\""))),
    }
}

pub(crate) fn parse_csv(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let row = arguments.text(0, env)?;
    let header = arguments.text(1, env)?;
    if header.is_empty() {
        return Err(Error::value("the header is empty"));
    }
    env.spend(row.len())?;
    let delimiter = arguments.literal_text(2).and_then(|text| text.chars().next()).unwrap_or(',');
    let header_delimiter = arguments.literal_text(3).and_then(|text| text.chars().next()).unwrap_or(delimiter);
    let fields = match arguments.literal_text(4) {
        Some("ignoreQuotes") => row.split(delimiter).map(str::to_owned).collect(),
        mode => fields(&row, delimiter, mode == Some("lazyQuotes"))?,
    };
    let names: Vec<&str> = header.split(header_delimiter).collect();
    if names.len() != fields.len() {
        return Err(Error::value(format!("there are {} fields and {} names in the header", fields.len(), names.len())));
    }
    let named = names.into_iter().map(str::to_owned).zip(fields.into_iter().map(Value::Str));
    Ok(Datum::Map(named.collect::<Attributes>()))
}

/// The fields of a row. Lines go on in the last field of the line before them. Of a line with a wrong quote those fields
/// remain that stand before it, if there are any.
fn fields(row: &str, delimiter: char, lazy: bool) -> Result<Vec<String>, Error> {
    if matches!(delimiter, '"' | '\r' | '\n') {
        return Err(Error::value("this character delimits nothing"));
    }
    let row = row.replace("\r\n", "\n");
    let mut rest = row.as_str();
    let mut joined: Option<Vec<String>> = None;
    while !rest.is_empty() {
        // A line with nothing in it counts for nothing.
        if let Some(after) = rest.strip_prefix('\n') {
            rest = after;
            continue;
        }
        let (line, after) = line(rest, delimiter, lazy)?;
        rest = after;
        match &mut joined {
            None => joined = Some(line),
            Some(joined) => {
                let mut line = line.into_iter();
                if let (Some(last), Some(first)) = (joined.last_mut(), line.next()) {
                    last.push('\n');
                    last.push_str(&first);
                }
                joined.extend(line);
            }
        }
    }
    joined.ok_or_else(|| Error::value("there is no line"))
}

/// The fields of a line, and what stands behind it.
fn line(text: &str, delimiter: char, lazy: bool) -> Result<(Vec<String>, &str), Error> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        match field(rest, delimiter, lazy) {
            Ok((field, after)) => {
                fields.push(field);
                rest = match after.strip_prefix(delimiter) {
                    Some(next) => next,
                    None => return Ok((fields, after.strip_prefix('\n').unwrap_or(after))),
                };
            }
            Err(Misquoted { reason, .. }) if fields.is_empty() => return Err(Error::value(reason)),
            Err(Misquoted { after, .. }) => {
                return Ok((fields, after.split_once('\n').map_or("", |(_, next)| next)));
            }
        }
    }
}

/// A quote where none may stand, and what stands behind it.
struct Misquoted<'t> {
    reason: &'static str,
    after: &'t str,
}

/// A field, and what stands behind it.
fn field(text: &str, delimiter: char, lazy: bool) -> Result<(String, &str), Misquoted<'_>> {
    if let Some(quoted) = text.strip_prefix('"') {
        return in_quotes(quoted, delimiter, lazy);
    }
    let end = text.find([delimiter, '\n']).unwrap_or(text.len());
    let (field, after) = text.split_at_checked(end).unwrap_or((text, ""));
    // What ends a text may stand before its end.
    let field = if after.is_empty() { field.strip_suffix('\r').unwrap_or(field) } else { field };
    if !lazy && field.contains('"') {
        return Err(Misquoted { reason: "a quote stands within a field that has none around it", after });
    }
    Ok((field.to_owned(), after))
}

/// A field in quotes without the first of them, and what stands behind it.
fn in_quotes(text: &str, delimiter: char, lazy: bool) -> Result<(String, &str), Misquoted<'_>> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let Some((part, after)) = rest.split_once('"') else {
            if !lazy {
                return Err(Misquoted { reason: "a quote is not closed", after: "" });
            }
            field.push_str(rest);
            return Ok((field, ""));
        };
        field.push_str(part);
        rest = match after.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                after
            }
            None if after.is_empty() || after.starts_with([delimiter, '\n']) => return Ok((field, after)),
            None if lazy => {
                field.push('"');
                after
            }
            None => {
                return Err(Misquoted { reason: "something stands between a closing quote and the delimiter", after });
            }
        };
    }
}
