//! Measurements of the center without a disk: what it costs by itself.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use syncmgr_model::progress::{Phase, ProgressStatus};
use syncmgr_sdk::ItemProgress;

use syncmgr_center::center::Handle;
use syncmgr_center::command::{
    Command, Control, Effect, Limits, Opening, Remembered, Scope, Ticket,
};
use syncmgr_center::port::Clock;
use syncmgr_center::state::{State, handle};
use syncmgr_model::capability::HandlerCapabilities;
use syncmgr_model::facts::{HandlerFacts, HandlerInfoFacts, ItemFacts};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::HandlerId;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

use super::desk::{begin, sync};
use super::{Closure, MemoryStore, Watch};

/// Time as it passes here; the day does not matter.
struct Passing(Instant);

impl Clock for Passing {
    fn now(&self) -> Timestamp {
        Timestamp(i64::try_from(self.elapsed_ms()).unwrap_or(i64::MAX))
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

fn on_real_time(handler: Closure) -> Handle {
    let clock = Arc::new(Passing(now()));
    let begun = begin(
        vec![handler],
        &MemoryStore::default(),
        clock,
        Watch::default(),
    );
    begun.expect("it opens").0
}

#[expect(
    clippy::disallowed_methods,
    reason = "this measures; nothing is decided by it"
)]
fn now() -> Instant {
    Instant::now()
}

/// Returns how many progress reports a second one thread of a handler makes, of `n`.
///
/// # Panics
/// When the center ends on its own.
#[must_use]
pub fn progress_reports(n: u64) -> f64 {
    let nanos = Arc::new(AtomicU64::new(0));
    let took = Arc::clone(&nanos);
    let handler = Closure::new("reporting", move |request, creator| {
        let item = &request.items[0].id;
        let Ok(session) =
            creator.create_session(&request.items[0].handler, std::slice::from_ref(item))
        else {
            return Ok(());
        };
        let from = now();
        for n_done in 0..n {
            let progress = ItemProgress {
                phase: Phase::Copying,
                n_done,
                current: Some(b"some/path/of/a/file.txt"),
                ..ItemProgress::default()
            };
            let _request = session.report_progress(item, ProgressStatus::Updating, &progress);
        }
        let nanos = u64::try_from(from.elapsed().as_nanos()).unwrap_or(u64::MAX);
        took.store(nanos, Ordering::SeqCst);
        let _request = session.report_status(item, ProgressStatus::Succeeded);
        Ok(())
    });
    let handle = on_real_time(handler);
    let done = handle
        .start(sync("reporting", "1"))
        .expect("it starts")
        .wait();
    assert!(done.is_ok(), "the center ended");
    handle.close();
    n as f64 * 1e9 / nanos.load(Ordering::SeqCst).max(1) as f64
}

/// Returns how many sessions that do nothing run in a second, one after the other, of `n`: each
/// asked for, written down in memory, run on a thread of its own, and answered.
///
/// # Panics
/// When the center ends on its own.
#[must_use]
pub fn sessions(n: u64) -> f64 {
    let handler = Closure::new("idle", |request, creator| {
        let item = &request.items[0].id;
        if let Ok(session) =
            creator.create_session(&request.items[0].handler, std::slice::from_ref(item))
        {
            let _request = session.report_status(item, ProgressStatus::Succeeded);
        }
        Ok(())
    });
    let handle = on_real_time(handler);
    let from = now();
    for _ in 0..n {
        let done = handle.start(sync("idle", "1")).expect("it starts").wait();
        assert!(done.is_ok(), "the center ended");
    }
    let rate = n as f64 / from.elapsed().as_secs_f64().max(1e-9);
    handle.close();
    rate
}

/// Returns how many sessions a second the rules alone end and replace by the next that waits, of
/// `n_ends`, with `n_running` at work and as many items in all as `n_items`.
///
/// # Panics
/// When there are fewer items than sessions.
#[must_use]
pub fn ends(n_items: usize, n_running: usize, n_ends: usize) -> f64 {
    assert!(n_items >= n_running + n_ends, "too few items");
    let at = Timestamp(1_000_000);
    let mut state = State::default();
    let limits = Limits {
        max_running: n_running,
        ..Limits::default()
    };
    let id = HandlerId::new("many").expect("an id");
    let opening = Opening {
        remembered: Remembered::default(),
        installed: vec![id.clone()],
        saved: Vec::new(),
        schedules: Vec::new(),
        policies: std::collections::BTreeMap::new(),
        keeps_time: false,
        random: 0,
        limits,
    };
    drop(handle(&mut state, Command::Open(Box::new(opening)), at));
    let facts = Ok(Box::new(many(&id, n_items)));
    drop(handle(&mut state, Command::Loaded(id, facts), at));
    let all = Control::Start(Scope::All, Box::default());
    drop(handle(&mut state, Command::Control(Ticket(0), all), at));
    let running = state.sessions().filter(|session| session.started.is_some());
    let mut running: VecDeque<_> = running.map(|session| session.id).collect();
    let from = now();
    for _ in 0..n_ends {
        let Some(id) = running.pop_front() else { break };
        let stopped = Err(Trouble::new(Code::Stopped));
        let effects = handle(&mut state, Command::Returned(id, stopped), at);
        for effect in effects {
            if let Effect::Run(next) = effect {
                running.push_back(next.session);
            }
        }
    }
    let rate = n_ends as f64 / from.elapsed().as_secs_f64().max(1e-9);
    assert_eq!(running.len(), n_running, "each end lets the next one begin");
    rate
}

/// A handler with many items, each with a folder of its own, that may have many sessions.
fn many(id: &HandlerId, n_items: usize) -> HandlerFacts {
    let unknown = Hresult::NotImplemented;
    let item = |n: usize| ItemFacts {
        id: Ok(format!("i{n}")),
        name: Ok(format!("item {n}")),
        info: Err(unknown),
        capabilities: Ok(0),
        policies: Ok(0),
        paths: vec![format!("/folders/of/item/{n}").into_bytes()],
        saved: None,
    };
    HandlerFacts {
        is_apart: false,
        id: id.clone(),
        name: Ok("many".to_owned()),
        info: Ok(HandlerInfoFacts {
            kind: Err(unknown),
            type_label: Err(unknown),
            comment: Err(unknown),
            last_sync: Err(unknown),
            is_active: Ok(true),
            is_enabled: Ok(true),
            is_connected: Ok(true),
        }),
        capabilities: Ok(HandlerCapabilities::SUPPORTS_CONCURRENT_SESSIONS.bits()),
        policies: Ok(0),
        items: Ok((0..n_items).map(item).collect()),
    }
}
