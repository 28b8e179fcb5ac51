//! One world from its first edit to the last check.

use syncmgr_engine::entry::{FileTime, Side, Sides};
use syncmgr_engine::pair::{Options, Report, VersionPolicy};
use syncmgr_engine::replica::{Capabilities, FaultKind};
use syncmgr_engine::rules::{ConflictRule, Excludes, Mode};

use super::ledger::Picture;
use super::world::{Ran, World};
use super::{Broken, SimOptions, SimOutcome, TAIL_LINES, check, outcome, state_dir};
use crate::memory::{Calls, Crash, FailSometimes, Faults};
use crate::rng::Rng;

/// Clean runs after which nothing may be left to do.
const CLEAN_RUNS_MAX: u64 = 4;
/// Attempts to get through a recovery that is made to crash again.
const RECOVERIES_MAX: u64 = 4;

/// What goes wrong in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    Faults,
    FullDisk,
    Crash,
    PowerCut,
    People,
    PeopleAndCrash,
    StateLost,
    StateDamaged,
    StateOld,
    Unreadable,
}

pub(super) fn run(seed: u64, options: &SimOptions) -> Result<SimOutcome, Broken> {
    let mut rng = Rng::new(seed);
    let capabilities = Sides::from_fn(|_| capabilities(&mut rng, options));
    let engine_options = engine_options(&mut rng);
    let mut world =
        World::new(rng.fork(), capabilities, engine_options).map_err(|what| (what, Vec::new()))?;
    let mut sim = Sim {
        rng,
        options,
        is_agreed: true,
    };
    let done = sim.live(&mut world);
    let trace = |world: &World| world.machine.trace_tail(TAIL_LINES);
    let n_conflicts = done.map_err(|what| (what, trace(&world)))?;
    Ok(outcome(&world, n_conflicts))
}

struct Sim<'a> {
    rng: Rng,
    options: &'a SimOptions,
    /// Both sides were equal after the last run, and it went well.
    is_agreed: bool,
}

