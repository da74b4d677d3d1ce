//! A real supervisor, set up by the script that the page shows to an operator.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use linkmesh_proto::install::script;
use serde_json::Value;

use super::programs::Pair;
use crate::support::{
    server::{Server, tail},
    wait_for,
};

/// Where a bootstrap puts things on a host. In a test they lie below a folder.
const PLACES: [&str; 6] =
    ["/etc/opampsupervisor", "/etc/alloy", "/etc/systemd", "/var/lib/otelcol", "/var/lib/alloy", "/usr/bin"];

/// Programs of the host that a script may call and that must not do here what they do there: they note that they were
/// called. There is no user `otelcol`, so `install` gives nothing away.
const PLAYED: [(&str, &str); 5] = [
    ("systemctl", ""),
    ("chown", ""),
    ("id", "exit 1"),
    ("useradd", ""),
    (
        "install",
        "for word; do shift; case $word in -o | -g) skip=1 ;; *) [ \"$skip\" ] || set -- \"$@\" \"$word\"; skip= ;; esac; done\n\
         exec /usr/bin/install \"$@\"",
    ),
];

/// A supervisor on its own storage directory.
pub(crate) struct Supervisor {
    folder: PathBuf,
    child: Option<Child>,
}

/// A supervisor's config under which a config counts as applied sooner.
pub(crate) fn sooner(text: &str) -> String {
    let replaced = text.replace("config_apply_timeout: 15s", "config_apply_timeout: 10s");
    assert_ne!(replaced, text, "the config says how long that takes");
    replaced
}

impl Supervisor {
    /// Does with a bootstrap what an operator does, below a folder of the test, and runs what its unit says.
    ///
    /// Not as on a host: several collectors share this machine, so their own listener on port 8888 is off; and the tests
    /// do not wait as long for a config to count as applied.
    pub(crate) fn start(pair: &Pair, server: &Server, name: &str, bootstrap: &Value) -> Self {
        let mut supervisor = Self::install(pair, server, name, bootstrap);
        supervisor.make_room();
        supervisor.run();
        supervisor
    }

    /// Lets other collectors run on this machine.
    pub(crate) fn make_room(&self) {
        self.configure(|text| {
            let more = "  args: [\"--set=service.telemetry.metrics.level=none\"]\n";
            sooner(&text.replace("\nagent:\n", &format!("\nagent:\n{more}")))
        });
    }

    /// Pastes the script of a bootstrap. The service manager is played by [`Self::run`].
    pub(crate) fn install(pair: &Pair, server: &Server, name: &str, bootstrap: &Value) -> Self {
        let bootstrap = serde_json::from_value(bootstrap.clone()).expect("a bootstrap");
        Self::install_by(pair, server, name, &script(&bootstrap))
    }

    /// Pastes a script as it is shown.
    pub(crate) fn install_by(pair: &Pair, server: &Server, name: &str, script: &str) -> Self {
        let host = Self::host(server, name);
        host.bring(pair);
        let done = host.paste(script);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        host
    }

    /// A host on which nothing is installed yet.
    pub(crate) fn host(server: &Server, name: &str) -> Self {
        let host = Self { folder: server.folder().join(name), child: None };
        let played = host.file("played");
        fs::create_dir_all(&played).expect("a folder for programs that are played");
        for (program, text) in PLAYED {
            let path = played.join(program);
            let log = host.file("called");
            let text = format!("#!/bin/sh\nskip=\necho \"{program} $*\" >>'{}'\n{text}\n", log.display());
            fs::write(&path, text).expect("a program that is played");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("permissions");
        }
        host
    }

    /// Installs the programs that the operator brings.
    pub(crate) fn bring(&self, pair: &Pair) {
        self.bring_program("/usr/bin/otelcol-contrib", &pair.collector);
        self.bring_program("/usr/bin/opampsupervisor", &pair.supervisor);
    }

    /// Installs one program.
    pub(crate) fn bring_program(&self, path: &str, program: &Path) {
        let place = self.place(path);
        fs::create_dir_all(place.parent().expect("a folder of the host")).expect("a folder for programs");
        symlink(program, place).expect("a link");
    }

    /// Pastes a script into a root shell: it goes into the shell's input, with the paths of the host moved below the
    /// folder.
    pub(crate) fn paste(&self, script: &str) -> Output {
        let path = std::env::join_paths(
            std::iter::once(self.file("played"))
                .chain(std::env::split_paths(&std::env::var_os("PATH").expect("a search path"))),
        );
        let mut shell = Command::new("sh")
            .env("PATH", path.expect("a search path"))
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("sh runs");
        shell.stdin.take().expect("its input").write_all(self.moved(script).as_bytes()).expect("it reads");
        shell.wait_with_output().expect("its end")
    }

