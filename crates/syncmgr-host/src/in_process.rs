//! Handlers that live in this process.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use syncmgr_center::command::{
    CallId, CallReply, Change, Command, Dispatch, Operation, OperationId,
};
use syncmgr_center::port::{Clock, Handlers};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{EventId, HandlerId, ItemId, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::{Handler, HandlerCollection, HandlerFactory, SyncRequest, UiOperation};

use crate::calls::Calls;
use crate::facts;
use crate::session::{Creator, Line};

/// The handlers of this process and the sessions that run in them. A clone is the same host.
#[derive(Clone)]
pub struct InProcess {
    inner: Arc<Inner>,
}

struct Inner {
    factories: Mutex<BTreeMap<HandlerId, Arc<dyn HandlerFactory>>>,
    collections: BTreeMap<String, Arc<dyn HandlerCollection>>,
    /// What people saved, per handler: every new instance is given it.
    saved: Mutex<HashMap<HandlerId, Vec<Item>>>,
    clock: Arc<dyn Clock>,
    lines: Mutex<HashMap<SessionId, Arc<Line>>>,
    calls: Arc<Calls>,
    raisers: Mutex<HashMap<OperationId, Box<dyn Fn() + Send + Sync>>>,
}

impl std::fmt::Debug for InProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InProcess").finish_non_exhaustive()
    }
}

impl InProcess {
    /// Hosts these handlers.
    #[must_use]
    pub fn new(
        factories: Vec<Arc<dyn HandlerFactory>>,
        collections: Vec<Arc<dyn HandlerCollection>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let factories = factories.into_iter().map(|f| (f.id().clone(), f)).collect();
        let collections = collections.into_iter().map(|c| (c.id().to_owned(), c));
        Self {
            inner: Arc::new(Inner {
                factories: Mutex::new(factories),
                collections: collections.collect(),
                saved: Mutex::default(),
                clock,
                lines: Mutex::default(),
                calls: Arc::default(),
                raisers: Mutex::default(),
            }),
        }
    }

    /// Returns what makes a handler.
    ///
    /// # Errors
    /// `handler-unknown`.
    pub fn factory(&self, id: &HandlerId) -> Result<Arc<dyn HandlerFactory>, Trouble> {
        self.inner
            .find(id)
            .ok_or_else(|| Trouble::new(Code::HandlerUnknown).with("handler", id))
    }

    /// Makes an instance of a handler, for questions.
    ///
    /// # Errors
    /// `handler-unknown`, or `handler-silent` when it cannot be made.
    pub fn handler(&self, id: &HandlerId) -> Result<Box<dyn Handler>, Trouble> {
        self.factory(id)?;
        self.inner
            .create(id)
            .map_err(|error| silent(id, &error.to_string()))
    }
}

impl Inner {
    fn find(&self, id: &HandlerId) -> Option<Arc<dyn HandlerFactory>> {
        if let Some(factory) = lock(&self.factories).get(id) {
            return Some(Arc::clone(factory));
        }
        // A collection may know it though it was not listed (spec 3); the older family is asked
        // after the new one (spec 4).
        let bound = self.collections.values().find_map(|collection| {
            collection
                .bind(id)
                .or_else(|_| collection.bind_legacy(id))
                .ok()
        })?;
        lock(&self.factories).insert(id.clone(), Arc::clone(&bound));
        Some(bound)
    }

    fn create(&self, id: &HandlerId) -> Result<Box<dyn Handler>, Hresult> {
        let factory = self.find(id).ok_or(Hresult::InvalidArgument)?;
        let saved = lock(&self.saved).get(id).cloned().unwrap_or_default();
        catch_unwind(AssertUnwindSafe(|| factory.create(&saved))).unwrap_or(Err(Hresult::Failed))
    }
}

/// Does work on a thread of its own; a panic in it counts as the answer `broken`.
fn apart(name: &str, work: impl FnOnce() + Send + 'static, broken: impl FnOnce()) {
    let spawned = std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work);
    if spawned.is_err() {
        broken();
    }
}

impl Handlers for InProcess {
    fn installed(&self) -> Vec<HandlerId> {
        lock(&self.inner.factories).keys().cloned().collect()
    }

    /// Reads it at once: reading a handler of this process is cheap, and what it says is known
    /// before anybody asks.
    fn load(&self, id: &HandlerId, saved: &[Item], to: &Sender<Command>) {
        lock(&self.inner.saved).insert(id.clone(), saved.to_vec());
        let read = || {
            let handler = self.inner.create(id)?;
            Ok(Box::new(facts::read(id, &*handler)))
        };
        let facts = catch_unwind(AssertUnwindSafe(read)).unwrap_or(Err(Hresult::Failed));
        drop(to.send(Command::Loaded(id.clone(), facts)));
    }

    fn load_collection(&self, id: &str, to: &Sender<Command>) {
        let listed = match self.inner.collections.get(id) {
            Some(collection) => catch_unwind(AssertUnwindSafe(|| collection.handlers()))
                .unwrap_or(Err(Hresult::Failed)),
            None => Err(Hresult::InvalidArgument),
        };
        drop(to.send(Command::CollectionLoaded(id.to_owned(), listed)));
    }

