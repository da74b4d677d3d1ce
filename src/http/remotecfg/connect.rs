//! The Connect protocol for unary calls (connectrpc.com, "unary request"), as far as one service needs it.
//!
//! Written by hand because what matters to Alloy is exactness: a content type with a parameter, or another success
//! status than 200, is an error to it (remotecfg.md 1.4, 1.5).

use std::{borrow::Cow, io::Write, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header},
};
use base64::{
    Engine as _,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use prost::Message;
use serde::{Serialize, de::DeserializeOwned};

use crate::http::{
    agents::RETRY,
    body::{self, BodyError, accepts_gzip},
    budget::Share,
    off_worker, parts,
};

/// A message that both codecs carry: `J` is its JSON form.
pub(super) trait Codable: Message + Default + Sized {
    /// The JSON form.
    type Json: DeserializeOwned + Serialize + From<Self> + Into<Self>;
}

/// How a message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    /// Protocol Buffers, `application/proto`.
    Proto,
    /// Protocol Buffers' JSON mapping, `application/json`.
    Json,
}

impl Codec {
    const fn content_type(self) -> &'static str {
        match self {
            Self::Proto => "application/proto",
            Self::Json => "application/json",
        }
    }

    fn of_content_type(text: &str) -> Option<Self> {
        let (essence, parameters) = text.split_once(';').map_or((text, ""), |(essence, rest)| (essence, rest.trim()));
        match essence.trim() {
            kind if kind.eq_ignore_ascii_case("application/proto") && parameters.is_empty() => Some(Self::Proto),
            kind if kind.eq_ignore_ascii_case("application/json") => {
                (parameters.is_empty() || parameters.eq_ignore_ascii_case("charset=utf-8")).then_some(Self::Json)
            }
            _ => None,
        }
    }
}

/// Why a call was not carried out, in the words of the protocol.
#[derive(Debug)]
pub(super) enum Refusal {
    /// A Connect error with its code.
    Error(ConnectError),
    /// 415 with an empty body: not a content type of this protocol.
    UnsupportedMediaType,
    /// 405 with an empty body.
    MethodNotAllowed {
        /// The value of `Allow`.
        allow: &'static str,
    },
}

/// An error of the Connect protocol.
#[derive(Debug, Serialize)]
pub(super) struct ConnectError {
    code: &'static str,
    message: Cow<'static, str>,
    #[serde(skip)]
    status: StatusCode,
    #[serde(skip)]
    retry_after: Option<Duration>,
}

impl ConnectError {
    /// The request cannot be read.
    pub(super) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("invalid_argument", 400, message)
    }

    /// No token, or one that opens nothing (any more).
    pub(super) fn unauthenticated(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("unauthenticated", 401, message)
    }

    /// A token that does not open this place.
    pub(super) fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("permission_denied", 403, message)
    }

    /// Too many attempts.
    pub(super) fn exhausted(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("resource_exhausted", 429, message)
    }

    /// The server cannot answer at the moment.
    pub(super) fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("unavailable", 503, message)
    }

    /// The message is over the limit. 413 and not 429, so that proxies and people read it right; Connect clients take
    /// the code from the body.
    pub(super) fn too_large() -> Self {
        Self::new("resource_exhausted", 413, "message is larger than the server's limit")
    }

    /// The message did not arrive in time.
    pub(super) fn late() -> Self {
        Self::new("deadline_exceeded", 408, "the message took too long to arrive")
    }

    fn new(code: &'static str, status: u16, message: impl Into<Cow<'static, str>>) -> Self {
        // Invariant: every status in this file is a valid one.
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { code, message: message.into(), status, retry_after: None }
    }

    /// Says when to come back.
    #[must_use]
    pub(super) fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }
}

impl From<ConnectError> for Refusal {
    fn from(error: ConnectError) -> Self {
        Self::Error(error)
    }
}

impl Refusal {
    /// The answer on the wire.
    #[must_use]
    pub(super) fn into_response(self) -> HttpResponse {
        match self {
            Self::Error(error) => {
                let mut response = HttpResponse::build(error.status);
                if let Some(after) = error.retry_after {
                    response.insert_header((header::RETRY_AFTER, after.as_secs().max(1)));
                }
                // Invariant: a struct of two strings always serializes.
                let body = serde_json::to_vec(&error).unwrap_or_default();
                response.insert_header((header::CONTENT_TYPE, "application/json")).body(body)
            }
            Self::UnsupportedMediaType => HttpResponse::UnsupportedMediaType()
                .insert_header(("Accept-Post", "application/json, application/json; charset=utf-8, application/proto"))
                .finish(),
            Self::MethodNotAllowed { allow } => {
                HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, allow)).finish()
            }
        }
    }
}

