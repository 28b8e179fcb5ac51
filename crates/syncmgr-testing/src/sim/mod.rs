//! The simulator: the whole engine on two replicas in memory, with people at both, and everything
//! going wrong that a seed says.
//!
//! One seed is one world: what the stores can do, which rule settles conflicts, what people do and
//! when, which calls fail, when the process dies or the power goes, and what becomes of the
//! state. After the last round the world is set right, and then everything must be: see `check`.
//! The same seed gives the same trace (I19), so a seed is the whole report of a bug:
//! `run_seed(seed, &SimOptions::default())` replays it.

mod check;
mod decisions;
mod everywhere;
mod ledger;
mod people;
mod rounds;
mod state_dir;
mod world;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub use everywhere::crash_everywhere;

/// Lines of the trace that a failure shows.
const TAIL_LINES: usize = 60;
/// Longest line of the trace that a failure shows.
const LINE_MAX: usize = 300;
/// One seed in so many is run twice, to see that the second run is the same.
const REPEAT_ONE_IN: u64 = 5;
/// One seed in so many also crashes at every step there is.
const EVERYWHERE_ONE_IN: u64 = 25;

/// What a simulation may do. The default is everything; the seed chooses among it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimOptions {
    /// Rounds of edits and runs.
    pub n_rounds: u64,
    /// Calls on the replicas fail.
    pub has_faults: bool,
    /// The process dies.
    pub has_crashes: bool,
    /// The power goes.
    pub has_power_cuts: bool,
    /// People work during runs.
    pub has_edits_during_runs: bool,
    /// Clocks jump and stand still.
    pub has_lying_clocks: bool,
    /// The state is lost, damaged, or an old one comes back.
    pub has_state_loss: bool,
    /// Files and directories cannot be read.
    pub has_unreadable: bool,
    /// Stores that fold names, keep no modes or links, or have coarse times.
    pub has_odd_stores: bool,
}

impl Default for SimOptions {
    fn default() -> Self {
        Self {
            n_rounds: 8,
            has_faults: true,
            has_crashes: true,
            has_power_cuts: true,
            has_edits_during_runs: true,
            has_lying_clocks: true,
            has_state_loss: true,
            has_unreadable: true,
            has_odd_stores: true,
        }
    }
}

impl SimOptions {
    /// Nothing goes wrong; people only edit between runs.
    #[must_use]
    pub fn calm() -> Self {
        Self {
            n_rounds: 8,
            has_faults: false,
            has_crashes: false,
            has_power_cuts: false,
            has_edits_during_runs: false,
            has_lying_clocks: false,
            has_state_loss: false,
            has_unreadable: false,
            has_odd_stores: false,
        }
    }
}

/// What a simulation that found nothing wrong went through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SimOutcome {
    /// Hash of the trace; empty where threads make the order a matter of luck.
    pub hash: String,
    /// Runs of the engine.
    pub n_runs: u64,
    /// Calls on the replicas.
    pub n_steps: u64,
    /// Crashes survived.
    pub n_crashes: u64,
    /// Conflicts left at the end.
    pub n_conflicts: u64,
}

/// A broken invariant, with all that is needed to see it again.
#[derive(Debug, Clone)]
pub struct SimFailure {
    /// The seed.
    pub seed: u64,
    /// With which options.
    pub options: SimOptions,
    /// What is broken.
    pub what: String,
    /// The end of the trace.
    pub trace: Vec<String>,
}

impl fmt::Display for SimFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.trace {
            writeln!(f, "  {}", line.chars().take(LINE_MAX).collect::<String>())?;
        }
        writeln!(f, "seed {}: {}", self.seed, self.what)?;
        if self.options != SimOptions::default() {
            writeln!(f, "options: {:?}", self.options)?;
        }
        write!(f, "again: cargo xtask sim --from {} --seeds 1", self.seed)
    }
}

impl std::error::Error for SimFailure {}

/// Sums over many seeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Seeds run.
    pub n_seeds: u64,
    /// Runs of the engine.
    pub n_runs: u64,
    /// Calls on the replicas.
    pub n_steps: u64,
    /// Crashes survived.
    pub n_crashes: u64,
    /// Conflicts left at the ends.
    pub n_conflicts: u64,
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} seeds: {} runs of {} calls, {} crashes, {} conflicts left; nothing broken",
            self.n_seeds, self.n_runs, self.n_steps, self.n_crashes, self.n_conflicts
        )
    }
}

impl Stats {
    fn add(&mut self, outcome: &SimOutcome) {
        self.n_runs += outcome.n_runs;
        self.n_steps += outcome.n_steps;
        self.n_crashes += outcome.n_crashes;
        self.n_conflicts += outcome.n_conflicts;
    }
}

/// Runs one simulation.
///
/// # Errors
/// [`SimFailure`] says which invariant is broken; a panic of the engine is one, too.
pub fn run_seed(seed: u64, options: &SimOptions) -> Result<SimOutcome, SimFailure> {
    guarded(seed, options, || rounds::run(seed, options))
}

/// Runs `n` seeds, some of them twice to see that the trace is the same, some also with a crash at
/// every step.
///
/// # Errors
/// The first [`SimFailure`].
pub fn run_many(first_seed: u64, n: u64) -> Result<Stats, SimFailure> {
    let options = SimOptions::default();
    let mut stats = Stats::default();
    for seed in first_seed..first_seed.saturating_add(n) {
        let outcome = run_seed(seed, &options)?;
        stats.n_seeds += 1;
        stats.add(&outcome);
        if seed % REPEAT_ONE_IN == 0 {
            check_repeatable(seed, &options, &outcome)?;
        }
        if seed % EVERYWHERE_ONE_IN == 0 {
            stats.add(&crash_everywhere(seed)?);
        }
    }
    // One seed alone is a replay of a failure, which may have been in any of the parts.
    if n == 1 {
        check_repeatable(first_seed, &options, &run_seed(first_seed, &options)?)?;
        stats.add(&crash_everywhere(first_seed)?);
    }
    Ok(stats)
}

/// Runs a seed again and compares (I19).
///
/// # Errors
/// [`SimFailure`] when the second run differs or fails.
pub fn check_repeatable(
    seed: u64,
    options: &SimOptions,
    first: &SimOutcome,
) -> Result<(), SimFailure> {
    let second = run_seed(seed, options)?;
    if second == *first || first.hash.is_empty() {
        return Ok(());
    }
    Err(SimFailure {
        seed,
        options: options.clone(),
        what: format!("I19: a second run differs: {first:?}, then {second:?}"),
        trace: Vec::new(),
    })
}

/// What is wrong, with the trace so far.
type Broken = (String, Vec<String>);

fn guarded(
    seed: u64,
    options: &SimOptions,
    work: impl FnOnce() -> Result<SimOutcome, Broken>,
) -> Result<SimOutcome, SimFailure> {
    let done = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
        Err((format!("panic: {}", said.unwrap_or("?")), Vec::new()))
    });
    done.map_err(|(what, trace)| SimFailure {
        seed,
        options: options.clone(),
        what,
        trace,
    })
}

fn outcome(world: &world::World, n_conflicts: u64) -> SimOutcome {
    SimOutcome {
        hash: match world.options.n_threads {
            1 => world.machine.trace_hash(),
            _ => String::new(),
        },
        n_runs: world.n_runs,
        n_steps: world.machine.n_steps(),
        n_crashes: world.n_crashes,
        n_conflicts,
    }
}
