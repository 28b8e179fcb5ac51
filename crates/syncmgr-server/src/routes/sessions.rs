//! Runs: asked for, watched, stopped, looked back at.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use hyper::StatusCode;
use hyper::header::{HeaderValue, LOCATION};
use serde::Deserialize;
use syncmgr_api::page::Page;
use syncmgr_api::wire::run::{
    CancelScope, ItemPreview, Mode, OpenRun, Report, ReportItem, RunState, RunWith, RunsAccepted,
};
use syncmgr_api::wire::{Cancel, Nothing, Notice, PastSession, Preview, Run, RunNew, Step};
use syncmgr_center::command::{Control, Scope, StartOptions};
use syncmgr_center::port::{EventQuery, SessionQuery};
use syncmgr_model::escape::escape;
use syncmgr_model::id::{HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::item::{Item, SettingKind, SettingSpec};
use syncmgr_model::outcome::Outcome;
use syncmgr_model::record::SessionRecord;
use syncmgr_model::request::{Intent, Work};
use syncmgr_model::trouble::{Code, Trouble};
use utoipa::IntoParams;

use super::items::done;
use super::paging::{after_parsed, limit, time, words};
use crate::answer::{NOTHING_CHANGED, Refusal};
use crate::center::{Api, aside, broken, find, gone, missing, not_started, refused, session_id};
use crate::extract::{Json, Query, json};
use crate::words::{accepted, open_run};

/// The order of history.
const ORDER: &str = "sessions";

/// Asks for runs over one or more syncs: one run for each handler. Where the same is queued
/// already, that one is joined.
#[utoipa::path(post, path = "/api/v1/sessions", tag = "sessions", request_body = RunNew,
    responses((status = 202, body = RunsAccepted), Refusal))]
pub(super) async fn create(
    State(api): State<Api>,
    Json(new): Json<RunNew>,
) -> Result<Response, Refusal> {
    if new.items.is_empty() {
        return Err(Refusal::field("items", "missing", "at least one sync"));
    }
    if new.release.is_some() && new.items.len() != 1 {
        let words = "what is held is let go for one sync at a time";
        return Err(Refusal::field("release", "unusable", words));
    }
    if new.plan.is_some() && (new.items.len() != 1 || new.mode != Mode::Sync) {
        let words = "it is the plan of one sync that is carried out";
        return Err(Refusal::field("plan", "unusable", words));
    }
    let ids = new.items;
    let keys: Vec<ItemKey> = api
        .read(move |state, _, _| {
            ids.iter()
                .map(|id| find(state, id))
                .collect::<Result<_, _>>()
        })
        .await?;
    if let (Some(seen), [key]) = (new.plan, &*keys) {
        let scope = Scope::Items(key.handler.clone(), vec![key.item.clone()]);
        let look = Control::Start(scope, Box::new(looking(new.full)));
        check_plan(&api, look, seen).await?;
    }
    let work = Work::Sync {
        is_full: new.full,
        release: new.release,
    };
    start(&api, keys, &work, new.mode).await
}

/// How a sync is looked at that is then carried out.
fn looking(is_full: bool) -> StartOptions {
    StartOptions {
        work: Work::Sync {
            is_full,
            release: None,
        },
        intent: Intent::Preview,
        ..StartOptions::default()
    }
}

/// Looks once more at what a sync would do, and refuses when it is not what was seen. What changes
/// after that is asked about before each step, as in every run.
async fn check_plan(api: &Api, look: Control, seen: String) -> Result<(), Refusal> {
    let api = api.clone();
    aside(move || {
        let place = api.previews.reserve()?;
        let pending = api.center.start(look).map_err(|e| not_started(&e))?;
        let outcome = pending.wait().map_err(gone)?;
        match (outcome.preview(), outcome.events.first()) {
            (Some(preview), _) if preview.id == seen => Ok(()),
            (Some(_), _) => {
                let run = outcome.record.id.clone();
                place.end(&run, Some(outcome));
                Err(other_plan(&run))
            }
            (None, Some(event)) => Err(refused(&event.trouble)),
            (None, None) => Err(refused(&Trouble::new(Code::Stopped))),
        }
    })
    .await
}

