//! Requests that wait, and what they wait for.
//!
//! Requests of people go before those of schedules, unless one of these has waited for long;
//! otherwise first come, first served. A request that is blocked by a session is *parked* with that
//! session and looked at again when it ends. Parked requests keep what they claim, so that a
//! younger one never overtakes an older one on the same folders: nothing is starved.
//!
//! The rules: a handler without concurrent sessions runs one at a time (spec 78), different
//! handlers run in parallel (spec 82) up to a limit; an item is never run twice at once; items with
//! overlapping folders never run at once, whoever their handlers are.

use std::collections::{BTreeMap, BTreeSet};

use syncmgr_model::id::{HandlerId, ItemKey, SessionId};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

use super::{State, Turn};

/// A place in the line: the number of the request, growing.
type Place = u64;

/// The line.
#[derive(Debug, Default)]
pub(super) struct Queue {
    next: Place,
    manual: BTreeMap<Place, SessionId>,
    scheduled: BTreeMap<Place, SessionId>,
    /// Requests that wait for the end of a session.
    parked: BTreeMap<SessionId, Vec<(Place, SessionId)>>,
    /// Folders in use: by sessions that run, and by requests that are parked.
    claims: Claims,
    /// Sessions the center started.
    running: BTreeSet<SessionId>,
}

/// Why a request does not run yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Blocker {
    /// Too many run at once.
    Limit,
    /// A session of the same handler.
    Handler(SessionId),
    /// A session with one of its items.
    Item(SessionId, ItemKey),
    /// A session on overlapping folders.
    Folders(SessionId),
}

impl Blocker {
    fn session(&self) -> Option<&SessionId> {
        match self {
            Self::Limit => None,
            Self::Handler(id) | Self::Item(id, _) | Self::Folders(id) => Some(id),
        }
    }
}

impl Queue {
    pub(super) fn n_running(&self) -> usize {
        self.running.len()
    }

    /// Puts a request at the end of the line.
    pub(super) fn push(&mut self, id: SessionId, is_manual: bool) {
        let place = self.next;
        self.next += 1;
        if is_manual {
            self.manual.insert(place, id);
        } else {
            self.scheduled.insert(place, id);
        }
    }

    /// Takes a request out of the line, wherever it stands.
    pub(super) fn remove(&mut self, id: &SessionId) {
        self.manual.retain(|_, other| other != id);
        self.scheduled.retain(|_, other| other != id);
        for parked in self.parked.values_mut() {
            parked.retain(|(_, other)| other != id);
        }
        self.claims.release(id);
    }

    /// Notes that a session runs that the center started.
    fn start(&mut self, id: &SessionId) {
        self.running.insert(id.clone());
    }

    /// Notes that a session ended; what was parked with it stands in line again, where it stood.
    pub(super) fn end(&mut self, id: &SessionId, is_manual: impl Fn(&SessionId) -> bool) {
        self.running.remove(id);
        self.claims.release(id);
        for (place, parked) in self.parked.remove(id).unwrap_or_default() {
            self.claims.release(&parked);
            if is_manual(&parked) {
                self.manual.insert(place, parked);
            } else {
                self.scheduled.insert(place, parked);
            }
        }
    }

    /// Keeps the folders of a session that was given up and may still be at work.
    pub(super) fn haunt(&mut self, id: &SessionId, claims: Vec<Vec<u8>>) {
        self.claims.claim(id, claims);
    }

    /// Takes the request that is next. A scheduled one that came before `patient_since` goes first.
    fn pop(&mut self, is_impatient: impl Fn(&SessionId) -> bool) -> Option<(Place, SessionId)> {
        let is_first = self
            .scheduled
            .first_key_value()
            .is_some_and(|(_, id)| is_impatient(id));
        if is_first {
            return self.scheduled.pop_first();
        }
        self.manual
            .pop_first()
            .or_else(|| self.scheduled.pop_first())
    }

