//! Before a sync is saved: the folders there are, and what would be said of it.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use syncmgr_api::wire::item::read_settings;
use syncmgr_api::wire::{Folders, ItemDraft, Notice, Notices};
use utoipa::IntoParams;

use super::items::no_setting;
use crate::answer::Refusal;
use crate::center::{Api, find, handler_id};
use crate::desk::Draft;
use crate::extract::{Json, Query, json};

/// Which folder is wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FoldersQuery {
    /// The folder, absolute or with `~`, escaped as everywhere; otherwise the home folder.
    #[param(min_length = 1, max_length = 2048)]
    path: Option<String>,
}

/// Shows the folders in a folder of this machine, and what it is like. Nothing is opened or written,
/// and links in it are left out. It takes the highest right, because it reaches what no sync has.
#[utoipa::path(get, path = "/api/v1/folders", tag = "items", params(FoldersQuery),
    responses((status = 200, body = Folders), Refusal))]
pub(super) async fn folders(
    State(api): State<Api>,
    Query(query): Query<FoldersQuery>,
) -> Result<Response, Refusal> {
    let path = query.path;
    let found = api.ask(move |desk| desk.browse(path.as_deref())).await?;
    Ok(json(&found))
}

/// Tells what would be said of a sync before it is saved: errors first, then what to know. Nothing
/// is saved.
#[utoipa::path(post, path = "/api/v1/items/check", tag = "items", request_body = ItemDraft,
    responses((status = 200, body = Notices), Refusal))]
pub(super) async fn check(
    State(api): State<Api>,
    Json(draft): Json<ItemDraft>,
) -> Result<Response, Refusal> {
    let of = match draft.item {
        Some(id) => {
            let key = api.read(move |state, _, _| find(state, &id)).await?;
            Some(key.item)
        }
        None => None,
    };
    let settings = read_settings(&draft.settings).map_err(|fault| no_setting(&fault.text))?;
    let draft = Draft {
        handler: handler_id(&draft.handler)?,
        name: draft.name,
        settings,
        of,
    };
    let mut troubles = api.ask(move |desk| desk.check(&draft)).await?;
    troubles.sort_by_key(|trouble| std::cmp::Reverse(trouble.level));
    Ok(json(&Notices {
        notices: troubles.iter().map(Notice::from).collect(),
    }))
}
