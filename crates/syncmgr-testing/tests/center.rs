//! The center with the real host: threads, panics, floods, a memory that fails.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;

use syncmgr_center::command::{Answer, Control, Outcome, Scope};
use syncmgr_host::Secrets;
use syncmgr_model::event::Event;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::ItemKey;
use syncmgr_model::item::{SettingKind, SettingSpec};
use syncmgr_model::progress::{CancelRequest, Phase, ProgressStatus};
use syncmgr_model::record::ItemResult;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::{ItemProgress, SessionCreator, SyncCallback, SyncRequest};
use syncmgr_testing::center::{Closure, Desk, MemoryStore, measure, scope};

fn open(request: &SyncRequest, creator: &dyn SessionCreator) -> Arc<dyn SyncCallback> {
    let items: Vec<_> = request.items.iter().map(|item| item.id.clone()).collect();
    creator
        .create_session(&request.items[0].handler, &items)
        .unwrap()
}

/// Works as a good handler does, and does nothing.
fn succeed(request: &SyncRequest, creator: &dyn SessionCreator) -> Result<(), Trouble> {
    let session = open(request, creator);
    for item in &request.items {
        session
            .report_status(&item.id, ProgressStatus::Succeeded)
            .unwrap();
    }
    Ok(())
}

fn desk(handlers: Vec<Closure>) -> Desk {
    Desk::open(handlers, MemoryStore::default()).unwrap()
}

fn run(desk: &Desk, handler: &str) -> Outcome {
    desk.start(handler, "1").unwrap().wait().unwrap()
}

/// spec 7, 74: every sync has a thread of its own.
#[test]
fn every_sync_has_its_own_thread() {
    let seen: Arc<Mutex<Vec<ThreadId>>> = Arc::default();
    let threads = Arc::clone(&seen);
    let desk = desk(vec![Closure::new("a", move |request, creator| {
        threads.lock().unwrap().push(std::thread::current().id());
        succeed(request, creator)
    })]);
    assert_eq!(run(&desk, "a").status, ProgressStatus::Succeeded);
    assert_eq!(run(&desk, "a").status, ProgressStatus::Succeeded);
    let seen = seen.lock().unwrap();
    assert!(seen[0] != seen[1] && seen[0] != std::thread::current().id());
}

/// spec 77: a panic ends that one session, and the center goes on.
#[test]
fn a_panic_harms_nobody_else() {
    let desk = desk(vec![
        Closure::new("a", |request, creator| {
            let _session = open(request, creator);
            panic!("a handler breaks down");
        }),
        Closure::new("b", succeed),
    ]);
    let outcome = run(&desk, "a");
    assert_eq!(outcome.status, ProgressStatus::Failed);
    assert_eq!(outcome.events[0].trouble.code, Code::HandlerStopped);
    assert_eq!(run(&desk, "b").status, ProgressStatus::Succeeded);
}

/// spec 72: control calls are answered while handlers work, and 82: handlers work side by side.
#[test]
fn handlers_work_side_by_side() {
    let meet = Arc::new(std::sync::Barrier::new(2));
    let (one, two) = (Arc::clone(&meet), meet);
    let desk = desk(vec![
        Closure::new("a", move |request, creator| {
            one.wait();
            succeed(request, creator)
        }),
        Closure::new("b", move |request, creator| {
            two.wait();
            succeed(request, creator)
        }),
    ]);
    let (a, b) = (desk.start("a", "1").unwrap(), desk.start("b", "1").unwrap());
    assert!(a.wait().is_ok() && b.wait().is_ok());
}

/// spec 108: a callback may be used from any thread.
#[test]
fn a_callback_is_used_from_many_threads() {
    let desk = desk(vec![Closure::new("a", |request, creator| {
        let session = open(request, creator);
        std::thread::scope(|scope| {
            for item in &request.items {
                let session = &session;
                scope.spawn(move || {
                    for _ in 0..1000 {
                        let progress = ItemProgress::default();
                        let updating = ProgressStatus::Updating;
                        session
                            .report_progress(&item.id, updating, &progress)
                            .unwrap();
                    }
                    session
                        .report_status(&item.id, ProgressStatus::Succeeded)
                        .unwrap();
                });
            }
        });
        Ok(())
    })]);
    let outcome = desk.start("a", "1 2 3 4").unwrap().wait().unwrap();
    assert_eq!(outcome.status, ProgressStatus::Succeeded);
}

