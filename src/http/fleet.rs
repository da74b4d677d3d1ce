//! `GET /fleet/summary`: the fleet at a glance.

use actix_web::{HttpResponse, web};
use linkmesh_actors::domain::access::Permission;
use linkmesh_proto::{PipelineId, api::fleet::FleetSummary};

use super::{
    AppState,
    routes::{Access, Param, Params, Route},
};
use crate::error::{Error, Result};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(
            "/fleet/summary",
            "get_fleet_summary",
            Access::Needs(Permission::FleetRead),
            "Counts of collectors by status, runtime, config state and drift, and what flows through them.",
            summary,
        )
        .query([Param::text("pipeline", "Only collectors that should run this pipeline, and what flows through it.")])
        .answers::<FleetSummary>(200, "The counts and rates."),
    ]
}

async fn summary(state: web::Data<AppState>, params: Params) -> Result<HttpResponse> {
    let pipeline = params.value::<PipelineId>("pipeline")?;
    // Reads all rows: off the worker, which serves collectors too.
    let fleet = state.handles.fleet.clone();
    let summary = web::block(move || fleet.summary(pipeline.as_ref())).await.map_err(Error::internal)?;
    Ok(HttpResponse::Ok().json(summary))
}
