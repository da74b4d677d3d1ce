//! The figures, as a table for people and as JSON for programs.

use anyhow::Context;
use hdrhistogram::Histogram;
use serde::Serialize;

use crate::{
    args::{Args, Profile},
    disk::Disk,
    fleet::{Agents, Push},
    memory::Memory,
    pollers::Polls,
    saves::Saves,
    server::AT_REST_PERCENT,
};

/// The longest time that histograms tell from longer ones, in microseconds: ten minutes.
pub(crate) const LONGEST_US: u64 = 600_000_000;

/// How long something took, in milliseconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Quantiles {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Quantiles {
    pub(crate) fn of_micros(histogram: &Histogram<u64>) -> Self {
        let at = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1e3;
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: histogram.max() as f64 / 1e3 }
    }
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Version of this format.
    version: u32,
    harness: &'static str,
    cores: usize,
    pub(crate) agents: Option<Agents>,
    pub(crate) polls: Option<Polls>,
    pub(crate) saves: Option<Saves>,
}

impl Report {
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        Self { version: 1, harness: env!("CARGO_PKG_VERSION"), cores, agents: None, polls: None, saves: None }
    }

    /// Writes the JSON where it was asked for and the table to stdout.
    #[expect(clippy::print_stdout, reason = "the table is what the program is for")]
    pub(crate) fn print(&self, args: &Args) -> anyhow::Result<()> {
        if let Some(path) = &args.json {
            std::fs::write(path, serde_json::to_vec_pretty(self)?).with_context(|| path.display().to_string())?;
        }
        let rows = self.rows();
        let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        println!("| {:width$} | {} cores, server and harness together |", "", self.cores);
        println!("|{:-<1$}|---|", "", width + 2);
        for (name, figure) in rows {
            println!("| {name:width$} | {figure} |");
        }
        Ok(())
    }

    fn rows(&self) -> Vec<(String, String)> {
        let mut rows = Vec::new();
        if let Some(agents) = &self.agents {
            agents_rows(agents, &mut rows);
        }
        if let Some(polls) = &self.polls {
            let how = if polls.depth == 1 { String::new() } else { format!(", {} under way each", polls.depth) };
            rows.push((
                format!("unchanged polls, {} Alloys{how}", polls.pollers),
                format!(
                    "{}/s; p50 {:.1} ms, p99 {:.1} ms",
                    thousands(polls.polls_per_s),
                    polls.poll_ms.p50,
                    polls.poll_ms.p99
                ),
            ));
        }
        if let Some(saves) = &self.saves {
            let what = |many: &str| match saves.disk {
                Some(Disk::Memory) => format!("save{many} in memory (not durable: --data-in)"),
                Some(Disk::Disk) | None => format!("durable save{many}"),
            };
            rows.push((
                format!("{}, {} pipelines in the repository", what(""), saves.pipelines),
                quantiles(saves.alone_ms),
            ));
            let name = format!("{}, {} at once", what("s"), saves.at_once);
            rows.push((name, format!("{}/s; {}", thousands(saves.at_once_per_s), quantiles(saves.at_once_ms))));
        }
        rows
    }
}

fn agents_rows(agents: &Agents, rows: &mut Vec<(String, String)>) {
    let profile = match agents.profile {
        Profile::FirstReport => "first report of 2.7 KB, heartbeats",
        Profile::Full => "8 KB effective config, 1 KB health every 5 s",
    };
    let mut row = |name: &str, figure: String| rows.push((name.to_owned(), figure));
    row(
        "OpAMP agents connected",
        format!("{} of {}, {} failed ({profile})", agents.connected, agents.agents, agents.failed),
    );
    row("connecting all of them", format!("{:.1} s; each {}", agents.connect_s, quantiles(agents.connect_ms)));
    let memory = &agents.memory;
    row("server memory for each", format!("{:.1} KB", memory.bytes_per_collector as f64 / 1e3));
    let part = |from: Memory, to: Memory| to.each_since(from, agents.agents).unwrap_or(0) as f64 / 1e3;
    row(
        "of that",
        format!(
            "enrolled {:.1} KB, connected {:.1} KB, at work {:.1} KB",
            part(memory.at_zero, memory.enrolled),
            part(memory.enrolled, memory.connected),
            part(memory.connected, memory.at_work)
        ),
    );
    let mb = |memory: Memory| memory.rss_bytes as f64 / 1e6;
    row(
        "server RSS",
        format!(
            "{:.0} MB fresh, {:.0} MB enrolled, {:.0} MB connected, {:.0} MB at work, {:.0} MB after all hung up",
            mb(memory.at_zero),
            mb(memory.enrolled),
            mb(memory.connected),
            mb(memory.at_work),
            mb(memory.hung_up)
        ),
    );
    let worst = |figure: fn(&Push) -> f64| agents.pushes.iter().map(figure).fold(0.0, f64::max);
    let pushes = agents.pushes.len();
    // What was not asked for was not measured, and is not nothing.
    if pushes > 0 {
        let held = format!("{:.0} ms", worst(|push| push.last_held_ms));
        row(&format!("save to last offer held (worst of {pushes})"), held);
        let restart = match agents.apply_s {
            0 => String::new(),
            seconds => format!(", {seconds} s of which an agent takes to start its collector"),
        };
        let applied = format!("{:.0} ms{restart}", worst(|push| push.last_applied_ms));
        row(&format!("save to last applied (worst of {pushes})"), applied);
    }
    row(
        "first pipeline of the fleet",
        format!("{:.0} ms held, {:.0} ms applied", agents.first_push.last_held_ms, agents.first_push.last_applied_ms),
    );
    let busiest = agents.pushes.iter().map(|push| push.busy_before_percent).max().unwrap_or(0);
    let busy = match busiest {
        0..=AT_REST_PERCENT => "at rest".to_owned(),
        _ => format!("busy: {busiest} % of a core, by what agents say unasked"),
    };
    if pushes > 0 {
        row("server before these saves", busy);
    }
    if let Some(rate) = agents.heartbeats_per_s {
        row("heartbeats answered", format!("{}/s", thousands(rate)));
    }
}

fn quantiles(quantiles: Quantiles) -> String {
    format!("p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms", quantiles.p50, quantiles.p99, quantiles.max)
}

/// A whole number with commas.
fn thousands(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_grouped_by_thousands() {
        assert_eq!(thousands(1_234_567.4), "1,234,567");
        assert_eq!(thousands(999.0), "999");
    }
}
