//! Schedules.

use axum::extract::{Path, State};
use axum::response::Response;
use hyper::StatusCode;
use hyper::header::HeaderMap;
use serde::Deserialize;
use syncmgr_api::page::Page;
use syncmgr_api::wire::{NextRuns, Schedule, ScheduleChecked, ScheduleRules};
use syncmgr_model::item::bad_name;
use syncmgr_model::schedule::sentence::sentence;
use syncmgr_model::time::Timestamp;
use utoipa::IntoParams;

use crate::answer::Refusal;
use crate::center::{Api, missing};
use crate::extract::{Json, Query, check_match, json, versioned};

/// Coming runs told when no number is asked for.
const NEXT_DEFAULT: u32 = 5;
/// Coming runs told of rules that are checked.
const CHECKED_NEXT: usize = 5;
/// Most coming runs told: a page shows a month.
const NEXT_MAX: u32 = 100;

/// Lists the schedules.
#[utoipa::path(get, path = "/api/v1/schedules", tag = "schedules",
    responses((status = 200, body = Page<Schedule>), Refusal))]
pub(super) async fn list(State(api): State<Api>) -> Result<Response, Refusal> {
    let schedules = api.ask(|desk| desk.schedules()).await?;
    Ok(json(&Page {
        items: schedules.iter().map(Schedule::from).collect(),
        next_cursor: None,
    }))
}

async fn find(api: &Api, name: &str) -> Result<Option<Schedule>, Refusal> {
    let schedules = api.ask(|desk| desk.schedules()).await?;
    let found = schedules.iter().find(|schedule| schedule.name == name);
    Ok(found.map(Schedule::from))
}

/// Gives one schedule.
#[utoipa::path(get, path = "/api/v1/schedules/{name}", tag = "schedules",
    params(("name" = String, Path, min_length = 1)),
    responses((status = 200, body = Schedule), Refusal))]
pub(super) async fn get(
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<Response, Refusal> {
    let found = find(&api, &name).await?;
    let found = found.ok_or_else(|| missing("schedule", &name))?;
    Ok(versioned(&found))
}

/// Makes or replaces a schedule, if it still is the one that was read (`If-Match`).
#[utoipa::path(put, path = "/api/v1/schedules/{name}", tag = "schedules",
    request_body = ScheduleRules,
    params(("name" = String, Path, min_length = 1, max_length = 127),
        ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = Schedule), Refusal))]
pub(super) async fn put(
    State(api): State<Api>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Json(rules): Json<ScheduleRules>,
) -> Result<Response, Refusal> {
    if let Some(fault) = bad_name(&name) {
        return Err(Refusal::field("name", "unusable", fault));
    }
    let schedule = read(&rules, &name)?;
    check_match(&headers, &find(&api, &name).await?)?;
    let put = api.ask(move |desk| desk.put_schedule(schedule)).await;
    put.map_err(of_rules)?;
    get(State(api), Path(name)).await
}

fn read(rules: &ScheduleRules, name: &str) -> Result<syncmgr_model::schedule::Schedule, Refusal> {
    rules.read(name).map_err(|faults| {
        let mut faults = faults.into_iter();
        let (field, words) = faults.next().unwrap_or_default();
        let first = Refusal::field(&field, "unusable", words);
        faults.fold(first, |refusal, (field, words)| {
            refusal.with_error(&field, "unusable", &words)
        })
    })
}

/// Names the rule that is meant as the request does.
fn of_rules(mut refusal: Refusal) -> Refusal {
    for error in &mut refusal.0.errors {
        if let Some(field) = error.field.strip_prefix("settings.") {
            error.field = field.to_owned();
        }
    }
    refusal
}

/// Whose rules are checked.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CheckQuery {
    /// The schedule that would get them; left out for a new one.
    #[param(min_length = 1, max_length = 127)]
    name: Option<String>,
}

/// Says what a schedule with these rules would be: in a sentence, and when it would start runs. What
/// is wrong with them is said as if they were saved, field by field. Nothing is saved.
#[utoipa::path(post, path = "/api/v1/schedules/check", tag = "schedules",
    request_body = ScheduleRules, params(CheckQuery),
    responses((status = 200, body = ScheduleChecked), Refusal))]
pub(super) async fn check(
    State(api): State<Api>,
    Query(query): Query<CheckQuery>,
    Json(rules): Json<ScheduleRules>,
) -> Result<Response, Refusal> {
    if let Some(fault) = query.name.as_deref().and_then(bad_name) {
        return Err(Refusal::field("name", "unusable", fault));
    }
    let name = match query.name {
        Some(name) => name,
        None => free_name(&api).await?,
    };
    let schedule = read(&rules, &name)?;
    let sentence = sentence(&schedule);
    let now = api.read(|_, _, now| Ok(now)).await?;
    let next = api
        .ask(move |desk| desk.check_schedule(&schedule, now, CHECKED_NEXT))
        .await
        .map_err(of_rules)?;
    Ok(json(&ScheduleChecked {
        sentence,
        next: next.into_iter().map(Timestamp::rfc3339).collect(),
    }))
}

/// Returns a name that no schedule has, because one that has it would be replaced.
async fn free_name(api: &Api) -> Result<String, Refusal> {
    let schedules = api.ask(|desk| desk.schedules()).await?;
    let mut name = "new".to_owned();
    while schedules.iter().any(|schedule| schedule.name == name) {
        name.push('-');
    }
    Ok(name)
}

/// Removes a schedule.
#[utoipa::path(delete, path = "/api/v1/schedules/{name}", tag = "schedules",
    params(("name" = String, Path, min_length = 1), ("If-Match" = Option<String>, Header)),
    responses((status = 204), Refusal))]
pub(super) async fn remove(
    State(api): State<Api>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    let found = find(&api, &name).await?;
    if found.is_none() {
        return Err(missing("schedule", &name));
    }
    check_match(&headers, &found)?;
    let asked = name.clone();
    match api.ask(move |desk| desk.remove_schedule(&asked)).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(missing("schedule", &name)),
    }
}

/// How many coming runs are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct NextQuery {
    /// Most times.
    #[param(minimum = 1, maximum = 100, default = 5)]
    limit: Option<u32>,
}

/// Gives the coming runs of a schedule.
#[utoipa::path(get, path = "/api/v1/schedules/{name}/next", tag = "schedules",
    params(("name" = String, Path, min_length = 1), NextQuery),
    responses((status = 200, body = NextRuns), Refusal))]
pub(super) async fn next(
    State(api): State<Api>,
    Path(name): Path<String>,
    Query(query): Query<NextQuery>,
) -> Result<Response, Refusal> {
    let limit = query.limit.unwrap_or(NEXT_DEFAULT);
    if limit == 0 || limit > NEXT_MAX {
        return Err(Refusal::field("limit", "unusable", "from 1 to 100"));
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let now = api.read(|_, _, now| Ok(now)).await?;
    let asked = name.clone();
    let at = api
        .ask(move |desk| desk.next_runs(&asked, now, limit))
        .await?;
    Ok(json(&NextRuns {
        name,
        at: at.into_iter().map(Timestamp::rfc3339).collect(),
    }))
}
