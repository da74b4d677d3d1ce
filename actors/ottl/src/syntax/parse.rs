//! Tokens to a tree: statements and conditions.
//!
//! The grammar of upstream is read by a machine that tries one alternative after another and begins again where one
//! fails, which takes time exponential in the depth of brackets. Here each token is looked at once: where the grammar
//! leaves open what a bracket holds, it is read as [`Found`] and decided by what follows.

use super::{
    token::{Kind, Token, tokens},
    tree::{Call, Comparison, Condition, LambdaBody, Place, Statement, Value, ValueKind},
};
use crate::problem::Finding;

mod value;

/// Longer texts are refused unread, in octets.
pub(super) const MAX_LENGTH: usize = 64 << 10;
/// How deep brackets may stand in brackets.
const MAX_DEPTH: usize = 64;

pub(super) type Parsed<T> = Result<T, Finding>;

pub(super) struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    /// Behind which token the name ends that each token belongs to; itself for one of no name.
    name_ends: Vec<usize>,
    at: usize,
    depth: usize,
    /// What is wrong without keeping the rest from being read.
    pub(super) findings: Vec<Finding>,
}

/// What stands where a condition or a value may stand.
enum Found {
    Condition(Condition),
    Value(Value),
    /// A value in brackets: a condition (`(IsString(body))`) or an operand (`(1 + 2)`).
    Bracketed(Value),
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Parsed<Self> {
        if text.len() > MAX_LENGTH {
            return Err(Finding::new(
                0,
                format!("a text has at most {MAX_LENGTH} octets, this one has {}", text.len()),
            ));
        }
        let tokens = tokens(text)?;
        let mut name_ends: Vec<usize> = (0..tokens.len()).collect();
        let mut end = tokens.len();
        for (place, token) in tokens.iter().enumerate().rev() {
            if !matches!(token.kind, Kind::Lower | Kind::Upper) {
                end = place;
            }
            name_ends[place] = end;
        }
        Ok(Self { text, tokens, name_ends, at: 0, depth: 0, findings: Vec::new() })
    }

    pub(super) fn statement(&mut self) -> Parsed<Statement> {
        let first = self.peek();
        match first.kind {
            Kind::Lower | Kind::Upper if self.begins_call() => {}
            Kind::Lower | Kind::Upper => {
                self.name();
                return Err(self.unexpected("`(` and the arguments of the editor"));
            }
            _ => return Err(self.unexpected("the name of an editor, such as `set`")),
        }
        if first.kind == Kind::Upper {
            let message = format!(
                "a statement begins with an editor, whose name begins with a small letter; `{}` is a converter",
                self.name_ahead()
            );
            self.findings.push(Finding::new(first.start, message));
        }
        let editor = self.call()?;
        if first.kind == Kind::Lower && !editor.keys.is_empty() {
            let message = format!("`{}` is an editor, which gives nothing that has keys", editor.name);
            self.findings.push(Finding::new(first.start, message));
        }
        let condition = if self.peek().kind == Kind::Lower && self.slice(self.peek()) == "where" {
            self.advance();
            Some(self.condition()?)
        } else {
            None
        };
        self.end(if condition.is_some() { "`and`, `or` or the end" } else { "`where` or the end" })?;
        Ok(Statement { editor, condition })
    }

    pub(super) fn whole_condition(&mut self) -> Parsed<Condition> {
        let condition = self.condition()?;
        self.end("`and`, `or` or the end")?;
        Ok(condition)
    }

    pub(super) fn whole_value(&mut self) -> Parsed<Value> {
        let value = self.value()?;
        self.end("an operator or the end")?;
        Ok(value)
    }

    pub(super) fn condition(&mut self) -> Parsed<Condition> {
        let found = self.any_of()?;
        self.as_condition(found)
    }

    fn any_of(&mut self) -> Parsed<Found> {
        self.joined(Kind::Or, Self::all_of, Condition::Or)
    }

    fn all_of(&mut self) -> Parsed<Found> {
        self.joined(Kind::And, Self::negated, Condition::And)
    }

    fn joined(
        &mut self,
        by: Kind,
        part: fn(&mut Self) -> Parsed<Found>,
        join: fn(Vec<Condition>) -> Condition,
    ) -> Parsed<Found> {
        let first = part(self)?;
        if self.peek().kind != by {
            return Ok(first);
        }
        let mut parts = vec![self.as_condition(first)?];
        while self.eat(by) {
            let next = part(self)?;
            parts.push(self.as_condition(next)?);
        }
        Ok(Found::Condition(join(parts)))
    }

    fn negated(&mut self) -> Parsed<Found> {
        if !self.eat(Kind::Not) {
            return self.compared();
        }
        if self.peek().kind == Kind::Not {
            return Err(self.unexpected("a condition; `not` twice needs brackets"));
        }
        let found = self.compared()?;
        Ok(Found::Condition(Condition::Not(Box::new(self.as_condition(found)?))))
    }

    fn compared(&mut self) -> Parsed<Found> {
        let left = self.operand()?;
        if self.peek().kind != Kind::Compare {
            return Ok(left);
        }
        let left = self.as_value(left)?;
        let by = match self.take() {
            "==" => Comparison::Equal,
            "!=" => Comparison::NotEqual,
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            _ => Comparison::GreaterOrEqual,
        };
        let right = self.value()?;
        if self.peek().kind == Kind::Compare {
            return Err(self.unexpected("`and` or `or`: comparisons do not chain"));
        }
        Ok(Found::Condition(Condition::Compare { left, by, right }))
    }

