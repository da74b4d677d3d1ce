//! The canonical layout: what `alloy fmt` would leave as it is.

use std::collections::BTreeMap;

use super::{
    Place,
    lexer::{Token, lex},
    parse,
};

/// What `alloy fmt` would change.
pub(super) fn check(text: &str) -> Vec<String> {
    let (Ok(_), Ok(tokens)) = (parse(text), lex(text)) else { return vec!["it does not parse".to_owned()] };
    let mut changes = Vec::new();
    if !text.ends_with('\n') || text.ends_with("\n\n") {
        changes.push("a file ends with exactly one newline".to_owned());
    }
    let mut page = Page {
        lines: text.split('\n').map(|line| line.chars().collect()).collect(),
        open: Vec::new(),
        rows: BTreeMap::new(),
        brackets: 0,
        sign: false,
        changes,
    };
    // Terminators stand for newlines, which are looked at themselves.
    let tokens: Vec<_> = tokens.into_iter().filter(|(token, _)| *token != Token::Terminator).collect();
    let mut before: Option<&(Token, Place)> = None;
    for (index, this) in tokens.iter().enumerate() {
        if this.0 == Token::End {
            page.white_space(before, this.1);
            break;
        }
        page.token(before, this, &tokens[index + 1..]);
        before = Some(this);
    }
    page.align();
    page.changes
}

/// What a bracket opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The body of a block.
    Block,
    Object,
    Array,
    /// Arguments, an index, a part of an expression.
    Other,
}

struct Open {
    kind: Kind,
    /// Tells brackets apart.
    number: usize,
    /// Whether the present item began on a line of its own, which indents what it holds.
    own_line: bool,
}

/// A line that begins with a name: columns are made of such lines.
struct Row {
    bracket: usize,
    /// The lengths of the cells that end before an equals sign, with how wide the gap is that follows.
    cells: Vec<(usize, usize)>,
    name: String,
}

struct Page {
    lines: Vec<Vec<char>>,
    open: Vec<Open>,
    /// By line.
    rows: BTreeMap<usize, Row>,
    brackets: usize,
    /// Whether the token before was the sign of what follows.
    sign: bool,
    changes: Vec<String>,
}

impl Page {
    fn change(&mut self, line: usize, what: &str) {
        self.changes.push(format!("line {line}: {what}"));
    }

    /// Looks at what stands in front of a token, and keeps account of brackets.
    fn token(&mut self, before: Option<&(Token, Place)>, (token, place): &(Token, Place), rest: &[(Token, Place)]) {
        let from = before.map_or(Place { line: 1, column: 1 }, |(token, place)| end(token, *place));
        let first = before.is_none() || from.line < place.line;
        let previous = before.map(|(token, _)| token);
        let closed = if closes(token) { self.open.pop() } else { None };
        let gap = self.gap(from, *place);
        let commented = gap.iter().any(|line| line.contains('/'));
        if first {
            self.line_start(previous, token, *place, &gap, commented);
        } else if !commented {
            let closed = closed.as_ref().map(|open| open.kind);
            let found = place.column - from.column;
            match self.wanted_gap(previous, token, closed, *place) {
                Some(wanted) if wanted != found => {
                    self.change(place.line, &format!("column {}: {wanted} spaces, not {found}", place.column));
                }
                Some(_) => {}
                None => {
                    if let Some(row) = self.rows.get_mut(&place.line) {
                        let so_far: usize = row.cells.iter().map(|(cell, gap)| cell + gap).sum();
                        row.cells.push((from.column - 1 - so_far, found));
                    }
                }
            }
            if closed.is_some() && previous == Some(&Token::Operator(",")) {
                self.change(place.line, "no comma before a bracket on the same line");
            }
            if closed == Some(Kind::Block) && previous != Some(&Token::Operator("{")) {
                self.change(place.line, "`}` on a line of its own");
            }
        }
        let difference = |token: &Token| {
            ends_value(token) || matches!(token, Token::Number(_) | Token::Float(_) | Token::Keyword(_))
        };
        self.sign = *token == Token::Operator("-") && !previous.is_some_and(difference);
        if opens(token) {
            let kind = match (token, previous) {
                (Token::Operator("{"), Some(Token::Ident(_) | Token::Text { .. })) => Kind::Block,
                (Token::Operator("{"), _) => Kind::Object,
                (Token::Operator("["), Some(token)) if !ends_value(token) => Kind::Array,
                _ => Kind::Other,
            };
            self.brackets += 1;
            self.open.push(Open { kind, number: self.brackets, own_line: false });
            let next = rest.first();
            let line_goes_on = next.is_some_and(|(next, at)| at.line == place.line && !closes(next));
            if kind == Kind::Block && line_goes_on {
                self.change(place.line, "a newline after `{`");
            }
            if kind == Kind::Block && next.is_some_and(|(next, at)| at.line != place.line && closes(next)) {
                let between = self.gap(Place { column: place.column + 1, ..*place }, rest[0].1);
                if between.iter().all(|line| line.trim().is_empty()) {
                    self.change(place.line, "`{ }`, for there is nothing between");
                }
            }
        }
        if matches!(token, Token::Text { source, .. } if source.contains('\t')) {
            self.change(place.line, "no tab within a text, for it becomes spaces");
        }
        if matches!(token, Token::Text { value, raw: false, .. } if value.is_empty())
            && matches!(previous, Some(Token::Ident(_)))
        {
            self.change(place.line, "no label");
        }
    }

