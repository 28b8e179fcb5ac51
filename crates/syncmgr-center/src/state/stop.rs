//! Requests to stop, and what happens when nobody listens.
//!
//! A stop is a request: the handler is told, and may finish the step at hand. One that still works
//! when the grace is over is given up: its session ends as failed and says so, and nothing it
//! reports later counts. Its items stay occupied until it really lets go, so that no second run
//! meets the first one at work.

use syncmgr_model::capability::{HandlerPolicies, ItemPolicies};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId, SessionId};
use syncmgr_model::progress::CancelRequest;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

use super::session::{Stage, outcome};
use super::{State, Turn, key};
use crate::command::{Answer, Effect, Refusal, Save, Scope, Update};

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
        for item in items {
            let Some(entry) = self.items.get(&key(handler, item)) else {
                continue;
            };
            let (running, queued) = (entry.running.clone(), entry.queued.clone());
            for id in queued {
                self.withdraw(&id, item, turn);
            }
            for id in running {
                self.stop_part(&id, item, turn);
            }
        }
        Ok(())
    }

    /// Takes an item out of a request that waits; a request without items is over.
    fn withdraw(&mut self, id: &SessionId, item: &ItemId, turn: &mut Turn) {
        let Some(run) = self.runs.get_mut(id) else {
            return;
        };
        if run.pending.iter().all(|pending| pending == item) && run.taken_by.is_empty() {
            return self.stop_run(id, turn);
        }
        run.pending.retain(|pending| pending != item);
        run.taken.push(syncmgr_model::record::ItemResult {
            item: item.clone(),
            status: Some(syncmgr_model::progress::ProgressStatus::Canceled),
            summary: syncmgr_model::record::Summary::default(),
        });
        let key = key(&run.handler, item);
        if let Some(entry) = self.items.get_mut(&key) {
            entry.queued.remove(id);
        }
        turn.touch(&key);
    }

    /// Asks for one item of a session to stop; the last open one stops the session.
    fn stop_part(&mut self, id: &SessionId, item: &ItemId, turn: &mut Turn) {
        let grace = self.limits.grace_ms;
        let Some(run) = self.runs.get_mut(id) else {
            return;
        };
        let Some(part) = run.parts.get_mut(item).filter(|part| part.is_open()) else {
            return;
        };
        part.cancel = part.cancel.max(CancelRequest::Item);
        let is_all = run
            .parts
            .values()
            .all(|part| !part.is_open() || part.cancel != CancelRequest::None);
        if is_all && run.deadline.is_none() && !run.is_external {
            run.deadline = Some(Timestamp(turn.now.0 + grace));
        }
        turn.push(Effect::Cancel(id.clone(), Some(item.clone())));
        turn.notify(Update::Stopping(id.clone()));
    }

    /// Asks a session to stop; a request that waits is over at once, with a result that says so
    /// (spec 117).
    pub(super) fn stop_run(&mut self, id: &SessionId, turn: &mut Turn) {
        let grace = self.limits.grace_ms;
        let Some(run) = self.runs.get_mut(id) else {
            return;
        };
        match run.stage {
            Stage::Queued | Stage::Signalled => {
                self.queue.remove(id);
                self.free(id, turn);
                if let Some(run) = self.runs.remove(id) {
                    let outcome = outcome(&run, turn.now);
                    turn.notify(Update::Ended(id.clone()));
                    for ticket in run.tickets {
                        turn.answer(ticket, Answer::Outcome(Box::new(outcome.clone())));
                    }
                }
            }
            Stage::Told | Stage::Open => {
                run.cancel = CancelRequest::All;
                if run.deadline.is_none() && !run.is_external {
                    run.deadline = Some(Timestamp(turn.now.0 + grace));
                }
                turn.push(Effect::Cancel(id.clone(), None));
                turn.notify(Update::Stopping(id.clone()));
            }
            Stage::Absorbed | Stage::Abandoned => {}
        }
    }

    /// Returns the next moment at which something is given up or goes first.
    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        let of_runs = self.runs.values().filter_map(|run| match run.stage {
            Stage::Told | Stage::Open if run.is_external => {
                Some(Timestamp(run.heard.0 + self.limits.silence_ms))
            }
            Stage::Told | Stage::Open | Stage::Signalled => run.deadline,
            Stage::Queued | Stage::Absorbed | Stage::Abandoned => None,
        });
        of_runs.chain(self.next_impatience()).min()
    }

    /// Gives up what did not stop in time.
    pub(super) fn give_up_late(&mut self, turn: &mut Turn) {
        let late: Vec<_> = self
            .runs
            .values()
            .filter(|run| match run.stage {
                Stage::Told | Stage::Open if run.is_external => {
                    turn.now.0.saturating_sub(run.heard.0) >= self.limits.silence_ms
                }
                Stage::Told | Stage::Open | Stage::Signalled => {
                    run.deadline.is_some_and(|deadline| deadline <= turn.now)
                }
                Stage::Queued | Stage::Absorbed | Stage::Abandoned => false,
            })
            .map(|run| (run.id.clone(), run.stage, run.is_external))
            .collect();
        for (id, stage, is_external) in late {
            match stage {
                Stage::Signalled => self.never_came(&id, turn),
                _ if is_external => {
                    self.end(&id, Err(Trouble::new(Code::Interrupted)), turn);
                }
                _ => self.abandon(&id, turn),
            }
        }
    }

    /// The other program never began.
    fn never_came(&mut self, id: &SessionId, turn: &mut Turn) {
        let Some(run) = self.runs.get_mut(id) else {
            return;
        };
        run.order = std::mem::take(&mut run.pending);
        let handler = run.handler.clone();
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
            Some(item) => super::session::name_of(self, &key(handler, item)),
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
    /// occupied.
    fn end_abandoned(&mut self, id: &SessionId, trouble: Trouble, turn: &mut Turn) {
        // The ghost keeps the place of the session until its thread ends.
        let Some(ghost) = self.runs.get(id).map(super::session::Run::ghost) else {
            return;
        };
        let held: Vec<_> = ghost.order.clone();
        let handler = ghost.handler.clone();
        self.end(id, Err(trouble), turn);
        for item in &held {
            if let Some(entry) = self.items.get_mut(&key(&handler, item)) {
                entry.running.insert(id.clone());
            }
        }
        if let Some(entry) = self.handlers.get_mut(&handler) {
            entry.running.insert(id.clone());
        }
        self.runs.insert(id.clone(), ghost);
        self.queue.haunt(id, self.claims_of_items(&handler, &held));
    }

    fn claims_of_items(&self, handler: &HandlerId, items: &[ItemId]) -> Vec<Vec<u8>> {
        items
            .iter()
            .filter_map(|item| self.items.get(&key(handler, item)))
            .flat_map(|entry| entry.paths.iter().cloned())
            .collect()
    }

    /// Forgets an unsaved item.
    pub(super) fn forget(&mut self, key: &syncmgr_model::id::ItemKey, turn: &mut Turn) {
        if self.items.remove(key).is_some() {
            turn.save(Save::ItemGone(key.clone()));
            turn.touch(key);
        }
    }
}
