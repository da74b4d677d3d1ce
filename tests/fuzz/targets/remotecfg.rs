//! Calls of Alloys: head and body, protobuf and JSON, plain and gzipped.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    linkmesh::http::remotecfg::fuzzing::decode(data);
});
