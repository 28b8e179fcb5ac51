//! Looks at only what changed: what they cost, and when they are not trusted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use syncmgr_engine::cancel::Cancel;
use syncmgr_engine::entry::{Side, Sides};
use syncmgr_engine::journal::{RunId, RunKind};
use syncmgr_engine::monitor::Silent;
use syncmgr_engine::pair::{Dirty, Options};
use syncmgr_engine::path::RelPath;
use syncmgr_engine::replica::Capabilities;
use syncmgr_engine::rules::{ConflictRule, Excludes};
use syncmgr_testing::tree;

use crate::memory_pair::MemoryPair;

/// Both sides have this and nothing is left unsettled.
#[track_caller]
fn settled(text: &str) -> MemoryPair {
    let base = tree::parse(text).unwrap();
    let stores = Sides::from_fn(|_| Capabilities::posix());
    let options = Options {
        n_threads: 1,
        ..Options::default()
    };
    let mut pair = MemoryPair::agreed_on(&base, stores, options);
    let plan = pair.plan();
    pair.apply(&plan);
    pair.wait();
    pair
}

/// The left side's directories, as of the latest run.
fn dirty(pair: &MemoryPair, dirs: &[&str]) -> Dirty {
    let dirs = dirs.iter().map(|dir| RelPath::new(dir.as_bytes()).unwrap());
    Dirty::Dirs {
        since: pair.latest_run(),
        dirs: Sides::new(dirs.collect(), [].into()),
    }
}

/// Counts the calls on both sides that a run after one change needs, in a tree of so many
/// directories.
fn n_calls(n_dirs: u32) -> u64 {
    let words: Vec<String> = (0..n_dirs).map(|n| format!("d{n}/x/f=1")).collect();
    let mut pair = settled(&words.join(" "));
    pair.sides.left.write("d7/x/f", "22");
    let calls = Arc::new(AtomicU64::new(0));
    for side in Side::BOTH {
        let calls = Arc::clone(&calls);
        let hook = move |_: &_, _: &_| {
            calls.fetch_add(1, Ordering::Relaxed);
        };
        pair.sides[side].set_hook(Some(Arc::new(hook)));
    }
    let plan = pair.plan_changed(&dirty(&pair, &["d7/x"]));
    assert!(plan.is_targeted);
    assert_eq!(plan.census.left.n_files, u64::from(n_dirs));
    let report = pair.apply(&plan);
    assert_eq!(report.tally.right.n_updated, 1);
    for side in Side::BOTH {
        pair.sides[side].set_hook(None);
    }
    calls.load(Ordering::Relaxed)
}

#[test]
fn a_run_after_one_change_costs_the_same_in_any_tree() {
    assert_eq!(n_calls(10), n_calls(500));
}

#[test]
fn what_nobody_reported_is_found_by_the_next_look_at_everything() {
    let mut pair = settled("a/f=1 b/f=1");
    pair.sides.left.write("a/f", "22");
    pair.sides.left.write("b/f", "22");
    let plan = pair.plan_changed(&dirty(&pair, &["a"]));
    assert_eq!(plan.changes.len(), 1);
    pair.apply(&plan);
    assert_eq!(pair.plan_changed(&Dirty::All).changes.len(), 1);
}

#[test]
fn a_conflict_stays_listed_without_any_report() {
    let mut pair = settled("a/f=1 b/f=1");
    pair.sides.left.write("a/f", "left");
    pair.sides.right.write("a/f", "right!");
    let plan = pair.plan_changed(&dirty(&pair, &["a"]));
    pair.apply(&plan);
    for _ in 0..2 {
        let plan = pair.plan_changed(&dirty(&pair, &[]));
        assert!(plan.is_targeted);
        assert_eq!(plan.conflicts.len(), 1);
        assert_eq!(pair.apply(&plan).conflicts.len(), 1);
    }
    assert_eq!(pair.pair.conflicts().unwrap().len(), 1);
}

#[test]
fn held_deletions_stay_held_without_any_report() {
    let words: Vec<String> = (0..40).map(|n| format!("d/{n}=1")).collect();
    let mut pair = settled(&words.join(" "));
    pair.sides.left.remove("d");
    let plan = pair.plan_changed(&dirty(&pair, &[""]));
    assert!(plan.is_targeted);
    let held = plan.held_id().unwrap();
    pair.apply(&plan);
    let again = pair.plan_changed(&dirty(&pair, &[]));
    assert!(again.is_targeted);
    assert_eq!(again.held_id(), Some(held));
}

#[test]
fn in_doubt_everything_is_looked_at() {
    let mut pair = settled("a/f=1 b/f=1 c=1");
    let known = dirty(&pair, &["a"]);
    assert!(pair.plan_changed(&known).is_targeted);

    let with = |change: fn(&mut Options)| {
        let mut options = pair.options.clone();
        change(&mut options);
        let cancel = Cancel::new();
        let plan = pair.pair.plan_changed(&known, &options, &Silent, &cancel);
        plan.unwrap().is_targeted
    };
    assert!(!with(|options| options.rule = ConflictRule::Newest));
    assert!(!with(
        |options| options.excludes = Excludes::new(&["b"]).unwrap()
    ));
    assert!(!with(|options| options.is_full = true));
    assert!(with(|options| options.bandwidth = Some(1)));

    let other_run = Dirty::Dirs {
        since: RunId::new("run-0001").unwrap(),
        dirs: Sides::default(),
    };
    assert!(!pair.plan_changed(&other_run).is_targeted);

    // A run that was stopped has not looked at everything it should have done.
    pair.sides.left.write("a/f", "22");
    let plan = pair.plan_changed(&known);
    let stopped = Cancel::new();
    stopped.cancel();
    let run = RunId::new("stopped").unwrap();
    let options = pair.options.clone();
    let report = pair
        .pair
        .apply(&plan, &run, RunKind::Sync, &options, &Silent, &stopped);
    assert!(report.unwrap().was_stopped);
    assert!(!pair.plan_changed(&known).is_targeted);
}

#[test]
fn a_plan_from_before_another_run_is_not_built_upon() {
    let mut pair = settled("a/f=1 b/f=1");
    let old = pair.plan();
    let plan = pair.plan();
    pair.apply(&plan);
    pair.apply(&old);
    assert!(!pair.plan_changed(&dirty(&pair, &[])).is_targeted);
}
