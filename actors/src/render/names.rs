//! The names of rendered components: built here, and read back here from what collectors report.
//!
//! | | otelcol | Alloy |
//! |---|---|---|
//! | step of a pipeline | `filter/shop.no-debug` | `otelcol.processor.filter.s_no_debug` in `/remotecfg/pl_shop.default` |
//! | meter at an end | `filter/shop.in`, `filter/shop.out` | `otelcol.processor.filter.in`, `.out` in the same |
//! | memory limiter | `memory_limiter` | `otelcol.processor.memory_limiter.limit` in the same |
//! | processor of a step that others of it follow | `transform/shop.mask.1` | `otelcol.processor.transform.b1_s_mask` in the same |
//! | what goes to a destination on a condition | `filter/shop.to.central` | `otelcol.processor.filter.to_central` in the same |
//! | destination | `otlphttp/central` | `otelcol.exporter.otlphttp.dest_central` in `/remotecfg` |
//! | source that binds an address | `otlp/4317` | `otelcol.receiver.otlp.src_4317` in `/remotecfg` |
//!
//! An otelcol pipeline with such destinations sends to the connector `forward/shop.out`, from which `logs/shop.to.central`
//! takes it.
//!
//! Ids hold no `_` and no `.`: so `-` as `_` is unambiguous in both directions (`a-b` and `a_b` cannot both be ids),
//! and a dot in an otelcol name always divides pipeline and step.

use linkmesh_proto::{DestinationId, PipelineId, Slug};

/// Step ids that meters use; no filter or processor may have one.
pub const RESERVED_STEPS: &[&str] = &["in", "out"];

/// The name of the one memory limiter of an otelcol.
pub const MEMORY_LIMITER: &str = "memory_limiter";

/// The storage extension of an otelcol.
pub const STORAGE: &str = "file_storage/linkmesh";

/// The end of a pipeline at which a meter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// Behind the memory limiter.
    In,
    /// Behind the last processor.
    Out,
}

impl End {
    /// `in` or `out`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::In, Self::Out].into_iter().find(|end| end.as_str() == text)
    }
}

/// What a component of a rendered config stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// A step of a pipeline. A step may consist of several components, which differ in their type.
    Step {
        /// The pipeline.
        pipeline: PipelineId,
        /// The step.
        step: Slug,
    },
    /// The meter at an end of a pipeline.
    Meter {
        /// The pipeline.
        pipeline: PipelineId,
        /// Which end.
        end: End,
    },
    /// What lets a part of a pipeline's records through to a destination.
    Branch {
        /// The pipeline.
        pipeline: PipelineId,
        /// Where they go.
        destination: DestinationId,
    },
    /// A destination of the collector.
    Destination(DestinationId),
    /// A source of the collector that binds an address, by the name of that address.
    Bound(String),
    /// The memory limiter: of the collector (`None`) or, on Alloy, of one pipeline.
    MemoryLimiter(Option<PipelineId>),
}

/// A component as a collector names it, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// Its type: `filter` on otelcol, `otelcol.processor.filter` on Alloy.
    pub kind: String,
    /// What it stands for.
    pub place: Place,
}

/// `shop.no-debug`: what follows the `/` in the names of a step's components.
#[must_use]
pub fn otelcol_step(pipeline: &PipelineId, step: &Slug) -> String {
    format!("{pipeline}.{step}")
}

/// `shop.no-debug.1`: the same of a step's processor that others of it follow.
#[must_use]
pub fn otelcol_part(step: &str, number: usize) -> String {
    format!("{step}.{number}")
}

/// `filter/shop.no-debug`; `otlphttp/central` for a destination, `otlp/4317` for a source that binds an address.
#[must_use]
pub fn otelcol_component(kind: &str, name: &str) -> String {
    format!("{kind}/{name}")
}

/// `filter/shop.in`
#[must_use]
pub fn otelcol_meter(pipeline: &PipelineId, end: End) -> String {
    format!("filter/{pipeline}.{}", end.as_str())
}