/// spec 96, 102: long texts are cut, texts and answers may be left out; a flood of reports does not
/// reach the center, and the last counts of a phase do.
#[test]
fn a_flood_of_reports_is_thinned_out() {
    let desk = desk(vec![Closure::new("a", |request, creator| {
        let session = open(request, creator);
        let item = &request.items[0].id;
        let name = [b'x'; 10_000];
        for n_done in 0..100_000 {
            let progress = ItemProgress {
                phase: Phase::Copying,
                n_done,
                current: (n_done % 2 == 0).then_some(&name),
                ..ItemProgress::default()
            };
            session
                .report_progress(item, ProgressStatus::Updating, &progress)
                .unwrap();
        }
        session
            .report_status(item, ProgressStatus::Succeeded)
            .map(drop)
            .unwrap();
        Ok(())
    })]);
    assert_eq!(run(&desk, "a").status, ProgressStatus::Succeeded);
    let shown: Vec<_> = desk
        .watch
        .shown()
        .into_iter()
        .map(|it| (it.n_done, it.current))
        .collect();
    let cut = "x".repeat(259);
    assert_eq!(shown, [(0, Some(cut)), (99_999, None)]);
}

/// spec 92: a further session ends when its callback is let go, also after `Synchronize` returned.
#[test]
fn a_further_session_ends_with_its_callback() {
    let kept: Arc<Mutex<Option<Arc<dyn SyncCallback>>>> = Arc::default();
    let keep = Arc::clone(&kept);
    let handler = Closure::new("c", move |request, creator| {
        let session = open(request, creator);
        let further = open(request, creator);
        assert_ne!(session.run_id(), further.run_id());
        let item = &request.items[0].id;
        further
            .report_status(item, ProgressStatus::Succeeded)
            .unwrap();
        session
            .report_status(item, ProgressStatus::Succeeded)
            .unwrap();
        keep.lock().unwrap().replace(further);
        Ok(())
    });
    let desk = desk(vec![handler.concurrent()]);
    assert_eq!(run(&desk, "c").status, ProgressStatus::Succeeded);
    let n_open = || {
        let written = desk.store.written();
        written
            .sessions
            .values()
            .filter(|record| record.ended.is_none())
            .count()
    };
    assert_eq!(n_open(), 1);
    drop(kept.lock().unwrap().take());
    while n_open() > 0 {
        std::thread::yield_now();
    }
    let sessions = desk.handle.read(|state, _, _| state.sessions().count());
    assert_eq!(sessions, Ok(0));
}

/// spec 112, 116: a handler that does not listen is given up after the grace; what it calls later is
/// refused, and its items are free when it lets go.
#[test]
fn late_calls_of_a_given_up_handler_are_refused() {
    let goes_on = Arc::new(AtomicBool::new(true));
    let is_deaf = Arc::clone(&goes_on);
    let (to, late) = channel();
    let (started, has_started) = channel();
    let desk = desk(vec![Closure::new("a", move |request, creator| {
        let session = open(request, creator);
        started.send(()).unwrap();
        while is_deaf.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        let item = &request.items[0].id;
        let progress = ItemProgress::default();
        let asked = session.report_progress(item, ProgressStatus::Updating, &progress);
        let done = session.report_status(item, ProgressStatus::Succeeded);
        to.send((asked, done)).unwrap();
        Ok(())
    })]);
    let pending = desk.start("a", "1").unwrap();
    has_started.recv().unwrap();
    let stopped = desk.handle.control(Control::Stop(Scope::All));
    assert_eq!(stopped, Ok(Answer::Done));
    desk.pass(10_001);
    let outcome = pending.wait().unwrap();
    assert_eq!(outcome.status, ProgressStatus::Failed);
    assert_eq!(outcome.events[0].trouble.code, Code::HandlerAbandoned);
    let queued = desk.start("a", "1").unwrap();
    goes_on.store(false, Ordering::SeqCst);
    let expected = (Ok(CancelRequest::All), Err(Hresult::AccessDenied));
    assert_eq!(late.recv().unwrap(), expected);
    assert_eq!(queued.wait().unwrap().status, ProgressStatus::Succeeded);
}

/// spec 109, 113: a stop reaches a handler that polls, and one that left a function to call.
#[test]
fn a_stop_reaches_the_handler() {
    let (started, has_started) = channel();
    let desk = desk(vec![Closure::new("a", move |request, creator| {
        let session = open(request, creator);
        let is_called = Arc::new(AtomicBool::new(false));
        let call = Arc::clone(&is_called);
        session.on_cancel(Box::new(move || call.store(true, Ordering::SeqCst)));
        started.send(()).unwrap();
        let item = &request.items[0].id;
        while session.can_continue(Some(item)).unwrap() || !is_called.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        session
            .report_status(item, ProgressStatus::Canceled)
            .unwrap();
        Ok(())
    })]);
    let pending = desk.start("a", "1").unwrap();
    has_started.recv().unwrap();
    desk.handle.control(Control::Stop(scope("a", "1"))).unwrap();
    assert_eq!(pending.wait().unwrap().status, ProgressStatus::Canceled);
}

