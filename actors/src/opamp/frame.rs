//! The outer form of OpAMP messages: a WebSocket message has a header, an HTTP body has none.

use linkmesh_proto::wire::opamp::{AgentToServer, ServerToAgent};
use prost::Message;

/// Why data is no message.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The header is not the one number that is defined.
    #[error("the message header must be 0")]
    Header,
    /// The rest is no `AgentToServer`.
    #[error("the data is not an AgentToServer message")]
    Undecodable(#[source] prost::DecodeError),
}

/// Reads one binary WebSocket message: the header `0x00`, then the message. An empty message is valid.
///
/// Data without a header is taken too, as opamp-go still does: no `AgentToServer` can start with `0x00`, and every one
/// starts with the tag of a known field, so the two forms cannot be confused. A header other than 0 is refused.
///
/// # Errors
/// When header or message are malformed.
pub fn decode_frame(data: &[u8]) -> Result<AgentToServer, FrameError> {
    match data.split_first() {
        None => Err(FrameError::Header),
        Some((0, rest)) => decode_message(rest),
        // A header is a varint; 1..=7 is no tag of any field, and so can only be a header that is not defined.
        Some((1..=7, _)) => Err(FrameError::Header),
        Some(_) => decode_message(data),
    }
}

/// Reads a message without header: the body of a POST.
///
/// # Errors
/// When it is no `AgentToServer`.
pub fn decode_message(data: &[u8]) -> Result<AgentToServer, FrameError> {
    AgentToServer::decode(data).map_err(FrameError::Undecodable)
}

/// Writes one binary WebSocket message, header included.
#[must_use]
pub fn encode_frame(message: &ServerToAgent) -> Vec<u8> {
    let mut data = Vec::with_capacity(message.encoded_len() + 1);
    data.push(0);
    message.encode_raw(&mut data);
    data
}

/// Writes a message without header: the body of an HTTP response.
#[must_use]
pub fn encode_message(message: &ServerToAgent) -> Vec<u8> {
    message.encode_to_vec()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> AgentToServer {
        AgentToServer { instance_uid: vec![7; 16], sequence_num: 3, ..Default::default() }
    }

    #[test]
    fn header_is_read_and_may_be_missing() {
        let mut data = vec![0];
        data.extend(sample().encode_to_vec());
        assert_eq!(decode_frame(&data).unwrap(), sample());
        assert_eq!(decode_frame(&data[1..]).unwrap(), sample());
        assert_eq!(decode_frame(&[0]).unwrap(), AgentToServer::default());
    }

    #[test]
    fn header_other_than_zero_is_refused() {
        for header in [1, 2, 5] {
            let mut data = vec![header];
            data.extend(sample().encode_to_vec());
            assert!(matches!(decode_frame(&data), Err(FrameError::Header)), "{header}");
        }
        assert!(matches!(decode_frame(&[]), Err(FrameError::Header)));
        assert!(matches!(decode_frame(&[0, 0xff, 0xff]), Err(FrameError::Undecodable(_))));
    }

    #[test]
    fn frame_starts_with_the_header() {
        let message = ServerToAgent { instance_uid: vec![7; 16], capabilities: 0x27, ..Default::default() };
        let data = encode_frame(&message);
        assert_eq!(data.first(), Some(&0));
        assert_eq!(ServerToAgent::decode(&data[1..]).unwrap(), message);
        assert_eq!(encode_message(&message), data[1..]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_or_refused(data in proptest::collection::vec(any::<u8>(), 0..2048)) {
            let _ = decode_frame(&data);
            let _ = decode_message(&data);
        }

        #[test]
        fn cut_and_flipped_messages_are_decoded_or_refused(cut in 0usize..300, flip in 0usize..300, bit in 0u8..8) {
            let mut data = include_bytes!("../../../tests/fixtures/opamp-first-message-0.158.txt").to_vec();
            data.truncate(cut);
            if let Some(byte) = data.get_mut(flip) {
                *byte ^= 1 << bit;
            }
            let _ = decode_frame(&data);
        }
    }
}
