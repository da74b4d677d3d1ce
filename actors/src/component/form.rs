//! Writing the schema of a component's settings: fields in the order in which the form shows them.

use serde_json::{Map, Value, json};

/// A field of a form.
#[derive(Debug, Clone)]
pub struct Field {
    schema: Map<String, Value>,
    is_required: bool,
}

/// The schema of settings: a mapping of these fields and no others.
#[must_use]
pub fn form<const N: usize>(fields: [(&str, Field); N]) -> Value {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.extend(mapping(fields));
    Value::Object(schema)
}

/// The schema of settings of which at least one is given.
#[must_use]
pub fn any_of<const N: usize>(fields: [(&str, Field); N]) -> Value {
    let mut schema = form(fields);
    if let Some(words) = schema.as_object_mut() {
        words.insert("minProperties".to_owned(), Value::from(1));
    }
    schema
}

fn mapping<const N: usize>(fields: [(&str, Field); N]) -> Map<String, Value> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (order, (name, mut field)) in (1..).zip(fields) {
        field.schema.insert("x-order".to_owned(), Value::from(order));
        if field.is_required {
            required.push(name);
        }
        properties.insert(name.to_owned(), Value::Object(field.schema));
    }
    let mut schema =
        Map::from_iter([("type".to_owned(), json!("object")), ("additionalProperties".to_owned(), Value::Bool(false))]);
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema.insert("properties".to_owned(), Value::Object(properties));
    schema
}

/// One line of text.
#[must_use]
pub fn text(title: &str) -> Field {
    Field::new("string", title).with("minLength", 1).with("maxLength", 1024)
}

/// One of some words.
#[must_use]
pub fn choice(title: &str, words: &[&str]) -> Field {
    Field::new("string", title).with("enum", json!(words))
}

/// Yes or no.
#[must_use]
pub fn flag(title: &str) -> Field {
    Field::new("boolean", title)
}

/// A whole number.
#[must_use]
pub fn integer(title: &str, least: i64, most: i64) -> Field {
    Field::new("integer", title).with("minimum", least).with("maximum", most)
}

/// A number.
#[must_use]
pub fn number(title: &str, least: f64, most: f64) -> Field {
    Field::new("number", title).with("minimum", least).with("maximum", most)
}

/// A duration as Go writes it.
#[must_use]
pub fn duration(title: &str) -> Field {
    text(title).most(32).check("duration").unit("duration")
}

/// A size: `20MiB`.
#[must_use]
pub fn size(title: &str) -> Field {
    text(title).most(32).check("size").unit("size")
}

/// A regular expression of RE2.
#[must_use]
pub fn regex(title: &str) -> Field {
    text(title).most(4096).check("regex").widget("code")
}

/// The key of an attribute.
#[must_use]
pub fn attribute_key(title: &str) -> Field {
    text(title).most(256).check("attribute_key")
}

/// A file on the collector's host.
#[must_use]
pub fn file(title: &str) -> Field {
    text(title).check("file")
}

/// A secret: `${env:NAME}`, or a value that is sealed and never shown again.
#[must_use]
pub fn secret(title: &str) -> Field {
    Field::new("string", title).with("x-secret", true).with("maxLength", 8192)
}

/// A list.
#[must_use]
pub fn list(title: &str, item: Field) -> Field {
    let mut schema = item.schema;
    schema.remove("title");
    Field::new("array", title).with("items", Value::Object(schema)).with("x-widget", "list").with("maxItems", 200)
}

/// A list of some words, each at most once.
#[must_use]
pub fn choices(title: &str, words: &[&str]) -> Field {
    list(title, choice("", words)).with("uniqueItems", true)
}

/// Keys and values.
#[must_use]
pub fn map(title: &str, key: Field, value: Field) -> Field {
    let (mut key, mut value) = (key.schema, value.schema);
    key.remove("title");
    value.remove("title");
    Field::new("object", title)
        .with("propertyNames", Value::Object(key))
        .with("additionalProperties", Value::Object(value))
        .with("x-widget", "map")
}

/// Fields that belong together.
#[must_use]
pub fn group<const N: usize>(title: &str, fields: [(&str, Field); N]) -> Field {
    let mut field = Field { schema: mapping(fields), is_required: false };
    if !title.is_empty() {
        field.schema.insert("title".to_owned(), json!(title));
    }
    field
}

impl Field {
    fn new(kind: &str, title: &str) -> Self {
        let mut schema = Map::from_iter([("type".to_owned(), json!(kind))]);
        if !title.is_empty() {
            schema.insert("title".to_owned(), json!(title));
        }
        Self { schema, is_required: false }
    }

    /// A word of JSON Schema.
    #[must_use]
    pub fn with(mut self, word: &str, value: impl Into<Value>) -> Self {
        self.schema.insert(word.to_owned(), value.into());
        self
    }

    /// It must be given.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    /// What holds when it is not given.
    #[must_use]
    pub fn default(self, value: impl Into<Value>) -> Self {
        self.with("default", value)
    }

    /// What it means, in an operator's words.
    #[must_use]
    pub fn help(self, help: &str) -> Self {
        self.with("description", help)
    }

    /// A value to begin with.
    #[must_use]
    pub fn example(self, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.with("examples", json!([value]))
    }

    /// A check of [`scalar`](super::scalar), by the name that [`schema`](super::schema) has for it.
    #[must_use]
    pub fn check(self, name: &str) -> Self {
        self.with("x-check", name)
    }

    /// The unit that the form shows.
    #[must_use]
    pub fn unit(self, unit: &str) -> Self {
        self.with("x-unit", unit)
    }

    /// How the form asks for it: `list`, `map`, `text` (several lines), `code`.
    #[must_use]
    pub fn widget(self, widget: &str) -> Self {
        self.with("x-widget", widget)
    }

    /// At most this many characters.
    #[must_use]
    pub fn most(self, characters: u64) -> Self {
        self.with("maxLength", characters)
    }

    /// At least this many items.
    #[must_use]
    pub fn at_least(self, items: u64) -> Self {
        self.with("minItems", items)
    }

    /// At most this many items.
    #[must_use]
    pub fn at_most(self, items: u64) -> Self {
        self.with("maxItems", items)
    }
}
