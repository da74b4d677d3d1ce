//! What stands around pipelines in a config: limiters of memory, extensions, what is in no pipeline.

use linkmesh_proto::api::{
    collector::Runtime,
    pipeline::{LeftOverKind, Signal},
};

use super::{Assembly, lanes, parts};
use crate::{
    component::ALL_SIGNALS,
    domain::{components::ComponentClass, document::MemoryLimiter},
    import::{
        found::{Chain, Config, Found},
        tree::Tree,
    },
    render::names::STORAGE,
};

/// Said of an extension that the service does not list.
const NOT_STARTED: &str = "is not in `service.extensions`, so that the collector does not start it";

/// Processors that look at records together: what comes to them by several ways is not the same in two of them.
const GATHERING: &[&str] =
    &["tail_sampling", "cumulativetodelta", "deltatocumulative", "interval", "metric_start_time"];

/// Whether it is the text that LinkMesh renders for a collector without pipelines.
pub(super) fn is_idle(config: &Config) -> bool {
    let is_nop = |found: &Found| found.kind == "nop" && found.name.is_empty();
    !config.found.is_empty()
        && config.found.len() == 2
        && config.found.iter().all(is_nop)
        && config.left_over.is_empty()
}

impl Assembly<'_> {
    /// What no pipeline and no destination says is left over.
    pub(super) fn rest(&mut self) {
        self.gathered();
        for index in 0..self.config.found.len() {
            let Some(found) = self.config.found.get(index) else { continue };
            if lanes::is_limiter(found) {
                self.limiter(index);
            } else if self.used_with.contains(&index) {
                self.along(index);
            } else if self.config.is_spoken_of(index) {
                self.sections(index);
            } else {
                let (kind, reason) = match found.class {
                    ComponentClass::Extensions if self.is_named(index) => {
                        (LeftOverKind::Unused, "is used only by parts that are not taken over")
                    }
                    ComponentClass::Extensions if found.kind == "foreach" => {
                        (LeftOverKind::Missing, "makes components of a list when it runs, which LinkMesh does not do")
                    }
                    ComponentClass::Extensions if found.kind.starts_with("import.") => {
                        (LeftOverKind::Missing, "what it brings in is not in this text and was not looked at")
                    }
                    ComponentClass::Extensions if is_of_alloy(found) => {
                        (LeftOverKind::Missing, "LinkMesh takes over what runs through otelcol.* alone")
                    }
                    ComponentClass::Extensions if self.runtime == Runtime::Alloy && !is_of_itself(found) => {
                        (LeftOverKind::Missing, "is nothing that Alloy has, and no `declare` of this text is called so")
                    }
                    ComponentClass::Extensions => {
                        (LeftOverKind::Unused, "is a thing of the collector itself and of no pipeline")
                    }
                    _ if self.runtime == Runtime::Alloy || self.config.of_left_pipelines.contains(&index) => {
                        (LeftOverKind::Missing, "is in no pipeline that is taken over")
                    }
                    _ => (LeftOverKind::Unused, "is in no pipeline"),
                };
                let reason = match self.config.not_started.contains(&index) {
                    true => format!("{reason}, and {NOT_STARTED}"),
                    false => reason.to_owned(),
                };
                self.config.leave(index, kind, reason);
            }
        }
    }

    /// Says where records of several chains are no longer looked at together. On otelcol each pipeline has its own anyway.
    fn gathered(&mut self) {
        if self.runtime != Runtime::Alloy {
            return;
        }
        let others: Vec<&Chain> =
            self.config.chains.iter().filter(|chain| lanes::ours(&self.config, chain).is_none()).collect();
        for (index, found) in self.config.found.iter().enumerate() {
            let kind = found.kind.rsplit('.').next().unwrap_or_default();
            let passing = |signal: &Signal| {
                others.iter().filter(|chain| chain.signal == *signal && chain.steps.contains(&index)).count()
            };
            if GATHERING.contains(&kind) && ALL_SIGNALS.iter().any(|signal| passing(signal) > 1) {
                let reason = "gets records by several ways together here; in LinkMesh each way has one of its own";
                self.config.left_over.push(found.left_over(LeftOverKind::Differs, reason));
            }
        }
    }

    fn is_named(&self, index: usize) -> bool {
        self.config.found.iter().any(|found| found.with.contains(&index))
    }

    fn is_ours(&self) -> bool {
        self.config.chains.iter().any(|chain| lanes::ours(&self.config, chain).is_some())
    }

    fn limiter(&mut self, index: usize) {
        let Some(found) = self.config.found.get(index) else { return };
        let reason = if !self.is_ours() {
            "LinkMesh puts its own in front of every pipeline; its numbers stand in linkmesh.yaml"
        } else if numbers(found) == Some(MemoryLimiter::default()) {
            return;
        } else {
            "its numbers stand in linkmesh.yaml and hold for every pipeline"
        };
        self.config.leave(index, LeftOverKind::Differs, reason);
    }

    /// An extension that came along: the one in which a component keeps its place becomes LinkMesh's own.
    fn along(&mut self, index: usize) {
        let Some(found) = self.config.found.get(index) else { return };
        let is_other = self.runtime == Runtime::Otelcol && found.kind == "file_storage" && found.id != STORAGE;
        let directory = found.config.get("directory").and_then(Tree::as_text);
        let is_elsewhere = found.id == STORAGE && directory != Some("/var/lib/otelcol/linkmesh");
        let reasons = [
            (
                self.config.not_started.contains(&index),
                "is not in `service.extensions`, so that the collector does not start it and what names it fails; in \
                 LinkMesh it is there",
            ),
            (is_other, "LinkMesh keeps places and queues in a directory of its own, where they begin anew"),
            (is_elsewhere, "the directory stands in linkmesh.yaml and holds for every pipeline"),
        ];
        let reasons: Vec<&str> = reasons.into_iter().filter(|(holds, _)| *holds).map(|(_, reason)| reason).collect();
        if !reasons.is_empty() {
            self.config.leave(index, LeftOverKind::Differs, reasons.join("; "));
        }
    }

    /// What a component says of signals that no pipeline brings to it.
    fn sections(&mut self, index: usize) {
        let Some(found) = self.config.found.get(index) else { return };
        let passes = |signal: Signal| {
            self.config.chains.iter().any(|chain| {
                let steps = chain.steps.iter().chain(chain.outs.iter().flat_map(|out| &out.via));
                chain.signal == signal && steps.into_iter().any(|step| *step == index)
            })
        };
        let idle: Vec<(Option<Signal>, String)> = parts::sections(found)
            .into_iter()
            .filter(|(signal, _)| !signal.is_some_and(passes))
            .map(|(signal, key)| (signal, key.trim_end_matches("{}").to_owned()))
            .collect();
        if idle.is_empty() {
            return;
        }
        let keys: Vec<&str> = idle.iter().map(|(_, key)| key.as_str()).collect();
        let mut reason = format!("`{}` does nothing: no pipeline brings such records to it", keys.join("`, `"));
        if idle.iter().any(|(signal, _)| signal.is_none()) {
            reason.push_str(", and LinkMesh knows logs, metrics and traces only");
        }
        match self.config.left_over.iter_mut().find(|left| left.path == found.path) {
            // Of what is taken over, the idle part is not in it.
            Some(left) if left.kind == LeftOverKind::Differs => left.reason = format!("{}; {reason}", left.reason),
            Some(_) => {}
            None => self.config.leave(index, LeftOverKind::Unused, reason),
        }
    }
}