    fn put_back(&mut self, place: Place, id: SessionId, is_manual: bool) {
        if is_manual {
            self.manual.insert(place, id);
        } else {
            self.scheduled.insert(place, id);
        }
    }

    fn has_waiting(&self) -> bool {
        !(self.manual.is_empty() && self.scheduled.is_empty())
    }
}

impl State {
    /// Starts what can start now.
    pub(super) fn dispatch(&mut self, turn: &mut Turn) {
        while !self.is_closing
            && self.queue.n_running() < self.limits.max_running.max(1)
            && self.queue.has_waiting()
        {
            let limit = self.limits.patience_ms;
            let runs = &self.runs;
            let is_impatient = |id: &SessionId| {
                runs.get(id)
                    .is_some_and(|run| turn.now.0.saturating_sub(run.asked_at.0) > limit)
            };
            let Some((place, id)) = self.queue.pop(is_impatient) else {
                return;
            };
            match self.blocker(&id) {
                None => {
                    let claims = self.claims_of(&id);
                    self.queue.claims.claim(&id, claims);
                    self.queue.start(&id);
                    self.begin(&id, turn);
                }
                Some(blocker) => self.park(place, id, blocker),
            }
        }
    }

    fn park(&mut self, place: Place, id: SessionId, blocker: Blocker) {
        let claims = self.claims_of(&id);
        match blocker.session() {
            Some(session) => {
                self.queue.claims.claim(&id, claims);
                let parked = self.queue.parked.entry(session.clone()).or_default();
                parked.push((place, id.clone()));
            }
            None => {
                let is_manual = self.is_manual(&id);
                self.queue.put_back(place, id.clone(), is_manual);
            }
        }
        if let Some(run) = self.runs.get_mut(&id) {
            run.blocker = Some(blocker);
        }
    }

    pub(super) fn is_manual(&self, id: &SessionId) -> bool {
        self.runs.get(id).is_some_and(|run| run.origin.is_manual())
    }

    /// Says what keeps a request from running now.
    fn blocker(&self, id: &SessionId) -> Option<Blocker> {
        let run = self.runs.get(id)?;
        let handler = self.handlers.get(&run.handler)?;
        if !handler.is_concurrent()
            && let Some(other) = handler.running.first()
        {
            return Some(Blocker::Handler(other.clone()));
        }
        for item in &run.pending {
            let key = super::key(&run.handler, item);
            let Some(entry) = self.items.get(&key) else {
                continue;
            };
            if let Some(other) = entry.running.first() {
                return Some(Blocker::Item(other.clone(), key));
            }
            for path in &entry.paths {
                if let Some(other) = self.queue.claims.overlapping(path, id) {
                    let session = self.session_of_claim(&other)?;
                    return Some(Blocker::Folders(session));
                }
            }
        }
        None
    }

    /// Returns the session that a claim waits for in the end: itself when it runs, otherwise the
    /// one its request is parked with.
    fn session_of_claim(&self, claimant: &SessionId) -> Option<SessionId> {
        let mut at = claimant.clone();
        // Each step leads from a parked request to what it waits for; there are no circles, because
        // a request is parked only with what claimed before it.
        for _ in 0..=self.runs.len() {
            let run = self.runs.get(&at)?;
            if run.is_running() {
                return Some(at);
            }
            at = run.blocker.as_ref()?.session()?.clone();
        }
        None
    }

    fn claims_of(&self, id: &SessionId) -> Vec<Vec<u8>> {
        let Some(run) = self.runs.get(id) else {
            return Vec::new();
        };
        run.pending
            .iter()
            .filter_map(|item| self.items.get(&super::key(&run.handler, item)))
            .flat_map(|entry| entry.paths.iter().cloned())
            .collect()
    }

