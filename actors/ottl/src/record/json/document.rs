//! Whole documents: which kind of records they hold.

use serde::de::{DeserializeSeed as _, MapAccess};

use super::read::{Fields, Message, Reader, Source};
use super::{Limits, ReadError, Record};
use crate::record::{LogRecord, Metric, Resourced, Span, Telemetry};

/// Reads documents one after another.
pub(super) fn read_text(text: &[u8], limits: &Limits) -> Result<Telemetry, ReadError> {
    let whole = |message: String| ReadError { path: String::new(), message, position: None };
    if text.len() > limits.bytes {
        return Err(whole(format!("the text is longer than {} bytes", limits.bytes)));
    }
    let mut reader = Reader::new(limits);
    let mut found = Document::default();
    let mut json = serde_json::Deserializer::from_slice(text);
    // What recurses here is bounded by the schema and by the limit of depth; unknown fields are skipped without recursion.
    json.disable_recursion_limit();
    // `end` fails as long as there is something to read.
    while json.end().is_err() {
        found.begin();
        Message { into: &mut found, reader: &mut reader }
            .deserialize(&mut json)
            .map_err(|error| reader.error(&error))?;
        found.check().map_err(whole)?;
    }
    found.telemetry.ok_or_else(|| whole("the text is empty".to_owned()))
}

/// Reads a document that is parsed.
pub(super) fn read_value(document: &serde_json::Value, limits: &Limits) -> Result<Telemetry, ReadError> {
    let mut reader = Reader::new(limits);
    let mut found = Document::default();
    Message { into: &mut found, reader: &mut reader }.deserialize(document).map_err(|error| reader.error(&error))?;
    let whole = |message| ReadError { path: String::new(), message, position: None };
    found.check().map_err(whole)?;
    found.telemetry.ok_or_else(|| whole(NO_KIND.to_owned()))
}

const NO_KIND: &str = "needs one of resourceLogs, resourceMetrics and resourceSpans";

/// A document, or what several hold together.
#[derive(Debug, Default)]
struct Document {
    telemetry: Option<Telemetry>,
    /// Whether the document at hand has named its kind.
    named: bool,
    /// Another kind, of which OTLP/JSON has a form, that is not among the records here.
    other: Option<&'static str>,
}

impl Document {
    fn begin(&mut self) {
        self.named = false;
    }

    fn check(&self) -> Result<(), String> {
        match (self.named, self.other) {
            (true, _) => Ok(()),
            (false, Some(other)) => Err(format!("{other} are not supported; {NO_KIND}")),
            (false, None) => Err(NO_KIND.to_owned()),
        }
    }

    /// Reads resources of a kind.
    fn resources<'de, T, A>(
        &mut self,
        from: &mut Source<'_, A>,
        wrap: fn(Vec<Resourced<T>>) -> Telemetry,
        known: fn(&mut Telemetry) -> Option<&mut Vec<Resourced<T>>>,
    ) -> Result<(), A::Error>
    where
        A: MapAccess<'de>,
        T: Record + Default,
        Resourced<T>: Fields + Default,
    {
        let mut resources = Vec::new();
        if !from.list(&mut resources)? {
            return Ok(());
        }
        self.named = true;
        match &mut self.telemetry {
            None => self.telemetry = Some(wrap(resources)),
            Some(telemetry) => match known(telemetry) {
                Some(others) => others.append(&mut resources),
                None => {
                    return Err(from.wrong(&format!("the text began with {}; one kind at a time", telemetry.signal())));
                }
            },
        }
        Ok(())
    }
}

impl Fields for Document {
    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Source<'_, A>) -> Result<(), A::Error> {
        match name {
            LogRecord::RESOURCES => self.resources::<LogRecord, A>(from, Telemetry::Logs, |known| match known {
                Telemetry::Logs(known) => Some(known),
                _ => None,
            }),
            Metric::RESOURCES => self.resources::<Metric, A>(from, Telemetry::Metrics, |known| match known {
                Telemetry::Metrics(known) => Some(known),
                _ => None,
            }),
            Span::RESOURCES => self.resources::<Span, A>(from, Telemetry::Traces, |known| match known {
                Telemetry::Traces(known) => Some(known),
                _ => None,
            }),
            "resourceProfiles" => {
                self.other = Some("profiles");
                from.skip()
            }
            _ => from.skip(),
        }
    }
}
