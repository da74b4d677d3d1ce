//! Rows, lists and counts, read from memory.

use std::{cmp::Ordering, sync::Arc};

use linkmesh_proto::{
    CollectorId, Cursor, PipelineId,
    api::{
        collector::{Collector, CollectorStatus, ConfigState, DriftState, Runtime},
        fleet::FleetSummary,
        list::Page,
    },
};

use super::{Directory, Slot};
use crate::{
    domain::matcher::{Matcher, MatcherSet},
    fleet::{CollectorQuery, QueryError, Sort, SortKey},
};

impl Slot {
    /// The collector as the API shows it.
    #[must_use]
    pub fn row(&self) -> Collector {
        let record = self.record();
        let place = self.place();
        let row = &record.row;
        Collector {
            id: self.id(),
            name: if place.name.is_empty() { record.name.clone() } else { place.name.to_string() },
            runtime: record.runtime,
            instance_uid: row.instance_uid.clone(),
            status: self.status(),
            status_since: row.status_since.unwrap_or(record.created_at),
            last_seen: self.last_seen(),
            labels: (*place.labels).clone(),
            operator_labels: (*place.operator_labels).clone(),
            attributes: (*place.attributes).clone(),
            version: row.version.clone().or_else(|| record.planned_version.clone()),
            stability: record.stability,
            pipelines: place.pipelines.to_vec(),
            config_state: self.config_state(),
            desired_hash: place.text.as_ref().map(|text| text.desired.hash()),
            reported_hash: row.reported_hash,
            error: self.error(),
            withheld: place.problem.is_some(),
            drift: row.drift.unwrap_or(DriftState::Unknown),
            healthy: row.healthy,
            address: row.address.clone(),
            notices: row.notices.clone(),
            can_restart: row.can_restart,
        }
    }

    /// Whether it is there and well.
    #[must_use]
    pub fn status(&self) -> CollectorStatus {
        let record = self.record();
        match record.deregistered_at {
            Some(_) => CollectorStatus::Deregistered,
            None => record.row.status.unwrap_or(CollectorStatus::Pending),
        }
    }

    /// Why it is not given what it should run, or in its own words why that failed or it is unhealthy.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        let problem = self.place().problem.as_deref().map(str::to_owned);
        problem.or_else(|| self.record().row.error.clone())
    }

    /// How far it is with the config that it should run now. What its actor last said was of the text of that moment;
    /// of another text nothing is known yet.
    #[must_use]
    pub fn config_state(&self) -> ConfigState {
        let record = self.record();
        match &self.place().text {
            None => ConfigState::None,
            Some(text) if record.row.desired_hash == Some(text.desired.hash()) => {
                record.row.config_state.unwrap_or(ConfigState::Pending)
            }
            Some(_) => ConfigState::Pending,
        }
    }
}

/// A row reduced to what sorting needs.
struct Ranked {
    key: String,
    slot: Arc<Slot>,
}

/// Reads lists.
pub(crate) struct Listing<'a> {
    pub(crate) directory: &'a Directory,
}

impl Listing<'_> {
    /// One page.
    pub(crate) fn page(&self, query: &CollectorQuery) -> Result<Page<Collector>, QueryError> {
        let matchers = parse_matchers(&query.matchers)?;
        let text = query.text.as_ref().map(|text| text.to_lowercase()).filter(|text| !text.is_empty());
        let mut found = Vec::new();
        self.directory.for_each(|slot| {
            if selects(slot, query, matchers.matchers(), text.as_deref()) {
                found.push(Ranked { key: sort_key(slot, query.sort.key), slot: Arc::clone(slot) });
            }
        });
        let total = found.len() as u64;
        found.sort_unstable_by(|a, b| order((&a.key, a.slot.id()), (&b.key, b.slot.id()), query.sort));
        let begin = match &query.cursor {
            None => 0,
            Some(cursor) => {
                let (key, id) = read_cursor(cursor, query.sort)?;
                found.partition_point(|row| {
                    order((&row.key, row.slot.id()), (&key, id), query.sort) != Ordering::Greater
                })
            }
        };
        let limit = query.limit.clamp(1, 500);
        let next_cursor = found
            .get(begin + limit - 1)
            .filter(|_| found.len() > begin + limit)
            .map(|last| write_cursor(&last.key, last.slot.id(), query.sort));
        let items = found.iter().skip(begin).take(limit).map(|row| row.slot.row()).collect();
        Ok(Page { items, next_cursor, total })
    }

    /// Counts by status, program, state and drift: of all, or of those that should run a pipeline.
    pub(crate) fn summary(&self, pipeline: Option<&PipelineId>) -> FleetSummary {
        let mut summary = FleetSummary {
            total: 0,
            status: Default::default(),
            runtime: Default::default(),
            config_state: Default::default(),
            delivery: Default::default(),
            drift: Default::default(),
            rates: None,
            steps: Vec::new(),
            revision: None,
            broken_files: Vec::new(),
        };
        self.directory.for_each(|slot| {
            if !pipeline.is_none_or(|pipeline| runs(slot, pipeline)) {
                return;
            }
            let status = slot.status();
            match status {
                CollectorStatus::Deregistered => {
                    summary.status.deregistered += 1;
                    return;
                }
                CollectorStatus::Pending => summary.status.pending += 1,
                CollectorStatus::Connected => summary.status.connected += 1,
                CollectorStatus::Degraded => summary.status.degraded += 1,
                CollectorStatus::Offline => summary.status.offline += 1,
            }
            summary.total += 1;
            match slot.runtime() {
                Runtime::Alloy => summary.runtime.alloy += 1,
                Runtime::Otelcol => summary.runtime.otelcol += 1,
            }
            let state = slot.config_state();
            let is_here = matches!(status, CollectorStatus::Connected | CollectorStatus::Degraded);
            let delivery = &mut summary.delivery;
            *match (slot.place().problem.is_some(), state) {
                (true, _) => &mut delivery.withheld,
                (false, ConfigState::None) => &mut delivery.nothing,
                (false, ConfigState::Pending | ConfigState::Applying) if is_here => &mut delivery.waiting,
                (false, ConfigState::Pending | ConfigState::Applying) => &mut delivery.away,
                (false, ConfigState::Applied) => &mut delivery.applied,
                (false, ConfigState::Failed) => &mut delivery.failed,
            } += 1;
            match state {
                ConfigState::None => summary.config_state.none += 1,
                ConfigState::Pending => summary.config_state.pending += 1,
                ConfigState::Applying => summary.config_state.applying += 1,
                ConfigState::Applied => summary.config_state.applied += 1,
                ConfigState::Failed => summary.config_state.failed += 1,
            }
            match slot.record().row.drift.unwrap_or(DriftState::Unknown) {
                DriftState::InSync => summary.drift.in_sync += 1,
                DriftState::Drifted => summary.drift.drifted += 1,
                DriftState::Unknown => summary.drift.unknown += 1,
            }
        });
        summary
    }
}

