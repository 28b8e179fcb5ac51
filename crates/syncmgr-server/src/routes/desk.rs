//! Versions, why, the state of the whole, settings.

use axum::extract::{Path, State};
use axum::response::Response;
use hyper::StatusCode;
use hyper::header::HeaderMap;
use serde::Deserialize;
use syncmgr_api::page::Page;
use syncmgr_api::wire::center::{DaemonSettings, SettingsChange};
use syncmgr_api::wire::item::write_settings;
use syncmgr_api::wire::run::{Mode, RunsAccepted};
use syncmgr_api::wire::version::Restore;
use syncmgr_api::wire::{CenterState, Contents, Explanation, Nothing, Storage, Version};
use syncmgr_model::escape::{escape, unescape};
use syncmgr_model::record;
use syncmgr_model::request::{VersionRef, Work};
use syncmgr_model::side::Side;
use syncmgr_model::trouble::{Code, Trouble};
use utoipa::IntoParams;

use super::conflicts::CONTENT_LEN_MAX;
use super::doctor::download;
use super::items::changes;
use super::paging::{after, limit};
use super::sessions::start;
use crate::answer::Refusal;
use crate::center::{Api, find, session_id};
use crate::extract::{Json, Query, check_match, json, versioned};
use crate::words::center;

/// The order of versions.
const ORDER: &str = "versions";

/// Gives the headline and counts of the whole center.
#[utoipa::path(get, path = "/api/v1/status", tag = "status",
    responses((status = 200, body = CenterState), Refusal))]
pub(super) async fn status(State(api): State<Api>) -> Result<Response, Refusal> {
    let state = api
        .read(|state, _, now| {
            let keys = state.item_keys();
            let statuses: Vec<_> = keys.filter_map(|key| state.status(key, now)).collect();
            let handlers = state.handler_ids();
            let n_conflicts = handlers.map(|id| state.n_conflicts(id, None)).sum();
            let n_errors = state.n_errors_everywhere();
            Ok(center(&statuses, n_errors, n_conflicts))
        })
        .await?;
    Ok(json(&state))
}

/// A path of a sync.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PathQuery {
    /// The sync.
    #[param(min_length = 1)]
    item: String,
    /// The path below the folders, escaped as everywhere.
    path: String,
}

/// Says why a path is, or is not, in sync.
#[utoipa::path(get, path = "/api/v1/why", tag = "status", params(PathQuery),
    responses((status = 200, body = Explanation), Refusal))]
pub(super) async fn why(
    State(api): State<Api>,
    Query(query): Query<PathQuery>,
) -> Result<Response, Refusal> {
    let item = api.item(&query.item).await?;
    let path = unescape(&query.path);
    let why = api.ask(move |desk| desk.why(&item, &path)).await?;
    Ok(json(&Explanation::from(&why)))
}

/// Which versions are wanted.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct VersionsQuery {
    /// The sync.
    #[param(min_length = 1)]
    item: String,
    /// Only what was at this path or below.
    path: Option<String>,
    /// Most rows.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// Continues a list.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// Lists kept versions, newest first.
#[utoipa::path(get, path = "/api/v1/versions", tag = "versions", params(VersionsQuery),
    responses((status = 200, body = Page<Version>), Refusal))]
pub(super) async fn versions(
    State(api): State<Api>,
    Query(query): Query<VersionsQuery>,
) -> Result<Response, Refusal> {
    let n = limit(query.limit)?;
    let after = after(ORDER, query.cursor.as_deref())?;
    let item = api.item(&query.item).await?;
    let path = unescape(query.path.as_deref().unwrap_or_default());
    let rows = api
        .ask(move |desk| {
            let list = desk.versions(&item, &path)?;
            let mut rows: Vec<_> = list.iter().map(Version::from).collect();
            rows.sort_by_cached_key(|row| std::cmp::Reverse(key(row)));
            rows.retain(|row| after.as_ref().is_none_or(|after| key(row) < *after));
            Ok(rows)
        })
        .await?;
    Ok(json(&Page::cut(rows, n, ORDER, key)))
}

/// Adds up what the kept versions of a sync take.
#[utoipa::path(get, path = "/api/v1/items/{id}/storage", tag = "versions",
    params(("id" = String, Path, min_length = 1)),
    responses((status = 200, body = Storage), Refusal))]
pub(super) async fn storage(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let item = api.item(&id).await?;
    let versions = api.ask(move |desk| desk.versions(&item, b"")).await?;
    Ok(json(&Storage::of(&versions)))
}

/// A version of a sync.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct VersionQuery {
    /// The sync.
    #[param(min_length = 1)]
    item: String,
    /// The run that replaced or deleted it.
    #[param(min_length = 1, max_length = 63)]
    run: String,
    /// `left` or `right`.
    #[param(pattern = "^(left|right)$")]
    side: String,
    /// The path below the folders, escaped as everywhere.
    #[param(min_length = 1)]
    path: String,
}

