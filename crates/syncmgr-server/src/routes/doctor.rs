//! What is wrong with this installation, as `syncmgr doctor` says it.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use hyper::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use syncmgr_api::wire::doctor::Checks;

use crate::answer::Refusal;
use crate::center::Api;
use crate::extract::json;

/// Checks this installation; everything that is wrong comes with what helps. Takes seconds where
/// folders are large.
#[utoipa::path(get, path = "/api/v1/doctor", tag = "center",
    responses((status = 200, body = Checks), Refusal))]
pub(super) async fn doctor(State(api): State<Api>) -> Result<Response, Refusal> {
    let items = api.ask(|desk| desk.doctor()).await?;
    Ok(json(&Checks { items }))
}

/// Gives a report to be sent to somebody who helps: the version, the checks, how the syncs stand,
/// the last results and the end of the log. It names folders and files, and holds neither secrets
/// nor contents.
#[utoipa::path(get, path = "/api/v1/doctor/report", tag = "center",
    responses((status = 200, content_type = "text/plain", body = String), Refusal))]
pub(super) async fn report(State(api): State<Api>) -> Result<Response, Refusal> {
    let text = api.ask(|desk| desk.report()).await?;
    Ok(download(text, "syncmgr-report.txt"))
}

/// Makes an answer that is a file to be kept.
pub(super) fn download(text: String, name: &str) -> Response {
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    let place = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    if let Ok(place) = place {
        headers.insert(CONTENT_DISPOSITION, place);
    }
    response
}