/// Reads the matchers of a query.
///
/// # Errors
/// The first that cannot be read.
pub(crate) fn parse_matchers(texts: &[String]) -> Result<MatcherSet, QueryError> {
    MatcherSet::parse(texts).map_err(|errors| {
        // Invariant: a set that cannot be read has an error.
        let (index, source) = errors.into_iter().next().unwrap_or_default();
        QueryError::Matcher { index, text: texts.get(index).cloned().unwrap_or_default(), source }
    })
}

/// Whether it should run a pipeline.
fn runs(slot: &Slot, pipeline: &PipelineId) -> bool {
    slot.place().pipelines.binary_search(pipeline).is_ok()
}

fn selects(slot: &Slot, query: &CollectorQuery, matchers: &[Matcher], text: Option<&str>) -> bool {
    let status = slot.status();
    let shown = match query.status {
        Some(wanted) => status == wanted,
        None => status != CollectorStatus::Deregistered,
    };
    let drift = || slot.record().row.drift.unwrap_or(DriftState::Unknown);
    if !shown
        || query.runtime.is_some_and(|runtime| slot.runtime() != runtime)
        || query.config_state.is_some_and(|state| slot.config_state() != state)
        || query.drift.is_some_and(|wanted| drift() != wanted)
        || query.withheld.is_some_and(|wanted| slot.place().problem.is_some() != wanted)
        || query.pipeline.as_ref().is_some_and(|pipeline| !runs(slot, pipeline))
    {
        return false;
    }
    let place = slot.place();
    matchers.iter().all(|matcher| matcher.matches(&*place.attributes))
        && text.is_none_or(|text| {
            place.name.to_lowercase().contains(text)
                || slot.id().to_string().contains(text)
                || place.attributes.values().any(|value| value.to_lowercase().contains(text))
        })
}

/// The value of a column as a text that sorts as the column should.
fn sort_key(slot: &Slot, key: SortKey) -> String {
    let record = slot.record();
    match key {
        SortKey::Name => slot.place().name.to_lowercase(),
        SortKey::Status => (slot.status() as u8).to_string(),
        // Times of this era have 13 digits; the padding keeps it right beyond.
        SortKey::LastSeen => format!("{:020}", slot.last_seen().map_or(0, |at| at.as_millis().max(0))),
        SortKey::Runtime => (record.runtime as u8).to_string(),
        SortKey::Version => record.row.version.clone().unwrap_or_default(),
        SortKey::ConfigState => (slot.config_state() as u8).to_string(),
    }
}

fn order(a: (&str, CollectorId), b: (&str, CollectorId), sort: Sort) -> Ordering {
    let by_key = a.0.cmp(b.0);
    (if sort.descending { by_key.reverse() } else { by_key }).then(a.1.cmp(&b.1))
}

/// A cursor names the order, the last row's value and its id, so that rows may come and go between pages. Letters,
/// digits, dots and hyphens only: it is put into a query as it is.
fn write_cursor(key: &str, id: CollectorId, sort: Sort) -> Cursor {
    let sign = if sort.descending { 'd' } else { 'a' };
    Cursor(format!("{sign}{}.{id}.{}", sort.key as u8, hex::encode(key)))
}

fn read_cursor(cursor: &Cursor, sort: Sort) -> Result<(String, CollectorId), QueryError> {
    let read = || {
        let (order, rest) = cursor.0.split_once('.')?;
        let sign = if sort.descending { 'd' } else { 'a' };
        if order != format!("{sign}{}", sort.key as u8) {
            return None;
        }
        let (id, key) = rest.split_once('.')?;
        Some((String::from_utf8(hex::decode(key).ok()?).ok()?, id.parse().ok()?))
    };
    read().ok_or(QueryError::BadCursor)
}

#[cfg(test)]
mod tests;
