//! An Alloy document as its blocks. Only what lies between them is understood: enough to leave out or keep whole ones.

/// What the names of components that bind an address begin with.
const RECEIVERS: [&str; 5] =
    ["otelcol.receiver.", "loki.source.", "prometheus.receive_http", "faro.receiver", "pyroscope.receive_http"];

/// A document: what stands before the first block, and the blocks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Document<'a> {
    pub(super) head: &'a str,
    pub(super) blocks: Vec<Block<'a>>,
}

/// A block at the top of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block<'a> {
    /// Name and label as they stand there: `declare "pl_a"`.
    pub(super) id: &'a str,
    /// All of it.
    pub(super) text: &'a str,
}

impl<'a> Document<'a> {
    /// Divides a document; `None` when it is not one of blocks.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut blocks = Vec::new();
        let mut at = skip_blank(text, 0)?;
        let head = text.get(..at)?;
        while at < text.len() {
            let open = find_code(text, at, |byte| byte == b'{')?;
            let mut depth = 0_u32;
            let close = find_code(text, open, |byte| {
                match byte {
                    b'{' => depth += 1,
                    b'}' => depth -= 1,
                    _ => {}
                }
                depth == 0
            })?;
            blocks.push(Block { id: text.get(at..open)?.trim_end(), text: text.get(at..=close)? });
            at = skip_blank(text, close + 1)?;
        }
        Some(Self { head, blocks })
    }

    pub(super) fn block(&self, id: &str) -> Option<&Block<'a>> {
        self.blocks.iter().find(|block| block.id == id)
    }
}

/// Writes blocks as a document.
pub(super) fn compose<'a>(head: &str, blocks: impl IntoIterator<Item = Block<'a>>) -> String {
    let mut text = head.trim_end().to_owned();
    for block in blocks {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(block.text);
    }
    text.push('\n');
    text
}

impl<'a> Block<'a> {
    /// The name: `otelcol.receiver.otlp`.
    pub(super) fn name(&self) -> &'a str {
        self.id.split_whitespace().next().unwrap_or_default()
    }

    /// The label: `src_4317`.
    pub(super) fn label(&self) -> Option<&'a str> {
        self.id.split('"').nth(1)
    }

    /// The ports that this block binds, as far as they are written in it. What an operator wrote by hand stands inside a
    /// `declare`.
    pub(super) fn binds(&self) -> Vec<&'a str> {
        if self.name() == "declare" {
            return self.inner().iter().flat_map(Block::binds).collect();
        }
        if !RECEIVERS.iter().any(|name| self.name().starts_with(name)) {
            return Vec::new();
        }
        let port = |line: &'a str| {
            let (key, value) = line.trim().split_once('=')?;
            let is_address = matches!(key.trim(), "endpoint" | "listen_address" | "listen_port" | "address");
            is_address.then(|| port_of(value.trim().trim_matches('"'))).flatten()
        };
        self.text.lines().filter_map(port).collect()
    }

    /// The blocks inside of this one.
    fn inner(&self) -> Vec<Block<'a>> {
        let body = self.text.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}')).map(|(body, _)| body);
        body.and_then(Document::parse).map(|document| document.blocks).unwrap_or_default()
    }

    /// The exports of pipelines that this block refers to: pipeline, instance, export.
    pub(super) fn pipeline_references(&self) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
        self.text.split(|c| !is_part(c)).filter(|word| word.starts_with("pl_")).filter_map(|word| {
            let mut parts = word.split('.');
            Some((parts.next()?, parts.next()?, parts.next()?))
        })
    }

    /// The parts of its own source that this block sends to: name and label. A source at the top may be several blocks
    /// (`src_514`, `b1_src_514`), and is there as a whole or not at all.
    pub(super) fn parts_of_source(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let source = self.label().map(whole).filter(|label| label.starts_with("src_"));
        self.text.split(|c| !is_part(c)).filter_map(move |word| {
            let (rest, _) = word.rsplit_once('.')?;
            rest.rsplit_once('.').filter(|(_, of)| Some(whole(of)) == source)
        })
    }
}

/// The label of the whole that a block is a part of: `src_514` of `b1_src_514`.
fn whole(label: &str) -> &str {
    let number = label.strip_prefix('b').and_then(|rest| rest.split_once('_'));
    number.filter(|(digits, _)| digits.bytes().all(|b| b.is_ascii_digit())).map_or(label, |(_, whole)| whole)
}

/// Whether it may stand in a reference.
fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '.'
}

/// Addresses collide by port: `0.0.0.0:p` takes every `ip:p`. `None`: an address without one.
fn port_of(address: &str) -> Option<&str> {
    let port = address.rsplit(':').next().unwrap_or(address);
    (!port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())).then_some(port)
}

