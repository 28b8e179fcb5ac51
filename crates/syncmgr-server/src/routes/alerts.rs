//! The ways on which a person is told something.

use axum::extract::{Path, State};
use axum::response::Response;
use syncmgr_api::wire::Notice;
use syncmgr_api::wire::doctor::{AlertTested, Alerts};

use crate::answer::Refusal;
use crate::center::Api;
use crate::extract::json;

/// Lists the ways on which a person is told something. Addresses and secrets of them are not given.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "center",
    responses((status = 200, body = Alerts), Refusal))]
pub(super) async fn list(State(api): State<Api>) -> Result<Response, Refusal> {
    let items = api.ask(|desk| desk.alerts()).await?;
    Ok(json(&Alerts { items }))
}

/// Sends a test notice on one of them, and waits until it arrived or did not.
#[utoipa::path(post, path = "/api/v1/alerts/{name}/test", tag = "center",
    params(("name" = String, Path, min_length = 1)),
    responses((status = 200, body = AlertTested), Refusal))]
pub(super) async fn test(
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<Response, Refusal> {
    let failed = api.ask(move |desk| desk.test_alert(&name)).await?;
    Ok(json(&AlertTested {
        arrived: failed.is_none(),
        notice: failed.as_ref().map(Notice::from),
    }))
}
