//! Renderings of components of the catalogue as trees, in the form in which what is found is compared with them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use linkmesh_proto::api::{catalogue::Role, collector::Runtime};
use serde_json::Value;

use super::Unit;
use crate::{
    catalog::{Registered, catalogue},
    component::{ALL_SIGNALS, AlloySite, OtelcolPart, OtelcolSite, Outputs, SettingsMap, schema},
    domain::{
        components::ComponentClass,
        secret::{self, Reference},
    },
    import::{defaults::complete, tree::Tree},
    render::{
        alloy::{Block, Expr, Statement, attribute},
        names,
        text::Text,
    },
    stage::Stage,
};

/// How a reference to the storage extension is written here.
pub(in crate::import) const STORAGE: &str = "storage";

/// How a reference to another extension of this type is written here.
pub(in crate::import) fn extension(kind: &str) -> String {
    format!("extension:{kind}")
}

/// Stands where records go on.
const NEXT: &str = "linkmesh_next.input";

/// The class of the component that a role is named for.
pub(in crate::import) const fn class_of(role: Role) -> ComponentClass {
    match role {
        Role::Source => ComponentClass::Receivers,
        Role::Filter | Role::Processor => ComponentClass::Processors,
        Role::Destination => ComponentClass::Exporters,
    }
}

/// The rendering with these settings in the place of a unit; `None` when there is none.
pub(super) fn rendering(registered: &Registered, settings: &SettingsMap, unit: &Unit) -> Option<Tree> {
    let filled = opened(registered, settings);
    let component = registered.component();
    match unit.runtime {
        Runtime::Otelcol => {
            let site = OtelcolSite { name: &unit.name, signals: &unit.signals };
            let part = component.otelcol(&filled, &site).ok()?;
            Some(of_otelcol(registered.role(), &part, &unit.name))
        }
        Runtime::Alloy => {
            let outputs = match registered.role() {
                Role::Destination => Outputs::default(),
                _ => Outputs(unit.signals.iter().map(|signal| (*signal, vec![NEXT.to_owned()])).collect()),
            };
            let part = component.alloy(&filled, &AlloySite { label: &unit.name, outputs: &outputs }).ok()?;
            Some(of_blocks(&part.blocks.iter().collect::<Vec<_>>()))
        }
    }
}

/// Settings as they are rendered: secrets in the clear, as nothing is hidden in a text that is compared.
fn opened(registered: &Registered, settings: &SettingsMap) -> SettingsMap {
    let mut filled = schema::with_defaults(registered.schema(), settings);
    let visited: Result<(), std::convert::Infallible> =
        schema::for_each_secret(registered.schema(), &mut filled, &mut |_: &[String], value: &mut Value| {
            let text = value.as_str().unwrap_or_default();
            *value = match secret::reference(text) {
                Reference::Env { prefix, name } => Text::Env { prefix, name }.to_setting(),
                Reference::None | Reference::Malformed => Text::Secret(text.to_owned()).to_setting(),
            };
            Ok(())
        });
    match visited {
        Ok(()) => filled,
        Err(never) => match never {},
    }
}

fn component(kind: &str, config: Tree) -> Tree {
    Tree::map([("type", Tree::text(kind)), ("config", config)])
}

fn of_otelcol(role: Role, part: &OtelcolPart, name: &str) -> Tree {
    let mut named: BTreeMap<String, String> = BTreeMap::new();
    for (kind, _) in &part.extensions {
        named.insert(names::otelcol_component(kind, name), extension(kind));
    }
    if part.storage {
        named.insert(names::STORAGE.to_owned(), STORAGE.to_owned());
    }
    let config = |class, kind: &str, config: Tree| component(kind, complete(Runtime::Otelcol, class, kind, config));
    let mut parts = vec![config(class_of(role), &part.kind, referring(Tree::of_yaml(&part.config), &named))];
    parts.extend(
        part.processors.iter().map(|(kind, settings)| {
            config(ComponentClass::Processors, kind, referring(Tree::of_yaml(settings), &named))
        }),
    );
    parts.extend(part.extensions.iter().map(|(kind, settings)| {
        component(
            &extension(kind),
            complete(Runtime::Otelcol, ComponentClass::Extensions, kind, Tree::of_yaml(settings)),
        )
    }));
    Tree::List(parts)
}

/// A single processor.
pub(in crate::import) fn of_stage(runtime: Runtime, stage: &dyn Stage) -> Tree {
    match runtime {
        Runtime::Otelcol => {
            let (kind, config) = stage.otelcol();
            let config = complete(runtime, ComponentClass::Processors, kind, Tree::of_yaml(&config));
            Tree::List(vec![component(kind, config)])
        }
        Runtime::Alloy => {
            let (name, body) = stage.alloy();
            of_blocks(&[&Block::labelled(name, "probe", body)])
        }
    }
}

/// The settings with what names an extension as a reference to it.
fn referring(tree: Tree, named: &BTreeMap<String, String>) -> Tree {
    match tree {
        Tree::Text(text) => match named.get(&text) {
            Some(name) => Tree::Reference(name.clone()),
            None => Tree::Text(text),
        },
        Tree::List(items) => Tree::List(items.into_iter().map(|item| referring(item, named)).collect()),
        Tree::Map(entries) => {
            Tree::Map(entries.into_iter().map(|(key, value)| (key, referring(value, named))).collect())
        }
        other => other,
    }
}

