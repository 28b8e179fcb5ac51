//! A look at only what changed gives the plan that a look at everything gives.

use proptest::prelude::*;
use syncmgr_engine::entry::{Side, Sides};
use syncmgr_engine::journal::RunId;
use syncmgr_engine::pair::{Dirty, Options};
use syncmgr_engine::plan::Plan;
use syncmgr_engine::replica::Capabilities;
use syncmgr_engine::rules::Excludes;
use syncmgr_testing::watch::changed_dirs;

use super::case::{self, Picture, Scene, choices, odd_stores, options};
use super::config;

/// What several rounds of edits and runs found, whichever way they looked.
struct Rounds {
    scene: Scene,
    /// What both sides had when the last look began, and the run after it.
    looked: (Sides<Picture>, RunId),
}

impl Rounds {
    fn begin(scene: Scene) -> Result<Self, TestCaseError> {
        let mut rounds = Self {
            looked: (scene.base.clone(), scene.pair.latest_run()),
            scene,
        };
        rounds.run()?;
        Ok(rounds)
    }

    /// Plans both ways, compares, and carries the narrower one out.
    fn run(&mut self) -> Result<(), TestCaseError> {
        let now = self.scene.now();
        let (before, since) = self.looked.clone();
        let dirs = Sides::from_fn(|side| changed_dirs(&before[side], &now[side]));
        let plan = self.scene.pair.plan_changed(&Dirty::Dirs { since, dirs });
        let full = self.scene.pair.plan();
        same(&full, &plan)?;
        // Without anything agreed there is nothing to build upon.
        prop_assert_eq!(plan.is_targeted, !full.is_first);
        self.scene.pair.apply(&plan);
        self.scene.pair.wait();
        self.looked = (now, self.scene.pair.latest_run());
        Ok(())
    }
}

fn same(full: &Plan, part: &Plan) -> Result<(), TestCaseError> {
    prop_assert!(!full.is_targeted);
    prop_assert_eq!(&full.renames, &part.renames);
    prop_assert_eq!(&full.moved, &part.moved);
    prop_assert_eq!(&full.changes, &part.changes);
    prop_assert_eq!(&full.conflicts, &part.conflicts);
    prop_assert_eq!(&full.problems, &part.problems);
    prop_assert_eq!(&full.holds, &part.holds);
    prop_assert_eq!(&full.census, &part.census);
    prop_assert_eq!(&full.forget, &part.forget);
    prop_assert_eq!(&full.mounts, &part.mounts);
    prop_assert_eq!(&full.equals, &part.equals);
    prop_assert_eq!(full.revisit.dirs(), part.revisit.dirs());
    prop_assert_eq!(full.revisit.trees(), part.revisit.trees());
    prop_assert_eq!(full.id(), part.id());
    Ok(())
}

/// Several rounds: in each, people do something and a run follows.
fn play(cases: &[case::Case], right: Capabilities, options: Options) -> Result<(), TestCaseError> {
    let Some((first, rest)) = cases.split_first() else {
        return Ok(());
    };
    let mut rounds = Rounds::begin(first.play_on(right, options))?;
    for case in rest {
        for side in [case.first, case.first.other()] {
            case.edit(side, &rounds.scene.pair);
        }
        rounds.run()?;
    }
    // Nothing was done since, so after the last there is little left, and it is the same.
    rounds.run()?;
    let picture = rounds.scene.now();
    rounds.run()?;
    for side in Side::BOTH {
        let now = &rounds.scene.now()[side];
        prop_assert_eq!(changed_dirs(&picture[side], now), changed_dirs(now, now));
    }
    Ok(())
}

/// What is left out.
fn excludes() -> impl Strategy<Value = Excludes> {
    let lists: [&[&str]; 4] = [&[], &["/b/"], &["/a/b", "c"], &["*", "!a", "!d", "!d/c"]];
    prop::sample::select(lists.to_vec()).prop_map(|lines| Excludes::new(lines).unwrap())
}

proptest! {
    #![proptest_config(config())]

    /// Whatever people do between runs, and whatever the runs leave unsettled.
    #[test]
    fn what_changed_is_all_that_has_to_be_looked_at(
        cases in prop::collection::vec(case::any(), 1..5),
        choice in choices(),
        excludes in excludes(),
    ) {
        play(&cases, Capabilities::posix(), Options { excludes, ..options(choice) })?;
    }

    /// The same on stores that can do less.
    #[test]
    fn odd_stores_need_no_more(
        cases in prop::collection::vec(case::any(), 1..4),
        choice in choices(),
        store in odd_stores(),
    ) {
        play(&cases, store, options(choice))?;
    }
}
