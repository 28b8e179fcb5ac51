//! The invariants that are checked between runs. Each returns in words what is broken.

use syncmgr_engine::entry::{Kind, Side, Sides};
use syncmgr_engine::pair::Report;
use syncmgr_engine::path::{RelPath, is_own_name};
use syncmgr_engine::replica::Observe as _;
use syncmgr_engine::rules::Excludes;

use super::ledger::{Picture, files};
use super::world::World;
use crate::memory::{Content, MemoryReplica, Node};

/// Lists the paths at which the sides differ in something that both can keep, specials aside.
pub(super) fn differences(replicas: &Sides<MemoryReplica>, excludes: &Excludes) -> Vec<RelPath> {
    let (left, right) = (replicas.left.snapshot(), replicas.right.snapshot());
    let mut paths: Vec<_> = left.keys().chain(right.keys()).cloned().collect();
    paths.sort();
    paths.dedup();
    paths.retain(|path| !is_equal(replicas, left.get(path), right.get(path)));
    let is_dir = |path: &RelPath| {
        let is_dir = |node: &Node| node.entry.kind == Kind::Dir;
        left.get(path).is_some_and(is_dir) || right.get(path).is_some_and(is_dir)
    };
    paths.retain(|path| excludes.excluding_anywhere(path, is_dir(path)).is_none());
    paths
}

fn is_equal(replicas: &Sides<MemoryReplica>, left: Option<&Node>, right: Option<&Node>) -> bool {
    let is_special = |node: &Node| node.entry.kind == Kind::Special;
    match (left, right) {
        // What no tool can sync does not count, nor do its permission bits.
        (Some(left), Some(right)) if is_special(left) && is_special(right) => true,
        (Some(left), Some(right)) => {
            let (a, b) = (replicas.left.capabilities(), replicas.right.capabilities());
            let is_link = left.entry.kind == Kind::Symlink;
            let mode = is_link || !a.modes || !b.modes || left.entry.mode == right.entry.mode;
            let step = u128::from(a.mtime_step_ns.max(b.mtime_step_ns));
            let mtime = left.entry.kind != Kind::File
                || left.entry.mtime.distance_ns(right.entry.mtime) < step;
            left.content == right.content && mode && mtime
        }
        (Some(node), None) | (None, Some(node)) => is_special(node),
        (None, None) => true,
    }
}

/// I3: the verdict says what is so. In a run with trouble it may be worse than the trees are, as
/// what could not be seen cannot be said to be equal.
pub(super) fn honest(report: &Report, world: &World, had_trouble: bool) -> Result<(), String> {
    let unequal = differences(&world.replicas, &world.options.excludes);
    let is_careful = had_trouble && !report.is_in_sync();
    if is_careful || report.is_in_sync() == unequal.is_empty() {
        return Ok(());
    }
    Err(format!(
        "I3: in sync is {}, but these differ: {unequal:?}",
        report.is_in_sync()
    ))
}

/// I4: whatever still differs is explained by a conflict, a problem or a hold.
pub(super) fn explained(
    report: &Report,
    replicas: &Sides<MemoryReplica>,
    excludes: &Excludes,
) -> Result<(), String> {
    if report.n_held > 0 {
        return Ok(());
    }
    let conflicts = report.conflicts.iter().map(|conflict| &conflict.path);
    let problems = report.problems.iter().map(|problem| &problem.path);
    let reasons: Vec<_> = conflicts.chain(problems).collect();
    for path in differences(replicas, excludes) {
        let is_near = |reason: &&&RelPath| path.is_within(reason) || reason.is_within(&path);
        if !reasons.iter().any(|reason| is_near(&reason)) {
            return Err(format!("I4: `{path}` differs and nothing says why"));
        }
    }
    Ok(())
}

/// I2: nothing a person sees has changed, identity and times included.
pub(super) fn unchanged(before: &Sides<Picture>, after: &Sides<Picture>) -> Result<(), String> {
    for side in Side::BOTH {
        if let Some(path) = first_difference(&before[side], &after[side]) {
            let side = side.as_str();
            return Err(format!(
                "I2: the second run touched `{path}` on the {side} side"
            ));
        }
    }
    Ok(())
}

