//! Everything that the config repository holds at one revision.

use std::{
    any::Any,
    sync::{Arc, OnceLock},
};

use linkmesh_proto::{
    CollectorId, DestinationId, Etag, GroupId, PipelineId, Revision, Timestamp,
    api::{destination::DestinationDocument, pipeline::PipelineDocument},
};

use super::document::{CollectorDocument, DocumentPath, GroupDocument, Settings};

mod documents;

pub use documents::{Change, Documents};

/// A document with the commit that last touched it.
#[derive(Debug, Clone, PartialEq)]
pub struct Versioned<T> {
    /// The document.
    pub document: T,
    /// The Git blob id of the file.
    pub etag: Etag,
    /// The last commit that touched the file.
    pub revision: Revision,
    /// When that commit was made.
    pub updated_at: Timestamp,
    /// Who made it.
    pub updated_by: String,
    /// What was worked out of it.
    pub memo: Memo,
}

/// What was worked out of a document, once. It is no part of the document: copies begin without, and all are equal.
#[derive(Default)]
pub struct Memo {
    prepared: OnceLock<Arc<dyn Any + Send + Sync>>,
    examined: OnceLock<Arc<dyn Any + Send + Sync>>,
}

impl Clone for Memo {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Memo {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl std::fmt::Debug for Memo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memo")
    }
}

impl<T> Versioned<T> {
    /// What `make` makes of the document; it is asked once, as long as all ask for the same type.
    pub(super) fn prepared<P: Any + Send + Sync>(&self, make: impl Fn(&T) -> P) -> Arc<P> {
        self.once(&self.memo.prepared, make)
    }

    /// What `make` finds in the document, in the same way.
    pub(super) fn examined<P: Any + Send + Sync>(&self, make: impl Fn(&T) -> P) -> Arc<P> {
        self.once(&self.memo.examined, make)
    }

    fn once<P: Any + Send + Sync>(
        &self,
        memo: &OnceLock<Arc<dyn Any + Send + Sync>>,
        make: impl Fn(&T) -> P,
    ) -> Arc<P> {
        let memo = memo.get_or_init(|| Arc::new(make(&self.document)));
        Arc::clone(memo).downcast().unwrap_or_else(|_| Arc::new(make(&self.document)))
    }

    /// A document that is in no commit yet, for checks and previews of what is not saved.
    #[must_use]
    pub fn unsaved(document: T) -> Self {
        Self {
            document,
            etag: Etag::from_bytes([0; 20]),
            revision: Revision::from_bytes([0; 20]),
            updated_at: Timestamp::default(),
            updated_by: String::new(),
            memo: Memo::default(),
        }
    }
}

/// A file of a hand-made commit that cannot be used; its last good version stays in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenFile {
    /// Path in the repository.
    pub path: String,
    /// The document that the path names; `None` for a path that names none.
    pub document: Option<DocumentPath>,
    /// The Git blob id of the broken text: what a save over it must name.
    pub etag: Etag,
    /// What is wrong, for a person.
    pub reason: String,
}

/// The config repository at one revision. Shared as `Arc<ConfigSnapshot>`; a new revision is a new snapshot that shares
/// every document that did not change, and every folder in which none did.
#[derive(Debug, Clone, Default)]
pub struct ConfigSnapshot {
    /// The commit; `None` while the repository has none.
    pub revision: Option<Revision>,
    /// `pipelines/<id>.yaml`.
    pub pipelines: Documents<PipelineId, PipelineDocument>,
    /// `destinations/<id>.yaml`.
    pub destinations: Documents<DestinationId, DestinationDocument>,
    /// `collectors/<id>.yaml`.
    pub collectors: Documents<CollectorId, CollectorDocument>,
    /// `groups/<id>.yaml`.
    pub groups: Documents<GroupId, GroupDocument>,
    /// `linkmesh.yaml`.
    pub settings: Settings,
    /// The last commit that touched it, and when that was made; `None` while there is none.
    pub settings_from: Option<(Timestamp, Revision)>,
    /// Files that could not be used.
    pub broken: Vec<BrokenFile>,
}

impl ConfigSnapshot {
    /// The same repository with this pipeline in it, for checks and previews of what is not saved.
    #[must_use]
    pub fn with_pipeline(&self, id: PipelineId, document: PipelineDocument) -> Self {
        let mut next = self.clone();
        next.pipelines.insert(id, Arc::new(Versioned::unsaved(document)));
        next
    }

    /// The same repository with this destination in it, for checks and previews of what is not saved.
    #[must_use]
    pub fn with_destination(&self, id: DestinationId, document: DestinationDocument) -> Self {
        let mut next = self.clone();
        next.destinations.insert(id, Arc::new(Versioned::unsaved(document)));
        next
    }

    /// The pipelines that send to a destination, in the order of their ids.
    #[must_use]
    pub fn users_of(&self, destination: &DestinationId) -> Vec<PipelineId> {
        self.pipelines
            .iter()
            .filter(|(_, p)| p.document.destinations.iter().any(|d| d.id() == destination))
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// What people call the document at a path; `None` when there is none.
    #[must_use]
    pub fn name_of(&self, path: &DocumentPath) -> Option<&str> {
        match path {
            DocumentPath::Pipeline(id) => self.pipelines.get(id).map(|stored| stored.document.name.as_str()),
            DocumentPath::Destination(id) => self.destinations.get(id).map(|stored| stored.document.name.as_str()),
            DocumentPath::Group(id) => self.groups.get(id).map(|stored| stored.document.name.as_str()),
            DocumentPath::Collector(id) => self.collectors.get(id).map(|stored| stored.document.name.as_str()),
            DocumentPath::Settings => None,
        }
    }

    /// What is wrong with the file behind a document, when a hand-made commit broke it.
    #[must_use]
    pub fn broken(&self, path: &DocumentPath) -> Option<&BrokenFile> {
        self.broken.iter().find(|b| b.document.as_ref() == Some(path))
    }
}
