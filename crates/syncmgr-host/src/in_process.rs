//! Handlers that live in this process.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use syncmgr_center::command::{
    CallId, CallReply, Change, Command, Dispatch, Operation, OperationId,
};
use syncmgr_center::port::{Clock, Handlers, Removed};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{EventId, HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::request::Intent;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::{
    self as sdk, Handler, HandlerCollection, HandlerFactory, SyncRequest, UiOperation,
};

use crate::calls::Calls;
use crate::claims::{Claim, Claims};
use crate::desk::Desk;
use crate::facts;
use crate::secrets::{self, Secrets};
use crate::session::{Creator, Line};
use crate::stores;

/// The handlers of this process and the sessions that run in them. A clone is the same host.
#[derive(Clone)]
pub struct InProcess {
    pub(crate) inner: Arc<Inner>,
}

/// A handler of a collection: the collection, and what makes the handler.
type Bound = (String, Arc<dyn HandlerFactory>);

pub(crate) struct Inner {
    factories: Mutex<BTreeMap<HandlerId, Arc<dyn HandlerFactory>>>,
    /// Handlers that were given a second time; the first one stays.
    doubles: Vec<HandlerId>,
    collections: Mutex<Vec<Arc<dyn HandlerCollection>>>,
    /// Handlers that collections were asked for, each with the collection.
    bound: Mutex<BTreeMap<HandlerId, Bound>>,
    desks: Mutex<HashMap<HandlerId, Desk>>,
    clock: Arc<dyn Clock>,
    lines: Mutex<HashMap<SessionId, Arc<Line>>>,
    calls: Arc<Calls>,
    raisers: Mutex<HashMap<OperationId, Arc<dyn Fn() + Send + Sync>>>,
    /// Where runs of all processes say what they work on; unset: nobody else is there.
    claims: OnceLock<Claims>,
    secrets: Mutex<Option<Arc<dyn Secrets>>>,
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
        let mut known = BTreeMap::new();
        let mut doubles = Vec::new();
        for factory in factories {
            let id = factory.id().clone();
            match known.entry(id) {
                Entry::Vacant(place) => {
                    place.insert(factory);
                }
                Entry::Occupied(place) => doubles.push(place.key().clone()),
            }
        }
        Self {
            inner: Arc::new(Inner {
                factories: Mutex::new(known),
                doubles,
                collections: Mutex::new(collections),
                bound: Mutex::default(),
                desks: Mutex::default(),
                clock,
                lines: Mutex::default(),
                calls: Arc::default(),
                raisers: Mutex::default(),
                claims: OnceLock::new(),
                secrets: Mutex::default(),
            }),
        }
    }

    /// Takes secrets from here; without, nobody keeps any.
    pub fn set_secrets(&self, secrets: Arc<dyn Secrets>) {
        *lock(&self.inner.secrets) = Some(secrets);
    }

    /// Adds a handler while the center runs; tell the center by `Control::Register`. Returns `false`
    /// when another one has its id: that one stays.
    pub fn register(&self, factory: Arc<dyn HandlerFactory>) -> bool {
        let id = factory.id().clone();
        match lock(&self.inner.factories).entry(id) {
            Entry::Vacant(place) => {
                place.insert(factory);
                true
            }
            Entry::Occupied(_) => false,
        }
    }

    /// Lets a handler go, or puts another one with its id in its place, while the center runs; tell
    /// the center by `Control::Unregister` or `Control::Register`.
    pub fn replace(&self, id: &HandlerId, factory: Option<Arc<dyn HandlerFactory>>) {
        {
            let mut factories = lock(&self.inner.factories);
            factories.remove(id);
            factories.extend(factory.map(|factory| (id.clone(), factory)));
        }
        if let Some(desk) = lock(&self.inner.desks).get(id) {
            desk.renew();
        }
    }

    /// Adds a collection while the center runs; tell the center by `Control::UpdateCollection`.
    pub fn register_collection(&self, collection: Arc<dyn HandlerCollection>) {
        lock(&self.inner.collections).push(collection);
    }

    /// Keeps its runs off the folders that runs of other processes work on, and these off its own:
    /// all that are given the same folder of state. The first one given counts.
    pub fn claim_in(&self, dir: PathBuf) {
        drop(self.inner.claims.set(Claims::new(dir)));
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

    /// Has its handler check an item, with the secrets that are kept for it, or that its settings
    /// have for this once: what is checked is what will run. A secret that is not there is no fault
    /// of the item, because one is kept only for what is saved.
    ///
    /// # Errors
    /// `handler-unknown`, `handler-silent`, or what is wrong with the item.
    pub fn check(&self, item: &Item) -> Result<(), Trouble> {
        let specs = self.factory(&item.handler)?.settings();
        let handler = self.handler(&item.handler)?;
        let secrets = lock(&self.inner.secrets).clone();
        let mut whole = item.clone();
        let missing = secrets::fill_known(&mut whole, specs, secrets.as_ref());
        let is_about_these = |trouble: &Trouble| {
            let is_missing = missing.contains(&trouble.param("key"));
            is_missing && [Code::SecretMissing, Code::SettingUnusable].contains(&trouble.code)
        };
        match handler.check(&whole) {
            Err(trouble) if is_about_these(&trouble) => Ok(()),
            checked => checked,
        }
    }
}

impl Inner {
    /// Claims the folders that a run changes.
    fn claim(&self, dispatch: &Dispatch, handler: &dyn Handler) -> Result<Option<Claim>, Trouble> {
        let Some(claims) = self
            .claims
            .get()
            .filter(|_| dispatch.intent == Intent::Apply)
        else {
            return Ok(None);
        };
        let paths = |item: &Item| match handler.item(&item.id) {
            Ok(known) => known.paths(),
            // One that nobody saved is known by its settings alone.
            Err(_) if !item.settings.0.is_empty() => self.look(item).paths,
            Err(_) => Vec::new(),
        };
        let folders: Vec<_> = dispatch.items.iter().flat_map(paths).collect();
        if folders.is_empty() {
            return Ok(None);
        }
        claims.take(&dispatch.session, &folders)
    }
}

impl InProcess {
    /// Returns what it works with.
    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }
}

