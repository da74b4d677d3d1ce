//! What an expression may name: components of its own module, arguments, the standard library.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Place, Refusal,
    components::find,
    parser::{Body, Expr, Statement},
};

/// Names of the standard library: first parts, or whole functions.
const LIBRARY: [&str; 10] =
    ["sys", "constants", "string", "array", "encoding", "convert", "coalesce", "json_path", "file", "map"];

/// What can be named in one module: components and instances with what they export, and arguments.
#[derive(Default)]
struct Scope<'a> {
    components: BTreeMap<Vec<&'a str>, BTreeSet<&'a str>>,
    arguments: BTreeSet<&'a str>,
}

pub(super) fn check(body: &Body) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let mut declares: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for statement in body {
        if let Statement::Block { name, label: Some(label), body, .. } = statement
            && *name == ["declare"]
        {
            declares.insert(label, labels(body, "export"));
        }
    }
    module(body, &declares, &mut refusals);
    refusals
}

/// Labels of the blocks of one name.
fn labels<'a>(body: &'a Body, wanted: &str) -> BTreeSet<&'a str> {
    body.iter()
        .filter_map(|statement| match statement {
            Statement::Block { name, label: Some(label), .. } if *name == [wanted] => Some(label.as_str()),
            _ => None,
        })
        .collect()
}

fn module(body: &Body, declares: &BTreeMap<&str, BTreeSet<&str>>, refusals: &mut Vec<Refusal>) {
    let mut scope = Scope { arguments: labels(body, "argument"), ..Scope::default() };
    for statement in body {
        let Statement::Block { name, label: Some(label), .. } = statement else { continue };
        let mut id: Vec<&str> = name.iter().map(String::as_str).collect();
        let exports = match (find(&name.join(".")), declares.get(name[0].as_str())) {
            (Some(component), _) => component.exports.iter().copied().collect(),
            (None, Some(exports)) if name.len() == 1 => exports.clone(),
            _ => continue,
        };
        id.push(label);
        scope.components.insert(id, exports);
    }
    for statement in body {
        match statement {
            Statement::Block { name, body, .. } if *name == ["declare"] => module(body, declares, refusals),
            other => values(other, &scope, refusals),
        }
    }
}

fn values(statement: &Statement, scope: &Scope<'_>, refusals: &mut Vec<Refusal>) {
    match statement {
        Statement::Attribute { value, .. } => expression(value, scope, refusals),
        Statement::Block { body, .. } => body.iter().for_each(|inner| values(inner, scope, refusals)),
    }
}

fn expression(value: &Expr, scope: &Scope<'_>, refusals: &mut Vec<Refusal>) {
    if let Some((place, parts)) = value.path() {
        refusals.extend(resolve(place, &parts, scope));
        return;
    }
    match value {
        Expr::Array(items) => items.iter().for_each(|item| expression(item, scope, refusals)),
        Expr::Object(fields) => fields.iter().for_each(|(_, value)| expression(value, scope, refusals)),
        Expr::Unary(inner) | Expr::Access(inner, _) => expression(inner, scope, refusals),
        Expr::Binary(left, right) | Expr::Index(left, right) => {
            expression(left, scope, refusals);
            expression(right, scope, refusals);
        }
        Expr::Call(function, arguments) => {
            expression(function, scope, refusals);
            arguments.iter().for_each(|argument| expression(argument, scope, refusals));
        }
        Expr::Ident(..) | Expr::Text(_) | Expr::Number(_) | Expr::Bool(_) | Expr::Null => {}
    }
}

fn resolve(place: Place, parts: &[&str], scope: &Scope<'_>) -> Option<Refusal> {
    if LIBRARY.contains(&parts[0]) {
        return None;
    }
    if let ["argument", name, "value", ..] = parts
        && scope.arguments.contains(name)
    {
        return None;
    }
    for (id, exports) in &scope.components {
        let Some(rest) = parts.strip_prefix(id.as_slice()) else { continue };
        return match rest.first() {
            Some(export) if !exports.contains(export) => {
                Some(Refusal::new(place, format!("{} does not export \"{export}\"", id.join("."))))
            }
            _ => None,
        };
    }
    Some(Refusal::new(place, format!("component \"{}\" does not exist or is out of scope", parts.join("."))))
}
