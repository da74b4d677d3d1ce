//! What became of a save, over the collectors that should run it.

use linkmesh_proto::api::{
    fleet::{DeliveryCounts, FleetSummary},
    pipeline::Matched,
};

use super::{format, status::Tone};

/// A part of the collectors, by what became of the save there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// How many.
    pub count: u64,
    /// What they do, after their count.
    pub word: &'static str,
    /// Its colour.
    pub tone: Tone,
    /// What narrows the list of collectors to these, after the pipeline; as near as its filters come.
    pub filter: &'static str,
}

/// The parts that hold anybody, the good ones first.
#[must_use]
pub fn parts(counts: &DeliveryCounts) -> Vec<Part> {
    let part = |count, word, tone, filter| Part { count, word, tone, filter };
    let all = [
        part(counts.applied, "applied", Tone::Ok, "&config_state=applied"),
        part(counts.waiting, "under way", Tone::Busy, "&config_state=pending"),
        part(counts.away, "offline, get it when they connect", Tone::Off, "&config_state=pending"),
        part(counts.nothing, "without a configuration", Tone::Off, "&config_state=none"),
        part(counts.withheld, "cannot be given it", Tone::Warn, "&withheld=true"),
        part(counts.failed, "failed", Tone::Bad, "&config_state=failed"),
    ];
    all.into_iter().filter(|part| part.count > 0).collect()
}

/// The whole in a sentence.
#[must_use]
pub fn sentence(counts: &DeliveryCounts) -> String {
    let DeliveryCounts { nothing, waiting, away, applied, failed, withheld } = *counts;
    let total = nothing + waiting + away + applied + failed + withheld;
    match total {
        0 => "No collector should run what is saved.".to_owned(),
        total if applied == total => {
            format!("{} what is saved.", format::counted(total, "collector runs", "collectors run"))
        }
        total => format!(
            "{} run what is saved; {} applied it.",
            format::counted(total, "collector should", "collectors should"),
            match applied {
                0 => "none has".to_owned(),
                n => format::counted(n, "has", "have"),
            }
        ),
    }
}

/// The whole fleet in a sentence.
#[must_use]
pub fn of_fleet(summary: &FleetSummary) -> String {
    let total = format::counted(summary.total, "collector", "collectors");
    // Drift is found against what was confirmed last; who refused what was committed since then, or cannot be given it,
    // does not run it.
    let running = summary.drift.in_sync.min(summary.delivery.applied);
    if running == summary.total {
        format!("{total}. All run what was committed.")
    } else {
        format!("{total}. {} what was committed.", format::counted(running, "is known to run", "are known to run"))
    }
}

/// What a save of a pipeline does to collectors: who gets it, who loses it.
#[must_use]
pub fn of_save(is_enabled: bool, collectors: &Matched) -> String {
    let mut text = match collectors.matched {
        _ if !is_enabled && collectors.loses == 0 => return "It is switched off: no collector runs it.".to_owned(),
        _ if !is_enabled => String::new(),
        0 => "No collector matches now. Those that come to match will run it.".to_owned(),
        n => format!(
            "{} it: otelcol within seconds, Alloy at its next poll, who is offline on its return.",
            format::counted(n, "collector matches and gets", "collectors match and get")
        ),
    };
    if collectors.loses > 0 {
        let gap = if text.is_empty() { "" } else { " " };
        let who =
            format::counted(collectors.loses, "collector that runs it now stops", "collectors that run it now stop");
        text.push_str(&format!("{gap}{who} doing so."));
    }
    text
}

/// What becomes of the collectors when a pipeline is deleted that so many run; `None`: they are not counted yet.
#[must_use]
pub fn without_it(collectors: Option<u64>) -> String {
    let who = match collectors {
        Some(0) => "No collector runs it.".to_owned(),
        Some(1) => "The collector that runs it gets a configuration without it.".to_owned(),
        Some(n) => format!("The {} collectors that run it get a configuration without it.", format::count(n)),
        None => "Collectors that run it get a configuration without it.".to_owned(),
    };
    format!("{who} History keeps it: it can be restored.")
}

#[cfg(test)]
mod tests {
    use linkmesh_proto::api::fleet::DriftCounts;

    use super::*;

    #[test]
    fn save_says_who_gets_a_pipeline_and_who_loses_it() {
        let of = |is_enabled, matched, loses| of_save(is_enabled, &Matched { matched, items: Vec::new(), loses });
        for (is_enabled, matched, loses, text) in [
            (true, 0, 0, "No collector matches now. Those that come to match will run it."),
            (
                true,
                0,
                1,
                "No collector matches now. Those that come to match will run it. 1 collector that runs it now stops doing so.",
            ),
            (
                true,
                1,
                0,
                "1 collector matches and gets it: otelcol within seconds, Alloy at its next poll, who is offline on its return.",
            ),
            (false, 3, 2, "2 collectors that run it now stop doing so."),
            (false, 3, 0, "It is switched off: no collector runs it."),
        ] {
            assert_eq!(of(is_enabled, matched, loses), text);
        }
    }

    #[test]
    fn sentence_says_how_many_should_run_it_and_how_many_do() {
        let none = DeliveryCounts::default();
        assert_eq!(sentence(&none), "No collector should run what is saved.");
        assert_eq!(sentence(&DeliveryCounts { applied: 1, ..none }), "1 collector runs what is saved.");
        assert_eq!(sentence(&DeliveryCounts { applied: 1200, ..none }), "1,200 collectors run what is saved.");
        assert_eq!(
            sentence(&DeliveryCounts { applied: 2, failed: 1, away: 1, ..none }),
            "4 collectors should run what is saved; 2 have applied it."
        );
        assert_eq!(
            sentence(&DeliveryCounts { waiting: 1, ..none }),
            "1 collector should run what is saved; none has applied it."
        );
    }

    #[test]
    fn every_collector_stands_in_a_part_and_empty_parts_are_not_told() {
        let counts = DeliveryCounts { nothing: 1, waiting: 2, away: 3, applied: 4, failed: 5, withheld: 6 };
        assert_eq!(parts(&counts).iter().map(|part| part.count).sum::<u64>(), 21);
        let some = DeliveryCounts { applied: 4, failed: 5, ..DeliveryCounts::default() };
        let words: Vec<_> = parts(&some).iter().map(|part| (part.count, part.word, part.tone)).collect();
        assert_eq!(words, [(4, "applied", Tone::Ok), (5, "failed", Tone::Bad)]);
    }

    #[test]
    fn who_keeps_an_older_config_does_not_run_what_was_committed() {
        let mut fleet = crate::model::sample::fleet();
        assert_eq!(of_fleet(&fleet), "3 collectors. All run what was committed.");
        fleet.delivery = DeliveryCounts { applied: 2, withheld: 1, ..DeliveryCounts::default() };
        assert_eq!(of_fleet(&fleet), "3 collectors. 2 are known to run what was committed.");
        (fleet.delivery.applied, fleet.drift) = (3, DriftCounts { in_sync: 1, drifted: 2, unknown: 0 });
        assert_eq!(of_fleet(&fleet), "3 collectors. 1 is known to run what was committed.");
    }

    #[test]
    fn nobody_is_said_to_run_it_only_when_that_is_known() {
        assert!(without_it(Some(0)).starts_with("No collector runs it. History"));
        assert!(without_it(Some(1200)).starts_with("The 1,200 collectors"));
        assert!(without_it(None).starts_with("Collectors that run it"));
    }
}
