//! The embedded web page.
//!
//! Files are embedded compressed and served as they are. A path that names no file and does not belong to a protocol is
//! a place inside the page: it gets `index.html`, and the page's router does the rest.

use std::io::Read as _;

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{Method, header},
};
use bytes::Bytes;

/// One file of the page.
#[derive(Debug)]
pub struct Asset {
    /// Its path in the URL.
    pub path: &'static str,
    /// Its content type.
    pub content_type: &'static str,
    /// Whether its path holds a hash of its content.
    pub immutable: bool,
    /// SHA-256 of the plain file.
    pub digest: &'static str,
    /// The file, compressed with brotli.
    pub brotli: &'static [u8],
    /// The file, compressed with gzip.
    pub gzip: &'static [u8],
}

/// The page as it was built, or nothing.
pub static PAGE: &[Asset] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// Nothing from elsewhere, nothing inline, no frame around it; `wasm-unsafe-eval` lets the browser compile the page's
/// own WebAssembly and nothing else.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";

/// Paths that belong to protocols: an unknown one below them is an error, not a place in the page.
const NOT_THE_PAGE: [&str; 4] = ["/api/", "/v1/", "/collector.v1.", "/assets/"];

/// Answers what no other route took.
pub async fn serve(request: HttpRequest) -> HttpResponse {
    respond(PAGE, &request)
}

fn respond(page: &'static [Asset], request: &HttpRequest) -> HttpResponse {
    let path = request.path();
    let file = page.iter().find(|asset| asset.path == path);
    let is_below = |prefix: &str| path.starts_with(prefix) || prefix.strip_suffix('/') == Some(path);
    if file.is_none() && NOT_THE_PAGE.into_iter().any(is_below) {
        return HttpResponse::NotFound().insert_header((header::CACHE_CONTROL, "no-store")).finish();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, "GET, HEAD")).finish();
    }
    match file.or_else(|| page.iter().find(|asset| asset.path == "/index.html")) {
        Some(asset) => send(asset, request),
        None => secured(&mut HttpResponse::ServiceUnavailable())
            .content_type("text/plain; charset=utf-8")
            .body("This server was built without its web page. `make run` builds both; the REST interface works.\n"),
    }
}

fn send(asset: &'static Asset, request: &HttpRequest) -> HttpResponse {
    let etag = format!("\"{}\"", asset.digest);
    let caching = if asset.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag)) {
        return HttpResponse::NotModified()
            .insert_header((header::ETAG, etag))
            .insert_header((header::CACHE_CONTROL, caching))
            .finish();
    }
    let offers = request.headers().get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
    let accepts = |name: &str| offers.split(',').any(|offer| offer.split(';').next().unwrap_or("").trim() == name);
    let mut response = HttpResponse::Ok();
    secured(&mut response)
        .insert_header((header::CONTENT_TYPE, asset.content_type))
        .insert_header((header::ETAG, etag))
        .insert_header((header::CACHE_CONTROL, caching))
        .insert_header((header::VARY, "Accept-Encoding"));
    if accepts("br") {
        response.insert_header((header::CONTENT_ENCODING, "br")).body(Bytes::from_static(asset.brotli))
    } else if accepts("gzip") {
        response.insert_header((header::CONTENT_ENCODING, "gzip")).body(Bytes::from_static(asset.gzip))
    } else {
        // Rare enough not to embed a third copy for.
        let mut plain = Vec::new();
        match flate2::read::GzDecoder::new(asset.gzip).read_to_end(&mut plain) {
            Ok(_) => response.body(plain),
            Err(_) => HttpResponse::NotAcceptable().finish(),
        }
    }
}

fn secured(response: &mut HttpResponseBuilder) -> &mut HttpResponseBuilder {
    response
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header(("Cross-Origin-Opener-Policy", "same-origin"))
        .insert_header(("Cross-Origin-Resource-Policy", "same-origin"))
        .insert_header(("Permissions-Policy", "camera=(), geolocation=(), microphone=()"))
}

#[cfg(test)]
mod tests {
    use actix_web::{body::to_bytes, http::StatusCode, test::TestRequest};

    use super::*;

    /// `echo -n hello | gzip`
    const HELLO_GZIP: &[u8] =
        &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 7, 0, 0x86, 0xa6, 0x10, 0x36, 5, 0, 0, 0];
    static SAMPLE: &[Asset] = &[
        Asset {
            path: "/index.html",
            content_type: "text/html; charset=utf-8",
            immutable: false,
            digest: "d1",
            brotli: b"br",
            gzip: HELLO_GZIP,
        },
        Asset {
            path: "/assets/page-1.js",
            content_type: "text/javascript; charset=utf-8",
            immutable: true,
            digest: "d2",
            brotli: b"br",
            gzip: HELLO_GZIP,
        },
    ];

    fn header_of<'a>(response: &'a HttpResponse, name: &str) -> &'a str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[actix_web::test]
    async fn places_of_the_page_get_the_page_and_unknown_api_paths_do_not() {
        for (path, status) in [
            ("/", 200),
            ("/collectors/0190?tab=health", 200),
            ("/assets/page-1.js", 200),
            ("/assets/page-0.js", 404),
            ("/api/v1/nothing", 404),
            ("/v1/nothing", 404),
        ] {
            let response = respond(SAMPLE, &TestRequest::get().uri(path).to_http_request());
            assert_eq!(response.status(), StatusCode::from_u16(status).unwrap(), "{path}");
        }
        let response = respond(SAMPLE, &TestRequest::post().uri("/").to_http_request());
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    #[actix_web::test]
    async fn encodings_caching_and_security() {
        let get = |path: &str, accept: &str| {
            respond(SAMPLE, &TestRequest::get().uri(path).insert_header(("accept-encoding", accept)).to_http_request())
        };
        let page = get("/", "gzip, deflate, br");
        assert_eq!((header_of(&page, "content-encoding"), header_of(&page, "cache-control")), ("br", "no-cache"));
        assert!(header_of(&page, "content-security-policy").contains("default-src 'none'"));
        let script = get("/assets/page-1.js", "gzip;q=0.5");
        assert_eq!(header_of(&script, "content-encoding"), "gzip");
        assert!(header_of(&script, "cache-control").contains("immutable"));
        let plain = get("/", "");
        assert_eq!(header_of(&plain, "content-encoding"), "");
        assert_eq!(to_bytes(plain.into_body()).await.unwrap(), "hello");

        let known = TestRequest::get().uri("/").insert_header(("if-none-match", "W/\"d1\"")).to_http_request();
        assert_eq!(respond(SAMPLE, &known).status(), StatusCode::NOT_MODIFIED);
    }

    #[actix_web::test]
    async fn server_without_a_page_says_so() {
        let response = respond(&[], &TestRequest::get().uri("/").to_http_request());
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
