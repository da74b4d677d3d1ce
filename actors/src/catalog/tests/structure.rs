//! Whatever stands in a setting, what is rendered has the structure that it always has; and random pipelines of
//! everything there is render to texts that can be read.

use std::sync::Arc;

use linkmesh_proto::api::{
    collector::Runtime,
    destination::DestinationDocument,
    pipeline::{DestinationRef, PipelineDocument, Step},
};
use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};

use super::*;
use crate::{
    domain::{
        config::{ConfigSnapshot, Versioned},
        document::strict,
        secret::insecure::InsecureSealer,
        validate::{FleetFacts, validate_pipeline},
    },
    render::{RenderError, RenderTarget, alloy::Expr, render},
};

/// Texts that mean something to one of the two languages, or to what is written in them.
const NASTY: &[&str] = &[
    "\"",
    "'",
    "`",
    "\\",
    "\n",
    "\r\n",
    "\t",
    "\0",
    "\u{7}",
    "\u{85}",
    "\u{2028}",
    "${env:HOME}",
    "${file:/etc/passwd}",
    "$$",
    "$1",
    "${1}",
    ": ",
    " #",
    "- a",
    "!!binary x",
    "&a",
    "*a",
    "%YAML",
    "---",
    "{{.}}",
    "}",
    "]",
    ")",
    "\" + sys.env(\"X\") + \"",
    "\"]\n}\nlogging {\n",
    "\") or true or (\"",
    "\\\") or (\\\"",
    "~",
    "null",
    "true",
    "0x10",
    "1e3",
    "=",
    "//",
    "/*",
    "é😀",
];

/// The places of texts in settings.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(at.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| places(item, &format!("{at}/{index}"), found));
        }
        Value::Object(map) => map.iter().for_each(|(key, item)| {
            places(item, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), found);
        }),
        _ => {}
    }
}

/// The texts of both runtimes, where there are some, as trees whose values are put away.
fn shapes(registered: &Registered, settings: &Value) -> Vec<String> {
    let (otelcol, alloy) = renderings(registered, settings.as_object().unwrap());
    let mut shapes = Vec::new();
    if let Ok(part) = otelcol {
        let all = std::iter::once((part.kind, part.config)).chain(part.processors).chain(part.extensions);
        let document = Yaml::Map(all.collect());
        shapes.push(shape(&strict::yaml(&document.write(false)).expect("YAML that can be read")));
    }
    if let Ok(part) = alloy {
        let body: Vec<Statement> = part.blocks.into_iter().map(Statement::Block).collect();
        let read = alloy::parse::body(&alloy::write(&body, false)).expect("Alloy that can be read");
        shapes.push(read.iter().map(shape_of_statement).collect());
    }
    shapes
}

fn shape(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(shape).collect::<Vec<_>>().join(",")),
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| format!("{key:?}:{}", shape(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        }
        Value::String(_) => "text".to_owned(),
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "flag".to_owned(),
        Value::Number(_) => "number".to_owned(),
    }
}

fn shape_of_statement(statement: &Statement) -> String {
    match statement {
        Statement::Attribute(name, value) => format!("{name}={};", shape_of(value)),
        Statement::Block(block) => {
            let body: String = block.body.iter().map(shape_of_statement).collect();
            format!("{} {:?}{{{body}}}", block.name, block.label)
        }
    }
}

