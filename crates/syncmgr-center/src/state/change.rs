//! Setting up, turning on and off, removing: what a person is asked first, and the handler told
//! then.
//!
//! The order is that of the original: the policy, the question, the handler, the state. A change
//! that a policy takes away or greys is refused with the handler's comment as the reason; a change
//! that changes nothing is told all the same.

use syncmgr_model::capability::{ControlFlags, HandlerCapabilities, ItemCapabilities};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId, ItemKey};
use syncmgr_model::menu::{Task, Why};
use syncmgr_model::trouble::{Code, Trouble};

use super::operation::{Open, Then};
use super::{State, Turn, key};
use crate::command::{
    Answer, Change, Effect, Operation, OperationId, Refusal, Save, Ticket, Update,
};

/// A change that somebody asked for.
#[derive(Debug)]
pub(super) struct Asked {
    handler: HandlerId,
    item: Option<ItemId>,
    change: Change,
    flags: ControlFlags,
}

impl Asked {
    pub(super) fn of_handler(handler: HandlerId, change: Change, flags: ControlFlags) -> Self {
        Self {
            handler,
            item: None,
            change,
            flags,
        }
    }

    pub(super) fn of_item(item: ItemKey, change: Change, flags: ControlFlags) -> Self {
        Self {
            handler: item.handler,
            item: Some(item.item),
            change,
            flags,
        }
    }

    /// Returns the task of a menu that this is.
    fn task(&self) -> Task {
        match self.change {
            Change::Activate(true) => Task::SetUp,
            Change::Activate(false) | Change::Delete => Task::Delete,
            Change::Enable(true) => Task::Enable,
            Change::Enable(false) => Task::Disable,
        }
    }

    /// Returns the question that belongs to it.
    fn question(&self) -> Operation {
        match self.change {
            Change::Activate(true) => Operation::QueryBeforeActivate,
            Change::Activate(false) => Operation::QueryBeforeDeactivate,
            Change::Enable(true) => Operation::QueryBeforeEnable,
            Change::Enable(false) => Operation::QueryBeforeDisable,
            Change::Delete => Operation::QueryBeforeDelete,
        }
    }
}

impl State {
    /// Takes a request for a change. Without `WAIT` it is answered when it has begun; with it, when
    /// the handler has been told, or a person said no (spec 61).
    ///
    /// Decision: with `NO_UI` the question is left out and the change goes on as after a yes.
    pub(super) fn change(&mut self, ticket: Ticket, asked: Asked, turn: &mut Turn) {
        if let Err(refusal) = self.check_change(&asked) {
            return turn.answer(ticket, Answer::Refused(refusal));
        }
        let is_waiting = asked.flags.contains(ControlFlags::WAIT);
        let asks = !asked.flags.contains(ControlFlags::NO_UI) && self.asks_before(&asked);
        if asks
            && self.raise(
                ticket,
                &asked.handler,
                asked.item.as_ref(),
                &asked.question(),
                turn,
            )
        {
            return;
        }
        let waiting = is_waiting.then_some(ticket);
        if asks {
            let question = asked.question();
            let open = Open {
                handler: asked.handler,
                item: asked.item,
                shown: Some(question),
                then: Then::Tell(asked.change),
                ticket: waiting,
            };
            self.open_operation(open, turn);
        } else {
            self.tell(asked.handler, asked.item, asked.change, waiting, turn);
        }
        if !is_waiting {
            turn.answer(ticket, Answer::Done);
        }
    }

    fn check_change(&self, asked: &Asked) -> Result<(), Refusal> {
        Self::check_flags(asked.flags)?;
        self.listed_handler(&asked.handler)?;
        let task = asked.task();
        let (why, is_used) = match &asked.item {
            Some(item) => {
                let key = key(&asked.handler, item);
                let entry = self.known_item(&key)?;
                let is_used = !(entry.running.is_empty() && entry.queued.is_empty());
                (
                    self.menu_of_item(&key).and_then(|menu| menu.forbids(task)),
                    is_used,
                )
            }
            None => {
                let menu = self.menu_of_handler(&asked.handler);
                (menu.and_then(|menu| menu.forbids(task)), false)
            }
        };
        if let Some(why) = why {
            return Err(self.forbidden(task, why, &asked.handler, asked.item.as_ref()));
        }
        if asked.change == Change::Delete && is_used {
            // What is removed under a running session would be there again when it reports.
            let detail = "it is being synced; stop it first";
            return Err(Self::refusal(
                Hresult::AccessDenied,
                Trouble::new(Code::NotPossible).with("detail", detail),
            ));
        }
        Ok(())
    }

