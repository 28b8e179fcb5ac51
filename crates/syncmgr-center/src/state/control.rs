//! What people and programs ask for (`ISyncMgrControl`).

use std::collections::BTreeSet;

use syncmgr_model::capability::{
    ControlFlags, HandlerPolicies, ItemPolicies, SyncControlFlags,
};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::request::{Intent, WorkKind};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

use super::registry::ItemEntry;
use super::session::{Stage, outcome};
use super::{State, Turn, key};
use crate::command::{
    Accepted, Answer, Call, Control, Effect, OperationId, Refusal, Save, Scope, StartOptions,
    Taken, Ticket, Update,
};

/// Something a handler was told, or that is shown to a person.
#[derive(Debug)]
pub(super) struct Operation {
    /// Whom it is about.
    pub(super) handler: HandlerId,
    /// Its item.
    pub(super) item: Option<ItemId>,
    /// What comes when it is done.
    pub(super) then: Then,
    /// Who waits for it.
    pub(super) ticket: Option<Ticket>,
}

/// What comes after an operation.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Then {
    /// The state is changed.
    Settle(crate::command::Change),
}

impl State {
    pub(super) fn control(&mut self, ticket: Ticket, control: Control, turn: &mut Turn) {
        let done = match control {
            Control::Start(scope, options) => {
                return self.start(ticket, &scope, *options, turn);
            }
            Control::StartWith(item, options) => {
                return self.start_with(ticket, *item, *options, turn);
            }
            Control::Stop(scope) => self.stop(&scope, turn),
            Control::StopSession(id) => self.stop_session(&id, turn),
            Control::UpdateCollection(id, flags) => {
                return self.update_collection(ticket, id, flags, turn);
            }
            Control::UpdateHandler(handler, flags) => {
                return self.update(ticket, &handler, flags, turn);
            }
            Control::UpdateItem(item, flags) => match self.known_item(&item).map(drop) {
                Ok(()) => return self.update(ticket, &item.handler, flags, turn),
                Err(refusal) => Err(refusal),
            },
            Control::UpdateEvents(handler, item, flags) => {
                match self.check_update(&handler, item.as_ref(), flags) {
                    Ok(()) => {
                        return self.update_events(ticket, &handler, item.as_ref(), flags, turn);
                    }
                    Err(refusal) => Err(refusal),
                }
            }
            Control::UpdateConflicts(handler, item, flags) => {
                match self.check_update(&handler, item.as_ref(), flags) {
                    Ok(()) => {
                        return self.update_conflicts(ticket, &handler, item.as_ref(), flags, turn);
                    }
                    Err(refusal) => Err(refusal),
                }
            }
            Control::UpdateConflict(address, _) => self.update_conflict(&address, turn),
            Control::RemoveConflicts(handler, item, ids) => {
                return self.remove_conflicts(ticket, &handler, item.as_ref(), ids, turn);
            }
            Control::Activate(is_on, handler, flags) => {
                self.activate(is_on, &handler, flags, ticket, turn)
            }
            Control::EnableHandler(is_on, handler, flags) => {
                self.enable_handler(is_on, &handler, flags, ticket, turn)
            }
            Control::EnableItem(is_on, item, flags) => {
                self.enable_item(is_on, &item, flags, ticket, turn)
            }
            Control::Delete(item, flags) => self.delete(&item, flags, ticket, turn),
            Control::Hide(is_hidden, handler, item) => {
                self.hide(is_hidden, &handler, item.as_ref(), turn)
            }
            Control::Show(handler, item, shown) => {
                return self.show(ticket, &handler, item.as_ref(), &shown, turn);
            }
            Control::Pause(scope, until) => self.pause(
                &scope,
                Some(until.unwrap_or(Timestamp(i64::MAX))),
                turn,
            ),
            Control::Resume(scope) => self.pause(&scope, None, turn),
            Control::CreateSession(handler, items) => {
                let created = self.begin_external(&handler, items, turn);
                if let Ok(id) = &created {
                    self.serve_signalled(id);
                }
                return self.answer_call(
                    ticket,
                    created.map(crate::command::CallReply::Session),
                    turn,
                );
            }
            Control::Call(session, call) => {
                return self.call_from_outside(ticket, &session, *call, turn);
            }
            Control::CloseSession(id) => self.close_session(&id, turn),
            Control::Configure(saved) => {
                self.configure(saved, turn);
                Ok(())
            }
            Control::Forget(item) => {
                self.forget(&item, turn);
                Ok(())
            }
            Control::Seen(scope) => self.seen(&scope, turn),
            Control::RemoveEvents(handler, events) => self.remove_events(&handler, events, turn),
        };
        match done {
            Ok(()) if self.waits(ticket) => {}
            Ok(()) => turn.answer(ticket, Answer::Done),
            Err(refusal) => turn.answer(ticket, Answer::Refused(refusal)),
        }
    }

