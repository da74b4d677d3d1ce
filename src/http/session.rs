//! `/session`: signing in and out, and who is asking.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time},
    web,
};
use linkmesh_proto::api::session::{Session, SignIn};
use zeroize::Zeroizing;

use super::{
    AppState,
    routes::{Access, Context, Json, Route, SESSION_COOKIE},
};
use crate::{
    auth::{Caller, Credential, SESSION},
    error::{Error, ErrorCode, Result},
};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/session", "sign_in", Access::Public, "Signs a user in and sets the session cookie.", sign_in)
            .reads::<SignIn>()
            .answers::<Session>(200, "Signed in.")
            .errors(&[422, 429, 503]),
        Route::get(
            "/session",
            "get_session",
            Access::SignedIn,
            "Says who is asking and what they may do.",
            get_session,
        )
        .answers::<Session>(200, "Who is asking."),
        Route::delete(
            "/session",
            "sign_out",
            Access::SignedIn,
            "Ends the session; its event streams end at once.",
            sign_out,
        )
        .answers_nothing(204, "The session is over.")
        .errors(&[409]),
    ]
}

async fn sign_in(
    state: web::Data<AppState>,
    request: HttpRequest,
    context: Context,
    Json(body): Json<SignIn>,
) -> Result<HttpResponse> {
    let SignIn { email, password } = body;
    let signed_in = match state.auth.sign_in(&email, Zeroizing::new(password), context.origin()).await {
        Ok(signed_in) => signed_in,
        Err(error) => {
            if error.code() == ErrorCode::Unauthenticated {
                tracing::warn!(request_id = %context.request_id, address = context.origin(), "sign-in refused");
            }
            return Err(error);
        }
    };
    let caller = &signed_in.caller;
    context.audit(&state, &context.by(caller), "session:create", format_args!("users/{}", caller.id), None).await;
    Ok(HttpResponse::Ok().cookie(cookie(&state, &request, &signed_in.cookie)).json(caller.session()))
}

async fn get_session(caller: Caller) -> HttpResponse {
    HttpResponse::Ok().json(caller.session())
}

async fn sign_out(
    state: web::Data<AppState>,
    request: HttpRequest,
    context: Context,
    caller: Caller,
) -> Result<HttpResponse> {
    let Credential::Session { hash, .. } = &caller.credential else {
        return Err(Error::new(ErrorCode::Conflict, "A service account's token has no session that could end."));
    };
    state.auth.sign_out(*hash).await?;
    context.audit(&state, &context.by(&caller), "session:delete", format_args!("users/{}", caller.id), None).await;
    let mut gone = cookie(&state, &request, "");
    gone.make_removal();
    Ok(HttpResponse::NoContent().cookie(gone).finish())
}

/// The session cookie. `Secure` where the browser speaks TLS, with this server or with a proxy in front (decision 28).
pub(super) fn cookie(state: &AppState, request: &HttpRequest, value: &str) -> Cookie<'static> {
    Cookie::build(SESSION_COOKIE, value.to_owned())
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(request.app_config().secure() || state.edge.cookies_secure)
        .max_age(time::Duration::seconds(i64::try_from(SESSION.as_secs()).unwrap_or(0)))
        .finish()
}