/// Whether a component belongs to the other worlds of Alloy, not to that of OpenTelemetry.
fn is_of_alloy(found: &Found) -> bool {
    found.kind.contains('.') && !found.kind.starts_with("otelcol.")
}

/// Whether a component sets up Alloy itself, or belongs to others by what it gives.
fn is_of_itself(found: &Found) -> bool {
    const BLOCKS: &[&str] =
        &["logging", "tracing", "http", "livedebugging", "remotecfg", "labelstore", "cluster", "otel", "ui"];
    found.kind.starts_with("otelcol.") || BLOCKS.contains(&found.kind.as_str())
}

/// The numbers of a limiter, if it has no others.
fn numbers(found: &Found) -> Option<MemoryLimiter> {
    let settings = found.config.entries().iter().filter(|(key, _)| key != "output{}");
    (settings.count() == 3).then_some(())?;
    let whole = |key: &str, unit: &str| -> Option<u32> {
        match found.config.get(key)? {
            Tree::Number(number) => u32::try_from(number.as_u64()?).ok(),
            Tree::Text(text) => text.strip_suffix(unit)?.parse().ok(),
            _ => None,
        }
    };
    let limit_mib = whole("limit_mib", "").or_else(|| whole("limit", "MiB"))?;
    let spike = whole("spike_limit_mib", "").or_else(|| whole("spike_limit", "MiB"))?;
    let check_interval_s = whole("check_interval", "s")?;
    let percent = (1..=90).find(|percent| u64::from(limit_mib) * percent / 100 == u64::from(spike))?;
    let default = MemoryLimiter::default();
    let spike_limit_percent = if u64::from(limit_mib) * u64::from(default.spike_limit_percent) / 100 == u64::from(spike)
    {
        default.spike_limit_percent
    } else {
        u32::try_from(percent).ok()?
    };
    Some(MemoryLimiter { limit_mib, spike_limit_percent, check_interval_s })
}