    /// Says whether an operation will answer this ticket when it is done.
    fn waits(&self, ticket: Ticket) -> bool {
        self.operations
            .values()
            .any(|operation| operation.ticket == Some(ticket))
    }

    pub(super) fn known_handler(&self, id: &HandlerId) -> Result<(), Refusal> {
        match self.handlers.get(id) {
            Some(entry) if entry.is_installed => Ok(()),
            Some(_) | None => Err(Self::refusal(
                Hresult::InvalidArgument,
                Trouble::new(Code::HandlerUnknown).with("handler", id),
            )),
        }
    }

    pub(super) fn known_item(&self, key: &ItemKey) -> Result<&ItemEntry, Refusal> {
        self.items.get(key).ok_or_else(|| {
            Self::refusal(
                Hresult::InvalidArgument,
                Trouble::new(Code::NotFound)
                    .with("what", "sync")
                    .with("name", key),
            )
        })
    }

    /// Refuses flags nobody has defined (spec 62).
    fn check_flags(flags: ControlFlags) -> Result<(), Refusal> {
        if ControlFlags::all().contains(flags) {
            return Ok(());
        }
        let detail = format!("the control flags {:#x} are not defined", flags.bits());
        Err(Self::refusal(
            Hresult::InvalidArgument,
            Trouble::new(Code::NotPossible).with("detail", detail),
        ))
    }

    fn check_update(
        &self,
        handler: &HandlerId,
        item: Option<&ItemId>,
        flags: ControlFlags,
    ) -> Result<(), Refusal> {
        Self::check_flags(flags)?;
        self.known_handler(handler)?;
        match item {
            Some(item) => self.known_item(&key(handler, item)).map(drop),
            None => Ok(()),
        }
    }

    fn update(
        &mut self,
        ticket: Ticket,
        handler: &HandlerId,
        flags: ControlFlags,
        turn: &mut Turn,
    ) {
        if let Err(refusal) = self.check_update(handler, None, flags) {
            return turn.answer(ticket, Answer::Refused(refusal));
        }
        let waits = flags.contains(ControlFlags::WAIT);
        self.load(handler, waits.then_some(ticket), turn);
        if !waits {
            turn.answer(ticket, Answer::Done);
        }
    }

    fn update_collection(
        &mut self,
        ticket: Ticket,
        id: String,
        flags: ControlFlags,
        turn: &mut Turn,
    ) {
        match Self::check_flags(flags) {
            Ok(()) => {
                turn.push(Effect::LoadCollection(id));
                turn.answer(ticket, Answer::Done);
            }
            Err(refusal) => turn.answer(ticket, Answer::Refused(refusal)),
        }
    }

    fn start(&mut self, ticket: Ticket, scope: &Scope, options: StartOptions, turn: &mut Turn) {
        if let Err(refusal) = Self::check_start(&options) {
            return turn.answer(ticket, Answer::Refused(refusal));
        }
        match scope {
            Scope::All => self.start_all(ticket, &options, turn),
            Scope::Handler(handler) => match self.known_handler(handler) {
                Ok(()) => {
                    let items = self.syncable(handler);
                    self.start_items(ticket, handler, items, options, turn);
                }
                Err(refusal) => turn.answer(ticket, Answer::Refused(refusal)),
            },
            Scope::Items(handler, items) => {
                let known = self.known_handler(handler).and_then(|()| {
                    items
                        .iter()
                        .try_for_each(|item| self.known_item(&key(handler, item)).map(drop))
                });
                match known {
                    Ok(()) => {
                        self.start_items(ticket, handler, items.clone(), options, turn);
                    }
                    Err(refusal) => turn.answer(ticket, Answer::Refused(refusal)),
                }
            }
        }
    }

