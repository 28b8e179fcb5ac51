//! A replica in memory that behaves like a file system and breaks like one.
//!
//! [`MemoryReplica`] implements the engine's port, so the whole engine runs on it. Every call of
//! the port is a step of its [`Machine`]: counted, announced to a hook (through which a test lets
//! a person edit the tree in the middle of the engine's work), and then carried out, failed, or
//! refused because the machine has crashed. Calls that change something go to the trace.
//!
//! The person's own doings (`write`, `rename`, …, in `user`) are no steps and never fail by plan.
//!
//! What was not made durable can be lost: see `MemoryReplica::power_cut`.

mod engine;
mod faults;
mod fold;
mod inodes;
mod machine;
mod power;
mod user;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use syncmgr_engine::entry::{Entry, FileId, FileTime};
use syncmgr_engine::path::RelPath;
use syncmgr_engine::replica::{Capabilities, Fault, FaultKind};

pub use faults::{Calls, FailAt, FailSometimes, Faults};
pub use machine::{Crash, Machine, Step};
pub use user::{Content, Node};

use crate::clock::time_of;
use faults::Running;
use inodes::{Ino, Inodes, Moment, Op, ROOT};

/// The file system's clock starts here: 2001-09-09.
const START_NS: i128 = 1_000_000_000_000_000_000;
/// How far the clock goes with every change: a tenth of the usual granule, so that several
/// changes share one time unless a test says otherwise.
const TICK_NS: i128 = 1_000_000;

/// What is called before every call of the engine, with nothing locked. It may use the person's
/// methods of any replica.
pub type Hook = Arc<dyn Fn(&MemoryReplica, &Step) + Send + Sync>;

/// A tree in memory; clones are the same tree.
#[derive(Clone)]
pub struct MemoryReplica(Arc<Shared>);

struct Shared {
    name: String,
    machine: Machine,
    capabilities: Capabilities,
    state: Mutex<State>,
    hook: Mutex<Option<Hook>>,
}

struct State {
    live: Inodes,
    durable: Inodes,
    /// What happened since `durable`, in order.
    pending: Vec<Op>,
    next_ino: Ino,
    clock_ns: i128,
    tick_ns: i128,
    granule_ns: i128,
    mtime_step_ns: i128,
    read_chunk: usize,
    faults: Running,
    violations: Vec<String>,
    n_boots: u64,
    n_changes: u64,
    has_stable_ids: bool,
}

impl fmt::Debug for MemoryReplica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "MemoryReplica({}: {})",
            self.0.name,
            crate::tree::of(self)
        )
    }
}

impl MemoryReplica {
    /// Makes an empty tree on a machine of its own.
    #[must_use]
    pub fn new(capabilities: Capabilities) -> Self {
        Self::on(&Machine::new(), "memory", capabilities)
    }

    /// Makes an empty tree on a machine; `name` is what the trace calls it.
    #[must_use]
    pub fn on(machine: &Machine, name: &str, capabilities: Capabilities) -> Self {
        let granule_ns = i128::from(capabilities.clock_granule_ns.max(1));
        let mtime_step_ns = i128::from(capabilities.mtime_step_ns.max(1));
        let start = moment(START_NS, granule_ns, mtime_step_ns);
        let live = Inodes::new(&capabilities, start);
        let state = State {
            durable: live.clone(),
            live,
            pending: Vec::new(),
            next_ino: ROOT + 1,
            clock_ns: START_NS,
            tick_ns: TICK_NS,
            granule_ns,
            mtime_step_ns,
            read_chunk: usize::MAX,
            faults: Running::default(),
            violations: Vec::new(),
            n_boots: 0,
            n_changes: 0,
            has_stable_ids: capabilities.stable_ids,
        };
        Self(Arc::new(Shared {
            name: name.to_owned(),
            machine: machine.clone(),
            capabilities,
            state: Mutex::new(state),
            hook: Mutex::new(None),
        }))
    }

