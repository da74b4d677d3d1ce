//! How records run through the pipelines of the service.

use std::collections::{BTreeMap, BTreeSet};

use linkmesh_proto::api::{
    pipeline::{LeftOverKind, Signal},
    problem::FieldProblem,
};
use serde_json::Value;

use super::{Reader, pipelines::ServicePipeline};
use crate::{
    component::signal_name,
    domain::components::ComponentClass,
    import::found::{Chain, MAX_WAYS, Out, refused},
    render::names::FORWARD,
};

/// How many pipelines may stand one behind the other.
const MAX_PASSED: usize = 32;

impl Reader {
    fn class(&self, index: usize) -> Option<ComponentClass> {
        self.config.found.get(index).map(|found| found.class)
    }

    fn is_forward(&self, index: usize) -> bool {
        self.config.found.get(index).is_some_and(|f| f.class == ComponentClass::Connectors && f.kind == FORWARD)
    }

    pub(super) fn chains(&mut self, pipelines: &[ServicePipeline]) -> Result<(), Vec<FieldProblem>> {
        let mut ways = 0;
        for pipeline in pipelines {
            let sources: Vec<usize> = pipeline
                .receivers
                .iter()
                .copied()
                .filter(|index| self.class(*index) == Some(ComponentClass::Receivers))
                .collect();
            if sources.is_empty() {
                continue;
            }
            let mut outs = Vec::new();
            self.outs(pipeline, pipelines, &mut Vec::new(), &mut outs, &mut Vec::new())?;
            if outs.is_empty() {
                continue;
            }
            self.twice(pipeline, &sources, &outs);
            ways += outs.len();
            if ways > MAX_WAYS {
                return Err(refused(&pipeline.path, "too_many", format!("records go more than {MAX_WAYS} ways")));
            }
            self.config.chains.push(Chain {
                path: pipeline.path.clone(),
                signal: pipeline.signal,
                name: pipeline.name.clone(),
                sources,
                steps: pipeline.processors.clone(),
                outs,
            });
        }
        for pipeline in pipelines {
            self.leave_unless_taken(pipeline);
        }
        self.one_ended(pipelines);
        Ok(())
    }

    /// Says why a pipeline is in no chain.
    fn leave_unless_taken(&mut self, pipeline: &ServicePipeline) {
        let is_other =
            |index: &usize| self.class(*index) == Some(ComponentClass::Connectors) && !self.is_forward(*index);
        let others: Vec<usize> = pipeline.receivers.iter().copied().filter(is_other).collect();
        let reason = if pipeline.receivers.is_empty() {
            "has no receivers"
        } else if pipeline.exporters.is_empty() {
            "has no exporters"
        } else if !others.is_empty() {
            "begins behind a connector that LinkMesh does not have"
        } else if self.dead.contains(&pipeline.path) {
            "sends only to connectors that LinkMesh does not have, or that lead nowhere"
        } else if !self.reached.contains(&pipeline.path) {
            "begins behind connectors that nothing comes to"
        } else {
            return;
        };
        others.into_iter().for_each(|connector| self.leave_connector(connector));
        self.leave_pipeline(pipeline, reason);
    }

    /// Says of connectors that pass records on where one of their ends is missing.
    fn one_ended(&mut self, pipelines: &[ServicePipeline]) {
        let mut ends: BTreeMap<(usize, Signal), [Option<&str>; 2]> = BTreeMap::new();
        for pipeline in pipelines {
            for (end, indexes) in [&pipeline.exporters, &pipeline.receivers].into_iter().enumerate() {
                for index in indexes.iter().filter(|index| self.is_forward(**index)) {
                    let known = ends.entry((*index, pipeline.signal)).or_default();
                    if let Some(known) = known.get_mut(end) {
                        known.get_or_insert(&pipeline.path);
                    }
                }
            }
        }
        let mut reasons: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for ((index, signal), ends) in ends {
            let signal = signal_name(signal);
            let reason = match ends {
                [Some(from), None] => format!("`{from}` sends to it, and no pipeline of {signal} begins behind it"),
                [None, Some(to)] => format!("`{to}` begins behind it, and no pipeline of {signal} sends to it"),
                _ => continue,
            };
            reasons.entry(index).or_default().push(reason);
        }
        for (index, reasons) in reasons {
            let reason = format!("{}: no collector takes that", reasons.join("; "));
            self.config.leave(index, LeftOverKind::Missing, reason);
        }
    }