    /// The calls of programs that are played, one a line, with the folder taken out of them.
    pub(crate) fn called(&self) -> Vec<String> {
        let folder = self.folder.to_str().expect("UTF-8");
        let text = fs::read_to_string(self.file("called")).unwrap_or_default();
        text.lines().map(|line| line.replace(folder, "")).collect()
    }

    /// Where a path of the host lies in the test.
    pub(crate) fn place(&self, path: &str) -> PathBuf {
        assert!(PLACES.iter().any(|place| path.starts_with(place)), "an unknown place: {path}");
        self.folder.join(path.trim_start_matches('/'))
    }

    /// A text with the paths of the host moved below the folder.
    pub(crate) fn moved(&self, text: &str) -> String {
        let folder = self.folder.to_str().expect("UTF-8");
        PLACES.iter().fold(text.to_owned(), |text, place| text.replace(place, &format!("{folder}{place}")))
    }

    /// Changes `supervisor.yaml`.
    pub(crate) fn configure(&self, change: impl FnOnce(String) -> String) {
        let path = self.place("/etc/opampsupervisor/supervisor.yaml");
        let text = fs::read_to_string(&path).expect("supervisor.yaml in the bootstrap");
        fs::write(&path, change(text)).expect("supervisor.yaml");
    }

    /// Puts another token into the token's file.
    pub(crate) fn set_token(&self, token: &str) {
        let path = self.place("/etc/opampsupervisor/token.env");
        let (name, _) = fs::read_to_string(&path)
            .expect("the token's file")
            .split_once('=')
            .map(|(name, token)| (name.to_owned(), token.to_owned()))
            .expect("NAME=value");
        fs::write(&path, format!("{name}={token}\n")).expect("the token's file");
    }

    /// The token in the token's file.
    pub(crate) fn token(&self) -> String {
        let text = fs::read_to_string(self.place("/etc/opampsupervisor/token.env")).expect("the token's file");
        text.trim().split_once('=').expect("NAME=value").1.to_owned()
    }

    /// A file of this supervisor's folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What a key of the bootstrap's unit says.
    fn unit(&self, key: &str) -> String {
        let text = fs::read_to_string(self.place("/etc/systemd/system/opampsupervisor.service")).expect("the unit");
        let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        value.unwrap_or_else(|| panic!("no {key} in\n{text}")).to_owned()
    }

    /// Starts the process as the bootstrap's unit says.
    pub(crate) fn run(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log_file()).expect("a log file");
        let (start, environment) = (self.unit("ExecStart"), self.unit("EnvironmentFile"));
        let mut words = start.split(' ');
        let mut command = Command::new(words.next().expect("a program"));
        command.args(words).current_dir(&self.folder);
        for line in fs::read_to_string(environment).expect("the environment").lines() {
            let (name, value) = line.split_once('=').expect("NAME=value");
            command.env(name, value);
        }
        let child = command.stdin(Stdio::null()).stdout(log.try_clone().expect("a handle")).stderr(log).spawn();
        self.child = Some(child.expect("the supervisor runs"));
    }

    /// The process of the collector, while there is one.
    pub(crate) fn collector(&self) -> Option<u32> {
        children(self.child.as_ref().expect("a running supervisor").id()).first().copied()
    }

    /// Ends supervisor and collector as the bootstrap's unit does.
    pub(crate) async fn stop(&mut self) {
        let mut child = self.child.take().expect("a running supervisor");
        let collectors = children(child.id());
        let told = self.unit("KillSignal");
        signal(told.strip_prefix("SIG").expect("a signal"), child.id());
        wait_for("the supervisor to end", || std::future::ready(child.try_wait().expect("its state"))).await;
        for collector in collectors {
            wait_for("the collector to end", || {
                let alive = Path::new(&format!("/proc/{collector}")).exists();
                std::future::ready(if alive { Err(format!("process {collector} lives")) } else { Ok(()) })
            })
            .await;
        }
    }

    fn log_file(&self) -> PathBuf {
        self.folder.join("supervisor.log")
    }

    /// Everything that the supervisor printed so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
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
            tail("the supervisor", &self.log_file());
        }
    }
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
