//! The context of texts whose configuration names none.
//!
//! Source: `context_inferrer.go` and `parser_collection.go` of `pkg/ottl` 0.158.0.

use std::collections::{HashMap, hash_map::Entry};

use super::{
    context::{Context, Dialect, Functions},
    enums::enums,
    functions::function,
};
use crate::{
    problem::{Finding, Problem, problems},
    syntax::{
        read_condition, read_statement,
        tree::{Argument, Call, Condition, Key, LambdaBody, Math, Path, Statement, Value, ValueKind},
    },
};

/// Texts that run together and so are of one context.
#[derive(Debug, Clone, Copy, Default)]
pub struct Group<'t> {
    /// Statements of the transform processor.
    pub statements: &'t [String],
    /// Conditions: of the filter, or before the statements.
    pub conditions: &'t [String],
}

/// What a text uses that not every context has.
#[derive(Debug, Default)]
struct Uses {
    /// The first segments of paths that have several, `None` of others; and where they stand.
    roots: Vec<(Option<String>, usize)>,
    functions: Vec<(String, usize)>,
    enums: Vec<(String, usize)>,
    /// Names of lambdas that are in scope, and how often each.
    local: HashMap<String, usize>,
}

impl Uses {
    fn statement(&mut self, statement: &Statement) {
        self.call(&statement.editor);
        if let Some(condition) = &statement.condition {
            self.condition(condition);
        }
    }

    fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::Literal(_) => {}
            Condition::Converter(call) => self.call(call),
            Condition::Compare { left, right, .. } => {
                self.value(left);
                self.value(right);
            }
            Condition::Not(condition) => self.condition(condition),
            Condition::And(parts) | Condition::Or(parts) => parts.iter().for_each(|part| self.condition(part)),
        }
    }

    fn call(&mut self, call: &Call) {
        self.functions.push((call.name.clone(), call.place.0));
        call.arguments.iter().for_each(|Argument { value, .. }| self.value(value));
        self.keys(&call.keys);
    }

    fn keys(&mut self, keys: &[Key]) {
        for key in keys {
            if let Key::Computed(value) = key {
                self.value(value);
            }
        }
    }

    fn path(&mut self, path: &Path) {
        let first = path.segments.first().map(|segment| &segment.name);
        if first.is_some_and(|first| !self.local.contains_key(first)) {
            self.roots.push((path.context().map(str::to_owned), path.place.0));
        }
        path.segments.iter().for_each(|segment| self.keys(&segment.keys));
    }

    fn value(&mut self, value: &Value) {
        match &value.kind {
            ValueKind::Enum(name) => self.enums.push((name.clone(), value.place.0)),
            ValueKind::Path(path) => self.path(path),
            ValueKind::Call(call) => self.call(call),
            ValueKind::List(items) => items.iter().for_each(|item| self.value(item)),
            ValueKind::Map(items) => items.iter().for_each(|(_, item)| self.value(item)),
            ValueKind::Math(math) => self.math(math),
            ValueKind::Lambda(lambda) => {
                for parameter in &lambda.parameters {
                    *self.local.entry(parameter.clone()).or_default() += 1;
                }
                match &lambda.body {
                    LambdaBody::Value(value) => self.value(value),
                    LambdaBody::Condition(condition) => self.condition(condition),
                }
                for parameter in &lambda.parameters {
                    if let Entry::Occupied(mut known) = self.local.entry(parameter.clone()) {
                        *known.get_mut() -= 1;
                        if *known.get() == 0 {
                            known.remove();
                        }
                    }
                }
            }
            ValueKind::Nil
            | ValueKind::Text(_)
            | ValueKind::Int(_)
            | ValueKind::Float(_)
            | ValueKind::Bool(_)
            | ValueKind::Bytes(_)
            | ValueKind::Function(_) => {}
        }
    }

    fn math(&mut self, math: &Math) {
        match math {
            Math::Operand(value) => self.value(value),
            Math::Signed { of, .. } => self.math(of),
            Math::Sum { first, rest } | Math::Product { first, rest } => {
                self.math(first);
                rest.iter().for_each(|(_, next)| self.math(next));
            }
        }
    }
}