/// The first place from `at` that is neither space nor comment; the end of the text when there is none.
fn skip_blank(text: &str, mut at: usize) -> Option<usize> {
    loop {
        let rest = text.get(at..)?;
        let blank = rest.len() - rest.trim_start().len();
        at += blank;
        let rest = text.get(at..)?;
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            at += rest.find("*/")? + 2;
        } else {
            return Some(at);
        }
    }
}

/// The first byte from `at`, outside of texts and comments, that is wanted.
fn find_code(text: &str, mut at: usize, mut wanted: impl FnMut(u8) -> bool) -> Option<usize> {
    let bytes = text.as_bytes();
    loop {
        match bytes.get(at)? {
            b'"' => {
                at += 1;
                while *bytes.get(at)? != b'"' {
                    at += if *bytes.get(at)? == b'\\' { 2 } else { 1 };
                }
            }
            b'`' => at += 1 + bytes.get(at + 1..)?.iter().position(|byte| *byte == b'`')?,
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at += bytes.get(at..)?.iter().position(|byte| *byte == b'\n')?;
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => at += text.get(at..)?.find("*/")? + 1,
            byte if wanted(*byte) => return Some(at),
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "// head {\n\na.b \"x\" {\n\tc = \"}\\\"{\"\n\td = `}`\n\t// }\n\t/* } */\n\te { }\n}\n\npl_x \"default\" { }\n";

    #[test]
    fn blocks_are_found_whatever_is_in_them() {
        let document = Document::parse(TEXT).unwrap();
        assert_eq!(document.head, "// head {\n\n");
        assert_eq!(document.blocks.iter().map(|block| block.id).collect::<Vec<_>>(), ["a.b \"x\"", "pl_x \"default\""]);
        assert_eq!(compose(document.head, document.blocks.clone()), TEXT);
        assert_eq!((document.blocks[0].name(), document.blocks[0].label()), ("a.b", Some("x")));
    }

    #[test]
    fn comments_alone_are_a_document_without_blocks() {
        for text in ["", "\n", "// nothing\n", "// nothing", "/* a */ // b"] {
            assert_eq!(Document::parse(text).unwrap().blocks, [], "{text:?}");
        }
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for bad in ["a", "a {", "a { \" }", "a { ` }", "/* a", "}", "a { /* }"] {
            assert_eq!(Document::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn ports_and_references_are_found() {
        let text = "otelcol.receiver.otlp \"src_4317\" {\n\tgrpc {\n\t\tendpoint = \"0.0.0.0:4317\"\n\t}\n\n\toutput {\n\t\tlogs = [pl_a.default.logs, pl_b_c.r2.logs]\n\t}\n}\n";
        let document = Document::parse(text).unwrap();
        assert_eq!(document.blocks[0].binds(), ["4317"]);
        let references: Vec<_> = document.blocks[0].pipeline_references().collect();
        assert_eq!(references, [("pl_a", "default", "logs"), ("pl_b_c", "r2", "logs")]);
    }

    #[test]
    fn parts_of_a_source_are_found_in_what_sends_to_them() {
        let text = "a.b \"src_514\" {\n\tx = [c.d.b1_src_514.input]\n}\n\nc.d \"b1_src_514\" {\n\tx = [c.d.src_514.input, c.d.src_5140.input]\n}\n\nc.d \"dest_a\" {\n\tx = c.d.dest_a.input\n}\n";
        let document = Document::parse(text).unwrap();
        let parts = |at: usize| document.blocks[at].parts_of_source().collect::<Vec<_>>();
        assert_eq!(parts(0), [("c.d", "b1_src_514")]);
        assert_eq!(parts(1), [("c.d", "src_514")]);
        assert_eq!(parts(2), []);
    }

    #[test]
    fn ports_inside_a_declare_are_found() {
        let text = "declare \"pl_a\" {\n\tloki.source.api \"s_raw\" {\n\t\thttp {\n\t\t\tlisten_address = \"0.0.0.0\"\n\t\t\tlisten_port = 3500\n\t\t}\n\t}\n\n\totelcol.exporter.otlphttp \"x\" {\n\t\tendpoint = \"10.0.0.1:4318\"\n\t}\n}\n\npl_a \"default\" { }\n";
        let document = Document::parse(text).unwrap();
        assert_eq!(document.blocks[0].binds(), ["3500"], "an exporter binds nothing, and an address alone is no port");
        assert_eq!(document.blocks[1].binds(), Vec::<&str>::new());
    }

    proptest! {
        #[test]
        fn any_text_is_divided_or_refused(text in "[ab \"`/*{}\\\\\n.=é]{0,60}") {
            if let Some(document) = Document::parse(&text) {
                let length: usize = document.blocks.iter().map(|block| block.text.len()).sum();
                prop_assert!(document.head.len() + length <= text.len());
            }
        }
    }
}
