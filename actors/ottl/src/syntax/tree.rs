//! What a text says, before any name in it has been looked up.

/// Where in its text a part begins, in octets.
///
/// It is no part of what is said: two trees that say the same are equal wherever their parts stand.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place(pub usize);

impl PartialEq for Place {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// `editor(arguments) where condition`
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The editor that is called.
    pub editor: Call,
    /// When it is called; always when there is none.
    pub condition: Option<Condition>,
}

/// What is true or false (`booleanExpression`).
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// `true` or `false`
    Literal(bool),
    /// A converter that gives a truth value.
    Converter(Call),
    /// Two values compared.
    Compare {
        /// The left one.
        left: Value,
        /// How.
        by: Comparison,
        /// The right one.
        right: Value,
    },
    /// `not`
    Not(Box<Condition>),
    /// All of them, two or more.
    And(Vec<Condition>),
    /// Any of them, two or more.
    Or(Vec<Condition>),
}

/// An operator between two values of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// A value and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub kind: ValueKind,
}

/// What stands for a value (`value`).
#[derive(Debug, Clone, PartialEq)]
pub enum ValueKind {
    /// `nil`
    Nil,
    /// `"text"`
    Text(String),
    /// `1`
    Int(i64),
    /// `1.5`
    Float(f64),
    /// `true`
    Bool(bool),
    /// `0x01ff`
    Bytes(Vec<u8>),
    /// `SEVERITY_NUMBER_INFO`; where a function is asked for, a name such as `SHA256`.
    Enum(String),
    /// A name of a function such as `Sha`, which can only be an argument.
    Function(String),
    /// `resource.attributes["name"]`
    Path(Path),
    /// `Converter(arguments)["key"]`
    Call(Call),
    /// `[1, 2]`
    List(Vec<Value>),
    /// `{"a": 1}`
    Map(Vec<(String, Value)>),
    /// `(1 + 2) * 3`, `-1`, and a value in brackets.
    Math(Math),
    /// `(key, value) => value`
    Lambda(Box<Lambda>),
}

/// Arithmetic.
#[derive(Debug, Clone, PartialEq)]
pub enum Math {
    /// A number, a path or a converter.
    Operand(Box<Value>),
    /// With a sign before it.
    Signed {
        /// Whether the sign is `-`.
        negative: bool,
        /// What the sign stands before.
        of: Box<Math>,
    },
    /// `first + … - …`, worked out from the left.
    Sum {
        /// The first.
        first: Box<Math>,
        /// The others, and whether they are subtracted.
        rest: Vec<(bool, Math)>,
    },
    /// `first * … / …`, worked out from the left.
    Product {
        /// The first.
        first: Box<Math>,
        /// The others, and whether it is divided by them.
        rest: Vec<(bool, Math)>,
    },
}

/// `name(arguments)` and keys into its result.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Where it begins.
    pub place: Place,
    /// The function.
    pub name: String,
    /// What it is given.
    pub arguments: Vec<Argument>,
    /// Keys into its result.
    pub keys: Vec<Key>,
}

/// `value` or `name=value`
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    /// Where it begins.
    pub place: Place,
    /// The parameter that it is for, when it is named.
    pub name: Option<String>,
    /// What is given.
    pub value: Value,
}

/// A path to a field.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// Where it begins.
    pub place: Place,
    /// What stands between the dots; there is at least one.
    pub segments: Vec<Segment>,
}

/// A part of a path.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Where it begins.
    pub place: Place,
    /// Its name.
    pub name: String,
    /// Keys into it.
    pub keys: Vec<Key>,
}

/// `["name"]`, `[0]`, or what gives one of them.
#[derive(Debug, Clone, PartialEq)]
pub enum Key {
    /// Into a map.
    Text(String),
    /// Into a list.
    Int(i64),
    /// Worked out for each record.
    Computed(Value),
}

/// `(parameters) => body`
#[derive(Debug, Clone, PartialEq)]
pub struct Lambda {
    /// Names, or `_`.
    pub parameters: Vec<String>,
    /// What it gives.
    pub body: LambdaBody,
}

/// What a lambda gives.
#[derive(Debug, Clone, PartialEq)]
pub enum LambdaBody {
    /// A value.
    Value(Value),
    /// A truth value.
    Condition(Condition),
}

impl Path {
    /// The name before the first dot, where a context may stand.
    #[must_use]
    pub fn context(&self) -> Option<&str> {
        match self.segments.as_slice() {
            [first, _, ..] if first.keys.is_empty() => Some(&first.name),
            _ => None,
        }
    }
}