/// The refusal of a plan that is not what was seen; `run` has the preview of what it is now.
fn other_plan(run: &SessionId) -> Refusal {
    let mut refusal = Refusal::new(
        StatusCode::CONFLICT,
        Code::StateChanged.as_str(),
        [
            "What the sync would do has changed since it was shown.",
            "Was der Abgleich tun würde, ist nicht mehr, was gezeigt wurde.",
        ],
        NOTHING_CHANGED,
    )
    .with_action(["look at the new preview", "sieh dir die neue Vorschau an"]);
    refusal.0.params.insert("run".to_owned(), run.to_string());
    refusal
}

/// Asks for one run as the command line does: of a sync that need not be saved, with the settings of
/// this run, and with any work. It reaches every folder of the user, so it takes the highest right.
#[utoipa::path(post, path = "/api/v1/runs", tag = "sessions", request_body = RunWith,
    responses((status = 202, body = RunsAccepted), Refusal))]
pub(super) async fn run_with(
    State(api): State<Api>,
    Json(asked): Json<RunWith>,
) -> Result<Response, Refusal> {
    let bad = |field: &str| {
        let field = field.to_owned();
        move |fault: syncmgr_api::wire::Unreadable| {
            Refusal::field(&field, "unusable", fault.to_string())
        }
    };
    let item = Item::try_from(&asked.item).map_err(bad("item"))?;
    let work = Work::try_from(&asked.work).map_err(bad("work"))?;
    no_secrets(&api, &item).await?;
    match (asked.plan, &work) {
        (None, _) => {}
        (Some(seen), Work::Sync { is_full, .. }) if asked.mode == Mode::Sync => {
            let look = Control::StartWith(Box::new(item.clone()), Box::new(looking(*is_full)));
            check_plan(&api, look, seen).await?;
        }
        (Some(_), _) => {
            let words = "it is the plan of a sync that is carried out";
            return Err(Refusal::field("plan", "unusable", words));
        }
    }
    let options = StartOptions {
        work,
        intent: intent(asked.mode),
        joins: asked.mode == Mode::Sync,
        ..StartOptions::default()
    };
    let control = Control::StartWith(Box::new(item), Box::new(options));
    let taken = take(&api, control, asked.mode).await?;
    answer_accepted(vec![accepted(&taken)])
}

/// Refuses secrets among the settings of a run: they would be kept and shown with it.
async fn no_secrets(api: &Api, item: &Item) -> Result<(), Refusal> {
    let handler = item.handler.clone();
    let specs = api.ask(move |desk| Ok(desk.settings_of(&handler))).await?;
    let secret = specs
        .iter()
        .find(|it| it.kind == SettingKind::Secret && item.settings.0.contains_key(it.key));
    let Some(SettingSpec { key, .. }) = secret else {
        return Ok(());
    };
    let words = "it is a secret, which no run carries; it is set apart";
    let place = format!("/api/v1/items/{}/secrets/{key}", item.id);
    Err(
        Refusal::field(&format!("item.settings.{key}"), "unusable", words).with_action([
            &format!("set it once, with PUT {place}"),
            &format!("setze es einmal, mit PUT {place}"),
        ]),
    )
}

/// What a mode means to the center.
pub(super) fn intent(mode: Mode) -> Intent {
    match mode {
        Mode::Sync => Intent::Apply,
        Mode::Preview => Intent::Preview,
    }
}

/// Has the center take a start; a preview is waited for aside and kept.
async fn take(
    api: &Api,
    control: Control,
    mode: Mode,
) -> Result<syncmgr_center::command::Accepted, Refusal> {
    match mode {
        Mode::Sync => api.start(control).await,
        Mode::Preview => {
            let mut place = api.previews.reserve()?;
            let center = api.center.clone();
            aside(move || {
                let pending = center.start(control).map_err(|e| not_started(&e))?;
                let taken = place.add(pending);
                place.wait();
                Ok(taken)
            })
            .await
        }
    }
}

