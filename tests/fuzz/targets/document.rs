//! The files of the config repository, which anybody may push: what is read is written so that it is read again as the
//! same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use linkmesh_actors::domain::document::{
    parse_collector, parse_destination, parse_group, parse_pipeline, parse_settings, to_yaml,
};

macro_rules! there_and_back {
    ($text:expr, $($parse:ident)+) => {
        $(if let Ok(document) = $parse($text) {
            let written = to_yaml(&document);
            match $parse(&written) {
                Ok(again) => assert_eq!(to_yaml(&again), written),
                Err(problems) => panic!("{}: {written}\n{problems:?}", stringify!($parse)),
            }
        })+
    };
}

fuzz_target!(|text: &str| {
    there_and_back!(text, parse_pipeline parse_destination parse_group parse_collector parse_settings);
});
