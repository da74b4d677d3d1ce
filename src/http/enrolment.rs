//! `/enrollment-tokens` and `/enrol`: how collectors come that nobody created by hand.

use actix_web::{HttpRequest, HttpResponse, web};
use linkmesh_actors::{by::By, domain::access::Permission, fleet::EnrolError, ports::RedeemError};
use linkmesh_proto::{
    Timestamp, TokenId,
    api::{
        enrolment::{Enrol, Enrolled, EnrollmentToken, EnrollmentTokenCreated, NewEnrollmentToken},
        list::Page,
    },
};

use super::{
    AppState,
    collectors::bootstrap::{self, Host},
    routes::{Access, Context, Id, Json, Paging, Param, Params, Route, paged},
};
use crate::{
    auth::{
        Caller,
        token::{Bearer, TokenKind},
    },
    error::{Error, ErrorCode, Result},
};

pub(super) fn routes() -> Vec<Route> {
    const WRITE: Access = Access::Needs(Permission::EnrolmentWrite);
    vec![
        Route::post("/enrollment-tokens", "create_enrollment_token", WRITE, "Makes an enrolment token.", create)
            .reads::<NewEnrollmentToken>()
            .answers::<EnrollmentTokenCreated>(201, "The token, shown this once."),
        Route::get(
            "/enrollment-tokens",
            "list_enrollment_tokens",
            Access::Needs(Permission::EnrolmentRead),
            "Enrolment tokens that have not ended, newest first; never their text.",
            list,
        )
        .query([Param::LIMIT, Param::CURSOR])
        .answers::<Page<EnrollmentToken>>(200, "A page of tokens."),
        Route::delete(
            "/enrollment-tokens/{id}",
            "delete_enrollment_token",
            WRITE,
            "Ends an enrolment token. Collectors that redeemed it stay.",
            delete,
        )
        .answers_nothing(
            204,
            "Nobody enrols with it any more. Supervisors that did, and keep it because they could not be offered a token of \
             their own, are still let in: deregister those that should not be.",
        ),
        Route::post(
            "/enrol",
            "enrol",
            Access::EnrolmentToken,
            "Redeems an enrolment token: a new collector with a token of its own.",
            enrol,
        )
        .reads::<Enrol>()
        .answers::<Enrolled>(201, "The collector's token, shown this once, and what to put on the host.")
        .errors(&[403, 410, 429]),
    ]
}

async fn create(
    state: web::Data<AppState>,
    context: Context,
    caller: Caller,
    Json(new): Json<NewEnrollmentToken>,
) -> Result<HttpResponse> {
    let by = context.by(&caller);
    let issued = state.handles.fleet.create_enrollment(new, &by).await?;
    let target = format_args!("enrollment-tokens/{}", issued.record.id).to_string();
    context.audit(&state, &by, "enrollment-tokens:create", target, None).await;
    Ok(HttpResponse::Created().json(EnrollmentTokenCreated {
        id: issued.record.id,
        token: issued.token.reveal().to_owned(),
        expires_at: issued.record.expires_at,
    }))
}

async fn list(state: web::Data<AppState>, params: Params) -> Result<HttpResponse> {
    let paging = Paging::<(Timestamp, TokenId)>::of(&params, "created_at")?;
    let tokens = state.handles.fleet.enrollments().await?;
    Ok(HttpResponse::Ok().json(paged(tokens, &paging, "created_at", true, |token| (token.created_at, token.id))))
}

async fn delete(
    state: web::Data<AppState>,
    context: Context,
    caller: Caller,
    Id(id): Id<TokenId>,
) -> Result<HttpResponse> {
    let by = context.by(&caller);
    state.handles.fleet.delete_enrollment(id, &by).await?;
    context.audit(&state, &by, "enrollment-tokens:delete", format_args!("enrollment-tokens/{id}"), None).await;
    Ok(HttpResponse::NoContent().finish())
}

async fn enrol(
    state: web::Data<AppState>,
    request: HttpRequest,
    context: Context,
    Json(body): Json<Enrol>,
) -> Result<HttpResponse> {
    let bearer = Bearer::of(request.headers());
    let token = bearer.of_kind(TokenKind::Enrollment).ok_or_else(|| {
        Error::new(ErrorCode::Unauthenticated, "The Authorization header holds no enrolment token (lmet_...).")
    })?;
    let enrolled = state.handles.fleet.enrol(token.text(), body).await.map_err(|error| match error {
        EnrolError::Redeem(RedeemError::Store(_)) | EnrolError::Invalid(_) | EnrolError::Unavailable(_) => error.into(),
        EnrolError::Redeem(_) => state.turn_away(&context, error.into()),
    })?;
    let by = By {
        name: format!("enrolment of {}", enrolled.name),
        email: None,
        address: context.address.clone(),
        request_id: context.request_id.clone(),
    };
    context.audit(&state, &by, "collectors:enrol", format_args!("collectors/{}", enrolled.id), None).await;
    let bootstrap = bootstrap::of(
        &state.edge,
        &Host {
            id: enrolled.id,
            name: &enrolled.name,
            runtime: enrolled.runtime,
            version: None,
            stability: enrolled.stability,
            token: enrolled.token.reveal(),
        },
    );
    Ok(HttpResponse::Created().json(Enrolled {
        collector_id: enrolled.id,
        token: enrolled.token.reveal().to_owned(),
        bootstrap,
    }))
}
