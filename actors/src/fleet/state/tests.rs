use linkmesh_proto::{
    Timestamp,
    api::pipeline::PipelineDocument,
    wire::opamp::{AvailableComponents, ComponentDetails},
};

use super::*;
use crate::{
    domain::{
        config::Versioned,
        document::{parse_destination, parse_pipeline},
        secret::SealError,
    },
    ports::CollectorRecord,
    testing::PlainSealer,
};

struct Fleet {
    state: FleetState,
    directory: Directory,
    components: ComponentRegistry,
    sealer: Box<dyn Sealer>,
    config: ConfigSnapshot,
}

fn id(number: u32) -> CollectorId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    CollectorId::from_bytes(bytes)
}

fn pipeline(matcher: &str, port: u16) -> PipelineDocument {
    parse_pipeline(&format!(
        "name: P\nsignals: [logs]\nmatch: ['{matcher}']\nsources:\n  - {{id: apps, kind: otlp, settings: {{grpc: \
         {{endpoint: \"0.0.0.0:{port}\"}}}}}}\ndestinations: [screen]\n"
    ))
    .unwrap()
}

impl Fleet {
    /// Collectors 0 to `count`, each with `env` of one of ten values.
    fn new(count: u32) -> Self {
        let directory = Directory::default();
        for number in 0..count {
            let record: CollectorRecord = serde_json::from_value(serde_json::json!({
                "id": id(number), "name": format!("host-{number}"), "runtime": "otelcol",
                "created_at": Timestamp::from_millis(0),
                "row": {"reported": {"env": format!("e{}", number % 10), "host.name": format!("host-{number}")}},
            }))
            .unwrap();
            directory.insert(Arc::new(Slot::new(record, None)));
        }
        let mut config = ConfigSnapshot::default();
        let screen = parse_destination("name: Screen\nkind: debug\n").unwrap();
        config.destinations.insert("screen".parse().unwrap(), Arc::new(Versioned::unsaved(screen)));
        let state = FleetState::default();
        let (components, sealer) = (ComponentRegistry::default(), Box::<PlainSealer>::default());
        let mut fleet = Self { state, directory, components, sealer, config };
        fleet.look((0..count).map(id));
        fleet
    }

    fn set(&mut self, name: &str, document: PipelineDocument) {
        self.config.pipelines.insert(name.parse().unwrap(), Arc::new(Versioned::unsaved(document)));
    }

    fn look(&mut self, changed: impl IntoIterator<Item = CollectorId>) -> Vec<Touched> {
        let world = World {
            config: Arc::new(self.config.clone()),
            directory: &self.directory,
            components: &self.components,
            sealer: &*self.sealer,
            now: Duration::from_secs(1),
        };
        self.state.reconcile(&world, changed.into_iter().collect()).touched
    }

    fn place(&self, number: u32) -> Arc<Place> {
        self.directory.slot(id(number)).unwrap().place()
    }
}

