//! Meters in the order in which records pass them.

use linkmesh_proto::{
    PipelineId, Timestamp,
    api::{collector::Throughput, fleet::StepRate},
};

use super::Sums;
use crate::domain::config::ConfigSnapshot;

/// Puts the meters of each pipeline in its order: what a source does to its own records, in, its filters and processors,
/// out. A step that the pipeline has no more stands behind those that it has.
pub fn in_order(throughput: &mut Throughput, config: &ConfigSnapshot) {
    for pipeline in &mut throughput.pipelines {
        let steps = steps(&pipeline.pipeline, config);
        pipeline.meters.sort_by_cached_key(|meter| {
            let rank = match meter.place.as_str() {
                "out" => usize::MAX,
                place => steps.iter().position(|known| *known == place).unwrap_or(steps.len()),
            };
            (rank, meter.place.clone())
        });
    }
}

/// What the steps of a pipeline let pass now, over all collectors, in its order.
pub fn step_rates(pipeline: &PipelineId, sums: &Sums, config: &ConfigSnapshot, now: Timestamp) -> Vec<StepRate> {
    let rate = |step: &str| Some(StepRate { step: step.to_owned(), per_second: sums.of_step(pipeline, step, now)? });
    steps(pipeline, config).into_iter().filter_map(rate).collect()
}

/// The places of a pipeline where records are counted, but for its end.
pub(crate) fn steps<'a>(id: &PipelineId, config: &'a ConfigSnapshot) -> Vec<&'a str> {
    let Some(pipeline) = config.pipelines.get(id) else { return vec!["in"] };
    let document = &pipeline.document;
    let sources = document.sources.iter().map(|source| source.id.as_str());
    let steps = document.filters.iter().chain(&document.processors).map(|step| step.id.as_str());
    sources.chain(["in"]).chain(steps).collect()
}
