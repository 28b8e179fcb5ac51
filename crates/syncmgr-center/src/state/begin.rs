//! How sessions begin: from a request, for a program outside, and as a further one of a handler.

use syncmgr_model::capability::HandlerCapabilities;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::progress::CancelRequest;
use syncmgr_model::request::{Intent, Origin};

use super::run::{Run, Stage};
use super::{State, Turn, key};
use crate::command::{CallReply, Dispatch, Effect, Save, StartOptions, Ticket, Update};

impl State {
    /// Makes a request of items that passed all checks; it stands in line afterwards.
    pub(super) fn request(
        &mut self,
        handler: &HandlerId,
        items: Vec<ItemId>,
        options: StartOptions,
        ticket: Option<Ticket>,
        turn: &mut Turn,
    ) -> SessionId {
        let id = self.new_session_id(turn.now);
        for item in &items {
            let key = key(handler, item);
            if let Some(entry) = self.items.get_mut(&key) {
                entry.queued.insert(id.clone());
            }
            turn.touch(&key);
        }
        let is_manual = options.origin.is_manual();
        let mut run = Run::new(id.clone(), handler.clone(), items, options, turn.now);
        run.tickets.extend(ticket);
        self.runs.insert(id.clone(), run);
        self.queue.push(&id, handler, is_manual);
        turn.notify(Update::Queued(id.clone()));
        id
    }

    /// Lets a request run: it is written down first, then its handler is told.
    pub(super) fn begin(&mut self, id: &SessionId, turn: &mut Turn) {
        let Some(run) = self.runs.get_mut(id) else {
            return;
        };
        run.stage = Stage::Told;
        self.set_up(id, turn);
        let items = self.dispatched(id);
        let Some(run) = self.runs.get(id) else {
            return;
        };
        if run.intent == Intent::Apply {
            for item in &items {
                turn.save(Save::Item(item.clone()));
            }
            turn.save(Save::Began(run.record(None)));
        }
        let dispatch = Dispatch {
            session: id.clone(),
            handler: run.handler.clone(),
            items,
            work: run.work.clone(),
            intent: run.intent,
            token: run.token.clone().filter(|_| !run.token_taken),
            may_ask: run.may_ask,
            is_manual: run.origin == Origin::Manual,
            dirty: None,
        };
        turn.notify(Update::Began(id.clone()));
        let dirty = self.take_dirty(id);
        self.note_started(id, turn);
        self.ask_to_remove_events(id, turn);
        turn.push(Effect::Run(Box::new(Dispatch { dirty, ..dispatch })));
    }

    /// Returns the items of a session as its handler gets them.
    fn dispatched(&self, id: &SessionId) -> Vec<Item> {
        let Some(run) = self.runs.get(id) else {
            return Vec::new();
        };
        let item_of = |item: &ItemId| match &run.with {
            Some(with) if with.id == *item => Some(with.clone()),
            Some(_) | None => {
                let entry = self.items.get(&key(&run.handler, item));
                entry.map(|entry| entry.item.clone())
            }
        };
        run.order.iter().filter_map(item_of).collect()
    }

    /// Marks the items of a session as being synced.
    fn set_up(&mut self, id: &SessionId, turn: &mut Turn) {
        let Some(run) = self.runs.get_mut(id) else {
            return;
        };
        run.has_waited = run.blocker.take().is_some();
        run.started = turn.now;
        run.heard = turn.now;
        run.take_up();
        for item in &run.order {
            let key = key(&run.handler, item);
            if let Some(entry) = self.items.get_mut(&key) {
                entry.queued.remove(id);
                entry.running.insert(id.clone());
            }
            turn.touch(&key);
        }
        if let Some(handler) = self.handlers.get_mut(&run.handler) {
            handler.running.insert(id.clone());
        }
    }

    /// Begins a session that somebody works on already; it waits for nothing.
    fn open_at_once(
        &mut self,
        handler: &HandlerId,
        items: Vec<ItemId>,
        options: StartOptions,
        turn: &mut Turn,
    ) -> SessionId {
        let id = self.new_session_id(turn.now);
        self.open_as(&id, handler, items, options, turn);
        id
    }

