//! Components of an Alloy config with its `declare`s written out: one set of them for each instance.

use std::{cell::Cell, collections::BTreeMap};

use linkmesh_ottl::run::IsOver;
use linkmesh_proto::api::problem::FieldProblem;

use crate::{
    import::{
        found::{MAX_COMPONENTS, refused},
        tree::Tree,
    },
    render::{
        alloy::{Block, Expr, Statement},
        text::Text,
    },
};

/// How deep instances of `declare`s may stand in others.
const MAX_DEPTH: usize = 16;

/// How many octets of arguments may be put in the places that name them, in all: an argument that is named often and
/// given on to others grows without end.
const MAX_FILLED: usize = 8 << 20;

/// How many octets of values may be gone through in all to find what is referred to: lists of references to lists of
/// references grow without end.
const MAX_FOLLOWED: usize = 64 << 20;

/// So much is done without asking whether it is over.
const UNASKED: usize = 1 << 20;

/// How many references may lead from one to the next.
const MAX_HOPS: usize = 64;

/// A component: a block that is no part of another.
#[derive(Debug)]
pub(super) struct Node {
    /// In which body it stands.
    pub(super) scope: usize,
    /// Its text, arguments of the `declare` put in.
    pub(super) block: Block,
}

impl Node {
    /// By what others of its body refer to it.
    pub(super) fn id(&self) -> String {
        match &self.block.label {
            Some(label) => format!("{}.{label}", self.block.name),
            None => self.block.name.clone(),
        }
    }
}

/// The body of the file, or of an instance of a `declare`.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// Where it stands: empty for the file, `pl_shop.default` for an instance.
    pub(super) path: String,
    /// The body that the instance stands in.
    parent: Option<usize>,
    /// What the instance is given.
    arguments: BTreeMap<String, Expr>,
    /// The names of what it asks for, in order.
    asks_for: Vec<String>,
    /// What the instance gives.
    exports: BTreeMap<String, Expr>,
    /// The instances in it, by what refers to them.
    instances: BTreeMap<String, usize>,
    /// The components in it, by what refers to them.
    nodes: BTreeMap<String, usize>,
}

/// What a reference means.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    /// The component.
    pub(super) node: usize,
    /// What of it.
    pub(super) export: String,
}

/// A config written out.
#[derive(Debug, Default)]
pub(super) struct Expanded {
    /// The components.
    pub(super) nodes: Vec<Node>,
    /// The bodies; the first is the file.
    pub(super) scopes: Vec<Scope>,
    /// How many octets of arguments were put in.
    filled: usize,
    /// How many octets of values were gone through.
    followed: Cell<usize>,
    /// Whether nobody waits for it any more.
    is_over: IsOver,
    /// Whether a list named a component more than once since this was asked.
    is_doubled: Cell<bool>,
    /// The `declare`s of which there is no instance, and where they stand.
    pub(super) others: Vec<(String, Block)>,
}

/// The `declare`s that can be seen from a body, the nearest last.
type Declares<'t> = Vec<(&'t str, &'t Block)>;

/// Writes a file out.
///
/// # Errors
/// Why it cannot be, by place.
pub(super) fn expand(body: &[Statement], is_over: IsOver) -> Result<Expanded, Vec<FieldProblem>> {
    let mut expanded = Expanded { scopes: vec![Scope::default()], is_over, ..Expanded::default() };
    let mut used = Vec::new();
    expanded.body(body, 0, &mut Vec::new(), &mut used, 0)?;
    expanded.others = without_instance(body, "", &used);
    Ok(expanded)
}

/// The `declare`s of a body that none is an instance of.
fn without_instance(body: &[Statement], within: &str, used: &[&Block]) -> Vec<(String, Block)> {
    let mut others = Vec::new();
    for statement in body {
        let Statement::Block(block) = statement else { continue };
        let Some(name) = declared(block) else { continue };
        let path = if within.is_empty() { format!("declare.{name}") } else { format!("{within}/declare.{name}") };
        if used.iter().any(|known| std::ptr::eq(*known, block)) {
            others.extend(without_instance(&block.body, &path, used));
        } else {
            others.push((path, block.clone()));
        }
    }
    others
}

/// The name that a `declare` defines.
pub(super) fn declared(block: &Block) -> Option<&str> {
    block.label.as_deref().filter(|_| block.name == "declare")
}

