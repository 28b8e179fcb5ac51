//! Two trees in memory and the engine between them.

use std::path::Path;
use std::sync::Arc;

use syncmgr_engine::cancel::Cancel;
use syncmgr_engine::clock::Clock;
use syncmgr_engine::entry::{Side, Sides};
use syncmgr_engine::journal::{RunId, RunKind};
use syncmgr_engine::monitor::Silent;
use syncmgr_engine::pair::{Dirty, Options, Pair, Report};
use syncmgr_engine::plan::Plan;
use syncmgr_engine::replica::{Capabilities, Replica};
use syncmgr_testing::clock::FakeClock;
use syncmgr_testing::memory::MemoryReplica;
use syncmgr_testing::tree::Tree;

/// The clocks of the replicas start then.
const START_SECS: i64 = 1_000_000_000;

/// Seconds between two things that happen in a test; far more than any clock's granule.
const PAUSE_SECS: i64 = 3600;

pub(crate) struct MemoryPair {
    pub(crate) sides: Sides<MemoryReplica>,
    pub(crate) options: Options,
    pub(crate) pair: Pair,
    clock: Arc<FakeClock>,
    n_runs: u32,
    /// Held for its effect: the directory goes with the value.
    _state: tempfile::TempDir,
}

impl MemoryPair {
    /// Builds the same tree on both sides and lets them agree on it in a first run.
    pub(crate) fn agreed_on(
        base: &Tree,
        capabilities: Sides<Capabilities>,
        options: Options,
    ) -> Self {
        let sides = capabilities.map(MemoryReplica::new);
        for side in Side::BOTH {
            base.build(&sides[side]);
        }
        let mut pair = Self::of(sides, options);
        pair.wait();
        if !base.0.is_empty() {
            let plan = pair.plan();
            let report = pair.apply(&plan);
            assert!(report.conflicts.is_empty(), "{report:?}");
            pair.wait();
        }
        pair
    }

    fn of(sides: Sides<MemoryReplica>, options: Options) -> Self {
        let shm = Path::new("/dev/shm");
        let state = if shm.is_dir() {
            tempfile::tempdir_in(shm)
        } else {
            tempfile::tempdir()
        };
        let state = state.unwrap();
        let clock = Arc::new(FakeClock::new(START_SECS));
        let replica = |side: Side| Arc::new(sides[side].clone()) as Arc<dyn Replica>;
        let pair = Pair::with_replicas(
            replica(Side::Left),
            replica(Side::Right),
            state.path(),
            Arc::clone(&clock) as Arc<dyn Clock>,
        );
        Self {
            options,
            pair: pair.unwrap(),
            clock,
            n_runs: 0,
            _state: state,
            sides,
        }
    }

    /// Lets time pass, so that what was done before cannot be confused with what comes.
    pub(crate) fn wait(&self) {
        self.clock.advance(PAUSE_SECS);
        for side in Side::BOTH {
            self.sides[side].advance_clock(i128::from(PAUSE_SECS) * 1_000_000_000);
        }
    }

    pub(crate) fn plan(&self) -> Plan {
        self.plan_with(&self.options)
    }

    pub(crate) fn plan_with(&self, options: &Options) -> Plan {
        self.pair.plan(options, &Silent, &Cancel::new()).unwrap()
    }

    pub(crate) fn plan_changed(&self, dirty: &Dirty) -> Plan {
        self.pair
            .plan_changed(dirty, &self.options, &Silent, &Cancel::new())
            .unwrap()
    }

    /// Returns the id of the latest run.
    pub(crate) fn latest_run(&self) -> RunId {
        RunId::new(&format!("run-{:04}", self.n_runs)).unwrap()
    }

    pub(crate) fn apply(&mut self, plan: &Plan) -> Report {
        self.n_runs += 1;
        let id = self.latest_run();
        let cancel = Cancel::new();
        let report = self
            .pair
            .apply(plan, &id, RunKind::Sync, &self.options, &Silent, &cancel);
        for side in Side::BOTH {
            assert_eq!(
                self.sides[side].violations(),
                Vec::<String>::new(),
                "I16 on the {} side",
                side.as_str()
            );
        }
        report.unwrap()
    }
}