impl Inner {
    /// Returns what makes a handler, if anybody knows it.
    pub(crate) fn find(&self, id: &HandlerId) -> Option<Arc<dyn HandlerFactory>> {
        if let Some(factory) = lock(&self.factories).get(id) {
            return Some(Arc::clone(factory));
        }
        if let Some((_, factory)) = lock(&self.bound).get(id) {
            return Some(Arc::clone(factory));
        }
        // A collection may know it though it was not listed (spec 3); the older family is asked
        // after the new one (spec 4). The first collection that knows it has it (spec 6).
        let collections = lock(&self.collections).clone();
        let (collection, factory) = collections.iter().find_map(|collection| {
            let bind = || collection.bind(id).or_else(|_| collection.bind_legacy(id));
            let bound = catch_unwind(AssertUnwindSafe(bind)).unwrap_or(Err(Hresult::Failed));
            Some((collection.id().to_owned(), bound.ok()?))
        })?;
        lock(&self.bound).insert(id.clone(), (collection, Arc::clone(&factory)));
        Some(factory)
    }

    /// Returns the desk of a handler, whether anybody knows that or not.
    fn desk(self: &Arc<Self>, id: &HandlerId) -> Desk {
        let make = || {
            let (inner, id) = (Arc::downgrade(self), id.clone());
            Desk::new(Arc::new(move || inner.upgrade()?.find(&id)))
        };
        lock(&self.desks)
            .entry(id.clone())
            .or_insert_with(make)
            .clone()
    }

    /// Puts the secrets of an item into its settings.
    pub(crate) fn fill(&self, item: &mut Item) -> Result<(), Trouble> {
        let Some(factory) = self.find(&item.handler) else {
            return Ok(());
        };
        let secrets = lock(&self.secrets).clone();
        secrets::fill(item, factory.settings(), secrets.as_ref())
    }

    /// Puts the secrets of all items of a session into their settings, and returns the items that
    /// have theirs. Each of the others fails by itself, with what helps it.
    fn with_secrets(&self, items: Vec<Item>, line: &Arc<Line>) -> Result<Vec<Item>, Trouble> {
        let is_alone = items.len() == 1;
        let (mut whole, mut without) = (Vec::new(), Vec::new());
        for mut item in items {
            match self.fill(&mut item) {
                Ok(()) => whole.push(item),
                // The session ends with it.
                Err(trouble) if is_alone => return Err(trouble),
                Err(trouble) => without.push((item.id, trouble)),
            }
        }
        if whole.is_empty() && !without.is_empty() {
            // Nobody else will open the session.
            line.open(without.iter().map(|(item, _)| item.clone()).collect());
        }
        for (item, trouble) in without {
            line.fail(&item, trouble);
        }
        Ok(whole)
    }

