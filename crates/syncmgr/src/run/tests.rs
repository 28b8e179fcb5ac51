//! A file of a run, cut at every byte, and taken in again after every step of taking it in: each
//! run is in the history exactly once, with its real times.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use syncmgr_center::agenda::Timeless;
use syncmgr_center::center::{Handle, Parts, start};
use syncmgr_center::command::{Answer, Call, Control, Limits, Outside, Update};
use syncmgr_center::port::{Clock as _, EventQuery, Notifier, SessionQuery, Unwatched};
use syncmgr_center::state::State;
use syncmgr_handlers::run::RunFactory;
use syncmgr_host::InProcess;
use syncmgr_model::event::{Event, Link, NewEvent};
use syncmgr_model::id::{HandlerId, ItemId, SessionId};
use syncmgr_model::item::{Item, Settings};
use syncmgr_model::outside::{Reported, ReportedEnd, Subject};
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::record::{SessionRecord, Summary};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_store::SqliteStore;
use syncmgr_store::spool::{Spool, Taken};

use super::take;
use crate::clock::MachineClock;

struct Quiet;

impl Notifier for Quiet {
    fn notify(&mut self, _: &Update, _: &State, _: Timestamp) {}
}

const BEGAN: Timestamp = Timestamp(1_795_189_501_123);
const ENDED: Timestamp = Timestamp(1_795_189_601_456);

fn center(dir: &Path) -> Handle {
    let clock = Arc::new(MachineClock::start());
    let host = InProcess::new(
        vec![Arc::new(RunFactory::default()) as _],
        Vec::new(),
        Arc::clone(&clock) as _,
    );
    start(Parts {
        store: Box::new(SqliteStore::open(dir).unwrap()),
        handlers: Box::new(host),
        clock,
        notifier: Box::new(Quiet),
        calendar: Arc::new(Timeless),
        watches: Box::new(Unwatched),
        saved: Vec::new(),
        schedules: Vec::new(),
        policies: BTreeMap::new(),
        keeps_time: false,
        random: 0,
        limits: Limits::default(),
    })
    .unwrap()
}

fn item() -> Item {
    Item {
        id: ItemId::new("run-1").unwrap(),
        handler: HandlerId::new("run").unwrap(),
        name: None,
        settings: Settings::default(),
        is_enabled: true,
    }
}

fn subject() -> Subject {
    Subject {
        handler: None,
        item: "backup".to_owned(),
        id: Some(item().id),
        command: None,
        max_age_ms: None,
    }
}

fn trouble() -> Trouble {
    Trouble::new(Code::ToolFailed).with("tool", "rsync")
}

fn end() -> ReportedEnd {
    ReportedEnd {
        at: ENDED,
        status: ProgressStatus::Succeeded,
        summary: Summary {
            n_warnings: 3,
            ..Summary::default()
        },
    }
}

fn take(spool: &Spool, center: &Handle) -> Taken {
    take::to_center(spool, center, Timestamp(0), |_| Ok(item()))
}

/// Returns what history has of a run: it, and its results.
fn known(center: &Handle, id: &SessionId) -> Option<(SessionRecord, Vec<Event>)> {
    let id = id.clone();
    center
        .read(move |_, store, _| {
            let session = store.session(&id).unwrap()?;
            let events = store.events(&EventQuery {
                session: Some(id),
                ..EventQuery::default()
            });
            Some((session, events.unwrap()))
        })
        .unwrap()
}

fn codes(events: &[Event]) -> Vec<Code> {
    events
        .iter()
        .rev()
        .map(|event| event.trouble.code)
        .collect()
}

#[test]
fn a_file_cut_anywhere_is_one_run_however_often_it_is_taken_in() {
    let dir = tempfile::tempdir().unwrap();
    let center = center(dir.path());
    let spool = Spool::new(dir.path());
    let whole = {
        let id = SessionId::at(BEGAN, 0);
        let mut writer = spool.begin(&id, &subject(), BEGAN).unwrap();
        writer.event(Timestamp(BEGAN.0 + 5), &trouble()).unwrap();
        writer.end(&end()).unwrap();
        let path = dir.path().join(format!("spool/{id}.jsonl"));
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        text.replace(id.as_str(), "RUN")
    };
    let mut n_known = 0;
    for n in 0..=whole.len() {
        if !whole.is_char_boundary(n) {
            continue;
        }
        let id = SessionId::at(BEGAN, u16::try_from(n + 1).unwrap());
        let path = dir.path().join(format!("spool/{id}.jsonl"));
        let text = whole[..n].replace("RUN", id.as_str());
        // Three times: as it is; as after a death between writing down and removing the file; and
        // the same once more.
        let mut first = None;
        for round in 0..3 {
            std::fs::write(&path, &text).unwrap();
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            let at = std::time::UNIX_EPOCH
                + std::time::Duration::from_millis(u64::try_from(ENDED.0).unwrap());
            file.set_modified(at).unwrap();
            drop(file);
            assert_eq!(take(&spool, &center).n_taken, 1, "cut at {n}");
            assert!(!path.exists(), "cut at {n}");
            let now = known(&center, &id);
            if round == 0 {
                first = now;
            } else {
                assert_eq!(now, first, "cut at {n}, round {round}");
            }
        }
        let n_lines = text.matches('\n').count();
        let Some((record, events)) = first else {
            assert_eq!(
                n_lines, 0,
                "a run that was written down is lost, cut at {n}"
            );
            continue;
        };
        n_known += 1;
        assert_eq!(record.started, BEGAN);
        assert_eq!(record.ended, Some(ENDED));
        let (status, codes_expected): (_, &[Code]) = match n_lines {
            1 => (ProgressStatus::Failed, &[Code::Interrupted]),
            2 => (
                ProgressStatus::Failed,
                &[Code::ToolFailed, Code::Interrupted],
            ),
            3 => (ProgressStatus::Succeeded, &[Code::ToolFailed]),
            _ => panic!("{n_lines} lines"),
        };
        assert_eq!(record.status, Some(status), "cut at {n}");
        assert_eq!(codes(&events), codes_expected, "cut at {n}");
    }
    let all = center
        .read(|_, store, _| store.sessions(&SessionQuery::default()).unwrap())
        .unwrap();
    assert_eq!(all.len(), n_known);
    center.close();
}