/// What cannot be written down does not begin, and its request gets its one result; an end that
/// cannot be written is no success, and is written down when that is possible again.
#[test]
fn what_cannot_be_written_down_does_not_begin() {
    let n_runs = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&n_runs);
    let desk = desk(vec![Closure::new("a", move |request, creator| {
        count.fetch_add(1, Ordering::SeqCst);
        succeed(request, creator)
    })]);
    for (saves_left, n_expected) in [(0, 0), (1, 1)] {
        desk.store.written().saves_left = Some(saves_left);
        let outcome = run(&desk, "a");
        assert_eq!(outcome.status, ProgressStatus::Failed);
        let is_told =
            |event: &syncmgr_model::event::Event| event.trouble.code == Code::HistoryUnusable;
        assert!(outcome.events.iter().any(is_told));
        assert_eq!(n_runs.load(Ordering::SeqCst), n_expected);
        desk.store.written().saves_left = None;
        desk.start("a", "2").unwrap().wait().unwrap();
        n_runs.store(0, Ordering::SeqCst);
    }
    let written = desk.store.written();
    assert!(
        written
            .sessions
            .values()
            .all(|record| record.ended.is_some())
    );
    assert_eq!((written.sessions.len(), &written.faults), (4, &Vec::new()));
}

/// spec 117: at the end of the center what waits is answered, what runs is asked to stop.
#[test]
fn the_end_of_the_center_leaves_nobody_waiting() {
    let (started, has_started) = channel();
    let desk = desk(vec![Closure::new("a", move |request, creator| {
        let session = open(request, creator);
        let _sent = started.send(());
        let item = &request.items[0].id;
        while session.can_continue(None).unwrap() {
            std::thread::yield_now();
        }
        session
            .report_status(item, ProgressStatus::Canceled)
            .unwrap();
        Ok(())
    })]);
    let runs = desk.start("a", "1").unwrap();
    has_started.recv().unwrap();
    let waits = desk.start("a", "1").unwrap();
    desk.handle.close();
    for pending in [runs, waits] {
        assert_eq!(pending.wait().unwrap().status, ProgressStatus::Canceled);
    }
    assert!(desk.store.written().faults.is_empty());
}

/// The measurements work; what they measure is no matter of a test.
#[test]
fn measurements_work() {
    let scale = if cfg!(debug_assertions) { 1 } else { 50 };
    let reports = measure::progress_reports(100_000 * scale);
    let sessions = measure::sessions(200 * scale);
    let scale = usize::try_from(scale).unwrap();
    let ends = measure::ends(2000 * scale, 200 * scale, 1000 * scale);
    println!("{reports:.0} reports/s, {sessions:.0} sessions/s, {ends:.0} ends/s");
    assert!(reports > 0.0 && sessions > 0.0 && ends > 0.0);
}

/// Secrets of the items `2` and `4`; that of `3` is locked away.
struct Some24;

impl Secrets for Some24 {
    fn get(&self, item: &ItemKey, _: &str) -> Result<Option<String>, Trouble> {
        match item.item.as_str() {
            "2" | "4" => Ok(Some("geheim".to_owned())),
            "3" => Err(Trouble::new(Code::NotPossible).with("detail", "the keyring is locked")),
            _ => Ok(None),
        }
    }
}

const PASSWORD: &[SettingSpec] = &[SettingSpec {
    key: "password",
    kind: SettingKind::Secret,
    is_required: true,
    help: "its password",
}];

#[track_caller]
fn check_secrets(items: &str, expected: &[(ProgressStatus, Option<Code>)], worked: &[&str]) {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let of_handler = Arc::clone(&seen);
    let handler = Closure::new("a", move |request, creator| {
        for item in &request.items {
            assert_eq!(item.settings.text("password"), Some("geheim"));
            of_handler.lock().unwrap().push(item.id.to_string());
        }
        succeed(request, creator)
    });
    let desk = desk(vec![handler.with_settings(PASSWORD)]);
    desk.host.set_secrets(Arc::new(Some24));
    let outcome = desk.start("a", items).unwrap().wait().unwrap();
    let of_item = |item: &ItemResult| {
        let about = |event: &&Event| event.item.as_ref() == Some(&item.item);
        let event = outcome.events.iter().find(about);
        (item.status.unwrap(), event.map(|event| event.trouble.code))
    };
    let results: Vec<_> = outcome.record.items.iter().map(of_item).collect();
    assert_eq!(results, expected, "{:?}", outcome.events);
    assert!(outcome.events.iter().all(|event| event.item.is_some()));
    assert_eq!(*seen.lock().unwrap(), worked);
}

/// A secret that is missing or locked away is a matter of its item.
#[test]
fn one_missing_secret_fails_its_item_and_no_other() {
    let fine = (ProgressStatus::Succeeded, None);
    let missing = (ProgressStatus::Failed, Some(Code::SecretMissing));
    let locked = (ProgressStatus::Failed, Some(Code::NotPossible));
    check_secrets("1 2 3 4", &[missing, fine, locked, fine], &["2", "4"]);
    check_secrets("1 3", &[missing, locked], &[]);
    check_secrets("1", &[missing], &[]);
    check_secrets("2 4", &[fine, fine], &["2", "4"]);
}
