//! What goes in comes out, also after years, other processes and older forms.

use syncmgr_center::state::{HandlerMemory, ItemMemory};
use syncmgr_model::capability::{HandlerCapabilities, HandlerType, ItemPolicies};
use syncmgr_model::event::{EventLevel, Link};
use syncmgr_model::id::{EventId, HandlerId, ItemId, ItemKey};
use syncmgr_model::item::{Settings, Value};
use syncmgr_model::outcome::Outcome;
use syncmgr_model::progress::{Phase, ProgressStatus};
use syncmgr_model::record::{ItemResult, PhaseAt, Summary};
use syncmgr_model::request::{Origin, WorkKind};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble as Said};

use super::prune::KEPT_MS;
use super::*;

mod runs;

fn files() -> HandlerId {
    HandlerId::new("files").unwrap()
}

fn id(text: &str) -> ItemId {
    ItemId::new(text).unwrap()
}

fn key(item: &str) -> ItemKey {
    ItemKey {
        handler: files(),
        item: id(item),
    }
}

fn summary() -> Summary {
    let mut summary = Summary::default();
    summary.done.left.n_copied = 3;
    summary.n_conflicts = 2;
    summary
}

fn record_of(session: &str, items: &[&str]) -> SessionRecord {
    SessionRecord {
        id: SessionId::new(session).unwrap(),
        handler: files(),
        items: items
            .iter()
            .map(|item| ItemResult {
                item: id(item),
                status: None,
                summary: summary(),
                phases: vec![PhaseAt {
                    phase: Phase::Copying,
                    after_ms: 1_200,
                }],
            })
            .collect(),
        kind: WorkKind::Sync,
        origin: Origin::Schedule("nightly".into()),
        started: Timestamp(5),
        ended: None,
        status: None,
        summary: summary(),
    }
}

fn record(session: &str) -> SessionRecord {
    record_of(session, &["i"])
}

fn ended(mut record: SessionRecord, at: i64) -> SessionRecord {
    record.ended = Some(Timestamp(at));
    record.status = Some(ProgressStatus::Succeeded);
    for result in &mut record.items {
        result.status = Some(ProgressStatus::Succeeded);
    }
    record
}

fn item(name: Option<&str>) -> Item {
    let mut settings = Settings::default();
    settings.set("left", Value::Text("/a".into()));
    settings.set("keep_days", Value::Number(30));
    settings.set("exclude", Value::List(vec!["*.tmp".into()]));
    Item {
        id: id("i"),
        handler: files(),
        name: name.map(str::to_owned),
        settings,
        is_enabled: true,
    }
}

fn event(number: u64, level: EventLevel) -> Event {
    Event {
        id: EventId(number),
        handler: files(),
        item: Some(id("i")),
        session: Some(SessionId::new("s").unwrap()),
        at: Timestamp(i64::try_from(number).unwrap()),
        trouble: Said {
            paths: vec!["a/b".into()],
            ..Said::new(Code::PermissionDenied).with("n", 14)
        }
        .at_level(level),
        link: Link {
            text: Some("More".into()),
            reference: Some("https://example.org/".into()),
        },
        context: Some("mine".into()),
    }
}

fn store() -> (tempfile::TempDir, SqliteStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    (dir, store)
}

fn of_session(store: &mut SqliteStore, session: &SessionId) -> Vec<Event> {
    let query = EventQuery {
        session: Some(session.clone()),
        ..EventQuery::default()
    };
    store.events(&query).unwrap()
}

