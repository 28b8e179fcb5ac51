//! Syncs, one at a time.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use hyper::StatusCode;
use hyper::header::{ETAG, HeaderMap, HeaderValue, LOCATION};
use serde_json::Value as Json_;
use syncmgr_api::wire::item::{read_setting, read_settings};
use syncmgr_api::wire::{ItemChange, ItemNew, ItemState, ItemView, Nothing, Pause};
use syncmgr_center::command::{Answer, Control, Scope};
use syncmgr_center::state::State as CenterState;
use syncmgr_model::capability::ControlFlags;
use syncmgr_model::id::ItemKey;
use syncmgr_model::item::Value;
use syncmgr_model::time::Timestamp;

use crate::answer::{NOTHING_CHANGED, Refusal};
use crate::center::{Api, aside, find, handler_id, view};
use crate::desk::{ItemEdit, NewItem};
use crate::extract::{Json, check_match, etag, json};
use crate::words::item_view;

/// Reads a sync as it is shown.
async fn shown(api: &Api, id: &str) -> Result<(ItemKey, ItemView), Refusal> {
    let id = id.to_owned();
    let look = move |state: &CenterState, store: &mut dyn syncmgr_center::port::Store, now| {
        let key = find(state, &id)?;
        view(state, store, &key, now)
    };
    let shown = api.read(look).await?;
    let desk = std::sync::Arc::clone(&api.desk);
    aside(move || {
        let key = shown.view.memory.key.clone();
        Ok((key, item_view(&shown, &*desk)))
    })
    .await
}

/// What a change of a sync is about: its state comes and goes by itself.
fn essence(state: &ItemState) -> impl serde::Serialize {
    (
        state.sync.id.clone(),
        state.sync.name.clone(),
        state.handler.clone(),
        state.enabled,
        state.settings.clone(),
    )
}

fn answer(status: StatusCode, view: &ItemView) -> Response {
    let mut response = json(view);
    *response.status_mut() = status;
    if let Some(etag) = etag(&essence(&view.state)) {
        response.headers_mut().insert(ETAG, etag);
    }
    response
}

/// Gives one sync with its state.
#[utoipa::path(get, path = "/api/v1/items/{id}", tag = "items",
    params(("id" = String, Path, min_length = 1)),
    responses((status = 200, body = ItemView), Refusal))]
pub(super) async fn get(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let (_, view) = shown(&api, &id).await?;
    Ok(answer(StatusCode::OK, &view))
}

/// Saves a new sync.
#[utoipa::path(post, path = "/api/v1/items", tag = "items", request_body = ItemNew,
    responses((status = 201, body = ItemView), Refusal))]
pub(super) async fn create(
    State(api): State<Api>,
    Json(new): Json<ItemNew>,
) -> Result<Response, Refusal> {
    let handler = handler_id(&new.handler)?;
    if let Some(fault) = syncmgr_model::item::bad_name(&new.name) {
        return Err(Refusal::field("name", "unusable", fault));
    }
    let settings = read_settings(&new.settings).map_err(|fault| no_setting(&fault.text))?;
    let new = NewItem {
        handler,
        name: new.name,
        settings,
    };
    let item = api.ask(move |desk| desk.add(new)).await?;
    let (_, view) = shown(&api, item.id.as_str()).await?;
    let mut response = answer(StatusCode::CREATED, &view);
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/items/{}", item.id)) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

pub(super) fn no_setting(key: &str) -> Refusal {
    let words = "a text, a whole number, or a list of texts";
    Refusal::field(&format!("settings.{key}"), "unusable", words)
}

/// Reads changes of settings; null takes one back to its default.
pub(super) fn changes(
    settings: &BTreeMap<String, Json_>,
) -> Result<BTreeMap<String, Option<Value>>, Refusal> {
    let read = |(key, value): (&String, &Json_)| {
        if value.is_null() {
            return Ok((key.clone(), None));
        }
        let value = read_setting(value).ok_or_else(|| no_setting(key))?;
        Ok((key.clone(), Some(value)))
    };
    settings.iter().map(read).collect()
}

/// Changes a sync, if it still is the one that was read (`If-Match`).
#[utoipa::path(patch, path = "/api/v1/items/{id}", tag = "items", request_body = ItemChange,
    params(("id" = String, Path, min_length = 1), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = ItemView), Refusal))]
