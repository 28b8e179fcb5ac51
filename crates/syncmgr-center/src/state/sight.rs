//! What is known of an item, for those who decide whether to raise an alarm.

use syncmgr_model::id::ItemKey;
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::time::Timestamp;

use super::State;
use crate::alarm::{Sight, Stale, Streak};

impl State {
    /// Returns what is known of an item that is shown; a run in progress hides none of it.
    #[must_use]
    pub fn sight(&self, key: &ItemKey, now: Timestamp) -> Option<Sight> {
        let view = self.item(key, now)?;
        let agenda = self.items.get(key)?.agenda.as_ref();
        let look = agenda.and_then(|agenda| agenda.look.as_ref());
        let memory = agenda.map(super::timetable::Entry::memory);
        let failed = view.facts.last.filter(|(status, _)| {
            matches!(
                status,
                ProgressStatus::Failed | ProgressStatus::Disconnected
            )
        });
        let failing = memory
            .and_then(|memory| memory.failing.as_ref())
            .map(|failing| Streak {
                since: failing.since,
                n: u64::from(failing.n_failures.max(1)),
            })
            // One that only people start has no agenda that counts.
            .or_else(|| failed.map(|_| Streak { since: now, n: 1 }));
        let left = view.facts.last.map(|(_, left)| left).unwrap_or_default();
        Some(Sight {
            trouble: view.memory.reason.clone(),
            n_held: left.n_held,
            n_conflicts: left.n_conflicts,
            failing,
            overdue_since: look.and_then(|look| look.overdue_since),
            stale: look.and_then(|look| look.too_old_since).map(|since| Stale {
                since,
                last_good: memory.and_then(|memory| memory.last_success),
            }),
            ..Sight::of(key.item.clone(), &view.memory.name, view.status)
        })
    }
}
