//! The list of syncs: filtered, ordered, in parts.
//!
//! All syncs are looked at, by what costs little; only those of the part are read in full.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use syncmgr_api::page::Page;
use syncmgr_api::wire::{Items, PastRun};
use syncmgr_center::state::Glance;
use syncmgr_model::id::ItemKey;
use syncmgr_model::status::Status;
use utoipa::IntoParams;

use super::paging::{after_parsed, limit, search, words};
use crate::answer::Refusal;
use crate::center::{Api, Shown, aside, view};
use crate::desk::Desk;
use crate::extract::{Query, json};
use crate::words::item_view;

/// Most of the last runs told of each sync: a strip of two months of days.
const RECENT_MAX: u32 = 60;
/// Bytes of a title that order a list; the key decides between those that are equal so far. A
/// cursor has a place for as much.
const TITLE_LEN: usize = 64;

/// Which syncs are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ItemsQuery {
    /// Only of this handler.
    #[param(min_length = 1, max_length = 63)]
    handler: Option<String>,
    /// Only with one of these statuses, stable words joined by commas.
    #[param(max_length = 200)]
    status: Option<String>,
    /// Only those whose title, name or folders contain this text, in any case.
    #[param(max_length = 200)]
    text: Option<String>,
    /// `person`: only those for which a person has to do something.
    #[param(pattern = "^person$")]
    needs: Option<String>,
    /// Only those that are hidden, or only those that are not; all of them otherwise.
    hidden: Option<bool>,
    /// By `name`, `severity` (the most severe first), `last` (the last run first) or `next` (the
    /// next run first).
    #[param(pattern = "^(name|severity|last|next)$", default = "name")]
    order: Option<String>,
    /// Each sync comes with so many of its last runs.
    #[param(minimum = 0, maximum = 60)]
    recent: Option<u32>,
    /// Most rows.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// Continues a list.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// What a list is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Name,
    Severity,
    Last,
    Next,
}

impl Order {
    fn read(word: Option<&str>) -> Result<Self, Refusal> {
        Ok(match word {
            None | Some("name") => Self::Name,
            Some("severity") => Self::Severity,
            Some("last") => Self::Last,
            Some("next") => Self::Next,
            Some(_) => {
                let words = "`name`, `severity`, `last` or `next`";
                return Err(Refusal::field("order", "unusable", words));
            }
        })
    }

    /// Names it in cursors.
    fn name(self) -> &'static str {
        match self {
            Self::Name => "items",
            Self::Severity => "items-severity",
            Self::Last => "items-last",
            Self::Next => "items-next",
        }
    }

    /// Returns where a sync stands: texts whose order is that of the list.
    fn rank(self, sync: &Glance<'_>) -> Rank {
        let title = || {
            let mut title = sync.title.to_lowercase();
            title.truncate(title.floor_char_boundary(TITLE_LEN));
            title
        };
        let value = match self {
            Self::Name => title(),
            // What does not count comes last.
            Self::Severity => {
                let rank = sync.status.severity().unwrap_or(u8::MAX);
                format!("{rank:03}{}", title())
            }
            // The latest first: every digit by what is missing to nine. None at all comes last.
            Self::Last => sync.last.map_or_else(
                || "~".to_owned(),
                |last| last.as_str().chars().map(mirrored).collect(),
            ),
            Self::Next => sync.next.map_or_else(
                || "~".to_owned(),
                // Times before 1970 are none that anything runs at.
                |next| format!("{:020}", next.0.max(0)),
            ),
        };
        Rank {
            value,
            key: sync.key.clone(),
        }
    }
}

/// Turns the order of a digit, decimal or hexadecimal, around.
fn mirrored(c: char) -> char {
    c.to_digit(16)
        .and_then(|digit| char::from_digit(15 - digit, 16))
        .unwrap_or(c)
}

/// Where a sync stands in a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    value: String,
    key: ItemKey,
}

impl Rank {
    fn write(&self) -> String {
        format!("{}\n{}", self.value, self.key)
    }

    fn read(text: &str) -> Option<Self> {
        let (value, key) = text.rsplit_once('\n')?;
        Some(Self {
            value: value.to_owned(),
            key: ItemKey::parse(key)?,
        })
    }
}

/// What a sync has to fulfil.
#[derive(Debug)]
struct Wanted {
    handler: Option<String>,
    statuses: Vec<Status>,
    /// In small letters.
    text: Option<String>,
    needs_person: bool,
    hidden: Option<bool>,
}

