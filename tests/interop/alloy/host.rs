//! What the examples of the catalogue expect of a host: certificates, an address, a folder, and a cluster around it whose API
//! has one pod.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, web};
use serde_json::{Value, json};

use crate::support::tls::Authority;

/// The pod of the cluster, at the address from which the tests send.
fn pod() -> Value {
    json!({
        "metadata": {
            "name": "shop-1", "namespace": "web", "uid": "0a1b", "resourceVersion": "1",
            "labels": {"app.kubernetes.io/name": "shop", "app.kubernetes.io/part-of": "shop", "tier": "web"},
            "annotations": {"example.com/owner": "team a"},
        },
        "spec": {"nodeName": "node-1", "containers": [{"name": "app", "image": "shop:1"}]},
        "status": {"phase": "Running", "podIP": "127.0.0.1"},
    })
}

/// Where this process finds what it needs, and who serves it. Goes together with [`super::super::programs::alone`]: it
/// takes addresses, and mounts what Alloy looks for at a fixed place.
pub(in crate::interop) struct Host {
    folder: PathBuf,
    cluster: ServerHandle,
    port: u16,
}

impl Host {
    pub(in crate::interop) fn set_up(folder: &Path) -> Self {
        let folder = folder.join("host");
        fs::create_dir_all(folder.join("telemetry")).expect("a folder");
        fs::create_dir_all(folder.join("account")).expect("a folder");
        let authority = Authority::new("the examples");
        let files = authority.equip(&folder);
        fs::copy(folder.join("authority.pem"), folder.join("account/ca.crt")).expect("a copy");
        fs::write(folder.join("account/token"), "a token").expect("a file");
        let added = Command::new("ip").args(["addr", "add", "10.0.0.5/32", "dev", "lo"]).status().expect("ip runs");
        assert!(added.success(), "no address of the examples");
        let (cluster, port) = serve_cluster(&files.map(|(_, path)| path));
        Self { folder, cluster, port }
    }

    /// A text with what is here in the place of what the examples name.
    pub(in crate::interop) fn at_home(&self, text: &str) -> String {
        let folder = self.folder.display();
        let mut parts = text.split('"').map(str::to_owned).collect::<Vec<_>>();
        for part in &mut parts {
            let is_in = |folders: &[&str]| folders.iter().any(|folder| part.starts_with(folder));
            if is_in(&["/etc/ssl/", "/etc/linkmesh/tls/"]) {
                let name = if part.ends_with(".key") {
                    "server.key"
                } else if part.contains("ca.") || part.contains("clients.") {
                    "authority.pem"
                } else {
                    "server.pem"
                };
                *part = format!("{folder}/{name}");
            } else if let Some(rest) = part.strip_prefix("/var/lib/telemetry/") {
                *part = format!("{folder}/telemetry/{rest}");
            }
        }
        parts.join("\"")
    }

    /// Runs a program as a pod of the cluster does: with the address of its API, and the account at its place.
    pub(in crate::interop) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh", "-euc"])
            .arg(
                "mount -t tmpfs tmpfs /run; mkdir -p /run/secrets/kubernetes.io; \
                 cp -r \"$1\" /run/secrets/kubernetes.io/serviceaccount; shift; exec \"$@\"",
            )
            .arg("sh")
            .arg(self.folder.join("account"))
            .arg(program)
            .env("KUBERNETES_SERVICE_HOST", "127.0.0.1")
            .env("KUBERNETES_SERVICE_PORT", self.port.to_string());
        command
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.cluster.stop(false));
    }
}

/// Serves the API of a cluster; `files` are a certificate, its key and who signed it.
fn serve_cluster([certificate, key, _]: &[String; 3]) -> (ServerHandle, u16) {
    let read = |path: &str| std::io::BufReader::new(fs::File::open(path).expect("a file"));
    let chain = rustls_pemfile::certs(&mut read(certificate)).collect::<Result<Vec<_>, _>>().expect("a certificate");
    let key = rustls_pemfile::private_key(&mut read(key)).expect("a key").expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_no_client_auth().with_single_cert(chain, key).expect("a pair");
    let server = HttpServer::new(|| App::new().default_service(web::to(cluster)))
        .workers(1)
        .disable_signals()
        .bind_rustls_0_23("127.0.0.1:0", config)
        .expect("a port");
    let port = server.addrs()[0].port();
    let running = server.run();
    let handle = running.handle();
    tokio::spawn(running);
    (handle, port)
}

/// Answers what is asked for lists; to who watches, nothing ever happens.
async fn cluster(request: HttpRequest) -> HttpResponse {
    let query = request.query_string();
    if query.contains("sendInitialEvents=true") {
        // Lists that are watches are newer than this cluster.
        let words =
            json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Invalid", "code": 422});
        return HttpResponse::UnprocessableEntity().json(words);
    }
    if query.contains("watch=true") || query.contains("watch=1") {
        let body = futures_util::stream::pending::<Result<web::Bytes, actix_web::Error>>();
        return HttpResponse::Ok().content_type("application/json").streaming(body);
    }
    let (kind, items) = match request.path().rsplit('/').next().unwrap_or_default() {
        "pods" => ("PodList", json!([pod()])),
        "namespaces" => ("NamespaceList", json!([])),
        "nodes" => ("NodeList", json!([])),
        "replicasets" => ("ReplicaSetList", json!([])),
        "events" => ("EventList", json!([])),
        _ => return HttpResponse::NotFound().finish(),
    };
    let version = if kind == "ReplicaSetList" { "apps/v1" } else { "v1" };
    HttpResponse::Ok()
        .json(json!({"kind": kind, "apiVersion": version, "metadata": {"resourceVersion": "1"}, "items": items}))
}
