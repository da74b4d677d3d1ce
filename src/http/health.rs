//! `/healthz` and `/readyz`, at the root: for load balancers and supervisors, without credentials, without detail.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_web::{HttpResponse, web};
use tokio::sync::Mutex;

use super::{
    AppState,
    mounts::{Admission, Mount},
};

/// How long the answer of a look at the stores holds: the look writes, and anybody may ask.
const HOLDS: Duration = Duration::from_secs(2);

/// Whether the server can do its work.
#[derive(Clone, Default)]
pub struct Readiness(Arc<Inner>);

#[derive(Default)]
struct Inner {
    stopping: AtomicBool,
    /// When the stores were looked at last, and what was wrong.
    looked: Mutex<Option<(Duration, Option<&'static str>)>>,
}

impl Readiness {
    /// The server stops: no new work is to be sent to it.
    pub fn stop(&self) {
        self.0.stopping.store(true, Ordering::Relaxed);
    }

    /// What keeps the server from its work; `None` when nothing does.
    pub async fn objection(&self, state: &AppState) -> Option<&'static str> {
        if self.0.stopping.load(Ordering::Relaxed) {
            return Some("the server is stopping");
        }
        let now = state.clock.monotonic();
        let mut looked = self.0.looked.lock().await;
        if let Some((at, objection)) = *looked
            && now.saturating_sub(at) < HOLDS
        {
            return objection;
        }
        let objection = look(state).await;
        *looked = Some((now, objection));
        objection
    }
}

/// Writes to the state store, and to the repository too when the last commit failed: a full or broken disk shows here,
/// and so does that it is over, without anybody having to save.
async fn look(state: &AppState) -> Option<&'static str> {
    if state.store.probe().await.is_err() {
        return Some("the state store does not work");
    }
    if state.handles.repository.check().await.is_err() {
        return Some("the config repository does not work");
    }
    None
}

/// Both, at the root.
pub fn mounts() -> Vec<Mount> {
    vec![
        Mount::new("/healthz", Admission::Public, |resource| resource.route(web::get().to(healthz))),
        Mount::new("/readyz", Admission::Public, |resource| resource.route(web::get().to(readyz))),
    ]
}

async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

async fn readyz(state: web::Data<AppState>) -> HttpResponse {
    match state.readiness.objection(&state).await {
        None => HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n"),
        Some(objection) => {
            HttpResponse::ServiceUnavailable().content_type("text/plain; charset=utf-8").body(format!("{objection}\n"))
        }
    }
}
