//! What could be added as a sync.

use axum::extract::State;
use axum::response::Response;
use hyper::StatusCode;
use syncmgr_api::wire::Notice;
use syncmgr_api::wire::found::{FoundSync, FoundSyncs, Import, Imported, Silent};

use crate::answer::Refusal;
use crate::center::Api;
use crate::extract::{Json, json};

/// Most syncs added at once.
const NAMES_MAX: usize = 1_000;

/// Looks for what the tools, the crontab and the timers of the person sync already, and is no sync
/// yet. Reads files, and changes none of them.
#[utoipa::path(get, path = "/api/v1/found", tag = "items",
    responses((status = 200, body = FoundSyncs), Refusal))]
pub(super) async fn list(State(api): State<Api>) -> Result<Response, Refusal> {
    let offers = api.ask(|desk| desk.offers()).await?;
    let items = offers.offers.iter().map(|offer| {
        let when = offer.when.clone();
        FoundSync::of(&offer.found, offer.can_be_added, offer.is_usual, when)
    });
    let silent = offers.silent.iter().map(|(source, trouble)| Silent {
        source: source.clone(),
        notice: Notice::from(trouble),
    });
    Ok(json(&FoundSyncs {
        items: items.collect(),
        silent: silent.collect(),
    }))
}

/// Saves what was found as syncs, with their schedules if that is wanted. The set-up they were
/// found in stays as it is: what cron or systemd run goes on running there.
#[utoipa::path(post, path = "/api/v1/found", tag = "items", request_body = Import,
    responses((status = 201, body = Imported), Refusal))]
pub(super) async fn add(
    State(api): State<Api>,
    Json(import): Json<Import>,
) -> Result<Response, Refusal> {
    if import.names.is_empty() || import.names.len() > NAMES_MAX {
        return Err(Refusal::field("names", "unusable", "from 1 to 1000 names"));
    }
    let (names, with_schedules) = (import.names, import.schedules);
    let items = api
        .ask(move |desk| desk.import(&names, with_schedules))
        .await?;
    let mut response = json(&Imported {
        added: items.iter().map(|item| item.id.to_string()).collect(),
    });
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}