impl Sim<'_> {
    fn live(&mut self, world: &mut World) -> Result<u64, String> {
        for _ in 0..self.options.n_rounds {
            self.round(world)?;
        }
        set_right(world);
        let report = settle_down(world)?;
        Ok(report.conflicts.len() as u64)
    }

    fn round(&mut self, world: &mut World) -> Result<(), String> {
        if self.options.has_lying_clocks {
            self.shift_clocks(world);
        }
        let agreed = world.pictures();
        let trouble = self.trouble();
        // With an old state, what a person deletes now looks like any other deletion, if nothing
        // else had changed since; so here nobody does anything, and nothing may be deleted.
        let is_old = matches!(trouble, Trouble::StateOld | Trouble::StateDamaged);
        let edited = if is_old { None } else { self.edit(world) };
        world.settle();
        world
            .machine
            .log(&format!("round: {trouble:?}, edited {edited:?}"));
        let before = self.prepare(world, trouble)?;
        let was_agreed = std::mem::replace(&mut self.is_agreed, false);
        let ran = world.run(true)?;
        world.let_people_work(0);
        for side in Side::BOTH {
            world.replicas[side].set_faults(Faults::none());
        }
        let after = world.pictures();
        self.check_round(world, (trouble, was_agreed), &ran, &before, &after)?;
        let Ran::Finished(report) = ran else {
            return self.go_on(world, trouble, &ran);
        };
        world.machine.crash(None);
        if trouble == Trouble::None {
            if was_agreed
                && let Some(side) = edited
                && report.is_in_sync()
                && world.options.mode == Mode::TwoWay
            {
                check::one_sided(side, &agreed, &before, &after)?;
            }
            self.is_agreed = report.is_in_sync();
        }
        world.people().open_up();
        if trouble == Trouble::None && self.rng.clone().chance(1, 3) {
            self.is_agreed = false;
            let mut rng = Rng::new(!self.rng.clone().next_u64());
            world.decide(&mut rng)?;
        }
        Ok(())
    }

    /// Checks what must hold after a run with this trouble.
    fn check_round(
        &self,
        world: &World,
        (trouble, was_agreed): (Trouble, bool),
        ran: &Ran,
        before: &Sides<Picture>,
        after: &Sides<Picture>,
    ) -> Result<(), String> {
        match trouble {
            // A rule may choose between two versions; then one is replaced and kept as a version.
            Trouble::StateLost
                if world.options.rule == ConflictRule::Ask
                    && !matches!(world.options.mode, Mode::Mirror(_)) =>
            {
                check::nothing_deleted("I11", before, after)?;
            }
            // Both were equal, nobody did anything: not even an old memory may delete.
            Trouble::StateDamaged | Trouble::StateOld if was_agreed => {
                check::nothing_deleted("I11", before, after)?;
            }
            Trouble::Unreadable => check::unreadable_kept(before, after)?,
            Trouble::None
            | Trouble::Faults
            | Trouble::FullDisk
            | Trouble::Crash
            | Trouble::PowerCut
            | Trouble::People
            | Trouble::PeopleAndCrash
            | Trouble::StateLost
            | Trouble::StateDamaged
            | Trouble::StateOld => {}
        }
        let people_worked = matches!(trouble, Trouble::People | Trouble::PeopleAndCrash);
        match ran {
            Ran::Finished(report) if !people_worked => {
                if trouble == Trouble::None {
                    check::explained(report, &world.replicas, &world.options.excludes)?;
                }
                check::honest(report, world, trouble != Trouble::None)
            }
            Ran::Failed(detail) | Ran::Refused(detail) if trouble == Trouble::None => {
                Err(format!("a run without trouble ended with: {detail}"))
            }
            Ran::Finished(_) | Ran::Failed(_) | Ran::Refused(_) | Ran::Crashed => Ok(()),
        }
    }

    /// Goes on after a run that did not come to its end.
    fn go_on(&mut self, world: &mut World, trouble: Trouble, ran: &Ran) -> Result<(), String> {
        world.people().open_up();
        match ran {
            Ran::Crashed => self.recover(world, trouble == Trouble::PowerCut),
            // A person who is told that the state is broken puts it away.
            Ran::Refused(_) => {
                world.close();
                world.state.lose().map_err(|e| e.to_string())
            }
            Ran::Failed(_) | Ran::Finished(_) => Ok(()),
        }
    }

    /// Recovers from a crash, at times crashing again on the way; the first run that is left in
    /// peace must succeed (I9).
    fn recover(&mut self, world: &mut World, is_power_cut: bool) -> Result<(), String> {
        for attempt in 0..RECOVERIES_MAX {
            let cuts = Sides::from_fn(|_| {
                let seed = self.rng.next_u64();
                (is_power_cut && self.rng.chance(2, 3)).then_some(seed)
            });
            world.recover(cuts)?;
            if attempt + 1 < RECOVERIES_MAX && self.rng.chance(1, 3) {
                world.machine.crash(Some(self.crash(12)));
            }
            let ran = world.run(true)?;
            match &ran {
                Ran::Crashed => continue,
                Ran::Finished(report) => {
                    world.machine.crash(None);
                    check::explained(report, &world.replicas, &world.options.excludes)?;
                    check::honest(report, world, false)?;
                    check::tidy(&world.replicas)?;
                    self.is_agreed = report.is_in_sync();
                    return Ok(());
                }
                Ran::Failed(what) | Ran::Refused(what) => {
                    return Err(format!("I9: the run after a crash ended with: {what}"));
                }
            }
        }
        Ok(())
    }

    fn edit(&mut self, world: &World) -> Option<Side> {
        let one_side = match self.rng.below(4) {
            0 => Some(Side::Left),
            1 => Some(Side::Right),
            _ => None,
        };
        for _ in 0..self.rng.below(7) {
            let drawn = if self.rng.chance(1, 2) {
                Side::Left
            } else {
                Side::Right
            };
            world.people().edit(one_side.unwrap_or(drawn));
        }
        one_side
    }

    fn trouble(&mut self) -> Trouble {
        let options = self.options;
        match self.rng.below(18) {
            0..=1 if options.has_faults => Trouble::Faults,
            2 if options.has_faults => Trouble::FullDisk,
            3..=4 if options.has_crashes => Trouble::Crash,
            5..=6 if options.has_power_cuts => Trouble::PowerCut,
            7..=8 if options.has_edits_during_runs => Trouble::People,
            9 if options.has_edits_during_runs && options.has_crashes => Trouble::PeopleAndCrash,
            10 if options.has_state_loss => Trouble::StateLost,
            11 if options.has_state_loss => Trouble::StateDamaged,
            12 if options.has_state_loss => Trouble::StateOld,
            13 if options.has_unreadable => Trouble::Unreadable,
            _ => Trouble::None,
        }
    }

    /// Sets the trouble up and returns what the run finds.
    fn prepare(&mut self, world: &mut World, trouble: Trouble) -> Result<Sides<Picture>, String> {
        let io = |e: std::io::Error| e.to_string();
        let people_one_in = 4 + self.rng.below(40);
        match trouble {
            Trouble::None => {}
            Trouble::Faults => {
                let side = self.side();
                world.replicas[side].set_faults(self.faults());
            }
            Trouble::FullDisk => {
                let side = self.side();
                let capacity = Some(self.rng.below(400));
                world.replicas[side].set_faults(Faults {
                    capacity,
                    ..Faults::none()
                });
            }
            Trouble::Crash | Trouble::PowerCut => world.machine.crash(Some(self.crash(60))),
            Trouble::People => world.let_people_work(people_one_in),
            Trouble::PeopleAndCrash => {
                world.let_people_work(people_one_in);
                world.machine.crash(Some(self.crash(60)));
            }
            Trouble::StateLost => {
                world.close();
                world.state.lose().map_err(io)?;
            }
            Trouble::StateDamaged => {
                world.close();
                world.state.damage(&mut self.rng).map_err(io)?;
                world.is_damaged = true;
            }
            Trouble::StateOld => {
                world.close();
                world.state.restore("old").map_err(io)?;
            }
            Trouble::Unreadable => {
                for _ in 0..=self.rng.below(3) {
                    let side = self.side();
                    world.people().lock_away(side);
                }
            }
        }
        if self.rng.chance(1, 4) {
            world.close();
            state_dir::copy(&world.state.path(), &world.state.image("old")).map_err(io)?;
        }
        Ok(world.pictures())
    }

    fn side(&mut self) -> Side {
        if self.rng.chance(1, 2) {
            Side::Left
        } else {
            Side::Right
        }
    }

    fn crash(&mut self, within: u64) -> Crash {
        Crash {
            after: self.rng.below(within),
            is_late: self.rng.chance(1, 2),
        }
    }

    fn faults(&mut self) -> Faults {
        use FaultKind::{Busy, Denied, Io, NoSpace, ReadOnly};
        let kinds = vec![Busy, Denied, Io, NoSpace, ReadOnly];
        let calls = [Calls::All, Calls::Reading, Calls::Mutating];
        let calls = self.rng.pick(&calls).copied().unwrap_or(Calls::All);
        let kind = self.rng.pick(&kinds).copied().unwrap_or(Io);
        let at = self.rng.below(60);
        match self.rng.below(3) {
            0 => Faults::at(at, calls, kind),
            1 => Faults::from(at, calls, kind),
            _ => Faults {
                sometimes: Some(FailSometimes {
                    rng: self.rng.fork(),
                    one_in: 2 + self.rng.below(30),
                    calls,
                    kinds,
                }),
                ..Faults::none()
            },
        }
    }

    fn shift_clocks(&mut self, world: &World) {
        // Odd nanoseconds, so that no jump leads back into a granule that was used.
        let jump = |rng: &mut Rng| i64::try_from(rng.below(200_000)).unwrap_or(0) - 100_000;
        for side in Side::BOTH {
            let replica = &world.replicas[side];
            match self.rng.below(8) {
                0 => {
                    let odd = i128::from(self.rng.below(1_000_000_000));
                    let nanos = i128::from(jump(&mut self.rng)) * 1_000_000_000 + odd;
                    replica.advance_clock(nanos);
                }
                1 => replica.set_tick(0),
                2 => replica.set_clock(FileTime::new(self.rng.index(1 << 31) as i64, 1)),
                _ => replica.set_tick(self.rng.below(30_000_000)),
            }
        }
        world.clock.advance(jump(&mut self.rng));
    }
}

