//! A certificate authority made for one test, a server certificate of it, and clients that trust nobody else.

use std::{path::Path, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

/// A certificate authority.
pub(crate) struct Authority {
    /// Its certificate.
    pub(crate) pem: String,
    issuer: Issuer<'static, KeyPair>,
    roots: Arc<RootCertStore>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate");
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der().clone()).expect("a root");
        Self { pem: certificate.pem(), issuer: Issuer::new(params, key), roots: Arc::new(roots) }
    }

    /// Writes a certificate for 127.0.0.1, its key and the authority into a folder; answers the server's configuration.
    pub(crate) fn equip(&self, folder: &Path) -> [(&'static str, String); 3] {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).expect("parameters");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        [
            ("LINKMESH_HTTP__TLS__CERTIFICATE", "server.pem", certificate.pem()),
            ("LINKMESH_HTTP__TLS__KEY", "server.key", key.serialize_pem()),
            ("LINKMESH_HTTP__TLS__AUTHORITY", "authority.pem", self.pem.clone()),
        ]
        .map(|(variable, name, content)| {
            let path = folder.join(name);
            std::fs::write(&path, content).expect("a file");
            (variable, path.display().to_string())
        })
    }

    /// An HTTP client that trusts this authority alone.
    pub(crate) fn http(&self) -> reqwest::Client {
        let root = reqwest::Certificate::from_pem(self.pem.as_bytes()).expect("a certificate");
        let client = reqwest::Client::builder().tls_built_in_root_certs(false).add_root_certificate(root).no_proxy();
        client.timeout(super::PATIENCE).build().expect("a client")
    }

    /// A TLS connection to `address` that trusts this authority alone, offering these application protocols.
    pub(crate) async fn connect(&self, address: &str, protocols: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.expect("versions").with_root_certificates(Arc::clone(&self.roots));
        let mut config = config.with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let stream = TcpStream::connect(address).await?;
        let (host, _) = address.rsplit_once(':').expect("host and port");
        let name = ServerName::try_from(host.to_owned()).expect("a name");
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }
}
