//! Any statement on any telemetry.

use proptest::prelude::*;

use crate::{
    Condition, Context, Dialect, Statement,
    check::{
        field::{FieldPath, Keys},
        functions::functions,
        signature::{Function, Kind},
    },
    record::{Telemetry, strategies},
    run::{Limits, Run, Statements, Surroundings, filter, transform},
};

/// Numbers that decide how a text goes on; zeros when there are no more, with which each text ends.
struct Tape<'t>(std::slice::Iter<'t, u16>);

impl Tape<'_> {
    fn below(&mut self, bound: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or_default()) % bound.max(1)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let index = self.below(from.len());
        from.get(index).unwrap()
    }

    fn path(&mut self, dialect: Dialect, wanted: impl Fn(&FieldPath) -> bool) -> String {
        let (name, root) = *self.pick(dialect.context.roots());
        let fields: Vec<_> = root.fields().iter().filter(|field| wanted(field)).collect();
        let Some(field) = (!fields.is_empty()).then(|| *self.pick(&fields)) else { return "attributes".to_owned() };
        let key = match field.keys {
            Keys::Any => *self.pick(&["", r#"["service.name"]"#, r#"["a"]["b"]"#, r#"["a"][0]"#, r#"["host.id"]"#]),
            _ => "",
        };
        format!("{name}.{}{key}", field.path)
    }

    fn value(&mut self, kind: Kind, dialect: Dialect, depth: usize) -> String {
        let literals: &[&str] = match kind {
            Kind::Path => return self.path(dialect, |field| field.writable),
            Kind::MapPath | Kind::ListPath => {
                return self.path(dialect, |field| field.writable && kind.takes(field.holds));
            }
            Kind::LiteralText => &[r#""a""#, r#""value""#, r#""sum""#, r#""delta""#, r#""%Y-%m-%d""#, r#""upsert""#],
            Kind::LiteralInt => &["0", "2", "1000"],
            Kind::LiteralFloat => &["0.5", "50.0"],
            Kind::LiteralBool => &["true", "false"],
            Kind::LiteralTexts => &["[]", r#"["a", "service.name"]"#],
            Kind::LiteralFloats => &["[]", "[1.0, 2.5, 10.0]"],
            Kind::Function => &["SHA256", "ToLowerCase"],
            Kind::Lambda => &["() => true"],
            Kind::Anys => &["[]", r#"["a", 1, 2.5, nil]"#],
            Kind::Texts | Kind::TextLikes => &[r#"["a", "bc", ""]"#, r#"["service.name"]"#],
            Kind::Regex => &[r#""a""#, r#""(?P<n>\\w+)[. ]?""#, r#"".*""#, r#""^""#],
            Kind::Glob => &[r#""*""#, r#""a*""#],
            Kind::Text | Kind::TextLike => &[r#""""#, r#""a b=c,d""#, r#""2024-02-29T12:00:00Z""#, r#""é\n{}""#],
            Kind::Int | Kind::IntLike => &["0", "-1", "3", "9223372036854775807", "-9223372036854775808"],
            Kind::Float | Kind::FloatLike => &["0.0", "-2.5", "1.0e300"],
            Kind::Bool | Kind::BoolLike => &["true", "false"],
            Kind::Map => &[r#"{"a": {"b": [1, "c"]}}"#, "{}"],
            Kind::List => &["[]", r#"[1, "a", [2.5], nil]"#],
            Kind::Time => &[r#"Time("2024-02-29", "%Y-%m-%d")"#, "Now()"],
            Kind::Duration => &[r#"Duration("1h")"#, r#"Duration("-2562047h47m16.854775808s")"#],
            Kind::Any | Kind::BytesLike => &["nil", "1", "-0.5", r#""a""#, "0x00ff", "[1, nil]", r#"{"a": [0x01]}"#],
        };
        let is_written = matches!(
            kind,
            Kind::LiteralText
                | Kind::LiteralInt
                | Kind::LiteralFloat
                | Kind::LiteralBool
                | Kind::LiteralTexts
                | Kind::LiteralFloats
                | Kind::Function
                | Kind::Lambda
                | Kind::Anys
                | Kind::Texts
                | Kind::TextLikes
        );
        match self.below(4) {
            _ if is_written => (*self.pick(literals)).to_owned(),
            1 => self.path(dialect, |field| kind.takes(field.holds)),
            2 if depth > 0 => {
                let fitting = |function: &&Function| {
                    function.name.starts_with(|c: char| c.is_ascii_uppercase()) && kind.takes(function.gives)
                };
                let converters: Vec<_> = functions(dialect).filter(fitting).collect();
                if converters.is_empty() {
                    return (*self.pick(literals)).to_owned();
                }
                let converter = *self.pick(&converters);
                self.call(converter, dialect, depth - 1)
            }
            3 if depth > 0 && matches!(kind, Kind::Any | Kind::Int) => {
                let (left, right) = (self.value(kind, dialect, depth - 1), self.value(kind, dialect, depth - 1));
                format!("{left} {} {right}", self.pick(&["+", "-", "*", "/"]))
            }
            _ => (*self.pick(literals)).to_owned(),
        }
    }

    fn call(&mut self, function: &Function, dialect: Dialect, depth: usize) -> String {
        let mut arguments = Vec::new();
        for parameter in function.parameters {
            if parameter.optional && self.below(2) == 0 {
                break;
            }
            arguments.push(self.value(parameter.kind, dialect, depth));
        }
        format!("{}({})", function.name, arguments.join(", "))
    }

    fn condition(&mut self, dialect: Dialect, depth: usize) -> String {
        match self.below(5) {
            0 | 1 => {
                let by = *self.pick(&["==", "!=", "<", ">="]);
                let (left, right) = (self.value(Kind::Any, dialect, depth), self.value(Kind::Any, dialect, depth));
                format!("{left} {by} {right}")
            }
            2 => format!(
                "IsMatch({}, {})",
                self.value(Kind::TextLike, dialect, depth),
                self.value(Kind::Regex, dialect, 0)
            ),
            3 if depth > 0 => {
                let by = *self.pick(&["and", "or"]);
                format!("({} {by} {})", self.condition(dialect, depth - 1), self.condition(dialect, depth - 1))
            }
            _ => format!("not ({})", self.pick(&["true", r#"attributes["a"] == nil"#])),
        }
    }

    fn statement(&mut self, context: Context) -> String {
        let dialect = Dialect::transform(context);
        let editors: Vec<_> =
            functions(dialect).filter(|function| function.name.starts_with(|c: char| c.is_ascii_lowercase())).collect();
        // Every other one is `set`.
        let editor = match self.below(2) {
            0 => editors.iter().find(|editor| editor.name == "set").unwrap(),
            _ => *self.pick(&editors),
        };
        let call = self.call(editor, dialect, 2);
        match self.below(3) {
            0 => format!("{call} where {}", self.condition(dialect, 1)),
            _ => call,
        }
    }
}

fn contexts(telemetry: &Telemetry) -> &'static [Context] {
    use Context::{DataPoint, Log, Metric, Resource, Scope, Span, SpanEvent};
    match telemetry {
        Telemetry::Logs(_) => &[Log, Resource, Scope],
        Telemetry::Metrics(_) => &[DataPoint, Metric, Resource, Scope],
        Telemetry::Traces(_) => &[Span, SpanEvent, Resource, Scope],
    }
}

fn run() -> Run {
    let surroundings = Surroundings { now_unix_nano: 1_700_000_000_000_000_000, seed: 7 };
    Run::new(surroundings, Limits { work: 1 << 18, errors: 10, ..Limits::default() })
}

fn tape() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(any::<u16>(), 0..60)
}

#[test]
fn most_of_the_random_statements_and_conditions_can_be_run() {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u16::try_from(state >> 48).unwrap()
    };
    let (mut read, mut conditions) = (0, 0);
    let mut editors = std::collections::HashSet::new();
    for _ in 0..1_000 {
        let numbers: Vec<u16> = (0..60).map(|_| next()).collect();
        let mut tape = Tape(numbers.iter());
        let context = *tape.pick(&Context::ALL);
        let text = tape.statement(context);
        if Statement::parse(&text, Dialect::transform(context)).is_ok() {
            read += 1;
            editors.insert(text.split('(').next().unwrap().to_owned());
        }
        let condition = tape.condition(Dialect::filter(context), 2);
        conditions += usize::from(Condition::parse(&condition, Dialect::filter(context)).is_ok());
    }
    assert!(read > 500 && editors.len() > 20, "{read} {editors:?}");
    assert!(conditions > 500, "{conditions}");
}

proptest! {
    #[test]
    fn statements_never_break_and_give_the_same_each_time(
        telemetry in strategies::telemetry(),
        tapes in prop::collection::vec(tape(), 1..4),
    ) {
        let texts: Vec<_> = tapes
            .iter()
            .map(|numbers| {
                let mut tape = Tape(numbers.iter());
                let context = *tape.pick(contexts(&telemetry));
                (context, tape.statement(context))
            })
            .collect();
        let transformed = || {
            let group = |(context, text): &(Context, String)| {
                let statements = Statement::parse(text, Dialect::transform(*context)).into_iter().collect();
                Statements { context: *context, conditions: Vec::new(), statements }
            };
            let groups: Vec<_> = texts.iter().map(group).collect();
            let mut run = run();
            let mut telemetry = telemetry.clone();
            transform(&mut telemetry, &groups, &mut run);
            (format!("{telemetry:?}"), run.errors().to_vec())
        };
        let once = transformed();
        prop_assert!(once.1.len() <= 10);
        prop_assert!(once == transformed(), "{:?}", texts);
    }

    #[test]
    fn what_a_filter_left_it_leaves_again(telemetry in strategies::telemetry(), numbers in tape()) {
        let mut tape = Tape(numbers.iter());
        let context = *tape.pick(contexts(&telemetry));
        let text = tape.condition(Dialect::filter(context), 2);
        // What is left out of the list that it asks for changes the answer, and so does chance.
        prop_assume!(!["data_points", "events", "UUID"].iter().any(|changing| text.contains(changing)));
        let conditions: Vec<_> = Condition::parse(&text, Dialect::filter(context)).into_iter().collect();
        let mut once = telemetry;
        let mut first = run();
        filter(&mut once, &conditions, &mut first);
        prop_assume!(!first.is_exhausted());
        let mut twice = once.clone();
        filter(&mut twice, &conditions, &mut run());
        prop_assert!(format!("{once:?}") == format!("{twice:?}"), "{}", text);
    }
}
