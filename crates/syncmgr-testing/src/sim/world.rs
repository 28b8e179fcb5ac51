//! Two replicas on one machine, the people, the engine between them, and its deaths.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use syncmgr_engine::cancel::Cancel;
use syncmgr_engine::clock::Clock;
use syncmgr_engine::entry::{Side, Sides};
use syncmgr_engine::journal::{RunId, RunKind};
use syncmgr_engine::monitor::Silent;
use syncmgr_engine::pair::{Dirty, Options, Pair, Report};
use syncmgr_engine::plan::Plan;
use syncmgr_engine::replica::{Capabilities, Replica};

use super::ledger::Picture;
use super::people::People;
use super::state_dir::{self, StateDir};
use crate::clock::FakeClock;
use crate::memory::{Hook, Machine, MemoryReplica};
use crate::rng::Rng;
use crate::watch::changed_dirs;

/// The fake clock starts with the file systems' clocks.
const START_SECS: i64 = 1_000_000_000;

/// One run in so many looks at everything, as the daemon does from time to time.
const FULL_ONE_IN: u64 = 3;

/// How a run ended.
#[derive(Debug)]
pub(super) enum Ran {
    /// With a report; boxed, it is large.
    Finished(Box<Report>),
    /// With an error, in words.
    Failed(String),
    /// The pair could not be opened, in words.
    Refused(String),
    /// The machine died; call [`World::recover`].
    Crashed,
}

pub(super) struct World {
    pub(super) machine: Machine,
    pub(super) replicas: Sides<MemoryReplica>,
    pub(super) clock: Arc<FakeClock>,
    pub(super) state: StateDir,
    pub(super) options: Options,
    pub(super) n_runs: u64,
    pub(super) n_crashes: u64,
    /// The state was damaged, or is an image of one that was.
    pub(super) is_damaged: bool,
    people: Arc<Mutex<People>>,
    /// The first broken invariant that a hook saw.
    alarm: Arc<Mutex<Option<String>>>,
    /// A person does something before one call in so many; 0 is never.
    one_in: Arc<AtomicU64>,
    pub(super) pair: Option<Pair>,
    /// The latest run that came to its end, and what both sides had when its look began: what a
    /// watch that was never broken would count from.
    looked: Option<(RunId, Sides<Picture>)>,
}

impl World {
    pub(super) fn new(
        mut rng: Rng,
        capabilities: Sides<Capabilities>,
        options: Options,
    ) -> Result<Self, String> {
        let machine = Machine::new();
        let left = MemoryReplica::on(&machine, "left", capabilities.left);
        let right = MemoryReplica::on(&machine, "right", capabilities.right);
        let replicas = Sides::new(left, right);
        let state = StateDir::new().map_err(|e| format!("no place for the state: {e}"))?;
        let people = Arc::new(Mutex::new(People::new(rng.fork(), replicas.clone())));
        let world = Self {
            machine,
            replicas,
            clock: Arc::new(FakeClock::new(START_SECS)),
            state,
            options,
            n_runs: 0,
            n_crashes: 0,
            is_damaged: false,
            people,
            alarm: Arc::default(),
            one_in: Arc::default(),
            pair: None,
            looked: None,
        };
        world.watch();
        Ok(world)
    }

