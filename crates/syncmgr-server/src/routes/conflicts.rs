//! Conflicts of every handler: listed, compared.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use syncmgr_api::page::Page;
use syncmgr_api::wire::desk::Silent;
use syncmgr_api::wire::{Conflicts, Contents, ListedConflict};
use syncmgr_center::desk::{About, Filter};
use syncmgr_model::conflict::Address;
use syncmgr_model::id::{HandlerId, ItemId, ItemKey};
use syncmgr_model::time::Timestamp;
use utoipa::IntoParams;

use super::paging::{after, limit};
use crate::answer::Refusal;
use crate::center::{Api, aside, find, handler_id, missing, places, refused};
use crate::desk::{Found, Places};
use crate::extract::{Query, json};

/// Most bytes of one content that are shown; larger files are compared elsewhere.
pub(super) const CONTENT_LEN_MAX: usize = 1024 * 1024;
/// Bytes of a text that order a list; a hash of the whole follows them in a cursor.
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
    /// Only what fits these conditions: `path~PATTERN`, `text~WORDS` (in the path or the name of
    /// the sync), `kind=WORD`, `item=ID`, `handler=ID`, `since=TIME`, `until=TIME` (when it was
    /// found), joined by `and`.
    #[serde(rename = "where")]
    #[param(max_length = 512)]
    filter: Option<String>,
    /// In which order: `address`, `path`, `sync`, `kind` or `found`; with `-` before it the other
    /// way round.
    #[param(max_length = 16, pattern = "^-?(address|path|sync|kind|found)$")]
    order: Option<String>,
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
}

/// Names a state by its bytes.
pub(super) fn name_of(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..32].to_owned()
}

/// Reads conditions.
pub(super) fn read_filter(field: &str, text: &str) -> Result<Filter, Refusal> {
    Filter::parse(text).map_err(|unfit| Refusal::field(field, "unusable", unfit.to_string()))
}

/// By what a list is ordered. Its name is that in cursors, so that none leads into another list.
struct Order {
    name: String,
    is_reverse: bool,
    word: &'static str,
}

impl Order {
    fn parse(text: Option<&str>) -> Result<Self, Refusal> {
        let text = text.unwrap_or("address");
        let (is_reverse, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let words = ["address", "path", "sync", "kind", "found"];
        let word = words.into_iter().find(|word| *word == rest);
        let word = word.ok_or_else(|| {
            let detail = "one of address, path, sync, kind and found, with or without a -";
            Refusal::field("order", "unusable", detail)
        })?;
        Ok(Self {
            name: format!("conflicts {text}"),
            is_reverse,
            word,
        })
    }

    /// Returns what a conflict is ordered by: the beginning of a text, and what makes it unique.
    fn key(&self, found: &Found, names: &Names) -> String {
        let address = found.card.address.to_string();
        let text = match self.word {
            "path" => found.card.name.clone(),
            "sync" => format!("{} {}", name(names, &found.card.address), found.card.name),
            "kind" => format!("{} {}", found.card.kind, found.card.name),
            "found" => found
                .card
                .found_at
                .map_or_else(String::new, Timestamp::rfc3339),
            _ => address.clone(),
        };
        let mut end = text.len().min(KEY_LEN);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        format!(
            "{} {}",
            &text[..end],
            name_of(format!("{text} {address}").as_bytes())
        )
    }
}

/// What people call the syncs.
type Names = BTreeMap<Address, String>;

/// The sync of a conflict, as a key: its address without the conflict.
fn sync_of(address: &Address) -> Address {
    Address {
        id: Vec::new(),
        ..address.clone()
    }
}

fn names_of(places: &Places) -> Names {
    let all = places.iter().flat_map(|(handler, items)| {
        items.iter().map(move |item| {
            let address = Address {
                handler: handler.clone(),
                item: Some(item.id.clone()),
                id: Vec::new(),
            };
            (address, item.name.clone().unwrap_or_default())
        })
    });
    all.collect()
}

fn name<'a>(names: &'a Names, address: &Address) -> &'a str {
    names.get(&sync_of(address)).map_or("", String::as_str)
}

/// Keeps those for which conditions hold.
pub(super) fn keep_fitting(found: &mut Vec<Found>, filter: &Filter, places: &Places) {
    let names = names_of(places);
    found.retain(|one| {
        filter.fits(&About {
            address: &one.card.address,
            kind: &one.card.kind,
            path: match &one.file {
                Some(file) => &file.path,
                None => one.card.name.as_bytes(),
            },
            sync: name(&names, &one.card.address),
            found: one.card.found_at,
        })
    });
}

/// Lists the conflicts of every handler. A sync whose conflicts cannot be listed is an error when it
/// was asked for, and is named as silent otherwise.
#[utoipa::path(get, path = "/api/v1/conflicts", tag = "conflicts", params(ConflictsQuery),
    responses((status = 200, body = Conflicts), Refusal))]
pub(super) async fn list(
    State(api): State<Api>,
    Query(query): Query<ConflictsQuery>,
) -> Result<Response, Refusal> {
    let n = limit(query.limit)?;
    let order = Order::parse(query.order.as_deref())?;
    let after = after(&order.name, query.cursor.as_deref())?;
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
    let (mut found, silent) = look(&api, places.clone()).await?;
    let is_its = |of: Option<&ItemId>| item.is_none() || of == item.as_ref();
    let failed = silent
        .iter()
        .find(|(_, of, _)| is_one && is_its(of.as_ref()));
    if let Some((.., trouble)) = failed {
        return Err(refused(trouble));
    }
    found.retain(|one| is_its(one.card.address.item.as_ref()));
    keep_fitting(&mut found, &filter, &places);
    let total = found.len() as u64;
    let names = names_of(&places);
    let mut keyed: Vec<_> = found
        .into_iter()
        .map(|one| (order.key(&one, &names), one))
        .filter(|(key, _)| {
            let is_after = |after: &String| (key > after) != order.is_reverse && key != after;
            after.as_ref().is_none_or(is_after)
        })
        .collect();
    keyed.sort_by(|(a, _), (b, _)| if order.is_reverse { b.cmp(a) } else { a.cmp(b) });
    let cut = Page::cut(keyed, n, &order.name, |(key, _)| key.clone());
    let shown = cut.items.into_iter().map(|(_, one)| one).collect();
    let rows = complete(&api, places, shown).await?;
    Ok(json(&Conflicts {
        items: rows.into_iter().map(|row| row.listed).collect(),
        next_cursor: cut.next_cursor,
        total,
        silent: silent
            .iter()
            // Its handler is asked as a whole; what others of it say was not asked for.
            .filter(|(_, of, _)| of.is_none() || is_its(of.as_ref()))
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

/// Asks handlers for all their conflicts, without a look at contents.
pub(super) async fn look(
    api: &Api,
    places: Places,
) -> Result<(Vec<Found>, Vec<crate::desk::Silent>), Refusal> {
    let desk = std::sync::Arc::clone(&api.desk);
    aside(move || Ok(desk.find_conflicts(&places))).await
}

/// Looks at the contents of conflicts, which costs time for each.
pub(super) async fn complete(
    api: &Api,
    places: Places,
    mut found: Vec<Found>,
) -> Result<Vec<Row>, Refusal> {
    let desk = std::sync::Arc::clone(&api.desk);
    aside(move || {
        desk.complete(&places, &mut found);
        Ok(found.into_iter().map(Row::of).collect())
    })
    .await
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
