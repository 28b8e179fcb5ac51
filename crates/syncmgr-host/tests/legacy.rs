//! A handler of the older family in a real center, with real threads.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends at whatever it did not expect, also in what helps it"
)]

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use syncmgr_center::agenda::Calendar;
use syncmgr_center::center::{Handle, Parts, start};
use syncmgr_center::command::{
    Answer, Control, Limits, Outcome, Remembered, Save, Scope, StartOptions, Update,
};
use syncmgr_center::legacy::{Registration, Registry};
use syncmgr_center::port::{
    Clock, EventQuery, Handlers, Notifier, SessionQuery, Store, StoreError, Unwatched,
};
use syncmgr_center::state::State;
use syncmgr_host::{InProcess, ToCenter};
use syncmgr_model::capability::ControlFlags;
use syncmgr_model::event::Event;
use syncmgr_model::id::{ItemKey, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::record::SessionRecord;
use syncmgr_model::schedule::{Trigger, Window, Zone};
use syncmgr_model::time::Timestamp;
use syncmgr_sdk::legacy::{
    Adapter, AfterError, AlwaysOn, Answer as Takes, ChoiceStore, Choices, Connections, Dialogs,
    Failure, Guid, HandlerFlags, InvokeFlags, ItemFlags, LegacyCallback, LegacyFactory,
    LegacyHandler, LegacyHandlerInfo, LegacyItem, LegacyItems, LegacyProgress, LogInfo, LogLevel,
    Occasion, Preparation, RegisterFlags, Status, Surroundings,
};
use syncmgr_sdk::{HandlerFactory, Operation};

const CLASS: Guid = Guid([0xc1; 16]);
const LETTERS: Guid = Guid([1; 16]);
const NOTES: Guid = Guid([2; 16]);
const FULL: Guid = Guid([0xe1; 16]);

/// Mail: the notes fail once, and a person who follows the error gets another go.
struct Mail {
    calls: Sender<String>,
    callback: Mutex<Option<Arc<dyn LegacyCallback>>>,
    ids: Mutex<Vec<Guid>>,
    n_syncs: Mutex<u32>,
}

impl Mail {
    fn note(&self, call: String) {
        // Nobody listens any more when the test is over.
        drop(self.calls.send(call));
    }

    fn callback(&self) -> Arc<dyn LegacyCallback> {
        self.callback.lock().unwrap().clone().unwrap()
    }
}

fn work(callback: &dyn LegacyCallback, ids: &[Guid], n_syncs: u32) {
    for id in ids {
        let is_full = *id == NOTES && n_syncs == 1;
        let mut progress = LegacyProgress {
            text: Some("fetching".into()),
            status: Some(Status::Updating),
            value: Some(1),
            max: Some(2),
        };
        callback.progress(*id, &progress);
        if is_full {
            let info = LogInfo {
                is_link: true,
                error: Some(FULL),
                item: Some(*id),
            };
            callback.log_error(LogLevel::Error, "The box is full", info);
        }
        let end = if is_full {
            Status::Failed
        } else {
            Status::Succeeded
        };
        progress.status = Some(end);
        callback.progress(*id, &progress);
    }
}

impl LegacyHandler for Mail {
    fn initialize(&self, occasion: Occasion, cookie: Option<&[u8]>) -> Result<Takes, Failure> {
        if !occasion.is_settings {
            self.note(format!("initialize {:?} {cookie:?}", occasion.event));
        }
        Ok(Takes::Ok)
    }

    fn handler_info(&self) -> Result<LegacyHandlerInfo, Failure> {
        Ok(LegacyHandlerInfo {
            name: "Mail".into(),
            flags: HandlerFlags::default(),
        })
    }

    fn items(&self) -> Result<LegacyItems, Failure> {
        let item = |id, name: &str| LegacyItem {
            id,
            name: name.into(),
            flags: ItemFlags::default(),
            is_checked: true,
            last_update: None,
        };
        Ok(LegacyItems {
            items: vec![item(LETTERS, "Letters"), item(NOTES, "Notes")],
            is_complete: true,
        })
    }

    fn show_properties(&self, _item: Option<Guid>) -> Result<(), Failure> {
        Err(Failure::new(Failure::NOT_IMPLEMENTED, ""))
    }

    fn set_progress_callback(&self, callback: Option<Arc<dyn LegacyCallback>>) {
        *self.callback.lock().unwrap() = callback;
    }

    fn prepare_for_sync(&self, ids: &[Guid]) -> Result<Preparation, Failure> {
        self.note(format!("prepare {}", ids.len()));
        *self.ids.lock().unwrap() = ids.to_vec();
        self.callback().prepare_for_sync_completed(Ok(()));
        Ok(Preparation::Started)
    }

    fn synchronize(&self) -> Result<(), Failure> {
        let n_syncs = {
            let mut n_syncs = self.n_syncs.lock().unwrap();
            *n_syncs += 1;
            *n_syncs
        };
        let (callback, ids) = (self.callback(), self.ids.lock().unwrap().clone());
        let calls = self.calls.clone();
        thread::spawn(move || {
            work(&*callback, &ids, n_syncs);
            drop(calls.send("synchronized".to_owned()));
            callback.synchronize_completed(Ok(()));
        });
        Ok(())
    }

    fn set_item_status(&self, _id: Guid, _status: Status) -> Result<(), Failure> {
        Ok(())
    }

    fn show_error(&self, error: Guid) -> Result<(), Failure> {
        assert_eq!(error, FULL);
        let callback = self.callback();
        assert!(callback.enable_modeless(true));
        callback.enable_modeless(false);
        callback.delete_log_error(Some(error));
        callback.show_error_completed(Ok(AfterError::Retry(vec![NOTES])));
        Ok(())
    }
}

struct Maker(Sender<String>);

impl LegacyFactory for Maker {
    fn class(&self) -> Guid {
        CLASS
    }

    fn create(&self) -> Result<Box<dyn LegacyHandler>, Failure> {
        Ok(Box::new(Mail {
            calls: self.0.clone(),
            callback: Mutex::default(),
            ids: Mutex::default(),
            n_syncs: Mutex::default(),
        }))
    }
}

/// Choices that last as long as the test.
struct Remembers;

impl ChoiceStore for Remembers {
    fn load(&self, _handler: Guid) -> Result<Choices, Failure> {
        Ok(Choices::default())
    }

    fn save(&self, _handler: Guid, _choices: &Choices) -> Result<(), Failure> {
        Ok(())
    }
}

struct NoonAlways;

impl Clock for NoonAlways {
    fn now(&self) -> Timestamp {
        Timestamp(1_795_000_000_000)
    }

    fn elapsed_ms(&self) -> u64 {
        0
    }
}

/// No schedule has a time here.
struct NoTimes;

impl Calendar for NoTimes {
    fn next(
        &self,
        _trigger: &Trigger,
        _zone: &Zone,
        _after: Timestamp,
        _anchor: Timestamp,
    ) -> Option<Timestamp> {
        None
    }

    fn next_open(&self, _windows: &[Window], _zone: &Zone, at: Timestamp) -> Option<Timestamp> {
        Some(at)
    }
}

/// Passes on what ends.
struct Ended(Sender<SessionId>);

impl Notifier for Ended {
    fn notify(&mut self, update: &Update, _state: &State, _now: Timestamp) {
        if let Update::Ended(session) = update {
            drop(self.0.send(session.clone()));
        }
    }
}

/// A memory that lasts as long as the test.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<Save>>>);

impl Store for Memory {
    fn remembered(&mut self) -> Result<Remembered, StoreError> {
        Ok(Remembered::default())
    }

    fn save(&mut self, changes: &[Save]) -> Result<(), StoreError> {
        self.0.lock().unwrap().extend_from_slice(changes);
        Ok(())
    }

    fn items(&mut self) -> Result<Vec<Item>, StoreError> {
        Ok(Vec::new())
    }

    fn sessions(&mut self, _query: &SessionQuery) -> Result<Vec<SessionRecord>, StoreError> {
        Ok(Vec::new())
    }

    fn session(&mut self, _id: &SessionId) -> Result<Option<SessionRecord>, StoreError> {
        Ok(None)
    }

    fn events(&mut self, _query: &EventQuery) -> Result<Vec<Event>, StoreError> {
        Ok(Vec::new())
    }

    fn reader(&self) -> Result<Box<dyn Store>, StoreError> {
        Ok(Box::new(self.clone()))
    }
}

struct Desk {
    center: Handle,
    adapter: Arc<dyn HandlerFactory>,
    calls: Receiver<String>,
    ended: Receiver<SessionId>,
    memory: Memory,
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.center.close();
    }
}

