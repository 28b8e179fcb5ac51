//! Setting up, turning on and off, removing: what the handler is asked first, and told then.

use syncmgr_model::capability::ControlFlags;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId, ItemKey};
use syncmgr_model::trouble::{Code, Trouble};

use super::control::{Operation, Then};
use super::{State, Turn, key};
use crate::command::{Answer, Change, Effect, OperationId, Refusal, Save, Shown, Ticket, Update};

impl State {
    pub(super) fn activate(
        &mut self,
        is_on: bool,
        handler: &HandlerId,
        flags: ControlFlags,
        ticket: Ticket,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        self.known_handler(handler)?;
        self.tell(handler, None, Change::Activate(is_on), flags, ticket, turn);
        Ok(())
    }

    pub(super) fn enable_handler(
        &mut self,
        is_on: bool,
        handler: &HandlerId,
        flags: ControlFlags,
        ticket: Ticket,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        self.known_handler(handler)?;
        self.tell(handler, None, Change::Enable(is_on), flags, ticket, turn);
        Ok(())
    }

    pub(super) fn enable_item(
        &mut self,
        is_on: bool,
        item: &ItemKey,
        flags: ControlFlags,
        ticket: Ticket,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        self.known_item(item).map(drop)?;
        let (handler, item) = (&item.handler, Some(&item.item));
        self.tell(handler, item, Change::Enable(is_on), flags, ticket, turn);
        Ok(())
    }

    pub(super) fn delete(
        &mut self,
        item: &ItemKey,
        flags: ControlFlags,
        ticket: Ticket,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        self.known_item(item).map(drop)?;
        let (handler, item) = (&item.handler, Some(&item.item));
        self.tell(handler, item, Change::Delete, flags, ticket, turn);
        Ok(())
    }

    fn tell(
        &mut self,
        handler: &HandlerId,
        item: Option<&ItemId>,
        change: Change,
        flags: ControlFlags,
        ticket: Ticket,
        turn: &mut Turn,
    ) {
        let id = self.new_operation(Operation {
            handler: handler.clone(),
            item: item.cloned(),
            then: Then::Settle(change),
            ticket: flags.contains(ControlFlags::WAIT).then_some(ticket),
        });
        turn.push(Effect::Tell(id, handler.clone(), item.cloned(), change));
    }

    /// A handler was told of a change and answered.
    pub(super) fn told(&mut self, id: OperationId, result: Result<(), Hresult>, turn: &mut Turn) {
        let Some(operation) = self.operations.remove(&id) else {
            return;
        };
        let Then::Settle(change) = operation.then;
        let answer = match result {
            // A handler that has nothing to do for it agrees (spec 60).
            Ok(()) | Err(Hresult::NotImplemented) => {
                self.settle(&operation.handler, operation.item.as_ref(), change, turn);
                Answer::Done
            }
            Err(code) => Answer::Refused(Self::refusal(
                code,
                Trouble::new(Code::NotPossible).with("detail", "the handler refused"),
            )),
        };
        if let Some(ticket) = operation.ticket {
            turn.answer(ticket, answer);
        }
    }

    fn settle(
        &mut self,
        handler: &HandlerId,
        item: Option<&ItemId>,
        change: Change,
        turn: &mut Turn,
    ) {
        let Some(item) = item else {
            if let Some(entry) = self.handlers.get_mut(handler) {
                match change {
                    Change::Activate(is_on) => entry.memory.is_active = is_on,
                    Change::Enable(is_on) => entry.memory.is_enabled = is_on,
                    Change::Delete => {}
                }
                turn.save(Save::Handler(entry.memory.clone()));
            }
            turn.notify(Update::Handler(handler.clone()));
            return;
        };
        let key = key(handler, item);
        match change {
            Change::Delete => self.forget(&key, turn),
            Change::Enable(is_on) | Change::Activate(is_on) => {
                if let Some(entry) = self.items.get_mut(&key) {
                    entry.memory.is_enabled = is_on;
                    turn.save(Save::Memory(Box::new(entry.memory.clone())));
                }
                turn.touch(&key);
            }
        }
    }

    /// Something shown to a person is done.
    pub(super) fn shown(
        &mut self,
        id: OperationId,
        _result: Result<bool, Hresult>,
        _turn: &mut Turn,
    ) {
        self.operations.remove(&id);
    }

    pub(super) fn show(
        &mut self,
        ticket: Ticket,
        handler: &HandlerId,
        _item: Option<&ItemId>,
        _shown: &Shown,
        turn: &mut Turn,
    ) {
        let refusal = match self.known_handler(handler) {
            Ok(()) => Self::refusal(
                Hresult::NotImplemented,
                Trouble::new(Code::NotPossible).with("detail", "this handler shows nothing"),
            ),
            Err(refusal) => refusal,
        };
        turn.answer(ticket, Answer::Refused(refusal));
    }
}
