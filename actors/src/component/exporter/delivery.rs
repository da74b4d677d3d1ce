//! What happens to a batch until the backend has it: queue and retries (`exporterhelper`, `configretry`).

use serde::Deserialize;

use super::{Extension, Fields};
use crate::{
    component::{AlloyPart, OtelcolPart, scalar},
    render::{
        alloy::{Block, Expr, Statement, attribute, block},
        names,
        yaml::Yaml,
    },
};

/// How many batches are sent at a time.
const CONSUMERS: i64 = 10;

/// The first distance between two attempts, and the largest, in seconds: upstream's defaults.
const INTERVALS_S: [(&str, u64); 2] = [("initial_interval", 5), ("max_interval", 30)];

/// Distances between attempts that are larger than the time for all of them, by upstream's defaults: the collector
/// refuses to start with such.
fn intervals(retry_for: &str) -> Vec<&'static str> {
    let limit = scalar::duration_ns(retry_for).unwrap_or_default();
    let is_larger = |seconds: u64| limit > 0 && seconds * 1_000_000_000 > limit;
    INTERVALS_S.into_iter().filter(|(_, seconds)| is_larger(*seconds)).map(|(name, _)| name).collect()
}

/// `retry_on_failure` of an otelcol config.
#[must_use]
pub fn otelcol_retry(retry_for: &str) -> Yaml {
    let fields = intervals(retry_for).into_iter().chain(["max_elapsed_time"]);
    Yaml::Map(fields.map(|name| (name.to_owned(), Yaml::text(retry_for))).collect())
}

/// Queue and retries.
#[derive(Debug, Deserialize)]
pub struct Delivery {
    queue_size: i64,
    queue_on_disk: bool,
    retry_for: String,
}

impl Delivery {
    /// How long a batch is tried; `0s` is for ever.
    #[must_use]
    pub fn retry_for(&self) -> &str {
        &self.retry_for
    }

    /// `sending_queue` of an otelcol config.
    #[must_use]
    pub fn otelcol_queue(&self) -> Yaml {
        let mut fields = vec![
            ("queue_size".to_owned(), Yaml::Int(self.queue_size)),
            ("num_consumers".to_owned(), Yaml::Int(CONSUMERS)),
        ];
        if self.queue_on_disk {
            fields.push(("storage".to_owned(), Yaml::word(names::STORAGE)));
        }
        Yaml::Map(fields)
    }

    /// An exporter with these settings, queue and retries behind them, and an extension that they refer to.
    #[must_use]
    pub fn otelcol(&self, kind: &str, mut config: Fields, extension: Option<Extension>) -> OtelcolPart {
        config.push(("sending_queue".to_owned(), self.otelcol_queue()));
        config.push(("retry_on_failure".to_owned(), otelcol_retry(&self.retry_for)));
        self.part(kind, config, extension)
    }

    /// An exporter with these settings as they are.
    #[must_use]
    pub fn part(&self, kind: &str, config: Fields, extension: Option<Extension>) -> OtelcolPart {
        let mut part = OtelcolPart::new(kind, Yaml::Map(config));
        part.extensions.extend(extension);
        part.storage = self.queue_on_disk;
        part
    }

    /// The block `sending_queue` of Alloy and the storage that it refers to.
    #[must_use]
    pub fn alloy_queue(&self, label: &str) -> (Statement, Option<Block>) {
        let mut fields = vec![
            attribute("queue_size", Expr::token(self.queue_size)),
            attribute("num_consumers", Expr::token(CONSUMERS)),
        ];
        let storage = self.queue_on_disk.then(|| {
            let storage = Block::labelled("otelcol.storage.file", label, Vec::new());
            fields.push(attribute("storage", Expr::token(storage.reference("handler"))));
            storage
        });
        (block("sending_queue", fields), storage)
    }

    /// The block `retry_on_failure` of Alloy.
    #[must_use]
    pub fn alloy_retry(&self) -> Statement {
        let mut fields: Vec<Statement> = intervals(&self.retry_for)
            .into_iter()
            .map(|name| attribute(name, Expr::text(self.retry_for.as_str())))
            .collect();
        fields.push(attribute("max_elapsed_time", Expr::text(self.retry_for.as_str())));
        block("retry_on_failure", fields)
    }

    /// A component with this body, queue and retries behind it, and a component that it refers to.
    #[must_use]
    pub fn alloy(&self, name: &str, label: &str, mut body: Vec<Statement>, referred: Option<Block>) -> AlloyPart {
        let (queue, storage) = self.alloy_queue(label);
        body.push(queue);
        body.push(self.alloy_retry());
        behind(Block::labelled(name, label, body), referred.into_iter().chain(storage))
    }
}

/// A component that takes records, behind those that it refers to.
#[must_use]
pub fn behind(exporter: Block, referred: impl IntoIterator<Item = Block>) -> AlloyPart {
    let input = Some(exporter.reference("input"));
    AlloyPart { blocks: referred.into_iter().chain([exporter]).collect(), input }
}
