//! Measures what the history takes and gives:
//! `cargo run --release -p syncmgr-store --example throughput -- [EVENTS [FOLDER]]`.
//!
//! The targets: 100,000 events a second in batches, the newest 100 of ten million within 10 ms,
//! 9,000 tiny sessions a second when 64 share a transaction.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement needs the clock, prints its figures, and may stop at any fault"
)]

use std::path::Path;
use std::time::Instant;

use syncmgr_center::command::Save;
use syncmgr_center::port::{EventQuery, Store};
use syncmgr_center::state::ItemMemory;
use syncmgr_model::event::{Event, EventLevel, Link};
use syncmgr_model::id::{EventId, HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::record::{ItemResult, SessionRecord, Summary};
use syncmgr_model::request::{Origin, WorkKind};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_store::SqliteStore;

/// Some moment; the history only compares.
const BEGIN: i64 = 1_795_189_501_123;

/// How many events one transaction takes.
const BATCH: u64 = 1000;

fn main() {
    let mut args = std::env::args().skip(1);
    let n_events: u64 = args.next().map_or(1_000_000, |text| text.parse().unwrap());
    let folder = args.next().unwrap_or_else(|| ".".to_owned());
    let dir = tempfile::tempdir_in(Path::new(&folder)).unwrap();
    let mut store = SqliteStore::open(dir.path()).unwrap();

    let n_sessions = 20_000;
    let start = Instant::now();
    for first in (0..n_sessions).step_by(64) {
        let batch: Vec<_> = (first..first + 64).flat_map(session).collect();
        store.save(&batch).unwrap();
    }
    rate("sessions", n_sessions, start);

    let start = Instant::now();
    for first in (1..=n_events).step_by(usize::try_from(BATCH).unwrap()) {
        let last = n_events.min(first + BATCH - 1);
        let batch: Vec<_> = (first..=last).map(|n| Save::Event(event(n))).collect();
        store.save(&batch).unwrap();
    }
    rate("events", n_events, start);
    drop(store);

    let store = SqliteStore::open(dir.path()).unwrap();
    let mut reader = store.reader().unwrap();
    let newest = EventQuery {
        limit: 100,
        ..EventQuery::default()
    };
    let item = Some(item_of(77));
    let handler = Some(HandlerId::new("files").unwrap());
    let since = Some(event(n_events / 2).at);
    for (what, query) in [
        ("newest 100", newest.clone()),
        ("again", newest.clone()),
        (
            "of an item",
            EventQuery {
                item,
                ..newest.clone()
            },
        ),
        (
            "of a handler",
            EventQuery {
                handler,
                ..newest.clone()
            },
        ),
        (
            "errors",
            EventQuery {
                level: 3,
                ..newest.clone()
            },
        ),
        ("since", EventQuery { since, ..newest }),
    ] {
        let start = Instant::now();
        let n = reader.events(&query).unwrap().len();
        println!(
            "{what}: {n} in {:.2} ms",
            start.elapsed().as_secs_f64() * 1e3
        );
    }
}

fn rate(what: &str, n: u64, start: Instant) {
    let seconds = start.elapsed().as_secs_f64();
    println!("{what}: {:.0}/s", n as f64 / seconds);
}

fn item_of(n: u64) -> ItemId {
    ItemId::new(format!("files-{:08x}", n % 500)).unwrap()
}

fn session_of(n: u64) -> SessionId {
    let at = BEGIN + i64::try_from(n).unwrap();
    SessionId::at(Timestamp(at), u16::try_from(n % 65_536).unwrap())
}

/// A tiny session: it begins, it ends, and its item remembers that.
fn session(n: u64) -> [Save; 3] {
    let began = SessionRecord {
        id: session_of(n),
        handler: HandlerId::new("files").unwrap(),
        items: vec![ItemResult {
            item: item_of(n),
            status: None,
            summary: Summary::default(),
            phases: Vec::new(),
        }],
        kind: WorkKind::Sync,
        origin: Origin::Manual,
        started: Timestamp(BEGIN),
        ended: None,
        status: None,
        summary: Summary::default(),
    };
    let mut ended = began.clone();
    ended.ended = Some(Timestamp(BEGIN + 5));
    ended.status = Some(ProgressStatus::Succeeded);
    ended.items[0].status = ended.status;
    let mut memory = ItemMemory::new(ItemKey {
        handler: ended.handler.clone(),
        item: item_of(n),
    });
    memory.last_session = Some(ended.id.clone());
    memory.result = Some((ProgressStatus::Succeeded, Summary::default()));
    [
        Save::Began(began),
        Save::Ended(ended),
        Save::Memory(Box::new(memory)),
    ]
}

fn event(n: u64) -> Event {
    let level = match n % 1000 {
        0 => EventLevel::Error,
        1..10 => EventLevel::Warning,
        _ => EventLevel::Information,
    };
    Event {
        id: EventId(n),
        handler: HandlerId::new("files").unwrap(),
        item: Some(item_of(n / 10)),
        session: Some(session_of(n / 10)),
        at: Timestamp(BEGIN + i64::try_from(n).unwrap()),
        trouble: Trouble::new(Code::PermissionDenied)
            .with("folder", "/home/anna/Photos")
            .with("n", n)
            .at_level(level),
        link: Link::default(),
        context: None,
    }
}