/// `logs/shop`, or `metrics/shop.hosts` for a source that needs processors of its own.
#[must_use]
pub fn otelcol_pipeline(signal: &str, pipeline: &PipelineId, source: Option<&Slug>) -> String {
    source.map_or_else(|| format!("{signal}/{pipeline}"), |source| format!("{signal}/{pipeline}.{source}"))
}

/// `shop.to.central`: what follows the `/` in the names of what lets records through to a destination.
#[must_use]
pub fn otelcol_branch(pipeline: &PipelineId, destination: &DestinationId) -> String {
    format!("{pipeline}.{TO}{destination}")
}

/// Stands between a pipeline and a destination. No step's id begins so, since none holds a dot.
const TO: &str = "to.";

/// `forward/shop.out`: the connector through which records go on to such destinations.
#[must_use]
pub fn otelcol_forward(pipeline: &PipelineId) -> String {
    format!("{FORWARD}/{pipeline}.{}", End::Out.as_str())
}

/// The connector that passes on what it gets.
pub const FORWARD: &str = "forward";

/// `pl_shop`: the `declare` of a pipeline.
#[must_use]
pub fn alloy_pipeline(pipeline: &PipelineId) -> String {
    format!("pl_{}", identifier(pipeline.as_str()))
}

/// The label of a pipeline's instance: `default`, or `r2` after a leaked loader.
#[must_use]
pub fn alloy_instance(number: Option<u32>) -> String {
    number.filter(|n| *n > 1).map_or_else(|| "default".to_owned(), |n| format!("r{n}"))
}

/// `s_no_debug`: the label of a step's components.
#[must_use]
pub fn alloy_step(step: &Slug) -> String {
    format!("s_{}", identifier(step.as_str()))
}

/// `b1_s_no_debug`: the label of a step's component that others of it follow.
#[must_use]
pub fn alloy_part(step: &str, number: usize) -> String {
    format!("b{number}_{step}")
}

/// `dest_central`: the label of a destination, and the argument by which a pipeline is given it.
#[must_use]
pub fn alloy_destination(destination: &DestinationId) -> String {
    format!("dest_{}", identifier(destination.as_str()))
}

/// `to_central`: the label of what lets records through to a destination.
#[must_use]
pub fn alloy_branch(destination: &DestinationId) -> String {
    format!("to_{}", identifier(destination.as_str()))
}

/// `src_4317`: the label of a source that binds an address.
#[must_use]
pub fn alloy_bound(name: &str) -> String {
    format!("src_{}", identifier(name))
}

/// The label of the memory limiter of a pipeline.
pub const ALLOY_LIMITER: &str = "limit";

fn identifier(slug: &str) -> String {
    slug.replace('-', "_")
}

fn slug(identifier: &str) -> String {
    identifier.replace('_', "-")
}

/// Takes an otelcol component's name apart, as health reports, configs and metrics write it.
///
/// `None` for what LinkMesh did not render.
#[must_use]
pub fn parse_otelcol(name: &str) -> Option<Component> {
    let place_of = |kind: &str, rest: &str| {
        if let Some((pipeline, step)) = rest.split_once('.') {
            let pipeline = pipeline.parse().ok()?;
            if let Some(destination) = step.strip_prefix(TO) {
                return Some(Place::Branch { pipeline, destination: destination.parse().ok()? });
            }
            return match End::parse(step) {
                Some(end) if kind == "filter" || kind == FORWARD => Some(Place::Meter { pipeline, end }),
                _ => Some(Place::Step { pipeline, step: step.parse().ok()? }),
            };
        }
        // Names of addresses begin with the port, which an exporter's id may do as well: the caller knows the class.
        rest.parse().ok().map(Place::Destination)
    };
    if name == MEMORY_LIMITER {
        return Some(Component { kind: name.to_owned(), place: Place::MemoryLimiter(None) });
    }
    let (kind, rest) = name.split_once('/')?;
    Some(Component { kind: kind.to_owned(), place: place_of(kind, rest)? })
}

