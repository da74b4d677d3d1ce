//! A real supervisor, set up with the files that the page shows to an operator.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use super::{
    process::{Server, tail},
    programs::Pair,
    wait::wait_for,
};

/// Where the bootstrap puts things on a host, and what a test puts there instead.
const STORAGE: &str = "/var/lib/otelcol/supervisor";
const EXECUTABLE: &str = "/usr/bin/otelcol-contrib";

/// A supervisor on its own storage directory.
pub(crate) struct Supervisor {
    pair: Pair,
    folder: PathBuf,
    child: Option<Child>,
}

impl Supervisor {
    /// Writes what `bootstrap` says, moved into a folder of the test, and starts the supervisor with it.
    ///
    /// Not as on a host: several collectors share this machine, so their own listener on port 8888 is off and they have
    /// longer to become healthy, and log and storage lie in the folder.
    pub(crate) fn start(pair: &Pair, server: &Server, name: &str, bootstrap: &Value) -> Self {
        let folder = server.folder().join(name);
        fs::create_dir_all(folder.join("storage")).expect("a storage folder");
        let files = bootstrap["files"].as_array().expect("files");
        for file in files {
            let content = file["content"].as_str().expect("content");
            fs::write(folder.join(base(file["path"].as_str().expect("a path"))), content).expect("a file");
        }
        let mut supervisor = Self { pair: pair.clone(), folder, child: None };
        supervisor.configure(|text| {
            assert!(text.contains(STORAGE) && text.contains(EXECUTABLE), "unknown places in\n{text}");
            let text = text.replace(STORAGE, &supervisor_path(&supervisor.folder.join("storage")));
            let text = text.replace(EXECUTABLE, &supervisor_path(&pair.collector));
            let more = "  args: [\"--set=service.telemetry.metrics.level=none\"]\n  config_apply_timeout: 10s\n";
            text.replace("\nagent:\n", &format!("\nagent:\n{more}"))
        });
        supervisor.run();
        supervisor
    }

    /// Changes `supervisor.yaml`.
    pub(crate) fn configure(&self, change: impl FnOnce(String) -> String) {
        let path = self.folder.join("supervisor.yaml");
        let text = fs::read_to_string(&path).expect("supervisor.yaml in the bootstrap");
        fs::write(&path, change(text)).expect("supervisor.yaml");
    }

    /// A file of this supervisor's folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Starts the process with the environment that the bootstrap's unit gives it.
    pub(crate) fn run(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log()).expect("a log file");
        let mut command = Command::new(&self.pair.supervisor);
        command.arg("--config").arg(self.folder.join("supervisor.yaml")).current_dir(&self.folder);
        for line in fs::read_to_string(self.folder.join("token.env")).expect("token.env").lines() {
            let (name, value) = line.split_once('=').expect("NAME=value");
            command.env(name, value);
        }
        let child = command.stdin(Stdio::null()).stdout(log.try_clone().expect("a handle")).stderr(log).spawn();
        self.child = Some(child.expect("the supervisor runs"));
    }

    /// Ends supervisor and collector as the bootstrap's unit does.
    pub(crate) async fn stop(&mut self) {
        let mut child = self.child.take().expect("a running supervisor");
        let collectors = children(child.id());
        signal("INT", child.id());
        wait_for("the supervisor to end", || {
            let ended = child.try_wait().expect("its state").is_some();
            std::future::ready(if ended { Ok(()) } else { Err("it runs".to_owned()) })
        })
        .await;
        for collector in collectors {
            wait_for("the collector to end", || {
                let alive = Path::new(&format!("/proc/{collector}")).exists();
                std::future::ready(if alive { Err(format!("process {collector} lives")) } else { Ok(()) })
            })
            .await;
        }
    }

    fn log(&self) -> PathBuf {
        self.folder.join("supervisor.log")
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // A collector outlives a supervisor that is killed (0.149 for ever), so both go.
            let collectors = children(child.id());
            let _ = child.kill();
            let _ = child.wait();
            collectors.into_iter().for_each(|collector| signal("KILL", collector));
        }
        if std::thread::panicking() {
            tail("supervisor", &self.log());
        }
    }
}

fn supervisor_path(path: &Path) -> String {
    path.to_str().expect("UTF-8").to_owned()
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn signal(name: &str, process: u32) {
    let _ = Command::new("kill").arg(format!("-{name}")).arg(process.to_string()).stderr(Stdio::null()).status();
}

/// Processes whose parent is `parent`.
fn children(parent: u32) -> Vec<u32> {
    let parent = parent.to_string();
    let entries = fs::read_dir("/proc").expect("/proc");
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|process| {
            // `pid (name) state ppid ...`; the name may hold spaces.
            let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
            stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)) == Some(parent.as_str())
        })
        .collect()
}