/// Ends all trouble.
fn set_right(world: &mut World) {
    world.let_people_work(0);
    world.people().open_up();
    world.machine.crash(None);
    for side in Side::BOTH {
        world.replicas[side].set_faults(Faults::none());
        world.replicas[side].set_tick(20_000_000);
    }
}

/// Runs until nothing is left to do, and checks that all is well then. People have gone home.
pub(super) fn settle_down(world: &mut World) -> Result<Report, String> {
    for _ in 0..CLEAN_RUNS_MAX {
        let report = clean_run(world)?;
        let is_quiet = report.tally.left.is_zero() && report.tally.right.is_zero();
        if !is_quiet {
            continue;
        }
        let before = world.pictures();
        let again = clean_run(world)?;
        check::unchanged(&before, &world.pictures())?;
        if again.is_in_sync() != report.is_in_sync() {
            return Err("I2: the second run has another verdict".to_owned());
        }
        check::explained(&again, &world.replicas, &world.options.excludes)?;
        check::tidy(&world.replicas)?;
        return Ok(again);
    }
    Err(format!(
        "after {CLEAN_RUNS_MAX} clean runs there is still something to do"
    ))
}

fn clean_run(world: &mut World) -> Result<Report, String> {
    match world.run(true)? {
        Ran::Finished(report) => {
            check::honest(&report, world, false)?;
            Ok(*report)
        }
        Ran::Refused(what) => {
            // Damaged by the last round and put away now, as the person is told to.
            world.close();
            world.state.lose().map_err(|e| e.to_string())?;
            match world.run(true)? {
                Ran::Finished(report) => Ok(*report),
                Ran::Failed(_) | Ran::Refused(_) | Ran::Crashed => {
                    Err(format!("a clean run was refused: {what}"))
                }
            }
        }
        Ran::Failed(what) => Err(format!("a clean run failed: {what}")),
        Ran::Crashed => Err("a clean run crashed".to_owned()),
    }
}

