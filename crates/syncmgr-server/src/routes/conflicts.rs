//! Conflicts of every handler: listed, compared.

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use syncmgr_api::page::Page;
use syncmgr_api::wire::desk::Silent;
use syncmgr_api::wire::{Conflicts, Contents, ListedConflict};
use syncmgr_center::desk::Filter;
use syncmgr_model::conflict::Address;
use syncmgr_model::id::{HandlerId, ItemId, ItemKey};
use utoipa::IntoParams;

use super::paging::{after, limit};
use crate::answer::Refusal;
use crate::center::{Api, aside, find, handler_id, missing, places, refused};
use crate::desk::{Found, Places};
use crate::extract::{Query, json};

/// The order of the list.
const ORDER: &str = "conflicts";
/// Most bytes of one content that are shown; larger files are compared elsewhere.
pub(super) const CONTENT_LEN_MAX: usize = 1024 * 1024;
/// Characters of an address that order a list; a hash of the whole follows them in a cursor.
const KEY_LEN: usize = 150;

/// Which conflicts are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ConflictsQuery {
    /// Only of this sync.
    #[param(min_length = 1)]
    item: Option<String>,
    /// Only of this handler.
    #[param(min_length = 1, max_length = 63)]
    handler: Option<String>,
    /// Only what fits these conditions: `path~PATTERN`, `kind=WORD`, `item=ID`, `handler=ID`,
    /// joined by `and`.
    #[serde(rename = "where")]
    #[param(max_length = 512)]
    filter: Option<String>,
    /// Most rows.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// Continues a list.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// A conflict and how it is listed.
#[derive(Debug)]
pub(super) struct Row {
    /// The conflict.
    pub(super) found: Found,
    /// How it is listed, with the name of its state.
    pub(super) listed: ListedConflict,
}

impl Row {
    /// Names the state of a conflict by all that is shown of it.
    pub(super) fn of(found: Found) -> Self {
        let listed = found.listed();
        Self { found, listed }
    }

    /// Says whether conditions hold for it.
    pub(super) fn fits(&self, filter: &Filter) -> bool {
        let card = &self.found.card;
        let path = match &self.found.file {
            Some(file) => &*file.path,
            None => card.name.as_bytes(),
        };
        filter.fits(&card.address, &card.kind, path)
    }
}

/// Names a state by its bytes.
pub(super) fn name_of(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..32].to_owned()
}

/// Reads conditions.
pub(super) fn read_filter(field: &str, text: &str) -> Result<Filter, Refusal> {
    Filter::parse(text).map_err(|unfit| Refusal::field(field, "unusable", unfit.to_string()))
}

/// Lists the conflicts of every handler, by address. A sync whose conflicts cannot be listed is an
/// error when it was asked for, and is named as silent otherwise.
#[utoipa::path(get, path = "/api/v1/conflicts", tag = "conflicts", params(ConflictsQuery),
    responses((status = 200, body = Conflicts), Refusal))]
pub(super) async fn list(
    State(api): State<Api>,
    Query(query): Query<ConflictsQuery>,
) -> Result<Response, Refusal> {
    let n = limit(query.limit)?;
    let after = after(ORDER, query.cursor.as_deref())?;
    let filter = read_filter("where", query.filter.as_deref().unwrap_or_default())?;
    let handler = query.handler.as_deref().map(handler_id).transpose()?;
    let is_one = query.item.is_some();
    let (places, item) = api
        .read(move |state, store, _| {
            let item = query.item.map(|id| find(state, &id)).transpose()?;
            let mut places = places(state, store)?;
            places.retain(|id, _| is_meant(id, handler.as_ref(), item.as_ref()));
            Ok((places, item.map(|key| key.item)))
        })
        .await?;
    let (mut rows, silent) = look(&api, places).await?;
    let is_its = |of: Option<&ItemId>| item.is_none() || of == item.as_ref();
    let failed = silent
        .iter()
        .find(|(_, of, _)| is_one && is_its(of.as_ref()));
    if let Some((.., trouble)) = failed {
        return Err(refused(trouble));
    }
    rows.retain(|row| {
        is_its(row.found.card.address.item.as_ref())
            && row.fits(&filter)
            && after.as_ref().is_none_or(|after| key(row) > *after)
    });
    let cut = Page::cut(rows, n, ORDER, key);
    Ok(json(&Conflicts {
        items: cut.items.into_iter().map(|row| row.listed).collect(),
        next_cursor: cut.next_cursor,
        silent: silent
            .iter()
            .map(|(handler, item, trouble)| Silent {
                handler: handler.to_string(),
                item: item.as_ref().map(ToString::to_string),
                notice: trouble.into(),
            })
            .collect(),
    }))
}

