//! The simulator of the center: the pure state, driven by chance from a seed through everything that
//! people, handlers, programs outside, clocks and crashes may do.
//!
//! After every step the promises of the center are checked (see `check`): one result for each
//! request, no item and no folder worked on twice at once, the limit, history that begins and ends
//! each session once. At the end everything is let finish, and nothing may be left. The same seed
//! gives the same trace.

mod check;
mod people;
mod programs;
mod world;

use std::fmt;

use world::World;

/// Steps of a usual seed.
const N_STEPS: u64 = 400;
/// One seed in so many has thousands of handlers and items.
const LARGE_ONE_IN: u64 = 200;
/// One seed in so many is run twice, to see that the second run is the same.
const REPEAT_ONE_IN: u64 = 5;
/// Lines of the trace that a failure shows.
const TAIL_LINES: usize = 60;

/// What the simulations went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Commands given.
    pub n_commands: u64,
    /// Requests that were taken.
    pub n_requests: u64,
    /// Sessions that handlers were told of.
    pub n_sessions: u64,
    /// Items taken over by running sessions.
    pub n_absorbed: u64,
    /// Handlers given up.
    pub n_abandoned: u64,
    /// Sessions of programs outside.
    pub n_external: u64,
    /// Crashes survived.
    pub n_crashes: u64,
    /// Jumps of the clock.
    pub n_jumps: u64,
}

impl Stats {
    fn add(&mut self, other: Self) {
        self.n_commands += other.n_commands;
        self.n_requests += other.n_requests;
        self.n_sessions += other.n_sessions;
        self.n_absorbed += other.n_absorbed;
        self.n_abandoned += other.n_abandoned;
        self.n_external += other.n_external;
        self.n_crashes += other.n_crashes;
        self.n_jumps += other.n_jumps;
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} commands, {} requests, {} sessions, {} items taken over, {} handlers given up, \
             {} sessions of other programs, {} crashes, {} clock jumps",
            self.n_commands,
            self.n_requests,
            self.n_sessions,
            self.n_absorbed,
            self.n_abandoned,
            self.n_external,
            self.n_crashes,
            self.n_jumps
        )
    }
}

/// A broken promise, with all that is needed to see it again.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What is broken.
    pub what: String,
    /// The end of the trace.
    pub trace: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.trace {
            writeln!(f, "  {line}")?;
        }
        writeln!(f, "seed {}: {}", self.seed, self.what)?;
        write!(
            f,
            "repeat with: cargo xtask sim --center --seeds 1 --from {}",
            self.seed
        )
    }
}

/// Runs one seed; returns what it went through and a hash of its trace.
///
/// # Errors
/// The first broken promise.
pub fn run_seed(seed: u64) -> Result<(Stats, String), Box<Failure>> {
    let is_large = seed % LARGE_ONE_IN == LARGE_ONE_IN - 1;
    let mut world = World::new(seed, is_large);
    let result = (0..N_STEPS)
        .try_for_each(|_| world.step())
        .and_then(|()| world.settle());
    match result {
        Ok(()) => Ok((world.stats, world.hash())),
        Err(what) => Err(Box::new(Failure {
            seed,
            what,
            trace: world.tail(TAIL_LINES),
        })),
    }
}

/// Runs `n` seeds from the first one on.
///
/// # Errors
/// The first broken promise.
pub fn run_many(first_seed: u64, n: u64) -> Result<Stats, Box<Failure>> {
    let mut all = Stats::default();
    for seed in first_seed..first_seed.saturating_add(n) {
        let (stats, hash) = run_seed(seed)?;
        if seed % REPEAT_ONE_IN == 0 && run_seed(seed)?.1 != hash {
            return Err(Box::new(Failure {
                seed,
                what: "the same seed took another course".to_owned(),
                trace: Vec::new(),
            }));
        }
        all.add(stats);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// spec 70, 73, 78, 82, 85, 88, 103, 117: the promises of the queue and of results, whatever
    /// happens.
    #[test]
    fn a_small_dose_breaks_no_promise() {
        let done = run_many(0, 60).unwrap_or_else(|failure| panic!("{failure}"));
        assert!(done.n_sessions > 1000 && done.n_absorbed > 20 && done.n_abandoned > 20);
        assert!(done.n_crashes > 20 && done.n_external > 20 && done.n_jumps > 20);
    }
}