/// What the head of a request says, checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    codec: Codec,
    gzip_in: bool,
    gzip_out: bool,
    get: bool,
}

impl Call {
    /// Checks a POST before its body is read.
    ///
    /// # Errors
    /// Everything that can be refused by the head alone.
    pub(super) fn of_post(request: &HttpRequest) -> Result<Self, Refusal> {
        let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        let content_type = text(header::CONTENT_TYPE).unwrap_or_default();
        let codec = Codec::of_content_type(content_type).ok_or(Refusal::UnsupportedMediaType)?;
        if let Some(version) = request.headers().get("connect-protocol-version")
            && version != "1"
        {
            let got = String::from_utf8_lossy(version.as_bytes());
            return Err(ConnectError::invalid(format!("Connect-Protocol-Version must be \"1\": got {got:?}")).into());
        }
        check_timeout(request)?;
        let gzip_in = check_compression(text(header::CONTENT_ENCODING).unwrap_or_default())?;
        Ok(Self { codec, gzip_in, gzip_out: accepts_gzip(request.headers()), get: false })
    }

    /// Reads a GET, whose message is a query parameter.
    ///
    /// # Errors
    /// A parameter that is missing or wrong.
    pub(super) fn of_get(request: &HttpRequest, limit: usize) -> Result<(Self, Bytes), Refusal> {
        let mut message = None;
        let mut encoding = None;
        let mut base64 = false;
        let mut compression = Cow::Borrowed("");
        for (name, value) in form_pairs(request.query_string()) {
            match name.as_ref() {
                "message" => message = Some(value),
                "encoding" => encoding = Some(value),
                "base64" => base64 = value == "1",
                "compression" => compression = value,
                "connect" if value != "v1" => {
                    return Err(
                        ConnectError::invalid(format!("connect parameter must be \"v1\": got {value:?}")).into()
                    );
                }
                _ => {}
            }
        }
        let codec = match encoding.as_deref() {
            Some("proto") => Codec::Proto,
            Some("json") => Codec::Json,
            Some(_) => return Err(Refusal::UnsupportedMediaType),
            None => return Err(ConnectError::invalid("missing encoding parameter").into()),
        };
        check_timeout(request)?;
        let gzip_in = check_compression(&compression)?;
        let message = message.ok_or_else(|| ConnectError::invalid("missing message parameter"))?;
        let bytes = if base64 {
            decode_base64(&message).ok_or_else(|| ConnectError::invalid("message parameter is not base64"))?
        } else {
            percent_bytes(&message)
        };
        if bytes.len() > limit {
            return Err(ConnectError::too_large().into());
        }
        let call = Self { codec, gzip_in, gzip_out: accepts_gzip(request.headers()), get: true };
        Ok((call, bytes.into()))
    }

    /// Reads the message, a large one off the worker.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub(super) async fn read<M: Codable + 'static>(
        self,
        body: Bytes,
        limit: usize,
        share: Share,
    ) -> Result<M, Refusal> {
        // What is packed may be of any length.
        if body.len() <= off_worker::DONE_HERE && !self.gzip_in {
            return self.decode(body, limit, share);
        }
        let read = off_worker::run(move || self.decode(body, limit, share)).await;
        read.unwrap_or_else(|| Err(ConnectError::unavailable("the message could not be read").into()))
    }

    /// Reads the message, decompressed first when it has to be.
    ///
    /// # Errors
    /// Broken gzip, a message that does not decode, one that is larger than `limit` when decompressed.
    pub(super) fn decode<M: Codable>(&self, body: Bytes, limit: usize, mut share: Share) -> Result<M, Refusal> {
        let body = if self.gzip_in && !body.is_empty() {
            body::inflate(&body, limit, &mut share).map_err(|error| match error {
                BodyError::Broken => ConnectError::invalid("decompress message: it is no gzip, or cut off"),
                other => other.into(),
            })?
        } else {
            body
        };
        let checked = match self.codec {
            Codec::Proto => parts::check_protobuf(&body, parts::OF_AGENT),
            Codec::Json => parts::check_json(&body, parts::OF_AGENT),
        };
        checked.map_err(|_| ConnectError::too_large())?;
        let unreadable = |error: String| ConnectError::invalid(format!("unmarshal message: {error}")).into();
        match self.codec {
            Codec::Proto => M::decode(body).map_err(|error| unreadable(error.to_string())),
            // serde would take an array for a struct.
            Codec::Json if !body.trim_ascii_start().starts_with(b"{") => Err(unreadable("not an object".to_owned())),
            Codec::Json => {
                serde_json::from_slice::<M::Json>(&body).map(Into::into).map_err(|error| unreadable(error.to_string()))
            }
        }
    }

    /// Writes the answer. `gzipped` gives it compressed, when the caller keeps it so.
    pub(super) fn answer<M: Codable>(&self, message: M, gzip: impl FnOnce(Vec<u8>) -> Bytes) -> HttpResponse {
        let body = match self.codec {
            Codec::Proto => message.encode_to_vec(),
            // Invariant: strings and booleans always serialize.
            Codec::Json => serde_json::to_vec(&M::Json::from(message)).unwrap_or_default(),
        };
        let mut response = HttpResponse::Ok();
        response.insert_header((header::CONTENT_TYPE, self.codec.content_type()));
        if self.get {
            response.insert_header((header::VARY, "Accept-Encoding"));
        }
        if self.gzip_out && body.len() >= GZIP_FROM {
            response.insert_header((header::CONTENT_ENCODING, "gzip"));
            response.body(gzip(body))
        } else {
            response.body(body)
        }
    }

    /// The codec of the call.
    #[must_use]
    pub(super) fn codec(&self) -> Codec {
        self.codec
    }
}