    /// The same under an id that is given.
    pub(super) fn open_as(
        &mut self,
        id: &SessionId,
        handler: &HandlerId,
        items: Vec<ItemId>,
        options: StartOptions,
        turn: &mut Turn,
    ) {
        let mut run = Run::new(id.clone(), handler.clone(), items, options, turn.now);
        run.stage = Stage::Open;
        let is_kept = run.intent == Intent::Apply;
        self.runs.insert(id.clone(), run);
        self.set_up(id, turn);
        let claim = self.claim_of(id);
        self.queue.occupy(id, claim);
        if is_kept && let Some(run) = self.runs.get(id) {
            turn.save(Save::Began(run.record(None)));
        }
        turn.notify(Update::Began(id.clone()));
        self.ask_to_remove_events(id, turn);
    }

    /// Checks the arguments of `CreateSession` (spec 91).
    pub(super) fn check_items(&self, handler: &HandlerId, items: &[ItemId]) -> Result<(), Hresult> {
        let is_known = self.handlers.get(handler).is_some_and(|h| h.is_installed)
            && !items.is_empty()
            && items
                .iter()
                .all(|item| self.items.contains_key(&key(handler, item)));
        if is_known {
            Ok(())
        } else {
            Err(Hresult::InvalidArgument)
        }
    }

    /// Takes `CreateSession` of a handler that was told to synchronize: the first opens the session
    /// it was told of, each further one is a session of its own (spec 92).
    pub(super) fn create(
        &mut self,
        id: &SessionId,
        handler: &HandlerId,
        items: Vec<ItemId>,
        turn: &mut Turn,
    ) -> Result<CallReply, Hresult> {
        self.check_items(handler, &items)?;
        let run = self.runs.get(id).ok_or(Hresult::Unexpected)?;
        if run.handler != *handler {
            return Err(Hresult::InvalidArgument);
        }
        if run.stage == Stage::Told {
            return self.open_told(id, items, turn);
        }
        let capabilities = self.handlers.get(handler).map(|h| h.memory.capabilities);
        let may_have_more = capabilities
            .is_some_and(|it| it.contains(HandlerCapabilities::SUPPORTS_CONCURRENT_SESSIONS));
        if !may_have_more {
            return Err(Hresult::AccessDenied);
        }
        let options = StartOptions {
            work: run.work.clone(),
            intent: run.intent,
            origin: run.origin.clone(),
            ..StartOptions::default()
        };
        let is_stopping = run.cancel != CancelRequest::None;
        let further = self.open_at_once(handler, items, options, turn);
        if is_stopping {
            self.stop_run(&further, turn);
        }
        Ok(CallReply::Session(further))
    }

    /// Opens the session a handler was told of. It may begin with more items than it was told of,
    /// if nobody else works on them; those it leaves out end undone (spec 103).
    fn open_told(
        &mut self,
        id: &SessionId,
        items: Vec<ItemId>,
        turn: &mut Turn,
    ) -> Result<CallReply, Hresult> {
        let run = self.runs.get(id).ok_or(Hresult::Unexpected)?;
        let handler = run.handler.clone();
        let more: Vec<_> = items
            .into_iter()
            .filter(|item| !run.parts.contains_key(item))
            .collect();
        if more
            .iter()
            .any(|item| self.is_in_use(id, &key(&handler, item)))
        {
            return Err(Hresult::AccessDenied);
        }
        for item in &more {
            self.add_part(id, item, turn);
        }
        if let Some(run) = self.runs.get_mut(id) {
            run.stage = Stage::Open;
        }
        Ok(CallReply::Session(id.clone()))
    }

    /// Takes an item into a session that runs.
    pub(super) fn add_part(&mut self, id: &SessionId, item: &ItemId, turn: &mut Turn) {
        let Some(run) = self.runs.get_mut(id) else {
            return;
        };
        run.add(item.clone());
        let key = key(&run.handler, item);
        if let Some(entry) = self.items.get_mut(&key) {
            entry.running.insert(id.clone());
        }
        let claim = self.claim_on(&key);
        self.queue.occupy(id, claim);
        turn.touch(&key);
    }
}
