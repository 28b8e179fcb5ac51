//! Laws about plans and runs as a whole.

use proptest::prelude::*;
use syncmgr_engine::entry::{Kind, Side, Sides};
use syncmgr_engine::pair::{Options, Report, Why};
use syncmgr_engine::path::RelPath;
use syncmgr_engine::plan::{Plan, PlanId};
use syncmgr_engine::rules::{ConflictRule, Mode};

use super::case::{self, Scene, choices, contents, odd_stores, options, value, values};
use super::config;
use crate::plan_text::View;

/// Runs after which nothing may be left to do.
const N_RUNS_MAX: usize = 3;

proptest! {
    #![proptest_config(config())]

    /// After a few runs nothing is left to do, and what is not disputed is equal (I2, I4); no
    /// content is lost on the way (I1); and every mode and rule keeps to it.
    #[test]
    fn runs_come_to_an_end_and_lose_nothing(case in case::any(), choice in choices()) {
        let mut scene = case.play(options(choice));
        let had = Sides::from_fn(|side| contents(&scene.before[side]));
        let report = run_until_quiet(&mut scene)?;
        let has = scene.all_contents();
        for side in Side::BOTH {
            for content in &had[side] {
                prop_assert!(has.contains(content), "I1: lost {:?}", String::from_utf8_lossy(content));
            }
        }
        if report.is_in_sync() && report.problems.is_empty() {
            let now = scene.now();
            prop_assert_eq!(values(&now.left), values(&now.right));
            for (path, node) in now.left.iter().filter(|(_, node)| node.entry.kind == Kind::File) {
                prop_assert_eq!(node.entry.mtime, now.right[path].entry.mtime, "time of {}", path);
            }
        }
    }

    /// On a store that can do less, nothing is lost either, and runs come to an end.
    #[test]
    fn odd_stores_lose_nothing(case in case::any(), choice in choices(), store in odd_stores()) {
        let mut scene = case.play_on(store, options(choice));
        let had = Sides::from_fn(|side| contents(&scene.before[side]));
        run_until_quiet(&mut scene)?;
        let has = scene.all_contents();
        for content in had.left.union(&had.right) {
            prop_assert!(has.contains(content), "I1: lost {:?}", String::from_utf8_lossy(content));
        }
    }

    /// A run with nothing to do touches nothing at all (I2).
    #[test]
    fn a_second_run_has_nothing_to_do(case in case::calm(), choice in choices()) {
        let mut scene = case.play(options(choice));
        run_until_quiet(&mut scene)?;
        let before = Side::BOTH.map(|side| scene.pair.sides[side].n_changes());
        let plan = scene.pair.plan();
        scene.pair.apply(&plan);
        let after = Side::BOTH.map(|side| scene.pair.sides[side].n_changes());
        prop_assert_eq!(before, after);
    }

    /// With the sides exchanged, the plan is the mirrored plan (I6), and so is what comes of it.
    #[test]
    fn swapping_the_sides_changes_labels_only(case in case::calm(), choice in choices()) {
        let plain = options(choice);
        let turned = mirrored(&plain);
        let mut one = case.play(plain);
        let mut two = case.swapped().play(turned);
        let (plan_one, plan_two) = (one.pair.plan(), two.pair.plan());
        let sorted = |mut lines: Vec<String>| { lines.sort(); lines };
        prop_assert_eq!(
            sorted(View::Plain.lines(&plan_one)),
            sorted(View::Mirrored.lines(&plan_two))
        );
        one.pair.apply(&plan_one);
        two.pair.apply(&plan_two);
        let (one, two) = (one.now(), two.now().swapped());
        prop_assert_eq!(one.map(|side| values(&side)), two.map(|side| values(&side)));
    }

    /// The number of threads does not show in the plan (I19).
    #[test]
    fn threads_do_not_change_the_plan(case in case::any(), choice in choices()) {
        let scene = case.play(options(choice));
        let one = scene.pair.plan();
        let four = scene.pair.plan_with(&Options { n_threads: 4, ..options(choice) });
        prop_assert_eq!(one.id(), four.id());
        prop_assert_eq!(one, four);
    }

    /// Held changes are let go by the id of exactly these changes and by no other.
    #[test]
    fn only_its_own_id_releases_a_plan(case in case::calm(), other in case::calm(), choice in choices()) {
        let mut plan = case.play(options(choice)).pair.plan();
        let foreign = other.play(options(choice)).pair.plan();
        let Some(id) = plan.held_id() else {
            prop_assert!(!plan.release(&foreign.id()), "nothing is held");
            return Ok(());
        };
        for wrong in [Some(PlanId(String::new())), Some(foreign.id()), foreign.held_id()].into_iter().flatten() {
            let was_released = wrong != id && plan.clone().release(&wrong);
            prop_assert!(!was_released, "{wrong} released {id}");
        }
        prop_assert!(plan.release(&id));
        prop_assert!(plan.held().next().is_none() && plan.holds.is_empty());
    }

    /// Asking about one path gives the answer of the whole plan, as long as no rename reaches into
    /// what is asked about.
    #[test]
    fn asking_about_a_path_agrees_with_the_plan(case in case::calm()) {
        let scene = case.play(options((Mode::TwoWay, ConflictRule::Ask)));
        let plan = scene.pair.plan();
        if !plan.renames.is_empty() {
            return Ok(());
        }
        let paths = scene.before.left.keys().chain(scene.before.right.keys());
        for path in paths {
            let why = scene.pair.pair.why(path, &scene.pair.options).unwrap();
            prop_assert_eq!(name(&why), expected(&plan, path), "{}: {:?}", path, plan);
        }
    }

    /// What was agreed and not touched since is what both have, byte for byte and mode for mode.
    #[test]
    fn nobody_changed_anything(case in case::calm()) {
        let scene = case::Case { edits: Sides::default(), ..case }.play(Options::default());
        let plan = scene.pair.plan();
        prop_assert!(plan.changes.is_empty() && plan.changes_nothing(), "{:?}", plan);
        for path in scene.before.left.keys() {
            prop_assert_eq!(value(&scene.before.left, path), value(&scene.before.right, path));
        }
    }
}

