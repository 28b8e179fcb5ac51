//! Secrets of syncs: set and removed, and never given (S12).

use axum::extract::{Path, State};
use hyper::StatusCode;
use syncmgr_api::wire::item::SecretNew;

use crate::answer::Refusal;
use crate::center::{Api, missing};
use crate::extract::Json;

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
