//! Requests that wait, and what they wait for.
//!
//! Requests stand in a [`Line`]. The first is looked at when there is room under the limit:
//!
//! - when its handler is busy and runs one session at a time (spec 78), it steps into the *lane* of
//!   its handler, and one of the lane is called back whenever a session of the handler ends;
//! - when one of its items runs already, or a folder that overlaps one of its own is in use, by
//!   whatever handler, it is *parked* with what is in the way and called back when that ends. What
//!   is parked keeps its claims, so nothing younger overtakes it there;
//! - otherwise it runs. Different handlers run in parallel (spec 82).
//!
//! So each end of a session costs a look at the few that waited for it, not at all that wait.

use std::collections::{BTreeMap, BTreeSet};

use syncmgr_model::id::{HandlerId, ItemKey, SessionId};
use syncmgr_model::trouble::{Code, Trouble};

use super::claims::{Claim, Claims, Overlap, Place};
use super::line::Line;
use super::{State, Turn};

/// Where a request waits.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Spot {
    Line,
    Lane,
    Parked(SessionId),
}

/// A request that waits.
#[derive(Debug)]
struct Waiting {
    place: Place,
    handler: HandlerId,
    is_manual: bool,
    spot: Spot,
}

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Queue {
    next: Place,
    waiting: BTreeMap<SessionId, Waiting>,
    by_handler: BTreeMap<HandlerId, BTreeSet<SessionId>>,
    line: Line,
    lanes: BTreeMap<HandlerId, Line>,
    /// Requests that wait for the end of a session, or of a request before them.
    parked: BTreeMap<SessionId, BTreeSet<SessionId>>,
    claims: Claims,
    /// Sessions the center started; the limit is on these.
    running: BTreeSet<SessionId>,
}

/// Why a request does not run yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Blocker {
    /// A session of the same handler.
    Handler,
    /// A session or request with one of its items.
    Item(SessionId, ItemKey),
    /// A session or request on overlapping folders.
    Folders(SessionId),
}

impl Queue {
    pub(super) fn n_running(&self) -> usize {
        self.running.len()
    }

    /// Puts a request at the end of the line.
    pub(super) fn push(&mut self, id: &SessionId, handler: &HandlerId, is_manual: bool) {
        let place = self.next;
        self.next += 1;
        let of_handler = self.by_handler.entry(handler.clone()).or_default();
        of_handler.insert(id.clone());
        let waiting = Waiting {
            place,
            handler: handler.clone(),
            is_manual,
            spot: Spot::Line,
        };
        self.waiting.insert(id.clone(), waiting);
        self.line.put(place, id.clone(), is_manual);
    }

    /// Iterates over the requests of a handler that wait, oldest first.
    pub(super) fn of_handler(&self, handler: &HandlerId) -> impl Iterator<Item = &SessionId> {
        self.by_handler.get(handler).into_iter().flatten()
    }

    /// Takes a request out, wherever it waits; those behind it are called back.
    pub(super) fn remove(&mut self, id: &SessionId, has_waited: &impl Fn(&SessionId) -> bool) {
        let Some(waiting) = self.take(id) else {
            return;
        };
        match &waiting.spot {
            Spot::Line => self.line.remove(waiting.place),
            Spot::Lane => {
                if let Some(lane) = self.lanes.get_mut(&waiting.handler) {
                    lane.remove(waiting.place);
                }
            }
            Spot::Parked(by) => {
                if let Some(parked) = self.parked.get_mut(by) {
                    parked.remove(id);
                }
            }
        }
        self.claims.release(id);
        self.wake(id);
        // It may have been the one the lane waits behind.
        self.promote(&waiting.handler, has_waited);
    }

    fn take(&mut self, id: &SessionId) -> Option<Waiting> {
        let waiting = self.waiting.remove(id)?;
        if let Some(of_handler) = self.by_handler.get_mut(&waiting.handler) {
            of_handler.remove(id);
            if of_handler.is_empty() {
                self.by_handler.remove(&waiting.handler);
            }
        }
        Some(waiting)
    }

    /// Notes that a request runs now, started by the center.
    fn start(&mut self, id: &SessionId, claim: Claim) {
        self.take(id);
        self.running.insert(id.clone());
        self.claims.release(id);
        self.claims.run(id, claim);
    }

    /// Notes what a session works on, beside what is known of it.
    pub(super) fn occupy(&mut self, id: &SessionId, claim: Claim) {
        self.claims.run(id, claim);
    }

