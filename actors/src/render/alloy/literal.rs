//! Texts as they are written in Alloy.

/// What a literal between quotes or backticks says. The parser has looked at its escapes.
pub(crate) fn literal(token: &str) -> Option<String> {
    if let Some(raw) = token.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
        return Some(raw.to_owned());
    }
    let inner = token.strip_prefix('"')?.strip_suffix('"')?;
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((before, escaped)) = rest.split_once('\\') {
        out.extend_from_slice(before.as_bytes());
        let kind = escaped.chars().next()?;
        // Octal and hexadecimal escapes are octets, which make up a character only together.
        let (length, octet) = match kind {
            '0'..='7' => (3, u8::from_str_radix(escaped.get(..3)?, 8).ok()?),
            'x' => (3, u8::from_str_radix(escaped.get(1..3)?, 16).ok()?),
            'u' | 'U' => {
                let length = if kind == 'u' { 5 } else { 9 };
                let code = u32::from_str_radix(escaped.get(1..length)?, 16).ok()?;
                out.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut [0; 4]).as_bytes());
                rest = escaped.get(length..)?;
                continue;
            }
            'a' => (1, 7),
            'b' => (1, 8),
            'f' => (1, 12),
            'n' => (1, b'\n'),
            'r' => (1, b'\r'),
            't' => (1, b'\t'),
            'v' => (1, 11),
            c => (1, u8::try_from(c).ok()?),
        };
        out.push(octet);
        rest = escaped.get(length..)?;
    }
    out.extend_from_slice(rest.as_bytes());
    String::from_utf8(out).ok()
}
