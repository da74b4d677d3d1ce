//! What a collector's own config becomes, before anything of it is saved.

use linkmesh_proto::api::{collector::Runtime, pipeline::LeftOver, problem::FieldProblem};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The answer to an import. Of its documents the page needs names and texts and sends them on as they are: what would read
/// them whole is no part of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Import {
    pipelines: Vec<Map<String, Value>>,
    destinations: Vec<Map<String, Value>>,
    /// What is not in them, only as a raw text, or not quite the same; the gravest first.
    pub left_over: Vec<LeftOver>,
    /// Why the text cannot be read.
    pub errors: Vec<FieldProblem>,
}

impl Import {
    /// Where the parts stand that a pipeline is made without.
    pub fn lacking<'i>(&'i self, item: &'i Item) -> impl Iterator<Item = &'i str> {
        let of_item = move |left: &&LeftOver| left.pipelines.iter().any(|id| id.as_str() == item.first_id());
        let left = self.left_over.iter().filter(move |_| item.path != DESTINATIONS);
        left.filter(of_item).map(|left| left.path.as_str())
    }
}

/// Something that would be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Where it is saved, and where it is looked at then.
    pub path: &'static str,
    /// What it is, in a word.
    pub what: &'static str,
    /// The id that it would get. What refers to it refers to its first one, see [`to_send`].
    pub id: String,
    /// The document with its first id.
    body: Map<String, Value>,
}

impl Item {
    /// The name shown to people.
    #[must_use]
    pub fn name(&self) -> &str {
        self.body.get("name").and_then(Value::as_str).unwrap_or(&self.id)
    }

    /// The id that the import gave it.
    fn first_id(&self) -> &str {
        self.body.get("id").and_then(Value::as_str).unwrap_or_default()
    }

    /// The first ids of the destinations that it sends to.
    fn sends_to(&self) -> impl Iterator<Item = &str> {
        let list = self.body.get("destinations").and_then(Value::as_array).into_iter().flatten();
        list.filter_map(|reference| reference.as_str().or_else(|| reference.get("id")?.as_str()))
    }
}

/// An item with the ids that it and what it sends to have now: what is sent.
#[must_use]
pub fn to_send(items: &[Item], index: usize) -> Map<String, Value> {
    let Some(item) = items.get(index) else { return Map::new() };
    let mut body = item.body.clone();
    body.insert("id".to_owned(), item.id.clone().into());
    for reference in body.get_mut("destinations").and_then(Value::as_array_mut).into_iter().flatten() {
        let id = if reference.is_string() { Some(reference) } else { reference.get_mut("id") };
        let Some(id) = id else { continue };
        let now = items.iter().find(|other| other.path == DESTINATIONS && id.as_str() == Some(other.first_id()));
        if let Some(now) = now {
            *id = now.id.clone().into();
        }
    }
    body
}

/// The same without its own id: the document as it would stand in its file.
#[must_use]
pub fn document(items: &[Item], index: usize) -> Value {
    let mut body = to_send(items, index);
    body.shift_remove("id");
    Value::Object(body)
}

/// Where destinations are saved.
pub const DESTINATIONS: &str = "/destinations";

impl Import {
    /// All that would be made, in the order in which it can be: what is sent to before what sends.
    #[must_use]
    pub fn items(&self) -> Vec<Item> {
        let item = |path, what, body: &Map<String, Value>| {
            let id = body.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
            Item { path, what, id, body: body.clone() }
        };
        let destinations = self.destinations.iter().map(|body| item(DESTINATIONS, "Destination", body));
        destinations.chain(self.pipelines.iter().map(|body| item("/pipelines", "Pipeline", body))).collect()
    }
}

/// What is made when one of these is saved, in order: the destinations that it sends to first.
#[must_use]
pub fn with_needed(items: &[Item], index: usize) -> Vec<usize> {
    let Some(item) = items.get(index) else { return Vec::new() };
    let needed = |other: &Item| other.path == DESTINATIONS && item.sends_to().any(|id| id == other.first_id());
    let mut all: Vec<usize> = (0..items.len()).filter(|at| items.get(*at).is_some_and(needed)).collect();
    all.push(index);
    all
}

