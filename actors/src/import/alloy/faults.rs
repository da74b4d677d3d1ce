//! What the grammar allows and no Alloy loads, by line and column.
//!
//! Read on, a part of it would be lost without a word: of two attributes of one name the second, of two components the first.
//! From `internal/runtime` and `syntax/vm` of Alloy 1.19.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    rc::Rc,
};

use linkmesh_proto::api::problem::FieldProblem;

use super::expand::declared;
use crate::{
    component::{ALL_SIGNALS, signal_name},
    domain::problem::Problems,
    render::alloy::{Block, Expr, Statement, parse::Place},
};

/// Finds what no Alloy loads. `places` say where each statement begins, in the order in which they do.
///
/// # Errors
/// All of it, by place.
pub(super) fn check(body: &[Statement], places: &[Place]) -> Result<(), Vec<FieldProblem>> {
    let mut checker = Checker { places: places.iter(), problems: Problems::default(), declares: BTreeMap::new() };
    checker.module(body, None);
    checker.problems.or(())
}

/// Where something stands, for a person. Put together only where it is said: names may be long, and there are many places.
#[derive(Clone, Copy)]
struct At<'a> {
    within: Option<&'a At<'a>>,
    name: &'a str,
    label: Option<&'a str>,
}

impl<'a> At<'a> {
    fn of(block: &'a Block, within: Option<&'a Self>) -> Self {
        Self { within, name: &block.name, label: block.label.as_deref() }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(within) = self.within {
            write!(f, "{within}/")?;
        }
        f.write_str(self.name)?;
        self.label.map_or(Ok(()), |label| write!(f, ".{label}"))
    }
}

/// What an instance of a `declare` may be given.
struct Arguments<'t> {
    known: BTreeSet<&'t str>,
    needed: Vec<&'t str>,
}

impl<'t> Arguments<'t> {
    fn of(declare: &'t Block) -> Self {
        let mut arguments = Self { known: BTreeSet::new(), needed: Vec::new() };
        let is_optional = |statement: &Statement| matches!(statement, Statement::Attribute(name, value) if name == "optional" && *value != Expr::token("false"));
        for statement in &declare.body {
            if let Statement::Block(block) = statement
                && let ("argument", Some(label)) = (block.name.as_str(), block.label.as_deref())
            {
                arguments.known.insert(label);
                if !block.body.iter().any(is_optional) {
                    arguments.needed.push(label);
                }
            }
        }
        arguments
    }
}

struct Checker<'t, 'p> {
    places: std::slice::Iter<'p, Place>,
    problems: Problems,
    /// The `declare`s that can be seen, the nearest last, by name.
    declares: BTreeMap<&'t str, Vec<Rc<Arguments<'t>>>>,
}

