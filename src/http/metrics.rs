//! `GET /metrics`: facts about the server for Prometheus. No label has unbounded values; no collector's id is one.

mod text;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use actix_web::{HttpResponse, web};
use linkmesh_actors::{
    domain::access::Permission,
    fleet::{CollectorQuery, FleetHandle},
    runtime::{Counter, Histogram, Observe},
};
use linkmesh_proto::api::collector::{CollectorStatus, Runtime};
use parking_lot::Mutex;

use self::text::{Kind, Text};
use super::{
    AppState,
    budget::Budget,
    routes::{Access, Route},
};
use crate::error::{Error, Result};

/// Requests by route and status, and how long they took.
#[derive(Default)]
pub struct HttpMetrics {
    routes: Mutex<HashMap<&'static str, Arc<RouteMetrics>>>,
}

#[derive(Default)]
struct RouteMetrics {
    by_status: Mutex<Vec<(u16, u64)>>,
    duration: Histogram,
}

impl HttpMetrics {
    /// Counts one answered request.
    pub fn observe(&self, route: &'static str, status: u16, duration: Duration) {
        let metrics = Arc::clone(self.routes.lock().entry(route).or_default());
        metrics.duration.observe(duration);
        let mut by_status = metrics.by_status.lock();
        match by_status.iter_mut().find(|(known, _)| *known == status) {
            Some((_, count)) => *count += 1,
            None => by_status.push((status, 1)),
        }
    }

    fn sorted(&self) -> Vec<(&'static str, Arc<RouteMetrics>)> {
        let mut routes: Vec<_> = self.routes.lock().iter().map(|(route, m)| (*route, Arc::clone(m))).collect();
        routes.sort_by_key(|(route, _)| *route);
        routes
    }
}

/// Connections that last, by kind. Whoever holds one holds an [`Open`].
#[derive(Default)]
pub struct Connections {
    /// OpAMP WebSockets.
    pub opamp: OpenCount,
    /// What became of collectors' connections.
    pub collectors: Arc<CollectorCounts>,
    /// Readers of the live feed.
    pub feed: OpenCount,
}

/// What became of collectors' connections.
#[derive(Debug, Default)]
pub struct CollectorCounts {
    /// OpAMP sockets that were opened.
    pub sockets_opened: Counter,
    /// Upgrades that were turned away.
    pub sockets_refused: Counter,
    /// Sockets that were cut because their peer sent too fast, did not read, or was silent.
    pub sockets_cut: Counter,
    /// Sockets that were closed because a message was over the limit.
    pub sockets_too_large: Counter,
    /// Requests whose body did not arrive in time.
    pub bodies_late: Counter,
}

/// How many of one kind are open.
#[derive(Clone, Default)]
pub struct OpenCount(Arc<AtomicU64>);

impl OpenCount {
    /// Counts one more until the returned value is dropped.
    #[must_use]
    pub fn open(&self) -> Open {
        self.0.fetch_add(1, Ordering::Relaxed);
        Open(Arc::clone(&self.0))
    }

    /// How many there are.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One open connection.
pub struct Open(Arc<AtomicU64>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(
            "/metrics",
            "get_metrics",
            Access::Needs(Permission::ServerRead),
            "Facts about the server in Prometheus's text format.",
            get_metrics,
        )
        .answers_text(200, "The samples.", text::CONTENT_TYPE),
    ]
}

async fn get_metrics(state: web::Data<AppState>) -> Result<HttpResponse> {
    // Counts the fleet and reads /proc: off the worker.
    let text = web::block(move || {
        let mut text = Text::new();
        process(&mut text);
        fleet(&mut text, &state.handles.fleet);
        connections(&mut text, &state.connections);
        unfinished(&mut text, [&state.budget, &state.strangers_budget]);
        unsent(&mut text, [&state.unsent, &state.strangers_unsent]);
        observed(&mut text, &state.handles.observe);
        requests(&mut text, &state.http_metrics);
        text.finish()
    });
    let text = text.await.map_err(Error::internal)?;
    Ok(HttpResponse::Ok().content_type(text::CONTENT_TYPE).body(text))
}

