//! What people and programs ask for (`ISyncMgrControl`).

use syncmgr_model::capability::ControlFlags;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

use super::change::Asked;
use super::registry::ItemEntry;
use super::{State, Turn, key};
use crate::command::{Answer, Call, Change, Control, Refusal, Save, Scope, Ticket, Update};

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
            Control::Register(handler, flags) => {
                return self.register(ticket, handler, flags, turn);
            }
            Control::Unregister(handler) => self.unregister(&handler, turn),
            Control::UpdateHandler(handler, flags) => {
                return self.update_handler(ticket, &handler, flags, turn);
            }
            Control::UpdateItem(item, flags) => {
                return self.update_item(ticket, item, flags, turn);
            }
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
                let asked = Asked::of_handler(handler, Change::Activate(is_on), flags);
                return self.change(ticket, asked, turn);
            }
            Control::EnableHandler(is_on, handler, flags) => {
                let asked = Asked::of_handler(handler, Change::Enable(is_on), flags);
                return self.change(ticket, asked, turn);
            }
            Control::EnableItem(is_on, item, flags) => {
                let asked = Asked::of_item(item, Change::Enable(is_on), flags);
                return self.change(ticket, asked, turn);
            }
            Control::Delete(item, flags) => {
                let asked = Asked::of_item(item, Change::Delete, flags);
                return self.change(ticket, asked, turn);
            }
            Control::Hide(is_hidden, handler, item) => {
                self.hide(is_hidden, &handler, item.as_ref(), turn)
            }
            Control::Show(handler, item, shown) => {
                return self.show(ticket, &handler, item.as_ref(), shown, turn);
            }
            Control::Pause(scope, until) => {
                self.pause(&scope, Some(until.unwrap_or(Timestamp(i64::MAX))), turn)
            }
            Control::Resume(scope) => self.pause(&scope, None, turn),
            Control::CreateSession(handler, items) => {
                let created = self.begin_external(&handler, items, turn);
                return self.answer_call(
                    ticket,
                    created.map(crate::command::CallReply::Session),
                    turn,
                );
            }
            Control::BeginOutside(outside) => {
                return self.begin_outside(ticket, *outside, turn);
            }
            Control::TakeIn(past) => self.take_in(*past, turn),
            Control::Call(session, call) => {
                return self.call_from_outside(ticket, &session, *call, turn);
            }
            Control::CloseSession(id) => self.close_session(&id, turn),
            Control::Configure(saved) => {
                self.configure(saved, turn);
                Ok(())
            }
            Control::SetSchedules(schedules, policies) => {
                self.set_schedules(schedules, policies, turn);
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
            Ok(()) => turn.answer(ticket, Answer::Done),
            Err(refusal) => turn.answer(ticket, Answer::Refused(refusal)),
        }
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
        let entry = self.items.get(key).filter(|entry| !entry.memory.is_gone);
        entry.ok_or_else(|| {
            Self::refusal(
                Hresult::InvalidArgument,
                Trouble::new(Code::NotFound)
                    .with("what", "sync")
                    .with("name", key),
            )
        })
    }

    /// Refuses flags nobody has defined (spec 62).
    pub(super) fn check_flags(flags: ControlFlags) -> Result<(), Refusal> {
        if ControlFlags::all().contains(flags) {
            return Ok(());
        }
        let detail = format!("the control flags {:#x} are not defined", flags.bits());
        Err(Self::refusal(
            Hresult::InvalidArgument,
            Trouble::new(Code::NotPossible).with("detail", detail),
        ))
    }

    pub(super) fn check_update(
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

    pub(super) fn answer_call(
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
            self.look_at(&key, turn);
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
}