    /// Returns what a session was noted to work on.
    pub(super) fn occupied_by(&self, id: &SessionId) -> Claim {
        self.claims.of(id)
    }

    /// Notes that a session ended; what waited for it is called back.
    pub(super) fn end(
        &mut self,
        id: &SessionId,
        handler: &HandlerId,
        has_waited: &impl Fn(&SessionId) -> bool,
    ) {
        self.running.remove(id);
        self.claims.release(id);
        self.wake(id);
        self.promote(handler, has_waited);
    }

    /// Says whether a request waits for the end of another one.
    pub(super) fn is_parked(&self, id: &SessionId) -> bool {
        let waiting = self.waiting.get(id);
        waiting.is_some_and(|waiting| matches!(waiting.spot, Spot::Parked(_)))
    }

    /// Notes that a request has fewer items now.
    pub(super) fn shrink(&mut self, id: &SessionId, claim: Claim) {
        if let Some(waiting) = self.waiting.get(id)
            && matches!(waiting.spot, Spot::Parked(_))
        {
            self.claims.wait(id, waiting.place, claim);
        }
    }

    /// Calls back what is parked with this one.
    fn wake(&mut self, id: &SessionId) {
        for parked in self.parked.remove(id).unwrap_or_default() {
            if let Some(waiting) = self.waiting.get_mut(&parked) {
                waiting.spot = Spot::Line;
                self.line.put(waiting.place, parked, waiting.is_manual);
            }
        }
    }

    /// Calls one request of a lane back.
    fn promote(&mut self, handler: &HandlerId, has_waited: &impl Fn(&SessionId) -> bool) {
        let Some(lane) = self.lanes.get_mut(handler) else {
            return;
        };
        if let Some((place, id)) = lane.pop(has_waited)
            && let Some(waiting) = self.waiting.get_mut(&id)
        {
            waiting.spot = Spot::Line;
            self.line.put(place, id, waiting.is_manual);
        }
        if lane.is_empty() {
            self.lanes.remove(handler);
        }
    }

    /// Sets a request aside that cannot run yet.
    fn park(
        &mut self,
        id: &SessionId,
        blocker: &Blocker,
        claim: Claim,
        has_waited: &impl Fn(&SessionId) -> bool,
    ) {
        let Some(waiting) = self.waiting.get_mut(id) else {
            return;
        };
        match blocker {
            Blocker::Handler => {
                waiting.spot = Spot::Lane;
                let lane = self.lanes.entry(waiting.handler.clone()).or_default();
                lane.put(waiting.place, id.clone(), waiting.is_manual);
            }
            Blocker::Item(by, _) | Blocker::Folders(by) => {
                waiting.spot = Spot::Parked(by.clone());
                let parked = self.parked.entry(by.clone()).or_default();
                parked.insert(id.clone());
                self.claims.wait(id, waiting.place, claim);
                // Others of its handler may be free to run.
                let handler = waiting.handler.clone();
                self.promote(&handler, has_waited);
            }
        }
    }
}

impl State {
    /// Starts what can start now.
    pub(super) fn dispatch(&mut self, turn: &mut Turn) {
        let max = self.limits.max_running.max(1);
        while !self.is_closing && self.queue.n_running() < max {
            let Some((place, id)) = self.next_in_line(turn) else {
                return;
            };
            let claim = self.claim_of(&id);
            if let Some(blocker) = self.blocker(place, &id, &claim) {
                self.set_aside(&id, blocker, claim, turn);
            } else if self.leave_out_unsyncable(&id, turn) {
                let claim = self.claim_of(&id);
                self.queue.start(&id, claim);
                self.begin(&id, turn);
                self.call_next_of(&id, turn);
            }
        }
    }

    fn next_in_line(&mut self, turn: &Turn) -> Option<(Place, SessionId)> {
        let has_waited = has_waited(&self.runs, turn.now, self.limits.patience_ms);
        self.queue.line.pop(&has_waited)
    }

    fn set_aside(&mut self, id: &SessionId, blocker: Blocker, claim: Claim, turn: &Turn) {
        let waits = has_waited(&self.runs, turn.now, self.limits.patience_ms);
        self.queue.park(id, &blocker, claim, &waits);
        drop(waits);
        if let Some(run) = self.runs.get_mut(id) {
            run.blocker = Some(blocker);
        }
    }

