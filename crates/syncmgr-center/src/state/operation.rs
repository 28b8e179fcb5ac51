//! What is shown to a person: questions before a change, content, schedules, links of events.
//!
//! Each is open once: a second request for the same one on the same object brings it to the front
//! (spec 63). Different ones, and ones on different objects, are open side by side, and while
//! syncs run (spec 64).

use syncmgr_model::capability::HandlerCapabilities;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::menu::{Task, Why};
use syncmgr_model::trouble::{Code, Trouble};

use super::{State, Turn, key};
use crate::command::{Answer, Change, Effect, Operation, OperationId, Refusal, Shown, Ticket};

/// Something a handler was told, or that is shown to a person.
#[derive(Debug)]
pub(super) struct Open {
    /// Whom it is about.
    pub(super) handler: HandlerId,
    /// Its item.
    pub(super) item: Option<ItemId>,
    /// What is shown; `None`: the handler is told something.
    pub(super) shown: Option<Operation>,
    /// What comes when it is done.
    pub(super) then: Then,
    /// Who waits for it.
    pub(super) ticket: Option<Ticket>,
}

/// What comes after an operation.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Then {
    /// A change was told; the state is changed.
    Settle(Change),
    /// A question was asked; after a yes the handler is told.
    Tell(Change),
    /// The content was shown.
    Nothing,
    /// A schedule was asked for; the built-in editor takes it when the handler does not.
    Schedule,
    /// A link was followed; its reference is followed when the handler does not take it.
    Follow(Option<String>),
}

impl State {
    pub(super) fn new_operation(&mut self, open: Open) -> OperationId {
        self.next_operation += 1;
        let id = OperationId(self.next_operation);
        self.operations.insert(id, open);
        id
    }

    /// Shows something, as a new instance of the handler on a thread of its own (spec 8).
    pub(super) fn open_operation(&mut self, open: Open, turn: &mut Turn) {
        let (handler, item) = (open.handler.clone(), open.item.clone());
        let Some(shown) = open.shown.clone() else {
            return;
        };
        let id = self.new_operation(open);
        turn.push(Effect::Show(id, handler, item, shown));
    }

    /// Brings the same to the front when it is open already, and says so.
    pub(super) fn raise(
        &self,
        ticket: Ticket,
        handler: &HandlerId,
        item: Option<&ItemId>,
        shown: &Operation,
        turn: &mut Turn,
    ) -> bool {
        let same = self.operations.iter().find(|(_, open)| {
            open.handler == *handler
                && open.item.as_ref() == item
                && open.shown.as_ref() == Some(shown)
        });
        let Some((id, _)) = same else {
            return false;
        };
        turn.push(Effect::Raise(*id));
        turn.answer(ticket, Answer::Raised);
        true
    }

    /// Takes a request to show something. It is answered when that begins to be shown, or somebody
    /// else has to show it; never only when the person is done with it (spec 72).
    pub(super) fn show(
        &mut self,
        ticket: Ticket,
        handler: &HandlerId,
        item: Option<&ItemId>,
        shown: Shown,
        turn: &mut Turn,
    ) {
        let (item, shown, then) = match self.choose(handler, item, shown) {
            Ok(Choice::Show(item, shown, then)) => (item, shown, then),
            Ok(Choice::Answer(answer)) => return turn.answer(ticket, answer),
            Err(refusal) => return turn.answer(ticket, Answer::Refused(refusal)),
        };
        if self.raise(ticket, handler, item.as_ref(), &shown, turn) {
            return;
        }
        let open = Open {
            handler: handler.clone(),
            item,
            shown: Some(shown),
            then,
            ticket: Some(ticket),
        };
        self.open_operation(open, turn);
    }

    fn choose(
        &self,
        handler: &HandlerId,
        item: Option<&ItemId>,
        shown: Shown,
    ) -> Result<Choice, Refusal> {
        if let Shown::Link(event) = shown {
            // Only handlers take links, and there is no capability for it: it is just asked.
            let then = Then::Follow(event.link.reference.clone());
            return match self.listed_handler(handler) {
                Ok(()) => Ok(Choice::Show(None, Operation::EventLink(event), then)),
                Err(_) => follow(event.link.reference.as_deref()).map(Choice::Answer),
            };
        }
        self.listed_handler(handler)?;
        if let Some(item) = item {
            self.known_item(&key(handler, item))?;
        }
        if shown == Shown::Schedule {
            return self.choose_schedule(handler, item);
        }
        match self.forbids(Task::Browse, handler, item) {
            Some(why) => Err(self.forbidden(Task::Browse, why, handler, item)),
            None => Ok(Choice::Show(
                item.cloned(),
                Operation::Browse,
                Then::Nothing,
            )),
        }
    }

