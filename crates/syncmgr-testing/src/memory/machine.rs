//! What all replicas of one simulated machine share: the count of steps, the crash, the trace.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use syncmgr_engine::path::RelPath;

/// Lines of the trace that are kept for people; the hash covers all of them.
const TRACE_LINES_MAX: usize = 4_000;

/// One call of the engine on a replica.
#[derive(Debug, Clone)]
pub struct Step {
    /// Place in the order of all calls on this machine, from 0.
    pub number: u64,
    /// What is to be done: "list", "read", "move", …
    pub verb: &'static str,
    /// Where.
    pub path: RelPath,
    /// It would change something.
    pub is_mutating: bool,
}

/// The moment at which the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crash {
    /// After how many mutating steps of all replicas, counted from when the crash is set.
    pub after: u64,
    /// Not right after that step but right before the next call of any replica, so that whatever
    /// the engine wrote elsewhere in between still counts.
    pub is_late: bool,
}

type Called = Arc<dyn Fn() + Send + Sync>;

/// A machine: its replicas count their steps together and die together. Clones are the same one.
#[derive(Clone, Default)]
pub struct Machine(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    n_steps: u64,
    n_mutations: u64,
    crash: Option<Crash>,
    is_crashed: bool,
    on_crash: Option<Called>,
    trace: VecDeque<String>,
    hasher: blake3::Hasher,
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.lock();
        f.debug_struct("Machine")
            .field("n_steps", &inner.n_steps)
            .field("n_mutations", &inner.n_mutations)
            .field("crash", &inner.crash)
            .field("is_crashed", &inner.is_crashed)
            .finish_non_exhaustive()
    }
}

impl Machine {
    /// Returns a new machine.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the moment of the crash, counted from now; `None` takes it back. Afterwards every
    /// call, reading ones too, fails until [`Self::reboot`].
    pub fn crash(&self, crash: Option<Crash>) {
        let mut inner = self.lock();
        let n = inner.n_mutations;
        inner.crash = crash.map(|crash| Crash {
            after: n + crash.after,
            ..crash
        });
    }

    /// Sets what is called at the moment of the crash, once per crash, with nothing locked: the
    /// place to take an image of what the process wrote elsewhere.
    pub fn on_crash(&self, call: Option<Arc<dyn Fn() + Send + Sync>>) {
        self.lock().on_crash = call;
    }

    /// Kills the process now.
    pub fn crash_now(&self) {
        let call = {
            let mut inner = self.lock();
            if inner.is_crashed {
                return;
            }
            inner.is_crashed = true;
            inner.crash = None;
            inner.log("crash");
            inner.on_crash.clone()
        };
        if let Some(call) = call {
            call();
        }
    }

    /// Says whether the process is dead.
    #[must_use]
    pub fn is_crashed(&self) -> bool {
        self.lock().is_crashed
    }

    /// Starts the machine again; what is on its replicas stays.
    pub fn reboot(&self) {
        let mut inner = self.lock();
        inner.is_crashed = false;
        inner.crash = None;
        inner.log("reboot");
    }

    /// Returns the number of calls of all replicas so far, reading ones included.
    #[must_use]
    pub fn n_steps(&self) -> u64 {
        self.lock().n_steps
    }

    /// Returns the number of calls of all replicas that changed something.
    #[must_use]
    pub fn n_mutations(&self) -> u64 {
        self.lock().n_mutations
    }

    /// Adds a line to the trace.
    pub fn log(&self, line: &str) {
        self.lock().log(line);
    }

    /// Returns the hash of the whole trace: equal seeds must give equal ones (I19).
    #[must_use]
    pub fn trace_hash(&self) -> String {
        self.lock().hasher.finalize().to_hex()[..16].to_owned()
    }

    /// Returns the last `n` lines of the trace.
    #[must_use]
    pub fn trace_tail(&self, n: usize) -> Vec<String> {
        let inner = self.lock();
        let skip = inner.trace.len().saturating_sub(n);
        inner.trace.iter().skip(skip).cloned().collect()
    }

    /// Begins a call; `None` when the process is dead.
    pub(super) fn begin(&self) -> Option<u64> {
        if self.lock().is_due(true) {
            self.crash_now();
        }
        let mut inner = self.lock();
        if inner.is_crashed {
            return None;
        }
        inner.n_steps += 1;
        Some(inner.n_steps - 1)
    }

    /// Ends a call that changed something.
    pub(super) fn mutated(&self, line: &str) {
        let is_due = {
            let mut inner = self.lock();
            inner.n_mutations += 1;
            inner.log(line);
            inner.is_due(false)
        };
        if is_due {
            self.crash_now();
        }
    }
}

impl Inner {
    fn is_due(&self, is_late: bool) -> bool {
        !self.is_crashed
            && self
                .crash
                .is_some_and(|crash| self.n_mutations >= crash.after && (is_late || !crash.is_late))
    }

    fn log(&mut self, line: &str) {
        self.hasher.update(line.as_bytes());
        self.hasher.update(b"\n");
        if self.trace.len() == TRACE_LINES_MAX {
            self.trace.pop_front();
        }
        self.trace.push_back(line.to_owned());
    }
}
