//! Whether the collectors that a document touches can run it: their runtime, stability level, operating system, build,
//! and the addresses that other pipelines bind there.

use std::{collections::BTreeMap, sync::Arc};

use linkmesh_proto::{
    PipelineId,
    api::{catalogue::Role, collector::Runtime},
};

use super::{CollectorFacts, Part};
use crate::{
    catalog::{AlloySite, Bind, Findings, OtelcolSite, Outputs, catalogue},
    domain::{
        components::{BuildComponents, ComponentClass},
        config::ConfigSnapshot,
        matcher::{AttributeLookup, MatcherSet},
        problem::Path,
        resolve::{collision, unopened},
        stability,
    },
};

/// How many collectors a message names before it says how many more there are.
const NAMED: usize = 5;

/// `web-1, web-2 and 3 more`
fn names<'a>(collectors: impl IntoIterator<Item = &'a CollectorFacts>) -> String {
    let mut names: Vec<&str> = collectors.into_iter().map(|c| &*c.name).collect();
    names.sort_unstable();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let listed = names.join(", ");
    if more > 0 { format!("{listed} and {more} more") } else { listed }
}

/// Whether the matched collectors can run a part.
pub(super) fn check_part(part: &Part<'_>, matched: &[&CollectorFacts], findings: &mut Findings) {
    let of = |runtime: Runtime| matched.iter().copied().filter(move |c| c.runtime == runtime);
    let component = part.registered.component();
    if of(Runtime::Alloy).next().is_some() {
        let outputs = Outputs(part.signals.iter().map(|signal| (*signal, Vec::new())).collect());
        match component.alloy(&part.settings, &AlloySite { label: "check", outputs: &outputs }) {
            Ok(rendered) => {
                let (level, block) = rendered.stability();
                let below: Vec<_> = of(Runtime::Alloy).filter(|c| c.stability < level).collect();
                if !below.is_empty() {
                    let message = format!(
                        "Alloy needs --stability.level={} for {}; set lower on {}",
                        stability::flag(level),
                        block.unwrap_or_default(),
                        names(below)
                    );
                    findings.errors.add(part.kind_field(), "stability", message);
                }
            }
            Err(unsupported) => {
                let message = format!("{unsupported}, and Alloys match: {}", names(of(Runtime::Alloy)));
                findings.errors.add(part.field(unsupported.field), "unsupported", message);
            }
        }
        let systems = component.alloy_not_on();
        let wrong: Vec<_> = of(Runtime::Alloy)
            .filter(|c| c.attributes.attribute("collector.os").is_some_and(|os| systems.contains(&os)))
            .collect();
        if !wrong.is_empty() {
            let message = format!("Alloy cannot run it on {}: {}", systems.join(", "), names(wrong));
            findings.errors.add(part.kind_field(), "unsupported", message);
        }
    }
    if of(Runtime::Otelcol).next().is_some() {
        match component.otelcol(&part.settings, &OtelcolSite { signals: &part.signals }) {
            Ok(rendered) => check_build(&rendered.types(part.role), &part.kind_field(), matched, findings),
            Err(unsupported) => {
                let message = format!("{unsupported}, and otelcols match: {}", names(of(Runtime::Otelcol)));
                findings.errors.add(part.field(unsupported.field), "unsupported", message);
            }
        }
    }
    if let Some(difference) = component.differs()
        && of(Runtime::Alloy).next().is_some()
        && of(Runtime::Otelcol).next().is_some()
    {
        findings.warnings.add(part.kind_field(), "runtimes_differ", difference);
    }
}

/// Whether the builds of the matched collectors have what every pipeline needs.
pub(super) fn check_base(matched: &[&CollectorFacts], findings: &mut Findings) {
    let base = ["memory_limiter", "filter"].map(|kind| (ComponentClass::Processors, kind.to_owned()));
    check_build(&base, &Path::root().key("match"), matched, findings);
}

