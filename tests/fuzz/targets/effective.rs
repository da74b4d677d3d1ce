//! What collectors say they run, which is compared with what they should.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use linkmesh_actors::domain::drift::{Committed, compare_alloy};

const COMMITTED: &str = include_str!("../../fixtures/otelcol-0.158.0-desired.yaml");

static PARSED: LazyLock<Committed> = LazyLock::new(|| Committed::parse(COMMITTED).expect("a mapping"));

fuzz_target!(|text: &str| {
    let _ = PARSED.differences(text);
    if let Ok(other) = Committed::parse(text) {
        assert!(other.covers(&other));
        assert_eq!(other.differences(text).map(|found| found.len()).unwrap_or_default(), 0);
    }
    assert_eq!(compare_alloy(COMMITTED, text).is_empty(), text == COMMITTED);
});
