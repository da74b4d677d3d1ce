//! What a process holds in memory, as the kernel counts it.

use anyhow::Context;
use serde::Serialize;

/// Resident memory in bytes.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Memory {
    /// All resident pages.
    pub(crate) rss_bytes: u64,
    /// Those that no file backs: heap and stacks.
    pub(crate) anonymous_bytes: u64,
}

impl Memory {
    /// Reads `/proc/<pid>/status`.
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        let path = format!("/proc/{pid}/status");
        let status = std::fs::read_to_string(&path).with_context(|| path.clone())?;
        let field = |name: &str| -> anyhow::Result<u64> {
            let line =
                status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("{name} {path}"))?;
            let kib = line.trim().trim_end_matches("kB").trim().parse::<u64>()?;
            Ok(kib * 1024)
        };
        Ok(Self { rss_bytes: field("VmRSS:")?, anonymous_bytes: field("RssAnon:")? })
    }

    /// Bytes that each of `count` things cost since `before`; `None` for no things.
    pub(crate) fn each_since(self, before: Self, count: usize) -> Option<u64> {
        self.rss_bytes.saturating_sub(before.rss_bytes).checked_div(count as u64)
    }
}
