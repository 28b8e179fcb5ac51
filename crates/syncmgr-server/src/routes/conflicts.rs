//! Conflicts: listed, compared, decided.

use axum::extract::{Path, State};
use axum::response::Response;
use hyper::StatusCode;
use serde::Deserialize;
use syncmgr_api::page::Page;
use syncmgr_api::wire::conflict::ResolveOne;
use syncmgr_api::wire::run::{Mode, RunsAccepted};
use syncmgr_api::wire::{Conflict, Contents, Facts, Resolve, Sides};
use syncmgr_model::conflict;
use syncmgr_model::id::ItemKey;
use syncmgr_model::item::Item;
use syncmgr_model::request::{Choice, Work};
use syncmgr_model::trouble::{Code, Trouble};
use utoipa::IntoParams;

use super::paging::{after, limit};
use super::sessions::start;
use crate::answer::Refusal;
use crate::center::{Api, find, missing, refused};
use crate::extract::{Json, Query, json};

/// The order of the list.
const ORDER: &str = "conflicts";
/// Most bytes of one content that are shown; larger files are compared elsewhere.
pub(super) const CONTENT_LEN_MAX: usize = 1024 * 1024;

/// Which conflicts are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ConflictsQuery {
    /// Only of this sync.
    #[param(min_length = 1)]
    item: Option<String>,
    /// Most rows.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// Continues a list.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// Lists conflicts, by sync. A sync whose conflicts cannot be listed is an error when it was
/// asked for, and is left out otherwise: its own state says why.
#[utoipa::path(get, path = "/api/v1/conflicts", tag = "conflicts", params(ConflictsQuery),
    responses((status = 200, body = Page<Conflict>), Refusal))]
pub(super) async fn list(
    State(api): State<Api>,
    Query(query): Query<ConflictsQuery>,
) -> Result<Response, Refusal> {
    let n = limit(query.limit)?;
    let after = after(ORDER, query.cursor.as_deref())?;
    let is_one = query.item.is_some();
    let items: Vec<Item> = api
        .read(move |state, _, now| {
            let keys: Vec<ItemKey> = match &query.item {
                Some(id) => vec![find(state, id)?],
                None => state.item_keys().cloned().collect(),
            };
            let views = keys.iter().filter_map(|key| state.item(key, now));
            let has_any = |view: &syncmgr_center::state::ItemView| {
                is_one
                    || view
                        .facts
                        .last
                        .is_some_and(|(_, left)| left.n_conflicts > 0)
            };
            Ok(views.filter(has_any).map(|view| view.item).collect())
        })
        .await?;
    let rows = api
        .ask(move |desk| {
            let mut rows = Vec::new();
            for item in items {
                match desk.conflicts(&item) {
                    Ok(list) => {
                        rows.extend(list.iter().map(|c| Conflict::of(item.id.as_str(), c)));
                    }
                    Err(trouble) if is_one => return Err(trouble),
                    Err(_) => {}
                }
            }
            rows.sort_by_cached_key(key);
            rows.retain(|row| after.as_ref().is_none_or(|after| key(row) > *after));
            Ok(rows)
        })
        .await?;
    Ok(json(&Page::cut(rows, n, ORDER, key)))
}

fn key(conflict: &Conflict) -> String {
    format!("{}/{}", conflict.item, conflict.id)
}

/// Gives one conflict as it is now.
#[utoipa::path(get, path = "/api/v1/conflicts/{item}/{id}", tag = "conflicts",
    params(("item" = String, Path, min_length = 1), ("id" = String, Path, min_length = 1)),
    responses((status = 200, body = Conflict), Refusal))]
pub(super) async fn get(
    State(api): State<Api>,
    Path((item, id)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let item = api.item(&item).await?;
    let name = item.id.to_string();
    let list = api.ask(move |desk| desk.conflicts(&item)).await?;
    let found = list.iter().find(|conflict| conflict.id == id);
    let found = found.ok_or_else(|| missing("conflict", &id))?;
    Ok(json(&Conflict::of(&name, found)))
}

/// Gives the contents of a conflict, each up to a mebibyte.
#[utoipa::path(get, path = "/api/v1/conflicts/{item}/{id}/contents", tag = "conflicts",
    params(("item" = String, Path, min_length = 1), ("id" = String, Path, min_length = 1)),
    responses((status = 200, body = Contents), Refusal))]
pub(super) async fn contents(
    State(api): State<Api>,
    Path((item, id)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let item = api.item(&item).await?;
    let contents = api
        .ask(move |desk| desk.contents(&item, &id, CONTENT_LEN_MAX))
        .await?;
    Ok(json(&Contents::from(&contents)))
}

/// Decides conflicts of one sync, or says what that would do. When a side is not what the person
/// saw any more, nothing is done and the answer is 409 `state-changed`.
#[utoipa::path(post, path = "/api/v1/conflicts/resolve", tag = "conflicts",
    request_body = Resolve, responses((status = 202, body = RunsAccepted), Refusal))]
pub(super) async fn resolve(
    State(api): State<Api>,
    Json(resolve): Json<Resolve>,
) -> Result<Response, Refusal> {
    if resolve.decisions.is_empty() {
        return Err(Refusal::field("decisions", "missing", "at least one"));
    }
    let choices = choices(&resolve.decisions)?;
    let id = resolve.item;
    let key = api.read(move |state, _, _| find(state, &id)).await?;
    let item = api.item(&key.to_string()).await?;
    let now = api.ask(move |desk| desk.conflicts(&item)).await?;
    for decision in &resolve.decisions {
        check_seen(decision, &now)?;
    }
    let mode = if resolve.preview {
        Mode::Preview
    } else {
        Mode::Sync
    };
    start(&api, vec![key], &Work::Resolve(choices), mode).await
}

fn choices(decisions: &[ResolveOne]) -> Result<Vec<(String, Choice)>, Refusal> {
    let read = |(n, one): (usize, &ResolveOne)| {
        let choice = Choice::try_from(&one.decision).map_err(|fault| {
            let field = format!("decisions[{n}].decision");
            Refusal::field(&field, "unusable", fault.to_string())
        })?;
        Ok((one.conflict.clone(), choice))
    };
    decisions.iter().enumerate().map(read).collect()
}

/// Compares what a person saw with what there is.
fn check_seen(decision: &ResolveOne, now: &[conflict::Conflict]) -> Result<(), Refusal> {
    let found = now.iter().find(|it| it.id == decision.conflict);
    let found = found.ok_or_else(|| missing("conflict", &decision.conflict))?;
    if Sides::of(&found.sides, Facts::from) == decision.seen {
        return Ok(());
    }
    let path = syncmgr_model::escape::escape(&found.path);
    let refusal = refused(&Trouble::new(Code::StateChanged).with("path", path));
    debug_assert_eq!(refusal.0.status, StatusCode::CONFLICT.as_u16());
    Err(refusal)
}
