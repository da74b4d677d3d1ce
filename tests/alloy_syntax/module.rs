//! What a remote document may hold: it is loaded as a module of its own, whose declares are modules again.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Level, Place, Refusal,
    components::{Shape, find},
    parser::{Body, Expr, Statement},
};

/// Blocks that configure the whole process.
const PROCESS: [&str; 2] = ["logging", "tracing"];

/// Blocks that configure a service of the process.
const SERVICES: [&str; 7] = ["http", "remotecfg", "livedebugging", "labelstore", "cluster", "otel", "ui"];

/// First parts of component names; a declare of that name would hide them all.
const FAMILIES: [&str; 12] = [
    "otelcol",
    "loki",
    "prometheus",
    "discovery",
    "local",
    "mimir",
    "pyroscope",
    "faro",
    "beyla",
    "database_observability",
    "remote",
    "declare",
];

/// The arguments of the declares that can be instantiated: name to whether it may be left out.
type Declares<'a> = BTreeMap<&'a str, BTreeMap<&'a str, bool>>;

pub(super) fn check(body: &Body, level: Level) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let mut declares = Declares::new();
    for statement in body {
        if let Statement::Block { name, label: Some(label), body, .. } = statement
            && *name == ["declare"]
        {
            declares.insert(label, arguments(body));
        }
    }
    scope(body, level, &declares, &mut refusals);
    refusals
}

fn arguments(body: &Body) -> BTreeMap<&str, bool> {
    body.iter()
        .filter_map(|statement| match statement {
            Statement::Block { name, label: Some(label), body, .. } if *name == ["argument"] => {
                let optional = body.iter().any(|statement| {
                    matches!(statement, Statement::Attribute { name, value: Expr::Bool(true), .. } if name == "optional")
                });
                Some((label.as_str(), optional))
            }
            _ => None,
        })
        .collect()
}

fn scope(body: &Body, level: Level, declares: &Declares<'_>, refusals: &mut Vec<Refusal>) {
    let mut seen: BTreeMap<String, Place> = BTreeMap::new();
    for statement in body {
        let (place, name, label, inner) = match statement {
            Statement::Attribute { place, name, .. } => {
                refusals.push(Refusal::new(*place, format!("unrecognized attribute name \"{name}\"")));
                continue;
            }
            Statement::Block { place, name, label, body } => (*place, name.join("."), label.as_deref(), body),
        };
        let id = label.map_or_else(|| name.clone(), |label| format!("{name}.{label}"));
        if let Some(before) = seen.insert(id.clone(), place) {
            let message = format!("block {id} already declared at {}:{}", before.line, before.column);
            refusals.push(Refusal::new(place, message));
        }
        if PROCESS.contains(&name.as_str()) {
            refusals.push(Refusal::new(place, format!("{name} block not allowed inside a module")));
            continue;
        }
        if SERVICES.contains(&name.as_str()) {
            refusals.push(Refusal::new(place, format!("service blocks not allowed inside a module: \"{name}\"")));
            continue;
        }
        let Some(label) = label else {
            refusals.push(Refusal::new(place, format!("block \"{name}\" requires a non-empty label")));
            continue;
        };
        match name.as_str() {
            "declare" => declare(place, label, inner, level, declares, refusals),
            "argument" => fits(place, inner, &ARGUMENT, refusals),
            "export" => fits(place, inner, &EXPORT, refusals),
            custom if declares.contains_key(custom) => instance(place, custom, inner, &declares[custom], refusals),
            known => component(place, known, inner, level, refusals),
        }
    }
}

const ARGUMENT: Shape = Shape { attributes: "optional default comment", blocks: &[] };
const EXPORT: Shape = Shape { attributes: "!value", blocks: &[] };

fn declare(place: Place, label: &str, body: &Body, level: Level, declares: &Declares<'_>, refusals: &mut Vec<Refusal>) {
    if FAMILIES.contains(&label) {
        refusals.push(Refusal::new(place, format!("a declare \"{label}\" hides the components of that name")));
    }
    if body.is_empty() {
        refusals.push(Refusal::new(place, format!("custom component config not found: \"{label}\" is empty")));
    }
    scope(body, level, declares, refusals);
}

