//! opampsupervisor: `supervisor.yaml`, the token, a systemd unit.
//!
//! The supervisor reads its file strictly: a key that its version does not know stops it. What each version knows is
//! from real runs and sources (opamp.md 3.1, 3.2, 3.6, 3.8).

use linkmesh_proto::api::collector::Bootstrap;

use super::{Host, comment, file, minor, program, quoted, shared_file};
use crate::http::Edge;

const CONFIG: &str = "/etc/opampsupervisor/supervisor.yaml";
const TOKEN: &str = "/etc/opampsupervisor/token.env";
const AUTHORITY: &str = "/etc/opampsupervisor/ca.pem";
const UNIT: &str = "/etc/systemd/system/opampsupervisor.service";
const STORAGE: &str = "/var/lib/otelcol/supervisor";
const SUPERVISOR: &str = "/usr/bin/opampsupervisor";
const COLLECTOR: &str = "/usr/bin/otelcol-contrib";
/// Where both programs are published; the supervisor's tags have a prefix.
const RELEASES: &str = "https://github.com/open-telemetry/opentelemetry-collector-releases/releases";
/// The version that is pinned.
const PINNED: &str = "0.158.0";

/// What a version of the supervisor knows.
struct Knows {
    /// `reports_remote_config` must be there up to 0.160 and must not be from 0.163 on; between, `accepts_remote_config`
    /// turns on both.
    reports_remote_config: bool,
    /// `automatic_config_rollback` and `collector_crash_log_snippet_kib`: 0.158 has them, 0.149 stops at them. Between,
    /// nobody looked: the older form starts everywhere.
    rollback: bool,
    /// Stops cleanly on SIGTERM; 0.149 dies at once and leaves its collector behind.
    sigterm: bool,
}

impl Knows {
    /// Without a version: the pinned one, 0.158.
    fn of(version: Option<&str>) -> Self {
        let minor = version.and_then(minor).unwrap_or(158);
        Self { reports_remote_config: minor <= 160, rollback: minor >= 158, sigterm: minor >= 158 }
    }
}

pub(super) fn bootstrap(edge: &Edge, host: &Host<'_>) -> Bootstrap {
    let knows = Knows::of(host.version);
    let mut files = vec![
        file(TOKEN, "0600", format!("LINKMESH_TOKEN={}\n", host.token)),
        shared_file(CONFIG, config(edge, host, &knows)),
        shared_file(UNIT, unit(&knows)),
    ];
    if let Some(authority) = &edge.authority_pem {
        files.push(file(AUTHORITY, "0644", authority.clone()));
    }
    let version = Some(host.version.unwrap_or(PINNED));
    Bootstrap {
        programs: vec![
            program(SUPERVISOR, "opampsupervisor", version, RELEASES, "cmd%2Fopampsupervisor%2F"),
            program(COLLECTOR, "otelcol-contrib", version, RELEASES, ""),
        ],
        files,
        commands: [
            "id otelcol >/dev/null 2>&1 || useradd --system --home-dir /var/lib/otelcol --shell /usr/sbin/nologin otelcol",
            "install -d -o otelcol -g otelcol -m 0750 /var/lib/otelcol /var/lib/otelcol/supervisor",
            "systemctl daemon-reload",
            "systemctl enable opampsupervisor",
            "systemctl restart opampsupervisor",
        ]
        .map(str::to_owned)
        .to_vec(),
    }
}

fn config(edge: &Edge, host: &Host<'_>, knows: &Knows) -> String {
    let endpoint = format!("{}/v1/opamp", edge.public_url.replacen("http", "ws", 1));
    let mut text = format!(
        "# LinkMesh collector {id}: {name}\n\
         # opampsupervisor refuses keys that its version does not know; this file is for {version}.\n\
         server:\n\
         \x20 endpoint: {endpoint}\n\
         \x20 headers:\n\
         \x20   Authorization: \"Bearer ${{env:LINKMESH_TOKEN}}\"\n",
        id = host.id,
        name = comment(host.name),
        version = host.version.map_or_else(|| "0.158".to_owned(), comment),
        endpoint = quoted(&endpoint),
    );
    if edge.public_url.starts_with("http://") {
        text.push_str("  tls:\n    insecure: true\n");
    } else if edge.authority_pem.is_some() {
        text.push_str(&format!("  tls:\n    ca_file: {AUTHORITY}\n"));
    }
    text.push_str("capabilities:\n  accepts_remote_config: true\n");
    if knows.reports_remote_config {
        text.push_str("  reports_remote_config: true\n");
    }
    text.push_str(
        "  accepts_restart_command: true\n\
         \x20 accepts_opamp_connection_settings: true\n\
         \x20 reports_effective_config: true\n\
         \x20 reports_own_metrics: true\n\
         \x20 reports_health: true\n\
         \x20 reports_available_components: true\n\
         \x20 reports_heartbeat: true\n",
    );
    // The time to apply counts from before the old collector is stopped, and one whose backend hangs is killed after 10 s:
    // with the default of 5 s it could never be given the config that mends it.
    text.push_str(&format!(
        "storage:\n\
         \x20 directory: {STORAGE}\n\
         agent:\n\
         \x20 executable: {COLLECTOR}\n\
         \x20 bootstrap_timeout: 30s\n\
         \x20 config_apply_timeout: 15s\n\
         \x20 passthrough_logs: true\n"
    ));
    if knows.rollback {
        text.push_str("  automatic_config_rollback: true\n  collector_crash_log_snippet_kib: 4\n");
    }
    // `validate_config` stays out: it checks the config before, and refuses good ones for ever after (opamp.md 3.6).
    text
}

fn unit(knows: &Knows) -> String {
    let signal = if knows.sigterm { "SIGTERM" } else { "SIGINT" };
    format!(
        "[Unit]\n\
         Description=OpAMP supervisor, managed by LinkMesh\n\
         After=network-online.target\n\
         Wants=network-online.target\n\
         \n\
         [Service]\n\
         User=otelcol\n\
         Group=otelcol\n\
         EnvironmentFile={TOKEN}\n\
         ExecStart={SUPERVISOR} --config {CONFIG}\n\
         KillMode=mixed\n\
         KillSignal={signal}\n\
         Restart=always\n\
         RestartSec=5s\n\
         \n\
         [Install]\n\
         WantedBy=multi-user.target\n"
    )
}
