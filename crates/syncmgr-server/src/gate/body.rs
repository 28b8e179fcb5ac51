//! The body of a request: whole, in time, short, shallow, JSON (S10, S13).

use std::time::Duration;

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use syncmgr_model::language::say;

use super::single;
use crate::answer::{NOTHING_CHANGED, Refusal};

/// Longest body in bytes.
pub(super) const LEN_MAX: usize = 1024 * 1024;
/// Deepest nesting of JSON.
pub(super) const DEPTH_MAX: usize = 64;
/// How long a body may take.
const WITHIN: Duration = Duration::from_secs(15);

/// Reads a body whole.
pub(super) async fn read(body: Incoming) -> Result<Bytes, Refusal> {
    let whole = Limited::new(body, LEN_MAX).collect();
    match tokio::time::timeout(WITHIN, whole).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            ["The request is too long.", "Die Anfrage ist zu lang."],
            NOTHING_CHANGED,
        )
        .with_detail(say(
            format!("At most {LEN_MAX} bytes are taken. Nothing was changed."),
            format!("Es werden höchstens {LEN_MAX} Bytes angenommen. Es wurde nichts geändert."),
        ))),
        Ok(Err(_broken)) => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "request-unusable",
            ["The request broke off.", "Die Anfrage bricht ab."],
            NOTHING_CHANGED,
        )),
        Err(_elapsed) => Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            "too-slow",
            [
                "The request took too long to arrive.",
                "Die Anfrage kam zu langsam an.",
            ],
            NOTHING_CHANGED,
        )),
    }
}

/// Checks what kind of body a write has. A form, which any page can send, is none (S3).
pub(super) fn check(head: &Parts, body: &[u8]) -> Result<(), Refusal> {
    if head.method == Method::GET || head.method == Method::HEAD {
        return Ok(());
    }
    if body.is_empty() && head.method == Method::DELETE {
        return Ok(());
    }
    let kind = single(&head.headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media-type",
            ["The request has to be JSON.", "Die Anfrage muss JSON sein."],
            [
                "Send it with the header `Content-Type: application/json`. Nothing was changed.",
                "Sende sie mit dem Header `Content-Type: application/json`. Es wurde nichts geändert.",
            ],
        ));
    }
    if depth(body) > DEPTH_MAX {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "too-deep",
            [
                "The request is nested too deeply.",
                "Die Anfrage ist zu tief verschachtelt.",
            ],
            NOTHING_CHANGED,
        )
        .with_detail(say(
            format!("At most {DEPTH_MAX} levels are taken. Nothing was changed."),
            format!("Es werden höchstens {DEPTH_MAX} Ebenen angenommen. Es wurde nichts geändert."),
        )));
    }
    Ok(())
}

/// Counts how deep brackets outside of texts go; whether it is JSON is for others to say.
fn depth(body: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    let (mut is_text, mut is_escaped) = (false, false);
    for &byte in body {
        if is_text {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => is_text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => is_text = true,
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s10_depth_counts_brackets_outside_of_texts() {
        assert_eq!(depth(b"{}"), 1);
        assert_eq!(depth(br#"{"a":[1,[2],{"b":3}]}"#), 3);
        assert_eq!(depth(br#""[[[[\"[[[""#), 0);
        assert_eq!(depth("[".repeat(100_000).as_bytes()), 100_000);
    }
}
