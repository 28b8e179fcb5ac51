//! The previews that were asked for: they enter no history, so they are kept here for a while.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use syncmgr_center::center::Pending;
use syncmgr_center::command::{Accepted, Outcome};
use syncmgr_model::id::SessionId;
use tokio::time::Instant;

use crate::answer::{NOTHING_CHANGED, Refusal};

/// Most previews kept; a large one takes hundreds of megabytes, and people look at one.
const KEPT_MAX: usize = 4;
/// How long one is kept.
const LIVES: Duration = Duration::from_secs(10 * 60);
/// Most that are waited for at once; each costs a thread.
const WAITING_MAX: usize = 16;

/// The last previews.
#[derive(Debug, Default)]
pub struct Previews(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    kept: VecDeque<(SessionId, Instant, Arc<Outcome>)>,
    n_waiting: usize,
    /// Those that are being made.
    pending: Vec<SessionId>,
}

impl Previews {
    /// Says whether a preview is being made, or was made and is about to be kept.
    pub(crate) fn is_pending(&self, id: &SessionId) -> bool {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.pending.contains(id)
    }

    /// Takes a place for a preview to come.
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
            id: None,
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
        self.kept.retain(|(_, since, _)| since.elapsed() < LIVES);
        while self.kept.len() > KEPT_MAX {
            self.kept.pop_front();
        }
    }
}

/// A place for a preview to come; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    previews: Arc<Previews>,
    id: Option<SessionId>,
}

impl Place {
    /// Waits for the outcome on a thread of its own, and keeps it.
    pub(crate) fn wait(mut self, pending: Pending) -> Accepted {
        let accepted = pending.accepted.clone();
        let id = accepted.session.clone();
        self.lock().pending.push(id.clone());
        self.id = Some(id);
        let wait = move || {
            if let Ok(outcome) = pending.wait() {
                self.keep(outcome);
            }
        };
        // Without a thread there is no preview to read, which the one who asks will be told.
        drop(
            std::thread::Builder::new()
                .name("preview".to_owned())
                .spawn(wait),
        );
        accepted
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        let state = &self.previews.0;
        state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, outcome: Outcome) {
        let mut state = self.lock();
        let id = outcome.record.id.clone();
        state
            .kept
            .push_back((id, Instant::now(), Arc::new(outcome)));
        state.forget_old();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.lock();
        let id = self.id.as_ref();
        state.pending.retain(|pending| Some(pending) != id);
        state.n_waiting = state.n_waiting.saturating_sub(1);
    }
}