fn answer_accepted(runs: Vec<syncmgr_api::wire::run::RunAccepted>) -> Result<Response, Refusal> {
    let location = runs.first().map(|run| run.run.clone());
    let body = json(&RunsAccepted { runs });
    Ok(answer_taken(body, location.as_deref()))
}

/// Makes an answer one to something that was taken, and says where its first run is looked at.
pub(super) fn answer_taken(mut response: Response, run: Option<&str>) -> Response {
    *response.status_mut() = StatusCode::ACCEPTED;
    let location = run.map(|run| HeaderValue::from_str(&format!("/api/v1/sessions/{run}")));
    if let Some(Ok(location)) = location {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// Starts work on items, one session for each handler, and answers with how it was taken.
pub(super) async fn start(
    api: &Api,
    keys: Vec<ItemKey>,
    work: &Work,
    mode: Mode,
) -> Result<Response, Refusal> {
    let mut by_handler: BTreeMap<HandlerId, Vec<ItemId>> = BTreeMap::new();
    for key in keys {
        let items = by_handler.entry(key.handler).or_default();
        if !items.contains(&key.item) {
            items.push(key.item);
        }
    }
    let mut runs = Vec::new();
    for (handler, items) in by_handler {
        let options = StartOptions {
            work: work.clone(),
            intent: intent(mode),
            joins: mode == Mode::Sync,
            ..StartOptions::default()
        };
        let control = Control::Start(Scope::Items(handler, items), Box::new(options));
        let taken = take(api, control, mode).await?;
        runs.push(accepted(&taken));
    }
    answer_accepted(runs)
}

/// Which runs are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SessionsQuery {
    /// Only with this sync.
    #[param(min_length = 1)]
    item: Option<String>,
    /// Only those that came out so, for that sync where one is named: `ok`, `warnings`,
    /// `conflicts`, `held`, `failed`, `missed`, `stopped`, joined by commas.
    #[param(max_length = 100)]
    outcome: Option<String>,
    /// Only those that began at or after this time, RFC 3339 in UTC.
    since: Option<String>,
    /// Only those that began at or before this time.
    until: Option<String>,
    /// Most rows.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// Continues a list.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// Lists runs that began, newest first.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "sessions", params(SessionsQuery),
    responses((status = 200, body = Page<PastSession>), Refusal))]
pub(super) async fn list(
    State(api): State<Api>,
    Query(query): Query<SessionsQuery>,
) -> Result<Response, Refusal> {
    let n = limit(query.limit)?;
    let parse = |key: &str| SessionId::new(key).ok();
    let before = after_parsed(ORDER, query.cursor.as_deref(), parse)?;
    let outcome = query.outcome.as_deref();
    let mut wanted = SessionQuery {
        item: None,
        before,
        outcomes: words("outcome", outcome, "outcome words", Outcome::parse)?,
        since: time("since", query.since.as_deref())?,
        until: time("until", query.until.as_deref())?,
        limit: u32::try_from(n + 1).unwrap_or(u32::MAX),
    };
    let page = api
        .read(move |state, store, _| {
            wanted.item = query.item.map(|id| find(state, &id)).transpose()?;
            let rows = store.sessions(&wanted).map_err(|error| broken(&error))?;
            let cut = Page::cut(rows, n, ORDER, |record| record.id.to_string());
            let item = wanted.item.as_ref();
            Ok(Page {
                items: cut.items.iter().map(|it| past(state, it, item)).collect(),
                next_cursor: cut.next_cursor,
            })
        })
        .await?;
    Ok(json(&page))
}

/// Writes a run as it is listed, for one of its syncs or as a whole.
fn past(
    state: &syncmgr_center::state::State,
    record: &SessionRecord,
    of: Option<&ItemKey>,
) -> PastSession {
    let key = of.cloned().unwrap_or_else(|| ItemKey {
        handler: record.handler.clone(),
        item: record.item().clone(),
    });
    let outcome = match of {
        Some(key) => record.outcome_of(&key.item),
        None => Outcome::of(record.status, &record.summary),
    };
    let title = state.title(&key).map(|title| escape(title.as_bytes()));
    PastSession {
        run: Run::from(record),
        outcome: outcome.map(|outcome| outcome.as_str().to_owned()),
        title,
    }
}

