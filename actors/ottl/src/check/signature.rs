//! What functions take and give.

use super::field::Holds;
use crate::eval::{Arguments, Datum, Env, Error, camel_case};

/// A function: its name, its parameters, and what runs it.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) parameters: &'static [Parameter],
    /// What it gives when it gives something.
    pub(crate) gives: Holds,
    /// What runs it; nothing where it is known but cannot be tried.
    pub(crate) run: Option<Run>,
    /// What it asks of arguments that stand in the text, beyond their kinds.
    pub(crate) valid: Option<Valid>,
    /// Whether collectors of 0.149 have it.
    pub(crate) in_0_149: bool,
}

pub(crate) type Run = fn(&Arguments<'_>, &mut Env<'_>) -> Result<Datum, Error>;
/// The argument that is wrong, and why.
pub(crate) type Valid = fn(&Arguments<'_>) -> Result<(), (usize, String)>;

#[derive(Debug)]
pub(crate) struct Parameter {
    /// The name of the field of upstream's `Arguments`; operators write it in small letters with `_`.
    pub(crate) field: &'static str,
    pub(crate) kind: Kind,
    pub(crate) optional: bool,
    pub(crate) in_0_149: bool,
}

/// What a parameter takes (`FunctionGetter`, `StringGetter`, …, by the rules of `buildArg`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A path, to be set.
    Path,
    /// A path to a map, to be changed.
    MapPath,
    /// A path to a list, to be changed.
    ListPath,
    Any,
    Text,
    TextLike,
    Int,
    IntLike,
    Float,
    FloatLike,
    Bool,
    BoolLike,
    BytesLike,
    Map,
    List,
    Time,
    Duration,
    /// A text that is a regular expression in the dialect of RE2.
    Regex,
    /// A text with `*` and `?`.
    Glob,
    /// A list of values, written as a list.
    Anys,
    Texts,
    TextLikes,
    /// What stands in the text itself.
    LiteralText,
    LiteralInt,
    LiteralFloat,
    LiteralBool,
    LiteralTexts,
    LiteralFloats,
    /// The name of a converter of one text.
    Function,
    Lambda,
}

impl Kind {
    /// In words.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Path => "a path to a field",
            Self::MapPath => "a path to a map, such as `attributes`",
            Self::ListPath => "a path to a list",
            Self::Any => "a value",
            Self::Text | Self::Regex | Self::Glob => "a text",
            Self::TextLike | Self::IntLike | Self::FloatLike | Self::BoolLike | Self::BytesLike => "a plain value",
            Self::Int => "a whole number",
            Self::Float => "a number with a fraction",
            Self::Bool => "true or false",
            Self::Map => "a map",
            Self::List => "a list",
            Self::Time => "a time",
            Self::Duration => "a duration",
            Self::Anys => "a list in `[` and `]`",
            Self::Texts | Self::TextLikes => "a list of texts in `[` and `]`",
            Self::LiteralText => "a text in quotes",
            Self::LiteralInt => "a whole number written out, without a sign",
            Self::LiteralFloat => "a number with a fraction written out, without a sign",
            Self::LiteralBool => "`true` or `false`",
            Self::LiteralTexts => "a list of texts in quotes",
            Self::LiteralFloats => "a list of numbers with a fraction",
            Self::Function => "the name of a converter",
            Self::Lambda => "a lambda",
        }
    }

    /// Whether what a field holds can be of use where this is asked for; what is not known can.
    pub(crate) const fn takes(self, holds: Holds) -> bool {
        use Holds::{Anything, Bool, Double, Id, Int, Map, Numbers, Part, Text, Time};
        match (self, holds) {
            (_, Anything) => true,
            (Self::MapPath | Self::Map, holds) => matches!(holds, Map),
            (Self::ListPath | Self::List, holds) => matches!(holds, Numbers | Part),
            (Self::Text | Self::Regex | Self::Glob, holds) => matches!(holds, Text),
            (Self::Int, holds) => matches!(holds, Int),
            (Self::IntLike | Self::FloatLike | Self::BoolLike, holds) => matches!(holds, Int | Double | Bool | Text),
            (Self::BytesLike, holds) => !matches!(holds, Map | Time | Id | Numbers | Part),
            (Self::Time, holds) => matches!(holds, Time),
            (Self::Duration, _) => false,
            _ => true,
        }
    }
}

pub(crate) const fn needs(field: &'static str, kind: Kind) -> Parameter {
    Parameter { field, kind, optional: false, in_0_149: true }
}

pub(crate) const fn may(field: &'static str, kind: Kind) -> Parameter {
    Parameter { field, kind, optional: true, in_0_149: true }
}

impl Parameter {
    pub(crate) const fn newer(self) -> Self {
        Self { in_0_149: false, ..self }
    }

    /// Whether an argument can name it. Upstream makes of a name what stands in `field`, which one with several capitals
    /// together never is.
    pub(crate) fn has_name(&self) -> bool {
        camel_case(&self.name()) == self.field
    }

    /// Its name as operators write it.
    pub(crate) fn name(&self) -> String {
        let mut name = String::new();
        let mut letters = self.field.chars().peekable();
        let mut before = '_';
        while let Some(letter) = letters.next() {
            let begins = letter.is_ascii_uppercase()
                && (!before.is_ascii_uppercase() || letters.peek().is_some_and(char::is_ascii_lowercase));
            if begins && before != '_' {
                name.push('_');
            }
            name.push(letter.to_ascii_lowercase());
            before = letter;
        }
        name
    }
}

/// A function that runs here.
pub(crate) const fn runs(name: &'static str, parameters: &'static [Parameter], gives: Holds, run: Run) -> Function {
    Function { name, parameters, gives, run: Some(run), valid: None, in_0_149: true }
}

/// A function that is known and cannot be tried here.
pub(crate) const fn known(name: &'static str, parameters: &'static [Parameter], gives: Holds) -> Function {
    Function { name, parameters, gives, run: None, valid: None, in_0_149: true }
}

impl Function {
    pub(crate) const fn valid(self, valid: Valid) -> Self {
        Self { valid: Some(valid), ..self }
    }

    pub(crate) const fn newer(self) -> Self {
        Self { in_0_149: false, ..self }
    }
}