impl<'t> Checker<'t, '_> {
    fn place(&mut self) -> Place {
        self.places.next().copied().unwrap_or_default()
    }

    fn add(&mut self, name: &str, within: Option<&At<'_>>, code: &str, message: String) {
        if !self.problems.is_full() {
            self.problems.add(At { within, name, label: None }.to_string(), code, message);
        }
    }

    /// The body of the file or of a `declare`: components, and what sets up others.
    fn module(&mut self, body: &'t [Statement], within: Option<&At<'_>>) {
        let mut seen = Vec::new();
        for statement in body {
            if let Statement::Block(block) = statement
                && let Some(name) = declared(block)
            {
                self.declares.entry(name).or_default().push(Rc::new(Arguments::of(block)));
                seen.push(name);
            }
        }
        let mut known: BTreeMap<(&str, Option<&str>), Place> = BTreeMap::new();
        for statement in body {
            let place = self.place();
            let block = match statement {
                Statement::Attribute(name, _) => {
                    let message = format!("at {place}: Alloy takes no attributes outside of blocks");
                    self.add(name, within, "unknown_field", message);
                    continue;
                }
                Statement::Block(block) => block,
            };
            let at = At::of(block, within);
            if let Some(first) = known.get(&(at.name, at.label)) {
                let message = format!("stands twice: at {first} and again at {place}");
                self.problems.add(at.to_string(), "duplicate", message);
            } else {
                known.insert((&block.name, block.label.as_deref()), place);
            }
            match block.name.as_str() {
                "declare" => self.module(&block.body, Some(&at)),
                "argument" | "export" if within.is_none() => {
                    let message = format!("at {place}: stands in a `declare` only");
                    self.problems.add(at.to_string(), "unknown_field", message);
                    self.settings(&block.body, &at);
                }
                "foreach" => self.foreach(block, &at),
                name => match self.declares.get(name).and_then(|declares| declares.last()).cloned() {
                    Some(arguments) => self.instance(block, &arguments, &at, place),
                    None => self.settings(&block.body, &at),
                },
            }
            if self.problems.is_full() {
                return;
            }
        }
        for name in seen {
            if let Some(declares) = self.declares.get_mut(name) {
                declares.pop();
            }
        }
    }

    /// What an instance of a `declare` is given.
    fn instance(&mut self, block: &'t Block, arguments: &Arguments<'t>, at: &At<'_>, place: Place) {
        let mut given = BTreeMap::new();
        for statement in &block.body {
            let place = self.place();
            match statement {
                Statement::Attribute(name, _) => {
                    self.once(name, &mut given, at, place);
                    if !arguments.known.contains(name.as_str()) {
                        let message = format!("at {place}: its `declare` has no such argument");
                        self.add(name, Some(at), "unknown_field", message);
                    }
                }
                Statement::Block(inner) => {
                    let message = format!("at {place}: an instance of a `declare` is given attributes only");
                    self.add(&inner.name, Some(at), "unknown_field", message);
                    self.settings(&inner.body, at);
                }
            }
        }
        for name in arguments.needed.iter().filter(|name| !given.contains_key(*name)) {
            let message = format!("must be given at {place}: the argument is not optional");
            self.add(name, Some(at), "missing", message);
            if self.problems.is_full() {
                return;
            }
        }
    }

    /// The body of a component, or of a block in one.
    fn settings(&mut self, body: &'t [Statement], at: &At<'_>) {
        let is_of_otelcol = at.within.is_none_or(|within| matches!(within.name, "declare" | "template"))
            && at.name.starts_with("otelcol.");
        let mut known = BTreeMap::new();
        for statement in body {
            let place = self.place();
            match statement {
                Statement::Attribute(name, _) => self.once(name, &mut known, at, place),
                Statement::Block(block) if is_of_otelcol && block.name == "output" => {
                    self.once(&block.name, &mut known, at, place);
                    self.output(&block.body, &At::of(block, Some(at)));
                }
                Statement::Block(block) => self.settings(&block.body, &At::of(block, Some(at))),
            }
        }
    }

    fn once(&mut self, name: &'t str, known: &mut BTreeMap<&'t str, Place>, at: &At<'_>, place: Place) {
        match known.get(name) {
            Some(first) => {
                let message = format!("stands twice: at {first} and again at {place}");
                self.add(name, Some(at), "duplicate", message);
            }
            None => _ = known.insert(name, place),
        }
    }

    /// Where a component sends records: of each kind of them once.
    fn output(&mut self, body: &'t [Statement], at: &At<'_>) {
        let mut known = BTreeMap::new();
        for statement in body {
            let place = self.place();
            let is_known = match statement {
                Statement::Attribute(name, _) => {
                    self.once(name, &mut known, at, place);
                    ALL_SIGNALS.iter().any(|signal| signal_name(*signal) == name)
                }
                Statement::Block(block) => {
                    self.settings(&block.body, &At::of(block, Some(at)));
                    false
                }
            };
            if !is_known {
                let (Statement::Attribute(name, _) | Statement::Block(Block { name, .. })) = statement;
                let message = format!("at {place}: an output has the attributes logs, metrics and traces");
                self.add(name, Some(at), "unknown_field", message);
            }
        }
    }

    /// Components that are made for each item of a list.
    fn foreach(&mut self, block: &'t Block, at: &At<'_>) {
        let mut known = BTreeMap::new();
        for statement in &block.body {
            let place = self.place();
            match statement {
                Statement::Attribute(name, _) => self.once(name, &mut known, at, place),
                Statement::Block(template) => self.module(&template.body, Some(&At::of(template, Some(at)))),
            }
        }
    }
}