/// Lists runs that wait or work, oldest first.
#[utoipa::path(get, path = "/api/v1/sessions/open", tag = "sessions",
    responses((status = 200, body = Page<OpenRun>), Refusal))]
pub(super) async fn open(State(api): State<Api>) -> Result<Response, Refusal> {
    let items = api
        .read(|state, _, _| Ok(state.sessions().map(|view| open_run(&view)).collect()))
        .await?;
    Ok(json(&Page::<OpenRun> {
        items,
        next_cursor: None,
    }))
}

/// Gives one run, wherever it is in its life.
#[utoipa::path(get, path = "/api/v1/sessions/{id}", tag = "sessions",
    params(("id" = String, Path, min_length = 1)),
    responses((status = 200, body = RunState), Refusal))]
pub(super) async fn get(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let session = session_id(&id)?;
    // In this order: a preview that is made in between is kept before it stops pending.
    let is_preview = api.previews.is_pending(&session) || api.previews.get(&session).is_some();
    let state = api
        .read(move |state, store, _| {
            let record = store.session(&session).map_err(|error| broken(&error))?;
            let outcome = record
                .as_ref()
                .and_then(|record| Outcome::of(record.status, &record.summary));
            Ok(RunState {
                record: record.as_ref().map(Run::from),
                open: state.session(&session).map(|view| open_run(&view)),
                outcome: outcome.map(|outcome| outcome.as_str().to_owned()),
            })
        })
        .await?;
    if state.record.is_none() && state.open.is_none() && !is_preview {
        return Err(missing("run", &id));
    }
    Ok(json(&state))
}

/// Asks a run to stop. What is whole stays; the next run goes on from there.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/cancel", tag = "sessions",
    request_body = Cancel, params(("id" = String, Path, min_length = 1)),
    responses((status = 202, body = RunState), Refusal))]
pub(super) async fn cancel(
    State(api): State<Api>,
    Path(id): Path<String>,
    Json(cancel): Json<Cancel>,
) -> Result<Response, Refusal> {
    let session = session_id(&id)?;
    let looked_at = session.clone();
    let view = api
        .read(move |state, _, _| {
            let view = state.session(&looked_at);
            view.ok_or_else(|| missing("run that has not ended", looked_at.as_str()))
        })
        .await?;
    let control = match cancel.scope {
        CancelScope::All => Control::StopSession(session.clone()),
        CancelScope::Item => {
            let works = |status: &Option<_>| {
                status.is_some_and(|status: syncmgr_model::progress::ProgressStatus| {
                    !status.is_terminal()
                })
            };
            let now = view.items.iter().find(|(_, status, _)| works(status));
            match now {
                Some((item, ..)) => {
                    Control::Stop(Scope::Items(view.handler.clone(), vec![item.clone()]))
                }
                None => Control::StopSession(session.clone()),
            }
        }
    };
    drop(done(&api, control).await?);
    let mut response = get(State(api), Path(id)).await?;
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

/// Takes back what a run did, as far as its versions are kept.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/undo", tag = "sessions",
    request_body = Nothing, params(("id" = String, Path, min_length = 1)),
    responses((status = 202, body = RunsAccepted), Refusal))]
pub(super) async fn undo(
    State(api): State<Api>,
    Path(id): Path<String>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Response, Refusal> {
    let session = session_id(&id)?;
    let record = record(&api, session.clone()).await?;
    if !api.desk.can_undo(&record.handler) {
        let detail = "runs of this handler cannot be taken back";
        return Err(refused(
            &Trouble::new(Code::NotPossible).with("detail", detail),
        ));
    }
    let keys = record.items.iter().map(|result| ItemKey {
        handler: record.handler.clone(),
        item: result.item.clone(),
    });
    start(&api, keys.collect(), &Work::Undo(session), Mode::Sync).await
}

async fn record(api: &Api, id: SessionId) -> Result<syncmgr_model::record::SessionRecord, Refusal> {
    api.read(move |_, store, _| {
        let record = store.session(&id).map_err(|error| broken(&error))?;
        record.ok_or_else(|| missing("run", id.as_str()))
    })
    .await
}

/// Gives what a run would do, once it is known. Previews are kept for ten minutes; one that is gone
/// answers 410 `preview-gone`.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/preview", tag = "sessions",
    params(("id" = String, Path, min_length = 1)),
    responses((status = 200, body = Page<ItemPreview>), Refusal))]
