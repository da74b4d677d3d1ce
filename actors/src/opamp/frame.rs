//! The outer form of OpAMP messages: a WebSocket message has a header, an HTTP body has none.

use bytes::{BufMut, Bytes, BytesMut};
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
pub fn decode_frame(data: Bytes) -> Result<AgentToServer, FrameError> {
    match data.first() {
        None => Err(FrameError::Header),
        Some(0) => decode_message(data.slice(1..)),
        // A header is a varint; 1..=7 is no tag of any field, and so can only be a header that is not defined.
        Some(1..=7) => Err(FrameError::Header),
        Some(_) => decode_message(data),
    }
}

/// Reads a message without header: the body of a POST. Config bodies in it share the memory of `data`.
///
/// # Errors
/// When it is no `AgentToServer`.
pub fn decode_message(data: Bytes) -> Result<AgentToServer, FrameError> {
    AgentToServer::decode(data).map_err(FrameError::Undecodable)
}

/// Writes one binary WebSocket message, header included.
#[must_use]
pub fn encode_frame(message: &ServerToAgent) -> Bytes {
    let mut frame = BytesMut::with_capacity(message.encoded_len() + 1);
    frame.put_u8(0);
    message.encode_raw(&mut frame);
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> AgentToServer {
        AgentToServer { instance_uid: vec![7; 16], sequence_num: 3, ..Default::default() }
    }

    fn framed(header: u8) -> Bytes {
        std::iter::once(header).chain(sample().encode_to_vec()).collect()
    }

    #[test]
    fn header_is_read_and_may_be_missing() {
        assert_eq!(decode_frame(framed(0)).unwrap(), sample());
        assert_eq!(decode_frame(framed(0).slice(1..)).unwrap(), sample());
        assert_eq!(decode_frame(Bytes::from_static(&[0])).unwrap(), AgentToServer::default());
    }

    #[test]
    fn header_other_than_zero_is_refused() {
        for header in [1, 2, 5] {
            assert!(matches!(decode_frame(framed(header)), Err(FrameError::Header)), "{header}");
        }
        assert!(matches!(decode_frame(Bytes::new()), Err(FrameError::Header)));
        let cut = Bytes::from_static(&[0, 0xff, 0xff]);
        assert!(matches!(decode_frame(cut), Err(FrameError::Undecodable(_))));
    }

    #[test]
    fn frame_starts_with_the_header() {
        assert_eq!(encode_frame(&ServerToAgent::default()).as_ref(), [0]);
        let message = ServerToAgent { instance_uid: vec![7; 16], capabilities: 0x27, ..Default::default() };
        let data = encode_frame(&message);
        assert_eq!(data.first(), Some(&0));
        assert_eq!(ServerToAgent::decode(data.slice(1..)).unwrap(), message);
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_or_refused(data in proptest::collection::vec(any::<u8>(), 0..2048)) {
            let data = Bytes::from(data);
            let (framed, plain) = (decode_frame(data.clone()), decode_message(data.clone()));
            match data.first() {
                Some(8..) => prop_assert_eq!(format!("{:?}", framed.ok()), format!("{:?}", plain.ok())),
                _ => prop_assert!(framed.is_err() || data.first() == Some(&0)),
            }
        }
    }
}