    /// Returns the machine it belongs to.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        &self.0.machine
    }

    /// Returns what the trace calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Sets what is called before every call of the engine.
    pub fn set_hook(&self, hook: Option<Hook>) {
        *self.0.hook.lock().unwrap_or_else(PoisonError::into_inner) = hook;
    }

    /// Sets which calls fail; counting starts anew.
    pub fn set_faults(&self, faults: Faults) {
        self.state().faults = Running::new(faults);
    }

    /// Sets the file system's clock, forward or back.
    pub fn set_clock(&self, time: FileTime) {
        self.state().clock_ns = time.as_nanos();
    }

    /// Moves the file system's clock by nanoseconds, back when negative.
    pub fn advance_clock(&self, nanos: i128) {
        self.state().clock_ns += nanos;
    }

    /// Returns the file system's time in nanoseconds since 1970, finer than its granule.
    #[must_use]
    pub fn clock_ns(&self) -> i128 {
        self.state().clock_ns
    }

    /// Sets how far the clock goes with every change, in nanoseconds; 0 stops it.
    pub fn set_tick(&self, nanos: u64) {
        self.state().tick_ns = i128::from(nanos);
    }

    /// Sets the clock's granule in nanoseconds, whatever the capabilities say.
    pub fn set_granule(&self, nanos: u64) {
        self.state().granule_ns = i128::from(nanos.max(1));
    }

    /// Sets how many bytes one read returns at most, so that a person can write between two.
    pub fn set_read_chunk(&self, n_bytes: usize) {
        self.state().read_chunk = n_bytes.max(1);
    }

    /// Returns the number of calls of the engine on the whole machine so far.
    #[must_use]
    pub fn step_count(&self) -> u64 {
        self.0.machine.n_steps()
    }

    /// Returns a number that grows with every change of this tree, by whomever.
    #[must_use]
    pub fn n_changes(&self) -> u64 {
        self.state().n_changes
    }

    /// Returns what the engine did that its contract forbids (I16): an empty list, or a bug.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.state().violations.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries out one call of the engine.
    fn step<T>(
        &self,
        verb: &'static str,
        path: &RelPath,
        work: impl FnOnce(&mut State) -> Result<T, FaultKind>,
    ) -> Result<T, Fault> {
        self.announce(verb, path, false)?;
        let mut state = self.state();
        let planned = state.faults.next(false).map_or(Ok(()), Err);
        planned
            .and_then(|()| work(&mut state))
            .map_err(|kind| fault(kind, verb, path))
    }

    /// Carries out one call of the engine that changes something.
    fn change<T>(
        &self,
        verb: &'static str,
        path: &RelPath,
        more: &str,
        work: impl FnOnce(&mut State) -> Result<T, FaultKind>,
    ) -> Result<T, Fault> {
        self.announce(verb, path, true)?;
        let done = {
            let mut state = self.state();
            let planned = state.faults.next(true).map_or(Ok(()), Err);
            planned.and_then(|()| work(&mut state))
        };
        let name = &self.0.name;
        match done {
            Ok(done) => {
                let line = format!("{name}: {verb} {path}{more}");
                self.0.machine.mutated(&line);
                Ok(done)
            }
            Err(kind) => {
                let line = format!("{name}: {verb} {path}{more} -> {kind:?}");
                self.0.machine.log(&line);
                Err(fault(kind, verb, path))
            }
        }
    }

    fn announce(&self, verb: &'static str, path: &RelPath, is_mutating: bool) -> Result<(), Fault> {
        let machine = &self.0.machine;
        let number = machine.begin().ok_or_else(|| crashed(verb, path))?;
        let hook = self
            .0
            .hook
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(hook) = hook {
            let step = Step {
                number,
                verb,
                path: path.clone(),
                is_mutating,
            };
            hook(self, &step);
        }
        if machine.is_crashed() {
            return Err(crashed(verb, path));
        }
        Ok(())
    }
}

impl State {
    /// Lets the clock go on and returns the times a change leaves now.
    fn tick(&mut self) -> Moment {
        self.clock_ns += self.tick_ns;
        moment(self.clock_ns, self.granule_ns, self.mtime_step_ns)
    }

    /// Truncates a modification time to what the store keeps.
    fn kept_mtime(&self, time: FileTime) -> FileTime {
        time_of(floor(time.as_nanos(), self.mtime_step_ns))
    }

    fn new_ino(&mut self) -> Ino {
        self.next_ino += 1;
        self.next_ino - 1
    }

    fn commit(&mut self, op: Op) {
        self.live.apply(&op);
        self.pending.push(op);
        self.n_changes += 1;
    }

    fn entry(&self, ino: Ino) -> Entry {
        // Where ids are not stable, every mount shows others.
        let shift = if self.has_stable_ids {
            0
        } else {
            self.n_boots << 32
        };
        self.live.entry(ino, FileId(ino + shift))
    }
}

fn floor(nanos: i128, step: i128) -> i128 {
    nanos.div_euclid(step) * step
}

fn moment(clock_ns: i128, granule_ns: i128, mtime_step_ns: i128) -> Moment {
    let now = floor(clock_ns, granule_ns);
    Moment {
        ctime: time_of(now),
        mtime: time_of(floor(now, mtime_step_ns)),
    }
}

fn fault(kind: FaultKind, step: &'static str, path: &RelPath) -> Fault {
    Fault::new(kind, step, path, format!("{kind:?}"))
}

fn crashed(step: &'static str, path: &RelPath) -> Fault {
    Fault::new(FaultKind::Io, step, path, "crashed")
}