    /// Where the records of a pipeline go, through connectors that pass them on.
    fn outs<'p>(
        &mut self,
        pipeline: &'p ServicePipeline,
        all: &'p [ServicePipeline],
        via: &mut Vec<usize>,
        outs: &mut Vec<Out>,
        passed: &mut Vec<&'p str>,
    ) -> Result<(), Vec<FieldProblem>> {
        if passed.contains(&pipeline.path.as_str()) {
            return Err(refused(&pipeline.path, "loop", "records come back to this pipeline"));
        }
        self.passed += 1;
        if passed.len() > MAX_PASSED || self.passed > 10 * MAX_WAYS || outs.len() > MAX_WAYS {
            return Err(refused(&pipeline.path, "too_many", "records go through too many pipelines"));
        }
        passed.push(&pipeline.path);
        self.reached.insert(pipeline.path.clone());
        let before = outs.len();
        for exporter in &pipeline.exporters {
            if self.class(*exporter) == Some(ComponentClass::Exporters) {
                outs.push(Out { via: via.clone(), to: *exporter });
                continue;
            }
            if !self.is_forward(*exporter) {
                self.leave_connector(*exporter);
                continue;
            }
            self.config.spoken_of.push(*exporter);
            let behind = |next: &&ServicePipeline| next.signal == pipeline.signal && next.receivers.contains(exporter);
            for next in all.iter().filter(behind) {
                let length = via.len();
                via.extend(&next.processors);
                self.outs(next, all, via, outs, passed)?;
                via.truncate(length);
            }
        }
        if outs.len() == before {
            self.dead.insert(pipeline.path.clone());
        }
        passed.pop();
        Ok(())
    }

    /// Says where records arrive twice, as they do not in LinkMesh: by several ways that are the same, or since another
    /// pipeline does the same with them.
    fn twice(&mut self, pipeline: &ServicePipeline, sources: &[usize], outs: &[Out]) {
        let mut known = BTreeSet::new();
        if let Some(again) = outs.iter().find(|out| !known.insert(*out))
            && let Some(found) = self.config.found.get(again.to)
        {
            let reason = format!("its records come to `{}` by several ways: in LinkMesh they arrive once", found.path);
            self.say_of_pipeline(LeftOverKind::Differs, pipeline, &reason);
        }
        let same = |chain: &&Chain| {
            chain.signal == pipeline.signal
                && chain.steps == pipeline.processors
                && chain.sources.iter().any(|source| sources.contains(source))
                && chain.outs.iter().any(|out| outs.contains(out))
        };
        let Some(first) = self.config.chains.iter().find(same) else { return };
        let reason = format!("does the same as `{}` with the same records: in LinkMesh they arrive once", first.path);
        self.say_of_pipeline(LeftOverKind::Differs, pipeline, &reason);
    }

    fn leave_connector(&mut self, index: usize) {
        let reason = "a connector makes records out of others or chooses between pipelines, which LinkMesh does not do";
        self.config.leave(index, LeftOverKind::Missing, reason);
    }

    fn leave_pipeline(&mut self, pipeline: &ServicePipeline, reason: &str) {
        let parts = pipeline.receivers.iter().chain(&pipeline.processors).chain(&pipeline.exporters);
        self.config.of_left_pipelines.extend(parts);
        self.say_of_pipeline(LeftOverKind::Missing, pipeline, reason);
    }

    fn say_of_pipeline(&mut self, kind: LeftOverKind, pipeline: &ServicePipeline, reason: &str) {
        let ids = |indexes: &[usize]| -> Value {
            indexes.iter().filter_map(|index| Some(self.config.found.get(*index)?.id.as_str())).collect()
        };
        let value = serde_json::json!({
            "receivers": ids(&pipeline.receivers),
            "processors": ids(&pipeline.processors),
            "exporters": ids(&pipeline.exporters),
        });
        self.left(kind, pipeline.path.clone(), &pipeline.id, &value, reason);
    }
}