/// Gives the content of a kept version and of what is there now, each up to a mebibyte.
#[utoipa::path(get, path = "/api/v1/versions/contents", tag = "versions", params(VersionQuery),
    responses((status = 200, body = Contents), Refusal))]
pub(super) async fn version_contents(
    State(api): State<Api>,
    Query(query): Query<VersionQuery>,
) -> Result<Response, Refusal> {
    let run = session_id(&query.run)?;
    let side = Side::parse(&query.side)
        .ok_or_else(|| Refusal::field("side", "unusable", "`left` or `right`"))?;
    let item = api.item(&query.item).await?;
    let path = unescape(&query.path);
    let contents = api
        .ask(move |desk| {
            let list = desk.versions(&item, &path)?;
            let is_it = |it: &&record::Version| it.run == run && it.side == side && it.path == path;
            let version = list.iter().find(is_it).ok_or_else(|| {
                Trouble::new(Code::NotFound)
                    .with("what", "version")
                    .with("name", escape(&path))
            })?;
            desk.version_contents(&item, version, CONTENT_LEN_MAX)
        })
        .await?;
    Ok(json(&Contents::from(&contents)))
}

/// Names a version in the order of time, then of path. A path may be longer than a cursor, so its
/// hash stands for it.
fn key(version: &Version) -> String {
    let hash = blake3::hash(version.path.as_bytes()).to_hex();
    format!("{}/{}/{}", version.run, version.side, &hash[..32])
}

/// Brings a version back, or says what that would do. What is there now is kept as a version.
#[utoipa::path(post, path = "/api/v1/versions/restore", tag = "versions",
    request_body = Restore, responses((status = 202, body = RunsAccepted), Refusal))]
pub(super) async fn restore(
    State(api): State<Api>,
    Json(restore): Json<Restore>,
) -> Result<Response, Refusal> {
    let version = VersionRef::try_from(&restore)
        .map_err(|fault| Refusal::field("", "unusable", fault.to_string()))?;
    let id = restore.item;
    let key = api.read(move |state, _, _| find(state, &id)).await?;
    let mode = if restore.preview {
        Mode::Preview
    } else {
        Mode::Sync
    };
    start(&api, vec![key], &Work::Restore(version), mode).await
}

async fn read_settings(api: &Api) -> Result<DaemonSettings, Refusal> {
    let ask = |desk: &dyn crate::desk::Desk| Ok((desk.settings()?, desk.setting_keys()?));
    let (settings, keys) = api.ask(ask).await?;
    Ok(DaemonSettings {
        settings: write_settings(&settings),
        keys,
    })
}

/// Gives the settings of the daemon.
#[utoipa::path(get, path = "/api/v1/settings", tag = "settings",
    responses((status = 200, body = DaemonSettings), Refusal))]
pub(super) async fn settings(State(api): State<Api>) -> Result<Response, Refusal> {
    Ok(versioned(&read_settings(&api).await?))
}

/// Changes settings of the daemon, if they still are the ones that were read (`If-Match`).
#[utoipa::path(patch, path = "/api/v1/settings", tag = "settings",
    request_body = SettingsChange, params(("If-Match" = Option<String>, Header)),
    responses((status = 200, body = DaemonSettings), Refusal))]
pub(super) async fn change_settings(
    State(api): State<Api>,
    headers: HeaderMap,
    Json(change): Json<SettingsChange>,
) -> Result<Response, Refusal> {
    check_match(&headers, &read_settings(&api).await?)?;
    let changes = changes(&change.settings)?;
    drop(api.ask(move |desk| desk.change_settings(changes)).await?);
    settings(State(api)).await
}

/// Gives the whole file of settings, as `syncmgr config export` writes it: syncs, schedules and ways
/// out included, and no secrets. `syncmgr config import` takes it; no page does, because the file
/// says where notices go.
#[utoipa::path(get, path = "/api/v1/settings/file", tag = "settings",
    responses((status = 200, content_type = "text/plain", body = String), Refusal))]
pub(super) async fn settings_file(State(api): State<Api>) -> Result<Response, Refusal> {
    let text = api.ask(|desk| desk.settings_file()).await?;
    Ok(download(text, "syncmgr-config.toml"))
}

/// Has the daemon read the settings anew, after another program changed the file.
#[utoipa::path(post, path = "/api/v1/settings/reload", tag = "settings",
    request_body = Nothing, responses((status = 204), Refusal))]
pub(super) async fn reload(
    State(api): State<Api>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<StatusCode, Refusal> {
    api.ask(|desk| desk.reload()).await?;
    Ok(StatusCode::NO_CONTENT)
}
