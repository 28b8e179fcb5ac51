//! Moments at which something is given up. A session has at most one.

use std::collections::{BTreeMap, BTreeSet};

use syncmgr_model::id::SessionId;
use syncmgr_model::time::Timestamp;

/// The moments, in order.
#[derive(Debug, Default)]
pub(super) struct Timers {
    by_time: BTreeSet<(Timestamp, SessionId)>,
    by_session: BTreeMap<SessionId, Timestamp>,
}

impl Timers {
    /// Sets the moment of a session; replaces the one it had.
    pub(super) fn set(&mut self, id: &SessionId, at: Timestamp) {
        self.unset(id);
        self.by_session.insert(id.clone(), at);
        self.by_time.insert((at, id.clone()));
    }

    /// Takes the moment of a session away.
    pub(super) fn unset(&mut self, id: &SessionId) {
        if let Some(at) = self.by_session.remove(id) {
            self.by_time.remove(&(at, id.clone()));
        }
    }

    /// Returns the next moment.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes a session whose moment has come.
    pub(super) fn pop(&mut self, now: Timestamp) -> Option<SessionId> {
        if self.next()? > now {
            return None;
        }
        let (_, id) = self.by_time.pop_first()?;
        self.by_session.remove(&id);
        Some(id)
    }

    /// Moves everything along with a clock that jumped by so many milliseconds.
    pub(super) fn shift(&mut self, ms: i64) {
        for at in self.by_session.values_mut() {
            *at = Timestamp(at.0.saturating_add(ms));
        }
        self.by_time = self
            .by_session
            .iter()
            .map(|(id, at)| (*at, id.clone()))
            .collect();
    }
}
