//! Reads path, query and body of a request, with errors that name the place.

use std::{fmt, future::Future, pin::Pin, str::FromStr, time::Duration};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest,
    dev::Payload,
    http::header::CONTENT_TYPE,
    web::{self, Bytes},
};
use linkmesh_proto::{api::problem::FieldProblem, id::ParseIdError};
use serde::de::DeserializeOwned;

use crate::{
    auth::Caller,
    error::{Error, ErrorCode, Result},
    http::{
        AppState,
        body::{self, BodyError, BodyLimits},
        budget::{Exhausted, Share},
    },
};

/// When to try again what there was no memory for: a person waits, not a fleet that would come back all at once.
const RETRY: Duration = Duration::from_secs(2);

/// The largest body that a REST route reads, unless configured otherwise.
pub const DEFAULT_MAX_BODY: usize = 2 << 20;

/// The one parameter of a path, as an identifier.
#[derive(Debug)]
pub struct Id<T>(pub T);

impl<T: FromStr<Err = ParseIdError>> FromRequest for Id<T> {
    type Error = Error;
    type Future = std::future::Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = request.match_info().iter().next().map_or("", |(_, text)| text);
        std::future::ready(text.parse().map(Self).map_err(Error::from))
    }
}

/// The query parameters of a request. The guard has refused those that the route does not know.
#[derive(Debug, Default)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Reads a query string.
    ///
    /// # Errors
    /// When it is not `application/x-www-form-urlencoded`.
    pub fn parse(query: &str) -> Result<Self> {
        web::Query::<Vec<(String, String)>>::from_query(query)
            .map(|pairs| Self(pairs.into_inner()))
            .map_err(|_| Error::new(ErrorCode::InvalidQuery, "The query string cannot be read."))
    }

    /// The names that stand in it.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// All values of a parameter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The text of a parameter that is there and not empty.
    #[must_use]
    pub fn text<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).find(|text| !text.is_empty())
    }

    /// The value of a parameter that is there and not empty.
    ///
    /// # Errors
    /// When the text is not such a value.
    pub fn value<T: FromStr>(&self, name: &str) -> Result<Option<T>>
    where
        T::Err: fmt::Display,
    {
        self.text(name).map(|text| text.parse().map_err(|error| invalid(name, error))).transpose()
    }

    /// The value of a parameter with a closed set of values, as serde spells them.
    ///
    /// # Errors
    /// When the text is none of them.
    pub fn word<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let read = |text: &str| serde_json::from_value(text.into()).map_err(|error| invalid(name, error));
        self.text(name).map(read).transpose()
    }
}

/// The error of a query parameter.
pub fn invalid(name: &str, message: impl fmt::Display) -> Error {
    let problem =
        FieldProblem { field: name.to_owned(), code: "invalid_value".to_owned(), message: message.to_string() };
    Error::new(ErrorCode::InvalidQuery, format!("The query parameter {name} is wrong: {message}."))
        .with_errors(vec![problem])
}

impl FromRequest for Params {
    type Error = Error;
    type Future = std::future::Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Self::parse(request.query_string()))
    }
}

/// A JSON body that is read strictly: unknown fields are errors.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let received = received(request, payload);
        Box::pin(async move { parse_json(&received.await?.0).map(Self) })
    }
}

/// A body that is said to be JSON, as it came.
fn received(
    request: &HttpRequest,
    payload: &mut Payload,
) -> impl Future<Output = Result<(Bytes, web::Data<AppState>)>> + use<> {
    let declared = json_declared(request);
    let state = request.app_data::<web::Data<AppState>>().cloned();
    let sender = Sender::of(request);
    let mut payload = payload.take();
    async move {
        declared?;
        let state = state.ok_or_else(|| Error::internal("the application has no state"))?;
        Ok((read_body(&mut payload, &state, sender).await?, state))
    }
}

/// A body that is said to be JSON, as it came, and what it holds of memory: for handlers that read it when they may. What is
/// read of it may hold many times as much.
pub struct RawJson {
    body: Bytes,
    share: Share,
}

