//! The previews that were asked for: they enter no history, so they are kept here for a while.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use syncmgr_center::center::Pending;
use syncmgr_center::command::{Accepted, Outcome};
use syncmgr_model::id::SessionId;
use tokio::time::Instant;

use crate::answer::{NOTHING_CHANGED, Refusal};

/// Previews that are kept whatever their size; a large one takes hundreds of megabytes, and people
/// look at one.
const KEPT_ALWAYS: usize = 4;
/// Most previews kept: one request decides at most as many conflicts, of as many syncs.
const KEPT_MAX: usize = 10_000;
/// Most changes in those that are kept beyond [`KEPT_ALWAYS`]: some tens of megabytes.
const CHANGES_MAX: usize = 100_000;
/// Most that are remembered as gone; an id takes some tens of bytes.
const GONE_MAX: usize = 20_000;
/// How long one is kept.
const LIVES: Duration = Duration::from_secs(10 * 60);
/// Most requests that are waited for at once; each costs a thread, however many previews it is.
const WAITING_MAX: usize = 16;

/// The last previews.
#[derive(Debug, Default)]
pub struct Previews(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    kept: VecDeque<(SessionId, Instant, Arc<Outcome>)>,
    /// Changes in those that are kept.
    n_changes: usize,
    /// Those that were kept once.
    gone: VecDeque<SessionId>,
    n_waiting: usize,
    /// Those that are being made.
    pending: BTreeSet<SessionId>,
}

impl Previews {
    /// Says whether a preview is being made, or was made and is about to be kept.
    pub(crate) fn is_pending(&self, id: &SessionId) -> bool {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.pending.contains(id)
    }

    /// Says whether a preview was made, and is not kept any more.
    pub(crate) fn is_gone(&self, id: &SessionId) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.forget_old();
        state.gone.contains(id)
    }

    /// Takes a place for previews to come: all those of one request.
    pub(crate) fn reserve(self: &Arc<Self>) -> Result<Place, Refusal> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.n_waiting >= WAITING_MAX {
            return Err(Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too-many-previews",
                [
                    "Too many previews are being made.",
                    "Es werden gerade zu viele Vorschauen gemacht.",
                ],
                NOTHING_CHANGED,
            ));
        }
        state.n_waiting += 1;
        Ok(Place {
            previews: Arc::clone(self),
            pending: Vec::new(),
        })
    }

    /// Returns the outcome of a preview that has ended.
    pub(crate) fn get(&self, id: &SessionId) -> Option<Arc<Outcome>> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.forget_old();
        let found = state.kept.iter().find(|(kept, ..)| kept == id);
        found.map(|(.., outcome)| Arc::clone(outcome))
    }
}

impl State {
    fn forget_old(&mut self) {
        let is_old = |since: &Instant| since.elapsed() >= LIVES;
        while let Some((_, since, _)) = self.kept.front() {
            let n_kept = self.kept.len();
            let is_much = n_kept > KEPT_MAX || self.n_changes > CHANGES_MAX;
            let is_due = is_old(since) || (n_kept > KEPT_ALWAYS && is_much);
            let Some((id, _, outcome)) = is_due.then(|| self.kept.pop_front()).flatten() else {
                break;
            };
            self.n_changes = self.n_changes.saturating_sub(n_changes(&outcome));
            self.gone.push_back(id);
        }
        let n_too_many = self.gone.len().saturating_sub(GONE_MAX);
        self.gone.drain(..n_too_many);
    }
}

fn n_changes(outcome: &Outcome) -> usize {
    let all = outcome.previews.iter();
    all.map(|(_, preview)| preview.changes.len()).sum()
}

/// A place for the previews of one request; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    previews: Arc<Previews>,
    pending: Vec<Pending>,
}

impl Place {
    /// Takes a preview that was begun, to be waited for.
    pub(crate) fn add(&mut self, pending: Pending) -> Accepted {
        let accepted = pending.accepted.clone();
        self.lock().pending.insert(accepted.session.clone());
        self.pending.push(pending);
        accepted
    }

