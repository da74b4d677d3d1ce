//! A fleet in memory without actors, for measuring what a save costs.

use std::{sync::Arc, time::Duration};

use linkmesh_proto::{CollectorId, PipelineId, Timestamp};

use super::PlainSealer;
use crate::{
    collector::ComponentRegistry,
    directory::{Directory, Slot},
    domain::{
        config::{ConfigSnapshot, Versioned},
        document::{parse_destination, parse_pipeline},
    },
    fleet::state::{FleetState, World},
};

/// A repository of `pipelines` pipelines of the usual kind: files and OTLP in, two filters, two processors, two
/// destinations of five. `matcher` says who runs each.
#[must_use]
pub fn repository(pipelines: usize, matcher: impl Fn(usize) -> String) -> ConfigSnapshot {
    let mut config = ConfigSnapshot::default();
    for number in 0..5 {
        let text = format!(
            "name: D\nkind: otlp_http\nsettings: {{endpoint: 'https://otlp-{number}.example.com', headers: {{Authorization: 'Bearer ${{env:TOKEN}}'}}}}\n"
        );
        let document = parse_destination(&text).expect("a destination");
        config
            .destinations
            .insert(format!("d-{number}").parse().expect("an id"), Arc::new(Versioned::unsaved(document)));
    }
    for number in 0..pipelines {
        put_pipeline(&mut config, number, &matcher(number), "info");
    }
    config
}

/// Puts pipeline `number` into a repository.
fn put_pipeline(config: &mut ConfigSnapshot, number: usize, matcher: &str, minimum: &str) {
    let text = format!(
        "name: P{number}\nsignals: [logs, metrics]\nmatch: ['{matcher}']\nsources:\n\
         \x20 - {{id: files, kind: file_log, settings: {{include: ['/var/log/app-{number}/*.log']}}}}\n\
         \x20 - {{id: hosts, kind: host_metrics}}\n\
         \x20 - {{id: apps, kind: otlp, settings: {{http: {{endpoint: '127.0.0.1:{port}'}}}}}}\n\
         filters:\n\
         \x20 - {{id: loud, kind: severity, settings: {{minimum: {minimum}}}}}\n\
         \x20 - {{id: health, kind: ottl, settings: {{condition: 'IsMatch(body, \"GET /healthz\")', action: drop, signals: [logs]}}}}\n\
         processors:\n\
         \x20 - {{id: env, kind: attributes, settings: {{actions: [{{action: set, key: env, value: prod}}, {{action: hash, key: user}}]}}}}\n\
         \x20 - {{id: batch, kind: batch}}\n\
         destinations: [d-{first}, d-{second}]\n",
        port = 10_000 + number,
        first = number % 5,
        second = (number + 1) % 5,
    );
    let document = parse_pipeline(&text).expect("a pipeline");
    config.pipelines.insert(pipeline_id(number), Arc::new(Versioned::unsaved(document)));
}

fn pipeline_id(number: usize) -> PipelineId {
    format!("p-{number}").parse().expect("an id")
}

/// Collectors in groups of the same size, each group with a pipeline of its own and all with one more.
pub struct ComputedFleet {
    state: FleetState,
    directory: Directory,
    components: ComponentRegistry,
    sealer: PlainSealer,
    config: ConfigSnapshot,
    saves: usize,
}

impl ComputedFleet {
    /// So many collectors in so many groups, all of them with what they should run.
    #[must_use]
    pub fn new(collectors: u32, groups: u32) -> Self {
        let directory = Directory::default();
        let mut ids = Vec::new();
        for number in 0..collectors {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            let id = CollectorId::from_bytes(bytes);
            let record = serde_json::from_value(serde_json::json!({
                "id": id, "name": format!("host-{number}"), "runtime": "otelcol", "created_at": Timestamp::from_millis(0),
                "row": {"reported": {
                    "group": format!("g{}", number % groups), "host.name": format!("host-{number}"), "os.type": "linux",
                }},
            }));
            directory.insert(Arc::new(Slot::new(record.expect("a record"), None)));
            ids.push(id);
        }
        let matcher = |number: usize| match number {
            0 => "os.type=linux".to_owned(),
            number => format!("group=g{}", number - 1),
        };
        let config = repository(groups as usize + 1, matcher);
        let (state, components, sealer) = <(FleetState, ComponentRegistry, PlainSealer)>::default();
        let mut fleet = Self { state, directory, components, sealer, config, saves: 0 };
        assert_eq!(fleet.look(ids), collectors as usize);
        fleet
    }

    /// Changes the pipeline of one group and computes what is desired now; how many collectors that touches.
    pub fn save_for_one_group(&mut self) -> usize {
        self.saves += 1;
        let minimum = ["warn", "info"][self.saves % 2];
        put_pipeline(&mut self.config, 1, "group=g0", minimum);
        self.look(Vec::new())
    }

    /// Changes the pipeline that all run.
    pub fn save_for_all(&mut self) -> usize {
        self.saves += 1;
        let minimum = ["warn", "info"][self.saves % 2];
        put_pipeline(&mut self.config, 0, "os.type=linux", minimum);
        self.look(Vec::new())
    }

    /// Changes whom a pipeline matches: from a group to another and back.
    pub fn save_other_matchers(&mut self) -> usize {
        self.saves += 1;
        let matcher = ["group=g0", "group=g1"][self.saves % 2];
        put_pipeline(&mut self.config, 1, matcher, "info");
        self.look(Vec::new())
    }

    fn look(&mut self, changed: Vec<CollectorId>) -> usize {
        let world = World {
            config: Arc::new(self.config.clone()),
            directory: &self.directory,
            components: &self.components,
            sealer: &self.sealer,
            now: Duration::from_secs(1),
        };
        self.state.reconcile(&world, changed.into_iter().collect()).touched.len()
    }
}
