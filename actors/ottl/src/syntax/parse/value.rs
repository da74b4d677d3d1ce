//! Tokens to a tree: values.

use super::{
    super::{
        text,
        token::Kind,
        tree::{Argument, Key, Lambda, LambdaBody, Math, Path, Place, Segment, Value, ValueKind},
    },
    Parsed, Parser,
};
use crate::problem::Finding;

impl Parser<'_> {
    pub(in super::super) fn value(&mut self) -> Parsed<Value> {
        let token = self.peek();
        let place = Place(token.start);
        let kind = match token.kind {
            Kind::Nil => {
                self.advance();
                ValueKind::Nil
            }
            Kind::Bool => ValueKind::Bool(self.take() == "true"),
            Kind::Text => ValueKind::Text(self.text_literal()?),
            Kind::Bytes => ValueKind::Bytes(self.bytes_literal()?),
            Kind::LBrace => {
                self.advance();
                ValueKind::Map(self.deeper(Self::map_items)?)
            }
            Kind::LBracket => {
                self.advance();
                ValueKind::List(self.deeper(Self::list_items)?)
            }
            Kind::LParen if self.begins_lambda() => ValueKind::Lambda(Box::new(self.deeper(Self::lambda)?)),
            Kind::Upper if !self.begins_call() && self.peek_at(1).kind != Kind::Lower => {
                ValueKind::Enum(self.take().to_owned())
            }
            Kind::Upper if !self.begins_call() => {
                self.name();
                return Err(self.unexpected("`(` and the arguments of the converter"));
            }
            Kind::Lower | Kind::Upper | Kind::Int | Kind::Float | Kind::AddSub | Kind::LParen => {
                let first = self.factor()?;
                return self.sum_from(first, place);
            }
            _ => return Err(self.unexpected("a value: a text, a number, a path, a converter, a list or a map")),
        };
        Ok(Value { place, kind })
    }

    /// Goes on with arithmetic whose first operand, a value in brackets, has been read.
    pub(super) fn math_from(&mut self, first: Value) -> Parsed<Value> {
        let place = first.place;
        let first = match first.kind {
            ValueKind::Math(math) => math,
            kind => Math::Operand(Box::new(Value { place, kind })),
        };
        self.sum_from(first, place)
    }

    /// A value in brackets, which must be one of those that arithmetic knows.
    pub(super) fn bracketed(&mut self, value: Value) -> Parsed<Value> {
        let place = value.place;
        let math = match value.kind {
            ValueKind::Math(math) => math,
            kind @ (ValueKind::Int(_) | ValueKind::Float(_) | ValueKind::Path(_) | ValueKind::Call(_)) => {
                Math::Operand(Box::new(Value { place, kind }))
            }
            _ => {
                return Err(Finding::new(place.0, "only numbers, paths, converters and arithmetic stand in brackets"));
            }
        };
        Ok(Value { place, kind: ValueKind::Math(math) })
    }

    fn sum_from(&mut self, first: Math, place: Place) -> Parsed<Value> {
        let first = self.product_from(first)?;
        let mut rest = Vec::new();
        while self.peek().kind == Kind::AddSub {
            let subtracted = self.take() == "-";
            let next = self.factor()?;
            rest.push((subtracted, unwrapped(self.product_from(next)?)));
        }
        if !rest.is_empty() {
            let first = Box::new(unwrapped(first));
            return Ok(Value { place, kind: ValueKind::Math(Math::Sum { first, rest }) });
        }
        Ok(match first {
            Math::Operand(bare) if !matches!(bare.kind, ValueKind::Math(_)) => *bare,
            Math::Operand(bracketed) => Value { place, ..*bracketed },
            math => Value { place, kind: ValueKind::Math(math) },
        })
    }

    fn product_from(&mut self, first: Math) -> Parsed<Math> {
        let mut rest = Vec::new();
        while self.peek().kind == Kind::MultDiv {
            let divided = self.take() == "/";
            rest.push((divided, unwrapped(self.factor()?)));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok(Math::Product { first: Box::new(unwrapped(first)), rest })
    }

    /// An operand with its sign. One in brackets comes as an operand that is arithmetic, to tell `(1)` from `1`.
    fn factor(&mut self) -> Parsed<Math> {
        if self.peek().kind != Kind::AddSub {
            return self.unsigned();
        }
        let negative = self.take() == "-";
        let of = Box::new(unwrapped(self.unsigned()?));
        Ok(Math::Signed { negative, of })
    }

    fn unsigned(&mut self) -> Parsed<Math> {
        let token = self.peek();
        let place = Place(token.start);
        let kind = match token.kind {
            Kind::LParen => {
                self.advance();
                let inner = self.deeper(|parser| {
                    let place = Place(parser.peek().start);
                    let first = parser.factor()?;
                    parser.sum_from(first, place)
                })?;
                self.expect(Kind::RParen, "an operator or `)`")?;
                self.bracketed(Value { place, ..inner })?.kind
            }
            Kind::Lower | Kind::Upper if self.begins_call() => {
                let call = self.call()?;
                if token.kind == Kind::Lower {
                    let message = format!(
                        "a converter's name begins with a capital letter; `{}` is no converter and gives no value",
                        call.name
                    );
                    self.findings.push(Finding::new(token.start, message));
                }
                ValueKind::Call(call)
            }
            Kind::Lower => ValueKind::Path(self.path()?),
            Kind::Int => ValueKind::Int(self.int_literal()?),
            Kind::Float => ValueKind::Float(self.float_literal()?),
            _ => return Err(self.unexpected("a number, a path or a converter")),
        };
        Ok(Math::Operand(Box::new(Value { place, kind })))
    }

    fn path(&mut self) -> Parsed<Path> {
        let place = Place(self.peek().start);
        let mut segments = Vec::new();
        loop {
            let token = self.expect(Kind::Lower, "the name of a field, in small letters")?;
            let name = self.slice(token).to_owned();
            segments.push(Segment { place: Place(token.start), name, keys: self.keys()? });
            if !self.eat(Kind::Dot) {
                return Ok(Path { place, segments });
            }
        }
    }

    pub(super) fn keys(&mut self) -> Parsed<Vec<Key>> {
        let mut keys = Vec::new();
        while self.eat(Kind::LBracket) {
            let key = match self.peek().kind {
                Kind::Text => Key::Text(self.text_literal()?),
                Kind::Int => Key::Int(self.int_literal()?),
                Kind::Lower | Kind::Upper | Kind::Float | Kind::AddSub | Kind::LParen => {
                    Key::Computed(self.deeper(|parser| {
                        let place = Place(parser.peek().start);
                        let first = parser.factor()?;
                        parser.sum_from(first, place)
                    })?)
                }
                _ => return Err(self.unexpected("a key: a text, a whole number, a path or a converter")),
            };
            self.expect(Kind::RBracket, "`]`")?;
            keys.push(key);
        }
        Ok(keys)
    }

    pub(super) fn arguments(&mut self) -> Parsed<Vec<Argument>> {
        let mut arguments = Vec::new();
        if self.eat(Kind::RParen) {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.argument()?);
            if self.eat(Kind::RParen) {
                return Ok(arguments);
            }
            self.expect(Kind::Comma, "`,` or `)`")?;
        }
    }

    fn argument(&mut self) -> Parsed<Argument> {
        let place = Place(self.peek().start);
        let names = self.names_ahead();
        let name = if self.peek().kind == Kind::Lower && self.peek_at(names).kind == Kind::Equal {
            let name = self.name();
            self.advance();
            Some(name)
        } else {
            None
        };
        let token = self.peek();
        if token.kind == Kind::Upper && !self.begins_call() && self.peek_at(1).kind == Kind::Lower {
            let value = Value { place: Place(token.start), kind: ValueKind::Function(self.name()) };
            return Ok(Argument { place, name, value });
        }
        Ok(Argument { place, name, value: self.value()? })
    }

    /// Values with or without commas between them, as upstream takes them; no comma at the end.
    fn list_items(&mut self) -> Parsed<Vec<Value>> {
        let mut items = Vec::new();
        while !matches!(self.peek().kind, Kind::RBracket | Kind::Comma | Kind::End) {
            items.push(self.value()?);
        }
        while self.eat(Kind::Comma) {
            items.push(self.value()?);
        }
        self.expect(Kind::RBracket, "`,` or `]`")?;
        Ok(items)
    }

    fn map_items(&mut self) -> Parsed<Vec<(String, Value)>> {
        let mut items = Vec::new();
        while !self.eat(Kind::RBrace) {
            if self.peek().kind != Kind::Text {
                return Err(self.unexpected("a key in quotes or `}`"));
            }
            let key = self.text_literal()?;
            self.expect(Kind::Colon, "`:`")?;
            items.push((key, self.value()?));
            self.eat(Kind::Comma);
        }
        Ok(items)
    }

    fn lambda(&mut self) -> Parsed<Lambda> {
        self.expect(Kind::LParen, "`(`")?;
        let mut parameters = Vec::new();
        while !self.eat(Kind::RParen) {
            parameters.push(self.take().to_owned());
            self.eat(Kind::Comma);
        }
        self.expect(Kind::Arrow, "`=>`")?;
        let place = self.peek().start;
        let body = self.lambda_body()?;
        if matches!(&body, LambdaBody::Value(Value { kind: ValueKind::Lambda(_), .. })) {
            self.findings.push(Finding::new(place, "a lambda cannot give another lambda"));
        }
        Ok(Lambda { parameters, body })
    }

    /// Whether a `(` begins `(a, _) =>`.
    pub(super) fn begins_lambda(&self) -> bool {
        let mut ahead = 1;
        if matches!(self.peek_at(ahead).kind, Kind::Lower | Kind::Underscore) {
            ahead += 1;
            while self.peek_at(ahead).kind == Kind::Comma
                && matches!(self.peek_at(ahead + 1).kind, Kind::Lower | Kind::Underscore)
            {
                ahead += 2;
            }
        }
        self.peek_at(ahead).kind == Kind::RParen && self.peek_at(ahead + 1).kind == Kind::Arrow
    }

    /// How many tokens belong to the name that begins here. White space may stand between them, as upstream has it.
    fn names_ahead(&self) -> usize {
        self.name_ends.get(self.at).map_or(0, |end| end - self.at)
    }

    pub(super) fn begins_call(&self) -> bool {
        let names = self.names_ahead();
        names > 0 && self.peek_at(names).kind == Kind::LParen
    }

    pub(super) fn name_ahead(&self) -> String {
        (0..self.names_ahead()).map(|ahead| self.slice(self.peek_at(ahead))).collect()
    }

    pub(super) fn name(&mut self) -> String {
        (0..self.names_ahead()).map(|_| self.take()).collect()
    }

    fn text_literal(&mut self) -> Parsed<String> {
        let token = self.advance();
        text::unquoted(self.slice(token)).map_err(|finding| Finding { offset: finding.offset + token.start, ..finding })
    }

    fn bytes_literal(&mut self) -> Parsed<Vec<u8>> {
        let token = self.advance();
        let digits = self.slice(token).get(2..).unwrap_or_default();
        let octets = digits
            .as_bytes()
            .chunks_exact(2)
            .filter_map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()));
        match digits.len() % 2 {
            0 => Ok(octets.collect()),
            _ => Err(Finding::new(token.start, "octets are written with two hexadecimal digits each")),
        }
    }

    /// A whole number as Go reads it: one that begins with 0 is octal.
    fn int_literal(&mut self) -> Parsed<i64> {
        let token = self.advance();
        let digits = self.slice(token);
        let number = match digits.strip_prefix('0') {
            None | Some("") => digits.parse(),
            Some(octal) => i64::from_str_radix(octal, 8),
        };
        number.map_err(|_| {
            let message = if digits.starts_with('0') {
                format!("`{digits}` begins with 0 and is no octal number")
            } else {
                format!("`{digits}` is too large: a whole number is at most {}", i64::MAX)
            };
            Finding::new(token.start, message)
        })
    }

    fn float_literal(&mut self) -> Parsed<f64> {
        let token = self.advance();
        match self.slice(token).parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(Finding::new(token.start, format!("`{}` is too large for a number", self.slice(token)))),
        }
    }
}

/// An operand that is arithmetic in brackets, as that arithmetic.
fn unwrapped(math: Math) -> Math {
    match math {
        Math::Operand(value) => match value.kind {
            ValueKind::Math(math) => math,
            kind => Math::Operand(Box::new(Value { place: value.place, kind })),
        },
        math => math,
    }
}
