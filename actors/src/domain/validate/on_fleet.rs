//! Whether the collectors that a document touches can run it: their runtime, stability level, operating system, build.

use linkmesh_proto::api::{collector::Runtime, pipeline::PipelineDocument};

use super::{CollectorFacts, Matched, Part};
use crate::{
    component::{AlloySite, Findings, Least, OtelcolSite, Outputs},
    domain::{components::ComponentClass, matcher::AttributeLookup, problem::Path, stability, version::Version},
    render::names,
};

/// How many collectors a message names before it says how many more there are.
const NAMED: usize = 5;

/// `web-1, web-2 and 3 more`
pub(super) fn names<'a>(collectors: impl IntoIterator<Item = &'a CollectorFacts>) -> String {
    let mut names: Vec<&str> = collectors.into_iter().map(|c| &*c.name).collect();
    names.sort_unstable();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let listed = names.join(", ");
    if more > 0 { format!("{listed} and {more} more") } else { listed }
}

/// Whether the matched collectors can run a part.
pub(super) fn check_part(part: &Part<'_>, matched: &Matched<'_>, findings: &mut Findings) {
    let (alloys, otelcols) = (|| matched.alloys.iter().copied(), || matched.otelcols.iter().copied());
    let component = part.registered.component();
    if !matched.alloys.is_empty() {
        let outputs = Outputs(part.signals.iter().map(|signal| (*signal, Vec::new())).collect());
        match component.alloy(&part.settings, &AlloySite { label: "check", outputs: &outputs }) {
            Ok(rendered) => {
                let (level, block) = rendered.stability();
                let below: Vec<_> = alloys().filter(|c| c.stability < level).collect();
                if !below.is_empty() {
                    let message = format!(
                        "Alloy needs --stability.level={} for {}; set lower on {}",
                        stability::flag(level),
                        block.unwrap_or_default(),
                        names(below)
                    );
                    findings.errors.add(part.kind_field(), "stability", message);
                }
                if let Some(block) = rendered.blocks.iter().find(|block| stability::is_community(&block.name)) {
                    let message = format!(
                        "Alloy refuses its whole document unless it runs with {} for {}, which it does not report: {}",
                        stability::COMMUNITY_FLAG,
                        block.name,
                        names(alloys())
                    );
                    findings.warnings.add(part.kind_field(), "community_component", message);
                }
                let needed = Least::on_alloy(component, &part.settings, &rendered);
                check_version(part, Runtime::Alloy, needed, matched, findings);
            }
            Err(unsupported) => {
                let message = format!("{unsupported}, and Alloys match: {}", names(alloys()));
                findings.errors.add(part.field(unsupported.field), "unsupported", message);
            }
        }
        let systems = component.alloy_not_on();
        let wrong: Vec<_> = alloys()
            .filter(|c| c.attributes.attribute("collector.os").is_some_and(|os| systems.contains(&os)))
            .collect();
        if !wrong.is_empty() {
            let message = format!("Alloy cannot run it on {}: {}", systems.join(", "), names(wrong));
            findings.errors.add(part.kind_field(), "unsupported", message);
        }
    }
    if !matched.otelcols.is_empty() {
        match component.otelcol(&part.settings, &OtelcolSite { name: "check", signals: &part.signals }) {
            Ok(rendered) => {
                check_build(&rendered.types(part.role), &part.kind_field(), matched, findings);
                let needed = Least::on_otelcol(component, &part.settings, &rendered);
                check_version(part, Runtime::Otelcol, needed, matched, findings);
            }
            Err(unsupported) => {
                let message = format!("{unsupported}, and otelcols match: {}", names(otelcols()));
                findings.errors.add(part.field(unsupported.field), "unsupported", message);
            }
        }
    }
    if let Some(difference) = component.differs()
        && !matched.alloys.is_empty()
        && !matched.otelcols.is_empty()
    {
        findings.warnings.add(part.kind_field(), "runtimes_differ", difference);
    }
}

/// Whether the builds of the matched collectors have what the renderer puts around the parts.
pub(super) fn check_base(document: &PipelineDocument, matched: &Matched<'_>, findings: &mut Findings) {
    let base = ["memory_limiter", "filter"].map(|kind| (ComponentClass::Processors, kind.to_owned()));
    check_build(&base, &Path::root().key("match"), matched, findings);
    for (index, destination) in document.destinations.iter().enumerate() {
        let Some(condition) = destination.when() else { continue };
        let field = Path::root().key("destinations").index(index).key("when");
        let least = Least::of_ottl(condition);
        for (runtime, needed) in [(Runtime::Otelcol, least.otelcol), (Runtime::Alloy, least.alloy)] {
            let Some(needed) = needed else { continue };
            warn_of_older("a function in it", runtime, needed, &field, matched, findings);
        }
    }
    if let Some(index) = document.destinations.iter().position(|destination| destination.when().is_some()) {
        let field = Path::root().key("destinations").index(index).key("when");
        check_build(&[(ComponentClass::Connectors, names::FORWARD.to_owned())], &field, matched, findings);
    }
}

/// Names the collectors whose build lacks a component type, by their own report.
fn check_build(types: &[(ComponentClass, String)], field: &Path, matched: &Matched<'_>, findings: &mut Findings) {
    for (class, kind) in types {
        let lacking = matched.builds.iter().filter(|(build, _)| !build.has(*class, kind));
        let lacking: Vec<_> = lacking.flat_map(|(_, collectors)| collectors).copied().collect();
        if !lacking.is_empty() {
            let message = format!("{} has no `{kind}` in the build of {}", class.as_str(), names(lacking));
            findings.errors.add(field.clone(), "missing_component", message);
        }
    }
}

/// Names the collectors that report an older version of a runtime than the part needs there with its settings. A warning:
/// a distribution may count its own way, see [`Least`].
fn check_version(part: &Part<'_>, runtime: Runtime, needed: Version, matched: &Matched<'_>, findings: &mut Findings) {
    let what = format!("`{}`", part.registered.kind());
    let what = if part.registered.component().least().on(runtime) < Some(needed) {
        format!("{what} with these settings")
    } else {
        what
    };
    warn_of_older(&what, runtime, needed, &part.kind_field(), matched, findings);
}

fn warn_of_older(
    what: &str,
    runtime: Runtime,
    needed: Version,
    field: &Path,
    matched: &Matched<'_>,
    findings: &mut Findings,
) {
    let older: Vec<_> = matched.versions.iter().filter(|(of, found, _)| *of == runtime && *found < needed).collect();
    if older.is_empty() {
        return;
    }
    let name = match runtime {
        Runtime::Otelcol => "otelcol",
        Runtime::Alloy => "Alloy",
    };
    let collectors = older.iter().flat_map(|(_, _, collectors)| collectors).copied();
    let message = format!("{what} needs {name} {needed} or newer; older by their report: {}", names(collectors));
    findings.warnings.add(field.clone(), "older_version", message);
}
