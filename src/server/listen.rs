//! The HTTP listener: actix-web's routes, and OpAMP sockets taken out of its hands at the upgrade.
//!
//! This is what `actix_web::HttpServer` does, with one thing more that it does not offer: an upgrade service, which gets
//! the raw connection.

use std::{io, net::TcpListener, path::Path, time::Duration};

use actix_http::{HttpService, KeepAlive};
use actix_server::{Server, ServerBuilder};
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, map_config};
use actix_web::{App, dev::AppConfig, middleware::from_fn, web};
use rustls::{ServerConfig, pki_types::CertificateDer};

use crate::{
    config::TlsConfig,
    http::{agents::Agents, opamp, routes},
};

/// The service of one thread. A macro, because its type, the same for plain TCP and for TLS but for the stream, cannot
/// be written down.
macro_rules! http_service {
    ($agents:ident, $signal:ident, $routes:ident) => {{
        let app = App::new().wrap(from_fn(routes::finish)).configure($routes).into_factory();
        let app = app.map_err(|error: actix_web::Error| error.error_response());
        HttpService::build()
            .graceful_shutdown_signal(move || {
                let signal = $signal.clone();
                async move { signal.notified().await }
            })
            .keep_alive(KeepAlive::Timeout(KEEP_ALIVE))
            .client_request_timeout(REQUEST_TIMEOUT)
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
            // Who closes its side has left: nobody who speaks HTTP does so to wait for an answer. What goes on for it ends
            // then, and not with the answer.
            .h1_allow_half_closed(false)
            .tcp_nodelay(true)
            .upgrade(move |(request, framed)| opamp::upgrade($agents.clone(), request, framed))
            .finish(map_config(app, |()| AppConfig::default()))
    }};
}

/// How long a connection may take to send its first request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept. Alloys poll each minute, and keep theirs for five.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long a connection that is being closed is waited for.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// What the listener needs beside its routes.
#[derive(Clone)]
pub struct Listen {
    /// Where the collectors are looked up.
    pub agents: web::Data<Agents>,
    /// Threads that serve.
    pub workers: usize,
    /// Connections of one thread.
    pub max_connections: usize,
    /// How long requests that run are waited for at the end.
    pub shutdown_timeout: Duration,
}

/// Why the listener cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The certificate or key file cannot be read.
    #[error("{path}: {reason}")]
    Pem {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Certificate and key do not go together.
    #[error("the certificate and key of `http.tls` cannot be used")]
    Tls(#[from] rustls::Error),
    /// The system refused.
    #[error("the HTTP listener cannot be started")]
    Io(#[from] io::Error),
}

impl Listen {
    /// Serves on a bound listener until the returned server is stopped through its handle.
    ///
    /// # Errors
    /// Certificates that cannot be used; a system that refuses.
    pub fn start<F>(self, listener: TcpListener, tls: Option<&TlsConfig>, routes: F) -> Result<Server, ListenError>
    where
        F: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
    {
        let builder = ServerBuilder::new()
            .workers(self.workers)
            .max_concurrent_connections(self.max_connections)
            .shutdown_timeout(self.shutdown_timeout.as_secs().max(1))
            .disable_signals();
        let signal = builder.graceful_shutdown_signal();
        let agents = self.agents;
        let server = match tls.map(tls_config).transpose()? {
            None => builder.listen("http", listener, move || {
                let (agents, signal, routes) = (agents.clone(), signal.clone(), routes.clone());
                http_service!(agents, signal, routes).tcp()
            })?,
            Some(tls) => builder.listen("https", listener, move || {
                let (agents, signal, routes) = (agents.clone(), signal.clone(), routes.clone());
                http_service!(agents, signal, routes).rustls_0_23(tls.clone())
            })?,
        };
        Ok(server.run())
    }
}

fn tls_config(files: &TlsConfig) -> Result<ServerConfig, ListenError> {
    let chain = certificates(&files.certificate)?;
    let key = read(&files.key)?;
    let key = rustls_pemfile::private_key(&mut key.as_slice())
        .map_err(|error| pem(&files.key, error.to_string()))?
        .ok_or_else(|| pem(&files.key, "holds no private key"))?;
    Ok(ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ListenError> {
    let text = read(path)?;
    let chain: Vec<_> = rustls_pemfile::certs(&mut text.as_slice())
        .collect::<Result<_, _>>()
        .map_err(|error| pem(path, error.to_string()))?;
    if chain.is_empty() { Err(pem(path, "holds no certificate")) } else { Ok(chain) }
}

/// Reads the authority that is offered to collectors, and checks that it is one.
///
/// # Errors
/// A file that cannot be read or holds no certificate.
pub fn authority(path: &Path) -> Result<String, ListenError> {
    certificates(path)?;
    String::from_utf8(read(path)?).map_err(|_| pem(path, "is no text"))
}

fn read(path: &Path) -> Result<Vec<u8>, ListenError> {
    std::fs::read(path).map_err(|error| pem(path, error.to_string()))
}

fn pem(path: &Path, reason: impl Into<String>) -> ListenError {
    ListenError::Pem { path: path.display().to_string(), reason: reason.into() }
}
