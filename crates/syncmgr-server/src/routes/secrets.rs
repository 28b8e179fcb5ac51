//! Secrets of syncs: set and removed, and never given (S12). Whether one is set may be known.

use axum::extract::{Path, State};
use axum::response::Response;
use hyper::StatusCode;
use syncmgr_api::page::Page;
use syncmgr_api::wire::item::{SecretNew, SecretState};
use syncmgr_model::item::SettingKind;

use crate::answer::Refusal;
use crate::center::{Api, missing};
use crate::extract::{Json, json};

/// Lists the secrets that a sync may have, and which of them are set. No value is read for it.
#[utoipa::path(get, path = "/api/v1/items/{id}/secrets", tag = "items",
    params(("id" = String, Path, min_length = 1)),
    responses((status = 200, body = Page<SecretState>), Refusal))]
pub(super) async fn list(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let item = api.item(&id).await?;
    let secrets = api.ask(move |desk| {
        let known = desk.secrets_of(&item)?;
        let specs = desk.settings_of(&item.handler);
        let specs = specs.iter().filter(|it| it.kind == SettingKind::Secret);
        let secrets = specs.map(|spec| SecretState {
            key: spec.key.to_owned(),
            required: spec.is_required,
            is_set: known.iter().any(|key| key == spec.key),
        });
        Ok(secrets.collect())
    });
    Ok(json(&Page::<SecretState> {
        items: secrets.await?,
        next_cursor: None,
    }))
}

/// Sets a secret of a sync, in place of the one before. No address gives it back.
#[utoipa::path(put, path = "/api/v1/items/{id}/secrets/{key}", tag = "items",
    request_body = SecretNew,
    params(("id" = String, Path, min_length = 1), ("key" = String, Path, min_length = 1)),
    responses((status = 204), Refusal))]
pub(super) async fn set(
    State(api): State<Api>,
    Path((id, key)): Path<(String, String)>,
    Json(new): Json<SecretNew>,
) -> Result<StatusCode, Refusal> {
    let item = api.item(&id).await?;
    api.ask(move |desk| desk.set_secret(&item, &key, &new.value))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a secret of a sync.
#[utoipa::path(delete, path = "/api/v1/items/{id}/secrets/{key}", tag = "items",
    params(("id" = String, Path, min_length = 1), ("key" = String, Path, min_length = 1)),
    responses((status = 204), Refusal))]
pub(super) async fn remove(
    State(api): State<Api>,
    Path((id, key)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let item = api.item(&id).await?;
    let name = key.clone();
    let was_there = api.ask(move |desk| desk.remove_secret(&item, &key)).await?;
    if was_there {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(missing("secret", &name))
    }
}
