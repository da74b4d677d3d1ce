//! The words and colours of states.

use linkmesh_proto::api::{
    collector::{Collector, CollectorStatus, ConfigState, DriftState, Runtime, Stability},
    pipeline::Signal,
};

/// What a colour says. A word always stands beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Ok,
    /// Deserves a look.
    Warn,
    /// Is broken.
    Bad,
    /// Not there, or nothing to say.
    Off,
    /// Under way.
    Busy,
}

impl Tone {
    /// The class of tags and dots.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Off => "off",
            Self::Busy => "acc",
        }
    }
}

/// A word with its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// The word.
    pub word: &'static str,
    /// Its colour.
    pub tone: Tone,
}

const fn label(word: &'static str, tone: Tone) -> Label {
    Label { word, tone }
}

/// Whether a collector is there and well.
#[must_use]
pub const fn status(status: CollectorStatus) -> Label {
    match status {
        CollectorStatus::Pending => label("Never seen", Tone::Off),
        CollectorStatus::Connected => label("Connected", Tone::Ok),
        CollectorStatus::Degraded => label("Degraded", Tone::Warn),
        CollectorStatus::Offline => label("Offline", Tone::Off),
        CollectorStatus::Deregistered => label("Deregistered", Tone::Off),
    }
}

/// Whether a collector is there now.
#[must_use]
pub const fn is_here(status: CollectorStatus) -> bool {
    matches!(status, CollectorStatus::Connected | CollectorStatus::Degraded)
}

/// A collector's own word on its health; of one that is not there the last word that it said.
#[must_use]
pub const fn health(status: CollectorStatus, healthy: Option<bool>) -> Label {
    match (healthy, is_here(status)) {
        (None, _) => label("Not reported", Tone::Off),
        (Some(true), true) => label("Healthy", Tone::Ok),
        (Some(true), false) => label("Healthy, before it left", Tone::Off),
        (Some(false), true) => label("Unhealthy", Tone::Bad),
        (Some(false), false) => label("Unhealthy, before it left", Tone::Warn),
    }
}

/// How a collector stands to its config: whether it can be given any first, then the delivery, then drift.
#[must_use]
pub fn config(collector: &Collector) -> Label {
    if collector.withheld {
        return label("Withheld", Tone::Warn);
    }
    match (collector.config_state, collector.drift) {
        (ConfigState::Failed, _) => label("Failed", Tone::Bad),
        (_, DriftState::Drifted) => label("Drifted", Tone::Warn),
        (ConfigState::None, _) => label("Nothing to run", Tone::Off),
        (ConfigState::Pending, _) if collector.error.as_deref() == Some("no_answer") => label("No answer", Tone::Warn),
        (ConfigState::Pending, _) => label("Waiting", Tone::Off),
        (ConfigState::Applying, _) => label("Applying", Tone::Busy),
        (ConfigState::Applied, DriftState::InSync) => label("In sync", Tone::Ok),
        (ConfigState::Applied, DriftState::Unknown) => label("Applied", Tone::Ok),
    }
}

/// What drift says beside a delivery: it is found against what was applied last, which a text that was refused or is on
/// its way is not.
#[must_use]
pub fn drift_beside(state: ConfigState, found: DriftState) -> Label {
    match (state, found) {
        (ConfigState::Failed | ConfigState::Pending | ConfigState::Applying, DriftState::InSync) => {
            label("Runs what it had", Tone::Off)
        }
        _ => drift(found),
    }
}

/// How far a delivery is, without drift.
#[must_use]
pub const fn config_state(state: ConfigState) -> Label {
    match state {
        ConfigState::None => label("Nothing to run", Tone::Off),
        ConfigState::Pending => label("Waiting", Tone::Off),
        ConfigState::Applying => label("Applying", Tone::Busy),
        ConfigState::Applied => label("Applied", Tone::Ok),
        ConfigState::Failed => label("Failed", Tone::Bad),
    }
}

/// Whether what runs is what was committed.
#[must_use]
pub const fn drift(state: DriftState) -> Label {
    match state {
        DriftState::InSync => label("In sync", Tone::Ok),
        DriftState::Drifted => label("Drifted", Tone::Warn),
        DriftState::Unknown => label("Not reported", Tone::Off),
    }
}

/// The colour of an event of a collector.
#[must_use]
pub fn event_tone(kind: &str) -> Tone {
    match kind {
        "config_failed" | "unhealthy" | "deregistered" => Tone::Bad,
        "drift_found" | "disconnected" | "offline" => Tone::Warn,
        "config_applied" | "healthy" | "connected" | "drift_gone" => Tone::Ok,
        "config_offered" | "restart_asked" => Tone::Busy,
        _ => Tone::Off,
    }
}