    /// After one session of a handler that may have several, the next may begin too.
    fn call_next_of(&mut self, id: &SessionId, turn: &Turn) {
        let Some(handler) = self.runs.get(id).map(|run| &run.handler) else {
            return;
        };
        if self
            .handlers
            .get(handler)
            .is_some_and(|h| h.is_concurrent())
        {
            let has_waited = has_waited(&self.runs, turn.now, self.limits.patience_ms);
            self.queue.promote(handler, &has_waited);
        }
    }

    /// Takes a request out of the queue.
    pub(super) fn unqueue(&mut self, id: &SessionId, turn: &Turn) {
        let has_waited = has_waited(&self.runs, turn.now, self.limits.patience_ms);
        self.queue.remove(id, &has_waited);
    }

    /// Gives back what a session occupies.
    pub(super) fn vacate(&mut self, id: &SessionId, handler: &HandlerId, turn: &Turn) {
        let has_waited = has_waited(&self.runs, turn.now, self.limits.patience_ms);
        self.queue.end(id, handler, &has_waited);
    }

    /// Says what keeps a request from running now.
    fn blocker(&self, place: Place, id: &SessionId, claim: &Claim) -> Option<Blocker> {
        let run = self.runs.get(id)?;
        let handler = self.handlers.get(&run.handler)?;
        if !handler.is_concurrent() && !handler.running.is_empty() {
            return Some(Blocker::Handler);
        }
        Some(match self.queue.claims.before(place, id, claim)? {
            Overlap::Item(other, key) => Blocker::Item(other, key),
            Overlap::Folder(other) => Blocker::Folders(other),
        })
    }

    /// Says whether another session works on an item, or on folders that overlap its own.
    pub(super) fn is_in_use(&self, id: &SessionId, key: &ItemKey) -> bool {
        self.queue.claims.in_use(id, &self.claim_on(key)).is_some()
    }

    /// Returns what a request, or a session, claims.
    pub(super) fn claim_of(&self, id: &SessionId) -> Claim {
        let Some(run) = self.runs.get(id) else {
            return Claim::default();
        };
        let mut claim = Claim::default();
        for item in run.all_items() {
            let one = self.claim_on(&super::key(&run.handler, item));
            claim.items.extend(one.items);
            claim.paths.extend(one.paths);
        }
        claim
    }

    /// Returns what an item claims.
    pub(super) fn claim_on(&self, key: &ItemKey) -> Claim {
        let paths = self.items.get(key).map(|entry| entry.paths.clone());
        Claim {
            items: vec![key.clone()],
            paths: paths.unwrap_or_default(),
        }
    }

    /// Says in words a person understands why a request does not run yet.
    pub(super) fn why_waiting(&self, id: &SessionId) -> Option<Trouble> {
        let run = self.runs.get(id)?;
        let is_in_line = self
            .queue
            .waiting
            .get(id)
            .is_some_and(|waiting| waiting.spot == Spot::Line);
        let blocker = run.blocker.as_ref().filter(|_| !is_in_line);
        Some(match blocker {
            None => Trouble::new(Code::WaitsForTurn).with("n", self.queue.n_running()),
            Some(Blocker::Handler) => {
                Trouble::new(Code::WaitsForHandler).with("handler", self.handler_name(&run.handler))
            }
            Some(Blocker::Item(_, key)) => {
                Trouble::new(Code::WaitsForItself).with("name", super::name_of(self, key))
            }
            Some(Blocker::Folders(other)) => {
                let name = self.name_of_session(other);
                Trouble::new(Code::WaitsForFolders).with("name", name)
            }
        })
    }

    fn name_of_session(&self, id: &SessionId) -> String {
        let item = self.runs.get(id).and_then(|run| {
            let item = run.all_items().next()?;
            Some(super::name_of(self, &super::key(&run.handler, item)))
        });
        item.unwrap_or_else(|| id.to_string())
    }

    pub(super) fn handler_name(&self, id: &HandlerId) -> String {
        match self.handlers.get(id) {
            Some(entry) if !entry.memory.name.is_empty() => entry.memory.name.clone(),
            Some(_) | None => id.to_string(),
        }
    }
}

/// Says of a request whether it has waited for longer than that.
fn has_waited(
    runs: &BTreeMap<SessionId, super::run::Run>,
    now: syncmgr_model::time::Timestamp,
    limit_ms: i64,
) -> impl Fn(&SessionId) -> bool {
    move |id| {
        let run = runs.get(id);
        run.is_some_and(|run| now.0.saturating_sub(run.asked_at.0) > limit_ms)
    }
}