#[test]
fn collectors_with_the_same_pipelines_share_one_text() {
    let mut fleet = Fleet::new(100);
    fleet.set("a", pipeline(r#"env="e1""#, 4317));
    assert_eq!(fleet.look([]).len(), 10);
    let (one, other) = (fleet.place(1), fleet.place(11));
    assert!(Arc::ptr_eq(one.text.as_ref().unwrap(), other.text.as_ref().unwrap()));
    assert!(fleet.place(2).text.is_none(), "nothing matches it, and it was never given anything");
    assert_eq!(fleet.look([]).len(), 0, "looking again changes nothing");
    assert_eq!(fleet.state.counts(), BTreeMap::from([("a".parse().unwrap(), 10)]));
}

#[test]
fn change_touches_only_what_it_changes() {
    let mut fleet = Fleet::new(100);
    fleet.set("a", pipeline(r#"env="e1""#, 4317));
    fleet.set("b", pipeline(r#"env=~"e[12]""#, 4318));
    assert_eq!(fleet.look([]).len(), 20);
    // The text of one.
    fleet.set("a", pipeline(r#"env="e1""#, 4319));
    assert_eq!(fleet.look([]).len(), 10);
    // The matchers of the other: e2 out, e3 in.
    fleet.set("b", pipeline(r#"env=~"e[13]""#, 4318));
    let touched = fleet.look([]);
    assert_eq!(touched.len(), 20);
    assert!(fleet.place(2).text.is_none() && fleet.place(3).text.is_some() && fleet.place(4).text.is_none());
}

#[test]
fn configured_collector_that_nothing_matches_any_more_gets_the_empty_document() {
    let mut fleet = Fleet::new(10);
    fleet.set("a", pipeline(r#"env="e1""#, 4317));
    fleet.look([]);
    fleet.directory.slot(id(1)).unwrap().update_record(|record| record.row.ever_configured = true);
    fleet.config.pipelines.clear();
    assert_eq!(fleet.look([]).len(), 1);
    let text = fleet.place(1).text.clone().unwrap();
    assert!(text.desired.text().contains("nop"), "{}", text.desired.text());
}

#[test]
fn restarted_fleet_touches_nobody() {
    let mut fleet = Fleet::new(50);
    fleet.set("a", pipeline(r#"collector.id=~".+""#, 4317));
    assert_eq!(fleet.look([]).len(), 50);
    fleet.state = FleetState::default();
    assert_eq!(fleet.look((0..50).map(id)).len(), 0);
}

#[test]
fn text_that_cannot_be_rendered_leaves_what_is_there_and_says_why() {
    let mut fleet = Fleet::new(10);
    fleet.set("a", pipeline(r#"env="e1""#, 4317));
    fleet.look([]);
    let before = fleet.place(1).text.clone().unwrap();
    fleet.config.destinations.clear();
    fleet.look([]);
    let place = fleet.place(1);
    assert_eq!(place.text.as_ref().unwrap().desired.hash(), before.desired.hash());
    assert!(place.problem.as_ref().unwrap().contains("screen"), "{:?}", place.problem);
}

/// Has a fault.
struct Faulty;

impl Sealer for Faulty {
    fn seal(&self, plain: &str) -> String {
        plain.to_owned()
    }

    fn open(&self, blob: &str) -> Result<String, SealError> {
        panic!("no way with {blob}")
    }
}

#[test]
fn fault_in_rendering_is_the_problem_of_those_who_share_the_text_and_of_no_others() {
    let mut fleet = Fleet::new(10);
    fleet.sealer = Box::new(Faulty);
    let secret =
        "name: S\nkind: otlp_http\nsettings: {endpoint: \"https://x.example\", headers: {x-key: {sealed: lms1.a.b}}}\n";
    let secret = parse_destination(secret).unwrap();
    fleet.config.destinations.insert("secret".parse().unwrap(), Arc::new(Versioned::unsaved(secret)));
    let mut faulty = pipeline(r#"env="e1""#, 4317);
    faulty.destinations = serde_json::from_value(serde_json::json!(["secret"])).unwrap();
    fleet.set("faulty", faulty);
    fleet.set("good", pipeline(r#"env="e2""#, 4317));
    fleet.look([]);
    assert!(fleet.place(2).text.is_some());
    let stuck = fleet.place(1);
    assert!(stuck.text.is_none());
    let problem = stuck.problem.as_ref().unwrap();
    assert!(problem.contains("fault of LinkMesh") && problem.contains("no way"), "{problem}");
}

#[test]
fn alloy_below_a_components_level_keeps_what_it_has_and_says_why() {
    let mut fleet = Fleet::new(0);
    for (number, stability) in [(100, "generally-available"), (101, "experimental")] {
        let record: CollectorRecord = serde_json::from_value(serde_json::json!({
            "id": id(number), "name": format!("alloy-{number}"), "runtime": "alloy", "stability": stability,
            "created_at": Timestamp::from_millis(0), "row": {"reported": {"env": "a"}},
        }))
        .unwrap();
        fleet.directory.insert(Arc::new(Slot::new(record, None)));
    }
    let sink =
        parse_destination("name: Sink\nkind: otlp_http\nsettings: {endpoint: \"http://127.0.0.1:1\"}\n").unwrap();
    fleet.config.destinations.insert("sink".parse().unwrap(), Arc::new(Versioned::unsaved(sink)));
    let mut harmless = pipeline(r#"env="a""#, 4317);
    harmless.destinations = serde_json::from_value(serde_json::json!(["sink"])).unwrap();
    fleet.set("plain", harmless);
    assert_eq!(fleet.look([id(100), id(101)]).len(), 2);
    let plain = fleet.place(100).text.clone().unwrap();
    fleet.state.take_unsettled();

    // A pipeline that sends to a component at a level of experiments.
    fleet.set("noisy", pipeline(r#"env="a""#, 4318));
    let touched = fleet.look([]);
    assert_eq!(touched.iter().map(|touched| touched.slot.id()).collect::<Vec<_>>(), [id(101)]);
    let kept = fleet.place(100);
    assert_eq!(kept.text.as_ref().unwrap().desired.hash(), plain.desired.hash());
    let problem = kept.problem.as_ref().unwrap();
    for named in ["noisy", "otelcol.exporter.debug", "experimental", "generally-available"] {
        assert!(problem.contains(named), "{problem}");
    }
    assert_eq!(fleet.place(101).problem, None);
    assert_eq!(fleet.state.take_unsettled(), [id(100)], "it is to be shown");
    let row = fleet.directory.slot(id(100)).unwrap().row();
    assert_eq!(row.error.as_deref(), Some(&**problem));

    // And it goes by itself.
    fleet.config.pipelines.remove(&"noisy".parse::<PipelineId>().unwrap());
    fleet.look([]);
    assert_eq!(fleet.place(100).problem, None);
    assert_eq!(fleet.state.take_unsettled(), [id(100)]);
}

#[test]
fn changed_attribute_moves_one_collector_and_deregistered_ones_leave() {
    let mut fleet = Fleet::new(30);
    fleet.set("a", pipeline(r#"env="e1""#, 4317));
    fleet.look([]);
    let slot = fleet.directory.slot(id(2)).unwrap();
    slot.update_record(|record| drop(Arc::make_mut(&mut record.row.reported).insert("env".into(), "e1".into())));
    let touched = fleet.look([id(2)]);
    assert_eq!(touched.iter().map(|t| t.slot.id()).collect::<Vec<_>>(), [id(2)]);
    slot.update_record(|record| record.deregistered_at = Some(Timestamp::from_millis(1)));
    fleet.look([id(2)]);
    assert_eq!(fleet.state.counts().values().sum::<u64>(), 3);
}

#[test]
fn collectors_are_matched_by_index() {
    let mut fleet = Fleet::new(1_000);
    for n in 0..100 {
        fleet.set(&format!("p{n}"), pipeline(&format!(r#"host.name="host-{n}""#), 4317));
    }
    assert_eq!(fleet.look([]).len(), 100);
    assert_eq!(fleet.state.index.candidates(&fleet.place(7).attributes).count(), 1);
}

/// Something that changes a fleet.
#[derive(Debug, Clone)]
enum Step {
    /// Pipeline `p<n>` matches `env` by this expression and listens on this port.
    Put(u8, &'static str, u16),
    /// Pipeline `p<n>` goes.
    Remove(u8),
    /// This collector reports another `env`.
    Move(u32, &'static str),
    /// This collector is deregistered.
    Deregister(u32),
}

fn steps() -> impl proptest::strategy::Strategy<Value = Vec<Step>> {
    use proptest::prelude::*;
    let matcher = prop::sample::select(vec![r#"env="a""#, r#"env="b""#, r#"env=~"a|b""#, r#"env!="a""#, r#"env="""#]);
    let env = prop::sample::select(vec!["a", "b", "c", ""]);
    let step = prop_oneof![
        4 => (0..3_u8, matcher, 4317..4320_u16).prop_map(|(n, matcher, port)| Step::Put(n, matcher, port)),
        1 => (0..3_u8).prop_map(Step::Remove),
        3 => (0..5_u32, env).prop_map(|(n, env)| Step::Move(n, env)),
        1 => (0..5_u32).prop_map(Step::Deregister),
    ];
    prop::collection::vec(step, 1..12)
}

impl Fleet {
    fn take(&mut self, step: &Step) -> Vec<CollectorId> {
        match step {
            Step::Put(n, matcher, port) => self.set(&format!("p{n}"), pipeline(matcher, *port)),
            Step::Remove(n) => drop(self.config.pipelines.remove(&format!("p{n}").parse::<PipelineId>().unwrap())),
            Step::Move(n, env) => {
                let slot = self.directory.slot(id(*n)).unwrap();
                slot.update_record(|record| {
                    drop(Arc::make_mut(&mut record.row.reported).insert("env".into(), (*env).into()));
                });
                return vec![id(*n)];
            }
            Step::Deregister(n) => {
                let slot = self.directory.slot(id(*n)).unwrap();
                slot.update_record(|record| record.deregistered_at = Some(Timestamp::from_millis(1)));
                return vec![id(*n)];
            }
        }
        Vec::new()
    }

    /// What each registered collector should run.
    fn desired(&self) -> Vec<(u32, Vec<PipelineId>, Option<linkmesh_proto::ConfigHash>)> {
        let registered = (0..5).filter(|number| !self.directory.slot(id(*number)).unwrap().is_deregistered());
        let desired = |number| {
            let place = self.place(number);
            (number, place.pipelines.to_vec(), place.text.as_ref().map(|text| text.desired.hash()))
        };
        registered.map(desired).collect()
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// Step by step or all at once: every collector should run the same.
    #[test]
    fn small_looks_end_where_one_look_at_everything_ends(steps in steps()) {
        let mut stepwise = Fleet::new(5);
        let mut at_once = Fleet::new(5);
        for step in &steps {
            let changed = stepwise.take(step);
            stepwise.look(changed);
            at_once.take(step);
        }
        at_once.state = FleetState::default();
        at_once.look((0..5).map(id));
        proptest::prop_assert_eq!(stepwise.desired(), at_once.desired());
        proptest::prop_assert_eq!(stepwise.state.counts(), at_once.state.counts());
    }
}

#[test]
fn otelcol_whose_build_lacks_a_component_keeps_what_it_has_and_says_what() {
    let mut fleet = Fleet::new(20);
    fleet.set("a", pipeline(r#"env="e1""#, 4317));
    fleet.look([]);
    let before = fleet.place(1).text.clone().unwrap();
    // Two of them tell their build, one with another exporter than the pipeline sends to.
    let section = |types: &[&str]| ComponentDetails {
        sub_component_map: types.iter().map(|kind| ((*kind).to_owned(), ComponentDetails::default())).collect(),
        ..Default::default()
    };
    for (number, exporter) in [(1, "otlp_http"), (11, "debug")] {
        let sections = [
            ("receivers", section(&["otlp"])),
            ("processors", section(&["memory_limiter", "filter"])),
            ("exporters", section(&[exporter])),
        ];
        let components = sections.map(|(name, section)| (name.to_owned(), section)).into();
        let tree = AvailableComponents { components, ..Default::default() };
        let hash = crate::collector::hash_of(&tree);
        fleet.components.insert(&hash, &tree);
        let hash = hex::encode(hash);
        fleet
            .directory
            .slot(id(number))
            .unwrap()
            .update_record(|record| record.row.components_hash = Some(hash.clone()));
    }
    fleet.state.take_unsettled();
    assert_eq!(fleet.look([id(1), id(11)]).len(), 0, "it is left as it is");
    let problem = fleet.place(1).problem.clone().unwrap();
    assert!(problem.contains("lacks exporters/debug:"), "{problem}");
    assert_eq!(fleet.place(1).text.as_ref().unwrap().desired.hash(), before.desired.hash());
    assert_eq!((fleet.place(11).problem.clone(), fleet.state.take_unsettled()), (None, vec![id(1)]));
    // What comes later is not offered to it either.
    fleet.set("a", pipeline(r#"env="e1""#, 4319));
    let touched = fleet.look([]);
    assert_eq!(touched.iter().map(|touched| touched.slot.id()).collect::<Vec<_>>(), [id(11)]);
    assert_eq!(fleet.place(1).text.as_ref().unwrap().desired.hash(), before.desired.hash());
}

proptest::proptest! {
    /// Whatever is saved, and whoever changes, everybody runs what matches and nothing else.
    #[test]
    fn everybody_runs_what_matches(
        steps in proptest::collection::vec((0_u8..4, 0..4_u32, 0..6_usize), 1..12),
    ) {
        const MATCHERS: [&str; 6] =
            [r#"env="e1""#, r#"env="e2""#, r#"host.name="host-3""#, r#"env=~"e[13]""#, r#"gone="""#, r#"env="""#];
        let mut fleet = Fleet::new(20);
        for (what, which, choice) in steps {
            let name = format!("p{which}");
            match what {
                0 | 1 => {
                    let port = 4000 + u16::try_from(which).unwrap();
                    fleet.set(&name, PipelineDocument { enabled: what == 0, ..pipeline(MATCHERS[choice], port) });
                }
                2 => drop(fleet.config.pipelines.remove(&name.parse::<PipelineId>().unwrap())),
                _ => {
                    let slot = fleet.directory.slot(id(which)).unwrap();
                    slot.update_record(|record| drop(Arc::make_mut(&mut record.row.reported).insert("env".to_owned(), format!("e{choice}"))));
                    fleet.look([id(which)]);
                }
            }
            fleet.look([]);
            for number in 0..20 {
                let place = fleet.place(number);
                let matching = fleet.config.pipelines.iter().filter(|(_, pipeline)| {
                    let matchers = MatcherSet::parse(&pipeline.document.matchers).unwrap();
                    pipeline.document.enabled && matchers.matches(&*place.attributes)
                });
                let expected: Vec<&PipelineId> = matching.map(|(id, _)| id).collect();
                proptest::prop_assert_eq!(place.pipelines.iter().collect::<Vec<_>>(), expected);
            }
        }
    }
}