#[test]
fn what_was_saved_comes_back() {
    let item = item(Some("Photos"));
    let event = event(7, EventLevel::Error);
    let began = record_of("s", &["i"]);
    let mut done = ended(record_of("s", &["i", "late"]), 9);
    done.items[1].status = Some(ProgressStatus::Failed);
    done.origin = Origin::Manual;
    let (dir, mut store) = store();
    store
        .save(&[Save::Item(item.clone()), Save::Began(began.clone())])
        .unwrap();
    assert_eq!(store.session(&done.id).unwrap(), Some(began));
    store
        .save(&[Save::Event(event.clone()), Save::Ended(done.clone())])
        .unwrap();
    drop(store);
    let mut store = SqliteStore::open(dir.path()).unwrap();
    assert_eq!(store.items().unwrap(), [item]);
    assert_eq!(store.session(&done.id).unwrap(), Some(done.clone()));
    assert_eq!(of_session(&mut store, &done.id), [event]);
    store.save(&[Save::ItemGone(key("i"))]).unwrap();
    assert!(store.items().unwrap().is_empty());
    assert_eq!(
        store.session(&done.id).unwrap(),
        Some(done),
        "history stays"
    );
}

#[test]
fn memories_of_handlers_and_items_come_back() {
    let (dir, mut store) = store();
    let mut handler = HandlerMemory::new(files());
    handler.name = "Files".into();
    handler.kind = HandlerType::Folder;
    handler.capabilities = HandlerCapabilities::CONFLICT_STORE;
    handler.is_active = true;
    handler.last_sync = Some(Timestamp(-4));
    let mut memory = ItemMemory::new(key("i"));
    memory.name = "Photos".into();
    memory.policies = ItemPolicies::PREVENT_ENABLE;
    memory.is_enabled = false;
    memory.last_session = Some(SessionId::new("s").unwrap());
    memory.result = Some((ProgressStatus::Failed, summary()));
    memory.reason = Some(event(1, EventLevel::Warning).trouble);
    memory.paused_until = Some(Timestamp(i64::MAX));
    memory.n_errors = 3;
    let bare = ItemMemory::new(ItemKey {
        handler: HandlerId::new("other").unwrap(),
        item: id("i"),
    });
    store
        .save(&[
            Save::Handler(handler.clone()),
            Save::Memory(Box::new(memory.clone())),
            Save::Memory(Box::new(bare.clone())),
        ])
        .unwrap();
    drop(store);
    let mut store = SqliteStore::open(dir.path()).unwrap();
    let remembered = store.remembered().unwrap();
    assert_eq!(remembered.handlers, [handler]);
    assert_eq!(remembered.items, [memory, bare.clone()]);
    store.save(&[Save::HandlerGone(files())]).unwrap();
    let remembered = store.remembered().unwrap();
    assert_eq!(
        (remembered.handlers, remembered.items),
        (vec![], vec![bare])
    );
}

#[test]
fn history_ends_after_ninety_days_but_the_last_session_stays() {
    let (_dir, mut store) = store();
    let old = |session: &str, item: &str, at: i64| {
        let mut record = ended(record_of(session, &[item]), at);
        record.started = Timestamp(at);
        Save::Ended(record)
    };
    store
        .save(&[
            old("1", "a", 0),
            old("2", "b", 0),
            old("3", "a", 1),
            Save::Event(event(1, EventLevel::Error)),
        ])
        .unwrap();
    store.save(&[old("4", "a", KEPT_MS + 2)]).unwrap();
    let left = store.sessions(&SessionQuery::default()).unwrap();
    let ids: Vec<_> = left.iter().map(|session| session.id.as_str()).collect();
    assert_eq!(ids, ["4", "2"]);
    assert!(store.events(&EventQuery::default()).unwrap().is_empty());
    assert_eq!(store.remembered().unwrap().last_event, 1);
}

#[test]
fn many_items_that_are_done_for_good_do_not_stop_the_forgetting() {
    let (_dir, mut store) = store();
    let old = |session: String, item: &str, at: i64| {
        let mut record = ended(record_of(&session, &[item]), at);
        record.started = Timestamp(at);
        Save::Ended(record)
    };
    let last: Vec<_> = (0..100)
        .map(|n| old(format!("a{n:03}"), &format!("x{n}"), 0))
        .collect();
    store.save(&last).unwrap();
    store.save(&[old("b1".into(), "i", 0)]).unwrap();
    for n in 0..20 {
        store
            .save(&[old(format!("c{n:02}"), "i", KEPT_MS + 1)])
            .unwrap();
    }
    assert_eq!(store.session(&SessionId::new("b1").unwrap()).unwrap(), None);
    assert_eq!(store.sessions(&SessionQuery::default()).unwrap().len(), 120);
}