fn process(text: &mut Text) {
    text.family("build_info", Kind::Gauge, "The version that runs; always 1.");
    text.sample("", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    if let Some(bytes) = resident_bytes() {
        text.family("process_resident_memory_bytes", Kind::Gauge, "Memory of the process that is in RAM.");
        text.sample("", &[], bytes);
    }
}

/// From `/proc`; absent on other systems.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

fn fleet(text: &mut Text, fleet: &FleetHandle) {
    text.family("collectors", Kind::Gauge, "Collectors by program and status.");
    for (runtime, runtime_name) in [(Runtime::Alloy, "alloy"), (Runtime::Otelcol, "otelcol")] {
        for (status, status_name) in [
            (CollectorStatus::Pending, "pending"),
            (CollectorStatus::Connected, "connected"),
            (CollectorStatus::Degraded, "degraded"),
            (CollectorStatus::Offline, "offline"),
            (CollectorStatus::Deregistered, "deregistered"),
        ] {
            let query =
                CollectorQuery { runtime: Some(runtime), status: Some(status), limit: 1, ..CollectorQuery::default() };
            // Without matchers and cursor there is nothing that could be wrong with the query.
            let count = fleet.collectors(&query).map_or(0, |page| page.total);
            text.sample("", &[("runtime", runtime_name), ("status", status_name)], count);
        }
    }
}

fn connections(text: &mut Text, connections: &Connections) {
    text.family("connections", Kind::Gauge, "Open connections that last: OpAMP sockets and readers of the feed.");
    text.sample("", &[("kind", "opamp")], connections.opamp.get());
    text.sample("", &[("kind", "feed")], connections.feed.get());
    let counts = &connections.collectors;
    text.family("opamp_sockets_total", Kind::Counter, "OpAMP sockets by what became of them.");
    for (event, counter) in [
        ("opened", &counts.sockets_opened),
        ("refused", &counts.sockets_refused),
        ("cut", &counts.sockets_cut),
        ("too_large", &counts.sockets_too_large),
    ] {
        text.sample("", &[("event", event)], counter.get());
    }
    text.family("bodies_late_total", Kind::Counter, "Requests whose body did not arrive in time.");
    text.sample("", &[], counts.bodies_late.get());
}

fn unfinished(text: &mut Text, budgets: [&Budget; 2]) {
    text.family("unfinished_bytes", Kind::Gauge, "What messages and bodies that are not whole hold of memory.");
    text.sample("", &[], budgets.map(Budget::held).iter().sum::<usize>());
    text.family("unfinished_refused_total", Kind::Counter, "Messages and bodies that there was no memory for.");
    text.sample("", &[], budgets.map(|budget| budget.refused.get()).iter().sum::<u64>());
}

fn unsent(text: &mut Text, budgets: [&Budget; 2]) {
    text.family("unsent_bytes", Kind::Gauge, "What large answers that are not read yet hold of memory.");
    text.sample("", &[], budgets.map(Budget::held).iter().sum::<usize>());
    text.family("unsent_refused_total", Kind::Counter, "Answers that there was no memory for.");
    text.sample("", &[], budgets.map(|budget| budget.refused.get()).iter().sum::<u64>());
}

fn observed(text: &mut Text, observe: &Observe) {
    let mut counts = |name: &str, help: &str, label: &str, values: &[(&str, &Counter)]| {
        text.family(name, Kind::Counter, help);
        for (value, counter) in values {
            let labels: &[(&str, &str)] = if label.is_empty() { &[] } else { &[(label, value)] };
            text.sample("", labels, counter.get());
        }
    };
    counts(
        "opamp_messages_total",
        "OpAMP messages.",
        "direction",
        &[
            ("received", &observe.opamp_received),
            ("sent", &observe.opamp_sent),
            ("malformed", &observe.opamp_malformed),
        ],
    );
    counts(
        "remotecfg_polls_total",
        "Polls of Alloys.",
        "result",
        &[
            ("unchanged", &observe.polls_unchanged),
            ("changed", &observe.polls_changed),
            ("reported", &observe.polls_reported),
            ("refused", &observe.polls_refused),
        ],
    );
    counts(
        "config_pushes_total",
        "Configs offered to collectors and served to Alloys, and what became of them.",
        "result",
        &[
            ("offered", &observe.pushes_offered),
            ("applied", &observe.pushes_applied),
            ("failed", &observe.pushes_failed),
        ],
    );
    counts("feed_events_total", "Events on the live feed.", "", &[("", &observe.feed_published)]);
    counts("feed_readers_dropped_total", "Readers dropped for being slow.", "", &[("", &observe.feed_dropped)]);
    counts("opamp_full_states_asked_total", "Full states asked of agents.", "", &[("", &observe.full_states_asked)]);
    counts("sessions_cut_total", "Sessions ended because their peer did not read.", "", &[("", &observe.sessions_cut)]);

    let actors = observe.actors();
    text.family("mailbox_full_total", Kind::Counter, "Messages that found a full mailbox or queue.");
    for actor in &actors {
        text.sample("", &[("actor", actor.name)], actor.mailbox_full.get());
    }
    text.family("actor_restarts_total", Kind::Counter, "Rebuilds of actors after a panic or an unasked end.");
    for actor in &actors {
        text.sample("", &[("actor", actor.name)], actor.restarts.get());
    }
    for (name, help, histogram) in [
        ("push_latency_seconds", "From a commit to the offer of what follows from it.", &observe.push_latency),
        ("commit_latency_seconds", "One batch of commits.", &observe.commit_latency),
        (
            "store_write_latency_seconds",
            "One write to the state store, from its entering the queue to its answer.",
            &observe.store_write_latency,
        ),
    ] {
        text.family(name, Kind::Histogram, help);
        text.histogram(&[], histogram);
    }
}

fn requests(text: &mut Text, metrics: &HttpMetrics) {
    let routes = metrics.sorted();
    text.family("http_requests_total", Kind::Counter, "Requests answered, by the route's pattern.");
    for (route, metrics) in &routes {
        let mut by_status = metrics.by_status.lock().clone();
        by_status.sort_unstable();
        for (status, count) in by_status {
            text.sample("", &[("route", route), ("status", &status.to_string())], count);
        }
    }
    text.family("http_request_duration_seconds", Kind::Histogram, "From the request's head to the answer's head.");
    for (route, metrics) in &routes {
        text.histogram(&[("route", route)], &metrics.duration);
    }
}