/// Runs until a plan changes nothing, letting go what is held.
fn run_until_quiet(scene: &mut Scene) -> Result<Report, TestCaseError> {
    let mut reports = Vec::new();
    for _ in 0..N_RUNS_MAX {
        let mut plan = scene.pair.plan();
        if let Some(id) = plan.held_id() {
            plan.release(&id);
        }
        reports.push(scene.pair.apply(&plan));
        scene.pair.wait();
    }
    let last = scene.pair.plan();
    prop_assert!(
        last.changes_nothing() || is_out_of_reach(&last, &reports[N_RUNS_MAX - 1]),
        "still to do: {:?}\n{:?}",
        View::Plain.lines(&last),
        reports
    );
    prop_assert!(
        last.held().next().is_none(),
        "held again: {:?}",
        View::Plain.lines(&last)
    );
    Ok(reports.remove(N_RUNS_MAX - 1))
}

/// Says whether each step that is left failed in the run before: what cannot be read now is tried
/// again in every run, and named in each.
fn is_out_of_reach(plan: &Plan, report: &Report) -> bool {
    let mut steps = plan
        .changes
        .iter()
        .filter(|change| !change.is_memory_only());
    plan.renames.is_empty()
        && steps.all(|change| report.problems.iter().any(|p| p.path == change.path))
}

fn mirrored(options: &Options) -> Options {
    let mode = match options.mode {
        Mode::Mirror(side) => Mode::Mirror(side.other()),
        mode @ (Mode::TwoWay | Mode::AddOnly) => mode,
    };
    let rule = match options.rule {
        ConflictRule::Prefer(side) => ConflictRule::Prefer(side.other()),
        rule => rule,
    };
    Options {
        mode,
        rule,
        names: options.names.clone().swapped(),
        ..options.clone()
    }
}

fn name(why: &Why) -> String {
    match why {
        Why::Conflict(kind) => kind.as_str().to_owned(),
        Why::Pending(change) => format!("{:?} {:?}", change.ops, change.reason),
        why => format!("{why:?}"),
    }
}

fn expected(plan: &Plan, path: &RelPath) -> String {
    let is_near = |other: &RelPath| path.is_within(other) || other.is_within(path);
    if let Some(conflict) = plan.conflicts.iter().find(|c| is_near(&c.path)) {
        return conflict.kind.as_str().to_owned();
    }
    let change = plan
        .changes
        .iter()
        .find(|c| c.path == *path && !c.is_memory_only());
    change.map_or_else(
        || name(&Why::InSync),
        |change| format!("{:?} {:?}", change.ops, change.reason),
    )
}
