//! Times in words, by directives such as `%Y-%m-%d`.
//!
//! Source: `timeutils` and `ctimefmt` of `internal/coreinternal` 0.158.0, which turn directives into layouts of Go's
//! `time`; what is said here is what Go does with them.

mod format;
mod parse;

pub(super) use self::{format::format, parse::parse};

/// A part of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text that stands there.
    Text(String),
    /// What follows a `%`.
    Directive(char),
    /// A fraction of a second: what stands before it (`.` or `,`) and how many digits are written.
    Fraction(char, usize),
}

/// Why a format cannot be used.
pub(super) fn validate(format: &str) -> Result<(), String> {
    if format.is_empty() {
        return Err("the format is empty".to_owned());
    }
    if format.bytes().any(|octet| octet.is_ascii_digit()) {
        return Err("a format has no digits: it is made of directives such as `%Y-%m-%d`".to_owned());
    }
    let characters: Vec<char> = format.chars().collect();
    // Whatever stands before the `%`, be it part of `%%`.
    let fraction = characters.windows(3).find_map(|three| match three {
        ['.' | ',', ..] => None,
        [_, '%', directive @ ('L' | 'f' | 's')] => Some(directive),
        _ => None,
    });
    if let Some(directive) = fraction {
        return Err(format!("`%{directive}` is a fraction of a second and stands behind `.` or `,`"));
    }
    let mut characters = characters.into_iter();
    while characters.any(|character| character == '%') {
        let Some(directive) = characters.next() else { break };
        if !"YymoqbhBdegaAHlIpPMSLfsZzwijkDxFTXrRnt%c".contains(directive) {
            return Err(format!("`%{directive}` is no directive that is known"));
        }
    }
    Ok(())
}

/// The parts of a format, directives that stand for several taken apart.
fn pieces(format: &str) -> Vec<Piece> {
    fn push_text(pieces: &mut Vec<Piece>, character: char) {
        match pieces.last_mut() {
            Some(Piece::Text(text)) => text.push(character),
            _ => pieces.push(Piece::Text(character.to_string())),
        }
    }
    let mut pieces = Vec::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        let directive = match character {
            '%' => characters.next(),
            _ => None,
        };
        let whole = match directive {
            None => {
                push_text(&mut pieces, character);
                continue;
            }
            Some('%') => "%",
            Some('n') => "\n",
            Some('t') => "\t",
            // Written with four digits of a year, read with two as well.
            Some('D' | 'x') => "%m/%d/%+",
            Some('F') => "%Y-%m-%d",
            Some('T' | 'X') => "%H:%M:%S",
            Some('r') => "%I:%M:%S %P",
            Some('R') => "%H:%M",
            Some('c') => "%a %b %d %H:%M:%S %Y",
            Some(fraction @ ('L' | 'f' | 's')) => {
                let digits = match fraction {
                    'L' => 3,
                    'f' => 6,
                    _ => 9,
                };
                match pieces.last_mut().and_then(|piece| match piece {
                    Piece::Text(text) => text.pop_if(|last| matches!(last, '.' | ',')),
                    _ => None,
                }) {
                    Some(separator) => pieces.push(Piece::Fraction(separator, digits)),
                    // Go takes nines without a separator for text.
                    None => (0..digits).for_each(|_| push_text(&mut pieces, '9')),
                }
                continue;
            }
            Some(one) => {
                pieces.push(Piece::Directive(one));
                continue;
            }
        };
        match whole {
            "%" | "\n" | "\t" => whole.chars().for_each(|character| push_text(&mut pieces, character)),
            several => pieces.extend(self::pieces(several)),
        }
    }
    pieces
}

trait PopIf {
    fn pop_if(&mut self, holds: impl FnOnce(char) -> bool) -> Option<char>;
}

impl PopIf for String {
    /// Takes the last character off when it is one of those.
    fn pop_if(&mut self, holds: impl FnOnce(char) -> bool) -> Option<char> {
        self.chars().next_back().filter(|last| holds(*last)).and_then(|_| self.pop())
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
