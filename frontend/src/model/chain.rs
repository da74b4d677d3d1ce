//! The pipeline as the editor works on it: cards in lanes, the chosen card, and what may be done with them.

use linkmesh_proto::{
    Slug,
    api::{
        catalogue::{CatalogueEntry, Role},
        pipeline::{ConditionalDestination, DestinationRef, PipelineDocument, Step},
    },
};
use serde_json::Value;

use super::{format, problems, schema};

/// What the form beside the chain shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// The pipeline itself: name, kinds of telemetry, matchers.
    Pipeline,
    /// A step of a lane.
    Step(Lane, usize),
    /// A destination, by its place among those of the pipeline.
    Destination(usize),
}

/// A lane of steps that belong to the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Where records come from.
    Sources,
    /// What decides whether a record goes on.
    Filters,
    /// What changes records.
    Processors,
}

impl Lane {
    /// The lanes in the order in which records pass them.
    pub const ALL: [Self; 3] = [Self::Sources, Self::Filters, Self::Processors];

    /// The lane's name in documents and problems.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Sources => "sources",
            Self::Filters => "filters",
            Self::Processors => "processors",
        }
    }

    /// The lane's title.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Sources => "Sources",
            Self::Filters => "Stream filters",
            Self::Processors => "Processors",
        }
    }

    /// The kind of component that belongs into it.
    #[must_use]
    pub const fn role(self) -> Role {
        match self {
            Self::Sources => Role::Source,
            Self::Filters => Role::Filter,
            Self::Processors => Role::Processor,
        }
    }

    /// The lane's steps.
    #[must_use]
    pub fn steps(self, document: &PipelineDocument) -> &Vec<Step> {
        match self {
            Self::Sources => &document.sources,
            Self::Filters => &document.filters,
            Self::Processors => &document.processors,
        }
    }

    /// The lane's steps, to change them.
    pub fn steps_mut(self, document: &mut PipelineDocument) -> &mut Vec<Step> {
        match self {
            Self::Sources => &mut document.sources,
            Self::Filters => &mut document.filters,
            Self::Processors => &mut document.processors,
        }
    }

    /// The path of a step.
    #[must_use]
    pub fn path(self, index: usize) -> String {
        problems::item(self.key(), index)
    }
}

/// Adds a step of a kind, and returns its place. It begins with settings that work, or with none where only its author
/// can know them.
pub fn add(document: &mut PipelineDocument, lane: Lane, entry: &CatalogueEntry) -> usize {
    let id = free_id(document, &entry.kind);
    let settings = schema::starting(entry);
    let steps = lane.steps_mut(document);
    steps.push(Step { id, kind: entry.kind.clone(), name: None, settings });
    steps.len() - 1
}

/// An id for a step of this kind that the pipeline does not have yet: `severity`, `severity-2`.
#[must_use]
pub fn free_id(document: &PipelineDocument, kind: &str) -> Slug {
    let taken = |id: &Slug| Lane::ALL.iter().any(|lane| lane.steps(document).iter().any(|step| step.id == *id));
    let stem = Slug::from_name(kind).map_or_else(|| "step".to_owned(), |slug| slug.to_string());
    let mut number = 1_u32;
    loop {
        let text =
            if number == 1 { stem.clone() } else { format!("{}-{number}", stem.chars().take(50).collect::<String>()) };
        match text.parse() {
            Ok(id) if !taken(&id) => return id,
            _ => number += 1,
        }
    }
}

/// Moves a step up or down within its lane and returns its new place.
pub fn shift(document: &mut PipelineDocument, lane: Lane, index: usize, down: bool) -> usize {
    let steps = lane.steps_mut(document);
    let other = if down { index + 1 } else { index.wrapping_sub(1) };
    if index < steps.len() && other < steps.len() {
        steps.swap(index, other);
        other
    } else {
        index
    }
}

/// Removes a step and says what to show then: its neighbour, or the pipeline.
pub fn remove(document: &mut PipelineDocument, lane: Lane, index: usize) -> Chosen {
    let steps = lane.steps_mut(document);
    if index < steps.len() {
        steps.remove(index);
    }
    match steps.len() {
        0 => Chosen::Pipeline,
        left => Chosen::Step(lane, index.min(left - 1)),
    }
}