#[test]
fn a_withdrawn_session_takes_an_unknown_item_with_it() {
    let (_dir, mut store) = store();
    let item = item(None);
    store
        .save(&[Save::Item(item.clone()), Save::Began(record("s"))])
        .unwrap();
    store
        .save(&[Save::Item(item), Save::Began(record("t"))])
        .unwrap();
    store.save(&[Save::Withdrawn(record("t"))]).unwrap();
    assert_eq!(store.items().unwrap().len(), 1, "it has a session");
    store.save(&[Save::Withdrawn(record("s"))]).unwrap();
    assert!(store.items().unwrap().is_empty());
    assert!(store.sessions(&SessionQuery::default()).unwrap().is_empty());
}

#[test]
fn only_sessions_of_a_vanished_process_are_abandoned() {
    let (dir, mut first) = store();
    first.save(&[Save::Began(record("s"))]).unwrap();
    assert!(first.remembered().unwrap().abandoned.is_empty(), "its own");
    let mut second = SqliteStore::open(dir.path()).unwrap();
    let abandoned = |store: &mut SqliteStore| store.remembered().unwrap().abandoned;
    assert!(abandoned(&mut second).is_empty(), "its owner lives");
    drop(first);
    assert_eq!(abandoned(&mut second), [record("s")]);
}

#[test]
fn a_file_that_is_no_database_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.db");
    std::fs::write(&path, vec![b'x'; 5000]).unwrap();
    let mut store = SqliteStore::open(dir.path()).unwrap();
    assert!(store.items().unwrap().is_empty());
    assert!(dir.path().join("history.db.damaged").exists());
    assert_eq!(
        store.was_set_aside(),
        Some(&*dir.path().join("history.db.damaged"))
    );
}

#[test]
fn sessions_come_newest_first_and_by_item() {
    let (_dir, mut store) = store();
    store
        .save(&[
            Save::Ended(ended(record_of("1", &["a"]), 9)),
            Save::Ended(ended(record_of("2", &["b", "a"]), 9)),
            Save::Ended(ended(record_of("3", &["b"]), 9)),
        ])
        .unwrap();
    let mut check = |item: Option<&str>, before: Option<&str>, limit, expected: &[&str]| {
        let query = SessionQuery {
            item: item.map(key),
            before: before.map(|text| SessionId::new(text).unwrap()),
            limit,
            ..SessionQuery::default()
        };
        let found = store.sessions(&query).unwrap();
        let ids: Vec<_> = found.iter().map(|session| session.id.as_str()).collect();
        assert_eq!(ids, expected, "{query:?}");
    };
    check(None, None, 0, &["3", "2", "1"]);
    check(None, None, 2, &["3", "2"]);
    check(None, Some("3"), 1, &["2"]);
    check(Some("a"), None, 0, &["2", "1"]);
    check(Some("a"), Some("2"), 0, &["1"]);
    check(Some("b"), None, 1, &["3"]);
    check(Some("c"), None, 0, &[]);
}