    /// Waits for the outcomes on a thread of its own, and keeps each.
    pub(crate) fn wait(mut self) {
        let wait = move || {
            for pending in std::mem::take(&mut self.pending) {
                let id = pending.accepted.session.clone();
                self.end(&id, pending.wait().ok());
            }
        };
        // Without a thread there is no preview to read, which the one who asks will be told.
        drop(
            std::thread::Builder::new()
                .name("preview".to_owned())
                .spawn(wait),
        );
    }

    /// Keeps an outcome, and only then stops saying that it is being made.
    pub(crate) fn end(&self, id: &SessionId, outcome: Option<Outcome>) {
        let mut state = self.lock();
        if let Some(outcome) = outcome {
            let id = outcome.record.id.clone();
            let kept = (id, Instant::now(), Arc::new(outcome));
            state.n_changes += n_changes(&kept.2);
            state.kept.push_back(kept);
            state.forget_old();
        }
        state.pending.remove(id);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        let state = &self.previews.0;
        state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.lock();
        for pending in &self.pending {
            state.pending.remove(&pending.accepted.session);
        }
        state.n_waiting = state.n_waiting.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use syncmgr_model::id::{HandlerId, ItemId};
    use syncmgr_model::preview::{Action, PlannedChange, Preview};
    use syncmgr_model::progress::ProgressStatus;
    use syncmgr_model::record::{ItemResult, SessionRecord, Summary};
    use syncmgr_model::request::{Origin, WorkKind};
    use syncmgr_model::side::Side;
    use syncmgr_model::time::Timestamp;

    use super::*;

    fn made(n: usize, n_changes: usize) -> Outcome {
        let item = ItemId::new("a").unwrap();
        let change = PlannedChange {
            path: b"a".to_vec(),
            side: Side::Left,
            action: Action::Copy,
            from: None,
            bytes: 0,
            reason: "new".into(),
            is_held: false,
        };
        Outcome {
            record: SessionRecord {
                id: SessionId::new(format!("20261201-100000000-{n:04}")).unwrap(),
                handler: HandlerId::new("files").unwrap(),
                items: vec![ItemResult {
                    item: item.clone(),
                    status: None,
                    summary: Summary::default(),
                    phases: Vec::new(),
                }],
                kind: WorkKind::Sync,
                origin: Origin::Manual,
                started: Timestamp(0),
                ended: None,
                status: None,
                summary: Summary::default(),
            },
            status: ProgressStatus::Succeeded,
            n_errors: 0,
            n_conflicts: 0,
            events: Vec::new(),
            previews: vec![(
                item,
                Preview {
                    changes: vec![change; n_changes],
                    ..Preview::default()
                },
            )],
        }
    }

    /// Keeps so many previews of so many changes each; returns how many of them are still there.
    #[track_caller]
    fn check(n: usize, n_changes: usize, n_kept: usize) {
        let previews = Arc::new(Previews::default());
        let place = previews.reserve().unwrap();
        let outcomes: Vec<_> = (0..n).map(|n| made(n, n_changes)).collect();
        let ids: Vec<_> = outcomes.iter().map(|it| it.record.id.clone()).collect();
        for (id, outcome) in ids.iter().zip(outcomes) {
            place.end(id, Some(outcome));
        }
        for (n_before, id) in ids.iter().enumerate() {
            let is_kept = n_before >= n - n_kept;
            assert_eq!(previews.get(id).is_some(), is_kept, "{n_before}");
            assert_eq!(previews.is_gone(id), !is_kept, "{n_before}");
        }
    }

    #[test]
    fn small_previews_are_all_kept_and_of_large_ones_the_last_four() {
        check(500, 1, 500);
        check(6, CHANGES_MAX, 4);
        check(12, CHANGES_MAX / 10, 10);
    }
}