impl RawJson {
    /// Reads it, and gives the octets back. Beside what was read stands what they held, for as long as it is kept.
    ///
    /// # Errors
    /// As [`parse_json`].
    pub fn read<T: DeserializeOwned>(self) -> Result<(T, Share)> {
        let Self { body, share } = self;
        parse_json(&body).map(|read| (read, share))
    }
}

impl FromRequest for RawJson {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let received = received(request, payload);
        Box::pin(async move {
            let (body, state) = received.await?;
            let mut share = state.budget.share();
            share.resize(body.len())?;
            Ok(Self { body, share })
        })
    }
}

impl From<Exhausted> for Error {
    fn from(_: Exhausted) -> Self {
        Self::new(ErrorCode::Unavailable, "Too many large requests are being read; try again soon.")
            .with_retry_after(RETRY)
    }
}

/// The largest body of a route that is open to all. A name and a password are less than this, and so are the labels of a
/// host that enrols; what is not whole holds memory that everybody needs.
const STRANGERS_BODY: usize = 32 << 10;

/// Who sends a body, as far as the guard knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    /// Somebody with a session or a token.
    Caller,
    /// Somebody with an enrolment token that is good.
    Enrolling,
    /// Anybody.
    Stranger,
}

impl Sender {
    pub(super) fn of(request: &HttpRequest) -> Self {
        let extensions = request.extensions();
        if extensions.contains::<Caller>() {
            return Self::Caller;
        }
        extensions.get().copied().unwrap_or(Self::Stranger)
    }
}

fn json_declared(request: &HttpRequest) -> Result<()> {
    let declared = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = declared.split(';').next().unwrap_or("").trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Error::new(ErrorCode::UnsupportedMediaType, "Send the body as Content-Type: application/json."))
}

/// Reads a body under the limits of REST requests.
///
/// # Errors
/// When it is longer, takes longer, or ends too early.
pub(super) async fn read_body(payload: &mut Payload, state: &AppState, sender: Sender) -> Result<Bytes> {
    let edge = &state.edge;
    let (bytes, budget) = match sender {
        Sender::Caller => (edge.max_body, &state.budget),
        Sender::Enrolling => (edge.max_body.min(STRANGERS_BODY), &state.budget),
        Sender::Stranger => (edge.max_body.min(STRANGERS_BODY), &state.strangers_budget),
    };
    let limits = BodyLimits { bytes, time: edge.body_timeout };
    body::read(payload, limits, &mut budget.share()).await.map_err(|error| match error {
        BodyError::TooLarge => {
            Error::new(ErrorCode::TooLarge, format!("The body is larger than {} bytes.", limits.bytes))
        }
        BodyError::Late => {
            state.connections.collectors.bodies_late.increment();
            Error::new(ErrorCode::BodyLate, "The body did not arrive in time.")
        }
        BodyError::Exhausted => Exhausted.into(),
        BodyError::Broken | BodyError::Encoding => {
            Error::new(ErrorCode::MalformedRequest, "The body could not be read to its end.")
        }
    })
}

/// Reads a JSON text.
///
/// # Errors
/// [`ErrorCode::MalformedRequest`] with line and column for what is no JSON, [`ErrorCode::InvalidDocument`] with the
/// field's path for JSON that does not fit.
fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    if body.is_empty() {
        return Err(Error::new(ErrorCode::MalformedRequest, "The body is empty; a JSON document is expected."));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value: T = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        if error.is_data() { problem(&path, &error) } else { syntax(&error) }
    })?;
    reader.end().map_err(|error| syntax(&error))?;
    Ok(value)
}

fn syntax(error: &serde_json::Error) -> Error {
    Error::new(
        ErrorCode::MalformedRequest,
        format!("The body is not JSON: {} (line {}, column {}).", bare(error), error.line(), error.column()),
    )
}

/// serde's own text without its ` at line 1 column 2`, which we give apart or not at all.
fn bare(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text.get(..end).unwrap_or(&text).to_owned(),
        None => text,
    }
}