#[test]
fn events_come_newest_first_by_every_condition() {
    use EventLevel::{Error, Information, Warning};
    let (_dir, mut store) = store();
    let other = Event {
        handler: HandlerId::new("other").unwrap(),
        item: None,
        session: None,
        ..event(4, Warning)
    };
    let all = [
        event(1, Information),
        event(2, Warning),
        event(3, Error),
        other,
        event(5, Information),
    ];
    store.save(&all.clone().map(Save::Event)).unwrap();
    let check = |store: &mut SqliteStore, query: EventQuery, expected: &[u64]| {
        let found = store.events(&query).unwrap();
        let ids: Vec<_> = found.iter().map(|event| event.id.0).collect();
        assert_eq!(ids, expected, "{query:?}");
    };
    let any = EventQuery::default;
    let level = |level| EventQuery { level, ..any() };
    check(&mut store, any(), &[5, 4, 3, 2, 1]);
    check(&mut store, level(1), &[5, 4, 3, 2, 1]);
    check(&mut store, level(2), &[4, 3, 2]);
    check(&mut store, level(3), &[3]);
    check(&mut store, level(4), &[]);
    let handler = Some(files());
    check(
        &mut store,
        EventQuery {
            handler: handler.clone(),
            ..any()
        },
        &[5, 3, 2, 1],
    );
    check(
        &mut store,
        EventQuery {
            handler,
            ..level(2)
        },
        &[3, 2],
    );
    check(
        &mut store,
        EventQuery {
            item: Some(id("i")),
            ..any()
        },
        &[5, 3, 2, 1],
    );
    check(
        &mut store,
        EventQuery {
            item: Some(id("i")),
            ..level(3)
        },
        &[3],
    );
    let session = Some(SessionId::new("s").unwrap());
    check(
        &mut store,
        EventQuery {
            session,
            limit: 2,
            ..level(2)
        },
        &[3, 2],
    );
    check(
        &mut store,
        EventQuery {
            before: Some(EventId(4)),
            limit: 2,
            ..any()
        },
        &[3, 2],
    );
    check(
        &mut store,
        EventQuery {
            since: Some(Timestamp(4)),
            ..any()
        },
        &[5, 4],
    );
    store
        .save(&[Save::EventsGone(vec![EventId(5), EventId(2)])])
        .unwrap();
    check(&mut store, any(), &[4, 3, 1]);
    assert_eq!(
        store.remembered().unwrap().last_event,
        5,
        "never used again"
    );
}

#[test]
fn an_event_whose_id_is_taken_is_kept_under_the_next() {
    let (_dir, mut store) = store();
    let mut other = event(1, EventLevel::Warning);
    store
        .save(&[Save::Event(event(1, EventLevel::Error))])
        .unwrap();
    store.save(&[Save::Event(other.clone())]).unwrap();
    other.id = EventId(2);
    let found = store.events(&EventQuery::default()).unwrap();
    assert_eq!(found, [other, event(1, EventLevel::Error)]);
}

#[test]
fn a_reader_sees_everything_and_writes_nothing() {
    let (_dir, mut store) = store();
    let mut reader = store.reader().unwrap();
    store
        .save(&[Save::Item(item(None)), Save::Began(record("s"))])
        .unwrap();
    store
        .save(&[Save::Event(event(1, EventLevel::Error))])
        .unwrap();
    assert_eq!(reader.items().unwrap(), [item(None)]);
    assert_eq!(reader.session(&record("s").id).unwrap(), Some(record("s")));
    assert_eq!(reader.events(&EventQuery::default()).unwrap().len(), 1);
    assert!(reader.save(&[Save::ItemGone(key("i"))]).is_err());
    assert_eq!(store.items().unwrap().len(), 1);
}

#[test]
fn half_of_a_save_is_not_written() {
    let (_dir, mut store) = store();
    store.db.execute_batch("DROP TABLE event").unwrap();
    let event = Save::Event(event(1, EventLevel::Error));
    assert!(store.save(&[Save::Began(record("s")), event]).is_err());
    assert!(store.sessions(&SessionQuery::default()).unwrap().is_empty());
}

/// Rows as the first release wrote them.
const OLD_ROWS: &str = r#"
PRAGMA user_version = 1;
INSERT INTO item VALUES ('i', 'files', 'Photos', '{"left":"/a","keep_days":30,"exclude":["*.tmp"]}');
INSERT INTO item VALUES ('never', 'files', NULL, '{}');
INSERT INTO session VALUES ('1', 'files', 'i', 'sync', 1, 2, 'succeeded', NULL, '{"conflicts":5}');
INSERT INTO session VALUES ('2', 'files', 'i', 'sync', 3, 4, 'failed', NULL, '{"conflicts":4,"failures":1}');
INSERT INTO session VALUES ('3', 'files', 'i', 'resolve', 5, 6, 'succeeded', NULL, '{"conflicts":1}');
INSERT INTO session VALUES ('4', 'files', 'i', 'sync', 7, 8, 'canceled', NULL, '{"conflicts":9}');
INSERT INTO session VALUES ('5', 'files', 'i', 'sync', 9, NULL, NULL, 'owner-0-0.lock', '{}');
INSERT INTO event VALUES (1, '2', 'i', 4, 'warning', 'unsyncable', '{"n":"2"}', '["a"]');
INSERT INTO event VALUES (2, '2', 'i', 4, 'error', 'disk-full', '{"folder":"/a"}', '[]');
INSERT INTO event VALUES (9, 'pruned', 'i', 4, 'information', 'stopped', '{}', '[]');
"#;

