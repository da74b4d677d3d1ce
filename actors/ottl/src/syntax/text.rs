//! Texts in quotes, with the escapes of Go.

use crate::problem::Finding;

/// What a token in quotes says. `\x` and octal escapes name characters rather than octets, as upstream has it.
pub(super) fn unquoted(token: &str) -> Result<String, Finding> {
    let inner = token.get(1..token.len().saturating_sub(1)).unwrap_or_default();
    let mut text = String::with_capacity(inner.len());
    let mut at = 0;
    while let Some(rest) = inner.get(at..).filter(|rest| !rest.is_empty()) {
        let plain = rest.find('\\').unwrap_or(rest.len());
        text.push_str(rest.get(..plain).unwrap_or_default());
        at += plain;
        let Some(rest) = inner.get(at + 1..) else { break };
        let (character, length) = escape(rest).ok_or_else(|| {
            let shown: String = rest.chars().take(1).collect();
            let message = format!("`\\{shown}` is no escape that is known here; a `\\` itself is written `\\\\`");
            Finding::new(at + 1, message).suggest(Some(format!("\\\\{shown}")))
        })?;
        text.push(character);
        at += 1 + length;
    }
    Ok(text)
}

/// The character that an escape without its `\` names, and its length.
fn escape(rest: &str) -> Option<(char, usize)> {
    let numbered = |from: usize, digits: usize, radix: u32| {
        let digits =
            rest.get(from..from + digits).filter(|text| text.bytes().all(|digit| digit.is_ascii_alphanumeric()))?;
        let number = u32::from_str_radix(digits, radix).ok()?;
        Some((char::from_u32(number)?, from + digits.len()))
    };
    let named = |character| Some((character, 1));
    match rest.as_bytes().first()? {
        b'a' => named('\u{7}'),
        b'b' => named('\u{8}'),
        b'f' => named('\u{c}'),
        b'n' => named('\n'),
        b'r' => named('\r'),
        b't' => named('\t'),
        b'v' => named('\u{b}'),
        b'\\' => named('\\'),
        b'"' => named('"'),
        b'x' => numbered(1, 2, 16),
        b'u' => numbered(1, 4, 16),
        b'U' => numbered(1, 8, 16),
        b'0'..=b'7' => numbered(0, 3, 8).filter(|(character, _)| u32::from(*character) <= 255),
        _ => None,
    }
}

/// A text in quotes, which [`unquoted`] reads back.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            control if control.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
