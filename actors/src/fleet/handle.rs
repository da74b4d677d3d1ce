//! What the edge can ask of the fleet. Lists and rows are here; what operators change, peers and polls are beside.

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use linkmesh_proto::{
    CollectorId, Etag, PipelineId,
    api::{
        collector::{Collector, Runtime, Stability},
        enrolment::EnrollmentToken,
        fleet::{BrokenFile, FleetSummary},
        list::Page,
        pipeline::{Matched, MatchedCollector, PipelineDocument, Preview, Validation},
    },
};
use tokio::sync::oneshot;

use super::{CollectorQuery, FleetError, QueryError};
use crate::{
    directory::{Listing, Slot, parse_matchers},
    domain::{matcher::MatcherSet, meter::step_rates, validate::CollectorFacts},
    opamp::Endpoints,
    render::{RenderTarget, render},
    repository::{Against, Edit, RepositoryHandle, checked_destination, checked_pipeline},
    runtime::AskError,
    shared::Shared,
    token::Token,
};

/// How long a request may take.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);
/// How long an operator's change is waited for. Longer than a save may take: who gives up before the end never knows
/// what to write into the audit log.
const CHANGE_DEADLINE: Duration = Duration::from_secs(60);
/// Collectors that are named beside a count.
const NAMED: usize = 50;

/// A collector just created; its token is shown this once.
#[derive(Debug, Clone)]
pub struct RegisteredCollector {
    /// The collector.
    pub collector: Collector,
    /// The version of its document.
    pub etag: Etag,
    /// Its token.
    pub token: Token,
}

/// A collector that enrolled; its token is shown this once.
#[derive(Debug, Clone)]
pub struct EnrolledCollector {
    /// The identifier.
    pub id: CollectorId,
    /// The program.
    pub runtime: Runtime,
    /// The name.
    pub name: String,
    /// Alloy's stability level.
    pub stability: Stability,
    /// Labels from the enrolment token.
    pub labels: BTreeMap<String, String>,
    /// Its token.
    pub token: Token,
}

/// An enrolment token just made; shown this once.
#[derive(Debug, Clone)]
pub struct IssuedEnrollment {
    /// What the list shows of it.
    pub record: EnrollmentToken,
    /// The token.
    pub token: Token,
}

/// What the edge can ask of the fleet. Cheap to clone; every request has a deadline.
#[derive(Clone)]
pub struct FleetHandle {
    pub(super) shared: Arc<Shared>,
    pub(super) repository: RepositoryHandle,
}

impl FleetHandle {
    pub(crate) fn new(shared: Arc<Shared>, repository: RepositoryHandle) -> Self {
        Self { shared, repository }
    }

    /// A collector came that looked for this host (the header `Host`), which may prove that the public address leads here.
    pub fn note_host(&self, host: &str) {
        self.shared.endpoints.iter().for_each(|endpoints| endpoints.note_host(host));
    }

    /// Host and port of the public address, where there is one.
    #[must_use]
    pub fn public_address(&self) -> Option<String> {
        self.shared.endpoints.as_ref().map(Endpoints::dial_address)
    }

    /// The public address was found to lead here.
    pub fn address_answers(&self) {
        self.shared.endpoints.iter().for_each(Endpoints::prove);
    }

    /// Runs a change to its end on an actor's thread, whatever becomes of who asked: a client that leaves must not leave
    /// a change half done.
    pub(super) async fn detached<T: Send + 'static>(
        &self,
        change: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, AskError> {
        self.detached_for(CHANGE_DEADLINE, change).await
    }

