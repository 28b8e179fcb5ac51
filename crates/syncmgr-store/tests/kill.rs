//! A process that writes to the history is killed at any moment, again and again. What it was told
//! is written must be there afterwards, once.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use syncmgr_center::command::Save;
use syncmgr_center::port::{EventQuery, SessionQuery, Store};
use syncmgr_center::state::ItemMemory;
use syncmgr_model::event::{Event, Link};
use syncmgr_model::id::{EventId, HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::record::{ItemResult, SessionRecord, Summary};
use syncmgr_model::request::{Origin, WorkKind};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_store::SqliteStore;

/// Names the folder of the history to the process that writes.
const DIR: &str = "SYNCMGR_TEST_KILL_DIR";

/// Processes that are killed.
const ROUNDS: usize = 12;

/// Results in one session.
const EVENTS: u64 = 20;

fn began(id: SessionId) -> SessionRecord {
    SessionRecord {
        id,
        handler: HandlerId::new("files").unwrap(),
        items: vec![ItemResult {
            item: ItemId::new("i").unwrap(),
            status: None,
            summary: Summary::default(),
            phases: Vec::new(),
        }],
        kind: WorkKind::Sync,
        origin: Origin::Manual,
        started: Timestamp(1),
        ended: None,
        status: None,
        summary: Summary::default(),
    }
}

fn event(id: u64, session: &SessionId) -> Event {
    Event {
        id: EventId(id),
        handler: HandlerId::new("files").unwrap(),
        item: Some(ItemId::new("i").unwrap()),
        session: Some(session.clone()),
        at: Timestamp(i64::try_from(id).unwrap()),
        trouble: Trouble::new(Code::DiskFull).with("folder", "x".repeat(300)),
        link: Link::default(),
        context: None,
    }
}

/// The process that is killed; without the folder, as in an ordinary run, it does nothing.
#[test]
fn writes_until_it_is_killed() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let mut store = SqliteStore::open(Path::new(&dir)).unwrap();
    let mut last_event = store.remembered().unwrap().last_event;
    let mut out = std::io::stdout();
    let mut say = |what: &str| {
        writeln!(out, "\nsaved {what}").unwrap();
        out.flush().unwrap();
    };
    for n in 0.. {
        let pid = std::process::id();
        let id = SessionId::new(format!("{pid}-{n:08}")).unwrap();
        let mut record = began(id.clone());
        store.save(&[Save::Began(record.clone())]).unwrap();
        say(&format!("began {id}"));
        let mut batch = Vec::new();
        for _ in 0..EVENTS {
            last_event += 1;
            batch.push(Save::Event(event(last_event, &id)));
        }
        record.ended = Some(Timestamp(2));
        record.status = Some(ProgressStatus::Succeeded);
        let mut memory = ItemMemory::new(ItemKey {
            handler: record.handler.clone(),
            item: record.item().clone(),
        });
        memory.last_session = Some(id.clone());
        batch.push(Save::Ended(record));
        batch.push(Save::Memory(Box::new(memory)));
        store.save(&batch).unwrap();
        say(&format!("ended {id}"));
    }
}

/// Runs a process that writes, kills it after `n` lines, and returns what it had said.
fn run_and_kill(dir: &Path, n: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["writes_until_it_is_killed", "--exact", "--nocapture"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = Vec::new();
    let mut take = |line: String| {
        if let Some(what) = line.strip_prefix("saved ") {
            said.push(what.to_owned());
        }
        said.len()
    };
    while take(lines.next().expect("it ended by itself").unwrap()) < n {}
    child.kill().unwrap();
    // Lines that were still in the pipe were said, too; each was written as a whole.
    for line in lines.map_while(Result::ok) {
        take(line);
    }
    child.wait().unwrap();
    said
}

#[test]
fn nothing_that_was_saved_is_lost_by_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut said = BTreeSet::new();
    for round in 0..ROUNDS {
        // Spread so that kills fall into the first writes, folding in, and everything between.
        let lines = run_and_kill(dir.path(), 1 + round * round * 3);
        assert!(
            lines.iter().all(|line| said.insert(line.clone())),
            "said twice"
        );
        if round % 3 == 0 {
            check(dir.path(), &said);
        }
    }
    check(dir.path(), &said);
}

#[track_caller]
fn check(dir: &Path, said: &BTreeSet<String>) {
    let mut store = SqliteStore::open(dir).unwrap();
    assert_eq!(store.repaired(), None);
    let sessions = store.sessions(&SessionQuery::default()).unwrap();
    let abandoned = store.remembered().unwrap().abandoned;
    for line in said {
        let (what, id) = line.split_once(' ').unwrap();
        let session = sessions.iter().find(|session| session.id.as_str() == id);
        let Some(session) = session else {
            panic!("{line} is missing");
        };
        assert!(what != "ended" || session.ended.is_some(), "{line} is open");
    }
    let mut seen = BTreeSet::new();
    for session in &sessions {
        assert!(
            seen.insert(session.id.clone()),
            "{} is there twice",
            session.id
        );
        let is_abandoned = abandoned.contains(session);
        assert_eq!(session.ended.is_none(), is_abandoned, "{}", session.id);
        let query = EventQuery {
            session: Some(session.id.clone()),
            ..EventQuery::default()
        };
        let n = store.events(&query).unwrap().len() as u64;
        let expected = if is_abandoned { 0 } else { EVENTS };
        assert_eq!(n, expected, "results of {}", session.id);
    }
}
