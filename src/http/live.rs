//! `GET /events`: the live feed as server-sent events.
//!
//! A stream outlives the check in front of it, so it checks again: every 30 seconds whether the session or token is
//! still good, and at once when the session is signed out. Each event is filtered by its own permission. A comment goes
//! out when nothing else does, so that proxies keep the connection and a dead one is noticed.

use std::{convert::Infallible, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, HeaderName},
    web::{self, Bytes},
};
use futures_util::stream;
use linkmesh_actors::{
    domain::access::Permission,
    feed::{FeedEvent, Subscription},
    token::TokenHash,
};
use linkmesh_proto::{Cursor, api::event::Event};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::{Instant, Interval, MissedTickBehavior, interval_at},
};

use super::{
    AppState,
    metrics::Open,
    routes::{Access, Param, Params, Route},
};
use crate::{auth::Caller, error::Result};

/// What a browser waits before it connects again.
const RETRY_MS: u32 = 2000;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Tells nginx not to hold events back.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(
            "/events",
            "follow_events",
            Access::Needs(Permission::EventsRead),
            "Server-sent events of what changes. `Last-Event-ID` resumes; `reset` says to load everything again.",
            follow,
        )
        .query([Param::text("cursor", "Resumes behind this event, like `Last-Event-ID`.")])
        .answers_as::<Event>(
            200,
            "Events without end; the `data` of each is such a document.",
            "text/event-stream",
        ),
    ]
}

async fn follow(
    state: web::Data<AppState>,
    request: HttpRequest,
    caller: Caller,
    params: Params,
) -> Result<HttpResponse> {
    let header = request.headers().get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty());
    let after = header.or_else(|| params.text("cursor")).map(|id| Cursor(id.to_owned()));
    // Before the subscription: a sign-out in between must not be missed.
    let ended = state.auth.ended_sessions();
    let subscription = state.handles.feed.subscribe(after.as_ref()).await?;
    let now = Instant::now();
    let follower = Follower {
        greeting: Some(format!("retry: {RETRY_MS}\n: connected\n\n")),
        heartbeat: every(now, state.edge.feed_heartbeat),
        recheck: every(now, state.edge.feed_recheck),
        subscription,
        ended,
        caller,
        _open: state.connections.feed.open(),
        state,
    };
    let events = stream::unfold(follower, |mut follower| async move {
        let text = follower.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(text)), follower))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store, no-transform"))
        .insert_header((ACCEL_BUFFERING, "no"))
        .streaming(events))
}

fn every(now: Instant, period: Duration) -> Interval {
    let mut interval = interval_at(now + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

struct Follower {
    greeting: Option<String>,
    heartbeat: Interval,
    recheck: Interval,
    subscription: Subscription,
    ended: broadcast::Receiver<TokenHash>,
    caller: Caller,
    _open: Open,
    state: web::Data<AppState>,
}

impl Follower {
    /// The next piece of the stream; `None` ends it.
    async fn next(&mut self) -> Option<String> {
        if let Some(greeting) = self.greeting.take() {
            return Some(greeting);
        }
        loop {
            tokio::select! {
                event = self.subscription.next() => {
                    if let Some(text) = shown(&event?, |permission| self.caller.may(permission)) {
                        self.heartbeat.reset();
                        return Some(text);
                    }
                }
                _ = self.heartbeat.tick() => return Some(": still here\n\n".to_owned()),
                _ = self.recheck.tick() => self.check_again().await?,
                ended = self.ended.recv() => match ended {
                    Ok(hash) if hash == self.caller.credential.hash() => return None,
                    Ok(_) => {}
                    // More sign-outs than the channel holds: it may have been this one.
                    Err(RecvError::Lagged(_)) => self.check_again().await?,
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    }

    /// Reads the caller anew, so that a changed role counts too. `None` when the credentials are good no more.
    async fn check_again(&mut self) -> Option<()> {
        self.caller = self.state.auth.recheck(&self.caller.credential).await.ok()?;
        self.caller.may(Permission::EventsRead).then_some(())
    }
}

/// The event as it is sent, to whoever may see what it tells of.
fn shown(event: &FeedEvent, may: impl Fn(Permission) -> bool) -> Option<String> {
    may(permission(&event.event)).then(|| written(event))
}

/// What somebody must be allowed to see to hear of an event.
const fn permission(event: &Event) -> Permission {
    match event {
        Event::CollectorChanged { .. } | Event::ConfigState { .. } | Event::Throughput { .. } => {
            Permission::CollectorsRead
        }
        Event::PipelineSaved { .. } => Permission::PipelinesRead,
        Event::DestinationSaved { .. } => Permission::DestinationsRead,
        Event::Revision { .. } => Permission::RevisionsRead,
        Event::Reset {} => Permission::EventsRead,
    }
}

fn written(FeedEvent { cursor, event }: &FeedEvent) -> String {
    // Invariant: events are plain documents, which always serialise; JSON text holds no line break.
    let data = serde_json::to_string(event).unwrap_or_default();
    format!("id: {}\nevent: {}\ndata: {data}\n\n", cursor.0, event.name())
}

#[cfg(test)]
mod tests {
    use linkmesh_proto::{
        CollectorId, Revision, Timestamp,
        api::{collector::ConfigState, pipeline::Signal},
    };

    use super::*;

    #[test]
    fn event_is_told_to_those_only_who_may_see_what_it_tells_of() {
        let revision = Revision::from_bytes([7; 20]);
        let events = [
            (Event::PipelineSaved { id: "web".parse().unwrap(), revision, deleted: false }, Permission::PipelinesRead),
            (
                Event::DestinationSaved { id: "central".parse().unwrap(), revision, deleted: true },
                Permission::DestinationsRead,
            ),
            (Event::Revision { revision, message: "m".into(), author: "a".into() }, Permission::RevisionsRead),
            (
                Event::Throughput {
                    collector_id: CollectorId::from_bytes([1; 16]),
                    pipeline: "web".parse().unwrap(),
                    signal: Signal::Logs,
                    at: Timestamp::from_millis(1),
                    in_per_second: 2.0,
                    out_per_second: 1.0,
                },
                Permission::CollectorsRead,
            ),
            (
                Event::ConfigState {
                    collector_id: CollectorId::from_bytes([1; 16]),
                    hash: None,
                    state: ConfigState::Failed,
                    error: None,
                },
                Permission::CollectorsRead,
            ),
            (Event::Reset {}, Permission::EventsRead),
        ];
        for (event, needed) in events {
            let event = FeedEvent { cursor: Cursor("b-1".into()), event };
            let name = event.event.name();
            assert!(shown(&event, |held| held == needed).is_some_and(|text| text.contains(name)), "{name}");
            assert_eq!(shown(&event, |held| held != needed), None, "{name} without {needed}");
        }
    }

    #[test]
    fn event_is_written_as_one_block() {
        let event = FeedEvent { cursor: Cursor("b-7".into()), event: Event::Reset {} };
        assert_eq!(written(&event), "id: b-7\nevent: reset\ndata: {\"type\":\"reset\"}\n\n");
    }
}
