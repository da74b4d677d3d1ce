//! Trees that the grammar can say, and texts that it cannot.

use proptest::prelude::*;

use crate::syntax::{
    condition, statement,
    tree::{
        Argument, Call, Comparison, Condition, Key, Lambda, LambdaBody, Math, Path, Place, Segment, Value as Node,
        ValueKind,
    },
    value,
};

fn node(kind: ValueKind) -> Node {
    Node { place: Place(0), kind }
}

fn small() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_]{0,6}".prop_filter("words of the language", |word| {
        !matches!(word.as_str(), "nil" | "not" | "or" | "and" | "true" | "false" | "where")
    })
}

fn capital() -> impl Strategy<Value = String> {
    "[A-Z][A-Z0-9_]{0,3}([a-z][a-z0-9_]{0,4}[A-Z]{0,2}){1,2}".prop_filter("words of the language", |name| {
        let tail = name.trim_start_matches(|c: char| !c.is_ascii_lowercase());
        !["nil", "not", "or", "and", "true", "false"].iter().any(|word| tail.contains(word))
    })
}

fn key(value: BoxedStrategy<Node>) -> impl Strategy<Value = Key> {
    let computed = value.prop_filter_map("what a key may be worked out from", |value| match value.kind {
        ValueKind::Path(_) | ValueKind::Call(_) | ValueKind::Math(_) | ValueKind::Float(_) => {
            Some(Key::Computed(value))
        }
        _ => None,
    });
    prop_oneof![
        2 => ".{0,4}".prop_map(Key::Text),
        2 => (0..i64::MAX).prop_map(Key::Int),
        1 => computed,
    ]
}

fn operand(value: BoxedStrategy<Node>) -> impl Strategy<Value = Math> {
    value.prop_filter_map("what arithmetic knows", |value| match value.kind {
        ValueKind::Path(_) | ValueKind::Call(_) | ValueKind::Float(_) | ValueKind::Int(_) => {
            Some(Math::Operand(Box::new(value)))
        }
        ValueKind::Math(math) => Some(math),
        _ => None,
    })
}

fn values() -> BoxedStrategy<Node> {
    let path = prop::collection::vec(small(), 1..3).prop_map(|names| {
        let segment = |name| Segment { place: Place(0), name, keys: vec![] };
        ValueKind::Path(Path { place: Place(0), segments: names.into_iter().map(segment).collect() })
    });
    let leaf = prop_oneof![
        Just(ValueKind::Nil),
        ".{0,8}".prop_map(ValueKind::Text),
        (0..i64::MAX).prop_map(ValueKind::Int),
        (0.0..f64::MAX).prop_map(ValueKind::Float),
        any::<bool>().prop_map(ValueKind::Bool),
        prop::collection::vec(any::<u8>(), 1..5).prop_map(ValueKind::Bytes),
        "[A-Z][A-Z0-9_]{0,5}".prop_map(ValueKind::Enum),
        path,
    ];
    leaf.prop_map(node)
        .prop_recursive(3, 24, 4, |inner| {
            let inner = inner.boxed();
            let list = prop::collection::vec(inner.clone(), 0..4).prop_map(ValueKind::List);
            let map = prop::collection::vec((".{0,4}", inner.clone()), 0..4).prop_map(ValueKind::Map);
            let keys = prop::collection::vec(key(inner.clone()), 0..3).boxed();
            let arguments = prop::collection::vec((prop::option::of(small()), inner.clone()), 0..4);
            let call = (capital(), arguments, keys.clone()).prop_map(|(name, arguments, keys)| {
                let argument = |(name, value)| Argument { place: Place(0), name, value };
                let arguments = arguments.into_iter().map(argument).collect();
                ValueKind::Call(Call { place: Place(0), name, arguments, keys })
            });
            let path = (small(), keys).prop_map(|(name, keys)| {
                ValueKind::Path(Path { place: Place(0), segments: vec![Segment { place: Place(0), name, keys }] })
            });
            let math = (operand(inner.clone()), prop::collection::vec((any::<bool>(), operand(inner.clone())), 1..3));
            let math = (math, 0..4).prop_map(|((first, rest), shape)| {
                ValueKind::Math(match (shape, first) {
                    (0, first) => Math::Sum { first: Box::new(first), rest },
                    (1, first) => Math::Product { first: Box::new(first), rest },
                    (2, first) => Math::Signed { negative: rest[0].0, of: Box::new(first) },
                    (_, first) => first,
                })
            });
            let lambda = (prop::collection::vec(small(), 0..3), inner).prop_filter_map("no lambda gives one", |it| {
                let (parameters, body) = it;
                let nested = matches!(body.kind, ValueKind::Lambda(_) | ValueKind::Bool(_));
                let body = LambdaBody::Value(body);
                (!nested).then(|| ValueKind::Lambda(Box::new(Lambda { parameters, body })))
            });
            prop_oneof![list, map, call, path, math, lambda].prop_map(node)
        })
        .boxed()
}

