//! Tokens of Alloy's language, with the terminators that newlines become.

use super::{Place, Refusal};

/// What a token is; operators are their own text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Ident(String),
    /// The value between the quotes, escapes resolved; the text as it stands; whether the quotes were backticks.
    Text {
        value: String,
        source: String,
        raw: bool,
    },
    Number(String),
    Float(String),
    Keyword(&'static str),
    Operator(&'static str),
    /// A newline, or the end, after something that can end a statement.
    Terminator,
    End,
}

/// Longer ones first.
const OPERATORS: [&str; 24] = [
    "||", "&&", "==", "!=", "<=", ">=", "!", "<", ">", "+", "-", "*", "/", "%", "^", "=", "{", "}", "(", ")", "[", "]",
    ",", ".",
];

const KEYWORDS: [&str; 3] = ["true", "false", "null"];

/// Whether a text is an identifier that may stand as a label.
pub(super) fn is_identifier(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(is_letter)
        && letters.all(|letter| is_letter(letter) || letter.is_numeric())
        && !KEYWORDS.contains(&text)
}

fn is_letter(letter: char) -> bool {
    letter == '_' || letter.is_alphabetic()
}

struct Lexer {
    letters: Vec<char>,
    at: usize,
    place: Place,
    tokens: Vec<(Token, Place)>,
}

/// Turns a text into tokens, or says where it cannot.
pub(super) fn lex(text: &str) -> Result<Vec<(Token, Place)>, Refusal> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some((before, letter)) = ['\0', '\u{feff}']
        .into_iter()
        .filter_map(|letter| text.split_once(letter).map(|(before, _)| (before, letter)))
        .min_by_key(|(before, _)| before.len())
    {
        // Nowhere, not even in texts and comments.
        let line = before.rsplit('\n').next().unwrap_or_default();
        let place = Place { line: 1 + before.matches('\n').count(), column: 1 + line.chars().count() };
        let what = if letter == '\0' { "illegal character NUL" } else { "illegal byte order mark" };
        return Err(Refusal::new(place, what));
    }
    let mut lexer =
        Lexer { letters: text.chars().collect(), at: 0, place: Place { line: 1, column: 1 }, tokens: Vec::new() };
    while lexer.peek(0).is_some() {
        lexer.next()?;
    }
    lexer.terminate();
    lexer.push(Token::End, lexer.place);
    Ok(lexer.tokens)
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.letters.get(self.at + ahead).copied()
    }

    fn bump(&mut self) -> Option<char> {
        let letter = self.peek(0)?;
        self.at += 1;
        if letter == '\n' {
            self.place = Place { line: self.place.line + 1, column: 1 };
        } else {
            self.place.column += 1;
        }
        Some(letter)
    }

    fn push(&mut self, token: Token, place: Place) {
        self.tokens.push((token, place));
    }

    /// A newline ends a statement after an identifier, a literal or a closing bracket.
    fn terminate(&mut self) {
        let ends = match self.tokens.last() {
            Some((Token::Operator(operator), _)) => matches!(*operator, ")" | "]" | "}"),
            Some((Token::Terminator | Token::End, _)) | None => false,
            Some(_) => true,
        };
        if ends {
            self.push(Token::Terminator, self.place);
        }
    }

    fn next(&mut self) -> Result<(), Refusal> {
        let place = self.place;
        let Some(letter) = self.peek(0) else { return Ok(()) };
        match letter {
            '\n' => {
                self.terminate();
                self.bump();
            }
            ' ' | '\t' | '\r' => {
                self.bump();
            }
            '/' if self.peek(1) == Some('/') => {
                while self.peek(0).is_some_and(|letter| letter != '\n') {
                    self.bump();
                }
            }
            '/' if self.peek(1) == Some('*') => self.comment(place)?,
            '"' => self.text(place)?,
            '`' => self.raw_text(place)?,
            letter if is_letter(letter) => {
                let mut word = String::new();
                while let Some(letter) = self.peek(0).filter(|letter| is_letter(*letter) || letter.is_numeric()) {
                    word.push(letter);
                    self.bump();
                }
                let token =
                    KEYWORDS.iter().find(|keyword| **keyword == word).map_or(Token::Ident(word), |k| Token::Keyword(k));
                self.push(token, place);
            }
            letter if letter.is_ascii_digit() => self.number(place),
            '.' if self.peek(1).is_some_and(|letter| letter.is_ascii_digit()) => self.number(place),
            letter => {
                let Some(operator) = OPERATORS.iter().find(|operator| {
                    operator.chars().enumerate().all(|(ahead, wanted)| self.peek(ahead) == Some(wanted))
                }) else {
                    return Err(Refusal::new(place, format!("illegal character {letter:?}")));
                };
                operator.chars().for_each(|_| {
                    self.bump();
                });
                self.push(Token::Operator(operator), place);
            }
        }
        Ok(())
    }

    /// A comment in stars acts like a newline when it holds one.
    fn comment(&mut self, place: Place) -> Result<(), Refusal> {
        self.bump();
        self.bump();
        loop {
            match self.bump() {
                None => return Err(Refusal::new(place, "block comment not terminated")),
                Some('*') if self.peek(0) == Some('/') => {
                    self.bump();
                    return Ok(());
                }
                Some('\n') => self.terminate(),
                Some(_) => {}
            }
        }
    }

    fn number(&mut self, place: Place) {
        let mut text = String::new();
        let mut float = false;
        let digits = |lexer: &mut Self, text: &mut String| {
            while let Some(digit) = lexer.peek(0).filter(char::is_ascii_digit) {
                text.push(digit);
                lexer.bump();
            }
        };
        digits(self, &mut text);
        if self.peek(0) == Some('.') {
            float = true;
            text.push('.');
            self.bump();
            digits(self, &mut text);
        }
        if matches!(self.peek(0), Some('e' | 'E')) {
            let sign = usize::from(matches!(self.peek(1), Some('+' | '-')));
            if self.peek(1 + sign).is_some_and(|letter| letter.is_ascii_digit()) {
                float = true;
                for _ in 0..=sign {
                    text.extend(self.bump());
                }
                digits(self, &mut text);
            }
        }
        self.push(if float { Token::Float(text) } else { Token::Number(text) }, place);
    }

    fn text(&mut self, place: Place) -> Result<(), Refusal> {
        let began = self.at + 1;
        self.bump();
        let mut value = String::new();
        loop {
            match self.bump() {
                None | Some('\n') => return Err(Refusal::new(place, "string literal not terminated")),
                Some('"') => break,
                Some('\\') => value.push(self.escape()?),
                Some(letter) => value.push(letter),
            }
        }
        let source = self.letters[began..self.at - 1].iter().collect();
        self.push(Token::Text { value, source, raw: false }, place);
        Ok(())
    }

    fn escape(&mut self) -> Result<char, Refusal> {
        let place = self.place;
        let refuse = || Refusal::new(place, "unknown escape sequence");
        let Some(letter) = self.bump() else { return Err(refuse()) };
        let (digits, radix) = match letter {
            'a' => return Ok('\u{7}'),
            'b' => return Ok('\u{8}'),
            'f' => return Ok('\u{c}'),
            'n' => return Ok('\n'),
            'r' => return Ok('\r'),
            't' => return Ok('\t'),
            'v' => return Ok('\u{b}'),
            '\\' | '"' => return Ok(letter),
            '0'..='7' => (2, 8),
            'x' => (2, 16),
            'u' => (4, 16),
            'U' => (8, 16),
            _ => return Err(refuse()),
        };
        let mut code = letter.to_digit(8).filter(|_| radix == 8).unwrap_or(0);
        for _ in 0..digits {
            let digit = self.bump().and_then(|letter| letter.to_digit(radix)).ok_or_else(refuse)?;
            code = code.checked_mul(radix).and_then(|code| code.checked_add(digit)).ok_or_else(refuse)?;
        }
        if radix == 8 && code > 255 {
            return Err(refuse());
        }
        char::from_u32(code).ok_or_else(refuse)
    }

    fn raw_text(&mut self, place: Place) -> Result<(), Refusal> {
        self.bump();
        let mut value = String::new();
        loop {
            match self.bump() {
                None => return Err(Refusal::new(place, "raw string literal not terminated")),
                Some('`') => break,
                Some(letter) => value.push(letter),
            }
        }
        self.push(Token::Text { source: value.clone(), value, raw: true }, place);
        Ok(())
    }
}