fn desk() -> Desk {
    let (calls, has_called) = channel();
    let (ended, has_ended) = channel();
    let to_center = Arc::new(ToCenter::default());
    let around = Surroundings {
        dialogs: Arc::new(Dialogs::default()),
        connections: Arc::new(Connections::new(Box::new(AlwaysOn))),
        control: Arc::clone(&to_center) as _,
        choices: Arc::new(Remembers),
    };
    let adapter: Arc<dyn HandlerFactory> = Arc::new(Adapter::new(Box::new(Maker(calls)), around));
    let host = InProcess::new(vec![Arc::clone(&adapter)], Vec::new(), Arc::new(NoonAlways));
    let memory = Memory::default();
    let center = start(Parts {
        store: Box::new(memory.clone()),
        handlers: Box::new(host) as Box<dyn Handlers>,
        clock: Arc::new(NoonAlways),
        notifier: Box::new(Ended(ended)),
        calendar: Arc::new(NoTimes),
        watches: Box::new(Unwatched),
        saved: Vec::new(),
        schedules: Vec::new(),
        policies: BTreeMap::new(),
        keeps_time: false,
        random: 0,
        limits: Limits::default(),
    })
    .unwrap();
    to_center.connect(center.clone());
    let activated = Control::Activate(true, CLASS.handler_id(), ControlFlags::WAIT);
    assert_eq!(center.control(activated), Ok(Answer::Done));
    Desk {
        center,
        adapter,
        calls: has_called,
        ended: has_ended,
        memory,
    }
}

