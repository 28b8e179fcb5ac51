//! Requests to stop, and what happens when nobody listens.
//!
//! A stop is a request: the handler is told, and may finish the step at hand. One that still works
//! when the grace is over is given up: its session ends as failed and says so, and nothing it
//! reports later counts. Its items stay occupied until it really lets go, so that no second run
//! meets the first one at work.

use std::collections::BTreeSet;

use syncmgr_model::capability::{HandlerPolicies, ItemPolicies};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::progress::{CancelRequest, ProgressStatus};
use syncmgr_model::request::Intent;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

use super::run::{Part, Run, Stage};
use super::{State, Turn, key};
use crate::command::{Effect, Refusal, Save, Scope, Update};

impl State {
    /// Carries out a request to stop.
    pub(super) fn stop(&mut self, scope: &Scope, turn: &mut Turn) -> Result<(), Refusal> {
        match scope {
            Scope::All => {
                self.stop_all(turn);
                Ok(())
            }
            Scope::Handler(handler) => self.stop_handler(handler, turn),
            Scope::Items(handler, items) => self.stop_items(handler, items, turn),
        }
    }

    pub(super) fn stop_all(&mut self, turn: &mut Turn) {
        let ids: Vec<_> = self
            .runs
            .values()
            .filter(|run| self.is_closing || !self.prevents_stop(&run.handler))
            .map(|run| run.id.clone())
            .collect();
        for id in ids {
            self.stop_run(&id, turn);
        }
    }

    fn prevents_stop(&self, handler: &HandlerId) -> bool {
        self.handlers.get(handler).is_some_and(|entry| {
            let bits = HandlerPolicies::PREVENT_STOP_SYNC | HandlerPolicies::DISABLE_STOP_SYNC;
            entry.memory.policies.intersects(bits)
        })
    }

    fn stop_handler(&mut self, handler: &HandlerId, turn: &mut Turn) -> Result<(), Refusal> {
        self.known_handler(handler)?;
        if self.prevents_stop(handler) {
            return Err(self.prevented("stop", handler, None));
        }
        let ids: Vec<_> = self
            .runs
            .values()
            .filter(|run| run.handler == *handler)
            .map(|run| run.id.clone())
            .collect();
        for id in ids {
            self.stop_run(&id, turn);
        }
        Ok(())
    }

    fn stop_items(
        &mut self,
        handler: &HandlerId,
        items: &[ItemId],
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        self.known_handler(handler)?;
        for item in items {
            let entry = self.known_item(&key(handler, item))?;
            let bits = ItemPolicies::PREVENT_STOP_SYNC | ItemPolicies::DISABLE_STOP_SYNC;
            if self.prevents_stop(handler) || entry.memory.policies.intersects(bits) {
                return Err(self.prevented("stop", handler, Some(item)));
            }
        }
        let items: BTreeSet<_> = items.iter().collect();
        let entries = items
            .iter()
            .filter_map(|item| self.items.get(&key(handler, item)));
        let (mut queued, mut running) = (BTreeSet::new(), BTreeSet::new());
        for entry in entries {
            queued.extend(entry.queued.iter().cloned());
            running.extend(entry.running.iter().cloned());
        }
        for id in queued {
            self.withdraw(&id, |item| items.contains(item), turn);
        }
        for id in running {
            self.stop_parts(&id, &items, turn);
        }
        Ok(())
    }

    /// Takes items out of a request that waits; a request without items is over.
    fn withdraw(&mut self, id: &SessionId, is_named: impl Fn(&ItemId) -> bool, turn: &mut Turn) {
        if let Some(run) = self.runs.get_mut(id) {
            run.give_up(|item| is_named(item).then_some(ProgressStatus::Canceled));
            self.settle_request(id, turn);
        }
    }

    /// Asks for some items of a session to stop; with the last open one the session is to stop.
    /// While others go on, nobody can be given up.
    fn stop_parts(&mut self, id: &SessionId, items: &BTreeSet<&ItemId>, turn: &mut Turn) {
        let Some(run) = self.runs.get_mut(id) else {
            return;
        };
        let mut is_asked = false;
        for item in items {
            if let Some(part) = run.parts.get_mut(*item).filter(|part| part.is_open()) {
                part.cancel = part.cancel.max(CancelRequest::Item);
                turn.push(Effect::Cancel(id.clone(), Some((*item).clone())));
                is_asked = true;
            }
        }
        if !is_asked {
            return;
        }
        turn.notify(Update::Stopping(id.clone()));
        let goes_on = |part: &Part| part.is_open() && part.cancel == CancelRequest::None;
        if !run.parts.values().any(goes_on) {
            self.set_deadline(id, turn);
        }
    }

    /// Asks a session to stop; a request that waits is over, with a result that says so (spec 117).
    /// What other sessions took over of it goes on, and the result waits for that.
    pub(super) fn stop_run(&mut self, id: &SessionId, turn: &mut Turn) {
        let Some(run) = self.runs.get_mut(id) else {
            return;
        };
        match run.stage {
            Stage::Queued | Stage::Signalled => {
                run.stage = Stage::Absorbed;
                let handler = run.handler.clone();
                self.unqueue(id, turn);
                self.not_handed_over(&handler, id);
                self.withdraw(id, |_| true, turn);
            }
            Stage::Told | Stage::Open => {
                run.cancel = CancelRequest::All;
                turn.push(Effect::Cancel(id.clone(), None));
                turn.notify(Update::Stopping(id.clone()));
                self.set_deadline(id, turn);
            }
            Stage::Absorbed | Stage::Abandoned => {}
        }
    }

