//! A real center on a real host, with a memory that is a list.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use syncmgr_center::agenda::Timeless;
use syncmgr_center::center::{self, Handle, Parts};
use syncmgr_center::command::{
    Answer, Control, Limits, Outcome, Remembered, Save, Scope, StartOptions, Update,
};
use syncmgr_center::port::{
    Clock, EventQuery, Notifier, SessionQuery, Store, StoreError, Unwatched,
};
use syncmgr_center::state::{ItemMemory, ResultView, State};
use syncmgr_host::InProcess;
use syncmgr_model::capability::ControlFlags;
use syncmgr_model::event::Event;
use syncmgr_model::id::{HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::record::SessionRecord;
use syncmgr_model::request::Work;
use syncmgr_model::time::Timestamp;
use syncmgr_sdk::HandlerFactory;

use crate::keeper::Keeper;

/// A clock that moves on a second whenever it is asked, so that no two sessions share a time.
#[derive(Debug, Default)]
struct Steps(AtomicI64);

impl Clock for Steps {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000 + self.0.fetch_add(1000, Ordering::SeqCst))
    }

    fn elapsed_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst).unsigned_abs()
    }
}

/// What the memory holds; it outlives the center.
#[derive(Debug, Default, Clone)]
pub(crate) struct Memory {
    events: BTreeMap<u64, Event>,
    items: BTreeMap<ItemKey, ItemMemory>,
}

struct List(Arc<Mutex<Memory>>);

impl Store for List {
    fn remembered(&mut self) -> Result<Remembered, StoreError> {
        let memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Remembered {
            items: memory.items.values().cloned().collect(),
            last_event: memory.events.keys().max().copied().unwrap_or(0),
            ..Remembered::default()
        })
    }

    fn save(&mut self, changes: &[Save]) -> Result<(), StoreError> {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            match change {
                Save::Event(event) => {
                    memory.events.insert(event.id.0, event.clone());
                }
                Save::EventsGone(ids) => memory
                    .events
                    .retain(|id, _| !ids.iter().any(|i| i.0 == *id)),
                Save::Memory(item) => {
                    memory.items.insert(item.key.clone(), (**item).clone());
                }
                _ => {}
            }
        }
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

    fn events(&mut self, query: &EventQuery) -> Result<Vec<Event>, StoreError> {
        let memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |event: &&Event| {
            event.trouble.level.number() >= query.level
                && query
                    .handler
                    .as_ref()
                    .is_none_or(|handler| *handler == event.handler)
                && (query.item.is_none() || query.item == event.item)
        };
        Ok(memory.events.values().rev().filter(fits).cloned().collect())
    }

    fn reader(&self) -> Result<Box<dyn Store>, StoreError> {
        Ok(Box::new(Self(Arc::clone(&self.0))))
    }
}

struct Quiet;

impl Notifier for Quiet {
    fn notify(&mut self, _update: &Update, _state: &State, _now: Timestamp) {}
}

/// A center that runs.
pub(crate) struct World {
    pub(crate) handle: Handle,
    pub(crate) host: InProcess,
    memory: Arc<Mutex<Memory>>,
}

impl World {
    pub(crate) fn new(keepers: &[&Arc<Keeper>]) -> Self {
        Self::with(keepers, Arc::default())
    }

    fn with(keepers: &[&Arc<Keeper>], memory: Arc<Mutex<Memory>>) -> Self {
        let factories = keepers
            .iter()
            .map(|keeper| Arc::clone(keeper) as Arc<dyn HandlerFactory>);
        let clock: Arc<dyn Clock> = Arc::new(Steps(AtomicI64::new(
            // A later center has a later time.
            i64::try_from(memory.lock().unwrap().events.len()).unwrap() * 10_000_000,
        )));
        let host = InProcess::new(factories.collect(), Vec::new(), Arc::clone(&clock));
        let handle = center::start(Parts {
            store: Box::new(List(Arc::clone(&memory))),
            handlers: Box::new(host.clone()),
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
        });
        let world = Self {
            handle: handle.unwrap(),
            host,
            memory,
        };
        for keeper in keepers {
            let id = keeper.id().clone();
            world.done(Control::UpdateHandler(id.clone(), ControlFlags::WAIT));
            // Its stores are read after it; this waits for that.
            world.done(Control::UpdateEvents(id, None, ControlFlags::WAIT));
        }
        world
    }

    /// Ends the center and starts another one with the same memory.
    pub(crate) fn again(self, keepers: &[&Arc<Keeper>]) -> Self {
        self.handle.close();
        Self::with(keepers, Arc::clone(&self.memory))
    }

    /// Asks for something that has to be done.
    #[track_caller]
    pub(crate) fn done(&self, control: Control) {
        assert_eq!(self.handle.control(control).unwrap(), Answer::Done);
    }

    pub(crate) fn update_events(&self, handler: &str, item: Option<&str>) {
        let (handler, item) = (id(handler), item.map(item_id));
        self.done(Control::UpdateEvents(handler, item, ControlFlags::WAIT));
    }

    pub(crate) fn update_conflicts(&self, handler: &str, item: Option<&str>) {
        let (handler, item) = (id(handler), item.map(item_id));
        self.done(Control::UpdateConflicts(handler, item, ControlFlags::WAIT));
    }

    pub(crate) fn sync(&self, handler: &str, items: &[&str]) -> Outcome {
        self.run(handler, items, StartOptions::default().work)
    }

    pub(crate) fn run(&self, handler: &str, items: &[&str], work: Work) -> Outcome {
        let items = items.iter().copied().map(item_id).collect();
        let options = StartOptions {
            work,
            ..StartOptions::default()
        };
        let start = Control::Start(Scope::Items(id(handler), items), Box::new(options));
        self.handle.start(start).unwrap().wait().unwrap()
    }

    pub(crate) fn n_errors(&self, handler: &str, item: Option<&str>) -> u64 {
        let (handler, item) = (id(handler), item.map(item_id));
        self.look(move |state| state.n_errors(&handler, item.as_ref()))
    }

    pub(crate) fn n_conflicts(&self, handler: &str, item: Option<&str>) -> u64 {
        let (handler, item) = (id(handler), item.map(item_id));
        self.look(move |state| state.n_conflicts(&handler, item.as_ref()))
    }

    pub(crate) fn results(&self, query: EventQuery) -> Vec<ResultView> {
        let read = self.handle.read(move |state, store, _| {
            let page = store.events(&query).unwrap();
            state.results(&query, page)
        });
        read.unwrap()
    }

    pub(crate) fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&State) -> T + Send + 'static,
    ) -> T {
        self.handle.read(move |state, _, _| look(state)).unwrap()
    }

    /// Returns all items of a handler.
    pub(crate) fn items(&self, handler: &str) -> Vec<Item> {
        let handler = id(handler);
        self.look(move |state| state.all_items(&handler))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.handle.close();
    }
}

pub(crate) fn id(text: &str) -> HandlerId {
    HandlerId::new(text).unwrap()
}

pub(crate) fn item_id(text: &str) -> ItemId {
    ItemId::new(text).unwrap()
}