/// An instance of a declare gives its arguments as attributes and has no blocks.
fn instance(place: Place, name: &str, body: &Body, arguments: &BTreeMap<&str, bool>, refusals: &mut Vec<Refusal>) {
    let mut given = BTreeSet::new();
    for statement in body {
        match statement {
            Statement::Attribute { place, name, .. } => {
                if !arguments.contains_key(name.as_str()) {
                    refusals.push(Refusal::new(*place, format!("unrecognized attribute name \"{name}\"")));
                }
                if !given.insert(name.as_str()) {
                    refusals.push(Refusal::new(*place, format!("attribute \"{name}\" may only be provided once")));
                }
            }
            Statement::Block { place, name, .. } => {
                refusals.push(Refusal::new(*place, format!("unrecognized block name \"{}\"", name.join("."))));
            }
        }
    }
    for (argument, _) in arguments.iter().filter(|(argument, optional)| !**optional && !given.contains(**argument)) {
        refusals.push(Refusal::new(place, format!("missing required argument \"{argument}\" to \"{name}\"")));
    }
}

fn component(place: Place, name: &str, body: &Body, level: Level, refusals: &mut Vec<Refusal>) {
    let Some(component) = find(name) else {
        let message = format!("cannot find the definition of component name \"{name}\"");
        refusals.push(Refusal::new(place, message));
        return;
    };
    if component.level > level {
        refusals.push(Refusal::new(
            place,
            format!(
                "component \"{name}\" is at stability level \"{}\", which is below the minimum allowed stability level \
                 \"{}\". Use --stability.level command-line flag to enable \"{}\" features",
                component.level.word(),
                level.word(),
                component.level.word()
            ),
        ));
    }
    fits(place, body, &component.shape, refusals);
    if name == "otelcol.processor.memory_limiter" {
        let has = |wanted: &str| body.iter().any(|s| matches!(s, Statement::Attribute { name, .. } if name == wanted));
        if has("limit") == has("limit_percentage") {
            let message = "Failed to build component: one of limit and limit_percentage must be set";
            refusals.push(Refusal::new(place, message));
        }
    }
    if name == "prometheus.scrape" {
        // What is no literal is left to the Alloy.
        let given = |wanted: &str, default: f64| {
            let value = body.iter().find_map(|statement| match statement {
                Statement::Attribute { name, value, .. } if name == wanted => Some(value),
                _ => None,
            });
            match value {
                None => Some(default),
                Some(Expr::Text(text)) => duration(text),
                Some(_) => None,
            }
        };
        if let (Some(interval), Some(timeout)) = (given("scrape_interval", 60.0), given("scrape_timeout", 10.0))
            && timeout > interval
        {
            let message = format!("scrape_timeout ({timeout}s) greater than scrape_interval ({interval}s)");
            refusals.push(Refusal::new(place, message));
        }
    }
}