    /// What stands after the last token.
    fn white_space(&mut self, before: Option<&(Token, Place)>, last: Place) {
        let from = before.map_or(Place { line: 1, column: 1 }, |(token, place)| end(token, *place));
        if self.gap(from, last).iter().any(|line| ends_blank(line)) {
            self.change(last.line, "no white space at the end of the lines above");
        }
    }

    /// The innermost bracket; `None` is the file.
    fn kind(&self) -> Option<Kind> {
        self.open.last().map(|open| open.kind)
    }

    /// What stands between two places: the rest of one line, whole lines, the beginning of another.
    fn gap(&self, from: Place, to: Place) -> Vec<String> {
        (from.line..=to.line)
            .map(|line| {
                let letters = &self.lines[line - 1];
                let begin = if line == from.line { from.column - 1 } else { 0 };
                let end = if line == to.line { to.column - 1 } else { letters.len() };
                letters[begin..end].iter().collect()
            })
            .collect()
    }

    /// The first token of a line: its indent, and the blank lines above.
    fn line_start(&mut self, previous: Option<&Token>, token: &Token, place: Place, gap: &[String], commented: bool) {
        let goes_on = |previous: &Token| matches!(previous, Token::Operator(operator) if !matches!(*operator, "{" | "}" | "]" | ")"));
        let body = matches!(self.kind(), None | Some(Kind::Block));
        let statement = body && !closes(token) && !previous.is_some_and(goes_on);
        if let Some(open) = self.open.last_mut() {
            open.own_line |= !closes(token);
        }
        let indents = |open: &&Open| open.own_line || matches!(open.kind, Kind::Block | Kind::Object);
        let depth = self.open.iter().filter(indents).count();
        if gap.last().is_some_and(|indent| !indent.contains('*') && *indent != "\t".repeat(depth)) {
            self.change(place.line, &format!("{depth} tabs in front"));
        }
        // What a comment in stars holds is its own affair.
        let stars = gap.iter().any(|line| line.contains("/*"));
        let lines = &gap[..gap.len() - 1];
        if !stars && lines.iter().any(|line| ends_blank(line)) {
            self.change(place.line, "no white space at the end of the lines above");
        }
        let blank = |lines: &[String]| lines.iter().all(|line| line.trim().is_empty());
        let begin = usize::from(previous.is_some());
        let above = lines.get(begin..).unwrap_or_default();
        if !stars && above.windows(2).any(blank) {
            self.change(place.line, "one blank line above at most");
        }
        if !commented && !above.is_empty() {
            let inside = statement && previous.is_some() && previous != Some(&Token::Operator("{"));
            if !inside {
                self.change(place.line, "no blank line above");
            }
        }
        let item = matches!(self.kind(), Some(Kind::Array | Kind::Object | Kind::Other))
            && matches!(previous, Some(Token::Operator("[" | "{" | "(" | ",")))
            || closes(token);
        if !statement && !item {
            self.change(place.line, "no newline inside a value");
        }
        if statement || self.kind() == Some(Kind::Object) && item && !closes(token) {
            let bracket = self.open.last().map_or(0, |open| open.number);
            let name = match token {
                Token::Ident(name) => name.clone(),
                Token::Text { source, .. } => format!("\"{source}\""),
                _ => String::new(),
            };
            self.rows.insert(place.line, Row { bracket, cells: Vec::new(), name });
        }
        // A comment in between stands for the blank line.
        let follows = statement && !commented && previous.is_some_and(|token| *token != Token::Operator("{"));
        if follows && above.is_empty() && self.is_block(place) {
            self.change(place.line, "a blank line before a block");
        }
    }

