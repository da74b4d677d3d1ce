//! A backend: takes OTLP/HTTP and keeps the log records, decoded.

use std::sync::{Arc, Mutex, PoisonError};

use actix_web::{App, HttpResponse, HttpServer, dev::ServerHandle, web};
use prost::Message as _;

use super::records::{Export, LogRecord};
use crate::support::wait_for;

#[derive(Default)]
struct Taken {
    records: Vec<LogRecord>,
    metric_requests: usize,
    tenants: Vec<String>,
}

/// A listening backend.
pub(crate) struct Sink {
    pub(crate) port: u16,
    taken: Arc<Mutex<Taken>>,
    handle: ServerHandle,
}

impl Sink {
    pub(crate) fn start() -> Self {
        let taken = Arc::new(Mutex::new(Taken::default()));
        let shared = Arc::clone(&taken);
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::from(Arc::clone(&shared)))
                .route("/v1/logs", web::post().to(logs))
                .route("/v1/metrics", web::post().to(metrics))
        })
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .expect("a port");
        let port = server.addrs()[0].port();
        let running = server.run();
        let handle = running.handle();
        tokio::spawn(running);
        Self { port, taken, handle }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// All log records so far.
    pub(crate) fn records(&self) -> Vec<LogRecord> {
        locked(&self.taken).records.clone()
    }

    /// Values of the header `X-Tenant` so far.
    pub(crate) fn tenants(&self) -> Vec<String> {
        locked(&self.taken).tenants.clone()
    }

    /// Waits for a record with this body.
    pub(crate) async fn wait_for_record(&self, body: &str) -> LogRecord {
        wait_for(&format!("the record {body:?} at the sink"), || {
            let records = self.records();
            let found = records.iter().find(|record| record.body() == body).cloned();
            std::future::ready(found.ok_or_else(|| format!("{records:?}")))
        })
        .await
    }

    /// Waits until metrics arrived.
    pub(crate) async fn wait_for_metrics(&self) {
        wait_for("metrics at the sink", || {
            let requests = locked(&self.taken).metric_requests;
            std::future::ready(if requests > 0 { Ok(()) } else { Err("none".to_owned()) })
        })
        .await;
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

fn locked(taken: &Mutex<Taken>) -> std::sync::MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn logs(request: actix_web::HttpRequest, body: web::Bytes, taken: web::Data<Mutex<Taken>>) -> HttpResponse {
    let Ok(export) = Export::decode(body) else { return HttpResponse::BadRequest().finish() };
    let mut taken = locked(&taken);
    if let Some(tenant) = request.headers().get("x-tenant").and_then(|tenant| tenant.to_str().ok()) {
        taken.tenants.push(tenant.to_owned());
    }
    let scopes = export.resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
    taken.records.extend(scopes.flat_map(|scope| scope.log_records));
    drop(taken);
    HttpResponse::Ok().content_type("application/x-protobuf").finish()
}

async fn metrics(_body: web::Bytes, taken: web::Data<Mutex<Taken>>) -> HttpResponse {
    locked(&taken).metric_requests += 1;
    HttpResponse::Ok().content_type("application/x-protobuf").finish()
}