    pub(super) fn people(&self) -> MutexGuard<'_, People> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn pictures(&self) -> Sides<Picture> {
        Sides::from_fn(|side| self.replicas[side].snapshot())
    }

    /// Lets people work during runs: before one call of the engine in so many; 0 is never.
    pub(super) fn let_people_work(&self, one_in: u64) {
        self.one_in.store(one_in, Ordering::SeqCst);
    }

    /// Makes all that is there survive a power cut.
    pub(super) fn settle(&self) {
        for side in Side::BOTH {
            self.replicas[side].settle();
            self.people().ledger.settle(side);
        }
    }

    /// Runs the engine once over both sides.
    ///
    /// # Errors
    /// An invariant that must hold at every moment is broken.
    pub(super) fn run(&mut self, releases_holds: bool) -> Result<Ran, String> {
        self.n_runs += 1;
        let mut ran = self.run_pair(releases_holds);
        let noticed = matches!(&ran, Ran::Failed(detail) if detail.contains("is damaged"));
        if noticed && self.is_damaged && !self.machine.is_crashed() {
            // Told that the memory was damaged and is begun anew, a person runs it once more.
            self.machine.log(&verdict(&ran));
            self.n_runs += 1;
            ran = self.run_pair(releases_holds);
        }
        let ran = if self.machine.is_crashed() {
            self.pair = None;
            Ran::Crashed
        } else {
            ran
        };
        self.machine.log(&verdict(&ran));
        self.check_always()?;
        Ok(ran)
    }

    /// Brings the machine back after a crash: with the state as it was at that moment, and, when
    /// the power was cut, with what the disks kept.
    ///
    /// # Errors
    /// A file that the engine had installed is torn.
    pub(super) fn recover(&mut self, cuts: Sides<Option<u64>>) -> Result<(), String> {
        self.n_crashes += 1;
        self.pair = None;
        self.state.restore("crash").map_err(|e| e.to_string())?;
        for side in Side::BOTH {
            if let Some(seed) = cuts[side] {
                self.replicas[side].power_cut(seed);
                let picture = self.replicas[side].snapshot();
                self.people().ledger.after_cut(side, &picture)?;
            }
        }
        self.machine.reboot();
        Ok(())
    }

    /// Ends the engine's process in good order.
    pub(super) fn close(&mut self) {
        self.pair = None;
    }

    /// Checks what must hold at every moment.
    ///
    /// # Errors
    /// Names the invariant.
    pub(super) fn check_always(&self) -> Result<(), String> {
        let alarm = self.alarm.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(what) = &*alarm {
            return Err(what.clone());
        }
        for side in Side::BOTH {
            if let Some(what) = self.replicas[side].violations().first() {
                return Err(format!("I16: {} on the {} side", what, side.as_str()));
            }
            let picture = self.replicas[side].snapshot();
            self.people().ledger.check_whole(side, &picture)?;
        }
        self.people().ledger.check_kept(&self.replicas)
    }

    fn run_pair(&mut self, releases_holds: bool) -> Ran {
        let mut pair = match self.pair.take() {
            Some(pair) => pair,
            None => match self.open() {
                Ok(pair) => pair,
                Err(detail) => return Ran::Refused(detail),
            },
        };
        let ran = self.plan_and_apply(&mut pair, releases_holds);
        self.pair = Some(pair);
        ran.map_or_else(Ran::Failed, |report| Ran::Finished(Box::new(report)))
    }

    pub(super) fn open(&self) -> Result<Pair, String> {
        let left: Arc<dyn Replica> = Arc::new(self.replicas.left.clone());
        let right: Arc<dyn Replica> = Arc::new(self.replicas.right.clone());
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as _;
        let state = self.state.path();
        Pair::with_replicas(left, right, &state, clock).map_err(|e| e.to_string())
    }

    fn plan_and_apply(&mut self, pair: &mut Pair, releases_holds: bool) -> Result<Report, String> {
        let cancel = Cancel::new();
        let now = self.pictures();
        let dirty = self.dirty(&now);
        let plan = pair.plan_changed(&dirty, &self.options, &Silent, &cancel);
        let mut plan: Plan = plan.map_err(|e| e.to_string())?;
        let way = if plan.is_targeted {
            "of a part"
        } else {
            "of all"
        };
        self.machine.log(&format!("plan {way} {}", plan.id()));
        if let Some(held) = plan.held_id().filter(|_| releases_holds) {
            plan.release(&held);
        }
        let run = RunId::new(&format!("run-{:06}", self.n_runs)).ok_or("the run has no id")?;
        let report = pair
            .apply(&plan, &run, RunKind::Sync, &self.options, &Silent, &cancel)
            .map_err(|e| e.to_string())?;
        if !report.was_stopped {
            self.looked = Some((run, now));
        }
        Ok(report)
    }

    /// Says what a watch would report; two runs of three trust it.
    fn dirty(&self, now: &Sides<Picture>) -> Dirty {
        match &self.looked {
            Some((since, before)) if !self.n_runs.is_multiple_of(FULL_ONE_IN) => Dirty::Dirs {
                since: since.clone(),
                dirs: Sides::from_fn(|side| changed_dirs(&before[side], &now[side])),
            },
            Some(_) | None => Dirty::All,
        }
    }

    /// Hangs a watcher in front of every call: it checks what is seen, and lets people work.
    fn watch(&self) {
        let replicas = self.replicas.clone();
        let people = Arc::clone(&self.people);
        let alarm = Arc::clone(&self.alarm);
        let one_in = Arc::clone(&self.one_in);
        let clock = Arc::clone(&self.clock);
        let dated = Mutex::new(Sides::from_fn(|side| replicas[side].clock_ns()));
        // Time passes for the engine as it does for the file systems, whatever their clocks say.
        let pass = move |replicas: &Sides<MemoryReplica>| {
            let mut dated = dated.lock().unwrap_or_else(PoisonError::into_inner);
            for side in Side::BOTH {
                let now = replicas[side].clock_ns();
                clock.advance_ns(u64::try_from(now - dated[side]).unwrap_or(0));
                dated[side] = now;
            }
        };
        let checked = Mutex::new(Sides::<u64>::default());
        let hook: Hook = Arc::new(move |_, _| {
            pass(&replicas);
            let mut people = people.lock().unwrap_or_else(PoisonError::into_inner);
            let mut checked = checked.lock().unwrap_or_else(PoisonError::into_inner);
            for side in Side::BOTH {
                let n_changes = replicas[side].n_changes();
                if checked[side] == n_changes {
                    continue;
                }
                checked[side] = n_changes;
                let picture = replicas[side].snapshot();
                if let Err(what) = people.ledger.check_whole(side, &picture) {
                    let mut alarm = alarm.lock().unwrap_or_else(PoisonError::into_inner);
                    alarm.get_or_insert(what);
                }
            }
            let one_in = one_in.load(Ordering::SeqCst);
            if one_in > 0 && people.rng.chance(1, one_in) {
                let side = if people.rng.chance(1, 2) {
                    Side::Left
                } else {
                    Side::Right
                };
                people.edit(side);
                pass(&replicas);
            }
        });
        for side in Side::BOTH {
            self.replicas[side].set_hook(Some(Arc::clone(&hook)));
        }
        let (state, image) = (self.state.path(), self.state.image("crash"));
        let alarm = Arc::clone(&self.alarm);
        self.machine.on_crash(Some(Arc::new(move || {
            if let Err(e) = state_dir::copy(&state, &image) {
                let mut alarm = alarm.lock().unwrap_or_else(PoisonError::into_inner);
                alarm.get_or_insert(format!("no image of the state: {e}"));
            }
        })));
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // The hook holds the replicas, and they hold the hook.
        for side in Side::BOTH {
            self.replicas[side].set_hook(None);
        }
        self.machine.on_crash(None);
    }
}

fn verdict(ran: &Ran) -> String {
    match ran {
        Ran::Finished(report) => format!(
            "finished: in sync {}, conflicts {}, held {}, {:?}, problems {:?}",
            report.is_in_sync(),
            report.conflicts.len(),
            report.n_held,
            report.tally,
            report
                .problems
                .iter()
                .map(|problem| format!("{} {}", problem.kind.code(), problem.path))
                .collect::<Vec<_>>(),
        ),
        Ran::Failed(detail) => format!("failed: {detail}"),
        Ran::Refused(detail) => format!("refused: {detail}"),
        Ran::Crashed => "crashed".to_owned(),
    }
}