/// The program and its version: `otelcol 0.158.0`.
#[must_use]
pub fn program(runtime: Runtime, version: Option<&str>) -> String {
    let name = runtime_name(runtime);
    version.map_or_else(|| name.to_owned(), |version| format!("{name} {}", version.trim_start_matches('v')))
}

/// What people call a runtime.
#[must_use]
pub const fn runtime_name(runtime: Runtime) -> &'static str {
    match runtime {
        Runtime::Alloy => "Alloy",
        Runtime::Otelcol => "otelcol",
    }
}

/// A runtime as documents and queries spell it.
#[must_use]
pub const fn runtime_code(runtime: Runtime) -> &'static str {
    match runtime {
        Runtime::Alloy => "alloy",
        Runtime::Otelcol => "otelcol",
    }
}

/// A stability level as Alloy spells it.
#[must_use]
pub const fn stability_name(stability: Stability) -> &'static str {
    match stability {
        Stability::GenerallyAvailable => "generally-available",
        Stability::PublicPreview => "public-preview",
        Stability::Experimental => "experimental",
    }
}

/// What people call a kind of telemetry.
#[must_use]
pub const fn signal_name(signal: Signal) -> &'static str {
    match signal {
        Signal::Logs => "Logs",
        Signal::Metrics => "Metrics",
        Signal::Traces => "Traces",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collector(state: ConfigState, drift: DriftState, error: Option<&str>) -> Collector {
        let mut collector = super::super::sample::collector("web-01");
        collector.config_state = state;
        collector.drift = drift;
        collector.error = error.map(str::to_owned);
        collector
    }

    #[test]
    fn who_did_not_take_the_newest_is_not_in_sync() {
        for (state, drift, word) in [
            (ConfigState::Applied, DriftState::InSync, "In sync"),
            (ConfigState::Failed, DriftState::InSync, "Runs what it had"),
            (ConfigState::Applying, DriftState::InSync, "Runs what it had"),
            (ConfigState::Failed, DriftState::Drifted, "Drifted"),
            (ConfigState::Pending, DriftState::Unknown, "Not reported"),
        ] {
            assert_eq!(drift_beside(state, drift).word, word);
        }
    }

    #[test]
    fn failure_is_said_before_drift_and_drift_before_the_delivery() {
        for (state, drift, error, word) in [
            (ConfigState::Failed, DriftState::Drifted, None, "Failed"),
            (ConfigState::Applied, DriftState::Drifted, None, "Drifted"),
            (ConfigState::Applying, DriftState::Drifted, None, "Drifted"),
            (ConfigState::Applied, DriftState::InSync, None, "In sync"),
            (ConfigState::Applied, DriftState::Unknown, None, "Applied"),
            (ConfigState::Pending, DriftState::Unknown, None, "Waiting"),
            (ConfigState::Pending, DriftState::Unknown, Some("no_answer"), "No answer"),
            (ConfigState::None, DriftState::Unknown, None, "Nothing to run"),
        ] {
            assert_eq!(config(&collector(state, drift, error)).word, word);
        }
    }

    #[test]
    fn who_cannot_be_given_its_config_is_not_said_to_run_it_or_to_have_none() {
        for state in [ConfigState::None, ConfigState::Applied, ConfigState::Failed] {
            let withheld = Collector { withheld: true, ..collector(state, DriftState::InSync, Some("why")) };
            assert_eq!(config(&withheld), label("Withheld", Tone::Warn));
        }
    }

    #[test]
    fn health_of_a_collector_that_left_is_no_good_news() {
        for (status, healthy, word, tone) in [
            (CollectorStatus::Connected, Some(true), "Healthy", Tone::Ok),
            (CollectorStatus::Degraded, Some(false), "Unhealthy", Tone::Bad),
            (CollectorStatus::Offline, Some(true), "Healthy, before it left", Tone::Off),
            (CollectorStatus::Deregistered, Some(true), "Healthy, before it left", Tone::Off),
            (CollectorStatus::Offline, Some(false), "Unhealthy, before it left", Tone::Warn),
            (CollectorStatus::Pending, None, "Not reported", Tone::Off),
        ] {
            assert_eq!(health(status, healthy), label(word, tone), "{status:?} {healthy:?}");
        }
    }

    #[test]
    fn version_is_shown_without_its_prefix() {
        assert_eq!(program(Runtime::Alloy, Some("v1.18.0")), "Alloy 1.18.0");
        assert_eq!(program(Runtime::Otelcol, None), "otelcol");
    }
}
