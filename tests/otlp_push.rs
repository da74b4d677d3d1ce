//! Own metrics over OTLP/HTTP: who may push, and what.

use std::io::Write as _;

use linkmesh_proto::wire::otlp::ExportMetricsServiceRequest;
use prost::Message as _;
use reqwest::header;

use crate::support::server::Server;

#[tokio::test]
async fn push_is_taken_from_a_collector_only() {
    let server = Server::start_with(&[("LINKMESH_OTLP__MAX_BODY", "4KiB")]).await;
    let (_, token) = server.collector("alloy").await;
    let body = ExportMetricsServiceRequest::default().encode_to_vec();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&body).unwrap();
    let packed = packed.finish().unwrap();
    let protobuf = "application/x-protobuf";
    for path in ["/v1/metrics", "/api/v1/otlp/v1/metrics"] {
        for (token, kind, encoding, body, status) in [
            (token.as_str(), protobuf, "identity", body.clone(), 200),
            (token.as_str(), protobuf, "gzip", packed.clone(), 200),
            ("nonsense", protobuf, "identity", body.clone(), 401),
            (token.as_str(), "application/json", "identity", b"{}".to_vec(), 415),
            (token.as_str(), protobuf, "identity", b"\xff\xff".to_vec(), 400),
            (token.as_str(), protobuf, "gzip", b"no gzip".to_vec(), 400),
            (token.as_str(), protobuf, "identity", vec![0; 5000], 413),
        ] {
            let request = server.http.post(server.url("http", path)).bearer_auth(token);
            let request = request.header(header::CONTENT_TYPE, kind).header(header::CONTENT_ENCODING, encoding);
            let answer = request.body(body).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), status, "{path} {kind} {encoding}");
            if status == 200 {
                assert_eq!(answer.headers().get(header::CONTENT_TYPE).unwrap(), protobuf);
            }
        }
    }
}