/// A problem at a place, from what serde says.
fn problem(path: &str, error: &serde_json::Error) -> Error {
    let message = bare(error);
    let named = message.split('`').nth(1).unwrap_or("").to_owned();
    let path = if path == "." { "" } else { path };
    let (field, code) = if message.starts_with("unknown field") {
        // serde reports the unknown name at its object or at itself, depending on the format.
        let at_itself = path == named || path.ends_with(&format!(".{named}"));
        (if at_itself { path.to_owned() } else { join(path, &named) }, "unknown_field")
    } else if message.starts_with("missing field") {
        (join(path, &named), "missing_field")
    } else if message.starts_with("duplicate field") {
        (join(path, &named), "duplicate_field")
    } else if message.starts_with("unknown variant") {
        (path.to_owned(), "unknown_value")
    } else if message.starts_with("invalid type") {
        (path.to_owned(), "invalid_type")
    } else {
        (path.to_owned(), "invalid_value")
    };
    Error::invalid(vec![FieldProblem { field, code: code.to_owned(), message }])
}

fn join(path: &str, field: &str) -> String {
    match (path, field.starts_with('[')) {
        ("", _) => field.to_owned(),
        (path, true) => format!("{path}{field}"),
        (path, false) => format!("{path}.{field}"),
    }
}

#[cfg(test)]
mod tests {
    use linkmesh_proto::api::{collector::NewCollector, pipeline::PipelineDocument, session::SignIn};

    use super::*;

    fn places<T: DeserializeOwned + fmt::Debug>(body: &str) -> (ErrorCode, Vec<(String, String)>) {
        let error = parse_json::<T>(body.as_bytes()).unwrap_err();
        (error.code(), error.errors().iter().map(|e| (e.field.clone(), e.code.clone())).collect())
    }

    #[test]
    fn json_errors_name_line_and_column() {
        let error = parse_json::<SignIn>(b"{\"email\": \"a\",\n  oops}").unwrap_err();
        assert_eq!(error.code(), ErrorCode::MalformedRequest);
        assert!(error.detail().contains("(line 2, column 3)"), "{}", error.detail());
        assert_eq!(parse_json::<SignIn>(b"").unwrap_err().code(), ErrorCode::MalformedRequest);
        let twice = parse_json::<SignIn>(br#"{"email":"a","password":"b"} {}"#).unwrap_err();
        assert_eq!(twice.code(), ErrorCode::MalformedRequest);
    }

    #[test]
    fn wrong_fields_are_named_with_their_path() {
        let one = |field: &str, code: &str| (ErrorCode::InvalidDocument, vec![(field.to_owned(), code.to_owned())]);
        assert_eq!(places::<SignIn>(r#"{"email":"a","password":"b","otp":1}"#), one("otp", "unknown_field"));
        assert_eq!(places::<SignIn>(r#"{"email":"a"}"#), one("password", "missing_field"));
        assert_eq!(places::<SignIn>(r#"{"email":7,"password":"b"}"#), one("email", "invalid_type"));
        assert_eq!(places::<NewCollector>(r#"{"name":"a","runtime":"vector"}"#), one("runtime", "unknown_value"));
        let pipeline = |step: &str| {
            format!(r#"{{"name":"a","signals":["logs"],"sources":[],"filters":[{step}],"destinations":[]}}"#)
        };
        assert_eq!(
            places::<PipelineDocument>(&pipeline(r#"{"id":"a","kind":"b","nmae":"c"}"#)),
            one("filters[0].nmae", "unknown_field")
        );
        assert_eq!(
            places::<PipelineDocument>(&pipeline(r#"{"id":"A!","kind":"b"}"#)),
            one("filters[0].id", "invalid_value")
        );
    }

    #[test]
    fn query_is_read_by_name() {
        let params = Params::parse("match=a%3Db&match=c&limit=7&q=").unwrap();
        assert_eq!(params.all("match").collect::<Vec<_>>(), ["a=b", "c"]);
        assert_eq!(params.value::<u32>("limit").unwrap(), Some(7));
        assert_eq!(params.value::<u32>("q").unwrap(), None);
        assert_eq!(params.value::<u32>("match").unwrap_err().code(), ErrorCode::InvalidQuery);
    }
}