/// The contexts that the paths of a statement or a condition name, each once, in the order of the text.
///
/// # Errors
/// What does not fit the grammar.
pub fn contexts_named(text: &str) -> Result<Vec<Context>, Vec<Problem>> {
    let mut uses = Uses::default();
    match read_statement(text) {
        Ok(statement) => uses.statement(&statement),
        Err(as_statement) => match read_condition(text) {
            Ok(condition) => uses.condition(&condition),
            Err(_) => return Err(problems(as_statement, text)),
        },
    }
    let mut contexts = Vec::new();
    for (root, _) in uses.roots {
        if let Some(context) = root.as_deref().and_then(Context::named)
            && !contexts.contains(&context)
        {
            contexts.push(context);
        }
    }
    Ok(contexts)
}

/// The context in which texts run whose configuration names none: the nearest to a record that their paths name, if it
/// has all their functions and enums, or else the first nearer one that has. `possible` are the contexts of the signal.
///
/// # Errors
/// The text that is wrong, counted over the statements and then the conditions, and what is wrong: what does not fit
/// the grammar, or what no context has.
pub fn infer_context(
    group: Group<'_>,
    functions: Functions,
    possible: &[Context],
) -> Result<Context, (usize, Vec<Problem>)> {
    let mut uses = Uses::default();
    for (index, text) in group.statements.iter().enumerate() {
        let statement = read_statement(text).map_err(|findings| (index, problems(findings, text)))?;
        uses.statement(&statement);
    }
    for (index, text) in group.conditions.iter().enumerate() {
        let index = group.statements.len() + index;
        let condition = read_condition(text).map_err(|findings| (index, problems(findings, text)))?;
        uses.condition(&condition);
    }
    let first = group.statements.iter().chain(group.conditions).next().map_or("", String::as_str);
    let wrong = |message: String| (0, vec![Finding::new(0, message).within(first)]);
    let named = uses.roots.iter().filter_map(|(root, _)| root.as_deref().and_then(Context::named));
    let rank = |context: &Context| Context::ALL.iter().position(|known| known == context);
    let Some(nearest) = named.min_by_key(rank) else {
        let names: Vec<_> = possible.iter().map(|context| context.name()).collect();
        return Err(wrong(format!("no path begins with a context, such as {}", names.join(", "))));
    };
    let lacking = |context: Context| {
        let dialect = Dialect { context, functions, prefixed: true };
        let function = uses.functions.iter().find(|(name, _)| function(dialect, name).is_none());
        let named = uses.enums.iter().find(|(name, _)| !enums(context).any(|(known, _)| known == name));
        function.or(named).map(|(name, _)| name.as_str())
    };
    if possible.contains(&nearest) && lacking(nearest).is_none() {
        return Ok(nearest);
    }
    // Contexts from which the paths of that one can be reached.
    let lower = Context::ALL.into_iter().filter(|context| {
        *context != nearest
            && possible.contains(context)
            && context.roots().iter().any(|(_, root)| *root == nearest.own_root())
    });
    if let Some(context) = lower.into_iter().find(|context| lacking(*context).is_none()) {
        return Ok(context);
    }
    if !possible.contains(&nearest) {
        return Err(wrong(format!("the context {nearest}, which the paths name, is none of this signal")));
    }
    // Upstream takes a function that is named as an argument for an enum, unless the context is given.
    let dialect = Dialect { context: nearest, functions, prefixed: true };
    match lacking(nearest) {
        Some(name) if function(dialect, name).is_some() => Err(wrong(format!(
            "the context must be named by the configuration: `{name}` as an argument keeps it from being found out"
        ))),
        // What is missing is told with its place when the texts are read in that context.
        _ => Ok(nearest),
    }
}
