//! The grammar: bodies of attributes and blocks, and expressions.

use super::{
    Place, Refusal,
    lexer::{Token, is_identifier},
};

/// What stands between braces, or in a whole file.
pub(crate) type Body = Vec<Statement>;

/// One line of a body.
#[derive(Debug, Clone)]
pub(crate) enum Statement {
    Attribute { place: Place, name: String, value: Expr },
    Block { place: Place, name: Vec<String>, label: Option<String>, body: Body },
}

/// A value.
#[derive(Debug, Clone)]
pub(crate) enum Expr {
    Ident(Place, String),
    Text(String),
    Number(String),
    Bool(bool),
    Null,
    Array(Vec<Expr>),
    Object(Vec<(String, Expr)>),
    Unary(Box<Expr>),
    Binary(Box<Expr>, Box<Expr>),
    Access(Box<Expr>, String),
    Index(Box<Expr>, Box<Expr>),
    Call(Box<Expr>, Vec<Expr>),
}

impl Expr {
    /// Calls `see` with this expression and every one inside it.
    pub(crate) fn walk(&self, see: &mut impl FnMut(&Self)) {
        see(self);
        match self {
            Self::Ident(..) | Self::Text(_) | Self::Number(_) | Self::Bool(_) | Self::Null => {}
            Self::Array(items) => items.iter().for_each(|item| item.walk(see)),
            Self::Object(fields) => fields.iter().for_each(|(_, value)| value.walk(see)),
            Self::Unary(inner) | Self::Access(inner, _) => inner.walk(see),
            Self::Binary(left, right) | Self::Index(left, right) => {
                left.walk(see);
                right.walk(see);
            }
            Self::Call(function, arguments) => {
                function.walk(see);
                arguments.iter().for_each(|argument| argument.walk(see));
            }
        }
    }

    /// `a.b.c` as its parts, when the expression is nothing but that.
    pub(crate) fn path(&self) -> Option<(Place, Vec<&str>)> {
        match self {
            Self::Ident(place, name) => Some((*place, vec![name.as_str()])),
            Self::Access(inner, name) => {
                let (place, mut parts) = inner.path()?;
                parts.push(name);
                Some((place, parts))
            }
            _ => None,
        }
    }
}

/// Levels of binary operators, the loosest first; `^` binds to the right and stands apart.
const LEVELS: [&[&str]; 5] = [&["||"], &["&&"], &["==", "!=", "<", "<=", ">", ">="], &["+", "-"], &["*", "/", "%"]];

struct Parser {
    tokens: Vec<(Token, Place)>,
    at: usize,
}

/// Reads a whole file.
pub(super) fn parse(tokens: Vec<(Token, Place)>) -> Result<Body, Refusal> {
    let mut parser = Parser { tokens, at: 0 };
    let body = parser.body()?;
    match parser.peek() {
        Token::End => Ok(body),
        token => Err(parser.refuse(&format!("expected block or attribute, got {}", name_of(token)))),
    }
}

fn name_of(token: &Token) -> String {
    match token {
        Token::Ident(name) => name.clone(),
        Token::Text { .. } => "STRING".to_owned(),
        Token::Number(_) => "NUMBER".to_owned(),
        Token::Float(_) => "FLOAT".to_owned(),
        Token::Keyword(word) => (*word).to_owned(),
        Token::Operator(operator) => (*operator).to_owned(),
        Token::Terminator => "TERMINATOR".to_owned(),
        Token::End => "EOF".to_owned(),
    }
}

impl Parser {
    fn peek(&self) -> &Token {
        // The last token is always `End`, and `advance` never passes it.
        &self.tokens[self.at].0
    }

    fn place(&self) -> Place {
        self.tokens[self.at].1
    }