    /// A handler with a schedule of its own shows that. For any other, and for items, which have
    /// none, there is the built-in editor (spec 66). A policy that greys the schedule greys both.
    fn choose_schedule(
        &self,
        handler: &HandlerId,
        item: Option<&ItemId>,
    ) -> Result<Choice, Refusal> {
        if self.forbids(Task::Schedule, handler, None) == Some(Why::Policy) {
            return Err(self.forbidden(Task::Schedule, Why::Policy, handler, item));
        }
        let has_own = self.handlers.get(handler).is_some_and(|entry| {
            let bit = HandlerCapabilities::CAN_SHOW_SCHEDULE;
            entry.memory.capabilities.contains(bit)
        });
        Ok(if has_own && item.is_none() {
            Choice::Show(None, Operation::ShowSchedule, Then::Schedule)
        } else {
            Choice::Answer(Answer::Schedule(handler.clone(), item.cloned()))
        })
    }

    fn forbids(&self, task: Task, handler: &HandlerId, item: Option<&ItemId>) -> Option<Why> {
        match item {
            Some(item) => self.menu_of_item(&key(handler, item))?.forbids(task),
            None => self.menu_of_handler(handler)?.forbids(task),
        }
    }

    /// Something begins to be shown.
    pub(super) fn showing(&mut self, id: OperationId, wizard: Option<HandlerId>, turn: &mut Turn) {
        let Some(open) = self.operations.get_mut(&id) else {
            return;
        };
        if matches!(open.then, Then::Tell(_) | Then::Settle(_)) {
            return;
        }
        if let Some(ticket) = open.ticket.take() {
            let answer = wizard.map_or(Answer::Done, |handler| Answer::Schedule(handler, None));
            turn.answer(ticket, answer);
        }
    }

    /// Something shown to a person is done.
    pub(super) fn shown(
        &mut self,
        id: OperationId,
        result: Result<bool, Hresult>,
        turn: &mut Turn,
    ) {
        let Some(open) = self.operations.remove(&id) else {
            return;
        };
        let answer = match open.then {
            Then::Tell(change) => {
                if result == Ok(true) {
                    return self.tell(open.handler, open.item, change, open.ticket, turn);
                }
                // A no, and any error, ends it (spec 57).
                Ok(Answer::Declined)
            }
            Then::Settle(_) => return,
            Then::Nothing => not_shown(result).map(|()| Answer::Done),
            Then::Schedule if is_unsupported(result) => {
                Ok(Answer::Schedule(open.handler, open.item))
            }
            Then::Follow(reference) if is_unsupported(result) => follow(reference.as_deref()),
            Then::Schedule | Then::Follow(_) => not_shown(result).map(|()| Answer::Done),
        };
        if let Some(ticket) = open.ticket {
            turn.answer(ticket, answer.unwrap_or_else(Answer::Refused));
        }
    }
}

/// What to do about a request to show something.
enum Choice {
    /// The handler shows it.
    Show(Option<ItemId>, Operation, Then),
    /// Somebody else does.
    Answer(Answer),
}

/// Handlers and items say in different words that they do not offer something; both are understood
/// from both (spec 38).
fn is_unsupported(result: Result<bool, Hresult>) -> bool {
    matches!(
        result,
        Err(Hresult::NotImplemented | Hresult::InvalidArgument)
    )
}

fn not_shown(result: Result<bool, Hresult>) -> Result<(), Refusal> {
    let code = match result {
        Ok(_) => return Ok(()),
        Err(_) if is_unsupported(result) => Hresult::NotImplemented,
        Err(code) => code,
    };
    let detail = match code {
        Hresult::NotImplemented => "its handler shows nothing here",
        Hresult::InvalidArgument
        | Hresult::AccessDenied
        | Hresult::Failed
        | Hresult::Unexpected => "the handler could not show it",
    };
    Err(State::refusal(
        code,
        Trouble::new(Code::NotPossible).with("detail", detail),
    ))
}

/// Returns where a link leads. Only addresses of the web are followed: whoever writes an event must
/// not be able to have a program started.
fn follow(reference: Option<&str>) -> Result<Answer, Refusal> {
    let is_web = |text: &&str| {
        let scheme = text
            .split_once("://")
            .map(|(scheme, _)| scheme.to_ascii_lowercase());
        let is_plain = !text.chars().any(|c| c.is_control() || c.is_whitespace());
        is_plain && matches!(scheme.as_deref(), Some("http" | "https"))
    };
    match reference.filter(is_web) {
        Some(text) => Ok(Answer::Follow(text.to_owned())),
        None => Err(State::refusal(
            Hresult::NotImplemented,
            Trouble::new(Code::NotPossible)
                .with("detail", "this result has no link that can be followed"),
        )),
    }
}
