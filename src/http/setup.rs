//! `POST /setup`: the first administrator.

use actix_web::{HttpRequest, HttpResponse, web};
use linkmesh_proto::api::session::{Session, Setup};

use super::{
    AppState,
    routes::{Access, Context, Json, Route},
    session,
};
use crate::error::Result;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post(
            "/setup",
            "set_up",
            Access::Public,
            "Creates the first administrator by the token of the setup link, and signs them in.",
            set_up,
        )
        .reads::<Setup>()
        .answers::<Session>(201, "The administrator exists and is signed in by cookie.")
        .errors(&[403, 410, 422, 429]),
    ]
}

async fn set_up(
    state: web::Data<AppState>,
    request: HttpRequest,
    context: Context,
    Json(setup): Json<Setup>,
) -> Result<HttpResponse> {
    let signed_in = state.auth.set_up(setup, context.origin()).await?;
    let caller = &signed_in.caller;
    context.audit(&state, &context.by(caller), "setup:write", format_args!("users/{}", caller.id), None).await;
    tracing::info!(request_id = %context.request_id, user = %caller.id, "first administrator created");
    Ok(HttpResponse::Created().cookie(session::cookie(&state, &request, &signed_in.cookie)).json(caller.session()))
}