    fn advance(&mut self) -> Token {
        let token = self.peek().clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn refuse(&self, message: &str) -> Refusal {
        Refusal::new(self.place(), message)
    }

    fn is(&self, operator: &str) -> bool {
        matches!(self.peek(), Token::Operator(found) if *found == operator)
    }

    fn take(&mut self, operator: &str) -> bool {
        let found = self.is(operator);
        if found {
            self.advance();
        }
        found
    }

    fn demand(&mut self, operator: &str) -> Result<(), Refusal> {
        if self.take(operator) {
            return Ok(());
        }
        // A body that runs to the end of the file has a terminator before the end.
        let past = usize::from(*self.peek() == Token::Terminator && self.at + 2 == self.tokens.len());
        let (found, place) = &self.tokens[self.at + past];
        Err(Refusal::new(*place, format!("expected {operator}, got {}", name_of(found))))
    }

    fn body(&mut self) -> Result<Body, Refusal> {
        let mut body = Vec::new();
        while !matches!(self.peek(), Token::End) && !self.is("}") {
            body.push(self.statement()?);
            if *self.peek() == Token::Terminator {
                self.advance();
            } else if !matches!(self.peek(), Token::End) && !self.is("}") {
                return Err(self.refuse(&format!("expected TERMINATOR, got {}", name_of(self.peek()))));
            }
        }
        Ok(body)
    }

    fn statement(&mut self) -> Result<Statement, Refusal> {
        let place = self.place();
        let mut name = vec![self.identifier()?];
        if self.take("=") {
            let value = self.expression()?;
            return Ok(Statement::Attribute { place, name: name.remove(0), value });
        }
        while self.take(".") {
            name.push(self.identifier()?);
        }
        if self.is("=") {
            return Err(self.refuse("attribute names may only consist of a single identifier with no \".\""));
        }
        let mut label = None;
        let at = self.place();
        if let Token::Text { value, raw, .. } = self.peek().clone() {
            if raw || !(value.is_empty() || is_identifier(&value)) {
                return Err(Refusal::new(at, "expected block label to be a valid identifier"));
            }
            self.advance();
            label = Some(value).filter(|label| !label.is_empty());
        }
        if !self.take("{") {
            return Err(self.refuse(&format!("expected {{, got {}", name_of(self.peek()))));
        }
        let body = self.body()?;
        self.demand("}")?;
        Ok(Statement::Block { place, name, label, body })
    }

    fn identifier(&mut self) -> Result<String, Refusal> {
        match self.peek().clone() {
            Token::Ident(name) => {
                self.advance();
                Ok(name)
            }
            token => Err(self.refuse(&format!("expected identifier, got {}", name_of(&token)))),
        }
    }

    fn expression(&mut self) -> Result<Expr, Refusal> {
        self.binary(0)
    }

    fn binary(&mut self, level: usize) -> Result<Expr, Refusal> {
        let Some(operators) = LEVELS.get(level) else { return self.power() };
        let mut left = self.binary(level + 1)?;
        while let Token::Operator(operator) = *self.peek() {
            if !operators.contains(&operator) {
                break;
            }
            self.advance();
            left = Expr::Binary(Box::new(left), Box::new(self.binary(level + 1)?));
        }
        Ok(left)
    }

    fn power(&mut self) -> Result<Expr, Refusal> {
        let left = self.unary()?;
        if self.take("^") {
            return Ok(Expr::Binary(Box::new(left), Box::new(self.power()?)));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, Refusal> {
        if self.take("!") || self.take("-") {
            return Ok(Expr::Unary(Box::new(self.unary()?)));
        }
        let mut value = self.primary()?;
        loop {
            if self.take(".") {
                value = Expr::Access(Box::new(value), self.identifier()?);
            } else if self.take("[") {
                let index = self.expression()?;
                self.demand("]")?;
                value = Expr::Index(Box::new(value), Box::new(index));
            } else if self.take("(") {
                let arguments = self.list(")", Self::expression)?;
                value = Expr::Call(Box::new(value), arguments);
            } else {
                return Ok(value);
            }
        }
    }

    fn primary(&mut self) -> Result<Expr, Refusal> {
        let place = self.place();
        match self.advance() {
            Token::Ident(name) => Ok(Expr::Ident(place, name)),
            Token::Text { value, .. } => Ok(Expr::Text(value)),
            Token::Number(text) | Token::Float(text) => Ok(Expr::Number(text)),
            Token::Keyword("null") => Ok(Expr::Null),
            Token::Keyword(word) => Ok(Expr::Bool(word == "true")),
            Token::Operator("(") => {
                let inner = self.expression()?;
                self.demand(")")?;
                Ok(inner)
            }
            Token::Operator("[") => Ok(Expr::Array(self.list("]", Self::expression)?)),
            Token::Operator("{") => Ok(Expr::Object(self.list("}", Self::field)?)),
            token => Err(Refusal::new(place, format!("expected expression, got {}", name_of(&token)))),
        }
    }

    /// Object keys are not unescaped by Alloy: the raw text between the quotes is the key.
    fn field(&mut self) -> Result<(String, Expr), Refusal> {
        let key = match self.peek().clone() {
            Token::Ident(name) => name,
            Token::Text { source, .. } => source,
            token => return Err(self.refuse(&format!("expected field name, got {}", name_of(&token)))),
        };
        self.advance();
        self.demand("=")?;
        Ok((key, self.expression()?))
    }

    /// Items with commas between them; one more comma is allowed, and needed when the closer has its own line.
    fn list<T>(&mut self, closer: &str, item: fn(&mut Self) -> Result<T, Refusal>) -> Result<Vec<T>, Refusal> {
        let mut items = Vec::new();
        while !self.is(closer) {
            items.push(item(self)?);
            if !self.take(",") && !self.is(closer) {
                return Err(self.refuse(&format!("missing ',' in list or {closer}, got {}", name_of(self.peek()))));
            }
        }
        self.demand(closer)?;
        Ok(items)
    }
}