    fn check_start(options: &StartOptions) -> Result<(), Refusal> {
        if SyncControlFlags::all().contains(options.flags) {
            return Ok(());
        }
        let detail = format!(
            "the sync control flags {:#x} are not defined",
            options.flags.bits()
        );
        Err(Self::refusal(
            Hresult::InvalidArgument,
            Trouble::new(Code::NotPossible).with("detail", detail),
        ))
    }

    /// Returns the listed items of a handler that can be synced now (spec 68).
    fn syncable(&self, handler: &HandlerId) -> Vec<ItemId> {
        self.items_of(handler)
            .filter(|(key, entry)| entry.is_listed && self.unsyncable(key, WorkKind::Sync).is_none())
            .map(|(key, _)| key.item.clone())
            .collect()
    }

    /// Starts one request per handler (spec 69); the ticket is answered at once, and its outcome is
    /// that of nothing: the results are in history.
    fn start_all(&mut self, ticket: Ticket, options: &StartOptions, turn: &mut Turn) {
        let handlers: Vec<_> = self
            .handlers
            .iter()
            .filter(|(_, entry)| entry.is_listed())
            .map(|(id, _)| id.clone())
            .collect();
        for handler in handlers {
            let items = self.syncable(&handler);
            // Items of a handler that may run side by side do not wait for each other.
            let is_concurrent = self.handlers.get(&handler).is_some_and(|h| h.is_concurrent());
            let parts: Vec<Vec<ItemId>> = if is_concurrent {
                items.into_iter().map(|item| vec![item]).collect()
            } else if items.is_empty() {
                Vec::new()
            } else {
                vec![items]
            };
            for items in parts {
                self.request(&handler, items, options.clone(), None, turn);
            }
        }
        turn.answer(ticket, Answer::Done);
    }

    fn start_with(
        &mut self,
        ticket: Ticket,
        item: Item,
        options: StartOptions,
        turn: &mut Turn,
    ) {
        let known = Self::check_start(&options).and_then(|()| self.known_handler(&item.handler));
        if let Err(refusal) = known {
            return turn.answer(ticket, Answer::Refused(refusal));
        }
        let key = self.adopt(&item, turn);
        let id = self.start_items(ticket, &key.handler, vec![key.item], options, turn);
        if let Some(run) = id.and_then(|id| self.runs.get_mut(&id)) {
            run.with = Some(item);
        }
    }

    /// Takes a request for items that are known; what cannot be synced is left out (spec 70).
    fn start_items(
        &mut self,
        ticket: Ticket,
        handler: &HandlerId,
        items: Vec<ItemId>,
        options: StartOptions,
        turn: &mut Turn,
    ) -> Option<SessionId> {
        let mut dropped = Vec::new();
        let mut left = Vec::new();
        let mut seen = BTreeSet::new();
        for item in items {
            if !seen.insert(item.clone()) {
                continue;
            }
            let key = key(handler, &item);
            let is_syncing = self.items.get(&key).is_some_and(|e| !e.running.is_empty());
            let ignores = options
                .flags
                .contains(SyncControlFlags::IGNORE_IF_ALREADY_SYNCING);
            let reason = if options.intent == Intent::Preview {
                None
            } else {
                self.unsyncable(&key, options.work.kind())
            };
            match reason {
                Some(trouble) => dropped.push((item, trouble)),
                None if is_syncing && ignores => {
                    let name = super::session::name_of(self, &key);
                    dropped.push((item, Trouble::new(Code::WaitsForItself).with("name", name)));
                }
                None => left.push(item),
            }
        }
        if left.is_empty() {
            self.nothing_to_do(ticket, handler, dropped, options, turn);
            return None;
        }
        if options.joins && let Some(id) = self.same_queued(handler, &left, &options) {
            if let Some(run) = self.runs.get_mut(&id) {
                run.tickets.push(ticket);
            }
            let accepted = Accepted {
                session: id.clone(),
                taken: Taken::Joined,
                dropped,
            };
            turn.answer(ticket, Answer::Accepted(accepted));
            return None;
        }
        let id = self.request(handler, left, options, Some(ticket), turn);
        // Whether it runs at once is known only after the line has moved.
        let mark = turn.effects.len();
        self.dispatch(turn);
        let taken = match self.runs.get(&id).map(|run| run.stage) {
            Some(Stage::Queued) => Taken::Queued,
            Some(_) | None => Taken::Started,
        };
        let accepted = Accepted {
            session: id.clone(),
            taken,
            dropped,
        };
        turn.effects
            .insert(mark, Effect::Answer(ticket, Answer::Accepted(accepted)));
        Some(id)
    }

