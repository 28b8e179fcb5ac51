//! Results: what runs, and handlers outside of them, had to say.

use axum::extract::{Path, State};
use axum::response::Response;
use hyper::StatusCode;
use serde::Deserialize;
use syncmgr_api::page::Page;
use syncmgr_api::wire::{Event, EventView, Followed, Nothing, Seen};
use syncmgr_center::command::{Answer, Control, Scope, Shown};
use syncmgr_center::port::{EventQuery, Saying, Store};
use syncmgr_center::state::{ResultView, State as CenterState};
use syncmgr_model::catalogue::codes_saying;
use syncmgr_model::escape::escape;
use syncmgr_model::event::{Event as StoredEvent, EventLevel};
use syncmgr_model::id::{EventId, HandlerId, ItemKey};
use syncmgr_model::trouble::Code;
use utoipa::IntoParams;

use super::items::{done, only};
use super::paging::{after_parsed, limit, search, time};
use crate::answer::Refusal;
use crate::center::{Api, broken, find, handler_id, item_id, missing, session_id};
use crate::extract::{Json, Query, json};

/// The order of the list.
const ORDER: &str = "events";

/// Which results are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// Only of this handler.
    #[param(min_length = 1, max_length = 63)]
    handler: Option<String>,
    /// Only about this sync.
    #[param(min_length = 1, max_length = 63)]
    item: Option<String>,
    /// Only of this run.
    #[param(min_length = 1, max_length = 63)]
    run: Option<String>,
    /// Only at least so loud: `information`, `warning` or `error`.
    #[param(pattern = "^(information|warning|error)$")]
    level: Option<String>,
    /// Only at or after this time, RFC 3339 in UTC.
    since: Option<String>,
    /// Only at or before this time.
    until: Option<String>,
    /// Only those whose words, facts or paths, or the title of whose sync, contain this text, in
    /// any case.
    #[param(max_length = 200)]
    text: Option<String>,
    /// Most rows.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// Continues a list.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// Lists results, newest first. Those that handlers keep themselves come with the first part, beside
/// its rows.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", params(EventsQuery),
    responses((status = 200, body = Page<EventView>), Refusal))]
pub(super) async fn list(
    State(api): State<Api>,
    Query(query): Query<EventsQuery>,
) -> Result<Response, Refusal> {
    let n = limit(query.limit)?;
    let parse = |key: &str| key.parse().ok().map(EventId);
    let text = search(query.text)?;
    let mut wanted = EventQuery {
        handler: query.handler.as_deref().map(handler_id).transpose()?,
        item: query.item.as_deref().map(item_id).transpose()?,
        session: query.run.as_deref().map(session_id).transpose()?,
        level: level(query.level.as_deref())?,
        since: time("since", query.since.as_deref())?,
        before: after_parsed(ORDER, query.cursor.as_deref(), parse)?,
        until: time("until", query.until.as_deref())?,
        saying: None,
        limit: u32::try_from(n + 1).unwrap_or(u32::MAX),
    };
    if let Some(text) = text {
        // In the language of who asks, which the thread of the center need not speak.
        let codes = codes_saying(&text);
        let look = move |state: &CenterState, _: &mut dyn Store, _| Ok(saying(state, text, codes));
        wanted.saying = Some(api.read(look).await?);
    }
    // A text may be looked for in very many rows: the center goes on meanwhile.
    let asked = wanted.clone();
    let rows = match wanted.saying {
        Some(_) => api.look_back(move |store| store.events(&asked)).await?,
        None => {
            let look = move |_: &CenterState, store: &mut dyn Store, _| {
                store.events(&asked).map_err(|error| broken(&error))
            };
            api.read(look).await?
        }
    };
    let cut = Page::cut(rows, n, ORDER, |event| event.id.0.to_string());
    let page = api
        .read(move |state, _, _| {
            let views = state.results(&wanted, cut.items);
            Ok(Page {
                items: views.iter().map(|result| view(state, result)).collect(),
                next_cursor: cut.next_cursor,
            })
        })
        .await?;
    Ok(json(&page))
}

/// Says what a result that contains a text has.
fn saying(state: &CenterState, text: String, codes: Vec<Code>) -> Saying {
    let wanted = text.to_lowercase();
    let is_called = |key: &&ItemKey| {
        let title = state.title(key);
        title.is_some_and(|title| title.to_lowercase().contains(&wanted))
    };
    Saying {
        codes,
        items: state.item_keys().filter(is_called).cloned().collect(),
        text,
    }
}

