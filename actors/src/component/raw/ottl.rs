//! Statements and conditions in a `raw` text of the processors `transform` and `filter`: a collector refuses its whole
//! config for one of them that it cannot read.
//!
//! Source: `config.go` of `transformprocessor` and `filterprocessor` 0.158.0. What is of another shape than they
//! describe, and texts that the host's environment makes up, are left to the collector.

use linkmesh_ottl::{
    Condition, Context, Dialect, Functions, Group, Problem, Statement, infer_context,
    syntax::{condition, statement},
};
use serde_json::Value;

use super::given::Given;
use crate::{component::scalar::in_words, render::alloy::Block};

#[cfg(test)]
mod tests;

/// What a kind of telemetry is called, and its contexts from the nearest to a record on.
const SIGNALS: &[(&str, &[Context])] = &[
    ("log", &[Context::Log, Context::Scope, Context::Resource]),
    ("metric", &[Context::DataPoint, Context::Metric, Context::Scope, Context::Resource]),
    ("trace", &[Context::SpanEvent, Context::Span, Context::Scope, Context::Resource]),
];

/// Sections of the filter, and lists in them, each of one context.
const LISTS: &[(&str, &str, Context)] = &[
    ("logs", "resource", Context::Resource),
    ("logs", "log_record", Context::Log),
    ("metrics", "resource", Context::Resource),
    ("metrics", "metric", Context::Metric),
    ("metrics", "datapoint", Context::DataPoint),
    ("traces", "resource", Context::Resource),
    ("traces", "span", Context::Span),
    ("traces", "spanevent", Context::SpanEvent),
];

/// Looks over the statements and conditions of an otelcol component; what is wrong, each with its place.
pub(super) fn check_yaml(kind: &str, settings: &Value) -> Vec<String> {
    let mut texts = Texts { expands: true, wrong: Vec::new() };
    texts.check(kind, &Given::of_yaml(settings));
    texts.wrong
}

/// Looks over those of an Alloy component.
pub(super) fn check_alloy(block: &Block) -> Vec<String> {
    let mut texts = Texts { expands: false, wrong: Vec::new() };
    let kind = block.name.strip_prefix("otelcol.processor.").unwrap_or_default();
    texts.check(kind, &Given::of_alloy(&block.body));
    texts.wrong
}

/// A statement or a condition.
struct Text {
    place: String,
    /// None when the environment has a part in it.
    text: Option<String>,
}

impl Text {
    fn says(&self, problems: &[Problem]) -> String {
        format!("`{}`: {}", self.place, in_words(problems))
    }

    /// What is wrong with it, read by `read`.
    fn wrong<T>(&self, read: impl Fn(&str) -> Result<T, Vec<Problem>>) -> Option<String> {
        read(self.text.as_ref()?).err().map(|problems| self.says(&problems))
    }

    /// Whether it may name a context that is not known here.
    fn names_others(&self) -> bool {
        let names = |text: &String| ["exemplar.", "profile.", "profilesample."].iter().any(|name| text.contains(name));
        self.text.as_ref().is_none_or(names)
    }
}

/// What stands under a name: a list, or in Alloy as many blocks; each with its place.
fn items<'g, 'v>(name: &str, given: &[&'g Given<'v>]) -> Vec<(String, &'g Given<'v>)> {
    let mut found = Vec::new();
    for (block, given) in given.iter().enumerate() {
        match given {
            Given::List(items) => {
                found.extend(items.iter().enumerate().map(|(at, item)| (format!("{name}[{at}]"), item)));
            }
            given if block == 0 => found.push((name.to_owned(), *given)),
            given => found.push((format!("{name}[{block}]"), *given)),
        }
    }
    found
}

const fn dialect(functions: Functions, context: Context) -> Dialect {
    match functions {
        Functions::Transform => Dialect::transform(context),
        Functions::Filter => Dialect::filter(context),
    }
}

/// The texts of a component.
struct Texts {
    /// Whether `$` has a meaning to the runtime before the text is read.
    expands: bool,
    wrong: Vec<String>,
}

