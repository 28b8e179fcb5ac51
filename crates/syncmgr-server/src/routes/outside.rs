//! Runs that programs outside of syncmgr report (spec 107): while they go on, or after their end.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use hyper::StatusCode;
use syncmgr_api::wire::Unreadable;
use syncmgr_api::wire::outside::{
    OutsideAlive, OutsideBegun, OutsideEnd, OutsideEvent, OutsideNew, OutsidePast, OutsideProgress,
    OutsideTaken, OutsideWish,
};
use syncmgr_api::wire::run::RunState;
use syncmgr_center::command::{Answer, Call, CallReply, Control, Outside};
use syncmgr_center::outside::NotTaken;
use syncmgr_model::event::{Link, NewEvent};
use syncmgr_model::id::{ItemId, SessionId};
use syncmgr_model::outside::{Reported, Subject};
use syncmgr_model::progress::{CancelRequest, Phase, Progress, ProgressStatus};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::Trouble;
use tokio::time::Instant;

use super::sessions;
use crate::answer::Refusal;
use crate::center::{Api, aside, broken, missing, refused, session_id};
use crate::extract::{Json, json};

/// Longest wait for a wish to stop: shorter than what proxies and clients wait for an answer.
const WAIT_MAX: Duration = Duration::from_secs(25);

/// Most bytes of a name or command that makes a sync.
const SUBJECT_LEN_MAX: usize = 4096;

fn bad(field: &'static str) -> impl Fn(Unreadable) -> Refusal {
    move |fault| Refusal::field(field, "unusable", fault.to_string())
}

/// Finds or makes the sync of a program.
async fn subject(
    api: &Api,
    wire: &syncmgr_api::wire::outside::Subject,
) -> Result<syncmgr_model::item::Item, Refusal> {
    let subject = Subject::try_from(wire).map_err(bad("subject"))?;
    if subject.item.is_empty() || subject.item.len() > SUBJECT_LEN_MAX {
        let words = "the name or id of a sync";
        return Err(Refusal::field("subject.item", "unusable", words));
    }
    api.ask(move |desk| desk.subject(&subject)).await
}

/// Begins a run of another program, which reports on it until it ends it. Whoever does not
/// report for longer than `silence_ms` counts as broken off, and its run as failed.
#[utoipa::path(post, path = "/api/v1/sessions/external", tag = "sessions",
    request_body = OutsideNew, responses((status = 201, body = OutsideBegun), Refusal))]
pub(super) async fn begin(
    State(api): State<Api>,
    Json(new): Json<OutsideNew>,
) -> Result<Response, Refusal> {
    let own = match &new.run {
        Some(id) => {
            let unusable = |_| Refusal::field("run", "unusable", "an id of a run");
            Some(SessionId::new(id.clone()).map_err(unusable)?)
        }
        None => None,
    };
    if let Some(id) = own.clone() {
        let taken = api
            .read(move |_, store, _| {
                let record = store.session(&id).map_err(|error| broken(&error))?;
                Ok(record.is_some_and(|record| record.ended.is_some()))
            })
            .await?;
        if taken {
            let words = "a run with this id is over";
            return Err(Refusal::field("run", "unusable", words));
        }
    }
    let item = subject(&api, &new.subject).await?;
    let (handler, id) = (item.handler.to_string(), item.id.to_string());
    let outside = Outside { session: own, item };
    let answer = api
        .control(Control::BeginOutside(Box::new(outside)))
        .await?;
    let Answer::Call(CallReply::Session(run)) = answer else {
        return Err(missing("run", ""));
    };
    let silence_ms = api
        .read(|state, _, _| Ok(state.limits().silence_ms))
        .await?;
    let mut response = json(&OutsideBegun {
        run: run.to_string(),
        item: id,
        handler,
        silence_ms: u64::try_from(silence_ms).unwrap_or(0),
    });
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// Finds an open run of a program and what it works on.
async fn open(api: &Api, id: &str) -> Result<(SessionId, ItemId), Refusal> {
    let session = session_id(id)?;
    api.read(move |state, _, _| {
        let view = state.session(&session).filter(|view| view.is_external);
        let item = view.and_then(|view| view.items.first().map(|(item, ..)| item.clone()));
        let item = item.ok_or_else(|| missing("open run of a program", session.as_str()))?;
        Ok((session, item))
    })
    .await
}

/// Passes a call of a program on.
async fn call(api: &Api, session: &SessionId, call: Call) -> Result<CallReply, Refusal> {
    let control = Control::Call(session.clone(), Box::new(call));
    match api.control(control).await? {
        Answer::Call(reply) => Ok(reply),
        Answer::Accepted(_)
        | Answer::Outcome(_)
        | Answer::Done
        | Answer::Declined
        | Answer::Raised
        | Answer::Follow(_)
        | Answer::Schedule(..)
        | Answer::Refused(_) => Err(missing("open run of a program", session.as_str())),
    }
}

/// Reports where a run stands; the answer says whether somebody wants it to stop.
#[utoipa::path(post, path = "/api/v1/sessions/external/{id}/progress", tag = "sessions",
    request_body = OutsideProgress, params(("id" = String, Path, min_length = 1)),
    responses((status = 200, body = OutsideWish), Refusal))]
