//! Entity tags: which version a write changes, and whether a reader has it already.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    dev::Payload,
    http::header::{ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH},
};
use linkmesh_proto::Etag;
use serde::Serialize;

use crate::error::{Error, ErrorCode, Result};

/// A tag that no file has: what a client sends that is no tag of ours matches nothing. Not that of a file that is not there
/// (zeros), by which one is made.
const NOTHING: Etag = Etag::from_bytes([0xff; 20]);

/// The version that a write changes, from its headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `If-Match`: this one.
    Is(Etag),
    /// `If-None-Match: *`: there must be none.
    Absent,
}

impl Version {
    /// Reads a request.
    ///
    /// # Errors
    /// [`ErrorCode::PreconditionRequired`] without either header.
    pub fn of(request: &HttpRequest) -> Result<Self> {
        let text = |name: HeaderName| request.headers().get(name).map(|value| value.to_str().unwrap_or("").trim());
        match (text(IF_MATCH), text(IF_NONE_MATCH)) {
            (Some("*"), _) => Err(Error::new(
                ErrorCode::PreconditionRequired,
                "If-Match must name the version that this changes: * would overwrite what somebody else saved.",
            )),
            (Some(tag), None) => Ok(Self::Is(parse(tag))),
            (None, Some("*")) => Ok(Self::Absent),
            (None, None) => Err(Error::new(
                ErrorCode::PreconditionRequired,
                "Send If-Match with the ETag of the version that this changes, or If-None-Match: * to create.",
            )),
            _ => {
                Err(Error::new(ErrorCode::MalformedRequest, "Send either If-Match with one ETag or If-None-Match: *."))
            }
        }
    }
}

impl FromRequest for Version {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

/// `If-Match` alone, for what cannot be created by this route.
#[derive(Debug, Clone, Copy)]
pub struct IfMatch(pub Etag);

impl FromRequest for IfMatch {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match Version::of(request) {
            Ok(Version::Is(etag)) => Ok(Self(etag)),
            Ok(Version::Absent) => Err(Error::new(
                ErrorCode::PreconditionRequired,
                "Send If-Match with the ETag of the version that this changes.",
            )),
            Err(error) => Err(error),
        })
    }
}

/// Proxies that compress turn `"x"` into `W/"x"`; the tag names a stored text, so it stays right.
fn parse(tag: &str) -> Etag {
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).and_then(|tag| tag.parse().ok()).unwrap_or(NOTHING)
}

/// Answers a document with its tag, or 304 to who says that they have this version. The rest of an answer (how many
/// collectors match, who uses it) changes without a save, so answers are not for caches: `no-store`, as everywhere.
pub fn document<T: Serialize>(request: &HttpRequest, etag: Etag, body: &T) -> HttpResponse {
    let known = request.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let known = known.is_some_and(|tags| tags.split(',').any(|tag| tag.trim() == "*" || parse(tag.trim()) == etag));
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((ETAG, format!("\"{etag}\"")));
    if known { response.finish() } else { response.json(body) }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const TAG: &str = "\"0123456789abcdef0123456789abcdef01234567\"";

    fn version(headers: &[(&'static str, &str)]) -> Result<Version, ErrorCode> {
        let mut request = TestRequest::default();
        for header in headers {
            request = request.insert_header(*header);
        }
        Version::of(&request.to_http_request()).map_err(|error| error.code())
    }

    #[test]
    fn write_must_say_which_version_it_changes() {
        let tag = Version::Is(TAG.trim_matches('"').parse().unwrap());
        assert_eq!(version(&[("if-match", TAG)]), Ok(tag));
        assert_eq!(version(&[("if-match", &format!("W/{TAG}"))]), Ok(tag));
        assert_eq!(version(&[("if-none-match", "*")]), Ok(Version::Absent));
        assert_eq!(version(&[]), Err(ErrorCode::PreconditionRequired));
        assert_eq!(version(&[("if-match", "*")]), Err(ErrorCode::PreconditionRequired));
        assert_eq!(version(&[("if-none-match", TAG)]), Err(ErrorCode::MalformedRequest));
        assert_eq!(version(&[("if-match", "\"v1\"")]), Ok(Version::Is(NOTHING)));
    }
}