    /// Whether the statement that begins there is a block: nothing but names, dots and a label stand before its brace.
    fn is_block(&self, place: Place) -> bool {
        let line: String = self.lines[place.line - 1].iter().collect();
        line.split('{').next().is_some_and(|head| head.len() < line.len() && !head.contains('='))
    }

    /// The spaces between two tokens on one line; `None` where columns decide.
    fn wanted_gap(
        &mut self,
        previous: Option<&Token>,
        token: &Token,
        closed: Option<Kind>,
        place: Place,
    ) -> Option<usize> {
        let operator = |token: &Token| if let Token::Operator(operator) = token { Some(*operator) } else { None };
        let (previous, this) = (previous?, operator(token));
        if let Some(open) = self.open.last_mut()
            && *previous == Token::Operator(",")
        {
            open.own_line = false;
        }
        Some(match (operator(previous), this) {
            (Some("{"), Some("}")) if closed == Some(Kind::Block) => 1,
            (_, Some("]" | "}" | ")" | "," | ".")) | (Some("[" | "{" | "(" | "." | "!"), _) => 0,
            (_, Some("[" | "(")) if ends_value(previous) => 0,
            (Some("-"), _) if self.sign => 0,
            (_, Some("=")) if self.rows.contains_key(&place.line) => return None,
            _ => 1,
        })
    }

    /// Columns: in lines that follow each other in one bracket, what is equal stands below each other.
    fn align(&mut self) {
        let lines: Vec<usize> = self.rows.keys().copied().collect();
        let mut runs: Vec<Vec<usize>> = Vec::new();
        for line in lines {
            let row = &self.rows[&line];
            match runs.last_mut() {
                Some(run)
                    if run.last().is_some_and(|last| last + 1 == line && self.rows[last].bracket == row.bracket)
                        && !row.cells.is_empty()
                        && run.iter().all(|line| !self.rows[line].cells.is_empty()) =>
                {
                    run.push(line);
                }
                _ => runs.push(vec![line]),
            }
        }
        for run in runs {
            self.align_run(&run);
        }
    }

    fn align_run(&mut self, run: &[usize]) {
        let rows = &self.rows;
        let columns = run.iter().map(|line| rows[line].cells.len()).max().unwrap_or(0);
        for column in 0..columns {
            // A column is as wide as its widest cell among lines that follow each other and have it.
            for part in run.split(|line| rows[line].cells.len() <= column) {
                let width = part.iter().map(|line| rows[line].cells[column].0).max().unwrap_or(0);
                for line in part {
                    let row = &rows[line];
                    let (cell, gap) = row.cells[column];
                    if cell + gap == width + 1 {
                        continue;
                    }
                    let wide = width + row.name.chars().count() - cell;
                    let what = match column {
                        0 => format!("aligned as `{:wide$} = `", row.name),
                        _ => format!("{} spaces before the equals sign number {}", width + 1 - cell, column + 1),
                    };
                    self.changes.push(format!("line {line}: {what}"));
                }
            }
        }
    }
}

/// Whether a line has white space at its end that is no comment's.
fn ends_blank(line: &str) -> bool {
    !line.contains("//") && line.ends_with([' ', '\t', '\r'])
}

fn opens(token: &Token) -> bool {
    matches!(token, Token::Operator("{" | "[" | "("))
}

fn closes(token: &Token) -> bool {
    matches!(token, Token::Operator("}" | "]" | ")"))
}

/// Whether a bracket after this is an index or a call.
fn ends_value(token: &Token) -> bool {
    closes(token) || matches!(token, Token::Ident(_) | Token::Text { .. })
}

/// Where a token that begins there is over.
fn end(token: &Token, place: Place) -> Place {
    let length = |text: &str| text.chars().count();
    let long = match token {
        Token::Ident(text) | Token::Number(text) | Token::Float(text) => length(text),
        Token::Keyword(text) | Token::Operator(text) => length(text),
        Token::Text { source, .. } => match source.rsplit_once('\n') {
            Some((above, last)) => {
                return Place { line: place.line + 1 + above.matches('\n').count(), column: length(last) + 2 };
            }
            None => length(source) + 2,
        },
        Token::Terminator | Token::End => 0,
    };
    Place { column: place.column + long, ..place }
}
