//! `/collectors/{id}/...`: what one collector runs, how it is, and what it is told.

use std::time::Duration;

use actix_web::{HttpResponse, rt, web};
use linkmesh_actors::domain::access::Permission;
use linkmesh_proto::{
    CollectorId, Cursor,
    api::{
        collector::{CollectorConfig, CollectorEvent, CollectorHealth, NewToken, Throughput},
        list::Page,
    },
};

use super::{
    super::{
        AppState,
        routes::{Access, Context, Id, Param, Params, Route, invalid, limit},
    },
    READ, WRITE,
};
use crate::{
    auth::Caller,
    error::{Error, Result},
};

/// The longest window of rates.
const LONGEST_WINDOW: Duration = Duration::from_secs(3600);

pub(super) fn routes() -> Vec<Route> {
    const RESTART: Access = Access::Needs(Permission::CollectorsRestart);
    vec![
        Route::get(
            "/collectors/{id}/config",
            "get_collector_config",
            READ,
            "What it should run, what it says that it runs, and where they differ. Secrets are hidden.",
            config,
        )
        .answers::<CollectorConfig>(200, "Both configs.")
        .errors(&[503]),
        Route::get("/collectors/{id}/health", "get_collector_health", READ, "The tree of its components.", health)
            .answers::<CollectorHealth>(200, "The tree, as last reported."),
        Route::get(
            "/collectors/{id}/events",
            "list_collector_events",
            READ,
            "What happened to it, newest first.",
            events,
        )
        .query([Param::LIMIT, Param::CURSOR])
        .answers::<Page<CollectorEvent>>(200, "A page of events."),
        Route::get(
            "/collectors/{id}/throughput",
            "get_collector_throughput",
            READ,
            "Rates of its pipelines and figures of its destinations.",
            throughput,
        )
        .query([Param::text("window", "How far back, for example `15m`; at most and by default `1h`.")])
        .answers::<Throughput>(200, "The rates."),
        Route::post(
            "/collectors/{id}/token",
            "rotate_collector_token",
            WRITE,
            "Issues a new token. The one before stays valid until it is ended, or 7 days after a fresh process first \
             used the new one.",
            rotate,
        )
        .answers::<NewToken>(201, "The token, shown this once.")
        .errors(&[409]),
        Route::delete(
            "/collectors/{id}/token/previous",
            "end_previous_collector_token",
            WRITE,
            "Ends the token before the newest one.",
            end_previous,
        )
        .answers_nothing(204, "It opens nothing any more."),
        Route::post(
            "/collectors/{id}/restart",
            "restart_collector",
            RESTART,
            "Asks the collector to restart.",
            restart,
        )
        .answers_nothing(202, "It was asked.")
        .errors(&[409]),
        Route::post(
            "/collectors/{id}/retry",
            "retry_collector_config",
            RESTART,
            "Offers a config that failed once more.",
            retry,
        )
        .answers_nothing(202, "It will be offered.")
        .errors(&[409]),
    ]
}

async fn config(state: web::Data<AppState>, Id(id): Id<CollectorId>) -> Result<HttpResponse> {
    // Compares whole texts: a few at a time. What is begun holds its turn to its end, also when the client leaves.
    let (turn, fleet) = (state.comparisons.turn().await?, state.handles.fleet.clone());
    let config = rt::spawn(async move {
        let config = fleet.config(id).await;
        drop(turn);
        config
    });
    Ok(HttpResponse::Ok().json(config.await.map_err(Error::internal)??))
}

async fn health(state: web::Data<AppState>, Id(id): Id<CollectorId>) -> Result<HttpResponse> {
    Ok(HttpResponse::Ok().json(state.handles.fleet.health(id).await?))
}

async fn events(state: web::Data<AppState>, Id(id): Id<CollectorId>, params: Params) -> Result<HttpResponse> {
    let cursor = params.text("cursor").map(|text| Cursor(text.to_owned()));
    Ok(HttpResponse::Ok().json(state.handles.fleet.events(id, cursor.as_ref(), limit(&params)?).await?))
}

async fn throughput(state: web::Data<AppState>, Id(id): Id<CollectorId>, params: Params) -> Result<HttpResponse> {
    let window = match params.text("window") {
        None => LONGEST_WINDOW,
        Some(text) => window(text).ok_or_else(|| invalid("window", "a time like 90s, 15m or 1h, at most 1h"))?,
    };
    // The meter knows rates, not who exists.
    state.handles.fleet.collector(id)?;
    Ok(HttpResponse::Ok().json(state.handles.meter.throughput(id, window).await?))
}

fn window(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    let window = Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(seconds)?);
    (!window.is_zero() && window <= LONGEST_WINDOW).then_some(window)
}

async fn rotate(
    state: web::Data<AppState>,
    context: Context,
    caller: Caller,
    Id(id): Id<CollectorId>,
) -> Result<HttpResponse> {
    let by = context.by(&caller);
    let token = state.handles.fleet.rotate_token(id, &by).await?;
    context.audit(&state, &by, "collectors:rotate-token", format_args!("collectors/{id}"), None).await;
    Ok(HttpResponse::Created().json(NewToken { token: token.reveal().to_owned() }))
}

async fn end_previous(
    state: web::Data<AppState>,
    context: Context,
    caller: Caller,
    Id(id): Id<CollectorId>,
) -> Result<HttpResponse> {
    let by = context.by(&caller);
    state.handles.fleet.end_previous_token(id, &by).await?;
    context.audit(&state, &by, "collectors:end-token", format_args!("collectors/{id}"), None).await;
    Ok(HttpResponse::NoContent().finish())
}

async fn restart(
    state: web::Data<AppState>,
    context: Context,
    caller: Caller,
    Id(id): Id<CollectorId>,
) -> Result<HttpResponse> {
    let by = context.by(&caller);
    state.handles.fleet.restart(id, &by).await?;
    context.audit(&state, &by, "collectors:restart", format_args!("collectors/{id}"), None).await;
    Ok(HttpResponse::Accepted().finish())
}

async fn retry(
    state: web::Data<AppState>,
    context: Context,
    caller: Caller,
    Id(id): Id<CollectorId>,
) -> Result<HttpResponse> {
    let by = context.by(&caller);
    state.handles.fleet.retry(id, &by).await?;
    context.audit(&state, &by, "collectors:retry", format_args!("collectors/{id}"), None).await;
    Ok(HttpResponse::Accepted().finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_is_a_time_of_at_most_an_hour() {
        assert_eq!(window("90s"), Some(Duration::from_secs(90)));
        assert_eq!(window("1h"), Some(LONGEST_WINDOW));
        for bad in ["", "s", "0s", "61m", "2h", "1d", "-1m", "5", "1ä", "99999999999999999999m"] {
            assert_eq!(window(bad), None, "{bad:?}");
        }
    }
}
