//! Server-sent events, read from the pieces in which they arrive.

/// What a piece of the stream held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// An event.
    Event {
        /// The cursor, when the event has one.
        id: Option<String>,
        /// The event's name; `message` when the stream gives none.
        name: String,
        /// The document.
        data: String,
    },
    /// A comment: the server is alive and has nothing to say.
    Alive,
}

/// Collects pieces until frames are whole (WHATWG HTML, 9.2.6).
#[derive(Debug, Default)]
pub struct Parser {
    rest: Vec<u8>,
    id: Option<String>,
    name: String,
    data: String,
    any: bool,
}

/// The most bytes of an unfinished line that are kept; a longer line is not of a LinkMesh server.
const MAX_LINE_BYTES: usize = 4 * 1024 * 1024;

impl Parser {
    /// Takes a piece and gives the frames that it completes.
    pub fn push(&mut self, piece: &[u8]) -> Vec<Frame> {
        let mut frames = Vec::new();
        self.rest.extend_from_slice(piece);
        let mut start = 0;
        while let Some(length) = self.rest.get(start..).and_then(|rest| rest.iter().position(|byte| *byte == b'\n')) {
            let line = String::from_utf8_lossy(self.rest.get(start..start + length).unwrap_or_default()).into_owned();
            start += length + 1;
            self.line(line.trim_end_matches('\r'), &mut frames);
        }
        self.rest.drain(..start);
        if self.rest.len() > MAX_LINE_BYTES {
            self.rest.clear();
        }
        frames
    }

    fn line(&mut self, line: &str, frames: &mut Vec<Frame>) {
        if line.is_empty() {
            if self.any {
                frames.push(Frame::Event {
                    id: self.id.take(),
                    name: if self.name.is_empty() { "message".to_owned() } else { std::mem::take(&mut self.name) },
                    data: std::mem::take(&mut self.data),
                });
            }
            self.name.clear();
            self.any = false;
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" => frames.push(Frame::Alive),
            "id" => self.id = Some(value.to_owned()),
            "event" => value.clone_into(&mut self.name),
            "data" => {
                if self.any {
                    self.data.push('\n');
                }
                self.data.push_str(value);
                self.any = true;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str, name: &str, data: &str) -> Frame {
        Frame::Event { id: Some(id.to_owned()), name: name.to_owned(), data: data.to_owned() }
    }

    #[test]
    fn event_in_pieces_is_put_together() {
        let mut parser = Parser::default();
        let text = "id: b-1\nevent: revision\ndata: {\"a\":\"é\"}\n\n".as_bytes();
        let mut frames = Vec::new();
        for byte in text {
            frames.extend(parser.push(&[*byte]));
        }
        assert_eq!(frames, [event("b-1", "revision", "{\"a\":\"é\"}")]);
    }

    #[test]
    fn comments_say_that_the_server_lives() {
        let mut parser = Parser::default();
        assert_eq!(
            parser.push(b": keep-alive\n\nid: 1\nevent: reset\ndata: {}\n\n"),
            [Frame::Alive, event("1", "reset", "{}")]
        );
    }

    #[test]
    fn lines_of_data_are_joined_and_nameless_events_are_messages() {
        let mut parser = Parser::default();
        let frames = parser.push(b"data: a\r\ndata: b\r\n\r\n");
        assert_eq!(frames, [Frame::Event { id: None, name: "message".to_owned(), data: "a\nb".to_owned() }]);
    }
}