    /// Answers a request of which nothing is left: with success when all of it is being synced
    /// already (spec 81), otherwise with a failure that names the reasons.
    fn nothing_to_do(
        &mut self,
        ticket: Ticket,
        handler: &HandlerId,
        dropped: Vec<(ItemId, Trouble)>,
        options: StartOptions,
        turn: &mut Turn,
    ) {
        let items = dropped.iter().map(|(item, _)| item.clone()).collect();
        let id = self.request(handler, items, options, None, turn);
        self.queue.remove(&id);
        let mut all_running = true;
        for (item, trouble) in &dropped {
            if trouble.code != Code::WaitsForItself {
                all_running = false;
                self.remember_trouble(&id, Some(item.clone()), trouble.clone(), turn);
            }
        }
        self.free(&id, turn);
        let Some(run) = self.runs.remove(&id) else {
            return;
        };
        let mut outcome = outcome(&run, turn.now);
        outcome.status = if all_running {
            syncmgr_model::progress::ProgressStatus::Succeeded
        } else if dropped
            .iter()
            .all(|(_, trouble)| trouble.code == Code::Disconnected)
        {
            syncmgr_model::progress::ProgressStatus::Disconnected
        } else {
            syncmgr_model::progress::ProgressStatus::Failed
        };
        outcome.record.status = Some(outcome.status);
        for item in &mut outcome.record.items {
            item.status = Some(outcome.status);
        }
        let accepted = Accepted {
            session: id,
            taken: Taken::Nothing,
            dropped,
        };
        turn.answer(ticket, Answer::Accepted(accepted));
        turn.answer(ticket, Answer::Outcome(Box::new(outcome)));
    }

    fn same_queued(
        &self,
        handler: &HandlerId,
        items: &[ItemId],
        options: &StartOptions,
    ) -> Option<SessionId> {
        let same = self.runs.values().find(|run| {
            run.stage == Stage::Queued
                && run.handler == *handler
                && run.pending == items
                && run.work == options.work
                && run.intent == options.intent
                && run.token == options.token
                && run.with.is_none()
        });
        same.map(|run| run.id.clone())
    }

    /// Says why an item cannot be synced, if something is in the way (spec 22–24, 34–35, 48–50).
    pub(super) fn unsyncable(&self, key: &ItemKey, work: WorkKind) -> Option<Trouble> {
        let handler = &self.handlers.get(&key.handler)?.memory;
        let item = &self.items.get(key)?.memory;
        let name = super::session::name_of(self, key);
        if !handler.is_active {
            return Some(Trouble::new(Code::NotSetUp).with("handler", self.handler_name(&key.handler)));
        }
        if !handler.is_enabled {
            let name = self.handler_name(&key.handler);
            return Some(Trouble::new(Code::TurnedOff).with("name", name));
        }
        if !item.is_enabled && work == WorkKind::Sync {
            return Some(Trouble::new(Code::TurnedOff).with("name", name));
        }
        if !handler.is_connected || !item.is_connected {
            return Some(Trouble::new(Code::Disconnected).with("name", name));
        }
        let by_handler = handler.policies.contains(HandlerPolicies::PREVENT_START_SYNC);
        if by_handler || item.policies.contains(ItemPolicies::PREVENT_START_SYNC) {
            return Some(self.prevented("start", &key.handler, Some(&key.item)).trouble);
        }
        None
    }