impl Wanted {
    fn read(query: &mut ItemsQuery) -> Result<Self, Refusal> {
        let needs_person = match query.needs.as_deref() {
            None => false,
            Some("person") => true,
            Some(_) => return Err(Refusal::field("needs", "unusable", "`person`")),
        };
        let statuses = query.status.as_deref();
        Ok(Self {
            handler: query.handler.take(),
            statuses: words("status", statuses, "status words", Status::parse)?,
            text: search(query.text.take())?.map(|text| text.to_lowercase()),
            needs_person,
            hidden: query.hidden,
        })
    }

    fn fits(&self, sync: &Glance<'_>, desk: &dyn Desk) -> bool {
        let handler = self.handler.as_ref();
        handler.is_none_or(|id| sync.key.handler.as_str() == id)
            && (self.statuses.is_empty() || self.statuses.contains(&sync.status))
            && self.hidden.is_none_or(|hidden| sync.is_hidden == hidden)
            && (!self.needs_person || sync.status.needs_person())
            && self.text.as_ref().is_none_or(|text| says(sync, text, desk))
    }
}

/// Says whether what is shown of a sync contains a text in small letters.
fn says(sync: &Glance<'_>, text: &str, desk: &dyn Desk) -> bool {
    let has = |words: &str| words.to_lowercase().contains(text);
    // What its handler says, where that is known: it need not be worked out again for each.
    let is_in_folders = || match sync.paths {
        [] => {
            let folders = desk.folders(sync.item);
            has(&folders.left) || has(&folders.right)
        }
        paths => paths.iter().any(|path| has(&desk.place(path))),
    };
    has(sync.title) || sync.item.name.as_deref().is_some_and(has) || is_in_folders()
}

/// Lists the syncs with their states.
#[utoipa::path(get, path = "/api/v1/items", tag = "items", params(ItemsQuery),
    responses((status = 200, body = Items), Refusal))]
pub(super) async fn list(
    State(api): State<Api>,
    Query(mut query): Query<ItemsQuery>,
) -> Result<Response, Refusal> {
    let n = limit(query.limit)?;
    let order = Order::read(query.order.as_deref())?;
    let after = after_parsed(order.name(), query.cursor.as_deref(), Rank::read)?;
    let wanted = Wanted::read(&mut query)?;
    let n_recent = query.recent.unwrap_or(0);
    if n_recent > RECENT_MAX {
        return Err(Refusal::field("recent", "unusable", "from 0 to 60"));
    }
    let desk = Arc::clone(&api.desk);
    let (total, rows) = api
        .read(move |state, store, now| {
            let all = state.item_keys().filter_map(|key| state.glance(key, now));
            let fit = all.filter(|sync| wanted.fits(sync, &*desk));
            let mut ranks: Vec<_> = fit.map(|sync| order.rank(&sync)).collect();
            let total = ranks.len() as u64;
            ranks.retain(|rank| after.as_ref().is_none_or(|after| rank > after));
            ranks.sort_unstable();
            ranks.truncate(n + 1);
            let read = |rank: Rank| Ok((view(state, store, &rank.key, now)?, rank));
            let rows = ranks.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
            Ok((total, rows))
        })
        .await?;
    let cut = Page::cut(rows, n, order.name(), |(_, rank)| rank.write());
    let recent = recent(&api, &cut.items, n_recent).await?;
    aside(move || {
        let mut items: Vec<_> = cut
            .items
            .iter()
            .map(|(shown, _)| item_view(shown, &*api.desk))
            .collect();
        for (item, recent) in items.iter_mut().zip(recent) {
            item.recent = Some(recent);
        }
        Ok(json(&Items {
            items,
            next_cursor: cut.next_cursor,
            total,
        }))
    })
    .await
}

/// Reads the last runs of syncs; nothing when none are wanted.
async fn recent(api: &Api, rows: &[(Shown, Rank)], n: u32) -> Result<Vec<Vec<PastRun>>, Refusal> {
    if n == 0 || rows.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<_> = rows.iter().map(|(_, rank)| rank.key.clone()).collect();
    let past = api.look_back(move |store| store.past(&keys, n)).await?;
    let write = |past: Vec<_>| past.iter().map(PastRun::from).collect();
    Ok(past.into_iter().map(write).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_is_read_back_and_the_latest_run_comes_first() {
        let rank = Rank {
            value: "a\nb".to_owned(),
            key: ItemKey::parse("files/i").unwrap(),
        };
        assert_eq!(Rank::read(&rank.write()), Some(rank));
        assert_eq!(Rank::read("files/i"), None);
        let turned = |id: &str| id.chars().map(mirrored).collect::<String>();
        let (early, late) = ("20261120-154501123-0a0f", "20261120-154501123-0a1f");
        assert!(turned(late) < turned(early) && *turned(early) < *"~");
    }
}