/// Names the collectors whose build lacks a component type, by their own report.
fn check_build(types: &[(ComponentClass, String)], field: &Path, matched: &[&CollectorFacts], findings: &mut Findings) {
    // One look for each distinct build: nearly all collectors share one.
    let mut builds: BTreeMap<*const BuildComponents, Vec<&CollectorFacts>> = BTreeMap::new();
    for collector in matched.iter().filter(|c| c.runtime == Runtime::Otelcol) {
        if let Some(build) = collector.components.as_ref().filter(|build| !build.is_empty()) {
            builds.entry(Arc::as_ptr(build)).or_default().push(collector);
        }
    }
    for (class, kind) in types {
        let lacks = |collectors: &&Vec<&CollectorFacts>| {
            collectors.first().and_then(|c| c.components.as_ref()).is_some_and(|build| !build.has(*class, kind))
        };
        let lacking: Vec<_> = builds.values().filter(lacks).flatten().copied().collect();
        if !lacking.is_empty() {
            let message = format!("{} has no `{kind}` in the build of {}", class.as_str(), names(lacking));
            findings.errors.add(field.clone(), "missing_component", message);
        }
    }
}

/// The field of the first of `binds` that collides with `others`.
fn colliding_field(part: &Part<'_>, binds: &[Bind], others: &[Bind]) -> Path {
    let bind = binds.iter().find(|bind| collision(std::slice::from_ref(bind), others).is_some());
    part.field(bind.map_or("", |bind| bind.field))
}

/// Whether the sources of a pipeline want addresses that others bind differently where both run.
pub(super) fn check_addresses(
    id: &PipelineId,
    steps: &[Part<'_>],
    config: &ConfigSnapshot,
    matched: &[&CollectorFacts],
    findings: &mut Findings,
) {
    let sources: Vec<(&Part<'_>, Vec<Bind>)> = steps
        .iter()
        .filter(|part| part.role == Role::Source)
        .map(|part| (part, part.registered.component().binds(&part.settings)))
        .filter(|(_, binds)| !binds.is_empty())
        .collect();
    for (index, (part, binds)) in sources.iter().enumerate() {
        let same = |other: &Part<'_>| {
            other.registered.component().kind() == part.registered.component().kind() && other.settings == part.settings
        };
        for (earlier, others) in sources.iter().take(index).filter(|(earlier, _)| !same(earlier)) {
            if let Some(address) = collision(binds, others) {
                let message = format!("{} listens on {address} already, with other settings", earlier.at);
                findings.errors.add(colliding_field(part, binds, others), "port_conflict", message);
            }
        }
        warn_of_own_ports(part, binds, matched, findings);
    }
    if sources.is_empty() || matched.is_empty() {
        return;
    }
    // Nearly every pipeline is passed over by a look at its ports: this runs at each save, over all pipelines.
    for (other, pipeline) in config.pipelines.iter().filter(|(other, p)| *other != id && p.document.enabled) {
        for theirs in &pipeline.document.sources {
            let Some(registered) = catalogue().get(Role::Source, &theirs.kind) else { continue };
            let others = registered.component().binds(&theirs.settings);
            for (part, binds) in sources.iter().filter(|_| !others.is_empty()) {
                let Some(address) = collision(binds, &others) else { continue };
                let same = theirs.kind == part.registered.component().kind()
                    && (theirs.settings == *part.stated || unopened(registered, &theirs.settings) == part.settings);
                if same {
                    continue;
                }
                let Ok(matchers) = MatcherSet::parse(&pipeline.document.matchers) else { continue };
                let both: Vec<_> = matched.iter().copied().filter(|c| matchers.matches(&*c.attributes)).collect();
                if !both.is_empty() {
                    let message = format!(
                        "pipelines {id} and {other} would both listen on {address}, with different settings, on {}",
                        names(both)
                    );
                    findings.errors.add(colliding_field(part, binds, &others), "port_conflict", message);
                }
            }
        }
    }
}

/// Ports that the runtimes use themselves, unless told otherwise on the host.
fn warn_of_own_ports(part: &Part<'_>, binds: &[Bind], matched: &[&CollectorFacts], findings: &mut Findings) {
    let own = [(Runtime::Alloy, 12345, "Alloy's own page"), (Runtime::Otelcol, 8888, "otelcol's own metrics")];
    for (runtime, port, use_) in own {
        let Some(bind) = binds.iter().find(|bind| bind.port == port) else { continue };
        if matched.iter().any(|c| c.runtime == runtime) {
            let message = format!("{port} is the port of {use_}, unless the host's own configuration moved it");
            findings.warnings.add(part.field(bind.field), "own_port", message);
        }
    }
}
