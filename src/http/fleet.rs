//! `GET /fleet/summary`: the fleet at a glance.

use actix_web::{HttpResponse, web};
use linkmesh_actors::domain::access::Permission;
use linkmesh_proto::api::fleet::FleetSummary;

use super::{
    AppState,
    routes::{Access, Route},
};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(
            "/fleet/summary",
            "get_fleet_summary",
            Access::Needs(Permission::FleetRead),
            "Counts of collectors by status, runtime, config state and drift.",
            summary,
        )
        .answers::<FleetSummary>(200, "The counts."),
    ]
}

async fn summary(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(state.handles.fleet.summary())
}
