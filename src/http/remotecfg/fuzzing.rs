//! What a fuzz target calls: the way of a request from its head to the message, without a server.

use actix_web::test::TestRequest;

use super::*;
use crate::http::budget::Budget;

const LIMIT: usize = 1 << 20;

/// Reads a call: the first byte says how it is sent, the rest is its body, or the query of a GET. Whether it is a poll.
pub fn decode(data: &[u8]) -> bool {
    let Some((how, rest)) = data.split_first() else { return false };
    let has = |bit: u8| how & (1 << bit) != 0;
    let share = || Budget::new(2 * LIMIT).share();
    let (call, body) = if has(0) {
        let Ok(query) = std::str::from_utf8(rest) else { return false };
        // What is no URI comes no further than the HTTP server.
        if format!("/x?{query}").parse::<actix_web::http::Uri>().is_err() {
            return false;
        }
        let request = TestRequest::get().uri(&format!("/x?{query}")).to_http_request();
        let Ok(found) = Call::of_get(&request, LIMIT) else { return false };
        found
    } else {
        let content_type = if has(1) { "application/json" } else { "application/proto" };
        let mut request = TestRequest::post().insert_header(("content-type", content_type));
        if has(2) {
            request = request.insert_header(("content-encoding", "gzip"));
        }
        let Ok(call) = Call::of_post(&request.to_http_request()) else { return false };
        (call, Bytes::copy_from_slice(rest))
    };
    let poll = call.decode::<GetConfigRequest>(body.clone(), LIMIT, share());
    let _ = call.decode::<RegisterCollectorRequest>(body.clone(), LIMIT, share());
    let _ = call.decode::<UnregisterCollectorRequest>(body, LIMIT, share());
    match poll {
        Ok(poll) => {
            let _ = call.answer(poll, |body| connect::gzip(&body));
            true
        }
        Err(_) => false,
    }
}

#[cfg(test)]
#[test]
fn every_seed_is_a_poll() {
    let seeds = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds/remotecfg");
    let mut count = 0;
    for seed in std::fs::read_dir(seeds).unwrap() {
        let path = seed.unwrap().path();
        assert!(decode(&std::fs::read(&path).unwrap()), "{}", path.display());
        count += 1;
    }
    assert!(count >= 6, "{count} seeds");
}