#[test]
fn a_history_of_the_first_form_is_found_whole() {
    let dir = tempfile::tempdir().unwrap();
    let db = Connection::open(dir.path().join("history.db")).unwrap();
    db.execute_batch(include_str!("../schema/1.sql")).unwrap();
    db.execute_batch(OLD_ROWS).unwrap();
    drop(db);
    let mut store = SqliteStore::open(dir.path()).unwrap();
    let items = store.items().unwrap();
    assert_eq!(items[0], item(Some("Photos")));
    assert_eq!(items.len(), 2);
    let sessions = store.sessions(&SessionQuery::default()).unwrap();
    let ids: Vec<_> = sessions.iter().map(|session| session.id.as_str()).collect();
    assert_eq!(ids, ["5", "4", "3", "2", "1"]);
    let words = Outcome::ALL.map(|outcome| {
        let wanted = SessionQuery {
            item: Some(key("i")),
            outcomes: vec![outcome],
            ..SessionQuery::default()
        };
        let of_item = store.sessions(&wanted).unwrap();
        let of_all = SessionQuery {
            item: None,
            ..wanted
        };
        assert_eq!(of_item, store.sessions(&of_all).unwrap());
        let ids = of_item.iter().map(|it| it.id.as_str());
        ids.collect::<String>()
    });
    assert_eq!(words, ["", "", "31", "", "2", "", "4"]);
    let failed = &sessions[3];
    assert_eq!(failed.item(), &id("i"));
    assert_eq!(failed.items[0].status, Some(ProgressStatus::Failed));
    assert_eq!(failed.items[0].summary, failed.summary);
    assert_eq!(
        (failed.summary.n_conflicts, failed.summary.n_failures),
        (4, 1)
    );
    assert_eq!(failed.origin, Origin::Manual);
    let events = store.events(&EventQuery::default()).unwrap();
    let ids: Vec<_> = events.iter().map(|event| event.id.0).collect();
    assert_eq!(ids, [9, 2, 1]);
    assert_eq!(events[0].handler, files());
    let full = Said::new(Code::DiskFull).with("folder", "/a");
    assert_eq!(events[1].trouble, full);

    let remembered = store.remembered().unwrap();
    assert_eq!(remembered.last_event, 9);
    assert_eq!(remembered.abandoned.len(), 1);
    let memory = &remembered.items[0];
    assert_eq!((&memory.key, memory.name.as_str()), (&key("i"), "Photos"));
    let (status, left) = memory.result.unwrap();
    assert_eq!(
        status,
        ProgressStatus::Failed,
        "a decision does not heal it"
    );
    assert_eq!((left.n_conflicts, left.n_failures), (1, 1));
    assert_eq!(memory.reason, Some(full));
    assert_eq!(memory.last_session, Some(SessionId::new("3").unwrap()));
    assert_eq!(memory.last_sync, Some(Timestamp(2)));
    assert_eq!(memory.n_errors, 0, "the last session had none");
    assert_eq!(remembered.items[1].result, None);
}

#[test]
fn a_history_of_a_newer_program_is_left_alone() {
    let (dir, store) = store();
    store.db.pragma_update(None, "user_version", 99).unwrap();
    drop(store);
    let error = SqliteStore::open(dir.path()).unwrap_err();
    assert!(error.detail.contains("newer syncmgr"), "{error}");
    assert!(!dir.path().join("history.db.damaged").exists());
}