    /// Builds the refusal of a task that a menu does not offer.
    pub(super) fn forbidden(
        &self,
        task: Task,
        why: Why,
        handler: &HandlerId,
        item: Option<&ItemId>,
    ) -> Refusal {
        match why {
            Why::Policy => self.prevented(task.as_str(), handler, item),
            Why::Capability | Why::State | Why::Unsure => {
                let detail = format!("its handler offers no way to {} it", task.as_str());
                Self::refusal(
                    Hresult::NotImplemented,
                    Trouble::new(Code::NotPossible).with("detail", detail),
                )
            }
        }
    }

    /// Says whether a person is asked before (spec 57–59).
    fn asks_before(&self, asked: &Asked) -> bool {
        match &asked.item {
            Some(item) => {
                let bit = match asked.change {
                    Change::Enable(true) => ItemCapabilities::QUERY_BEFORE_ENABLE,
                    Change::Enable(false) => ItemCapabilities::QUERY_BEFORE_DISABLE,
                    Change::Delete => ItemCapabilities::QUERY_BEFORE_DELETE,
                    Change::Activate(_) => return false,
                };
                let entry = self.items.get(&key(&asked.handler, item));
                entry.is_some_and(|entry| entry.memory.capabilities.contains(bit))
            }
            None => {
                let bit = match asked.change {
                    Change::Activate(true) => HandlerCapabilities::QUERY_BEFORE_ACTIVATE,
                    Change::Activate(false) => HandlerCapabilities::QUERY_BEFORE_DEACTIVATE,
                    Change::Enable(true) => HandlerCapabilities::QUERY_BEFORE_ENABLE,
                    Change::Enable(false) => HandlerCapabilities::QUERY_BEFORE_DISABLE,
                    Change::Delete => return false,
                };
                let entry = self.handlers.get(&asked.handler);
                entry.is_some_and(|entry| entry.memory.capabilities.contains(bit))
            }
        }
    }

    /// Tells a handler or item of a change.
    pub(super) fn tell(
        &mut self,
        handler: HandlerId,
        item: Option<ItemId>,
        change: Change,
        ticket: Option<Ticket>,
        turn: &mut Turn,
    ) {
        let open = Open {
            handler: handler.clone(),
            item: item.clone(),
            shown: None,
            then: Then::Settle(change),
            ticket,
        };
        let id = self.new_operation(open);
        turn.push(Effect::Tell(id, handler, item, change));
    }

    /// A handler was told of a change and answered.
    pub(super) fn told(&mut self, id: OperationId, result: Result<(), Hresult>, turn: &mut Turn) {
        let Some(open) = self.operations.remove(&id) else {
            return;
        };
        let Then::Settle(change) = open.then else {
            return;
        };
        let answer = match result {
            // A handler that has nothing to do for it agrees (spec 40, 60).
            Ok(()) | Err(Hresult::NotImplemented) => {
                self.settle_change(&open.handler, open.item.as_ref(), change, turn);
                Answer::Done
            }
            Err(code) => Answer::Refused(Self::refusal(
                code,
                Trouble::new(Code::NotPossible).with("detail", "the handler refused"),
            )),
        };
        if let Some(ticket) = open.ticket {
            turn.answer(ticket, answer);
        }
    }

    /// Takes over a change the handler agreed to, and reads anew what it says about its state: a
    /// handler that keeps the state itself has the last word.
    fn settle_change(
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
            self.touch_items(handler, turn);
            self.load(handler, turn);
            return;
        };
        let key = key(handler, item);
        match change {
            Change::Delete => self.forget(&key, turn),
            Change::Enable(is_on) | Change::Activate(is_on) => {
                if let Some(entry) = self.items.get_mut(&key) {
                    entry.memory.is_enabled = is_on;
                    entry.item.is_enabled = is_on;
                    turn.save(Save::Memory(Box::new(entry.memory.clone())));
                }
                turn.touch(&key);
                self.load_item(key, None, turn);
            }
        }
    }
}