    fn operand(&mut self) -> Parsed<Found> {
        let open = self.peek();
        if open.kind != Kind::LParen || self.begins_lambda() {
            return Ok(Found::Value(self.value()?));
        }
        self.advance();
        let inner = self.deeper(Self::any_of)?;
        self.expect(Kind::RParen, "`)`")?;
        let inner = match inner {
            Found::Condition(condition) => return Ok(Found::Condition(condition)),
            Found::Value(value) | Found::Bracketed(value) => value,
        };
        if matches!(self.peek().kind, Kind::AddSub | Kind::MultDiv) {
            let first = self.as_value(Found::Bracketed(inner))?;
            return Ok(Found::Value(self.math_from(first)?));
        }
        // The place of a value in brackets is that of the bracket, so that what is said of it points there.
        Ok(Found::Bracketed(Value { place: Place(open.start), ..inner }))
    }

    fn as_condition(&mut self, found: Found) -> Parsed<Condition> {
        let value = match found {
            Found::Condition(condition) => return Ok(condition),
            Found::Value(value) | Found::Bracketed(value) => value,
        };
        let place = value.place.0;
        match value.kind {
            ValueKind::Bool(literal) => Ok(Condition::Literal(literal)),
            ValueKind::Call(call) => Ok(Condition::Converter(call)),
            _ if self.peek().kind == Kind::Equal => Err(self.unexpected("a comparison, such as `==`")),
            kind => {
                let finding = Finding::new(place, "this is a value, not a condition: a comparison is missing");
                Err(match kind {
                    ValueKind::Path(_) => finding.suggest(Some(format!("{} != nil", self.since(place)))),
                    _ => finding,
                })
            }
        }
    }

    fn as_value(&mut self, found: Found) -> Parsed<Value> {
        match found {
            Found::Value(value) => Ok(value),
            Found::Bracketed(value) => self.bracketed(value),
            Found::Condition(_) => Err(self.unexpected("`and`, `or` or the end: what stands before is a condition")),
        }
    }

    fn lambda_body(&mut self) -> Parsed<LambdaBody> {
        Ok(match self.any_of()? {
            Found::Value(value) => LambdaBody::Value(value),
            Found::Bracketed(value) if !matches!(value.kind, ValueKind::Bool(_)) => {
                LambdaBody::Value(self.bracketed(value)?)
            }
            found => LambdaBody::Condition(self.as_condition(found)?),
        })
    }

    // What the rest of the parser is made of.

    pub(super) fn peek(&self) -> Token {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Token {
        let end = Token { kind: Kind::End, start: self.text.len(), end: self.text.len() };
        self.tokens.get(self.at + ahead).copied().unwrap_or(end)
    }

    pub(super) fn advance(&mut self) -> Token {
        let token = self.peek();
        self.at += 1;
        token
    }

    /// Reads a token for its text.
    pub(super) fn take(&mut self) -> &'a str {
        let token = self.advance();
        self.slice(token)
    }

    pub(super) fn eat(&mut self, kind: Kind) -> bool {
        let found = self.peek().kind == kind;
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn expect(&mut self, kind: Kind, expected: &str) -> Parsed<Token> {
        if self.peek().kind == kind { Ok(self.advance()) } else { Err(self.unexpected(expected)) }
    }

    fn end(&mut self, expected: &str) -> Parsed<()> {
        self.expect(Kind::End, expected).map(|_| ())
    }

    pub(super) fn slice(&self, token: Token) -> &'a str {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    /// The text from a place to the end of the last token read.
    fn since(&self, place: usize) -> &'a str {
        let end = self.at.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(place, |token| token.end);
        self.text.get(place..end).unwrap_or_default()
    }

    pub(super) fn unexpected(&self, expected: &str) -> Finding {
        let token = self.peek();
        let found = match token.kind {
            Kind::End => "the end of the text".to_owned(),
            _ => format!("`{}`", shortened(self.slice(token))),
        };
        let finding = Finding::new(token.start, format!("expected {expected}; found {found}"));
        match token.kind {
            Kind::Equal => finding.suggest(Some("==")),
            _ => finding,
        }
    }

    /// Reads a part that stands in brackets.
    pub(super) fn deeper<T>(&mut self, part: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == MAX_DEPTH {
            let message = format!("brackets stand in brackets more than {MAX_DEPTH} deep");
            return Err(Finding::new(self.peek().start, message));
        }
        self.depth += 1;
        let part = part(self);
        self.depth -= 1;
        part
    }

    /// Reads a call that begins here: the name, the arguments, the keys.
    pub(super) fn call(&mut self) -> Parsed<Call> {
        let place = Place(self.peek().start);
        let name = self.name();
        self.expect(Kind::LParen, "`(`")?;
        let arguments = self.deeper(Self::arguments)?;
        let keys = self.keys()?;
        Ok(Call { place, name, arguments, keys })
    }
}

/// A token as it is shown in an error.
fn shortened(text: &str) -> String {
    const MOST: usize = 40;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST).chain(['…']).collect()
}
