//! One scenario with a crash at every step there is: after every recovery both trees must look as
//! if nothing had happened.

use syncmgr_engine::entry::{Side, Sides};
use syncmgr_engine::replica::Capabilities;
use syncmgr_engine::rules::{ConflictRule, Mode};

use super::rounds::{engine_options, settle_down};
use super::world::{Ran, World};
use super::{Broken, SimFailure, SimOptions, SimOutcome, TAIL_LINES, check, guarded, outcome};
use crate::memory::Crash;
use crate::rng::Rng;
use crate::tree::{self, Tree};

/// Edits before the run that is crashed.
const N_EDITS: u64 = 24;
/// More steps than a run of such a tree can have.
const STEPS_MAX: u64 = 5_000;
/// Every so many crash points the recovery is crashed, too.
const SECOND_ONE_IN: u64 = 3;

/// What a person sees of both trees, identity, modes and times aside.
type Seen = Sides<Tree>;

/// Runs one scenario without a crash, then again and again with a crash after 0, 1, 2, … changes
/// until a run gets through, in turn right after the step and right before the next, and checks
/// after every recovery (which now and then crashes, too).
///
/// # Errors
/// [`SimFailure`] says after which step what was broken.
pub fn crash_everywhere(seed: u64) -> Result<SimOutcome, SimFailure> {
    guarded(seed, &SimOptions::calm(), || run(seed))
}

fn run(seed: u64) -> Result<SimOutcome, Broken> {
    let (_, expected, _) = scenario(seed, None)?;
    let mut total = SimOutcome::default();
    for after in 0..STEPS_MAX {
        let crash = Crash {
            after,
            is_late: after % 2 == 1,
        };
        let (one, seen, trace) = scenario(seed, Some(crash))?;
        let got_through = one.n_crashes == 0;
        total.n_runs += one.n_runs;
        total.n_steps += one.n_steps;
        total.n_crashes += one.n_crashes;
        total.hash = one.hash;
        if seen != expected && asks(seed) {
            let what = Side::BOTH.map(|side| difference(side, &expected[side], &seen[side]));
            let what = what.into_iter().flatten().collect::<Vec<_>>().join("; ");
            return Err((format!("I9: after {crash:?}: {what}"), trace));
        }
        if got_through {
            return Ok(total);
        }
    }
    Err((
        format!("the run has more than {STEPS_MAX} steps"),
        Vec::new(),
    ))
}

/// Says whether conflicts wait for a person in this scenario ("both" does as "ask" here). Where a rule chooses, the run after
/// a crash may find less to choose between (a name is free by then, so that a rename can be
/// followed and both versions stay), and another, no worse choice is no broken promise.
fn asks(seed: u64) -> bool {
    let options = engine_options(&mut Rng::new(seed));
    options.n_threads == 1
        && options.mode == Mode::TwoWay
        && matches!(options.rule, ConflictRule::Ask | ConflictRule::Both)
}

/// Says what a crash left otherwise than a run without one, name by name.
fn difference(side: Side, expected: &Tree, seen: &Tree) -> Option<String> {
    let only_in = |a: &Tree, b: &Tree| {
        let mut only = a.clone();
        only.0.retain(|path, item| b.0.get(path) != Some(item));
        only
    };
    let (missing, extra) = (only_in(expected, seen), only_in(seen, expected));
    let side = side.as_str();
    (expected != seen).then(|| format!("{side} has `{extra}` instead of `{missing}`"))
}

fn scenario(seed: u64, crash: Option<Crash>) -> Result<(SimOutcome, Seen, Vec<String>), Broken> {
    let mut rng = Rng::new(seed);
    let posix = Sides::from_fn(|_| Capabilities::posix());
    let mut options = engine_options(&mut rng);
    if options.rule == ConflictRule::Both {
        // The copies' names tell the run, and a run that crashed is another one.
        options.rule = ConflictRule::Ask;
    }
    let mut world = World::new(rng.fork(), posix, options).map_err(|what| (what, Vec::new()))?;
    play(&mut world, &mut rng, crash)
        .map(|(n_conflicts, seen)| {
            let trace = world.machine.trace_tail(TAIL_LINES);
            (outcome(&world, n_conflicts), seen, trace)
        })
        .map_err(|what| {
            let what = format!("after {crash:?}: {what}");
            (what, world.machine.trace_tail(TAIL_LINES))
        })
}

fn play(world: &mut World, rng: &mut Rng, crash: Option<Crash>) -> Result<(u64, Seen), String> {
    edit(world, rng);
    expect_finished(world.run(true)?)?;
    edit(world, rng);
    world.machine.crash(crash);
    let ran = world.run(true)?;
    if let (Ran::Crashed, Some(crash)) = (&ran, crash) {
        recover(world, crash)?;
    } else {
        expect_finished(ran)?;
        world.machine.crash(None);
    }
    let report = settle_down(world)?;
    let seen = world.replicas.as_ref().map(|replica| {
        let mut tree = tree::of(replica);
        for item in tree.0.values_mut() {
            item.mode = None;
        }
        tree
    });
    Ok((report.conflicts.len() as u64, seen))
}

fn edit(world: &World, rng: &mut Rng) {
    for _ in 0..N_EDITS {
        let side = if rng.chance(1, 2) {
            Side::Left
        } else {
            Side::Right
        };
        world.people().edit(side);
    }
    world.settle();
}

fn recover(world: &mut World, crash: Crash) -> Result<(), String> {
    world.recover(Sides::default())?;
    if crash.after.is_multiple_of(SECOND_ONE_IN) {
        world.machine.crash(Some(Crash {
            after: crash.after % 7,
            is_late: crash.after % 4 < 2,
        }));
        if matches!(world.run(true)?, Ran::Crashed) {
            world.recover(Sides::default())?;
        }
        world.machine.crash(None);
    }
    expect_finished(world.run(true)?)?;
    check::tidy(&world.replicas)
}

fn expect_finished(ran: Ran) -> Result<(), String> {
    match ran {
        Ran::Finished(_) => Ok(()),
        Ran::Failed(what) | Ran::Refused(what) => Err(format!("the run ended with: {what}")),
        Ran::Crashed => Err("the run crashed".to_owned()),
    }
}
