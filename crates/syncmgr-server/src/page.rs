//! The page itself: the files of `web/`, carried in the program.
//!
//! They are the same for everybody and hold nothing of a person, so they are given out before
//! anybody has signed in; what the page shows comes from the API, which asks for more (S4).

use axum::body::Body;
use axum::response::Response;
use hyper::Method;
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use hyper::http::request::Parts;
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::answer::Refusal;
use crate::auth::hex;

#[derive(RustEmbed)]
#[folder = "$OUT_DIR/dist"]
struct Files;

/// The page that every address of the page is.
const INDEX: &str = "index.html";
/// Files whose names change with their content.
const HASHED: &str = "assets/";

/// Shown where the program was built without npm.
const PLAIN: &str = include_str!("page/plain.html");
const PLAIN_SCRIPT: &str = include_str!("page/plain.js");
const PLAIN_STYLE: &str = include_str!("page/plain.css");

/// Says whether an address is one of the page, not of the API.
pub(crate) fn is_page(head: &Parts) -> bool {
    let path = head.uri.path();
    let is_read = head.method == Method::GET || head.method == Method::HEAD;
    let is_other = path == "/api"
        || path.starts_with("/api/")
        || ["/healthz", "/readyz", "/metrics", "/openapi.json"].contains(&path);
    is_read && !is_other
}

/// Gives a file of the page; every other address is the page, which knows what to show there.
pub(crate) fn answer(head: &Parts) -> Result<Response, Refusal> {
    let path = head.uri.path().trim_start_matches('/');
    if let Some(file) = Files::get(path) {
        return Ok(file_response(head, path, file));
    }
    let has_extension = path
        .rsplit('/')
        .next()
        .is_some_and(|name| name.contains('.'));
    if path.starts_with(HASHED) || (has_extension && !path.starts_with("plain.")) {
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "not-found",
            [
                "The page has no such file.",
                "Diese Datei hat die Seite nicht.",
            ],
            [
                "Nothing was changed. A page that was open during an update has to be loaded again.",
                "Es wurde nichts geändert. Eine Seite, die während einer Aktualisierung offen war, muss neu geladen werden.",
            ],
        ));
    }
    match (Files::get(INDEX), path) {
        (Some(file), _) => Ok(file_response(head, INDEX, file)),
        (None, "plain.js") => Ok(text("text/javascript; charset=utf-8", PLAIN_SCRIPT)),
        (None, "plain.css") => Ok(text("text/css; charset=utf-8", PLAIN_STYLE)),
        (None, _) => Ok(text("text/html; charset=utf-8", PLAIN)),
    }
}

fn text(kind: &'static str, content: &'static str) -> Response {
    let mut response = Response::new(Body::from(content));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn file_response(head: &Parts, path: &str, file: EmbeddedFile) -> Response {
    let tag = format!("\"{}\"", hex(&file.metadata.sha256_hash()));
    let is_known = head
        .headers
        .get(IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = Response::new(if is_known {
        Body::empty()
    } else {
        Body::from(file.data)
    });
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind(path)));
    let caching = if path.starts_with(HASHED) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    response
}

fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("webmanifest" | "json") => "application/json",
        _ => "application/octet-stream",
    }
}