/// Damages pages in the middle of a closed history, as a bad disk does.
fn damage(dir: &std::path::Path) {
    let path = dir.join("history.db");
    // The log has to be folded in, or it would heal the pages.
    let db = Connection::open(&path).unwrap();
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    drop(db);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096..20_000].fill(b'x');
    std::fs::write(&path, bytes).unwrap();
}

#[test]
fn a_copy_is_made_once_a_day_and_two_are_kept() {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    let (_dir, store) = store();
    assert!(store.back_up(Timestamp(5)).unwrap().is_some());
    assert_eq!(store.back_up(Timestamp(4 + DAY)).unwrap(), None);
    assert!(store.back_up(Timestamp(5 + DAY)).unwrap().is_some());
    assert!(store.back_up(Timestamp(9 * DAY)).unwrap().is_some());
    let at: Vec<_> = store
        .backups()
        .list()
        .iter()
        .map(|copy| copy.at.0)
        .collect();
    assert_eq!(at, [9 * DAY, 5 + DAY]);
    assert_eq!(
        store.back_up(Timestamp(0)).unwrap().unwrap().at.0,
        0,
        "the clock was put back"
    );
}

#[test]
fn a_damaged_history_is_restored_from_the_last_good_copy() {
    let (dir, mut store) = store();
    store.save(&[Save::Began(record("s"))]).unwrap();
    let copy = store.back_up(Timestamp(7)).unwrap().unwrap();
    store.save(&[Save::Began(record("t"))]).unwrap();
    // A second copy that is damaged itself.
    std::fs::write(dir.path().join("backup/history-8.db"), [b'x'; 9000]).unwrap();
    drop(store);
    damage(dir.path());
    // The mark of a process that died: all of the file is looked at.
    std::fs::write(dir.path().join("owner-0-0.lock"), "").unwrap();
    let mut store = SqliteStore::open(dir.path()).unwrap();
    let repair = store.repaired().unwrap();
    assert_eq!(repair.restored.as_ref(), Some(&copy));
    assert_eq!(repair.aside, dir.path().join("history.db.damaged"));
    assert!(repair.aside.exists());
    assert!(!dir.path().join("owner-0-0.lock").exists());
    assert_eq!(store.remembered().unwrap().abandoned, [record("s")]);
    drop(store);
    let store = SqliteStore::open(dir.path()).unwrap();
    assert_eq!(store.repaired(), None);
}

#[test]
fn a_damaged_history_without_a_copy_begins_anew() {
    let (dir, mut store) = store();
    store.save(&[Save::Began(record("s"))]).unwrap();
    drop(store);
    damage(dir.path());
    std::fs::write(dir.path().join("owner-0-0.lock"), "").unwrap();
    let mut store = SqliteStore::open(dir.path()).unwrap();
    assert_eq!(store.repaired().unwrap().restored, None);
    assert!(store.sessions(&SessionQuery::default()).unwrap().is_empty());
}

#[test]
fn a_damaged_history_that_is_in_use_is_left_alone() {
    let (dir, mut store) = store();
    store.save(&[Save::Began(record("s"))]).unwrap();
    damage(dir.path());
    std::fs::write(dir.path().join("owner-0-0.lock"), "").unwrap();
    let error = SqliteStore::open(dir.path()).unwrap_err();
    assert!(error.detail.contains("another syncmgr"), "{error}");
    assert!(!dir.path().join("history.db.damaged").exists());
    drop(store);
}

#[test]
fn an_old_history_is_copied_before_its_form_changes() {
    let dir = tempfile::tempdir().unwrap();
    let db = Connection::open(dir.path().join("history.db")).unwrap();
    db.execute_batch(include_str!("../schema/1.sql")).unwrap();
    db.execute_batch(OLD_ROWS).unwrap();
    drop(db);
    let store = SqliteStore::open(dir.path()).unwrap();
    let copies = store.backups().list();
    assert_eq!(copies.len(), 1);
    let copy = Connection::open(&copies[0].path).unwrap();
    assert_eq!(crate::migrate::version(&copy).unwrap(), 1);
}
