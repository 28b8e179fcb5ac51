//! One dialog at a time, over all handlers of the older family (`EnableModeless`).

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Whose turn it is to show a dialog. One value serves all handlers of a process.
#[derive(Debug, Default)]
pub struct Dialogs {
    /// Who has the turn, and the next number for an asker.
    turn: Mutex<Turn>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Turn {
    owner: Option<u64>,
    n_askers: u64,
    /// Grows with everything that a waiting asker should look at.
    n_changes: u64,
}

impl Dialogs {
    /// Returns a number that nobody else asks with.
    pub(super) fn asker(&self) -> u64 {
        let mut turn = self.lock();
        turn.n_askers += 1;
        turn.n_askers
    }

    /// Waits for the turn as long as `goes_on` says so, and says whether it is the asker's. Who has
    /// it already has it still.
    pub(super) fn take(&self, asker: u64, goes_on: &dyn Fn() -> bool) -> bool {
        let mut turn = self.lock();
        loop {
            if turn.owner.is_none_or(|owner| owner == asker) {
                turn.owner = Some(asker);
                return true;
            }
            let n_changes = turn.n_changes;
            // Not with the lock: what is asked here may itself wake the waiting.
            drop(turn);
            if !goes_on() {
                return false;
            }
            turn = self.lock();
            while turn.n_changes == n_changes {
                turn = self
                    .changed
                    .wait(turn)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Gives the turn back, if it is the asker's.
    pub(super) fn give_back(&self, asker: u64) {
        let mut turn = self.lock();
        if turn.owner == Some(asker) {
            turn.owner = None;
        }
        drop(turn);
        self.wake();
    }

    /// Makes everybody who waits ask again whether to go on.
    pub(super) fn wake(&self) {
        self.lock().n_changes += 1;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    /// spec 180: one dialog at a time over all handlers; giving the turn back lets the next go on.
    #[test]
    fn the_next_dialog_waits_for_the_one_that_is_open() {
        let dialogs = Arc::new(Dialogs::default());
        let (first, second) = (dialogs.asker(), dialogs.asker());
        assert!(dialogs.take(first, &|| true));
        assert!(dialogs.take(first, &|| true), "it is still its turn");
        let (asked, has_asked) = mpsc::channel();
        let waiting = {
            let dialogs = Arc::clone(&dialogs);
            thread::spawn(move || {
                dialogs.take(second, &|| {
                    asked.send(()).unwrap();
                    true
                })
            })
        };
        has_asked.recv().unwrap();
        dialogs.give_back(second);
        has_asked.recv().unwrap();
        dialogs.give_back(first);
        assert!(waiting.join().unwrap());
        assert!(!dialogs.take(first, &|| false), "now the other one has it");
    }

    #[test]
    fn waiting_ends_with_the_sync() {
        let dialogs = Arc::new(Dialogs::default());
        let (first, second) = (dialogs.asker(), dialogs.asker());
        assert!(dialogs.take(first, &|| true));
        let goes_on = Arc::new(AtomicBool::new(true));
        let (asked, has_asked) = mpsc::channel();
        let waiting = {
            let (dialogs, goes_on) = (Arc::clone(&dialogs), Arc::clone(&goes_on));
            thread::spawn(move || {
                dialogs.take(second, &|| {
                    asked.send(()).unwrap();
                    goes_on.load(Ordering::SeqCst)
                })
            })
        };
        has_asked.recv().unwrap();
        goes_on.store(false, Ordering::SeqCst);
        dialogs.wake();
        assert!(!waiting.join().unwrap());
    }
}
