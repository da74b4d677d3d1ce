//! Records as OTLP/JSON: what is read is the same after writing and reading.
#![no_main]

use libfuzzer_sys::fuzz_target;
use linkmesh_ottl::record::json::{Limits, read, write};

fuzz_target!(|text: &[u8]| {
    let Ok(telemetry) = read(text, &Limits::default()) else { return };
    let written = write(&telemetry);
    // Written out it may be longer than what was read: names in full, numbers in quotes.
    let again = read(written.as_bytes(), &Limits { bytes: usize::MAX, ..Limits::default() });
    // Compared as text: NaN is not itself.
    assert_eq!(again.map(|again| write(&again)), Ok(written));
});
