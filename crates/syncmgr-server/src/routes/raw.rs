//! The bytes of one content in conflict, as a file: to be looked at as a picture, or saved.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use hyper::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use utoipa::IntoParams;

use super::conflicts::address;
use crate::answer::Refusal;
use crate::center::{Api, missing, places};
use crate::extract::Query;

/// Most bytes of a file that is given out; a photo fits, and the daemon has it in memory.
const FILE_LEN_MAX: usize = 32 * 1024 * 1024;
/// Anything that is no picture we know; no browser shows or runs it.
const ANY: &str = "application/octet-stream";

/// Names one content in conflict.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RawQuery {
    /// The address of the conflict, as `conflict://files/ID-OF-SYNC/ID`.
    #[param(min_length = 1, max_length = 1024)]
    address: String,
    /// Which of its contents, by index.
    #[param(maximum = 1000)]
    version: u32,
    /// To be saved, not shown.
    #[serde(default)]
    save: bool,
}

/// Gives the bytes of one content in conflict, up to 32 MiB, as far as they are in a file of its
/// sync. Pictures (PNG, JPEG, GIF, WebP, AVIF, BMP) have their own type, everything else has none
/// that a browser shows.
#[utoipa::path(get, path = "/api/v1/conflict/raw", tag = "conflicts", params(RawQuery),
    responses((status = 200, content_type = "application/octet-stream", body = [u8]), Refusal))]
pub(super) async fn get(
    State(api): State<Api>,
    Query(query): Query<RawQuery>,
) -> Result<Response, Refusal> {
    let address = address(&query.address)?;
    let name = query.address.clone();
    let places = api.read(|state, store, _| places(state, store)).await?;
    let (card, compared) = api
        .ask(move |desk| {
            let found = desk.find_conflict(&places, &address)?;
            let compared = desk.compare(&places, &address, FILE_LEN_MAX)?;
            Ok((found.card, compared))
        })
        .await?;
    let index = usize::try_from(query.version).unwrap_or(usize::MAX);
    let bytes = compared.by_index.into_iter().nth(index).flatten();
    let bytes = bytes.ok_or_else(|| missing("content", &format!("{name} {}", query.version)))?;
    let kind = picture(&bytes).filter(|_| !query.save);
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    let is_shown = kind.is_some();
    let kind = kind.unwrap_or(ANY);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if !is_shown {
        let file = card.name.rsplit('/').next().unwrap_or_default();
        let text = format!("attachment; filename*=UTF-8''{}", encoded(file));
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(CONTENT_DISPOSITION, value);
        }
    }
    Ok(response)
}

/// Tells a picture by its first bytes, never by its name. Drawings that can hold scripts (SVG) are
/// none.
fn picture(bytes: &[u8]) -> Option<&'static str> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    let has = |at: usize, magic: &[u8]| bytes.get(at..at + magic.len()) == Some(magic);
    let kind = if starts(b"\x89PNG\r\n\x1a\n") {
        "image/png"
    } else if starts(b"\xff\xd8\xff") {
        "image/jpeg"
    } else if starts(b"GIF87a") || starts(b"GIF89a") {
        "image/gif"
    } else if starts(b"RIFF") && has(8, b"WEBP") {
        "image/webp"
    } else if has(4, b"ftypavif") {
        "image/avif"
    } else if starts(b"BM") && has(6, &[0; 4]) {
        "image/bmp"
    } else {
        return None;
    };
    Some(kind)
}

/// Writes a name for a header (RFC 8187).
fn encoded(name: &str) -> String {
    use std::fmt::Write as _;
    name.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s6_only_pictures_that_hold_no_script_are_shown() {
        assert_eq!(picture(b"\x89PNG\r\n\x1a\n...."), Some("image/png"));
        assert_eq!(picture(b"BM\x36\x6c\0\0\0\0\0\0\x36\0"), Some("image/bmp"));
        assert_eq!(picture(b"RIFF....WEBPVP8 "), Some("image/webp"));
        for other in [
            &b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"[..],
            b"<!doctype html><script>alert(1)</script>",
            b"BM is also how a text can begin",
            b"",
        ] {
            assert_eq!(picture(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_name_cannot_leave_its_header() {
        assert_eq!(
            encoded("a b\"\r\nX: ü.txt"),
            "a%20b%22%0D%0AX%3A%20%C3%BC.txt"
        );
    }
}
