//! Grafana Alloy: `config.alloy` with the `remotecfg` block and the push of Alloy's own metrics, and the token's file.
//!
//! The own metrics are scraped and pushed here and not in the remote config (decision 12): this file holds the bearer
//! anyway, survives every push, and sees the remote components too (remotecfg.md 4.11).

use linkmesh_actors::domain::stability;
use linkmesh_proto::api::collector::{Bootstrap, Stability};

use super::{Host, comment, file, program, quoted, shared_file};
use crate::http::Edge;

const PROGRAM: &str = "/usr/bin/alloy";
const RELEASES: &str = "https://github.com/grafana/alloy/releases";
const CONFIG: &str = "/etc/alloy/config.alloy";
const TOKEN: &str = "/etc/alloy/linkmesh.token";
const AUTHORITY: &str = "/etc/alloy/linkmesh-ca.pem";
const OVERRIDE: &str = "/etc/systemd/system/alloy.service.d/linkmesh.conf";

/// What of Alloy's own metrics is pushed: what meters and health need, 8 KB instead of 377 (remotecfg.md 4.11).
const KEEP: &str = "otelcol_(receiver_(accepted|refused|failed)|exporter_(sent|send_failed|enqueue_failed))_\
    (spans|metric_points|log_records)_total|otelcol_processor_(incoming|outgoing)_items_total|\
    otelcol_processor_filter_.*_filtered_total|otelcol_exporter_queue_(size|capacity)|\
    otelcol_exporter_in_flight_requests|loki_(source|write|process)_.*_total|\
    prometheus_remote_storage_samples(_failed)?_total|remotecfg_.*|\
    alloy_component_controller_running_components|alloy_resources_process_.*|up";

/// What a version of Alloy knows.
struct Knows {
    /// The least stability level at which it has a `remotecfg` block: it is generally available from 1.7 on
    /// (remotecfg.md 1.2). Below, the program does not start with this file.
    least: Stability,
    /// What to say to who installs it.
    advice: Option<&'static str>,
}

impl Knows {
    /// Without a version, or with one that cannot be read: the newest.
    fn of(version: Option<&str>) -> Self {
        let general = Stability::GenerallyAvailable;
        match version.and_then(release) {
            Some((1, ..=6, _)) => Self {
                least: Stability::PublicPreview,
                advice: Some("remotecfg is a public preview up to 1.6; the stability level allows for it"),
            },
            // grafana/alloy#3232
            Some((1, 8, 0)) => Self {
                least: general,
                advice: Some("1.8.0 stops polling while it has no config yet; install 1.8.1 or newer"),
            },
            _ => Self { least: general, advice: None },
        }
    }
}

/// Major, minor and patch of `1.18.0` or `v1.18`; `None` for what is no such version.
fn release(version: &str) -> Option<(u32, u32, u32)> {
    let mut parts = version.trim().trim_start_matches('v').splitn(3, '.');
    let (major, minor) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    // `0-rc.1` is of patch 0.
    let patch = parts.next().and_then(|patch| patch.split(['-', '+', '.']).next()?.parse().ok()).unwrap_or(0);
    Some((major, minor, patch))
}

pub(super) fn bootstrap(edge: &Edge, host: &Host<'_>) -> Bootstrap {
    let knows = Knows::of(host.version);
    let stability = host.stability.max(knows.least);
    let run = format!(
        "{PROGRAM} run --stability.level={} --storage.path=/var/lib/alloy/data {CONFIG}",
        stability::flag(stability)
    );
    let mut files = vec![
        file(TOKEN, "0600", host.token.to_owned()),
        shared_file(CONFIG, config(edge, host, &knows)),
        file(OVERRIDE, "0644", unit(&run)),
    ];
    if let Some(authority) = &edge.authority_pem {
        files.push(file(AUTHORITY, "0644", authority.clone()));
    }
    Bootstrap {
        programs: vec![program(PROGRAM, "Grafana Alloy", host.version, RELEASES, "")],
        files,
        commands: vec![
            format!("chown alloy:alloy {TOKEN}"),
            "systemctl daemon-reload".to_owned(),
            "systemctl enable alloy".to_owned(),
            "systemctl restart alloy".to_owned(),
            format!("# without systemd: {run}"),
        ],
    }
}

/// Tabs and aligned `=` as `alloy fmt` writes them.
fn config(edge: &Edge, host: &Host<'_>, knows: &Knows) -> String {
    let url = &edge.public_url;
    let poll = quoted(&format!("{url}/api/v1/remotecfg"));
    let push = quoted(&format!("{url}/api/v1/otlp"));
    let id = quoted(&host.id.to_string());
    let token = quoted(TOKEN);
    let keep = quoted(KEEP);
    let (poll_tls, push_tls) = if edge.authority_pem.is_some() {
        let ca = quoted(AUTHORITY);
        (
            format!("\n\ttls_config {{\n\t\tca_file = {ca}\n\t}}\n"),
            format!("\n\t\ttls {{\n\t\t\tca_file = {ca}\n\t\t}}\n"),
        )
    } else {
        (String::new(), String::new())
    };
    format!(
        "// LinkMesh collector {id_in_comment}: {name}
{advice}// Pipelines come from the server; what stands here stays under your own hand.

remotecfg {{
	url               = {poll}
	id                = {id}
	bearer_token_file = {token}
	poll_frequency    = \"15s\"
	attributes        = {{\"host.name\" = constants.hostname, \"os.type\" = constants.os}}
{poll_tls}}}

prometheus.exporter.self \"linkmesh\" {{ }}

prometheus.scrape \"linkmesh\" {{
	targets         = prometheus.exporter.self.linkmesh.targets
	scrape_interval = \"15s\"
	forward_to      = [prometheus.relabel.linkmesh.receiver]
}}

prometheus.relabel \"linkmesh\" {{
	forward_to = [otelcol.receiver.prometheus.linkmesh.receiver]

	rule {{
		source_labels = [\"__name__\"]
		regex         = {keep}
		action        = \"keep\"
	}}
}}

otelcol.receiver.prometheus \"linkmesh\" {{
	output {{
		metrics = [otelcol.exporter.otlphttp.linkmesh.input]
	}}
}}

local.file \"linkmesh_token\" {{
	filename  = {token}
	is_secret = true
}}

otelcol.auth.bearer \"linkmesh\" {{
	token = local.file.linkmesh_token.content
}}

otelcol.exporter.otlphttp \"linkmesh\" {{
	client {{
		endpoint = {push}
		auth     = otelcol.auth.bearer.linkmesh.handler
{push_tls}	}}

	sending_queue {{
		queue_size = 20
	}}

	retry_on_failure {{
		max_elapsed_time = \"1m\"
	}}
}}
",
        id_in_comment = host.id,
        name = comment(host.name),
        advice = match knows.advice {
            Some(advice) => format!("// Alloy {}: {advice}.\n", comment(host.version.unwrap_or_default())),
            None => String::new(),
        },
    )
}

fn unit(run: &str) -> String {
    format!(
        "# LinkMesh: with the stability level chosen for this collector. Alloy refuses a whole config for one component\n\
         # above it.\n\
         [Service]\n\
         ExecStart=\n\
         ExecStart={run}\n"
    )
}
