//! The command line.

use std::{
    num::{NonZeroU64, NonZeroUsize},
    path::PathBuf,
    time::Duration,
};

use clap::{Parser, ValueEnum};
use serde::Serialize;

/// How much a simulated agent says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Profile {
    /// A first report of about 2.7 KB, then the config it was offered, then heartbeats of 24 bytes every 30 s.
    FirstReport,
    /// What a supervisor 0.158 under a memory limiter says: an effective config of 8 KB and 1 KB of health every 5 s.
    Full,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Phase {
    /// OpAMP agents: connecting, memory, delivery of saves, heartbeats.
    Agents,
    /// Alloys that poll and hear that nothing changed.
    Polls,
    /// Durable saves, one after the other and many at once.
    Saves,
}

/// Plays a fleet on loopback against a LinkMesh server.
#[derive(Debug, Parser)]
#[command(name = "linkmesh-loadtest", version, about)]
pub struct Args {
    /// The server's program; started on a fresh data directory and stopped at the end.
    #[arg(long, value_name = "FILE", default_value = "target/release/linkmesh")]
    pub(crate) server: PathBuf,
    /// A server that runs already, instead of one started here; needs --token and --pid.
    #[arg(long, value_name = "URL", requires_all = ["token", "pid"])]
    pub(crate) url: Option<String>,
    /// A service-account token of that server with the role admin.
    #[arg(long, env = "LINKMESH_LOADTEST_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// The process of that server, whose memory is read.
    #[arg(long)]
    pub(crate) pid: Option<u32>,
    /// Configuration file for the server started here.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where the data directory of the server started here is made; the system's temporary folder when absent. Saves are
    /// durable on a disk only: the table says when it is memory.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_in: Option<PathBuf>,

    /// OpAMP agents.
    #[arg(long, default_value_t = 5_000)]
    pub(crate) agents: usize,
    /// What they say.
    #[arg(long, value_enum, default_value_t = Profile::FirstReport)]
    pub(crate) profile: Profile,
    /// Seconds that an agent takes from an offer to APPLIED. When absent: none with a first report, and 5 in the full
    /// profile, because a supervisor 0.158 says APPLIED when the collector has been up for its `config_apply_timeout`.
    #[arg(long)]
    pub(crate) apply_s: Option<u64>,
    /// Agents that may be connecting at one time.
    #[arg(long, default_value = "128")]
    pub(crate) connecting: NonZeroUsize,
    /// Saves whose delivery to all agents is timed, after the first one.
    #[arg(long, default_value_t = 3)]
    pub(crate) pushes: usize,
    /// Seconds of the profile's ordinary traffic before memory is read.
    #[arg(long, default_value_t = 15)]
    pub(crate) steady_s: u64,
    /// Seconds in which every agent sends its next heartbeat as soon as the last one is answered.
    #[arg(long, default_value_t = 5)]
    pub(crate) heartbeats_s: u64,

    /// Alloys that poll, each on its own connection.
    #[arg(long, default_value_t = 1_000)]
    pub(crate) pollers: usize,
    /// Seconds in which every poller asks again as soon as it is answered.
    #[arg(long, default_value_t = 5)]
    pub(crate) polls_s: u64,
    /// Polls that a connection may have under way (1 is what an Alloy does).
    #[arg(long, default_value = "1")]
    pub(crate) poll_depth: NonZeroUsize,

    /// Pipelines in the repository when saves are timed.
    #[arg(long, default_value = "1000")]
    pub(crate) pipelines: NonZeroUsize,
    /// Saves that are timed.
    #[arg(long, default_value_t = 300)]
    pub(crate) saves: usize,

    /// Only these parts; all when absent.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) only: Vec<Phase>,
    /// Threads of the harness.
    #[arg(long, default_value = "2")]
    pub(crate) threads: NonZeroUsize,
    /// Milliseconds between two looks at the server's memory and use of the processor, while they settle.
    #[arg(long, default_value = "1000")]
    pub(crate) look_ms: NonZeroU64,
    /// Ends everything after so many seconds; the parts that are done by then are printed.
    #[arg(long, default_value_t = 900)]
    pub(crate) deadline_s: u64,
    /// Writes the figures as JSON there, besides the table on stdout.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

impl Args {
    /// How many threads the harness should have.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads.get()
    }

    /// How long an agent takes from an offer to APPLIED.
    pub(crate) fn apply(&self) -> Duration {
        let seen = match self.profile {
            Profile::FirstReport => 0,
            Profile::Full => 5,
        };
        Duration::from_secs(self.apply_s.unwrap_or(seen))
    }

    /// Whether a part was asked for.
    pub(crate) fn runs(&self, phase: Phase) -> bool {
        self.only.is_empty() || self.only.contains(&phase)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_none_is_refused_as_zero() {
        for option in ["--pipelines", "--threads", "--connecting", "--poll-depth", "--look-ms"] {
            assert!(Args::try_parse_from(["linkmesh-loadtest", option, "1"]).is_ok(), "{option}");
            let refused = Args::try_parse_from(["linkmesh-loadtest", option, "0"]).err();
            assert!(refused.is_some_and(|refused| refused.to_string().contains(option)), "{option}");
        }
    }
}
