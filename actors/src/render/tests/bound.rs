//! Sources that bind an address and have processors of their own.

use super::*;

fn syslog(step: &str, transport: &str, destination: &str) -> String {
    format!(
        "name: S\nsignals: [logs]\nsources:\n  - {{id: {step}, kind: syslog, settings: {{listen_address: '0.0.0.0:514', \
         transport: {transport}}}}}\ndestinations: [{destination}]\n"
    )
}

#[test]
fn a_shared_source_passes_its_processors_in_each_pipeline() {
    let (one, two) = (syslog("net", "tcp", "screen"), syslog("devices", "tcp", "screen"));
    let config = repository(&[("one", &one), ("two", &two)], &[("screen", SCREEN)]);
    let yaml = strict::yaml(&text(&config, Runtime::Otelcol).text).unwrap();
    let names = |section: &str| yaml[section].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names("receivers"), ["syslog/514"]);
    let pipelines = yaml["service"]["pipelines"].as_object().unwrap();
    assert_eq!(pipelines.keys().collect::<Vec<_>>(), ["logs/one.net", "logs/two.devices"]);
    for (pipeline, step) in [("one", "net"), ("two", "devices")] {
        let transform = format!("transform/{pipeline}.{step}");
        assert!(names("processors").contains(&transform));
        let chain = &pipelines[&format!("logs/{pipeline}.{step}")];
        assert_eq!(chain["receivers"], serde_json::json!(["syslog/514"]));
        assert_eq!(
            chain["processors"],
            serde_json::json!([
                "memory_limiter",
                transform,
                format!("filter/{pipeline}.in"),
                format!("filter/{pipeline}.out")
            ])
        );
    }
    let alloy = text(&config, Runtime::Alloy).text;
    assert!(
        alloy.contains("otelcol.receiver.syslog \"src_514\"")
            && alloy.contains("otelcol.processor.transform \"src_514\"")
    );
    assert!(alloy.contains("logs = [otelcol.processor.transform.src_514.input]"), "{alloy}");
    assert!(alloy.contains("logs = [pl_one.default.logs, pl_two.default.logs]"), "{alloy}");
}

#[test]
fn one_port_of_tcp_and_udp_is_two_sources() {
    let (tcp, udp) = (syslog("net", "tcp", "screen"), syslog("net", "udp", "screen"));
    let config = repository(&[("one", &tcp), ("two", &udp)], &[("screen", SCREEN)]);
    let yaml = strict::yaml(&text(&config, Runtime::Otelcol).text).unwrap();
    assert_eq!(yaml["receivers"].as_object().unwrap().keys().collect::<Vec<_>>(), ["syslog/514", "syslog/514-udp"]);
    let alloy = text(&config, Runtime::Alloy).text;
    assert!(alloy.contains("\"src_514\"") && alloy.contains("\"src_514_udp\""), "{alloy}");
}

#[test]
fn what_a_source_filters_is_not_taken_for_a_meter() {
    let pods = "name: P\nsignals: [logs]\nsources: [{id: in, kind: kubernetes_pod_logs, settings: {labels: {app: shop}}}]\n\
                destinations: [screen]\n";
    let config = repository(&[("pods", pods)], &[("screen", SCREEN)]);
    let yaml = strict::yaml(&text(&config, Runtime::Otelcol).text).unwrap();
    assert_eq!(
        yaml["service"]["pipelines"]["logs/pods.in"]["processors"],
        serde_json::json!([
            "memory_limiter",
            "k8sattributes/pods.in.1",
            "filter/pods.in.2",
            "transform/pods.in",
            "filter/pods.in",
            "filter/pods.out"
        ])
    );
    let parsed = names::parse_otelcol("filter/pods.in.2").map(|component| component.place);
    assert!(!matches!(parsed, Some(names::Place::Meter { .. })), "{parsed:?}");
}