    fn run(&self, dispatch: Dispatch, to: &Sender<Command>) {
        let id = dispatch.session.clone();
        let name = dispatch.handler.clone();
        let handler = name.clone();
        let line = Arc::new(Line::new(
            id.clone(),
            dispatch.items.iter().map(|item| item.id.clone()).collect(),
            to.clone(),
            Arc::clone(&self.inner.clock),
            Arc::clone(&self.inner.calls),
        ));
        lock(&self.inner.lines).insert(id.clone(), Arc::clone(&line));
        let inner = Arc::clone(&self.inner);
        let back = (id.clone(), to.clone());
        let end = back.clone();
        let work = move || {
            // Nothing of the handler is used after a panic except through its own contract, which
            // allows it to be killed at any moment.
            let result = catch_unwind(AssertUnwindSafe(|| {
                let handler = inner
                    .create(&name)
                    .map_err(|error| silent(&name, &error.to_string()))?;
                let creator = Creator::new(Arc::clone(&line), Arc::clone(&inner) as _);
                let request = SyncRequest {
                    items: dispatch.items,
                    work: dispatch.work,
                    intent: dispatch.intent,
                    token: dispatch.token,
                    may_ask: dispatch.may_ask,
                    dirty: None,
                };
                handler.synchronize(&request, &creator)
            }))
            .unwrap_or_else(|panic| Err(broken(&name, &panic_text(&*panic))));
            line.close();
            lock(&inner.lines).remove(&back.0);
            drop(back.1.send(Command::Returned(back.0, result)));
        };
        let failed = || {
            lock(&self.inner.lines).remove(&end.0);
            let trouble = broken(&handler, "no thread could be started");
            drop(end.1.send(Command::Returned(end.0.clone(), Err(trouble))));
        };
        apart("session", work, failed);
    }

    fn cancel(&self, session: &SessionId, item: Option<&ItemId>) {
        let line = lock(&self.inner.lines).get(session).cloned();
        if let Some(line) = line {
            line.cancel(item);
        }
    }

    fn abandon(&self, session: &SessionId) {
        // A thread cannot be killed; what it says is not passed on any more.
        let line = lock(&self.inner.lines).get(session).cloned();
        if let Some(line) = line {
            line.close();
        }
    }

    fn tell(
        &self,
        id: OperationId,
        handler: &HandlerId,
        item: Option<&ItemId>,
        change: Change,
        to: &Sender<Command>,
    ) {
        let inner = Arc::clone(&self.inner);
        let (handler, item, back) = (handler.clone(), item.cloned(), to.clone());
        let work = move || {
            let told = || {
                let handler = inner.create(&handler)?;
                match (item, change) {
                    (None, Change::Activate(is_on)) => handler.activate(is_on),
                    (None, Change::Enable(is_on)) => handler.enable(is_on),
                    (Some(item), Change::Enable(is_on)) => handler.item(&item)?.enable(is_on),
                    (Some(item), Change::Delete) => handler.item(&item)?.delete(),
                    (None, Change::Delete) | (Some(_), Change::Activate(_)) => {
                        Err(Hresult::InvalidArgument)
                    }
                }
            };
            let result = catch_unwind(AssertUnwindSafe(told)).unwrap_or(Err(Hresult::Failed));
            drop(back.send(Command::Told(id, result)));
        };
        apart("change", work, || {
            drop(to.send(Command::Told(id, Err(Hresult::Failed))));
        });
    }

    fn show(
        &self,
        id: OperationId,
        handler: &HandlerId,
        item: Option<&ItemId>,
        operation: Operation,
        to: &Sender<Command>,
    ) {
        let inner = Arc::clone(&self.inner);
        let (handler, item, back) = (handler.clone(), item.cloned(), to.clone());
        let work = move || {
            let show = || {
                let handler = inner.create(&handler)?;
                let operation = facts::operation(operation);
                let mut shown: Box<dyn UiOperation> = match item {
                    Some(item) => handler.item(&item)?.operation(&operation)?,
                    None => handler.operation(&operation)?,
                };
                if let Some(raiser) = shown.raiser() {
                    lock(&inner.raisers).insert(id, raiser);
                }
                shown.run(None)
            };
            let result = catch_unwind(AssertUnwindSafe(show)).unwrap_or(Err(Hresult::Failed));
            lock(&inner.raisers).remove(&id);
            drop(back.send(Command::Shown(id, result)));
        };
        apart("shown", work, || {
            drop(to.send(Command::Shown(id, Err(Hresult::Failed))));
        });
    }

    fn raise(&self, id: OperationId) {
        if let Some(raiser) = lock(&self.inner.raisers).get(&id) {
            raiser();
        }
    }

    fn remove_events(&self, handler: &HandlerId, events: &[EventId]) {
        let remove = || {
            let handler = self.inner.create(handler)?;
            match handler.event_store() {
                Some(store) => store.remove(events),
                None => Ok(()),
            }
        };
        // What stays listed is shown again by the next look at the store.
        drop(catch_unwind(AssertUnwindSafe(remove)));
    }

    fn reply(&self, call: CallId, answer: Result<CallReply, Hresult>) {
        self.inner.calls.answer(call, answer);
    }
}

impl crate::session::Lines for Inner {
    fn add(&self, id: SessionId, line: Arc<Line>) {
        lock(&self.lines).insert(id, line);
    }

    fn remove(&self, id: &SessionId) {
        lock(&self.lines).remove(id);
    }
}

fn silent(handler: &HandlerId, detail: &str) -> Trouble {
    Trouble::new(Code::HandlerSilent)
        .with("handler", handler)
        .with("detail", detail)
}

fn broken(handler: &HandlerId, detail: &str) -> Trouble {
    Trouble::new(Code::HandlerStopped)
        .with("handler", handler)
        .with("detail", detail)
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no reason given".to_owned())
}

/// Takes a lock. A panic elsewhere does not matter: what is guarded is changed in single steps.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
