//! The files of a sync, one folder at a time, and what exclusions would cover of them.

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use syncmgr_api::page::Page;
use syncmgr_api::wire::folder::{Matches, Patterns, SyncFile, SyncFolder};
use syncmgr_model::conflict::Kind;
use syncmgr_model::escape::{escape, unescape};
use utoipa::IntoParams;

use super::conflicts::name_of;
use super::paging::{after, limit};
use crate::answer::Refusal;
use crate::center::Api;
use crate::extract::{Json, Query, json};

/// The order of the list.
const ORDER: &str = "files";
/// Bytes of a name that order a list; a hash of the whole follows them in a cursor.
const KEY_LEN: usize = 150;
/// Most patterns that are tried at once: more than a person writes.
const PATTERNS_MAX: usize = 100;
/// Longest pattern, in bytes.
const PATTERN_LEN_MAX: usize = 1000;

/// Which folder is wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FilesQuery {
    /// The folder below the folders of the sync, escaped as everywhere; otherwise those themselves.
    #[param(max_length = 2048)]
    folder: Option<String>,
    /// Most rows.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// Continues a list.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// Lists one folder of a sync as it is now: what each side has, and how that stands to what both
/// last agreed on. It looks at names, sizes and times of that folder alone, and reads no file.
#[utoipa::path(get, path = "/api/v1/items/{id}/files", tag = "items",
    params(("id" = String, Path, min_length = 1), FilesQuery),
    responses((status = 200, body = SyncFolder), Refusal))]
pub(super) async fn list(
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(query): Query<FilesQuery>,
) -> Result<Response, Refusal> {
    let n = limit(query.limit)?;
    let after = after(ORDER, query.cursor.as_deref())?;
    let item = api.item(&id).await?;
    let folder = unescape(query.folder.as_deref().unwrap_or_default());
    let (folder, rows) = api
        .ask(move |desk| {
            let children = desk.folder(&item, &folder)?;
            let rows = children.iter().map(|child| SyncFile::of(&folder, child));
            let mut rows: Vec<_> = rows.map(|row| (key(&row), row)).collect();
            rows.retain(|(key, _)| after.as_ref().is_none_or(|after| key > after));
            rows.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
            rows.truncate(n + 1);
            Ok((escape(&folder), rows))
        })
        .await?;
    let cut = Page::cut(rows, n, ORDER, |(key, _)| key.clone());
    Ok(json(&SyncFolder {
        folder,
        items: cut.items.into_iter().map(|(_, row)| row).collect(),
        next_cursor: cut.next_cursor,
    }))
}

/// Orders folders first, then by name.
fn key(row: &SyncFile) -> String {
    let rank = u8::from(row.kind != Kind::Folder.as_str());
    let begin = &row.name[..row.name.floor_char_boundary(KEY_LEN)];
    format!("{rank}{begin} {}", name_of(row.name.as_bytes()))
}

/// Says what exclusions would cover that those of the sync do not. Nothing is changed.
#[utoipa::path(post, path = "/api/v1/items/{id}/matches", tag = "items", request_body = Patterns,
    params(("id" = String, Path, min_length = 1)),
    responses((status = 200, body = Matches), Refusal))]
pub(super) async fn matches(
    State(api): State<Api>,
    Path(id): Path<String>,
    Json(asked): Json<Patterns>,
) -> Result<Response, Refusal> {
    let patterns = asked.patterns;
    if patterns.len() > PATTERNS_MAX {
        return Err(Refusal::field("patterns", "unusable", "at most 100"));
    }
    if let Some(at) = patterns.iter().position(|it| it.len() > PATTERN_LEN_MAX) {
        let field = format!("patterns[{at}]");
        return Err(Refusal::field(&field, "unusable", "at most 1000 bytes"));
    }
    let item = api.item(&id).await?;
    let covered = api.ask(move |desk| desk.covered(&item, &patterns)).await?;
    Ok(json(&Matches::from(&covered)))
}
