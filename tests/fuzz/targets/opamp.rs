//! What an OpAMP agent sends, framed as on a WebSocket and bare as in a POST, and what is unpacked of it.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use linkmesh_actors::{domain::health::HealthTree, opamp};

fuzz_target!(|data: &[u8]| {
    let framed = opamp::decode_frame(Bytes::copy_from_slice(data));
    let bare = opamp::decode_message(Bytes::copy_from_slice(data));
    for message in [framed, bare].into_iter().flatten() {
        if let Some(health) = &message.health {
            let tree = HealthTree::from_opamp(health);
            assert!(tree.packed_len() <= 64 << 10, "{} bytes", tree.packed_len());
            assert!(tree.says_the_same_as(&tree));
            let _ = (tree.to_api(), tree.error(), tree.healthy(), tree.has_components());
        }
        let _ = opamp::normalise_uid(&message.instance_uid);
    }
});
