//! What happened lately, and what is planned.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use syncmgr_api::wire::{Activity, Agenda, PlannedItem, PlannedRun};
use syncmgr_model::escape::escape;
use syncmgr_model::schedule::Schedule;
use syncmgr_model::time::Timestamp;
use utoipa::IntoParams;

use super::paging::time;
use crate::answer::Refusal;
use crate::center::Api;
use crate::extract::{Query, json};

/// How far back is looked when no time is named: a day, in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How far ahead is looked when no time is named: a week, in milliseconds.
const WEEK_MS: i64 = 7 * DAY_MS;
/// Planned runs told when no number is asked for, and the most: a month of hours nearly.
const PLANNED_MAX: u32 = 500;
/// Most syncs named of a planned run; one that runs all may have very many.
const NAMED_MAX: usize = 20;

/// Since when.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ActivityQuery {
    /// Since this time, RFC 3339 in UTC; otherwise the last 24 hours.
    since: Option<String>,
}

/// Counts what happened since a time.
#[utoipa::path(get, path = "/api/v1/activity", tag = "status", params(ActivityQuery),
    responses((status = 200, body = Activity), Refusal))]
pub(super) async fn activity(
    State(api): State<Api>,
    Query(query): Query<ActivityQuery>,
) -> Result<Response, Refusal> {
    let since = match time("since", query.since.as_deref())? {
        Some(since) => since,
        None => {
            let now = api.read(|_, _, now| Ok(now)).await?;
            Timestamp(now.0.saturating_sub(DAY_MS))
        }
    };
    let activity = api.look_back(move |store| store.activity(since)).await?;
    Ok(json(&Activity::of(since, &activity)))
}

/// Which planned runs are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AgendaQuery {
    /// Only later than this time, RFC 3339 in UTC; what lies in the past is never planned.
    from: Option<String>,
    /// Only until this time; otherwise a week from the begin on.
    until: Option<String>,
    /// Most runs.
    #[param(minimum = 1, maximum = 500, default = 500)]
    limit: Option<u32>,
}

/// Tells the planned runs of all schedules that are a time, the earliest first. A schedule that
/// waits for a change or an event has none.
#[utoipa::path(get, path = "/api/v1/agenda", tag = "schedules", params(AgendaQuery),
    responses((status = 200, body = Agenda), Refusal))]
pub(super) async fn agenda(
    State(api): State<Api>,
    Query(query): Query<AgendaQuery>,
) -> Result<Response, Refusal> {
    let limit = query.limit.unwrap_or(PLANNED_MAX);
    if limit == 0 || limit > PLANNED_MAX {
        return Err(Refusal::field("limit", "unusable", "from 1 to 500"));
    }
    let n_most = usize::try_from(limit).unwrap_or(usize::MAX);
    let now = api.read(|_, _, now| Ok(now)).await?;
    let from = time("from", query.from.as_deref())?;
    let from = from.map_or(now, |from| from.max(now));
    let until = time("until", query.until.as_deref())?;
    let until = until.unwrap_or(Timestamp(from.0.saturating_add(WEEK_MS)));
    let planned = api
        .ask(move |desk| desk.planned(from, until, n_most))
        .await?;
    let items = api
        .read(move |state, _, _| Ok(runs(state, planned)))
        .await?;
    Ok(json(&Agenda { items }))
}

/// Names the syncs of planned runs.
fn runs(
    state: &syncmgr_center::state::State,
    planned: Vec<(Timestamp, Arc<Schedule>)>,
) -> Vec<PlannedRun> {
    let mut known: BTreeMap<String, (Vec<PlannedItem>, u64)> = BTreeMap::new();
    let mut run = |(at, schedule): (Timestamp, Arc<Schedule>)| {
        let (items, total) = known
            .entry(schedule.name.clone())
            .or_insert_with(|| covered(state, &schedule));
        PlannedRun {
            at: at.rfc3339(),
            schedule: schedule.name.clone(),
            items: items.clone(),
            total: *total,
        }
    };
    planned.into_iter().map(&mut run).collect()
}

fn covered(state: &syncmgr_center::state::State, schedule: &Schedule) -> (Vec<PlannedItem>, u64) {
    let mut total = 0;
    let mut items = Vec::new();
    for key in state.covered(schedule) {
        total += 1;
        if items.len() < NAMED_MAX {
            let title = state.title(key).unwrap_or_default();
            items.push(PlannedItem {
                id: key.item.to_string(),
                title: escape(title.as_bytes()),
            });
        }
    }
    (items, total)
}
