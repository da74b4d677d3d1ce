//! What is mounted beside the table of REST routes: the paths of collectors and of monitoring, each with who may use it.
//!
//! [`mount`] serves these, the table and the page, and nothing else: a path that is not in one of the two lists does
//! not exist.

use actix_web::{Resource, web};

use super::{health, opamp, otlp, remotecfg, routes, ui};

/// Who may use a path that is not in the table of REST routes. Its handler checks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Everybody: it says and changes nothing that is anybody's.
    Public,
    /// Who holds a collector's token.
    Collector,
    /// Who holds a collector's token, or an enrolment token by which it becomes a collector.
    CollectorOrEnrolment,
}

/// A path and what answers there.
#[derive(Debug, Clone)]
pub struct Mount {
    /// The path, parameters in braces.
    pub path: String,
    /// Who may use it.
    pub admission: Admission,
    serve: fn(Resource) -> Resource,
}

impl Mount {
    /// A path. `admission` has no default: a path without it does not compile.
    pub(super) fn new(path: impl Into<String>, admission: Admission, serve: fn(Resource) -> Resource) -> Self {
        Self { path: path.into(), admission, serve }
    }
}

/// Every path outside of the table and of the page.
#[must_use]
pub fn mounts() -> Vec<Mount> {
    [opamp::mounts(), remotecfg::mounts(), otlp::mounts(), health::mounts()].into_iter().flatten().collect()
}

/// Serves some paths.
pub fn configure(mounts: Vec<Mount>, config: &mut web::ServiceConfig) {
    for Mount { path, serve, .. } in mounts {
        config.service(serve(web::resource(path)));
    }
}

/// Serves everything.
pub fn mount(config: &mut web::ServiceConfig) {
    // Before the scope below, which answers for everything under its prefix.
    configure(mounts(), config);
    config
        .service(web::scope(routes::PREFIX).configure(routes::configure).default_service(web::to(routes::not_found)))
        .default_service(web::to(ui::serve));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_beside_the_table_names_who_may_use_it() {
        let listed: Vec<_> = mounts().iter().map(|mount| format!("{} {:?}", mount.path, mount.admission)).collect();
        // A new line here is a path without a permission of the table: say in the review why.
        assert_eq!(
            listed,
            [
                "/v1/opamp CollectorOrEnrolment",
                "/api/v1/opamp CollectorOrEnrolment",
                "/api/v1/remotecfg/collector.v1.CollectorService/{procedure} Collector",
                "/collector.v1.CollectorService/{procedure} Collector",
                "/v1/metrics Collector",
                "/api/v1/otlp/v1/metrics Collector",
                "/healthz Public",
                "/readyz Public",
            ]
        );
    }
}
