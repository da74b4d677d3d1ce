//! `/destinations`: exporters configured once and shared by pipelines.

use actix_web::http::Method;
use linkmesh_actors::{
    domain::{
        access::Permission,
        config::{ConfigSnapshot, Documents, Versioned},
        document::{DocumentPath, Draft, read_destination, read_draft_destination, read_new_destination},
        secret::{clear_in_destination, mask_destination},
    },
    repository::{Edit, Saved},
};
use linkmesh_proto::{
    DestinationId,
    api::{
        destination::{Destination, DestinationDocument, DestinationSaved, NewDestination},
        list::Page,
        pipeline::Validation,
        problem::FieldProblem,
    },
};
use serde_json::Value;

use super::{
    AppState,
    documents::{Resource, delete, get, list, post, put, validate},
    routes::{Access, Param, Precondition, Route},
};

pub(super) fn routes() -> Vec<Route> {
    const READ: Access = Access::Needs(Permission::DestinationsRead);
    const WRITE: Access = Access::Needs(Permission::DestinationsWrite);
    vec![
        Route::get("/destinations", "list_destinations", READ, "Destinations by id.", list::<Destinations>)
            .query([
                Param::text("q", "A part of the id, the name, the description or the kind; case does not matter."),
                Param::LIMIT,
                Param::CURSOR,
            ])
            .answers::<Page<Destination>>(200, "A page of destinations.")
            .errors(&[503]),
        Route::post(
            "/destinations",
            "create_destination",
            WRITE,
            "Creates a destination; 409 when the id is taken.",
            post::<Destinations>,
        )
        .reads::<NewDestination>()
        .answers::<DestinationSaved>(201, "It is committed.")
        .etag()
        .errors(&[409, 503]),
        Route::post(
            "/destinations/validate",
            "validate_destination",
            READ,
            "Says what is wrong with a destination, also for the pipelines that use it. Stores nothing.",
            validate::<Destinations>,
        )
        .reads_only()
        .reads::<NewDestination>()
        .errors(&[503])
        .answers::<Validation>(200, "What is wrong; nothing when both lists are empty."),
        Route::get("/destinations/{id}", "get_destination", READ, "One destination.", get::<Destinations>)
            .answers::<Destination>(200, "The destination; secrets as `{\"sealed\": true}`.")
            .etag()
            .errors(&[503]),
        Route::new(
            Method::PUT,
            "/destinations/{id}",
            "save_destination",
            WRITE,
            "Saves a destination, new or known. `{\"sealed\": true}` keeps a secret.",
            put::<Destinations>,
        )
        .reads::<DestinationDocument>()
        .precondition(Precondition::IfMatchOrCreate)
        .answers::<DestinationSaved>(200, "It is committed.")
        .answers::<DestinationSaved>(201, "It is committed, and is new.")
        .etag()
        .errors(&[503]),
        Route::delete(
            "/destinations/{id}",
            "delete_destination",
            WRITE,
            "Deletes a destination; 409 while a pipeline sends to it.",
            delete::<Destinations>,
        )
        .precondition(Precondition::IfMatch)
        .answers_nothing(204, "It is gone.")
        .errors(&[409, 503]),
    ]
}

/// Destinations as documents.
struct Destinations;

impl Resource for Destinations {
    type Id = DestinationId;
    type Document = DestinationDocument;
    type View = Destination;
    type Saved = DestinationSaved;

    const SINGULAR: &'static str = "destination";
    const PLURAL: &'static str = "destinations";

    fn read_new(body: &Value) -> Result<(Option<DestinationId>, DestinationDocument), Vec<FieldProblem>> {
        read_new_destination(body).map(|NewDestination { id, document }| (id, document))
    }

    fn read_draft(body: &Value) -> Draft<(Option<DestinationId>, DestinationDocument)> {
        let Draft { document, problems } = read_draft_destination(body);
        Draft { document: document.map(|NewDestination { id, document }| (id, document)), problems }
    }

    fn read(body: &Value) -> Result<DestinationDocument, Vec<FieldProblem>> {
        read_destination(body)
    }

    fn path(id: &DestinationId) -> DocumentPath {
        DocumentPath::Destination(id.clone())
    }

    fn edit(id: DestinationId, document: DestinationDocument) -> Edit {
        Edit::Destination(id, document)
    }

    fn all(config: &ConfigSnapshot) -> &Documents<DestinationId, DestinationDocument> {
        &config.destinations
    }

    fn name(document: &DestinationDocument) -> &str {
        &document.name
    }

    fn searched(document: &DestinationDocument) -> Vec<&str> {
        vec![&document.description, &document.kind]
    }

    fn shown(
        _: &AppState,
        config: &ConfigSnapshot,
    ) -> impl Fn(&DestinationId, &Versioned<DestinationDocument>) -> Destination {
        move |id, destination| Destination {
            id: id.clone(),
            document: mask_destination(&destination.document),
            revision: destination.revision,
            updated_at: destination.updated_at,
            updated_by: destination.updated_by.clone(),
            used_by: config.users_of(id),
            broken: config.broken(&Self::path(id)).map(|broken| broken.reason.clone()),
            in_the_clear: clear_in_destination(&destination.document),
        }
    }

    fn saved(destination: Destination, Saved { revision, affected, warnings, .. }: Saved) -> DestinationSaved {
        DestinationSaved { destination, revision, rollout_id: None, affected, warnings }
    }
}