    /// The same for who cannot wait that long.
    pub(super) async fn detached_for<T: Send + 'static>(
        &self,
        deadline: Duration,
        change: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, AskError> {
        let (answer, answered) = oneshot::channel();
        let accepted = self.shared.pool.hub().spawn(async move {
            // The client may have left.
            let _ = answer.send(change.await);
        });
        if !accepted {
            return Err(AskError::Closed);
        }
        match tokio::time::timeout(deadline, answered).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(AskError::Closed),
            Err(_) => Err(AskError::Deadline),
        }
    }

    /// A collector that is known and not deregistered.
    pub(super) fn registered(&self, id: CollectorId) -> Result<Arc<Slot>, FleetError> {
        let slot = self.known(id)?;
        if slot.is_deregistered() { Err(FleetError::Deregistered) } else { Ok(slot) }
    }

    pub(super) fn known(&self, id: CollectorId) -> Result<Arc<Slot>, FleetError> {
        self.shared.directory.slot(id).ok_or(FleetError::UnknownCollector(id))
    }

    /// One page of collectors.
    ///
    /// # Errors
    /// When a matcher or the cursor cannot be read.
    pub fn collectors(&self, query: &CollectorQuery) -> Result<Page<Collector>, QueryError> {
        Listing { directory: &self.shared.directory }.page(query)
    }

    /// One collector with the version of its document. A collector without a document has the version of zeros, which
    /// `If-Match` may name like any other.
    ///
    /// # Errors
    /// When there is none.
    pub fn collector(&self, id: CollectorId) -> Result<(Collector, Etag), FleetError> {
        Ok((self.known(id)?.row(), self.etag(id)))
    }

    pub(super) fn etag(&self, id: CollectorId) -> Etag {
        let config = self.shared.config.load();
        config.collectors.get(&id).map_or(Etag::from_bytes([0; 20]), |collector| collector.etag)
    }

    /// Counts and rates, of all collectors or of those that should run a pipeline; the newest revision, broken files.
    #[must_use]
    pub fn summary(&self, pipeline: Option<&PipelineId>) -> FleetSummary {
        let config = self.shared.config.load();
        let broken_files = config.broken.iter().filter_map(|broken| {
            Some(BrokenFile { path: broken.path.clone(), error: broken.reason.clone(), revision: config.revision? })
        });
        let (rates, now) = (self.shared.rates.load(), self.shared.clock.now());
        FleetSummary {
            revision: config.revision,
            broken_files: broken_files.collect(),
            rates: rates.of(pipeline, now),
            steps: pipeline.map(|pipeline| step_rates(pipeline, &rates, &config, now)).unwrap_or_default(),
            ..Listing { directory: &self.shared.directory }.summary(pipeline)
        }
    }

    /// What checks of documents need to know of every registered collector.
    #[must_use]
    pub fn facts(&self) -> Arc<Vec<CollectorFacts>> {
        self.shared.facts()
    }

    /// How many collectors run each pipeline now. A pipeline that none runs is missing.
    #[must_use]
    pub fn matched_counts(&self) -> Arc<BTreeMap<PipelineId, u64>> {
        self.shared.pipeline_counts.load_full()
    }

    /// The collectors that a list of matchers selects; an empty list selects none.
    ///
    /// # Errors
    /// When a matcher cannot be read.
    pub fn matched(&self, matchers: &[String]) -> Result<Matched, QueryError> {
        let parsed = parse_matchers(matchers)?;
        Ok(self.select(&parsed))
    }

    fn select(&self, matchers: &MatcherSet) -> Matched {
        let mut found: Vec<(String, Arc<Slot>)> = Vec::new();
        self.shared.directory.for_each(|slot| {
            if !slot.is_deregistered() && matchers.matches(&*slot.place().attributes) {
                found.push((slot.place().name.to_string(), Arc::clone(slot)));
            }
        });
        found.sort_unstable_by(|a, b| (&a.0, a.1.id()).cmp(&(&b.0, b.1.id())));
        let item = |(name, slot): &(String, Arc<Slot>)| MatchedCollector {
            id: slot.id(),
            name: name.clone(),
            runtime: slot.runtime(),
        };
        Matched { matched: found.len() as u64, items: found.iter().take(NAMED).map(item).collect(), loses: 0 }
    }

    /// How many collectors run a pipeline now that would not run this version of it.
    fn losing(&self, id: &PipelineId, document: &PipelineDocument, matchers: &MatcherSet) -> u64 {
        let mut losing = 0;
        self.shared.directory.for_each(|slot| {
            let place = slot.place();
            let runs = !slot.is_deregistered() && place.pipelines.binary_search(id).is_ok();
            losing += u64::from(runs && !(document.enabled && matchers.matches(&*place.attributes)));
        });
        losing
    }

    /// What a collector that runs only this pipeline would get, on both runtimes, with what is wrong with it. Secrets
    /// are hidden. Stores nothing.
    #[must_use]
    pub fn preview(&self, id: &PipelineId, document: &PipelineDocument) -> Preview {
        let config = self.shared.config.load_full();
        let facts = self.facts();
        let against = Against { config: &config, facts: &facts, sealer: &*self.shared.sealer };
        let (sealed, validation) = checked_pipeline(id, document, against).draft();
        let matchers = MatcherSet::parse(&document.matchers).unwrap_or_default();
        let collectors = Matched { loses: self.losing(id, document, &matchers), ..self.select(&matchers) };
        let config = config.with_pipeline(id.clone(), sealed);
        let text = |runtime| {
            let target = RenderTarget::plain(runtime);
            let rendered = render(&config, std::slice::from_ref(id), &target, &*self.shared.sealer);
            rendered.ok().map(|rendered| rendered.redacted.to_string())
        };
        Preview {
            collectors,
            otelcol: text(Runtime::Otelcol),
            alloy: text(Runtime::Alloy),
            errors: validation.errors,
            warnings: validation.warnings,
        }
    }

    /// What a save of this change would object to. Stores nothing.
    #[must_use]
    pub fn check(&self, edit: &Edit) -> Validation {
        let config = self.shared.config.load_full();
        let facts = self.facts();
        let against = Against { config: &config, facts: &facts, sealer: &*self.shared.sealer };
        match edit {
            Edit::Pipeline(id, document) => checked_pipeline(id, document, against).draft().1,
            Edit::Destination(id, document) => checked_destination(id, document, against).draft().1,
            // These have no rules beyond their shape, which reading holds.
            Edit::Collector(..) | Edit::Group(..) | Edit::Delete(_) => {
                Validation { errors: Vec::new(), warnings: Vec::new() }
            }
        }
    }
}