/// What was saved: where, and as it was sent.
pub type Sent = (&'static str, Map<String, Value>);

/// Finds what was saved before in another reading of the same: it has other ids and names there, since those are taken. What
/// is found has them back. Says for each item whether it is.
pub fn find_again(items: &mut [Item], mut saved: Vec<Sent>) -> Vec<bool> {
    let content = |mut body: Map<String, Value>| {
        body.shift_remove("id");
        body.shift_remove("name");
        body
    };
    let count = items.len();
    let mut find = |index| {
        let own = content(to_send(items, index));
        let item = items.get_mut(index)?;
        let is_same = |(path, body): &Sent| *path == item.path && content(body.clone()) == own;
        let (_, body) = saved.remove(saved.iter().position(is_same)?);
        item.id = body.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        item.body.insert("name".to_owned(), body.get("name").cloned().unwrap_or_default());
        Some(())
    };
    (0..count).map(|index| find(index).is_some()).collect()
}

/// The program that a file is of, by its name.
#[must_use]
pub fn runtime_of(file: &str) -> Option<Runtime> {
    match file.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
        "alloy" | "river" => Some(Runtime::Alloy),
        "yaml" | "yml" => Some(Runtime::Otelcol),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use linkmesh_proto::api::{
        destination::{DestinationDocument, NewDestination},
        pipeline::{self, ConditionalDestination, DestinationRef, LeftOverKind, NewPipeline},
    };
    use serde_json::json;

    use super::*;
    use crate::model::chain;

    fn import() -> Import {
        let destination = |id: &str| NewDestination {
            id: Some(id.parse().unwrap()),
            document: DestinationDocument {
                version: 1,
                name: id.to_uppercase(),
                description: String::new(),
                kind: "debug".to_owned(),
                settings: Map::new(),
            },
        };
        let pipeline = |id: &str, destinations: Vec<DestinationRef>| NewPipeline {
            id: Some(id.parse().unwrap()),
            document: pipeline::PipelineDocument { destinations, ..chain::blank() },
        };
        let when = ConditionalDestination { id: "b".parse().unwrap(), when: "true".to_owned() };
        let answer = pipeline::Import {
            pipelines: vec![
                pipeline("one", vec![DestinationRef::Id("a".parse().unwrap())]),
                pipeline("two", vec![DestinationRef::When(when), DestinationRef::Id("elsewhere".parse().unwrap())]),
            ],
            destinations: vec![destination("a"), destination("b")],
            left_over: vec![LeftOver {
                kind: LeftOverKind::Missing,
                path: "p".to_owned(),
                text: "t".to_owned(),
                reason: "r".to_owned(),
                pipelines: vec!["two".parse().unwrap()],
            }],
            errors: Vec::new(),
        };
        serde_json::from_str(&serde_json::to_string(&answer).unwrap()).unwrap()
    }

    #[test]
    fn what_the_server_answers_is_shown_with_destinations_first() {
        let import = import();
        let items = import.items();
        let shown: Vec<_> = items.iter().map(|item| (item.what, item.id.as_str(), item.name())).collect();
        let lacking: Vec<Vec<&str>> = items.iter().map(|item| import.lacking(item).collect()).collect();
        assert_eq!(lacking, [vec![], vec![], vec![], vec!["p"]]);
        assert_eq!(
            shown,
            [("Destination", "a", "A"), ("Destination", "b", "B"), ("Pipeline", "one", ""), ("Pipeline", "two", "")]
        );
        assert_eq!(document(&items, 0), json!({"version": 1, "name": "A", "kind": "debug", "settings": {}}));
        assert_eq!(to_send(&items, 0)["id"], "a");
        assert_eq!(import.left_over.len(), 1);
    }

    #[test]
    fn pipeline_is_made_after_the_destinations_that_it_sends_to_and_no_others() {
        let items = import().items();
        assert_eq!([with_needed(&items, 2), with_needed(&items, 3)], [vec![0, 2], vec![1, 3]]);
        assert_eq!([with_needed(&items, 1), with_needed(&items, 9)], [vec![1], vec![]]);
    }

    #[test]
    fn another_id_is_told_to_what_sends_there() {
        let mut items = import().items();
        items[0].id = "b".to_owned();
        items[1].id = "c".to_owned();
        items[2].id = "three".to_owned();
        assert_eq!([to_send(&items, 0)["id"].clone(), to_send(&items, 2)["id"].clone()], ["b", "three"]);
        assert_eq!(document(&items, 2)["destinations"], json!(["b"]));
        assert_eq!(document(&items, 3)["destinations"], json!([{"id": "c", "when": "true"}, "elsewhere"]));
        assert_eq!([with_needed(&items, 2), with_needed(&items, 3)], [vec![0, 2], vec![1, 3]]);
        assert_eq!(to_send(&items, 9), Map::new());
    }

    #[test]
    fn what_was_saved_is_found_again_under_other_ids_and_offered_once() {
        let reading = || {
            let mut items = import().items();
            items[1].body["kind"] = "otlp_http".into();
            items
        };
        let mut first = reading();
        first[1].id = "mine".to_owned();
        let saved: Vec<Sent> = [1, 3].map(|index| (first[index].path, to_send(&first, index))).to_vec();
        // Now those ids are taken.
        let mut second = reading();
        for (index, id) in [(1, "b-2"), (3, "two-2")] {
            second[index].body.insert("id".to_owned(), id.into());
            second[index].body.insert("name".to_owned(), id.into());
            id.clone_into(&mut second[index].id);
        }
        second[3].body["destinations"][0]["id"] = "b-2".into();
        let twice = second[3].clone();
        second.push(twice);
        assert_eq!(find_again(&mut second, saved), [false, true, false, true, false]);
        assert_eq!((second[1].id.as_str(), second[1].name()), ("mine", "B"));
        assert_eq!((second[3].id.as_str(), second[3].name()), ("two", ""));
        assert_eq!(document(&second, 4)["destinations"][0]["id"], "mine", "what is left sends to what was saved");
    }

    #[test]
    fn files_are_known_by_their_endings() {
        assert_eq!(runtime_of("/etc/alloy/config.alloy"), Some(Runtime::Alloy));
        assert_eq!(runtime_of("Config.YAML"), Some(Runtime::Otelcol));
        assert_eq!([runtime_of("config"), runtime_of("config.txt")], [None, None]);
    }
}