impl Desk {
    fn run(&self, control: Control) -> Outcome {
        let outcome = self.center.start(control).unwrap().wait().unwrap();
        assert_eq!(self.ended.recv(), Ok(outcome.record.id.clone()));
        outcome
    }

    fn calls(&self) -> Vec<String> {
        self.calls.try_iter().collect()
    }
}

fn all() -> Control {
    let options = StartOptions {
        may_ask: true,
        ..StartOptions::default()
    };
    Control::Start(Scope::Handler(CLASS.handler_id()), Box::new(options))
}

/// spec 184: the center lists the items of an older handler, syncs them, and has one result.
#[test]
fn an_older_handler_runs_in_the_center() {
    let desk = desk();
    let outcome = desk.run(all());
    assert_eq!(outcome.status, ProgressStatus::Failed);
    assert_eq!((outcome.n_errors, outcome.events.len()), (1, 1));
    let ends: Vec<_> = outcome
        .record
        .items
        .iter()
        .map(|item| item.status)
        .collect();
    assert_eq!(
        ends,
        [
            Some(ProgressStatus::Succeeded),
            Some(ProgressStatus::Failed)
        ]
    );
    assert_eq!(
        desk.calls(),
        ["initialize Manual None", "prepare 2", "synchronized"]
    );
}

/// spec 168: an invocation with a cookie goes through the center and reaches the handler.
#[test]
fn an_invocation_reaches_the_handler_through_the_center() {
    let mut registry = Registry::default();
    let registration = Registration {
        description: Some("Mail".into()),
        flags: RegisterFlags::default(),
    };
    registry.register(CLASS.handler_id(), registration);
    let flags = InvokeFlags::from_bits(2);
    let handler = CLASS.handler_id();
    let run = registry
        .update_items(flags, &handler, Some(&[7, 0]))
        .unwrap();
    let desk = desk();
    desk.run(run.start(false));
    assert_eq!(desk.calls()[0], "initialize Invoke Some([7, 0])");
}

/// spec 179: following a link asks the instance that wrote it, and the go that it asks for is a
/// session like any other, with the same instance. spec 178: the entry it takes back is gone.
#[test]
fn a_followed_link_starts_a_session_of_its_own() {
    let desk = desk();
    let outcome = desk.run(all());
    desk.calls();
    let event = outcome.events[0].clone();
    assert_eq!(event.item, Some(NOTES.item_id()));
    let gone = event.id;
    let link = Operation::EventLink(Box::new(event));
    let instance = desk.adapter.create(&[]).unwrap();
    assert_eq!(instance.operation(&link).unwrap().run(None), Ok(true));
    let again = desk.ended.recv().unwrap();
    assert_ne!(again, outcome.record.id);
    assert_eq!(
        desk.calls(),
        ["prepare 1", "synchronized"],
        "the same instance"
    );
    let saved = desk.memory.0.lock().unwrap().clone();
    assert!(saved.contains(&Save::EventsGone(vec![gone])));
    let ended = saved.iter().find_map(|save| match save {
        Save::Ended(record) if record.id == again => Some(record.status),
        _ => None,
    });
    assert_eq!(ended, Some(Some(ProgressStatus::Succeeded)));
}

/// spec 172: turning an item off is a choice that the older handler's side keeps, and it is not
/// synced then.
#[test]
fn an_item_that_is_turned_off_is_not_synced() {
    let desk = desk();
    let key = ItemKey {
        handler: CLASS.handler_id(),
        item: NOTES.item_id(),
    };
    let off = Control::EnableItem(false, key, ControlFlags::WAIT);
    assert_eq!(desk.center.control(off), Ok(Answer::Done));
    let outcome = desk.run(all());
    assert_eq!(outcome.record.items.len(), 1);
    assert_eq!(outcome.status, ProgressStatus::Succeeded);
    assert_eq!(desk.calls()[1], "prepare 1");
}
