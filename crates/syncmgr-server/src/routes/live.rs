//! The live messages as Server-Sent Events.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use hyper::StatusCode;
use hyper::header::{CONTENT_LANGUAGE, CONTENT_TYPE, HeaderMap, HeaderValue};
use syncmgr_api::problem::Problem;
use syncmgr_api::stream::Message;
use syncmgr_model::catalogue::phrase;

use crate::answer::{NOTHING_CHANGED, Refusal};
use crate::hub::Hub;

/// Sends live messages until the caller hangs up.
///
/// The number of the last message seen, in `Last-Event-ID`, brings what came since; when that is
/// not known any more, the first message is `reset`.
#[utoipa::path(get, path = "/api/v1/stream", tag = "stream",
    params(("Last-Event-ID" = Option<u64>, Header, description = "The last message seen")),
    responses((status = 200, body = Message, content_type = "text/event-stream"),
        (status = 503, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn stream(
    State(hub): State<Arc<Hub>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    // A number of another daemon, or no number at all, cannot be gone on from: 0 leads to `reset`.
    let last = headers
        .get("last-event-id")
        .map(|id| id.to_str().ok().and_then(|id| id.parse().ok()).unwrap_or(0));
    let body = hub.open(last).map_err(|full| {
        Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too-many-listeners",
            ["Too many listen already.", "Es hören schon zu viele zu."],
            NOTHING_CHANGED,
        )
        .with_detail(phrase(&full.to_string()))
    })?;
    let mut response = Response::new(Body::new(body));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    // All listeners share the messages, so they are English; who wants other words asks for them.
    response
        .headers_mut()
        .insert(CONTENT_LANGUAGE, HeaderValue::from_static("en"));
    Ok(response)
}