/// The place to which a problem leads.
#[must_use]
pub fn place_of(field: &str) -> Chosen {
    let index_in =
        |list: &str| -> Option<usize> { field.strip_prefix(list)?.strip_prefix('[')?.split(']').next()?.parse().ok() };
    let step = Lane::ALL.into_iter().find_map(|lane| Some(Chosen::Step(lane, index_in(lane.key())?)));
    step.or_else(|| Some(Chosen::Destination(index_in("destinations")?))).unwrap_or(Chosen::Pipeline)
}

/// What a card says of its step: the kind's title and the settings that matter, in words.
#[must_use]
pub fn describe(step: &Step, title: &str) -> String {
    let words = summary(&step.settings);
    let named = step.name.is_some();
    match (named, words.is_empty()) {
        (true, true) => title.to_owned(),
        (true, false) => format!("{title} · {words}"),
        (false, false) => words,
        (false, true) => "default settings".to_owned(),
    }
}

/// The name on a card.
#[must_use]
pub fn card_name(step: &Step, title: &str) -> String {
    step.name.clone().filter(|name| !name.trim().is_empty()).unwrap_or_else(|| title.to_owned())
}

/// A few words of settings: the first values, short.
#[must_use]
pub fn summary(settings: &serde_json::Map<String, Value>) -> String {
    let mut parts = Vec::new();
    for (key, value) in settings {
        let key = key.replace('_', " ");
        let text = match value {
            Value::Null => continue,
            Value::String(text) if text.is_empty() => continue,
            Value::String(text) if text.contains('\n') => format!("{key}, {} lines", text.lines().count()),
            Value::String(text) => format!("{key} {text}"),
            Value::Number(number) => format!("{key} {number}"),
            Value::Bool(true) => key,
            Value::Bool(false) => format!("no {key}"),
            Value::Array(list) => match listed(list) {
                Some(text) => text,
                None => continue,
            },
            Value::Object(map) if map.contains_key("sealed") => format!("{key} sealed"),
            Value::Object(map) => match map.get("endpoint").and_then(Value::as_str) {
                Some(endpoint) => format!("{key} {endpoint}"),
                None => key,
            },
        };
        parts.push(text);
        if parts.len() == 3 {
            break;
        }
    }
    let text = parts.join(", ");
    format::at_most(&text, 90)
}

fn listed(list: &[Value]) -> Option<String> {
    let words: Vec<String> = list
        .iter()
        .map(|value| match value {
            Value::String(text) => text.clone(),
            Value::Object(map) => map.values().filter_map(Value::as_str).take(2).collect::<Vec<_>>().join(" "),
            other => other.to_string(),
        })
        .collect();
    match words.len() {
        0 => None,
        1..=3 => Some(words.join(", ")),
        n => Some(format!("{}, {} and {} more", words.first()?, words.get(1)?, n - 2)),
    }
}

/// Whether a pipeline sends to this destination.
#[must_use]
pub fn sends_to(document: &PipelineDocument, id: &linkmesh_proto::DestinationId) -> bool {
    document.destinations.iter().any(|reference| reference.id() == id)
}

/// Adds a destination, or takes it away.
pub fn toggle_destination(document: &mut PipelineDocument, id: &linkmesh_proto::DestinationId) {
    if sends_to(document, id) {
        document.destinations.retain(|reference| reference.id() != id);
    } else {
        document.destinations.push(DestinationRef::Id(id.clone()));
    }
}

/// The condition on what goes to a destination of the pipeline; empty when everything does.
#[must_use]
pub fn condition(document: &PipelineDocument, index: usize) -> &str {
    document.destinations.get(index).and_then(DestinationRef::when).unwrap_or_default()
}

/// Lets only those records through to a destination on which a condition holds; an empty one lets everything through.
pub fn set_condition(document: &mut PipelineDocument, index: usize, when: &str) {
    if let Some(reference) = document.destinations.get_mut(index) {
        let id = reference.id().clone();
        *reference = if when.trim().is_empty() {
            DestinationRef::Id(id)
        } else {
            DestinationRef::When(ConditionalDestination { id, when: when.to_owned() })
        };
    }
}

/// A pipeline to begin with.
#[must_use]
pub fn blank() -> PipelineDocument {
    PipelineDocument {
        version: 1,
        name: String::new(),
        description: String::new(),
        enabled: true,
        signals: Vec::new(),
        matchers: Vec::new(),
        sources: Vec::new(),
        filters: Vec::new(),
        processors: Vec::new(),
        destinations: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