pub(super) async fn change(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(change): Json<ItemChange>,
) -> Result<Response, Refusal> {
    let (key, view) = shown(&api, &id).await?;
    check_match(&headers, &essence(&view.state))?;
    if let Some(fault) = change
        .name
        .as_deref()
        .and_then(syncmgr_model::item::bad_name)
    {
        return Err(Refusal::field("name", "unusable", fault));
    }
    let mut edit = ItemEdit {
        name: change.name,
        settings: changes(&change.settings)?,
        is_enabled: None,
    };
    let item = key.item.clone();
    if edit != ItemEdit::default() {
        let (item, edit) = (item.clone(), std::mem::take(&mut edit));
        drop(api.ask(move |desk| desk.edit(&item, edit)).await?);
    }
    if let Some(is_hidden) = change.hidden {
        let hide = Control::Hide(is_hidden, key.handler.clone(), Some(key.item.clone()));
        done(&api, hide).await?;
    }
    if let Some(is_enabled) = change.enabled {
        let flags = ControlFlags::WAIT | ControlFlags::NO_UI;
        done(&api, Control::EnableItem(is_enabled, key, flags)).await?;
        // The handler has agreed; the file says the same, so that it also holds after a restart.
        if view.saved {
            edit.is_enabled = Some(is_enabled);
            drop(api.ask(move |desk| desk.edit(&item, edit)).await?);
        }
    }
    let (_, view) = shown(&api, &id).await?;
    Ok(answer(StatusCode::OK, &view))
}

/// Removes a saved sync. No file in its folders is touched, and its history stays.
#[utoipa::path(delete, path = "/api/v1/items/{id}", tag = "items",
    params(("id" = String, Path, min_length = 1), ("If-Match" = Option<String>, Header)),
    responses((status = 204), Refusal))]
pub(super) async fn remove(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    let (key, view) = shown(&api, &id).await?;
    check_match(&headers, &essence(&view.state))?;
    if view.saved {
        let id = key.item.clone();
        api.ask(move |desk| desk.remove(&id)).await?;
        // What is not saved any more would be listed as long as it is known from its runs; who
        // removes it wants it gone. It may be gone already.
        drop(api.control(Control::Forget(key)).await);
    } else if is_deleted_by_its_handler(&api, &key).await? {
        let flags = ControlFlags::WAIT | ControlFlags::NO_UI;
        drop(done(&api, Control::Delete(key, flags)).await?);
    } else {
        drop(done(&api, Control::Forget(key)).await?);
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Says whether an item nobody saved is one that its handler lists, and removes itself.
async fn is_deleted_by_its_handler(api: &Api, key: &ItemKey) -> Result<bool, Refusal> {
    let key = key.clone();
    let look = move |state: &CenterState, _: &mut dyn syncmgr_center::port::Store, now| {
        let view = state.item(&key, now);
        Ok(view.is_some_and(|view| view.can_delete()))
    };
    api.read(look).await
}

/// Lets no scheduled run of a sync begin for a while.
#[utoipa::path(post, path = "/api/v1/items/{id}/pause", tag = "items", request_body = Pause,
    params(("id" = String, Path, min_length = 1)),
    responses((status = 200, body = ItemView), Refusal))]
pub(super) async fn pause(
    State(api): State<Api>,
    Path(id): Path<String>,
    Json(pause): Json<Pause>,
) -> Result<Response, Refusal> {
    let until = pause
        .until
        .map(|text| {
            Timestamp::parse_rfc3339(&text).ok_or_else(|| {
                Refusal::field("until", "unusable", "a time as 2026-12-24T18:00:00Z")
            })
        })
        .transpose()?;
    let (key, _) = shown(&api, &id).await?;
    done(&api, Control::Pause(only(&key), until)).await?;
    let (_, view) = shown(&api, &id).await?;
    Ok(json(&view).into_response())
}

/// Lets scheduled runs begin again.
#[utoipa::path(post, path = "/api/v1/items/{id}/resume", tag = "items", request_body = Nothing,
    params(("id" = String, Path, min_length = 1)),
    responses((status = 200, body = ItemView), Refusal))]
pub(super) async fn resume(
    State(api): State<Api>,
    Path(id): Path<String>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Response, Refusal> {
    let (key, _) = shown(&api, &id).await?;
    done(&api, Control::Resume(only(&key))).await?;
    let (_, view) = shown(&api, &id).await?;
    Ok(json(&view))
}

/// Names one item to the center.
pub(super) fn only(key: &ItemKey) -> Scope {
    Scope::Items(key.handler.clone(), vec![key.item.clone()])
}

/// Asks for something that is done or refused.
pub(super) async fn done(api: &Api, control: Control) -> Result<Answer, Refusal> {
    let answer = api.control(control).await?;
    if answer == Answer::Declined {
        return Err(Refusal::new(
            StatusCode::CONFLICT,
            "declined",
            [
                "A person was asked and said no.",
                "Jemand wurde gefragt und hat Nein gesagt.",
            ],
            NOTHING_CHANGED,
        ));
    }
    Ok(answer)
}
