//! How a session takes over what waits: items and tokens that its handler adds to it, and requests
//! that were handed to a program outside.
//!
//! An item that was taken over does not run again (spec 85). A request all of whose items were taken
//! over is served: it gets its one result when the last session that took from it ends (spec 88).

use std::collections::BTreeSet;

use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId, SessionId};
use syncmgr_model::progress::CancelRequest;
use syncmgr_model::record::SessionRecord;
use syncmgr_model::request::{Additional, Intent, Token, Work};
use syncmgr_model::time::Timestamp;

use super::run::{Run, Stage, outcome};
use super::{DONE, State, Turn, key};
use crate::command::{Answer, CallReply, Save, Update};

/// Says whether a session may take from a request: both must want the same done, for good.
fn may_take(session: &Run, request: &Run) -> bool {
    let is_plain = matches!(
        request.work,
        Work::Sync {
            is_full: false,
            release: None
        }
    );
    session.intent == Intent::Apply
        && request.intent == Intent::Apply
        && request.with.is_none()
        && (is_plain || request.work == session.work)
}

impl State {
    /// Lists what waits for the handler of a session (spec 83, 84).
    pub(super) fn additional(&self, id: &SessionId) -> Option<Additional> {
        let session = self.runs.get(id)?;
        let mut items = BTreeSet::new();
        let mut tokens = Vec::new();
        let waiting = self.queue.of_handler(&session.handler);
        for request in waiting.filter_map(|id| self.runs.get(id)) {
            if may_take(session, request) {
                items.extend(request.pending.iter().cloned());
                tokens.extend(request.token.clone().filter(|_| !request.token_taken));
            }
        }
        if items.is_empty() && tokens.is_empty() {
            return None;
        }
        Some(Additional {
            items: (!items.is_empty()).then(|| items.into_iter().collect()),
            tokens: (!tokens.is_empty()).then_some(tokens),
        })
    }

    /// Takes an item into a session. Refused when it is in it (spec 86), when it is unknown, and,
    /// so that no item runs twice at once, when another session works on it or its folders.
    pub(super) fn add_item(
        &mut self,
        id: &SessionId,
        item: &ItemId,
        turn: &mut Turn,
    ) -> Result<CallReply, Hresult> {
        let run = self.runs.get(id).ok_or(Hresult::Unexpected)?;
        let key = key(&run.handler, item);
        let entry = self.items.get(&key).ok_or(Hresult::InvalidArgument)?;
        if run.parts.contains_key(item) {
            return Err(Hresult::InvalidArgument);
        }
        if self.is_in_use(id, &key) {
            return Err(Hresult::AccessDenied);
        }
        let taken = entry.item.clone();
        let is_donor = |donor: &&SessionId| {
            let donor = self.runs.get(*donor);
            donor.is_some_and(|donor| donor.stage == Stage::Queued && may_take(run, donor))
        };
        let donors: Vec<_> = entry.queued.iter().filter(is_donor).cloned().collect();
        self.add_part(id, item, turn);
        for donor in donors {
            if let Some(entry) = self.items.get_mut(&key) {
                entry.queued.remove(&donor);
            }
            self.take_over(id, &donor, item, turn);
        }
        Ok(CallReply::Item(Box::new(taken)))
    }

    /// Notes that a session does an item of a request.
    fn take_over(&mut self, id: &SessionId, donor: &SessionId, item: &ItemId, turn: &mut Turn) {
        if let Some(request) = self.runs.get_mut(donor) {
            request.pending.retain(|other| other != item);
            request.taken_by.insert(id.clone());
        }
        if let Some(session) = self.runs.get_mut(id) {
            session.served.push((donor.clone(), Some(item.clone())));
        }
        self.settle_request(donor, turn);
    }

    /// Takes a token into a session (spec 87), also one whose items were all taken over before.
    pub(super) fn add_token(
        &mut self,
        id: &SessionId,
        token: &Token,
        turn: &mut Turn,
    ) -> Result<CallReply, Hresult> {
        let session = self.runs.get(id).ok_or(Hresult::Unexpected)?;
        let served = session.served.iter().map(|(donor, _)| donor);
        let waiting = self.queue.of_handler(&session.handler);
        let has_token = |request: &&Run| {
            !request.token_taken
                && request.token.as_ref() == Some(token)
                && may_take(session, request)
        };
        let donor = waiting
            .chain(served)
            .filter_map(|id| self.runs.get(id))
            .find(has_token)
            .map(|run| run.id.clone())
            .ok_or(Hresult::InvalidArgument)?;
        if let Some(run) = self.runs.get_mut(&donor) {
            run.token_taken = true;
            run.taken_by.insert(id.clone());
        }
        if let Some(run) = self.runs.get_mut(id) {
            run.served.push((donor.clone(), None));
        }
        self.settle_request(&donor, turn);
        Ok(DONE)
    }