fn view(state: &CenterState, result: &ResultView) -> EventView {
    let key = result.event.item.as_ref().map(|item| ItemKey {
        handler: result.event.handler.clone(),
        item: item.clone(),
    });
    EventView {
        event: Event::from(&result.event),
        current: result.is_current,
        own: result.is_own,
        title: key
            .and_then(|key| state.title(&key))
            .map(|title| escape(title.as_bytes())),
    }
}

fn level(word: Option<&str>) -> Result<u32, Refusal> {
    let Some(word) = word else { return Ok(0) };
    let level = EventLevel::parse(word).map(EventLevel::number);
    level.ok_or_else(|| Refusal::field("level", "unusable", "`information`, `warning` or `error`"))
}

/// Marks the results of syncs as seen: their counters go to zero, no record goes away.
#[utoipa::path(post, path = "/api/v1/events/seen", tag = "events", request_body = Seen,
    responses((status = 204), Refusal))]
pub(super) async fn seen(
    State(api): State<Api>,
    Json(seen): Json<Seen>,
) -> Result<StatusCode, Refusal> {
    if seen.items.is_empty() {
        drop(done(&api, Control::Seen(Scope::All)).await?);
        return Ok(StatusCode::NO_CONTENT);
    }
    let ids = seen.items;
    let keys: Vec<_> = api
        .read(move |state, _, _| {
            ids.iter()
                .map(|id| find(state, id))
                .collect::<Result<_, _>>()
        })
        .await?;
    for key in &keys {
        drop(done(&api, Control::Seen(only(key))).await?);
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Whose result is meant.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WhoseQuery {
    /// The handler; needed only where several keep a result under the same id.
    #[param(min_length = 1, max_length = 63)]
    handler: Option<String>,
}

/// Finds a result, in the memory or in the store of a handler.
async fn find_event(api: &Api, id: u64, whose: WhoseQuery) -> Result<StoredEvent, Refusal> {
    let handler = whose.handler.as_deref().map(handler_id).transpose()?;
    let wanted = EventId(id);
    let look = move |state: &CenterState, store: &mut dyn Store, _| {
        if wanted.in_store().is_some() {
            return listed(state, handler.as_ref(), wanted);
        }
        let query = EventQuery {
            handler,
            before: id.checked_add(1).map(EventId),
            limit: 1,
            ..EventQuery::default()
        };
        let found = store.events(&query).map_err(|error| broken(&error))?;
        Ok(found.into_iter().find(|event| event.id == wanted))
    };
    let event = api.read(look).await?;
    event.ok_or_else(|| missing("result", &id.to_string()))
}

fn listed(
    state: &CenterState,
    handler: Option<&HandlerId>,
    id: EventId,
) -> Result<Option<StoredEvent>, Refusal> {
    let mut found = state
        .handler_ids()
        .filter(|known| handler.is_none_or(|wanted| wanted == *known))
        .filter_map(|known| state.listed_event(known, id));
    let first = found.next();
    if found.next().is_some() {
        let words = "several handlers keep a result under this id";
        return Err(Refusal::field("handler", "missing", words));
    }
    Ok(first.cloned())
}

/// Removes a result for good. One that a handler keeps is removed by it, if it can.
#[utoipa::path(delete, path = "/api/v1/events/{id}", tag = "events",
    params(("id" = u64, Path), WhoseQuery), responses((status = 204), Refusal))]
pub(super) async fn remove(
    State(api): State<Api>,
    Path(id): Path<u64>,
    Query(whose): Query<WhoseQuery>,
) -> Result<StatusCode, Refusal> {
    let event = find_event(&api, id, whose).await?;
    let control = Control::RemoveEvents(event.handler, vec![event.id]);
    drop(done(&api, control).await?);
    Ok(StatusCode::NO_CONTENT)
}

/// Follows the link of a result.
#[utoipa::path(post, path = "/api/v1/events/{id}/follow", tag = "events",
    request_body = Nothing, params(("id" = u64, Path), WhoseQuery),
    responses((status = 200, body = Followed), Refusal))]
pub(super) async fn follow(
    State(api): State<Api>,
    Path(id): Path<u64>,
    Query(whose): Query<WhoseQuery>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Response, Refusal> {
    let event = find_event(&api, id, whose).await?;
    let (handler, item) = (event.handler.clone(), event.item.clone());
    let shown = Shown::Link(Box::new(event));
    let answer = done(&api, Control::Show(handler, item, shown)).await?;
    Ok(json(&Followed {
        address: match answer {
            Answer::Follow(address) => Some(address),
            Answer::Accepted(_)
            | Answer::Outcome(_)
            | Answer::Done
            | Answer::Declined
            | Answer::Raised
            | Answer::Schedule(..)
            | Answer::Call(_)
            | Answer::Refused(_) => None,
        },
    }))
}
