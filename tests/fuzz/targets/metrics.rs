//! Collectors' own metrics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use linkmesh_actors::domain::meter::Readings;
use linkmesh_proto::wire::otlp::ExportMetricsServiceRequest;
use prost::Message as _;

fuzz_target!(|data: &[u8]| {
    if let Ok(request) = ExportMetricsServiceRequest::decode(data) {
        let _ = Readings::read(&request);
    }
});