/// Takes the name of an otelcol receiver apart: like [`parse_otelcol`], but what is not of a pipeline is bound to an
/// address.
#[must_use]
pub fn parse_otelcol_receiver(name: &str) -> Option<Component> {
    let (kind, rest) = name.split_once('/')?;
    if rest.contains('.') {
        return parse_otelcol(name);
    }
    Some(Component { kind: kind.to_owned(), place: Place::Bound(rest.to_owned()) })
}

/// Takes the name of an otelcol service pipeline apart: `metrics/shop.hosts` is `("metrics", shop)`.
#[must_use]
pub fn parse_otelcol_pipeline(name: &str) -> Option<(&str, PipelineId)> {
    let (signal, rest) = name.split_once('/')?;
    let pipeline = rest.split_once('.').map_or(rest, |(pipeline, _)| pipeline);
    Some((signal, pipeline.parse().ok()?))
}

/// Takes an Alloy component apart, from the labels `component_path` (`/remotecfg/pl_shop.default`) and `component_id`
/// (`otelcol.processor.filter.s_no_debug`) of its metrics.
///
/// `None` for what LinkMesh did not render: components of the local file, and those of other documents.
#[must_use]
pub fn parse_alloy(path: &str, id: &str) -> Option<Component> {
    let module = path.strip_prefix("/remotecfg")?;
    let (kind, label) = id.rsplit_once('.')?;
    let component = |place| Some(Component { kind: kind.to_owned(), place });
    if module.is_empty() {
        if let Some(destination) = label.strip_prefix("dest_") {
            return component(Place::Destination(slug(destination).parse().ok()?));
        }
        return component(Place::Bound(slug(label.strip_prefix("src_")?)));
    }
    let pipeline = parse_alloy_pipeline(module.strip_prefix('/')?)?;
    if label == ALLOY_LIMITER && kind == "otelcol.processor.memory_limiter" {
        return component(Place::MemoryLimiter(Some(pipeline)));
    }
    match End::parse(label) {
        Some(end) if kind == "otelcol.processor.filter" => component(Place::Meter { pipeline, end }),
        Some(_) => None,
        None => {
            if let Some(destination) = label.strip_prefix("to_") {
                return component(Place::Branch { pipeline, destination: slug(destination).parse().ok()? });
            }
            let step = slug(label.strip_prefix("s_")?).parse().ok()?;
            component(Place::Step { pipeline, step })
        }
    }
}