fn is_meant(id: &HandlerId, handler: Option<&HandlerId>, item: Option<&ItemKey>) -> bool {
    handler.is_none_or(|wanted| wanted == id) && item.is_none_or(|key| key.handler == *id)
}

/// Asks handlers for all their conflicts; sorted.
pub(super) async fn look(
    api: &Api,
    places: Places,
) -> Result<(Vec<Row>, Vec<crate::desk::Silent>), Refusal> {
    let desk = std::sync::Arc::clone(&api.desk);
    aside(move || {
        let (found, silent) = desk.find_conflicts(&places);
        let mut rows: Vec<_> = found.into_iter().map(Row::of).collect();
        rows.sort_by_cached_key(key);
        Ok((rows, silent))
    })
    .await
}

fn key(row: &Row) -> String {
    let address = &row.listed.address;
    let begin = address.get(..KEY_LEN).unwrap_or(address);
    format!("{begin} {}", name_of(address.as_bytes()))
}

/// Names one conflict.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AddressQuery {
    /// Its address, as `conflict://files/ID-OF-SYNC/ID`.
    #[param(min_length = 1, max_length = 1024)]
    address: String,
}

/// Reads an address.
pub(super) fn address(text: &str) -> Result<Address, Refusal> {
    Address::parse(text).ok_or_else(|| missing("conflict", text))
}

/// Gives one conflict as it is now.
#[utoipa::path(get, path = "/api/v1/conflict", tag = "conflicts", params(AddressQuery),
    responses((status = 200, body = ListedConflict), Refusal))]
pub(super) async fn get(
    State(api): State<Api>,
    Query(query): Query<AddressQuery>,
) -> Result<Response, Refusal> {
    one(&api, address(&query.address)?).await
}

/// Gives the contents of a conflict, each up to a mebibyte, as far as they are in files of its sync.
#[utoipa::path(get, path = "/api/v1/conflict/contents", tag = "conflicts", params(AddressQuery),
    responses((status = 200, body = Contents), Refusal))]
pub(super) async fn contents(
    State(api): State<Api>,
    Query(query): Query<AddressQuery>,
) -> Result<Response, Refusal> {
    contents_at(&api, address(&query.address)?).await
}

/// Gives one conflict of a sync as it is now.
#[utoipa::path(get, path = "/api/v1/conflicts/{item}/{id}", tag = "conflicts",
    params(("item" = String, Path, min_length = 1), ("id" = String, Path, min_length = 1)),
    responses((status = 200, body = ListedConflict), Refusal))]
pub(super) async fn of_item(
    State(api): State<Api>,
    Path((item, id)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    one(&api, address_in(&api, item, id).await?).await
}

/// Gives the contents of a conflict of a sync, each up to a mebibyte.
#[utoipa::path(get, path = "/api/v1/conflicts/{item}/{id}/contents", tag = "conflicts",
    params(("item" = String, Path, min_length = 1), ("id" = String, Path, min_length = 1)),
    responses((status = 200, body = Contents), Refusal))]
pub(super) async fn contents_of_item(
    State(api): State<Api>,
    Path((item, id)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    contents_at(&api, address_in(&api, item, id).await?).await
}

async fn one(api: &Api, address: Address) -> Result<Response, Refusal> {
    let places = api.read(|state, store, _| places(state, store)).await?;
    let found = api
        .ask(move |desk| desk.find_conflict(&places, &address))
        .await?;
    Ok(json(&Row::of(found).listed))
}

async fn contents_at(api: &Api, address: Address) -> Result<Response, Refusal> {
    let places = api.read(|state, store, _| places(state, store)).await?;
    let compared = api
        .ask(move |desk| desk.compare(&places, &address, CONTENT_LEN_MAX))
        .await?;
    let contents = Contents::of(&compared.contents, &compared.by_index);
    Ok(json(&contents))
}

/// Makes the address of a conflict of a sync.
async fn address_in(api: &Api, item: String, id: String) -> Result<Address, Refusal> {
    let key = api.read(move |state, _, _| find(state, &item)).await?;
    Ok(Address {
        handler: key.handler,
        item: Some(key.item),
        id: id.into_bytes(),
    })
}