    /// Gives a handler so long to stop; a second request gives it no more. A program outside cannot
    /// be given up: it is only asked (spec 118).
    fn set_deadline(&mut self, id: &SessionId, turn: &Turn) {
        let until = Timestamp(turn.now.0.saturating_add(self.limits.grace_ms));
        if let Some(run) = self.runs.get_mut(id)
            && run.deadline.is_none()
            && !run.is_external
        {
            run.deadline = Some(until);
            self.watch_over(id);
        }
    }

    /// Returns when a session is given up, as far as is known now.
    fn gives_up_at(&self, id: &SessionId) -> Option<Timestamp> {
        let run = self.runs.get(id)?;
        match run.stage {
            Stage::Told | Stage::Open if run.is_external => {
                let silent_at = run.heard.0.saturating_add(self.limits.silence_ms);
                Some(Timestamp(silent_at))
            }
            Stage::Told | Stage::Open | Stage::Signalled => run.deadline,
            Stage::Queued | Stage::Absorbed | Stage::Abandoned => None,
        }
    }

    /// Sees to it that a session is given up in time.
    pub(super) fn watch_over(&mut self, id: &SessionId) {
        match self.gives_up_at(id) {
            Some(at) => self.timers.set(id, at),
            None => self.timers.unset(id),
        }
    }

    /// Gives up what did not stop in time.
    pub(super) fn give_up_late(&mut self, turn: &mut Turn) {
        while let Some(id) = self.timers.pop(turn.now) {
            if self.gives_up_at(&id).is_none_or(|at| at > turn.now) {
                // Something was heard of it since.
                self.watch_over(&id);
                continue;
            }
            let Some(run) = self.runs.get(&id) else {
                continue;
            };
            if run.stage == Stage::Signalled {
                self.never_came(&id, turn);
            } else if run.is_external {
                self.end(&id, Err(Trouble::new(Code::Interrupted)), turn);
            } else {
                self.abandon(&id, turn);
            }
        }
    }

    /// The other program never began: that is a session that failed.
    fn never_came(&mut self, id: &SessionId, turn: &mut Turn) {
        let Some(run) = self.runs.get_mut(id) else {
            return;
        };
        run.take_up();
        run.stage = Stage::Told;
        if run.intent == Intent::Apply {
            turn.save(Save::Began(run.record(None)));
        }
        let handler = run.handler.clone();
        self.not_handed_over(&handler, id);
        let trouble = Trouble::new(Code::HandlerSilent)
            .with("handler", self.handler_name(&handler))
            .with("detail", "the program it told to work did not begin");
        self.end(id, Err(trouble), turn);
    }

    fn abandon(&mut self, id: &SessionId, turn: &mut Turn) {
        let Some(run) = self.runs.get_mut(id) else {
            return;
        };
        let handler = run.handler.clone();
        let trouble = Trouble::new(Code::HandlerAbandoned)
            .with("handler", self.handler_name(&handler))
            .with("seconds", self.limits.grace_ms / 1000);
        let is_apart = self.handlers.get(&handler).is_some_and(|it| it.is_apart);
        // Its process is ended, so nobody has to wait until it lets go.
        let trouble = if is_apart {
            trouble.with("log", &handler)
        } else {
            trouble
        };
        turn.push(Effect::Abandon(id.clone()));
        self.end_abandoned(id, trouble, turn);
    }

    /// A given-up handler let go at last: its items are free.
    pub(super) fn let_go(&mut self, id: &SessionId, turn: &mut Turn) {
        self.free(id, turn);
        self.runs.remove(id);
    }

    pub(super) fn refusal(code: Hresult, trouble: Trouble) -> Refusal {
        Refusal { code, trouble }
    }

    /// Builds the refusal of something a policy prevents.
    pub(super) fn prevented(
        &self,
        what: &str,
        handler: &HandlerId,
        item: Option<&ItemId>,
    ) -> Refusal {
        let name = match item {
            Some(item) => super::name_of(self, &key(handler, item)),
            None => self.handler_name(handler),
        };
        let comment = match item {
            Some(item) => self
                .items
                .get(&key(handler, item))
                .map(|e| &e.memory.comment),
            None => self.handlers.get(handler).map(|e| &e.memory.comment),
        };
        let mut trouble = Trouble::new(Code::Prevented)
            .with("what", what)
            .with("name", name);
        if let Some(comment) = comment.filter(|comment| !comment.is_empty()) {
            trouble = trouble.with("comment", comment);
        }
        Self::refusal(Hresult::AccessDenied, trouble)
    }

    /// Writes down the end of an abandoned session and answers for it, while its items stay
    /// occupied until its thread ends. It does not count for the limit any more.
    fn end_abandoned(&mut self, id: &SessionId, trouble: Trouble, turn: &mut Turn) {
        let Some(ghost) = self.runs.get(id).map(Run::ghost) else {
            return;
        };
        let handler = ghost.handler.clone();
        let held = ghost.order.clone();
        // Its folders as they were when it began: its items may have changed since, or be gone.
        let claim = self.queue.occupied_by(id);
        self.end(id, Err(trouble), turn);
        self.runs.insert(id.clone(), ghost);
        for item in &held {
            if let Some(entry) = self.items.get_mut(&key(&handler, item)) {
                entry.running.insert(id.clone());
            }
        }
        if let Some(entry) = self.handlers.get_mut(&handler) {
            entry.running.insert(id.clone());
        }
        self.queue.occupy(id, claim);
    }

    /// Forgets an unsaved item; it leaves the requests that wait.
    pub(super) fn forget(&mut self, key: &ItemKey, turn: &mut Turn) {
        let Some(entry) = self.items.get(key) else {
            return;
        };
        for id in entry.queued.clone() {
            self.withdraw(&id, |item| *item == key.item, turn);
        }
        self.items.remove(key);
        turn.save(Save::ItemGone(key.clone()));
        turn.touch(key);
    }
}
