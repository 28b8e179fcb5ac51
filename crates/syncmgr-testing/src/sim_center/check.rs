//! What the center promises.

use std::collections::BTreeMap;

use syncmgr_center::command::{Answer, Ticket};
use syncmgr_center::state::State;
use syncmgr_model::id::{ItemId, SessionId};

use super::world::{Installed, Working};
use crate::center::Written;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    Asked,
    Accepted,
}

/// The promises, and what is needed to see that they are kept.
pub(super) struct Promises {
    max_running: usize,
    open: BTreeMap<Ticket, Stand>,
}

impl Promises {
    pub(super) fn new(max_running: usize) -> Self {
        Self {
            max_running,
            open: BTreeMap::new(),
        }
    }

    /// Somebody asks and waits for an answer.
    pub(super) fn asked(&mut self, ticket: Ticket) {
        self.open.insert(ticket, Stand::Asked);
    }

    /// Those who waited are gone with the process.
    pub(super) fn crashed(&mut self) {
        self.open.clear();
    }

    /// Every request gets exactly one result, after it was accepted; everything else one answer.
    pub(super) fn answered(&mut self, ticket: Ticket, answer: &Answer) -> Result<(), String> {
        let stand = self.open.get(&ticket).copied();
        match (stand, answer) {
            (Some(Stand::Asked), Answer::Accepted(_)) => {
                self.open.insert(ticket, Stand::Accepted);
            }
            (Some(Stand::Accepted), Answer::Outcome(outcome)) => {
                let is_whole = outcome.record.ended.is_some()
                    && outcome
                        .record
                        .items
                        .iter()
                        .all(|item| item.status.is_some_and(|status| status.is_terminal()));
                if !is_whole {
                    return Err(format!("{ticket:?} got a result with open ends"));
                }
                self.open.remove(&ticket);
            }
            (Some(Stand::Asked), answer) if !matches!(answer, Answer::Outcome(_)) => {
                self.open.remove(&ticket);
            }
            (stand, _) => return Err(format!("{ticket:?} is {stand:?} and got {answer:?}")),
        }
        Ok(())
    }

    /// Holds at every moment.
    pub(super) fn check(
        &self,
        state: &State,
        working: &BTreeMap<SessionId, Working>,
        installed: &[Installed],
    ) -> Result<(), String> {
        let own = working.iter().filter(|(_, it)| !it.is_further);
        let n_running = own.clone().filter(|(_, it)| !it.is_abandoned).count();
        if n_running > self.max_running || state.n_running() > self.max_running {
            return Err(format!("{n_running} sessions run at once"));
        }
        let mut folders: BTreeMap<&[u8], &SessionId> = BTreeMap::new();
        for (id, it) in own {
            let place = it
                .handler
                .as_str()
                .get(1..)
                .and_then(|n| n.parse::<usize>().ok());
            let Some(handler) = place.and_then(|n| installed.get(n)) else {
                continue;
            };
            for (item, paths, _) in &handler.items {
                if it.items.contains(item) {
                    alone(id, it, item, working)?;
                    apart(id, paths, &mut folders)?;
                }
            }
        }
        Ok(())
    }

    /// Holds when everything has finished.
    pub(super) fn at_rest(&self, state: &State, written: &Written) -> Result<(), String> {
        if let Some((ticket, stand)) = self.open.first_key_value() {
            return Err(format!("{ticket:?} is {stand:?} for ever"));
        }
        if let Some(left) = state.sessions().next() {
            return Err(format!("{} is left: {left:?}", left.id));
        }
        let open = written
            .sessions
            .values()
            .find(|record| record.ended.is_none());
        if let Some(record) = open {
            return Err(format!("{} never ended in history", record.id));
        }
        if state.next_wake().is_some() {
            return Err("it waits for a moment though nothing runs".to_owned());
        }
        Ok(())
    }
}

/// No item is in two sessions of the center.
fn alone(
    id: &SessionId,
    it: &Working,
    item: &ItemId,
    working: &BTreeMap<SessionId, Working>,
) -> Result<(), String> {
    let other = working.iter().find(|(other, with)| {
        *other != id && !with.is_further && with.handler == it.handler && with.items.contains(item)
    });
    match other {
        Some((other, _)) => Err(format!("{item} of {} runs in {id} and {other}", it.handler)),
        None => Ok(()),
    }
}

/// No two sessions work on overlapping folders.
fn apart<'a>(
    id: &'a SessionId,
    paths: &'a [Vec<u8>],
    folders: &mut BTreeMap<&'a [u8], &'a SessionId>,
) -> Result<(), String> {
    for path in paths {
        for (other, holder) in folders.iter() {
            let is_within = |a: &[u8], b: &[u8]| {
                a.strip_prefix(b)
                    .is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
            };
            if *holder != id && (is_within(path, other) || is_within(other, path)) {
                let path = String::from_utf8_lossy(path);
                return Err(format!("{id} and {holder} both work on {path}"));
            }
        }
    }
    folders.extend(paths.iter().map(|path| (path.as_slice(), id)));
    Ok(())
}