impl Texts {
    fn check(&mut self, kind: &str, settings: &Given<'_>) {
        match kind {
            "transform" => {
                for (signal, contexts) in SIGNALS {
                    let name = format!("{signal}_statements");
                    self.groups(Functions::Transform, contexts, &name, &settings.all(&name));
                    // Alloy has the lists without contexts in a block of their own.
                    for (place, section) in items("statements", &settings.all("statements")) {
                        self.flat(Functions::Transform, contexts, &format!("{place}.{signal}"), &section.all(signal));
                    }
                }
            }
            "filter" => {
                for (signal, contexts) in SIGNALS {
                    let name = format!("{signal}_conditions");
                    self.groups(Functions::Filter, contexts, &name, &settings.all(&name));
                }
                for (section, list, context) in LISTS {
                    for (place, within) in items(section, &settings.all(section)) {
                        for text in self.texts(&format!("{place}.{list}"), &within.all(list)) {
                            self.wrong.extend(text.wrong(|text| Condition::parse(text, Dialect::filter(*context))));
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// The texts of a list; none when it is another.
    fn texts(&self, name: &str, given: &[&Given<'_>]) -> Vec<Text> {
        let text = |(place, item): (String, &Given<'_>)| match item {
            Given::Text(text) => Some(Text { place, text: self.expanded(text) }),
            _ => None,
        };
        items(name, given).into_iter().map(text).collect::<Option<Vec<Text>>>().unwrap_or_default()
    }

    /// A text as the processor gets it; none when a variable stands in it.
    fn expanded(&self, text: &str) -> Option<String> {
        if self.expands {
            (!text.replace("$$", "").contains("${")).then(|| text.replace("$$", "$"))
        } else {
            (!text.contains("${env:")).then(|| text.to_owned())
        }
    }

    /// A list of statements or conditions, or of groups of them.
    fn groups(&mut self, functions: Functions, contexts: &[Context], name: &str, given: &[&Given<'_>]) {
        let found = items(name, given);
        if found.iter().all(|(_, item)| matches!(item, Given::Text(_))) {
            return self.flat(functions, contexts, name, given);
        }
        for (place, group) in found {
            let statements = self.texts(&format!("{place}.statements"), &group.all("statements"));
            let conditions = self.texts(&format!("{place}.conditions"), &group.all("conditions"));
            match group.all("context")[..] {
                [] => self.inferred(functions, contexts, &statements, &conditions),
                [Given::Text(context)] => {
                    let name = context.to_lowercase();
                    match Context::ALL.into_iter().find(|known| known.name() == name) {
                        Some(context) if contexts.contains(&context) => {
                            self.read(&statements, &conditions, dialect(functions, context), Dialect::filter(context));
                        }
                        Some(context) => {
                            self.wrong.push(format!("`{place}.context`: there is no context {context} here"));
                        }
                        // Others, as `exemplar`, are not known here.
                        None => {}
                    }
                }
                _ => {}
            }
        }
    }

    /// A list of statements or conditions whose paths say what they are of.
    fn flat(&mut self, functions: Functions, contexts: &[Context], name: &str, given: &[&Given<'_>]) {
        let texts = self.texts(name, given);
        match functions {
            Functions::Transform => self.inferred(functions, contexts, &texts, &[]),
            Functions::Filter => self.inferred(functions, contexts, &[], &texts),
        }
    }

    /// A group that names no context. A text that is no OTTL is told, and the others are read without it.
    fn inferred(&mut self, functions: Functions, contexts: &[Context], statements: &[Text], conditions: &[Text]) {
        let mut readable = |texts: &[Text], read: fn(&str) -> Result<(), Vec<Problem>>| {
            let (mut readable, mut at) = (Vec::new(), Vec::new());
            for (index, text) in texts.iter().enumerate() {
                match (text.wrong(read), &text.text) {
                    (Some(wrong), _) => self.wrong.push(wrong),
                    (None, Some(content)) => {
                        readable.push(content.clone());
                        at.push(index);
                    }
                    (None, None) => {}
                }
            }
            (readable, at)
        };
        let (of_statements, statements_at) = readable(statements, |text| statement(text).map(drop));
        let (of_conditions, conditions_at) = readable(conditions, |text| condition(text).map(drop));
        let left = || {
            let statements = statements_at.iter().filter_map(|at| statements.get(*at));
            statements.chain(conditions_at.iter().filter_map(|at| conditions.get(*at)))
        };
        // With a text that is not seen, or a context that is not known here, it cannot be found out.
        if left().next().is_none() || statements.iter().chain(conditions).any(Text::names_others) {
            return;
        }
        let group = Group { statements: &of_statements, conditions: &of_conditions };
        match infer_context(group, functions, contexts) {
            Ok(context) => {
                let of_statements = dialect(functions, context).prefixed();
                let wrong = left().enumerate().filter_map(|(at, text)| match at < statements_at.len() {
                    true => text.wrong(|text| Statement::parse(text, of_statements)),
                    false => text.wrong(|text| Condition::parse(text, Dialect::filter(context).prefixed())),
                });
                self.wrong.extend(wrong);
            }
            Err((at, problems)) => self.wrong.extend(left().nth(at).map(|text| text.says(&problems))),
        }
    }

    fn read(&mut self, statements: &[Text], conditions: &[Text], of_statements: Dialect, of_conditions: Dialect) {
        let statements = statements.iter().filter_map(|text| text.wrong(|text| Statement::parse(text, of_statements)));
        let conditions = conditions.iter().filter_map(|text| text.wrong(|text| Condition::parse(text, of_conditions)));
        self.wrong.extend(conditions.chain(statements));
    }
}