/// I4 and I5 after edits on one side only, from a state in which both were equal: the edited side
/// is as the people left it, and the other has changed only where they changed something.
pub(super) fn one_sided(
    edited: Side,
    agreed: &Sides<Picture>,
    before: &Sides<Picture>,
    after: &Sides<Picture>,
) -> Result<(), String> {
    if let Some(path) = first_difference(&before[edited], &after[edited]) {
        return Err(format!(
            "I5: `{path}` was touched where it had just been edited"
        ));
    }
    let other = edited.other();
    for (path, node) in &agreed[edited] {
        let is_file = node.entry.kind == Kind::File;
        if is_file && before[edited].get(path) == Some(node) {
            let (was, is) = (agreed[other].get(path), after[other].get(path));
            if was != is {
                return Err(format!("I5: nobody edited `{path}`, but it was touched"));
            }
        }
    }
    Ok(())
}

/// I11 and I13: every file's content that was seen on a side still is, under whatever name.
pub(super) fn nothing_deleted(
    why: &str,
    before: &Sides<Picture>,
    after: &Sides<Picture>,
) -> Result<(), String> {
    for side in Side::BOTH {
        let has = files(&after[side]);
        for (path, node) in &before[side] {
            let Content::File(bytes) = &node.content else {
                continue;
            };
            if !has.contains(bytes) {
                let side = side.as_str();
                return Err(format!("{why}: `{path}` was deleted on the {side} side"));
            }
        }
    }
    Ok(())
}

/// I13: what lies beneath directories that cannot be read has not been deleted on either side.
pub(super) fn unreadable_kept(
    before: &Sides<Picture>,
    after: &Sides<Picture>,
) -> Result<(), String> {
    let mut dirs = Vec::new();
    for side in Side::BOTH {
        let is_locked = |node: &Node| !node.is_readable && node.entry.kind == Kind::Dir;
        let locked = before[side].iter().filter(|(_, node)| is_locked(node));
        dirs.extend(locked.map(|(path, _)| path.clone()));
    }
    let beneath = Sides::from_fn(|side| {
        let is_beneath = |path: &RelPath| dirs.iter().any(|dir| path != dir && path.is_within(dir));
        let mut part = before[side].clone();
        part.retain(|path, _| is_beneath(path));
        part
    });
    nothing_deleted("I13", &beneath, after)
}

/// I9: nothing is left in syncmgr's own directory but marks and versions.
pub(super) fn tidy(replicas: &Sides<MemoryReplica>) -> Result<(), String> {
    for side in Side::BOTH {
        for (path, node) in replicas[side].all() {
            let mut parts = path.components();
            let is_own = parts.next().is_some_and(is_own_name);
            let is_version = parts.next() == Some(b"versions");
            let is_deep = path.components().count() > 2;
            let is_litter = is_own && !is_version && is_deep && node.entry.kind != Kind::Dir;
            if is_litter {
                let side = side.as_str();
                return Err(format!("I9: `{path}` is left over on the {side} side"));
            }
        }
    }
    Ok(())
}

fn first_difference(before: &Picture, after: &Picture) -> Option<RelPath> {
    let same = |a: &Node, b: &Node| {
        // The times of a directory change with every name in it, syncmgr's own ones too.
        let is_dir = a.entry.kind == Kind::Dir && b.entry.kind == Kind::Dir;
        if is_dir {
            a.entry.id == b.entry.id && a.entry.mode == b.entry.mode
        } else {
            a == b
        }
    };
    let gone_or_changed = before
        .iter()
        .find(|(path, node)| !after.get(*path).is_some_and(|now| same(node, now)));
    let new = after.iter().find(|(path, _)| !before.contains_key(*path));
    gone_or_changed.or(new).map(|(path, _)| path.clone())
}
