//! A whole center with the real host, a memory store, and a clock that a test sets.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use syncmgr_center::agenda::Timeless;
use syncmgr_center::center::{Handle, NotStarted, Parts, Pending, start};
use syncmgr_center::command::{Command, Control, Limits, Scope, Update};
use syncmgr_center::port::{Clock, Notifier, Store, StoreError, Unwatched};
use syncmgr_center::state::State;
use syncmgr_host::InProcess;
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::progress::Progress;
use syncmgr_model::time::Timestamp;
use syncmgr_sdk::HandlerFactory;

use super::{Closure, MemoryStore};

/// A clock that stands still until it is moved. Time passes for programs as it shows.
#[derive(Debug, Default)]
pub struct TestClock(AtomicI64);

impl TestClock {
    /// Lets so many milliseconds pass.
    pub fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_000_000 + self.0.load(Ordering::SeqCst))
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.0.load(Ordering::SeqCst)).unwrap_or(0)
    }
}

/// Watches, and keeps the progress that is shown. A clone sees the same.
#[derive(Debug, Clone, Default)]
pub struct Watch(Arc<Mutex<Vec<Progress>>>);

impl Watch {
    /// Returns the progress that was shown so far.
    #[must_use]
    pub fn shown(&self) -> Vec<Progress> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Notifier for Watch {
    fn notify(&mut self, update: &Update, _: &State, _: Timestamp) {
        if let Update::Moved(_, _, progress) = update {
            let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            shown.push((**progress).clone());
        }
    }
}

/// A center at work.
#[derive(Debug)]
pub struct Desk {
    /// The way to the center.
    pub handle: Handle,
    /// Who runs the handlers for it.
    pub host: InProcess,
    /// Its memory.
    pub store: MemoryStore,
    /// Its time.
    pub clock: Arc<TestClock>,
    /// One who watches it.
    pub watch: Watch,
}

impl Desk {
    /// Starts a center with these handlers over a memory.
    ///
    /// # Errors
    /// When the memory fails.
    pub fn open(handlers: Vec<Closure>, store: MemoryStore) -> Result<Self, StoreError> {
        let clock = Arc::new(TestClock::default());
        let watch = Watch::default();
        let time = Arc::clone(&clock) as Arc<dyn Clock>;
        let (handle, host) = begin(handlers, &store, time, watch.clone())?;
        Ok(Self {
            handle,
            host,
            store,
            clock,
            watch,
        })
    }

    /// Asks for a sync of items, as a person.
    ///
    /// # Errors
    /// When it is refused.
    ///
    /// # Panics
    /// When an id is none.
    pub fn start(&self, handler: &str, items: &str) -> Result<Pending, NotStarted> {
        self.handle.start(sync(handler, items))
    }

    /// Lets time pass, and the center notice it.
    pub fn pass(&self, ms: i64) {
        self.clock.advance(ms);
        self.handle.tell(Command::Tick);
        settle(&self.handle);
    }
}

/// Starts a center with these handlers over a memory, on any clock; they have been read.
///
/// # Errors
/// When the memory fails.
pub(super) fn begin(
    handlers: Vec<Closure>,
    store: &MemoryStore,
    clock: Arc<dyn Clock>,
    watch: Watch,
) -> Result<(Handle, InProcess), StoreError> {
    let factories = handlers
        .into_iter()
        .map(|handler| Arc::new(handler) as Arc<dyn HandlerFactory>)
        .collect();
    let host = InProcess::new(factories, Vec::new(), Arc::clone(&clock));
    let handle = start(Parts {
        store: Box::new(store.clone()),
        handlers: Box::new(host.clone()),
        clock,
        notifier: Box::new(watch),
        saved: Vec::new(),
        calendar: Arc::new(Timeless),
        watches: Box::new(Unwatched),
        schedules: Vec::new(),
        policies: BTreeMap::new(),
        keeps_time: false,
        random: 0,
        limits: Limits::default(),
    })?;
    settle(&handle);
    Ok((handle, host))
}

/// Waits until the handlers were read.
fn settle(handle: &Handle) {
    let is_read = |state: &State, _: &mut dyn Store, _| {
        state.handler_ids().all(|id| {
            let view = state.handler(id);
            view.is_some_and(|view| !view.memory.name.is_empty() || view.is_silent)
        })
    };
    // What handlers say comes by a way of its own.
    while !handle.read(is_read).unwrap_or(true) {
        std::thread::yield_now();
    }
}

/// Names items of a handler.
///
/// # Panics
/// When an id is none.
#[must_use]
pub fn scope(handler: &str, items: &str) -> Scope {
    let items = items
        .split_whitespace()
        .map(|id| ItemId::new(id).expect("an id"))
        .collect();
    Scope::Items(HandlerId::new(handler).expect("an id"), items)
}

/// Returns what asks for a sync of items, as a person.
///
/// # Panics
/// When an id is none.
#[must_use]
pub fn sync(handler: &str, items: &str) -> Control {
    Control::Start(scope(handler, items), Box::default())
}
