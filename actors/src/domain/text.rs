//! What characters do to a line, in files that people read and in names that stand in them.

/// Whether a character ends a line in some format, or does something else that is not seen: controls, and the two
/// separators at which YAML 1.1 ends a line as well.
#[must_use]
pub fn breaks_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Whether YAML allows a character as it stands: the collector writes some of its settings down and reads them again.
///
/// Source: YAML 1.1, section 5.1 (`c-printable`).
#[must_use]
pub fn is_allowed_in_yaml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{85}') || !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// Whether a person sees a character for what it is: it breaks no line, marks no order of bytes and is no noncharacter.
pub(crate) fn is_printable(c: char) -> bool {
    !breaks_line(c) && !matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}
