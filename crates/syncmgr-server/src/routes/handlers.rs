//! Handlers.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use hyper::StatusCode;
use syncmgr_api::page::Page;
use syncmgr_api::wire::handler::{HandlerChange, HandlerLog};
use syncmgr_api::wire::{Handler, Nothing};
use syncmgr_center::command::Control;
use syncmgr_center::state::{HandlerView, State as CenterState};
use syncmgr_model::capability::ControlFlags;
use syncmgr_model::id::HandlerId;

use super::items::done;
use crate::answer::Refusal;
use crate::center::{Api, aside, handler_id, missing, refused};
use crate::extract::{Json, json};
use crate::words::handler;

/// Most bytes of a log that are given: enough for what went wrong last, and a small answer.
const LOG_MAX: u64 = 64 * 1024;

/// Lists the handlers.
#[utoipa::path(get, path = "/api/v1/handlers", tag = "handlers",
    responses((status = 200, body = Page<Handler>), Refusal))]
pub(super) async fn list(State(api): State<Api>) -> Result<Response, Refusal> {
    let views: Vec<_> = api
        .read(|state, _, _| {
            let views = state.handler_ids().filter_map(|id| shown(state, id));
            Ok(views.filter(|(view, _)| view.is_listed).collect())
        })
        .await?;
    aside(move || {
        let items = views.iter().map(|(view, n)| handler(view, *n, &*api.desk));
        Ok(json(&Page::<Handler> {
            items: items.collect(),
            next_cursor: None,
        }))
    })
    .await
}

/// Gives one handler.
#[utoipa::path(get, path = "/api/v1/handlers/{id}", tag = "handlers",
    params(("id" = String, Path, min_length = 1)),
    responses((status = 200, body = Handler), Refusal))]
pub(super) async fn get(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let wanted = handler_id(&id)?;
    let view = api
        .read(move |state, _, _| Ok(shown(state, &wanted)))
        .await?;
    let (view, n_conflicts) = view.ok_or_else(|| missing("handler", &id))?;
    aside(move || Ok(json(&handler(&view, n_conflicts, &*api.desk)))).await
}

fn shown(state: &CenterState, id: &HandlerId) -> Option<(HandlerView, u64)> {
    let view = state.handler(id)?;
    Some((view, state.n_conflicts(id, None)))
}

/// Sets a handler up or takes it down, turns it on or off.
#[utoipa::path(patch, path = "/api/v1/handlers/{id}", tag = "handlers",
    request_body = HandlerChange, params(("id" = String, Path, min_length = 1)),
    responses((status = 200, body = Handler), Refusal))]
pub(super) async fn change(
    State(api): State<Api>,
    Path(id): Path<String>,
    Json(change): Json<HandlerChange>,
) -> Result<Response, Refusal> {
    let handler = handler_id(&id)?;
    let flags = ControlFlags::WAIT | ControlFlags::NO_UI;
    if let Some(is_active) = change.active {
        let control = Control::Activate(is_active, handler.clone(), flags);
        drop(done(&api, control).await?);
        // One that was just set up has the last word on whether it is, and is read after the answer.
        if is_active {
            let read = Control::UpdateHandler(handler.clone(), flags);
            drop(done(&api, read).await?);
        }
    }
    if let Some(is_enabled) = change.enabled {
        let control = Control::EnableHandler(is_enabled, handler, flags);
        drop(done(&api, control).await?);
    }
    get(State(api), Path(id)).await
}

/// Reads a handler anew: what it can do, and its items.
#[utoipa::path(post, path = "/api/v1/handlers/{id}/update", tag = "handlers",
    request_body = Nothing, params(("id" = String, Path, min_length = 1)),
    responses((status = 202), Refusal))]
pub(super) async fn update(
    State(api): State<Api>,
    Path(id): Path<String>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<StatusCode, Refusal> {
    let control = Control::UpdateHandler(handler_id(&id)?, ControlFlags::NO_UI);
    drop(done(&api, control).await?);
    Ok(StatusCode::ACCEPTED)
}

/// Starts a handler that a person installed anew, also one that stopped too often, and answers when
/// it has said what it is and has. Its runs end.
#[utoipa::path(post, path = "/api/v1/handlers/{id}/restart", tag = "handlers",
    request_body = Nothing, params(("id" = String, Path, min_length = 1)),
    responses((status = 200, body = Handler), Refusal))]
pub(super) async fn restart(
    State(api): State<Api>,
    Path(id): Path<String>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Response, Refusal> {
    let wanted = handler_id(&id)?;
    let (desk, whose) = (Arc::clone(&api.desk), wanted.clone());
    aside(move || desk.restart(&whose).map_err(|error| refused(&error))).await?;
    let flags = ControlFlags::NO_UI | ControlFlags::WAIT;
    drop(done(&api, Control::UpdateHandler(wanted, flags)).await?);
    get(State(api), Path(id)).await
}

/// Gives the last part of what a handler that a person installed wrote to its log.
#[utoipa::path(get, path = "/api/v1/handlers/{id}/log", tag = "handlers",
    params(("id" = String, Path, min_length = 1)),
    responses((status = 200, body = HandlerLog), Refusal))]
pub(super) async fn log(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let wanted = handler_id(&id)?;
    aside(move || {
        let lines = api.desk.log_of(&wanted, LOG_MAX);
        let lines = lines.map_err(|error| refused(&error))?;
        Ok(json(&HandlerLog { lines }))
    })
    .await
}