/// Begins a session as a program outside, and reports one result.
fn begin(center: &Handle, id: &SessionId) {
    let outside = Outside {
        session: Some(id.clone()),
        item: item(),
    };
    let begun = center.control(Control::BeginOutside(Box::new(outside)));
    assert!(matches!(begun, Ok(Answer::Call(_))), "{begun:?}");
    let event = NewEvent {
        item: Some(item().id),
        trouble: trouble(),
        link: Link::default(),
        context: None,
    };
    let call = Call::Event(Box::new(event));
    center
        .control(Control::Call(id.clone(), Box::new(call)))
        .unwrap();
}

fn reported(id: &SessionId) -> Reported {
    Reported {
        session: id.clone(),
        subject: subject(),
        began: BEGAN,
        events: vec![(BEGAN, trouble()), (ENDED, Trouble::new(Code::Stopped))],
        end: end(),
    }
}

/// The daemon went away while the command ran: what history says of that is replaced by the truth.
#[test]
fn what_was_interrupted_only_for_us_is_put_right_once() {
    let dir = tempfile::tempdir().unwrap();
    let id = SessionId::at(BEGAN, 7);
    let first = center(dir.path());
    begin(&first, &id);
    first.close();
    let second = center(dir.path());
    let (record, events) = known(&second, &id).unwrap();
    assert_eq!(record.status, Some(ProgressStatus::Failed));
    assert_eq!(codes(&events), [Code::ToolFailed, Code::Interrupted]);
    assert!(second.take_in(&item(), &reported(&id)).unwrap());
    for _ in 0..2 {
        let (record, events) = known(&second, &id).unwrap();
        assert_eq!(record.ended, Some(ENDED));
        assert_eq!(record.status, Some(ProgressStatus::Succeeded));
        assert_eq!(codes(&events), [Code::ToolFailed, Code::Stopped]);
        assert!(!second.take_in(&item(), &reported(&id)).unwrap());
    }
    second.close();
}

/// The daemon is there, and the program could not reach it for a while: its session is open still.
#[test]
fn a_session_that_is_still_open_ends_with_the_report() {
    let dir = tempfile::tempdir().unwrap();
    let id = SessionId::at(BEGAN, 8);
    let center = center(dir.path());
    begin(&center, &id);
    assert!(center.take_in(&item(), &reported(&id)).unwrap());
    let (record, events) = known(&center, &id).unwrap();
    assert_eq!(record.ended, Some(ENDED));
    assert_eq!(record.summary.n_warnings, 3);
    assert_eq!(codes(&events), [Code::ToolFailed, Code::Stopped]);
    assert!(!center.take_in(&item(), &reported(&id)).unwrap());
    let n_open = center.read(|state, _, _| state.sessions().count());
    assert_eq!(n_open.unwrap(), 0);
    center.close();
}

/// What a later run said of a sync stays when an earlier one is told late.
#[test]
fn a_late_report_does_not_undo_a_later_one() {
    let dir = tempfile::tempdir().unwrap();
    let center = center(dir.path());
    let failed = |n, status| Reported {
        end: ReportedEnd { status, ..end() },
        ..reported(&SessionId::at(Timestamp(BEGAN.0 + n), 0))
    };
    let status = || {
        let key = syncmgr_model::id::ItemKey {
            handler: item().handler,
            item: item().id,
        };
        let now = MachineClock::start().now();
        let look = move |state: &State, _: &mut dyn syncmgr_center::port::Store, _| {
            state.item(&key, now).map(|view| view.memory.result)
        };
        center
            .read(look)
            .unwrap()
            .flatten()
            .map(|(status, _)| status)
    };
    center
        .take_in(&item(), &failed(10, ProgressStatus::Succeeded))
        .unwrap();
    assert_eq!(status(), Some(ProgressStatus::Succeeded));
    center
        .take_in(&item(), &failed(5, ProgressStatus::Failed))
        .unwrap();
    assert_eq!(status(), Some(ProgressStatus::Succeeded));
    center
        .take_in(&item(), &failed(20, ProgressStatus::Failed))
        .unwrap();
    assert_eq!(status(), Some(ProgressStatus::Failed));
    center.close();
}
