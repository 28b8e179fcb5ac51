//! Laws about what a single run may touch, in two-way mode with the rule to ask.

use std::collections::BTreeMap;

use proptest::prelude::*;
use syncmgr_engine::entry::{FileId, Kind, Side};
use syncmgr_engine::pair::{Options, Report};
use syncmgr_engine::path::RelPath;
use syncmgr_engine::plan::Plan;
use syncmgr_testing::memory::Node;

use super::case::{self, Case, Picture, Scene, options, value};
use super::config;
use syncmgr_engine::rules::{ConflictRule, Mode};

proptest! {
    #![proptest_config(config())]

    /// What a person made or changed on one side is never deleted or overwritten there: only what
    /// is as it was agreed may be.
    #[test]
    fn nobodys_work_is_overwritten(case in case::any()) {
        let (scene, _, _) = run(&case);
        let now = scene.now();
        for side in Side::BOTH {
            let (agreed, after) = (by_id(&scene.base[side]), by_id(&now[side]));
            for (id, (path, node)) in by_id(&scene.before[side]) {
                let was_same = |base: &Node| base.content == node.content;
                let is_as_agreed = agreed.get(&id).is_some_and(|(_, base)| was_same(base))
                    || scene.base[side].get(path).is_some_and(was_same);
                if node.entry.kind == Kind::Dir || is_as_agreed {
                    continue;
                }
                let there = after.get(&id);
                prop_assert!(there.is_some(), "{path} is gone from the {} side", side.as_str());
                let is_same = there.is_some_and(|(_, there)| there.content == node.content);
                prop_assert!(is_same, "{path} is another on the {} side", side.as_str());
            }
        }
    }

    /// What nobody touched keeps its identity and its times (I5).
    #[test]
    fn untouched_stays_untouched(case in case::any()) {
        let (scene, _, _) = run(&case);
        let now = scene.now();
        for (path, node) in &scene.before.left {
            let Some(peer) = scene.before.right.get(path) else { continue };
            let is_agreed = is_same(scene.base.left.get(path), node) && is_same(scene.base.right.get(path), peer);
            if !is_agreed || node.entry.kind == Kind::Dir {
                continue;
            }
            for (side, node) in [(Side::Left, node), (Side::Right, peer)] {
                // It may have been carried along with a directory that somebody renamed.
                let after = by_id(&now[side]);
                let there = after.get(&node.entry.id).map(|(_, there)| there);
                prop_assert!(is_same(there.copied(), node), "{path} on the {} side", side.as_str());
            }
        }
    }

    /// A disputed path and all beneath it stay as they were on both sides.
    #[test]
    fn what_is_disputed_stays_put(case in case::any()) {
        let (scene, plan, _) = run(&case);
        if !plan.renames.is_empty() {
            return Ok(()); // the paths below are names after the renames
        }
        let now = scene.now();
        for conflict in &plan.conflicts {
            for side in Side::BOTH {
                let (was, is) = (&scene.before[side], &now[side]);
                prop_assert_eq!(within(was, &conflict.path), within(is, &conflict.path), "{}", conflict.path);
            }
        }
    }

    /// What only one side changed is on both sides after one run, exactly as it is there (I4).
    #[test]
    fn an_undisputed_change_arrives(case in case::any()) {
        let (scene, plan, report) = run(&case);
        if !plan.renames.is_empty() {
            return Ok(());
        }
        let (base, before, now) = (&scene.base, &scene.before, scene.now());
        let is_dir = |side: Side, path: &RelPath| before[side].get(path).is_some_and(|node| node.entry.kind == Kind::Dir);
        let is_in_the_way = |path: &RelPath| {
            // A directory that goes away goes as a whole or stays as a whole.
            let goes_away = |dir: &RelPath| !dir.is_root() && Side::BOTH.into_iter().any(|side| !is_dir(side, dir));
            let is_near = |other: &RelPath| {
                path.is_within(other)
                    || other.is_within(path)
                    || path.ancestors().any(|dir| goes_away(&dir) && other.is_within(&dir))
            };
            plan.conflicts.iter().any(|conflict| is_near(&conflict.path))
                || report.problems.iter().any(|problem| is_near(&problem.path))
        };
        let paths = Side::BOTH.into_iter().flat_map(|side| before[side].keys().chain(base[side].keys()));
        for path in paths.filter(|path| !is_in_the_way(path)) {
            for side in Side::BOTH {
                let other = side.other();
                if value(&before[other], path) != value(&base[other], path) {
                    continue;
                }
                let wanted = value(&before[side], path);
                prop_assert_eq!(&value(&now.left, path), &wanted, "{} on the left side", path);
                prop_assert_eq!(&value(&now.right, path), &wanted, "{} on the right side", path);
            }
        }
    }

    /// Where one side cannot be read, the other one keeps what it has (I13).
    #[test]
    fn unknown_is_not_absent(case in case::any()) {
        let (scene, plan, _) = run(&case);
        if !plan.renames.is_empty() {
            return Ok(());
        }
        let now = scene.now();
        for side in Side::BOTH {
            let dirs = scene.before[side].iter().filter(|(_, node)| !node.is_readable && node.entry.kind == Kind::Dir);
            for (dir, _) in dirs {
                let other = side.other();
                for (path, node) in within(&scene.before[other], dir) {
                    prop_assert!(is_same(now[other].get(path), node) || node.entry.kind == Kind::Dir, "{path}");
                }
            }
        }
    }
}

/// Plays a case and runs once, letting go what is held.
fn run(case: &Case) -> (Scene, Plan, Report) {
    let ask: Options = options((Mode::TwoWay, ConflictRule::Ask));
    let mut scene = case.play(ask);
    let mut plan = scene.pair.plan();
    if let Some(id) = plan.held_id() {
        plan.release(&id);
    }
    let report = scene.pair.apply(&plan);
    (scene, plan, report)
}

fn by_id(picture: &Picture) -> BTreeMap<FileId, (&RelPath, &Node)> {
    let pairs = picture.iter();
    pairs
        .map(|(path, node)| (node.entry.id, (path, node)))
        .collect()
}

/// Says whether it is the very same thing with the same content, times and permissions.
fn is_same(a: Option<&Node>, b: &Node) -> bool {
    a.is_some_and(|a| a.content == b.content && a.entry.is_same_file(&b.entry))
}

fn within<'a>(picture: &'a Picture, top: &RelPath) -> Vec<(&'a RelPath, &'a Node)> {
    picture
        .iter()
        .filter(|(path, _)| path.is_within(top))
        .collect()
}
