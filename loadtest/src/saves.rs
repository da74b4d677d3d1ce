//! Durable saves into a repository that holds many pipelines.

use std::time::Instant;

use anyhow::Context;
use futures_util::{StreamExt, stream};
use hdrhistogram::Histogram;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    args::Args,
    disk::Disk,
    report::{LONGEST_US, Quantiles},
    server::Server,
};

/// Saves that are under way at one time when many are.
const AT_ONCE: usize = 32;

/// What the part about saves found.
#[derive(Debug, Serialize)]
pub(crate) struct Saves {
    pub(crate) pipelines: usize,
    /// On memory nothing is durable, and a sync costs nothing; null for a server that was given.
    pub(crate) disk: Option<Disk>,
    pub(crate) fill_s: f64,
    pub(crate) saves: usize,
    /// One after the other.
    pub(crate) alone_ms: Quantiles,
    /// Many at once.
    pub(crate) at_once: usize,
    pub(crate) at_once_per_s: f64,
    pub(crate) at_once_ms: Quantiles,
}

/// A draft: it matches nothing, so that a save costs what a save costs and nothing is pushed.
fn draft(index: usize, build: usize) -> Value {
    json!({
        "version": 1,
        "name": format!("Draft {index}"),
        "description": format!("build {build}"),
        "enabled": true,
        "signals": ["logs"],
        "match": [],
        "sources": [{"id": "otlp", "kind": "otlp", "settings": {"http": {"endpoint": "127.0.0.1:4318"}}}],
        "processors": [{"id": "tag", "kind": "attributes",
            "settings": {"actions": [{"action": "set", "key": "build", "value": format!("b{build}")}]}}],
        "destinations": ["saves-sink"],
    })
}

fn path(index: usize) -> String {
    format!("/pipelines/draft-{index:05}")
}

/// Runs the whole part.
pub(crate) async fn measure(args: &Args, server: &Server) -> anyhow::Result<Saves> {
    let (rest, pipelines) = (&server.rest, args.pipelines.get());
    let sink = json!({"id": "saves-sink", "name": "Sink", "kind": "debug", "settings": {}});
    rest.post("/destinations", &sink).await?;
    let began = Instant::now();
    stream::iter(0..pipelines)
        .map(|index| async move {
            let mut document = draft(index, 0);
            document["id"] = json!(format!("draft-{index:05}"));
            rest.post("/pipelines", &document).await.map(|_| ())
        })
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await
        .into_iter()
        .collect::<anyhow::Result<Vec<()>>>()
        .context("filling the repository")?;
    let fill_s = began.elapsed().as_secs_f64();

    let mut alone = Histogram::<u64>::new_with_bounds(1, LONGEST_US, 3)?;
    for save in 0..args.saves {
        // A prime step, so that saves do not run through the tree in its own order.
        let index = save * 7_919 % pipelines;
        let path = path(index);
        let etag = rest.etag(&path).await?;
        let asked = Instant::now();
        rest.put(&path, &etag, &draft(index, 1 + save)).await?;
        alone.saturating_record(u64::try_from(asked.elapsed().as_micros())?);
    }

    let count = args.saves.min(pipelines);
    let mut etags = Vec::with_capacity(count);
    for index in 0..count {
        etags.push((index, rest.etag(&path(index)).await?));
    }
    let began = Instant::now();
    let took: Vec<u64> = stream::iter(etags)
        .map(|(index, etag)| async move {
            let asked = Instant::now();
            rest.put(&path(index), &etag, &draft(index, 1_000_000 + index)).await?;
            anyhow::Ok(u64::try_from(asked.elapsed().as_micros())?)
        })
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await
        .into_iter()
        .collect::<anyhow::Result<_>>()
        .context("saves at once")?;
    let at_once_per_s = count as f64 / began.elapsed().as_secs_f64();
    let mut at_once = Histogram::<u64>::new_with_bounds(1, LONGEST_US, 3)?;
    took.into_iter().for_each(|micros| at_once.saturating_record(micros));
    Ok(Saves {
        pipelines,
        disk: server.disk,
        fill_s,
        saves: args.saves,
        alone_ms: Quantiles::of_micros(&alone),
        at_once: AT_ONCE,
        at_once_per_s,
        at_once_ms: Quantiles::of_micros(&at_once),
    })
}