    /// Looks at a request that waits and lost items: without any it leaves the queue.
    pub(super) fn settle_request(&mut self, id: &SessionId, turn: &mut Turn) {
        self.not_pending(id, turn);
        let Some(run) = self.runs.get_mut(id) else {
            return;
        };
        if run.stage == Stage::Queued {
            if run.pending.is_empty() {
                run.stage = Stage::Absorbed;
                self.unqueue(id, turn);
            } else if self.queue.is_parked(id) {
                let claim = self.claim_of(id);
                self.queue.shrink(id, claim);
            }
        }
        self.finish_absorbed(id, turn);
    }

    /// Notes which items do not wait in a request any more: those it has a result for.
    fn not_pending(&mut self, id: &SessionId, turn: &mut Turn) {
        let Some(run) = self.runs.get(id) else {
            return;
        };
        for result in &run.taken {
            let key = key(&run.handler, &result.item);
            if let Some(entry) = self.items.get_mut(&key)
                && entry.queued.remove(id)
            {
                turn.touch(&key);
            }
        }
    }

    /// Ends a request whose items were all taken over, once the sessions that took them ended.
    fn finish_absorbed(&mut self, id: &SessionId, turn: &mut Turn) {
        let is_done = self
            .runs
            .get(id)
            .is_some_and(|run| run.stage == Stage::Absorbed && run.taken_by.is_empty());
        if is_done && let Some(run) = self.runs.remove(id) {
            self.timers.unset(id);
            let outcome = outcome(&run, turn.now);
            turn.notify(Update::Ended(id.clone()));
            for ticket in run.tickets {
                turn.answer(ticket, Answer::Outcome(Box::new(outcome.clone())));
            }
        }
    }

    /// Passes what a session did to the requests it took from.
    pub(super) fn pass_on(
        &mut self,
        served: Vec<(SessionId, Option<ItemId>)>,
        record: &SessionRecord,
        turn: &mut Turn,
    ) {
        for (donor, item) in &served {
            if let Some(run) = self.runs.get_mut(donor) {
                let result = record.items.iter().find(|r| Some(&r.item) == item.as_ref());
                run.taken.extend(result.cloned());
            }
        }
        let donors: BTreeSet<_> = served.into_iter().map(|(donor, _)| donor).collect();
        for donor in donors {
            if let Some(run) = self.runs.get_mut(&donor) {
                run.taken_by.remove(&record.id);
            }
            self.finish_absorbed(&donor, turn);
        }
    }

    /// The handler told another program to work (spec 75): the session that was written down for it
    /// never was; the result comes with the session of that program.
    pub(super) fn signalled(&mut self, id: &SessionId, turn: &mut Turn) {
        self.free(id, turn);
        let until = Timestamp(turn.now.0.saturating_add(self.limits.silence_ms));
        let Some(run) = self.runs.get_mut(id) else {
            return;
        };
        if run.intent == Intent::Apply {
            turn.save(Save::Withdrawn(run.record(None)));
        }
        run.stage = Stage::Signalled;
        run.deadline = Some(until);
        run.pending = std::mem::take(&mut run.order);
        run.parts.clear();
        let handler = run.handler.clone();
        self.handed_over
            .entry(handler.clone())
            .or_default()
            .insert(id.clone());
        self.watch_over(id);
        // What that program began already, while it was being told, serves the request.
        let running = self.handlers.get(&handler).map(|h| h.running.clone());
        for session in running.unwrap_or_default() {
            if self.runs.get(&session).is_some_and(|run| run.is_external) {
                self.serve_signalled(&session, turn);
            }
        }
    }

    /// Lets requests that were handed to another program wait for its session.
    pub(super) fn serve_signalled(&mut self, session: &SessionId, turn: &mut Turn) {
        let Some(run) = self.runs.get(session) else {
            return;
        };
        let (handler, items) = (run.handler.clone(), run.order.clone());
        for request in self.handed_over.get(&handler).cloned().unwrap_or_default() {
            for item in &items {
                let waits = self.runs.get(&request);
                if waits.is_some_and(|run| run.pending.contains(item)) {
                    self.take_over(session, &request, item, turn);
                }
            }
            let is_served = self.runs.get_mut(&request).is_some_and(|run| {
                let is_served = run.pending.is_empty();
                if is_served {
                    run.stage = Stage::Absorbed;
                }
                is_served
            });
            if is_served {
                self.not_handed_over(&handler, &request);
            }
        }
    }

    /// Notes that a request does not wait for a program outside any more.
    pub(super) fn not_handed_over(&mut self, handler: &HandlerId, id: &SessionId) {
        self.timers.unset(id);
        if let Some(waiting) = self.handed_over.get_mut(handler) {
            waiting.remove(id);
            if waiting.is_empty() {
                self.handed_over.remove(handler);
            }
        }
    }

    /// Returns the request to stop that goes with an item.
    pub(super) fn cancel_of(&self, id: &SessionId, item: &ItemId) -> CancelRequest {
        self.runs.get(id).map_or(CancelRequest::All, |run| {
            let part = run
                .parts
                .get(item)
                .map_or(CancelRequest::None, |p| p.cancel);
            run.cancel.max(part)
        })
    }
}