/// Names without their `!`, and which of them must be there.
fn names(text: &'static str) -> BTreeMap<&'static str, bool> {
    text.split_whitespace().map(|name| name.strip_prefix('!').map_or((name, false), |name| (name, true))).collect()
}

fn fits(place: Place, body: &Body, shape: &Shape, refusals: &mut Vec<Refusal>) {
    let attributes = names(shape.attributes);
    let blocks: BTreeMap<&str, (bool, &Shape)> = shape
        .blocks
        .iter()
        .map(|(name, shape)| name.strip_prefix('!').map_or((*name, (false, shape)), |name| (name, (true, shape))))
        .collect();
    let mut given = BTreeSet::new();
    for statement in body {
        match statement {
            Statement::Attribute { place, name, value } => {
                if !attributes.contains_key(name.as_str()) {
                    refusals.push(Refusal::new(*place, format!("unrecognized attribute name \"{name}\"")));
                }
                if !given.insert(name.clone()) {
                    refusals.push(Refusal::new(*place, format!("attribute \"{name}\" may only be provided once")));
                }
                literal(*place, name, value, refusals);
            }
            Statement::Block { place, name, label, body } => {
                let name = name.join(".");
                given.insert(name.clone());
                if label.is_some() {
                    refusals.push(Refusal::new(*place, format!("block \"{name}\" does not support specifying labels")));
                }
                match blocks.get(name.as_str()) {
                    Some((_, shape)) => fits(*place, body, shape, refusals),
                    None => refusals.push(Refusal::new(*place, format!("unrecognized block name \"{name}\""))),
                }
            }
        }
    }
    let missing = |what: &str, name: &str| {
        let message = format!("Failed to build component: decoding configuration: missing required {what} \"{name}\"");
        Refusal::new(place, message)
    };
    for (name, _) in attributes.iter().filter(|(name, needed)| **needed && !given.contains(**name)) {
        refusals.push(missing("attribute", name));
    }
    for (name, _) in blocks.iter().filter(|(name, (needed, _))| *needed && !given.contains(**name)) {
        refusals.push(missing("block", name));
    }
}

/// Attributes that hold OTTL; a condition with an open parenthesis is refused when the component is built.
const OTTL: [&str; 7] = ["log_record", "metric", "datapoint", "span", "spanevent", "conditions", "statements"];

/// Attributes that hold a duration.
const DURATIONS: [&str; 10] = [
    "decision_wait",
    "max_staleness",
    "timeout",
    "check_interval",
    "scrape_interval",
    "scrape_timeout",
    "poll_interval",
    "force_flush_period",
    "initial_interval",
    "max_interval",
];

fn literal(place: Place, name: &str, value: &Expr, refusals: &mut Vec<Refusal>) {
    value.walk(&mut |inner| {
        let refusal = match inner {
            Expr::Number(text) if text.len() > 1 && text.starts_with('0') && !text.contains('.') => {
                Some(format!("\"{text}\" is read as octal"))
            }
            Expr::Object(fields) => fields
                .iter()
                .find(|(key, _)| key.contains(['\\', '"']))
                .map(|(key, _)| format!("key {key:?} is not unescaped")),
            Expr::Text(text) if OTTL.contains(&name) && !balanced(text) => {
                Some(format!("unable to parse OTTL \"{text}\": condition has invalid syntax"))
            }
            Expr::Text(text) if DURATIONS.contains(&name) && duration(text).is_none() => {
                Some(format!("time: invalid duration \"{text}\""))
            }
            _ => None,
        };
        refusals.extend(refusal.map(|message| Refusal::new(place, message)));
    });
}

/// Whether brackets close outside of quoted text.
fn balanced(text: &str) -> bool {
    let mut open = Vec::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => loop {
                match letters.next() {
                    None => return false,
                    Some('"') => break,
                    Some('\\') => drop(letters.next()),
                    Some(_) => {}
                }
            },
            '(' | '[' | '{' => open.push(letter),
            ')' if open.pop() != Some('(') => return false,
            ']' if open.pop() != Some('[') => return false,
            '}' if open.pop() != Some('{') => return false,
            _ => {}
        }
    }
    open.is_empty()
}

/// Go's `time.ParseDuration`: numbers with units, no days. In seconds.
fn duration(text: &str) -> Option<f64> {
    let (sign, mut rest) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (if text.starts_with('-') { -1.0 } else { 1.0 }, rest),
        None => (1.0, text),
    };
    if rest == "0" {
        return Some(0.0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let number = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
        let count: f64 = rest[..number].parse().ok()?;
        rest = &rest[number..];
        let units = [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
        let (after, unit) = units.into_iter().find_map(|(unit, seconds)| {
            let after = rest.strip_prefix(unit)?;
            (!after.starts_with(|letter: char| letter.is_alphabetic())).then_some((after, seconds))
        })?;
        seconds += count * unit;
        rest = after;
    }
    Some(sign * seconds)
}