/// Blocks of Alloy that belong together, whether rendered or found: in the order of their types, references among them
/// by that order, and without what leads out of them.
pub(in crate::import) fn of_blocks(blocks: &[&Block]) -> Tree {
    let mut sorted: Vec<&Block> = blocks.to_vec();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let places: Vec<(String, usize)> = sorted
        .iter()
        .enumerate()
        .map(|(index, block)| (format!("{}.{}.", block.name, block.label.as_deref().unwrap_or_default()), index))
        .collect();
    let place = |reference: &str| {
        let (prefix, index) = places.iter().find(|(prefix, _)| reference.starts_with(prefix.as_str()))?;
        Some(format!("block:{index}.{}", reference.get(prefix.len()..).unwrap_or_default()))
    };
    let parts = sorted.iter().map(|block| {
        let body: Vec<Statement> = block.body.iter().filter_map(|statement| inward(statement, &place)).collect();
        let config = Tree::of_body(&body).renamed(&|name| place(&name).unwrap_or(name));
        component(&block.name, complete(Runtime::Alloy, ComponentClass::Processors, &block.name, config))
    });
    Tree::List(parts.collect())
}

/// An `output` without what leads out; nothing when all of it does.
fn inward(statement: &Statement, place: &dyn Fn(&str) -> Option<String>) -> Option<Statement> {
    let inner = |value: &Expr| {
        let Expr::Array(items) = value else { return Some(value.clone()) };
        let is_inner = |item: &&Expr| match Tree::of_expression(item) {
            Tree::Reference(name) => place(&name).is_some(),
            _ => true,
        };
        let kept: Vec<Expr> = items.iter().filter(is_inner).cloned().collect();
        (!kept.is_empty()).then_some(Expr::Array(kept))
    };
    match statement {
        Statement::Block(block) if block.name == "output" && block.label.is_none() => {
            let body: Vec<Statement> = block
                .body
                .iter()
                .filter_map(|statement| match statement {
                    Statement::Attribute(name, value) => Some(attribute(name, inner(value)?)),
                    Statement::Block(_) => Some(statement.clone()),
                })
                .collect();
            (!body.is_empty()).then(|| Statement::Block(Block { body, ..block.clone() }))
        }
        other => Some(other.clone()),
    }
}

/// The types of components that a component of the catalogue renders to, by its examples.
type Kinds = BTreeMap<(Role, &'static str, Runtime), BTreeSet<Vec<String>>>;

fn kinds() -> &'static Kinds {
    static KINDS: OnceLock<Kinds> = OnceLock::new();
    KINDS.get_or_init(|| {
        let mut kinds = Kinds::new();
        for registered in catalogue().components() {
            for runtime in [Runtime::Otelcol, Runtime::Alloy] {
                let of_example = |(_, settings): (&str, Value)| {
                    let settings = settings.as_object()?.clone();
                    let filled = opened(registered, &settings);
                    let unit = Unit {
                        runtime,
                        observed: ALL_SIGNALS.to_vec(),
                        signals: registered.component().signals_with(&filled),
                        name: "example".to_owned(),
                        kinds: Vec::new(),
                        tree: Tree::Null,
                    };
                    Some(types(&rendering(registered, &settings, &unit)?))
                };
                let of_examples = registered.component().examples().into_iter().filter_map(of_example).collect();
                kinds.insert((registered.role(), registered.kind(), runtime), of_examples);
            }
        }
        kinds
    })
}

/// Components by their type, in their order where several have one: so that one too many or too few does not put the
/// others out of place.
pub(super) fn by_type(tree: Tree) -> Tree {
    let Tree::List(parts) = tree else { return tree };
    let mut types: Vec<(String, Tree)> = Vec::new();
    for part in parts {
        let Tree::Map(entries) = part else { continue };
        let mut entries = entries.into_iter().map(|(_, value)| value);
        let (Some(Tree::Text(kind)), Some(config)) = (entries.next(), entries.next()) else { continue };
        match types.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, Tree::List(configs))) => configs.push(config),
            _ => types.push((kind, Tree::List(vec![config]))),
        }
    }
    Tree::Map(types)
}

/// The types of components in a tree of them.
pub(in crate::import) fn types(tree: &Tree) -> Vec<String> {
    tree.items().iter().filter_map(|part| part.get("type")?.as_text()).map(str::to_owned).collect()
}

/// Whether a component of the catalogue renders to components of these types.
pub(super) fn may_be(registered: &Registered, unit: &Unit) -> bool {
    if registered.kind() == "raw" {
        return false;
    }
    let Some(known) = kinds().get(&(registered.role(), registered.kind(), unit.runtime)) else { return false };
    let is_known = |kind: &String| known.iter().flatten().any(|other| other == kind);
    !unit.kinds.is_empty() && unit.kinds.iter().all(is_known)
}

/// The sequences of processors that stand for one step, longest first, of two and more.
pub(in crate::import) fn sequences(runtime: Runtime) -> &'static [Vec<String>] {
    static SEQUENCES: OnceLock<[Vec<Vec<String>>; 2]> = OnceLock::new();
    let [otelcol, alloy] = SEQUENCES.get_or_init(|| {
        [Runtime::Otelcol, Runtime::Alloy].map(|wanted| {
            let of_steps = kinds().iter().filter(|((role, kind, runtime), _)| {
                matches!(role, Role::Filter | Role::Processor) && *kind != "raw" && *runtime == wanted
            });
            let longer: BTreeSet<&Vec<String>> =
                of_steps.flat_map(|(_, known)| known).filter(|k| k.len() > 1).collect();
            let mut longer: Vec<Vec<String>> = longer.into_iter().cloned().collect();
            longer.sort_by_key(|kinds| std::cmp::Reverse(kinds.len()));
            longer
        })
    });
    match runtime {
        Runtime::Otelcol => otelcol,
        Runtime::Alloy => alloy,
    }
}