fn shape_of(value: &Expr) -> String {
    let list = |items: &[Expr]| items.iter().map(shape_of).collect::<Vec<_>>().join(",");
    match value {
        Expr::Text(_) => "text".to_owned(),
        Expr::Token(token) if token.starts_with(['"', '`']) => "text".to_owned(),
        Expr::Token(token) if token.starts_with(|c: char| c.is_ascii_digit() || c == '-') => "number".to_owned(),
        Expr::Token(token) => token.clone(),
        Expr::Array(items) => format!("[{}]", list(items)),
        Expr::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| format!("{key}:{}", shape_of(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        Expr::Parts(parts) => format!("({})", list(parts)),
    }
}

#[test]
fn no_text_changes_the_structure_of_what_is_rendered() {
    let (mut tried, mut refused) = (0_u32, 0_u32);
    for registered in catalogue().components().iter().filter(|known| known.kind() != RAW) {
        for (title, example) in registered.component().examples() {
            let before = shapes(registered, &example);
            let mut texts = Vec::new();
            places(&example, "", &mut texts);
            for place in texts {
                for nasty in NASTY {
                    let mut settings = example.clone();
                    let text = settings.pointer_mut(&place).expect("the place");
                    *text = Value::String(format!("{}{nasty}", text.as_str().unwrap()));
                    let mut findings = Findings::new(Path::root());
                    registered.check(settings.as_object().unwrap(), &mut findings);
                    if !findings.errors.is_empty() {
                        refused += 1;
                        continue;
                    }
                    tried += 1;
                    assert_eq!(shapes(registered, &settings), before, "{registered:?}, {title}: {place} {nasty:?}");
                }
            }
        }
    }
    assert!(tried > 1_000 && refused > 1_000, "{tried} tried, {refused} refused");
}

/// The examples of a role, each with the signals that it handles.
fn examples(role: Role) -> Vec<(&'static Registered, SettingsMap)> {
    let of_role = catalogue().components().iter().filter(|known| known.role() == role && known.kind() != RAW);
    of_role
        .flat_map(|known| known.component().examples().into_iter().map(move |(_, settings)| (known, settings)))
        .map(|(known, settings)| (known, settings.as_object().unwrap().clone()))
        .collect()
}

/// A repository of a few pipelines made of examples.
fn random() -> impl Strategy<Value = ConfigSnapshot> {
    let steps = |most: usize| proptest::collection::vec(any::<Index>(), 0..most);
    let one = (
        proptest::collection::vec(any::<Index>(), 1..3),
        steps(4),
        steps(4),
        proptest::collection::vec((any::<Index>(), any::<bool>()), 1..3),
    );
    proptest::collection::vec(one, 1..4).prop_map(|pipelines| {
        let mut config = ConfigSnapshot::default();
        for (number, (sources, filters, processors, destinations)) in pipelines.into_iter().enumerate() {
            let list = |role, chosen: Vec<Index>| {
                let examples = examples(role);
                let step = |(place, index): (usize, Index)| {
                    let (known, settings) = index.get(&examples);
                    let id = format!("{}-{place}", role_name(role)).parse().unwrap();
                    Step { id, kind: known.kind().to_owned(), name: None, settings: settings.clone() }
                };
                chosen.into_iter().enumerate().map(step).collect::<Vec<Step>>()
            };
            let sinks = examples(Role::Destination);
            let mut references: Vec<DestinationRef> = Vec::new();
            for (index, conditional) in destinations {
                let (known, settings) = index.get(&sinks);
                let id: linkmesh_proto::DestinationId = format!("d-{}", index.index(sinks.len())).parse().unwrap();
                let document = DestinationDocument {
                    version: 1,
                    name: "D".to_owned(),
                    description: String::new(),
                    kind: known.kind().to_owned(),
                    settings: settings.clone(),
                };
                config.destinations.insert(id.clone(), Arc::new(Versioned::unsaved(document)));
                if !references.iter().any(|known| *known.id() == id) {
                    let reference = if conditional {
                        json!({"id": id, "when": "resource.attributes[\"a\"] != nil"})
                    } else {
                        json!(id)
                    };
                    references.push(serde_json::from_value(reference).unwrap());
                }
            }
            let document = PipelineDocument {
                version: 1,
                name: "P".to_owned(),
                description: String::new(),
                enabled: true,
                signals: ALL_SIGNALS.to_vec(),
                matchers: vec!["collector.id=~\".+\"".to_owned()],
                sources: list(Role::Source, sources),
                filters: list(Role::Filter, filters),
                processors: list(Role::Processor, processors),
                destinations: references,
            };
            config.pipelines.insert(format!("p-{number}").parse().unwrap(), Arc::new(Versioned::unsaved(document)));
        }
        config
    })
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Source => "source",
        Role::Filter => "filter",
        Role::Processor => "processor",
        Role::Destination => "destination",
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, ..ProptestConfig::default() })]

    /// Each case is rendered for both runtimes: ten thousand texts.
    #[test]
    fn random_pipelines_render_the_same_text_each_time_and_it_can_be_read(config in random()) {
        let ids: Vec<_> = config.pipelines.keys().cloned().collect();
        for runtime in [Runtime::Otelcol, Runtime::Alloy] {
            let text = |config: &ConfigSnapshot| render(config, &ids, &RenderTarget::plain(runtime), &InsecureSealer::default());
            let first = match text(&config) {
                Ok(first) => first,
                // Two examples may want one address with different settings, or stand on the other runtime only.
                Err(RenderError::AddressConflict { .. } | RenderError::Unsupported { .. }) => continue,
                Err(RenderError::Invalid { problems, .. }) => {
                    // An example in OTTL may be for another kind of telemetry than all three.
                    prop_assert!(problems.iter().all(|p| p.message.starts_with("for ")), "{problems:?}");
                    continue;
                }
                Err(other) => return Err(TestCaseError::fail(other.to_string())),
            };
            // Nothing is remembered in what is made anew.
            let mut again = config.clone();
            let pipelines: Vec<_> = again.pipelines.iter().map(|(id, p)| (id.clone(), p.document.clone())).collect();
            for (id, document) in pipelines {
                again.pipelines.insert(id, Arc::new(Versioned::unsaved(document)));
            }
            prop_assert_eq!(&*text(&again).unwrap().text, &*first.text);
            match runtime {
                Runtime::Otelcol => {
                    let document = strict::yaml(&first.text).map_err(TestCaseError::fail)?;
                    prop_assert!(document["service"]["pipelines"].is_object());
                }
                Runtime::Alloy => {
                    let body = alloy::parse::body(&first.text).map_err(|error| TestCaseError::fail(error.to_string()))?;
                    let header = first.text.lines().next().unwrap_or_default();
                    prop_assert_eq!(format!("{header}\n\n{}", alloy::write(&body, false)), &*first.text, "in its own layout");
                }
            }
        }
    }

    /// A value of another type than is asked for, at a random place, is told by that place.
    #[test]
    fn wrong_values_are_refused_with_their_place(index in any::<Index>(), place in any::<Index>(), wrong in any::<Index>()) {
        let all: Vec<_> = [Role::Source, Role::Filter, Role::Processor].into_iter().flat_map(|role| examples(role).into_iter().map(move |e| (role, e))).collect();
        let (role, (known, settings)) = index.get(&all).clone();
        let mut settings = Value::Object(settings);
        let mut texts = Vec::new();
        places(&settings, "", &mut texts);
        prop_assume!(!texts.is_empty());
        let at = place.get(&texts);
        let values = [json!({}), json!([[]]), json!({"a": [1]})];
        *settings.pointer_mut(at).unwrap() = wrong.get(&values).clone();
        let step = json!({"id": "it", "kind": known.kind(), "settings": settings});
        let mut document = json!({
            "name": "P", "signals": ["logs", "metrics", "traces"], "match": [], "destinations": ["d"],
            "sources": [{"id": "in", "kind": "otlp", "settings": {"http": {"endpoint": ":1"}}}],
        });
        let list = format!("{}s", role_name(role));
        document[&list] = json!([step]);
        let document: PipelineDocument = serde_json::from_value(document).unwrap();
        let found = validate_pipeline(&"p".parse().unwrap(), &document, &ConfigSnapshot::default(), &FleetFacts::default());
        let prefix = format!("{list}[0].settings.");
        prop_assert!(found.errors.iter().any(|problem| problem.field.starts_with(&prefix)), "{at}: {:?}", found.errors);
    }
}
