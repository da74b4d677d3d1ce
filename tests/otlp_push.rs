//! Own metrics over OTLP/HTTP: who may push, and what.

use std::io::Write as _;

use linkmesh::http::mounts::{Admission, mounts};
use linkmesh_actors::testing::own_metrics::{ALLOY_METRICS, OTELCOL_METRICS, from_json};
use linkmesh_proto::wire::otlp::{ExportMetricsServiceRequest, metric::Data, number_data_point::Value};
use prost::Message as _;
use reqwest::{Method, header};
use serde_json::json;

use crate::support::{alloy::Alloy, server::Server, soon, wait_for};

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

#[tokio::test]
async fn path_of_a_collector_answers_nobody_without_a_token() {
    let server = Server::start().await;
    let mut refused = 0;
    for mount in mounts() {
        let path = mount.path.replace("{procedure}", "GetConfig");
        let request = server.http.post(server.url("http", &path)).header(header::CONTENT_TYPE, "application/proto");
        let answer = request.body(Vec::new()).send().await.unwrap();
        match mount.admission {
            Admission::Public => assert_eq!(answer.status(), 405, "{path} changes nothing"),
            Admission::Collector | Admission::CollectorOrEnrolment => {
                assert_eq!(answer.status(), 401, "{path}");
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 6);
}

/// Sends a push as a collector does.
async fn push(server: &Server, token: &str, metrics: &ExportMetricsServiceRequest) {
    let request = server.http.post(server.url("http", "/api/v1/otlp/v1/metrics")).bearer_auth(token);
    let request = request.header(header::CONTENT_TYPE, "application/x-protobuf").body(metrics.encode_to_vec());
    assert_eq!(request.send().await.unwrap().status(), 200);
}

/// Every counter and level twice as high.
fn doubled(mut metrics: ExportMetricsServiceRequest) -> ExportMetricsServiceRequest {
    let scopes = metrics.resource_metrics.iter_mut().flat_map(|resource| &mut resource.scope_metrics);
    for metric in scopes.flat_map(|scope| &mut scope.metrics) {
        let points = match metric.data.as_mut().unwrap() {
            Data::Gauge(gauge) => &mut gauge.data_points,
            Data::Sum(sum) => &mut sum.data_points,
        };
        for point in points {
            match point.value.as_mut().unwrap() {
                Value::AsDouble(value) => *value *= 2.0,
                Value::AsInt(value) => *value *= 2,
            }
        }
    }
    metrics
}

/// A pipeline `a` whose steps do not stand in the order of their names.
async fn save_pipeline(server: &Server) {
    let destination = json!({"id": "central", "name": "Central", "kind": "debug", "settings": {}});
    server.ask(Method::POST, "/destinations", Some(destination)).await;
    let pipeline = json!({
        "id": "a", "name": "A", "signals": ["logs", "metrics", "traces"], "match": ["collector.id=~\".+\""],
        "sources": [{"id": "otlp", "kind": "otlp", "settings": {"grpc": {"endpoint": "127.0.0.1:4317"}}}],
        "filters": [{"id": "s2", "kind": "ottl", "settings": {"condition": "true", "action": "keep"}}],
        "processors": [{"id": "s1", "kind": "batch", "settings": {}}],
        "destinations": ["central"],
    });
    server.ask(Method::POST, "/pipelines", Some(pipeline)).await;
}

/// The places of the only pipeline in their order, and for one kind of telemetry: total and rate of each.
fn meters(throughput: &serde_json::Value, signal: &str) -> Vec<(String, u64, f64)> {
    assert_eq!(throughput["pipelines"].as_array().unwrap().len(), 1, "{throughput}");
    assert_eq!(throughput["pipelines"][0]["pipeline"], "a");
    let meters = throughput["pipelines"][0]["meters"].as_array().unwrap().iter();
    meters
        .filter(|meter| meter["signal"] == signal)
        .map(|meter| {
            let rate = meter["points"].as_array().unwrap().last().map_or(0.0, |p| p["per_second"].as_f64().unwrap());
            (meter["place"].as_str().unwrap().to_owned(), meter["total"].as_u64().unwrap(), rate)
        })
        .collect()
}

/// Waits until the last push is old enough for the next to show a rate.
async fn a_second_after(server: &Server, path: &str) {
    wait_for("a second to pass", || async {
        let age_s = server.get(path).await["age_s"].as_f64().unwrap();
        (age_s >= 1.1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn capture_of_otelcol_gives_rates_totals_figures_and_an_event() {
    let server = Server::start().await;
    save_pipeline(&server).await;
    let (id, token) = server.collector("otelcol").await;
    let path = format!("/collectors/{id}/throughput");
    // The capture was made before names were settled.
    let metrics = from_json(OTELCOL_METRICS, &|_, label, text| match label {
        "processor" => text
            .replace("memory_limiter/pl_a", "filter/a.in")
            .replace("filter/pl_a", "filter/a.s1")
            .replace("attributes/pl_a", "filter/a.out"),
        "exporter" => text.replace("/pl_a", "/central").replace("/pl_", "/dest-"),
        _ => text.to_owned(),
    });
    let mut feed =
        server.http.get(server.url("http", "/api/v1/events")).bearer_auth(server.token()).send().await.unwrap();

    push(&server, &token, &metrics).await;
    let throughput = server.get(&path).await;
    let totals = |throughput: &serde_json::Value, signal| {
        meters(throughput, signal).into_iter().map(|(place, total, _)| (place, total)).collect::<Vec<_>>()
    };
    let expected = |in_, s1, out| vec![("in".to_owned(), in_), ("s1".to_owned(), s1), ("out".to_owned(), out)];
    assert_eq!(totals(&throughput, "logs"), expected(30, 21, 21));
    assert_eq!(totals(&throughput, "traces"), expected(30, 24, 24));
    a_second_after(&server, &path).await;
    push(&server, &token, &doubled(metrics)).await;

    let throughput = server.get(&path).await;
    assert_eq!(totals(&throughput, "logs"), expected(60, 42, 42));
    let rates: Vec<f64> = meters(&throughput, "logs").into_iter().map(|(.., rate)| rate).collect();
    assert!(rates[0] > 0.0 && (rates[1] / rates[0] - 0.7).abs() < 0.01 && rates[1] == rates[2], "{rates:?}");
    for meter in throughput["pipelines"][0]["meters"].as_array().unwrap() {
        assert!(meter["age_s"].as_f64().unwrap() < 30.0, "{meter}");
    }
    let figures: Vec<_> = throughput["destinations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| (&d["destination"], &d["sent"], &d["failed"], &d["queue"], &d["queue_capacity"]))
        .map(|figures| json!(figures))
        .collect();
    assert_eq!(figures, [json!(["central", 174, 0, 0, 800]), json!(["dest-b", 28, 28, 0, 20_000])]);
    assert!(throughput["destinations"][0]["age_s"].is_f64());

    let mut text = String::new();
    let event = loop {
        let chunk = soon("an event", feed.chunk()).await.unwrap().expect("the feed goes on");
        text.push_str(std::str::from_utf8(&chunk).unwrap());
        let whole = text.rsplit_once("\n\n").map_or("", |(whole, _)| whole);
        let data =
            whole.split("\n\n").find(|event| event.contains("event: throughput\n") && event.contains("\"logs\""));
        if let Some(data) = data.and_then(|event| event.split_once("data: ")) {
            break serde_json::from_str::<serde_json::Value>(data.1).unwrap();
        }
    };
    assert_eq!((&event["collector_id"], &event["pipeline"]), (&json!(id), &json!("a")));
    let ratio = event["out_per_second"].as_f64().unwrap() / event["in_per_second"].as_f64().unwrap();
    assert!((ratio - 0.7).abs() < 0.01, "{event}");

    // Who loads the page now need not wait for the next push.
    for path in ["/fleet/summary", "/fleet/summary?pipeline=a", "/pipelines/a", "/pipelines"] {
        let rates = wait_for("rates of now", || async {
            let answer = server.get(path).await;
            let rates = answer["items"].get(0).unwrap_or(&answer)["rates"].clone();
            (!rates.is_null()).then_some(rates)
        })
        .await;
        assert_eq!(rates["collectors"], 1, "{path}: {rates}");
        let (input, output) = (rates["in_per_second"].as_f64().unwrap(), rates["out_per_second"].as_f64().unwrap());
        assert!(input > event["in_per_second"].as_f64().unwrap() && output < input, "{path}: {rates}");
    }
    let none = server.get("/fleet/summary?pipeline=none").await;
    assert!(none["rates"].is_null() && none["steps"] == json!([]), "{none}");
    assert_eq!(server.get("/fleet/summary").await["steps"], json!([]), "steps are those of one pipeline");
    // The other step is no component that counts.
    let summary = server.get("/fleet/summary?pipeline=a").await;
    let (steps, out) = (&summary["steps"], summary["rates"]["out_per_second"].as_f64().unwrap());
    assert_eq!((steps.as_array().unwrap().len(), &steps[0]["step"]), (1, &json!("s1")), "{summary}");
    assert!((steps[0]["per_second"].as_f64().unwrap() / out - 1.0).abs() < 0.001, "{summary}");
}

#[tokio::test]
async fn capture_of_alloy_gives_steps_in_the_pipelines_order_figures_and_health() {
    let server = Server::start().await;
    save_pipeline(&server).await;
    let (id, token) = server.collector("alloy").await;
    let path = format!("/collectors/{id}/throughput");
    let mut alloy = Alloy::new(&token);
    let answer = alloy.poll(&server, alloy.request()).await;
    alloy.poll(&server, alloy.loaded(1, "", Some(&answer.content))).await;
    server.collector_when(&id, "the config to be applied", |c| c["config_state"] == "applied").await;

    let capture = |health: &'static str| {
        from_json(ALLOY_METRICS, &move |metric, label, text| match label {
            "component_id" => text
                .replace("memory_limiter.in", "filter.in")
                .replace("filter.s1", "filter.s_s1")
                .replace("attributes.s2", "attributes.s_s2")
                .replace("otlphttp.out", "otlphttp.dest_central"),
            // Destinations stand beside the pipelines since.
            "component_path" if metric.starts_with("otelcol_exporter_") => {
                text.replace("/remotecfg/pl_a.default", "/remotecfg")
            }
            "health_type" => text.replace("healthy", health),
            _ => text.to_owned(),
        })
    };
    push(&server, &token, &capture("healthy")).await;
    a_second_after(&server, &path).await;
    push(&server, &token, &doubled(capture("healthy"))).await;
    let throughput = server.get(&path).await;
    let seen = meters(&throughput, "traces");
    let totals: Vec<_> = seen.iter().map(|(place, total, _)| (place.as_str(), *total)).collect();
    assert_eq!(totals, [("in", 60), ("s2", 48), ("s1", 48)], "s2 stands before s1 in the pipeline");
    assert!(seen[0].2 > 0.0 && (seen[1].2 / seen[0].2 - 0.8).abs() < 0.01, "{seen:?}");
    let central = &throughput["destinations"][0];
    // 21 logs, 21 points and 24 spans, twice.
    assert_eq!(
        (&central["destination"], &central["sent"], &central["failed"]),
        (&json!("central"), &json!(132), &json!(0))
    );
    assert!(central["queue_capacity"].as_u64().unwrap() > 0 && central["age_s"].is_f64(), "{central}");

    server
        .collector_when(&id, "the collector to be well", |c| c["status"] == "connected" && c["healthy"] == true)
        .await;
    push(&server, &token, &capture("exited")).await;
    server.collector_when(&id, "the collector to be degraded", |c| c["status"] == "degraded").await;
    let health = server.get(&format!("/collectors/{id}/health")).await;
    assert_eq!(health["root"]["healthy"], false, "{health}");
    assert!(health.to_string().contains("exited"), "{health}");
}