fn conditions() -> BoxedStrategy<Condition> {
    let compare = (values(), values(), 0..6_usize).prop_map(|(left, right, by)| {
        let by = [
            Comparison::Equal,
            Comparison::NotEqual,
            Comparison::Less,
            Comparison::LessOrEqual,
            Comparison::Greater,
            Comparison::GreaterOrEqual,
        ][by];
        Condition::Compare { left, by, right }
    });
    let converter = values().prop_filter_map("a converter", |value| match value.kind {
        ValueKind::Call(call) => Some(Condition::Converter(call)),
        _ => None,
    });
    // A lambda takes what follows into its body.
    let compare = compare.prop_filter("no lambda", |condition| match condition {
        Condition::Compare { left, right, .. } => {
            ![left, right].into_iter().any(|value| matches!(value.kind, ValueKind::Lambda(_)))
        }
        _ => true,
    });
    prop_oneof![any::<bool>().prop_map(Condition::Literal), compare, converter]
        .prop_recursive(3, 12, 3, |inner| {
            let parts = prop::collection::vec(inner.clone(), 2..4);
            prop_oneof![
                parts.clone().prop_map(Condition::And),
                parts.prop_map(Condition::Or),
                inner.prop_map(|inner| Condition::Not(Box::new(inner))),
            ]
        })
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_written_is_read_again(tree in conditions()) {
        let text = tree.to_string();
        match condition(&text) {
            Ok(read) => prop_assert_eq!(read.to_string(), text),
            Err(problems) => prop_assert!(false, "{text}: {problems:?}"),
        }
    }

    #[test]
    fn values_that_are_written_are_the_same_tree_again(tree in values()) {
        let text = tree.to_string();
        prop_assert_eq!(value(&text), Ok(tree), "{}", text);
    }

    #[test]
    fn no_text_breaks_the_reader(text in "\\PC{0,60}") {
        let _ = statement(&text);
        let _ = condition(&text);
        let _ = value(&text);
    }

    #[test]
    fn no_sequence_of_tokens_breaks_the_reader(
        tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..30),
    ) {
        let text = tokens.join(" ");
        let _ = value(&text);
        if let Err(problems) = statement(&text) {
            prop_assert!(problems.iter().all(|problem| problem.position.offset <= text.len()));
        }
        if let Ok(read) = condition(&text) {
            let written = read.to_string();
            prop_assert_eq!(condition(&written), Ok(read), "{}", written);
        }
    }
}

const TOKENS: &[&str] = &[
    "set", "a", "A", "Ab", "(", ")", "[", "]", "{", "}", ",", ".", ":", "=", "==", "<", "=>", "+", "-", "*", "not",
    "and", "or", "true", "nil", "where", "1", "2.5", "0xff", "\"x\"", "_", "\"", "é",
];