    pub(crate) fn create(self: &Arc<Self>, id: &HandlerId) -> Result<Box<dyn Handler>, Hresult> {
        self.desk(id).create()
    }

    /// Lets go of the handlers a collection does not list any more.
    fn unbind(&self, collection: &str, listed: &[HandlerId]) {
        let mut gone = Vec::new();
        lock(&self.bound).retain(|id, (owner, _)| {
            let stays = owner != collection || listed.contains(id);
            if !stays {
                gone.push(id.clone());
            }
            stays
        });
        for id in gone {
            if let Some(desk) = lock(&self.desks).get(&id) {
                desk.renew();
            }
        }
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
        let mut all: Vec<_> = lock(&self.inner.factories).keys().cloned().collect();
        all.extend(self.inner.doubles.iter().cloned());
        all
    }

    fn collections(&self) -> Vec<String> {
        let collections = lock(&self.inner.collections);
        collections.iter().map(|c| c.id().to_owned()).collect()
    }

    fn load(&self, id: &HandlerId, saved: &[Item], to: &Sender<Command>) {
        let desk = self.inner.desk(id);
        desk.set_saved(saved);
        let (id, to) = (id.clone(), to.clone());
        let handler = id.clone();
        let is_apart = self.inner.find(&id).is_some_and(|it| it.is_apart());
        desk.ask(
            move |instance| Ok(Box::new(facts::read(&handler, instance, is_apart))),
            move |facts| drop(to.send(Command::Loaded(id, facts))),
        );
    }

    fn load_item(&self, key: &ItemKey, to: &Sender<Command>) {
        let (key, to) = (key.clone(), to.clone());
        let item = key.item.clone();
        self.inner.desk(&key.handler).ask(
            move |instance| Ok(Box::new(facts::item(&*instance.item(&item)?))),
            move |facts| drop(to.send(Command::ItemLoaded(key, facts))),
        );
    }

    fn load_collection(&self, id: &str, to: &Sender<Command>) {
        let found = lock(&self.inner.collections)
            .iter()
            .find(|c| c.id() == id)
            .cloned();
        let (inner, name, back) = (Arc::clone(&self.inner), id.to_owned(), to.clone());
        let work = move || {
            let list = || found.map_or(Err(Hresult::InvalidArgument), |c| c.handlers());
            let listed = catch_unwind(AssertUnwindSafe(list)).unwrap_or(Err(Hresult::Failed));
            if let Ok(listed) = &listed {
                inner.unbind(&name, listed);
            }
            drop(back.send(Command::CollectionLoaded(name, listed)));
        };
        apart("collection", work, || {
            let answer = Command::CollectionLoaded(id.to_owned(), Err(Hresult::Failed));
            drop(to.send(answer));
        });
    }

