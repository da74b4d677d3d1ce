//! A reader of Alloy's language that shares no code with the renderer: lexer, parser, the rules of remote documents, and
//! the layout that `alloy fmt` gives. It was written from the language's grammar and from what real Alloys refused, and
//! stands between the renderer and a fleet where no Alloy is at hand.

mod components;
mod layout;
mod lexer;
mod module;
mod parser;
mod references;
mod tests;

use self::parser::Body;

/// The stability level that an Alloy is started with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    GenerallyAvailable,
    PublicPreview,
    Experimental,
}

impl Level {
    /// The level that allows less.
    pub(crate) const fn lower(self) -> Option<Self> {
        match self {
            Self::GenerallyAvailable => None,
            Self::PublicPreview => Some(Self::GenerallyAvailable),
            Self::Experimental => Some(Self::PublicPreview),
        }
    }

    /// The word of `--stability.level`.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::GenerallyAvailable => "generally-available",
            Self::PublicPreview => "public-preview",
            Self::Experimental => "experimental",
        }
    }
}

/// A place in a text, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// Why a text is refused, `line:column: message` as Alloy says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) place: Place,
    pub(crate) message: String,
}

impl Refusal {
    fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into() }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}: {}", self.place.line, self.place.column, self.message)
    }
}

/// Reads a text by the grammar alone.
pub(crate) fn parse(text: &str) -> Result<Body, Refusal> {
    parser::parse(lexer::lex(text)?)
}

/// Reads a text as the content of a remote document on an Alloy of that level: grammar, then everything that a real
/// Alloy was seen to refuse when it loads such a document.
pub(crate) fn check(text: &str, level: Level) -> Result<Body, Vec<Refusal>> {
    let body = parse(text).map_err(|refusal| vec![refusal])?;
    let mut refusals = module::check(&body, level);
    refusals.extend(references::check(&body));
    if refusals.is_empty() { Ok(body) } else { Err(refusals) }
}

/// What `alloy fmt` would change, in words.
pub(crate) fn layout(text: &str) -> Vec<String> {
    layout::check(text)
}

/// Demands that a rendered document is one that an Alloy of that level loads, in its canonical layout.
pub(crate) fn demand(text: &str, level: Level) -> Body {
    let body = check(text, level).unwrap_or_else(|refusals| {
        let words: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        panic!("Alloy would refuse this document: {words:#?}\n{text}")
    });
    let changes = layout(text);
    assert!(changes.is_empty(), "alloy fmt would change this document: {changes:#?}\n{text}");
    body
}