    fn stop_session(&mut self, id: &SessionId, turn: &mut Turn) -> Result<(), Refusal> {
        if !self.runs.contains_key(id) {
            return Err(Self::refusal(
                Hresult::InvalidArgument,
                Trouble::new(Code::NotFound)
                    .with("what", "running session")
                    .with("name", id),
            ));
        }
        self.stop_run(id, turn);
        Ok(())
    }

    fn close_session(&mut self, id: &SessionId, turn: &mut Turn) -> Result<(), Refusal> {
        match self.runs.get(id) {
            Some(run) if run.is_external => {
                self.end(id, Ok(()), turn);
                Ok(())
            }
            Some(_) | None => Err(Self::refusal(
                Hresult::InvalidArgument,
                Trouble::new(Code::NotFound)
                    .with("what", "session of another program")
                    .with("name", id),
            )),
        }
    }

    fn call_from_outside(
        &mut self,
        ticket: Ticket,
        session: &SessionId,
        call: Call,
        turn: &mut Turn,
    ) {
        let is_external = self.runs.get(session).is_some_and(|run| run.is_external);
        let answer = if is_external {
            self.called(session, call, turn)
        } else {
            Err(Hresult::InvalidArgument)
        };
        self.answer_call(ticket, answer, turn);
    }

    fn answer_call(
        &self,
        ticket: Ticket,
        answer: Result<crate::command::CallReply, Hresult>,
        turn: &mut Turn,
    ) {
        turn.answer(
            ticket,
            match answer {
                Ok(reply) => Answer::Call(reply),
                Err(code) => Answer::Refused(Self::refusal(
                    code,
                    Trouble::new(Code::NotPossible).with("detail", code),
                )),
            },
        );
    }

    fn pause(
        &mut self,
        scope: &Scope,
        until: Option<Timestamp>,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        for key in self.scope(scope)? {
            if let Some(entry) = self.items.get_mut(&key) {
                entry.memory.paused_until = until;
                turn.save(Save::Memory(Box::new(entry.memory.clone())));
            }
            turn.touch(&key);
        }
        Ok(())
    }

    fn seen(&mut self, scope: &Scope, turn: &mut Turn) -> Result<(), Refusal> {
        let keys = self.scope(scope)?;
        self.see_events(&keys);
        for key in keys {
            if let Some(entry) = self.items.get_mut(&key) {
                entry.memory.n_errors = 0;
                turn.save(Save::Memory(Box::new(entry.memory.clone())));
            }
            turn.touch(&key);
        }
        Ok(())
    }

    /// Returns the items of a scope.
    pub(super) fn scope(&self, scope: &Scope) -> Result<Vec<ItemKey>, Refusal> {
        match scope {
            Scope::All => Ok(self.items.keys().cloned().collect()),
            Scope::Handler(handler) => {
                self.known_handler(handler)?;
                Ok(self.items_of(handler).map(|(key, _)| key.clone()).collect())
            }
            Scope::Items(handler, items) => {
                self.known_handler(handler)?;
                items
                    .iter()
                    .map(|item| {
                        let key = key(handler, item);
                        self.known_item(&key).map(drop)?;
                        Ok(key)
                    })
                    .collect()
            }
        }
    }

    fn hide(
        &mut self,
        is_hidden: bool,
        handler: &HandlerId,
        item: Option<&ItemId>,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        self.known_handler(handler)?;
        match item {
            Some(item) => {
                let key = key(handler, item);
                self.known_item(&key).map(drop)?;
                if let Some(entry) = self.items.get_mut(&key) {
                    entry.memory.is_hidden = is_hidden;
                    turn.save(Save::Memory(Box::new(entry.memory.clone())));
                }
                turn.touch(&key);
            }
            None => {
                if let Some(entry) = self.handlers.get_mut(handler) {
                    entry.memory.is_hidden = is_hidden;
                    turn.save(Save::Handler(entry.memory.clone()));
                }
                turn.notify(Update::Handler(handler.clone()));
            }
        }
        Ok(())
    }

    pub(super) fn new_operation(&mut self, operation: Operation) -> OperationId {
        self.next_operation += 1;
        let id = OperationId(self.next_operation);
        self.operations.insert(id, operation);
        id
    }
}
