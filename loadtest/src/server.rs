//! The server under load: started here on a fresh data directory, or given.

use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{args::Args, disk::Disk, memory::Memory, rest::Rest};

/// How long a server may take until it writes its ready file.
const START: Duration = Duration::from_secs(60);

/// How long it may take to stop after it was asked to.
const STOP: Duration = Duration::from_secs(20);

/// What a server at rest uses of one core at most.
pub(crate) const AT_REST_PERCENT: u64 = 5;

/// A server that is ready.
pub(crate) struct Server {
    /// `host:port`.
    pub(crate) address: String,
    pub(crate) pid: u32,
    pub(crate) rest: Rest,
    /// What its data lies on; unknown for a server that was given.
    pub(crate) disk: Option<Disk>,
    /// Between two looks at what it uses.
    look: Duration,
    child: Option<(Child, TempDir)>,
}

impl Server {
    pub(crate) async fn start(args: &Args) -> anyhow::Result<Self> {
        if let (Some(url), Some(token), Some(pid)) = (&args.url, &args.token, args.pid) {
            return Self::ready(url.trim_end_matches('/'), token, pid, args, None);
        }
        let folder = match &args.data_in {
            Some(parent) => TempDir::with_prefix_in("linkmesh-loadtest-", parent)?,
            None => TempDir::with_prefix("linkmesh-loadtest-")?,
        };
        let data = folder.path().join("data");
        let token = service_account(&args.server, &data).await?;
        let ready = folder.path().join("ready.json");
        let mut command = Command::new(&args.server);
        command.arg("serve").arg("--data-dir").arg(&data).args(["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"]);
        command.arg("--ready-file").arg(&ready);
        if let Some(config) = &args.config {
            command.arg("--config").arg(config);
        }
        let log = std::fs::File::create(folder.path().join("server.log"))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        if std::env::var_os("RUST_LOG").is_none() {
            command.env("RUST_LOG", "warn");
        }
        let mut child = command.spawn().with_context(|| args.server.display().to_string())?;
        let began = Instant::now();
        let facts: Value = loop {
            if let Ok(text) = tokio::fs::read(&ready).await {
                break serde_json::from_slice(&text).context("the ready file")?;
            }
            if let Some(status) = child.try_wait()? {
                let log = std::fs::read_to_string(folder.path().join("server.log")).unwrap_or_default();
                bail!("the server ended at its start ({status}):\n{log}");
            }
            if began.elapsed() > START {
                bail!("the server was not ready within {} s", START.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let http = facts["http"].as_str().context("`http` in the ready file")?;
        let pid = child.id().context("the server's process")?;
        Self::ready(&format!("http://{http}"), &token, pid, args, Some((child, folder)))
    }

    fn ready(base: &str, token: &str, pid: u32, args: &Args, child: Option<(Child, TempDir)>) -> anyhow::Result<Self> {
        let address =
            base.strip_prefix("http://").context("the harness speaks plain http to loopback only")?.to_owned();
        let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
        if !(host.starts_with("127.") || host == "localhost" || host == "[::1]") {
            bail!("{host} is not loopback: the harness plays fleets on loopback only");
        }
        let disk = child.as_ref().map(|(_, folder)| Disk::below(folder.path())).transpose()?;
        let look = Duration::from_millis(args.look_ms.get());
        Ok(Self { address, pid, rest: Rest::new(base, token)?, disk, look, child })
    }

    /// What the server holds in memory now.
    pub(crate) fn memory(&self) -> anyhow::Result<Memory> {
        Memory::of(self.pid).context("the server's memory")
    }

    /// An error when the server died under the load.
    pub(crate) fn still_runs(&self) -> anyhow::Result<()> {
        self.memory().map(|_| ()).context("the server did not live through the test")
    }

    /// Waits until memory no longer grows by more than half a percent from one look to the next, for 15 looks at most.
    pub(crate) async fn settled_memory(&self) -> anyhow::Result<Memory> {
        let mut last = self.memory()?;
        for _ in 0..15 {
            tokio::time::sleep(self.look).await;
            let now = self.memory()?;
            let still = now.rss_bytes.abs_diff(last.rss_bytes) * 200 < last.rss_bytes;
            last = now;
            if still {
                break;
            }
        }
        Ok(last)
    }

    /// Waits until the server has done what it does in the background after a push, for 60 looks at most: until its use
    /// of the processor is a twentieth of a core or less, or no longer falls, because the fleet keeps it busy. Answers what
    /// it used of one core before the last look, in percent, for the report to say.
    pub(crate) async fn settled_percent(&self) -> anyhow::Result<u64> {
        let mut ticks = cpu_ticks(self.pid).context("the server's use of the processor")?;
        let mut used: Option<u64> = None;
        for _ in 0..60 {
            tokio::time::sleep(self.look).await;
            let now = cpu_ticks(self.pid).context("the server's use of the processor")?;
            // A tick is 10 ms.
            let latest = (now - ticks) * 1_000 / u64::try_from(self.look.as_millis()).unwrap_or(u64::MAX).max(1);
            let before = used.replace(latest);
            if latest <= AT_REST_PERCENT || before.is_some_and(|before| latest * 10 >= before * 9) {
                return Ok(latest);
            }
            ticks = now;
        }
        bail!("the server did not come to rest within 60 looks (--look-ms)")
    }

    /// Ends a server started here, in its own way, or after a while by force.
    pub(crate) async fn stop(self) {
        let Some((mut child, _folder)) = self.child else { return };
        if let Some(pid) = child.id() {
            let _ = Command::new("kill").args(["-TERM", &pid.to_string()]).status().await;
        }
        if tokio::time::timeout(STOP, child.wait()).await.is_err() {
            let _ = child.kill().await;
        }
    }
}

/// Makes a service account on a data directory that no server holds yet.
async fn service_account(program: &Path, data: &Path) -> anyhow::Result<String> {
    std::fs::create_dir_all(data).with_context(|| data.display().to_string())?;
    let output = Command::new(program)
        .args(["admin", "token", "--data-dir"])
        .arg(data)
        .args(["--name", "loadtest", "--role", "admin"])
        .output()
        .await
        .with_context(|| format!("{} (make build, or --server)", program.display()))?;
    if !output.status.success() {
        bail!("linkmesh admin token: {}", String::from_utf8_lossy(&output.stderr));
    }
    let token = String::from_utf8(output.stdout)?.trim().to_owned();
    if !token.starts_with("lmsat_") {
        bail!("linkmesh admin token printed no token");
    }
    Ok(token)
}

/// Processor time of a process, user and system, in ticks of 10 ms (proc(5), `stat`, fields 14 and 15).
fn cpu_ticks(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold spaces.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}
