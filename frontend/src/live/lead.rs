//! Becoming the tab that reads, and reading.

use js_sys::{Function, Object, Promise, Reflect, Uint8Array};
use sycamore::web::window;
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure};
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::{FeedState, Live, Told};
use crate::{
    dom,
    model::sse::{Frame, Parser},
};

const FIRST_WAIT_MS: i32 = 500;
const LONGEST_WAIT_MS: i32 = 15_000;

/// Waits for the lock and reads while this tab holds it; reads at once where there are no locks.
pub(super) fn campaign(live: Live) {
    let inner = live.inner();
    let turn = inner.turn.get() + 1;
    inner.turn.set(turn);
    let locks = Reflect::get(&window().navigator(), &"locks".into()).unwrap_or_default();
    let request = Reflect::get(&locks, &"request".into()).ok().and_then(|request| request.dyn_into::<Function>().ok());
    let (Some(request), Ok(abort)) = (request, web_sys::AbortController::new()) else {
        spawn_local(read(live, turn));
        return;
    };
    inner.shared.set(true);
    live.tell(&Told::Hello);
    let options = Object::new();
    // Setting a property of a plain object cannot fail.
    _ = Reflect::set(&options, &"signal".into(), &abort.signal());
    let granted = Closure::once_into_js(move |_lock: JsValue| {
        // The lock is held until the promise that is given back resolves.
        Promise::new(&mut |resolve, _| {
            if live.inner().turn.get() == turn {
                *live.inner().resign.borrow_mut() = Some(resolve);
                spawn_local(read(live, turn));
            } else {
                _ = resolve.call0(&JsValue::UNDEFINED);
            }
        })
    });
    *inner.abort.borrow_mut() = Some(abort);
    if let Ok(waiting) = request.call3(&locks, &"linkmesh-feed".into(), &options, &granted) {
        spawn_local(async move {
            // Ends by an abort when the tab goes out of sight before it got the lock.
            _ = JsFuture::from(Promise::from(waiting)).await;
        });
    }
}

/// Reads the stream, again and again, for as long as this turn lasts.
async fn read(live: Live, turn: u64) {
    let mut wait = FIRST_WAIT_MS;
    while live.inner().turn.get() == turn {
        match stream(live, turn).await {
            End::Ours => return,
            End::Refused(state) => {
                if live.inner().turn.get() == turn {
                    live.state.set(state);
                    // Another window may be let in: where somebody signs in first.
                    live.resign();
                }
                return;
            }
            End::Lost { was_open } => {
                if live.inner().turn.get() != turn {
                    return;
                }
                live.tell(&Told::Lost);
                live.hear(Told::Lost);
                wait = if was_open { FIRST_WAIT_MS } else { (wait * 2).min(LONGEST_WAIT_MS) };
                // Pages of a whole team come back at once after a restart: spread them.
                dom::pause(wait + (js_sys::Math::random() * f64::from(wait)) as i32).await;
            }
        }
    }
}

enum End {
    /// The turn is over.
    Ours,
    /// Trying again is no use.
    Refused(FeedState),
    /// The connection failed or ended.
    Lost { was_open: bool },
}

async fn stream(live: Live, turn: u64) -> End {
    let inner = live.inner();
    let Ok(abort) = web_sys::AbortController::new() else { return End::Refused(FeedState::Stale) };
    *inner.abort.borrow_mut() = Some(abort.clone());
    let after = inner.cursor.borrow().clone();
    let mut request = gloo_net::http::Request::get("/api/v1/events").header("Accept", "text/event-stream");
    if let Some(cursor) = &after {
        request = request.header("Last-Event-ID", cursor);
    }
    let Ok(response) = request.abort_signal(Some(&abort.signal())).send().await else {
        return ended(live, turn, false);
    };
    match response.status() {
        200 => {}
        401 => {
            inner.api.expired.set(true);
            return End::Refused(FeedState::Stale);
        }
        403 => return End::Refused(FeedState::Forbidden),
        _ => return ended(live, turn, false),
    }
    let Some(body) = response.body() else { return ended(live, turn, false) };
    let Ok(reader) = body.get_reader().dyn_into::<web_sys::ReadableStreamDefaultReader>() else {
        return ended(live, turn, false);
    };
    live.tell(&Told::Open { after: after.clone() });
    live.hear(Told::Open { after });
    let mut parser = Parser::default();
    while let Ok(chunk) = JsFuture::from(reader.read()).await {
        if live.inner().turn.get() != turn {
            return End::Ours;
        }
        if Reflect::get(&chunk, &"done".into()).is_ok_and(|done| done.is_truthy()) {
            break;
        }
        let Ok(piece) = Reflect::get(&chunk, &"value".into()) else { break };
        for frame in parser.push(&Uint8Array::new(&piece).to_vec()) {
            let told = match frame {
                Frame::Alive => Told::Alive,
                Frame::Event { id, data, .. } => Told::Event { id, data },
            };
            live.tell(&told);
            live.hear(told);
        }
    }
    ended(live, turn, true)
}

fn ended(live: Live, turn: u64, was_open: bool) -> End {
    if live.inner().turn.get() == turn { End::Lost { was_open } } else { End::Ours }
}