    fn run(&self, dispatch: Dispatch, to: &Sender<Command>) {
        let id = dispatch.session.clone();
        let name = dispatch.handler.clone();
        let handler = name.clone();
        let for_items = Arc::downgrade(&self.inner);
        let fill = move |item: &mut Item| match for_items.upgrade() {
            Some(inner) => inner.fill(item),
            None => Ok(()),
        };
        let line = Arc::new(Line::new(
            id.clone(),
            name.clone(),
            dispatch.items.iter().map(|item| item.id.clone()).collect(),
            to.clone(),
            Arc::clone(&self.inner.clock),
            Arc::clone(&self.inner.calls),
            Arc::new(fill),
        ));
        lock(&self.inner.lines).insert(id.clone(), Arc::clone(&line));
        let inner = Arc::clone(&self.inner);
        let back = (id.clone(), to.clone());
        let end = back.clone();
        let work = move || {
            // Nothing of the handler is used after a panic except through its own contract, which
            // allows it to be killed at any moment.
            let result = catch_unwind(AssertUnwindSafe(|| {
                if dispatch.is_manual
                    && let Some(factory) = inner.find(&name)
                {
                    factory.wanted_now();
                }
                let handler = inner
                    .create(&name)
                    .map_err(|error| silent(&name, &error.to_string()))?;
                // Held until the handler has returned.
                let _claim = inner.claim(&dispatch, &*handler)?;
                let creator = Creator::new(Arc::clone(&line), Arc::clone(&inner) as _);
                let mut dispatch = dispatch;
                let had_items = !dispatch.items.is_empty();
                dispatch.items = inner.with_secrets(dispatch.items, &line)?;
                if had_items && dispatch.items.is_empty() {
                    return Ok(());
                }
                inner.are_as_seen(&name, &dispatch.items, &dispatch.work)?;
                let request = SyncRequest {
                    items: dispatch.items,
                    work: dispatch.work,
                    intent: dispatch.intent,
                    token: dispatch.token,
                    may_ask: dispatch.may_ask,
                    dirty: dispatch.dirty,
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
        // A thread cannot be killed; what it says is not passed on any more. A process can.
        let line = lock(&self.inner.lines).get(session).cloned();
        if let Some(line) = line {
            line.close();
            if let Some(factory) = self.inner.find(line.handler()) {
                factory.abandon(session);
            }
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
        let (item, to) = (item.cloned(), to.clone());
        self.inner.desk(handler).ask(
            move |instance| match (item, change) {
                (None, Change::Activate(is_on)) => instance.activate(is_on),
                (None, Change::Enable(is_on)) => instance.enable(is_on),
                (Some(item), Change::Enable(is_on)) => instance.item(&item)?.enable(is_on),
                (Some(item), Change::Delete) => instance.item(&item)?.delete(),
                (None, Change::Delete) | (Some(_), Change::Activate(_)) => {
                    Err(Hresult::InvalidArgument)
                }
            },
            move |result| drop(to.send(Command::Told(id, result))),
        );
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
        let begun = to.clone();
        let work = move || {
            let show = || {
                let handler = inner.create(&handler)?;
                let operation = facts::operation(operation);
                let mut shown: Box<dyn UiOperation> = match item {
                    Some(item) => handler.item(&item)?.operation(&operation)?,
                    None => handler.operation(&operation)?,
                };
                // As the answer to a question it would be a yes that nobody gave.
                let schedule_of = shown
                    .schedule_of()
                    .filter(|_| operation == sdk::Operation::ShowSchedule);
                let is_elsewhere = schedule_of.is_some();
                if let Some(raiser) = shown.raiser() {
                    lock(&inner.raisers).insert(id, raiser.into());
                }
                drop(begun.send(Command::Showing(id, schedule_of)));
                if is_elsewhere {
                    return Ok(true);
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
        let raiser = lock(&self.inner.raisers).get(&id).cloned();
        if let Some(raiser) = raiser {
            // On a thread of its own: it is the handler's code.
            apart("raise", move || raiser(), || {});
        }
    }

    fn load_events(&self, handler: &HandlerId, stores: &[Option<ItemId>], to: &Sender<Command>) {
        let (id, back, wanted) = (handler.clone(), to.clone(), stores.to_vec());
        let its = id.clone();
        self.inner.desk(handler).ask(
            move |instance| Ok(stores::events(&its, instance, &wanted)),
            // What could not be read stays as it was.
            move |read| {
                let read = read.unwrap_or_default();
                drop(back.send(Command::EventsLoaded(id, read)));
            },
        );
    }

    fn count_conflicts(
        &self,
        handler: &HandlerId,
        items: Vec<Item>,
        scope: Vec<Option<ItemId>>,
        to: &Sender<Command>,
    ) {
        let inner = Arc::clone(&self.inner);
        let (id, back) = (handler.clone(), to.clone());
        let work = move || {
            let counts = inner.counts(&id, &items, &scope);
            drop(back.send(Command::ConflictsCounted(id, counts)));
        };
        apart("conflicts", work, || {
            drop(to.send(Command::ConflictsCounted(handler.clone(), Vec::new())));
        });
    }

    fn remove_conflicts(&self, id: OperationId, which: Removed, to: &Sender<Command>) {
        let inner = Arc::clone(&self.inner);
        let (handler, back) = (which.handler.clone(), to.clone());
        let work = move || {
            let result = inner.remove_conflicts(&which);
            drop(back.send(Command::ConflictsRemoved(id, result)));
        };
        apart("conflicts", work, || {
            let trouble = broken(&handler, "no thread could be started");
            drop(to.send(Command::ConflictsRemoved(id, Err(trouble))));
        });
    }

    fn remove_events(&self, handler: &HandlerId, events: &[EventId]) {
        let events = events.to_vec();
        self.inner.desk(handler).ask(
            move |instance| stores::remove_events(instance, &events),
            // What stays listed is shown again by the next look at the store.
            drop,
        );
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

/// Builds the trouble of a handler that does not answer.
pub(crate) fn silent(handler: &HandlerId, detail: &str) -> Trouble {
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