impl Expanded {
    fn body<'t>(
        &mut self,
        body: &'t [Statement],
        scope: usize,
        declares: &mut Declares<'t>,
        used: &mut Vec<&'t Block>,
        depth: usize,
    ) -> Result<(), Vec<FieldProblem>> {
        let seen = declares.len();
        for statement in body {
            if let Statement::Block(block) = statement
                && let Some(name) = declared(block)
            {
                declares.push((name, block));
            }
        }
        for statement in body {
            let Statement::Block(block) = statement else { continue };
            let label = block.label.as_deref().unwrap_or_default();
            match block.name.as_str() {
                "declare" if block.label.is_some() => {}
                "argument" if scope > 0 => self.argument(scope, label, block),
                "export" if scope > 0 => {
                    if let Some(value) = attribute_of(block, "value") {
                        let value = self.filled(value, scope)?;
                        self.set(scope, |scope| scope.exports.insert(label.to_owned(), value));
                    }
                }
                name => match declares.iter().rev().find(|(known, _)| *known == name).copied() {
                    Some((_, declare)) => {
                        if !used.iter().any(|known| std::ptr::eq(*known, declare)) {
                            used.push(declare);
                        }
                        self.instance(block, &declare.body, scope, declares, used, depth)?;
                    }
                    None => self.node(block, scope)?,
                },
            }
        }
        declares.truncate(seen);
        Ok(())
    }

    fn set<T>(&mut self, scope: usize, change: impl FnOnce(&mut Scope) -> T) {
        if let Some(scope) = self.scopes.get_mut(scope) {
            change(scope);
        }
    }

    fn argument(&mut self, scope: usize, label: &str, block: &Block) {
        self.set(scope, |scope| scope.asks_for.push(label.to_owned()));
        if let Some(default) = attribute_of(block, "default") {
            let default = default.clone();
            self.set(scope, |scope| {
                scope.arguments.entry(label.to_owned()).or_insert(default);
            });
        }
    }

    fn instance<'t>(
        &mut self,
        block: &'t Block,
        inner: &'t [Statement],
        scope: usize,
        declares: &mut Declares<'t>,
        used: &mut Vec<&'t Block>,
        depth: usize,
    ) -> Result<(), Vec<FieldProblem>> {
        let here = self.scopes.get(scope).map_or("", |scope| scope.path.as_str());
        let id = format!("{}.{}", block.name, block.label.as_deref().unwrap_or("default"));
        let path = if here.is_empty() { id.clone() } else { format!("{here}/{id}") };
        if depth >= MAX_DEPTH || self.scopes.len() > MAX_COMPONENTS {
            return Err(refused(&path, "too_many", "stands in too many others, or there are too many of it"));
        }
        let mut arguments = BTreeMap::new();
        for statement in &block.body {
            if let Statement::Attribute(name, value) = statement {
                arguments.insert(name.clone(), self.filled(value, scope)?);
            }
        }
        let instance = Scope { path, parent: Some(scope), arguments, ..Scope::default() };
        let index = self.scopes.len();
        self.scopes.push(instance);
        self.set(scope, |scope| scope.instances.insert(id, index));
        self.body(inner, index, declares, used, depth + 1)
    }

    fn node(&mut self, block: &Block, scope: usize) -> Result<(), Vec<FieldProblem>> {
        if self.nodes.len() >= MAX_COMPONENTS {
            return Err(refused("text", "too_many", format!("at most {MAX_COMPONENTS} components")));
        }
        let block = Block { body: self.filled_body(&block.body, scope)?, ..block.clone() };
        let node = Node { scope, block };
        let (id, index) = (node.id(), self.nodes.len());
        let is_known = self.scopes.get(scope).is_some_and(|scope| scope.nodes.contains_key(&id));
        if is_known {
            return Err(refused(&self.path(&node), "duplicate", "stands twice"));
        }
        self.nodes.push(node);
        self.set(scope, |scope| scope.nodes.insert(id, index));
        Ok(())
    }

    /// Where a component stands, for a person.
    pub(super) fn path(&self, node: &Node) -> String {
        match self.scopes.get(node.scope).map(|scope| scope.path.as_str()) {
            None | Some("") => node.id(),
            Some(path) => format!("{path}/{}", node.id()),
        }
    }

    fn filled_body(&mut self, body: &[Statement], scope: usize) -> Result<Vec<Statement>, Vec<FieldProblem>> {
        let filled = |statement: &Statement| {
            Ok(match statement {
                Statement::Attribute(name, value) => Statement::Attribute(name.clone(), self.filled(value, scope)?),
                Statement::Block(block) => {
                    Statement::Block(Block { body: self.filled_body(&block.body, scope)?, ..block.clone() })
                }
            })
        };
        body.iter().map(filled).collect()
    }

    /// The value with what the instance is given in the place of its arguments, where that is a value of its own.
    ///
    /// # Errors
    /// When that makes too much of the text.
    fn filled(&mut self, value: &Expr, scope: usize) -> Result<Expr, Vec<FieldProblem>> {
        if let Tree::Reference(name) = Tree::of_expression(value) {
            let argument = argument(&name).and_then(|name| self.scopes.get(scope)?.arguments.get(name));
            let Some(given) = argument else { return Ok(value.clone()) };
            self.filled += weight(given);
            if self.filled > MAX_FILLED || self.is_over(self.filled) {
                let path = self.scopes.get(scope).map_or("text", |scope| scope.path.as_str());
                return Err(refused(path, "too_large", "what it is given makes too much of the text"));
            }
            return Ok(if refers(&Tree::of_expression(given)) { value.clone() } else { given.clone() });
        }
        let mut each = |items: &[Expr]| items.iter().map(|item| self.filled(item, scope)).collect::<Result<_, _>>();
        Ok(match value {
            Expr::Array(items) => Expr::Array(each(items)?),
            Expr::Parts(items) => Expr::Parts(each(items)?),
            Expr::Object(fields) => {
                let mut filled = Vec::with_capacity(fields.len());
                for (key, item) in fields {
                    filled.push((key.clone(), self.filled(item, scope)?));
                }
                Expr::Object(filled)
            }
            Expr::Text(_) | Expr::Token(_) => value.clone(),
        })
    }

    /// What a value of a body refers to; `None` when only Alloy can make that out.
    pub(super) fn targets(&self, value: &Expr, scope: usize) -> Option<Vec<Target>> {
        self.targets_of(&self.followed(value)?, scope, MAX_HOPS)
    }

    /// Whether a list named a component more than once since the last time.
    pub(super) fn was_doubled(&self) -> bool {
        self.is_doubled.take()
    }

    /// Whether more was to be gone through than a text of a person takes, or nobody waited for it; then some of it was not.
    pub(super) fn is_spent(&self) -> bool {
        let followed = self.followed.get();
        followed > MAX_FOLLOWED || self.is_over(followed)
    }

    fn is_over(&self, done: usize) -> bool {
        done > UNASKED && self.is_over.ask()
    }

    /// A value that a reference leads to; `None` when there were too many.
    fn followed(&self, value: &Expr) -> Option<Tree> {
        self.followed.set(self.followed.get().saturating_add(weight(value)));
        (!self.is_spent()).then(|| Tree::of_expression(value))
    }

    fn targets_of(&self, value: &Tree, scope: usize, hops: usize) -> Option<Vec<Target>> {
        let hops = hops.checked_sub(1)?;
        match value {
            Tree::List(items) => {
                let mut targets = Vec::new();
                for item in items {
                    for target in self.targets_of(item, scope, hops)? {
                        if targets.contains(&target) {
                            self.is_doubled.set(true);
                        } else {
                            targets.push(target);
                        }
                    }
                }
                Some(targets)
            }
            Tree::Reference(name) => self.resolved(name, scope, hops),
            _ => None,
        }
    }

    /// What a name refers to in a body.
    fn resolved(&self, name: &str, scope: usize, hops: usize) -> Option<Vec<Target>> {
        let here = self.scopes.get(scope)?;
        if let Some(argument) = argument(name) {
            return self.targets_of(&self.followed(here.arguments.get(argument)?)?, here.parent?, hops);
        }
        let (id, export) = name.rsplit_once('.')?;
        if let Some(instance) = here.instances.get(id) {
            let export = self.scopes.get(*instance)?.exports.get(export)?;
            return self.targets_of(&self.followed(export)?, *instance, hops);
        }
        let node = *here.nodes.get(id)?;
        Some(vec![Target { node, export: export.to_owned() }])
    }

    /// The components that an instance is given, in the order in which it asks for them.
    pub(super) fn given(&self, scope: usize) -> Vec<Target> {
        let Some(here) = self.scopes.get(scope) else { return Vec::new() };
        let asked = here.asks_for.iter();
        asked.filter_map(|name| self.resolved(&format!("argument.{name}.value"), scope, MAX_HOPS)).flatten().collect()
    }

    /// The components that a component names, wherever in it.
    pub(super) fn named(&self, node: &Node) -> Vec<Target> {
        let config = Tree::of_body(&node.block.body);
        let mut names = Vec::new();
        config.references(&mut names);
        let mut targets: Vec<Target> =
            names.into_iter().filter_map(|name| self.resolved(name, node.scope, MAX_HOPS)).flatten().collect();
        targets.sort();
        targets.dedup();
        targets
    }
}

/// About how many octets a value takes.
fn weight(value: &Expr) -> usize {
    let own = size_of::<Expr>();
    let of = |items: &[Expr]| items.iter().map(weight).sum::<usize>();
    own + match value {
        Expr::Text(Text::Plain(text) | Text::Secret(text) | Text::Verbatim(text)) => text.len(),
        Expr::Text(Text::Env { prefix, name }) => prefix.len() + name.len(),
        Expr::Token(token) => token.len(),
        Expr::Array(items) | Expr::Parts(items) => of(items),
        Expr::Object(fields) => fields.iter().map(|(key, item)| key.len() + weight(item)).sum(),
    }
}

/// `x` of `argument.x.value`.
fn argument(name: &str) -> Option<&str> {
    name.strip_prefix("argument.")?.strip_suffix(".value")
}

fn refers(value: &Tree) -> bool {
    let mut names = Vec::new();
    value.references(&mut names);
    !names.is_empty()
}

/// An attribute of a block.
pub(super) fn attribute_of<'b>(block: &'b Block, wanted: &str) -> Option<&'b Expr> {
    block.body.iter().find_map(|statement| match statement {
        Statement::Attribute(name, value) if name == wanted => Some(value),
        _ => None,
    })
}