pub(super) async fn progress(
    State(api): State<Api>,
    Path(id): Path<String>,
    Json(progress): Json<OutsideProgress>,
) -> Result<Response, Refusal> {
    let (session, item) = open(&api, &id).await?;
    let status = match (progress.total, progress.bytes_total) {
        (None, None) => ProgressStatus::UpdatingIndeterminate,
        (Some(_), _) | (_, Some(_)) => ProgressStatus::Updating,
    };
    let shown = Progress {
        phase: Phase::Copying,
        n_done: progress.done,
        n_total: progress.total.or(progress.bytes_total.map(|_| 0)),
        bytes_done: progress.bytes_done,
        bytes_total: progress.bytes_total.or(progress.total.map(|_| 0)),
        current: progress
            .current
            .map(|text| syncmgr_model::escape::escape(text.as_bytes())),
        ..Progress::default()
    };
    let reply = call(&api, &session, Call::Progress(item, status, shown)).await?;
    let stop = match reply {
        CallReply::Cancel(request) => request != CancelRequest::None,
        CallReply::Done
        | CallReply::Event(_)
        | CallReply::Continue(_)
        | CallReply::Additional(_)
        | CallReply::Item(_)
        | CallReply::Session(_) => false,
    };
    Ok(json(&OutsideWish { stop }))
}

/// Says that a run goes on, and waits for a wish to stop it.
#[utoipa::path(post, path = "/api/v1/sessions/external/{id}/alive", tag = "sessions",
    request_body = OutsideAlive, params(("id" = String, Path, min_length = 1)),
    responses((status = 200, body = OutsideWish), Refusal))]
pub(super) async fn alive(
    State(api): State<Api>,
    Path(id): Path<String>,
    Json(alive): Json<OutsideAlive>,
) -> Result<Response, Refusal> {
    let until = Instant::now() + Duration::from_millis(alive.wait_ms).min(WAIT_MAX);
    loop {
        let stops = api.hub.stops();
        let (session, item) = open(&api, &id).await?;
        let reply = call(&api, &session, Call::CanContinue(Some(item))).await?;
        let stop = reply == CallReply::Continue(false);
        let Some(mut stops) = stops.filter(|_| !stop) else {
            return Ok(json(&OutsideWish { stop }));
        };
        match tokio::time::timeout_at(until, stops.changed()).await {
            // Some run is to stop, or ended: maybe this one.
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return Ok(json(&OutsideWish { stop })),
        }
    }
}

/// Adds a result to a run.
#[utoipa::path(post, path = "/api/v1/sessions/external/{id}/events", tag = "sessions",
    request_body = OutsideEvent, params(("id" = String, Path, min_length = 1)),
    responses((status = 204), Refusal))]
pub(super) async fn event(
    State(api): State<Api>,
    Path(id): Path<String>,
    Json(event): Json<OutsideEvent>,
) -> Result<StatusCode, Refusal> {
    let trouble = Trouble::try_from(&event).map_err(bad(""))?;
    let (session, item) = open(&api, &id).await?;
    let new = NewEvent {
        item: Some(item),
        trouble,
        link: Link::default(),
        context: None,
    };
    call(&api, &session, Call::Event(Box::new(new))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a run.
#[utoipa::path(post, path = "/api/v1/sessions/external/{id}/end", tag = "sessions",
    request_body = OutsideEnd, params(("id" = String, Path, min_length = 1)),
    responses((status = 200, body = RunState), Refusal))]
pub(super) async fn end(
    State(api): State<Api>,
    Path(id): Path<String>,
    Json(end): Json<OutsideEnd>,
) -> Result<Response, Refusal> {
    let end = end.read(Timestamp(0)).map_err(bad("status"))?;
    let (session, item) = open(&api, &id).await?;
    call(&api, &session, Call::Summary(item.clone(), end.summary)).await?;
    let last = Call::Progress(item, end.status, Progress::default());
    call(&api, &session, last).await?;
    drop(api.control(Control::CloseSession(session)).await?);
    sessions::get(State(api), Path(id)).await
}

/// Reports a run that is over, as of a program that could reach nobody while it ran. It is recorded
/// with the times at which it really began and ended.
#[utoipa::path(post, path = "/api/v1/sessions/past", tag = "sessions",
    request_body = OutsidePast, responses((status = 200, body = OutsideTaken), Refusal))]
pub(super) async fn past(
    State(api): State<Api>,
    Json(past): Json<OutsidePast>,
) -> Result<Response, Refusal> {
    let reported = Reported::try_from(&past).map_err(bad(""))?;
    let item = subject(&api, &past.subject).await?;
    let taken = OutsideTaken {
        run: past.run,
        item: item.id.to_string(),
        news: false,
    };
    let center = api.center.clone();
    let news = aside(move || {
        center
            .take_in(&item, &reported)
            .map_err(|error| match error {
                NotTaken::Store(error) => broken(&error),
                NotTaken::Gone(gone) => crate::center::gone(gone),
                NotTaken::Refused(trouble) => refused(&trouble),
            })
    })
    .await?;
    Ok(json(&OutsideTaken { news, ..taken }))
}
