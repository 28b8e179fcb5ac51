//! A line of requests: those of people before those of schedules, each in the order of their coming.
//!
//! One of a schedule goes first when it has waited long, or when many of people went before it: so
//! it always has its turn, whatever the clock does.

use std::collections::BTreeMap;

use syncmgr_model::id::SessionId;

use super::claims::Place;

/// Most requests of people that go before one of a schedule.
pub(super) const OVERTAKES_MAX: u32 = 64;

/// A line.
#[derive(Debug, Default)]
pub(super) struct Line {
    manual: BTreeMap<Place, SessionId>,
    scheduled: BTreeMap<Place, SessionId>,
    /// How many of people went before the first one of a schedule.
    n_overtakes: u32,
}

impl Line {
    pub(super) fn is_empty(&self) -> bool {
        self.manual.is_empty() && self.scheduled.is_empty()
    }

    pub(super) fn put(&mut self, place: Place, id: SessionId, is_manual: bool) {
        if is_manual {
            self.manual.insert(place, id);
        } else {
            self.scheduled.insert(place, id);
        }
    }

    pub(super) fn remove(&mut self, place: Place) {
        if self.manual.remove(&place).is_none() {
            self.scheduled.remove(&place);
        }
    }

    /// Takes the request that is next; `has_waited` says whether one has waited long.
    pub(super) fn pop(
        &mut self,
        has_waited: impl Fn(&SessionId) -> bool,
    ) -> Option<(Place, SessionId)> {
        let scheduled = self.scheduled.first_key_value();
        let is_first =
            scheduled.is_some_and(|(_, id)| self.n_overtakes >= OVERTAKES_MAX || has_waited(id));
        if !is_first && let Some(next) = self.manual.pop_first() {
            self.n_overtakes += u32::from(!self.scheduled.is_empty());
            return Some(next);
        }
        self.n_overtakes = 0;
        self.scheduled.pop_first()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_go_first_and_schedules_have_their_turn() {
        let id = |n: u64| SessionId::new(format!("s{n}")).unwrap();
        let mut line = Line::default();
        line.put(0, id(0), false);
        (1..200).for_each(|n| line.put(n, id(n), true));
        let order: Vec<_> = std::iter::from_fn(|| line.pop(|_| false)).collect();
        let at = order.iter().position(|(place, _)| *place == 0);
        assert_eq!(at, Some(OVERTAKES_MAX as usize));
        assert_eq!(order.len(), 200);
        line.put(0, id(0), false);
        line.put(1, id(1), true);
        assert_eq!(line.pop(|_| true), Some((0, id(0))));
    }
}