    /// Says in words a person understands why a request does not run yet.
    pub(super) fn why_waiting(&self, id: &SessionId) -> Option<Trouble> {
        let run = self.runs.get(id)?;
        let name_of = |session: &SessionId| {
            let other = self.runs.get(session)?;
            let item = other.all_items().next()?;
            let entry = self.items.get(&super::key(&other.handler, item))?;
            Some(entry.memory.name.clone())
        };
        Some(match run.blocker.as_ref().unwrap_or(&Blocker::Limit) {
            Blocker::Limit => Trouble::new(Code::WaitsForTurn).with("n", self.queue.n_running()),
            Blocker::Handler(_) => {
                Trouble::new(Code::WaitsForHandler).with("handler", self.handler_name(&run.handler))
            }
            Blocker::Item(_, key) => Trouble::new(Code::WaitsForItself).with(
                "name",
                self.items
                    .get(key)
                    .map_or("", |entry| entry.memory.name.as_str()),
            ),
            Blocker::Folders(session) => Trouble::new(Code::WaitsForFolders).with(
                "name",
                name_of(session).unwrap_or_else(|| session.to_string()),
            ),
        })
    }

    pub(super) fn handler_name(&self, id: &HandlerId) -> String {
        match self.handlers.get(id) {
            Some(entry) if !entry.memory.name.is_empty() => entry.memory.name.clone(),
            Some(_) | None => id.to_string(),
        }
    }

    /// Returns when the oldest scheduled request loses its patience, if it waits for its turn.
    pub(super) fn next_impatience(&self) -> Option<Timestamp> {
        let (_, id) = self.queue.scheduled.first_key_value()?;
        let run = self.runs.get(id)?;
        Some(Timestamp(run.asked_at.0 + self.limits.patience_ms + 1))
    }
}

/// Folders in use. Two overlap when one is the other, or lies within it.
#[derive(Debug, Default)]
struct Claims {
    /// By path with a `/` at its end, so that a folder sorts right before what is in it.
    by_path: BTreeMap<Vec<u8>, BTreeSet<SessionId>>,
    by_claimant: BTreeMap<SessionId, Vec<Vec<u8>>>,
}

fn folder(path: &[u8]) -> Vec<u8> {
    let mut path = path.to_vec();
    while path.last() == Some(&b'/') {
        path.pop();
    }
    path.push(b'/');
    path
}

impl Claims {
    fn claim(&mut self, id: &SessionId, paths: Vec<Vec<u8>>) {
        self.release(id);
        let paths: Vec<_> = paths.iter().map(|path| folder(path)).collect();
        for path in &paths {
            self.by_path
                .entry(path.clone())
                .or_default()
                .insert(id.clone());
        }
        self.by_claimant.insert(id.clone(), paths);
    }

    fn release(&mut self, id: &SessionId) {
        for path in self.by_claimant.remove(id).unwrap_or_default() {
            if let Some(holders) = self.by_path.get_mut(&path) {
                holders.remove(id);
                if holders.is_empty() {
                    self.by_path.remove(&path);
                }
            }
        }
    }

    /// Returns somebody else who claims a folder that overlaps this one.
    fn overlapping(&self, path: &[u8], not: &SessionId) -> Option<SessionId> {
        let path = folder(path);
        let within = self
            .by_path
            .range(path.clone()..)
            .take_while(|(other, _)| other.starts_with(&path))
            .flat_map(|(_, holders)| holders);
        let above = path
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'/')
            .filter_map(|(at, _)| self.by_path.get(&path[..=at]))
            .flatten();
        within.chain(above).find(|holder| *holder != not).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_overlap_when_one_is_in_the_other() {
        let mut claims = Claims::default();
        let (a, b) = (SessionId::new("a").unwrap(), SessionId::new("b").unwrap());
        claims.claim(&a, vec![b"/home/x/photos".to_vec()]);
        let over = |path: &str| claims.overlapping(path.as_bytes(), &b).is_some();
        assert!(over("/home/x/photos"));
        assert!(over("/home/x/photos/2019"));
        assert!(over("/home/x"));
        assert!(over("/"));
        assert!(!over("/home/x/photos2"));
        assert!(!over("/home/y"));
        assert!(claims.overlapping(b"/home", &a).is_none());
        claims.release(&a);
        assert!(claims.by_path.is_empty());
    }
}