/// The pipeline of an Alloy module: `pl_shop.default`, as in `component_path`, `controller_id` and error texts.
#[must_use]
pub fn parse_alloy_pipeline(module: &str) -> Option<PipelineId> {
    let declare = module.split_once('.').map_or(module, |(declare, _)| declare);
    slug(declare.strip_prefix("pl_")?).parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn step(pipeline: &str, step: &str) -> Place {
        Place::Step { pipeline: pipeline.parse().unwrap(), step: step.parse().unwrap() }
    }

    #[test]
    fn otelcol_names_are_taken_apart() {
        let place = |name: &str| parse_otelcol(name).map(|c| c.place);
        assert_eq!(place("filter/shop.no-debug"), Some(step("shop", "no-debug")));
        assert_eq!(place("filter/shop.in"), Some(Place::Meter { pipeline: "shop".parse().unwrap(), end: End::In }));
        assert_eq!(place("otlphttp/central"), Some(Place::Destination("central".parse().unwrap())));
        assert_eq!(place("memory_limiter"), Some(Place::MemoryLimiter(None)));
        assert_eq!(place("resourcedetection/shop.in"), Some(step("shop", "in")));
        for foreign in ["otlp", "batch/", "filter/Foo.x", "filter/a.b.c"] {
            assert_eq!(place(foreign), None, "{foreign}");
        }
        assert_eq!(parse_otelcol_receiver("otlp/4317").unwrap().place, Place::Bound("4317".to_owned()));
        assert_eq!(parse_otelcol_receiver("hostmetrics/shop.h").unwrap().place, step("shop", "h"));
        assert_eq!(parse_otelcol_pipeline("metrics/shop.h"), Some(("metrics", "shop".parse().unwrap())));
        assert_eq!(parse_otelcol_pipeline("logs/shop"), Some(("logs", "shop".parse().unwrap())));
        assert_eq!(parse_otelcol_pipeline("logs"), None);
    }

    #[test]
    fn alloy_names_are_taken_apart() {
        let place = |path: &str, id: &str| parse_alloy(path, id).map(|c| c.place);
        let module = "/remotecfg/pl_web_logs.r2";
        let pipeline: PipelineId = "web-logs".parse().unwrap();
        assert_eq!(place(module, "otelcol.processor.filter.s_no_debug"), Some(step("web-logs", "no-debug")));
        assert_eq!(
            place(module, "otelcol.processor.filter.out"),
            Some(Place::Meter { pipeline: pipeline.clone(), end: End::Out })
        );
        assert_eq!(place(module, "otelcol.processor.memory_limiter.limit"), Some(Place::MemoryLimiter(Some(pipeline))));
        assert_eq!(
            place("/remotecfg", "otelcol.exporter.otlphttp.dest_central"),
            Some(Place::Destination("central".parse().unwrap()))
        );
        assert_eq!(place("/remotecfg", "otelcol.receiver.otlp.src_4317"), Some(Place::Bound("4317".to_owned())));
        for (path, id) in [
            ("/", "otelcol.exporter.otlphttp.dest_central"),
            ("/remotecfg/fleet_self.default", "otelcol.exporter.otlphttp.fleet"),
            ("/remotecfg/pl_a.default", "otelcol.processor.filter.x"),
            ("/remotecfg", "otelcol.exporter.otlphttp.central"),
        ] {
            assert_eq!(place(path, id), None, "{path} {id}");
        }
    }

    proptest! {
        #[test]
        fn what_is_built_is_read_back(
            pipeline in "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?",
            name in "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?",
        ) {
            let pipeline: PipelineId = pipeline.parse().unwrap();
            let slug: Slug = name.parse().unwrap();
            let destination: DestinationId = name.parse().unwrap();
            let path = format!("/remotecfg/{}.{}", alloy_pipeline(&pipeline), alloy_instance(None));
            if !RESERVED_STEPS.contains(&name.as_str()) {
                let place = Place::Step { pipeline: pipeline.clone(), step: slug.clone() };
                let otelcol = otelcol_component("filter", &otelcol_step(&pipeline, &slug));
                prop_assert_eq!(parse_otelcol(&otelcol).map(|c| c.place), Some(place.clone()));
                let alloy = format!("otelcol.processor.filter.{}", alloy_step(&slug));
                prop_assert_eq!(parse_alloy(&path, &alloy).map(|c| c.place), Some(place));
            }
            let place = Place::Destination(destination.clone());
            prop_assert_eq!(parse_otelcol(&otelcol_component("otlphttp", &name)).map(|c| c.place), Some(place.clone()));
            let alloy = format!("otelcol.exporter.otlphttp.{}", alloy_destination(&destination));
            prop_assert_eq!(parse_alloy("/remotecfg", &alloy).map(|c| c.place), Some(place));
            for end in [End::In, End::Out] {
                let place = Place::Meter { pipeline: pipeline.clone(), end };
                prop_assert_eq!(parse_otelcol(&otelcol_meter(&pipeline, end)).map(|c| c.place), Some(place.clone()));
                let alloy = format!("otelcol.processor.filter.{}", end.as_str());
                prop_assert_eq!(parse_alloy(&path, &alloy).map(|c| c.place), Some(place));
            }
        }
    }
}
