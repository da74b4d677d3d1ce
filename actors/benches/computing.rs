//! What rendering, validating and recomputing a fleet cost, without server, disk and network: `make bench`.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a table is printed, and what is measured is known to work"
)]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use linkmesh_actors::{
    domain::validate::{CollectorFacts, FleetFacts, validate_pipeline},
    render::{RenderTarget, render},
    testing::{
        PlainSealer,
        computing::{ComputedFleet, repository},
    },
};
use linkmesh_proto::{
    CollectorId, PipelineId,
    api::collector::{Runtime, Stability},
};

/// Runs something often enough to say how long it takes: median and worst.
fn measure<T>(what: &str, bar: &str, times: usize, mut run: impl FnMut() -> T) {
    let mut took: Vec<Duration> = (0..times)
        .map(|_| {
            let begun = Instant::now();
            black_box(run());
            begun.elapsed()
        })
        .collect();
    took.sort_unstable();
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    println!("| {what} | {:.2} ms | {:.2} ms | {bar} |", ms(took[times / 2]), ms(took[times - 1]));
}

fn main() {
    println!("| what | median | worst | bar |\n|---|---|---|---|");
    let config = repository(50, |_| "os.type=linux".to_owned());
    let pipelines: Vec<PipelineId> = config.pipelines.keys().cloned().collect();
    let sealer = PlainSealer::default();
    for (name, runtime) in [("otelcol", Runtime::Otelcol), ("Alloy", Runtime::Alloy)] {
        let target = RenderTarget::plain(runtime);
        measure(&format!("a collector with 50 pipelines is rendered for {name}"), "2 ms", 200, || {
            render(&config, &pipelines, &target, &sealer).expect("a text")
        });
    }

    let collectors: Vec<CollectorFacts> = (0..5_000_u32)
        .map(|number| {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&number.to_be_bytes());
            let name = format!("host-{number}");
            CollectorFacts {
                id: CollectorId::from_bytes(id),
                attributes: std::sync::Arc::new(
                    [("os.type", "linux"), ("host.name", &name)].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
                ),
                name: name.as_str().into(),
                runtime: if number % 2 == 0 { Runtime::Otelcol } else { Runtime::Alloy },
                stability: Stability::Experimental,
                version: None,
                components: None,
            }
        })
        .collect();
    let id = &pipelines[0];
    measure("a pipeline that 5,000 collectors match is validated beside 49 others", "100 ms", 50, || {
        validate_pipeline(id, &config.pipelines[id].document, &config, &FleetFacts { collectors: &collectors })
    });

    for (collectors, groups) in [(10_000, 200), (100_000, 200), (100_000, 20)] {
        let mut fleet = ComputedFleet::new(collectors, groups);
        let of = format!("of {collectors} collectors in {groups} groups");
        measure(&format!("a save for one group {of} is computed"), "300 ms", 20, || fleet.save_for_one_group());
        measure(&format!("a save of other matchers {of}"), "300 ms", 20, || fleet.save_other_matchers());
        measure(&format!("a save for all {of}"), "", 5, || fleet.save_for_all());
    }
}
