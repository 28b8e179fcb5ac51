//! Whether the daemon lives and works, and what it counts.

use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use hyper::StatusCode;
use hyper::header::CONTENT_TYPE;
use syncmgr_api::problem::Problem;
use syncmgr_api::wire::Health;

use super::Shared;
use crate::answer::Refusal;
use crate::extract::json;

fn health(status: &str) -> Health {
    Health {
        status: status.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Says that the daemon lives.
#[utoipa::path(get, path = "/healthz", tag = "daemon",
    responses((status = 200, body = Health)))]
pub(super) async fn healthz() -> Response {
    json(&health("ok"))
}

/// Says whether the daemon does its work.
#[utoipa::path(get, path = "/readyz", tag = "daemon",
    responses((status = 200, body = Health), (status = 503, body = Problem,
        content_type = "application/problem+json")))]
pub(super) async fn readyz(State(shared): State<Shared>) -> Result<Response, Refusal> {
    if shared.is_ready.load(Ordering::Acquire) {
        return Ok(json(&health("ok")));
    }
    Err(Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "starting",
        ["The daemon is still starting.", "Der Dienst startet noch."],
        ["Nothing runs yet.", "Es läuft noch nichts."],
    ))
}

/// Gives the counters as Prometheus reads them.
#[utoipa::path(get, path = "/metrics", tag = "daemon",
    responses((status = 200, body = String, content_type = "text/plain"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn metrics(State(shared): State<Shared>) -> Result<Response, Refusal> {
    if !shared.has_metrics {
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "not-found",
            [
                "The counters are turned off.",
                "Die Zähler sind ausgeschaltet.",
            ],
            [
                "A setting of the daemon turns them on.",
                "Eine Einstellung des Dienstes schaltet sie ein.",
            ],
        ));
    }
    let text = shared.metrics.text(shared.hub.n_listening());
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind)], text).into_response())
}