/// Smaller answers are not worth compressing; an unchanged poll is one of them.
const GZIP_FROM: usize = 1024;

/// Compresses a body.
#[must_use]
pub(super) fn gzip(body: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::with_capacity(body.len() / 3), flate2::Compression::default());
    // Invariant: writing into a vector does not fail.
    encoder.write_all(body).and_then(|()| encoder.finish()).unwrap_or_default().into()
}

impl From<BodyError> for ConnectError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::too_large(),
            BodyError::Late => Self::late(),
            BodyError::Exhausted => Self::unavailable("too many large requests are being read").retry_after(RETRY),
            BodyError::Broken | BodyError::Encoding => Self::invalid("the request broke off"),
        }
    }
}

/// The allowed methods of a procedure, by its name; `None` for a procedure that does not exist.
#[must_use]
pub(super) fn allowed(procedure: &str) -> Option<&'static str> {
    match procedure {
        "GetConfig" => Some("GET, POST"),
        "RegisterCollector" | "UnregisterCollector" => Some("POST"),
        _ => None,
    }
}

/// Refuses methods that a procedure does not take.
///
/// # Errors
/// 405, or the code `unimplemented` with 404 for a procedure that does not exist.
pub(super) fn check_method(procedure: &str, method: &Method) -> Result<(), Refusal> {
    let Some(allow) = allowed(procedure) else {
        return Err(ConnectError::new("unimplemented", 404, format!("there is no procedure {procedure:?}")).into());
    };
    if allow.split(", ").any(|name| name == method.as_str()) {
        Ok(())
    } else {
        Err(Refusal::MethodNotAllowed { allow })
    }
}

fn check_timeout(request: &HttpRequest) -> Result<(), ConnectError> {
    let Some(value) = request.headers().get("connect-timeout-ms") else { return Ok(()) };
    let digits = value.as_bytes();
    if digits.is_empty() || digits.len() > 10 || !digits.iter().all(u8::is_ascii_digit) {
        let got = String::from_utf8_lossy(digits);
        return Err(ConnectError::invalid(format!("protocol error: invalid timeout {got:?}")));
    }
    Ok(())
}

fn check_compression(name: &str) -> Result<bool, ConnectError> {
    match name {
        "" | "identity" => Ok(false),
        "gzip" => Ok(true),
        other => Err(ConnectError::new(
            "unimplemented",
            501,
            format!("unknown compression {other:?}: supported encodings are gzip"),
        )),
    }
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&URL_SAFE, config).decode(text).ok()
}

/// The pairs of a query, decoded. Bytes that are no UTF-8 come through as they are, one character a byte, because a
/// message without base64 may hold any.
fn form_pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (unescape(name), unescape(value))
    })
}

fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let mut bytes = text.as_bytes().iter();
    let mut plain = String::with_capacity(text.len());
    while let Some(&byte) = bytes.next() {
        let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
        let rest = bytes.as_slice();
        match (byte, digit(rest.first()), digit(rest.get(1))) {
            (b'%', Some(high), Some(low)) => {
                // Two hexadecimal digits make at most 255.
                plain.push(char::from(u8::try_from(high * 16 + low).unwrap_or_default()));
                bytes.nth(1);
            }
            (b'+', ..) => plain.push(' '),
            _ => plain.push(char::from(byte)),
        }
    }
    Cow::Owned(plain)
}

fn percent_bytes(text: &str) -> Vec<u8> {
    // Each character stands for one byte (see `form_pairs`); a query in the clear is ASCII.
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect()
}
