//! Alloy texts of `raw` components: what is read is written so that it is read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use linkmesh_actors::render::alloy::{parse, write};

fuzz_target!(|text: &str| {
    let Ok(body) = parse::body(text) else { return };
    let written = write(&body, false);
    match parse::body(&written) {
        Ok(again) => assert_eq!(write(&again, false), written),
        Err(error) => panic!("{error} in:\n{written}"),
    }
});