fn capabilities(rng: &mut Rng, options: &SimOptions) -> Capabilities {
    let mut capabilities = Capabilities::posix();
    if !options.has_odd_stores || rng.chance(3, 5) {
        return capabilities;
    }
    match rng.below(6) {
        0 => capabilities.folds_case = true,
        1 => {
            capabilities.folds_case = true;
            capabilities.folds_unicode = true;
        }
        2 => capabilities.modes = false,
        3 => {
            capabilities.mtime_step_ns = 2_000_000_000;
            capabilities.modes = false;
            capabilities.symlinks = false;
        }
        4 => capabilities.exchange = false,
        _ => capabilities.clock_granule_ns = 1_000_000_000,
    }
    capabilities
}

pub(super) fn engine_options(rng: &mut Rng) -> Options {
    let rules = [
        ConflictRule::Ask,
        ConflictRule::Ask,
        ConflictRule::Ask,
        ConflictRule::Newest,
        ConflictRule::Prefer(Side::Left),
        ConflictRule::Both,
    ];
    let options = Options {
        rule: rng.pick(&rules).copied().unwrap_or_default(),
        is_full: rng.chance(1, 20),
        // Clocks jump here; versions must not go because of that.
        versions: VersionPolicy {
            keep_secs: u64::MAX / 4,
            budget_bytes: u64::MAX / 4,
        },
        n_threads: 1,
        ..Options::default()
    };
    // A sequence of its own, so that the older seeds go on meaning what they meant.
    rarer_options(options, &mut Rng::new(!rng.clone().next_u64()))
}

/// Changes one choice of a person in some seeds.
fn rarer_options(options: Options, rng: &mut Rng) -> Options {
    let excludes = || Excludes::new(&["~", "/c/", "!/b/~"]).unwrap_or_default();
    match rng.below(16) {
        0 => Options {
            mode: Mode::Mirror(Side::Left),
            ..options
        },
        1 => Options {
            mode: Mode::Mirror(Side::Right),
            ..options
        },
        2 => Options {
            mode: Mode::AddOnly,
            ..options
        },
        3 => Options {
            rule: ConflictRule::Merge,
            ..options
        },
        4 => Options {
            rule: ConflictRule::Prefer(Side::Right),
            ..options
        },
        5 => Options {
            excludes: excludes(),
            ..options
        },
        6 => Options {
            n_threads: 3,
            ..options
        },
        _ => options,
    }
}