pub(super) async fn preview(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let session = session_id(&id)?;
    // In this order: it may become known in between, and is never neither.
    let is_pending = api.previews.is_pending(&session);
    if let Some(outcome) = api.previews.get(&session) {
        return aside(move || {
            if let (true, Some(event)) = (outcome.previews.is_empty(), outcome.events.first()) {
                return Err(refused(&event.trouble));
            }
            let items = outcome.previews.iter().map(|(item, preview)| ItemPreview {
                item: item.to_string(),
                preview: Preview::of(item.as_str(), preview),
            });
            Ok(json(&Page {
                items: items.collect(),
                next_cursor: None,
            }))
        })
        .await;
    }
    if is_pending {
        return Err(Refusal::new(
            StatusCode::CONFLICT,
            "still-running",
            [
                "The preview is still being made.",
                "Die Vorschau wird noch gemacht.",
            ],
            [
                "The stream tells when it is done.",
                "Der Strom sagt, wenn sie fertig ist.",
            ],
        ));
    }
    if api.previews.is_gone(&session) {
        return Err(Refusal::new(
            StatusCode::GONE,
            "preview-gone",
            [
                "This preview is not kept any more.",
                "Diese Vorschau ist nicht mehr aufgehoben.",
            ],
            NOTHING_CHANGED,
        )
        .with_action(["make the preview again", "mach die Vorschau noch einmal"]));
    }
    Err(missing("preview", &id))
}

/// Gives what a run did, in full.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/report", tag = "sessions",
    params(("id" = String, Path, min_length = 1)),
    responses((status = 200, body = Report), Refusal))]
pub(super) async fn report(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let session = session_id(&id)?;
    let asked = session.clone();
    let (record, events, items) = api
        .read(move |state, store, now| {
            let record = store.session(&asked).map_err(|error| broken(&error))?;
            let record = record.ok_or_else(|| missing("run", asked.as_str()))?;
            let query = EventQuery {
                session: Some(asked),
                ..EventQuery::default()
            };
            let mut events = store.events(&query).map_err(|error| broken(&error))?;
            events.reverse();
            let items: Vec<_> = record
                .items
                .iter()
                .map(|result| {
                    let key = ItemKey {
                        handler: record.handler.clone(),
                        item: result.item.clone(),
                    };
                    let item = state.item(&key, now).map(|view| view.item);
                    (result.item.clone(), item)
                })
                .collect();
            Ok((record, events, items))
        })
        .await?;
    let steps = api
        .ask(move |desk| {
            let steps = |(id, item): &(ItemId, Option<Item>)| {
                let steps = item.as_ref().map(|item| desk.steps(item, &session));
                let steps = match steps {
                    Some(Ok(steps)) => steps,
                    // Of a sync that did not begin there are none; not every handler keeps them.
                    Some(Err(trouble)) if is_none(trouble.code) => Vec::new(),
                    Some(Err(trouble)) => return Err(trouble),
                    None => Vec::new(),
                };
                Ok(ReportItem {
                    item: id.to_string(),
                    steps: steps.iter().map(Step::from).collect(),
                })
            };
            items.iter().map(steps).collect()
        })
        .await?;
    Ok(json(&Report {
        record: Run::from(&record),
        notices: events.iter().map(|e| Notice::from(&e.trouble)).collect(),
        items: steps,
    }))
}

/// Says whether there are no steps to tell.
fn is_none(code: Code) -> bool {
    matches!(code, Code::NotFound | Code::NotPossible)
}
