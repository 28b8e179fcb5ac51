//! Recognises what was renamed or moved on one side, and rewrites the differences as if the other
//! side (and the base) had followed, so that reconciling sees only what else changed.
//!
//! A path that is gone on one side and a new path there with the same file id are one rename. It
//! is taken up only when the other side still has the old name and has the new one free; anything
//! else (both sides renamed it, a swap of two names, a move into a place that is gone) stays a
//! deletion and a new file, which is slower but loses nothing.
//!
//! Pure: no clock, disk or network. The content of renamed files is looked at again by the caller
//! where [`Difference::now_at`] says that the two sides have it under different names.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;

use crate::entry::{Agreed, Entry, FileId, Kind, Side, Sides, State};
use crate::path::RelPath;
use crate::plan::{Reason, Rename};
use crate::scan::Difference;

/// What was seen where, by path.
type Tree = BTreeMap<RelPath, Difference>;

/// What following the renames gave.
#[derive(Default)]
pub(crate) struct Followed {
    /// To be repeated on the other side.
    pub(crate) renames: Vec<Rename>,
    /// On both sides already; only the records follow, in this order.
    pub(crate) moved: Vec<(RelPath, RelPath)>,
    /// What is left, sorted by path.
    pub(crate) differences: Vec<Difference>,
}

/// Says whether a side's store has a name free for what was seen there under another one: a store
/// that folds names takes two for one, and only it knows which. Gets the side, the name, and what is
/// to get it with the name that has now; `None` is something new.
pub(crate) type IsFree<'a> = dyn Fn(Side, &RelPath, Option<(&RelPath, &Entry)>) -> bool + 'a;

/// Finds renames made on the sides in `made_on` and applies them to the differences.
/// `stable_ids` says on which sides file ids can be trusted across runs, `repeated` lists renames
/// that a killed run had carried out, in order, and `is_free` says whether a side can take a name.
#[must_use]
pub(crate) fn follow(
    differences: Vec<Difference>,
    made_on: &[Side],
    stable_ids: Sides<bool>,
    repeated: &[(RelPath, RelPath)],
    is_free: &IsFree<'_>,
) -> Followed {
    let was_repeated = stable_ids.left && stable_ids.right && has_repeated(&differences);
    let may_have = was_repeated
        || !repeated.is_empty()
        || made_on
            .iter()
            .any(|&side| stable_ids[side] && has_candidates(&differences, side));
    if !may_have {
        return Followed {
            differences,
            ..Followed::default()
        };
    }
    let mut tree: Tree = differences
        .into_iter()
        .map(|d| (d.path.clone(), d))
        .collect();
    let mut moved = Vec::new();
    for (from, to) in repeated {
        follow_known(&mut tree, from, to, &mut moved);
    }
    if was_repeated {
        follow_repeated(&mut tree, &mut moved);
    }
    let mut renames = Vec::new();
    // A rename on one side can be followed only after one on the other: a file that moved into a
    // directory which the other side has renamed. Each round finds one or is the last.
    loop {
        let n_found = renames.len();
        for &side in made_on {
            if stable_ids[side] {
                follow_side(&mut tree, side, is_free, &mut renames);
            }
        }
        if renames.len() == n_found {
            break;
        }
    }
    Followed {
        renames,
        moved,
        differences: tree.into_values().collect(),
    }
}

/// Says whether something is displaced on both sides and something is new on both.
fn has_repeated(differences: &[Difference]) -> bool {
    differences.iter().any(is_displaced) && differences.iter().any(|d| new_ids(d).is_some())
}

/// What was agreed on under this name is not here any more, on either side.
fn is_displaced(d: &Difference) -> bool {
    let is_elsewhere = |base: &Agreed, side: Side| match &d.seen[side] {
        State::Absent => true,
        State::Present(entry) => entry.id != base.stamp(side).id,
        State::Unknown(_) => false,
    };
    let base = d.base.as_ref();
    base.is_some_and(|base| is_elsewhere(base, Side::Left) && is_elsewhere(base, Side::Right))
}

/// The ids under a name that stands for something new on both sides.
fn new_ids(d: &Difference) -> Option<(FileId, FileId)> {
    let (left, right) = (d.seen.left.entry()?, d.seen.right.entry()?);
    let is_new = d.base.is_none() || is_displaced(d);
    let has_ids = left.id != FileId(0) && right.id != FileId(0);
    (is_new && has_ids && left.kind == right.kind).then_some((left.id, right.id))
}

/// Brings the base after renames that both sides have: the run that repeated them was killed
/// before it could say so, or two people had the same idea. Without this, whatever else changed
/// under the new name would have nothing to be compared with, and would be a conflict.
fn follow_repeated(tree: &mut Tree, moved: &mut Vec<(RelPath, RelPath)>) {
    let mut new_by_ids: HashMap<(FileId, FileId), RelPath> = tree
        .values()
        .filter_map(|d| Some((new_ids(d)?, d.path.clone())))
        .collect();
    let displaced = tree.values().filter(|d| is_displaced(d));
    let mut work: VecDeque<RelPath> = displaced.map(|d| d.path.clone()).collect();
    let mut n_waiting = 0;
    // Each new name is used once, and a name whose own record has to go first waits for at most
    // one round, so this ends; names exchanged in a ring stay as they are. What is within a
    // directory follows it, and may have been renamed once more in the new place.
    while let Some(from) = work.pop_front() {
        let base = tree.get(&from).filter(|d| is_displaced(d));
        let Some(base) = base.and_then(|d| d.base.as_ref()) else {
            continue;
        };
        let ids = (base.left.id, base.right.id);
        let Some(new) = new_by_ids.get(&ids).and_then(|to| tree.get(to)) else {
            continue;
        };
        if new.seen.left.kind() != Some(base.kind) || new.path.is_within(&from) {
            continue;
        }
        if new.base.is_some() {
            n_waiting += 1;
            if n_waiting <= work.len() {
                work.push_back(from);
            }
            continue;
        }
        let to = new.path.clone();
        new_by_ids.remove(&ids);
        n_waiting = 0;
        work.extend(take_base_along(tree, &from, &to, moved));
    }
}

/// Brings the base after a rename that a killed run had carried out.
fn follow_known(
    tree: &mut Tree,
    from: &RelPath,
    to: &RelPath,
    moved: &mut Vec<(RelPath, RelPath)>,
) {
    let is_new = |d: &Difference| d.base.is_none() && d.seen.left.kind() == d.seen.right.kind();
    if tree.get(from).is_some_and(is_displaced) && tree.get(to).is_some_and(is_new) {
        take_base_along(tree, from, to, moved);
    }
}

/// Says whether a directory both sides have is in the base, or will be before any step is done.
fn is_agreed_dir(tree: &Tree, dir: &RelPath) -> bool {
    tree.get(dir).is_none_or(|d| {
        let modes = d.seen.as_ref().map(|seen| seen.entry().map(|e| e.mode));
        let is_record = d.base.as_ref().is_some_and(|base| base.kind == Kind::Dir);
        is_record || modes.left == modes.right
    })
}

/// Lets what was agreed within `from` count for `to`; returns what is not there, either. Where the
/// record cannot follow yet, because the way to `to` is not agreed on, it stays at `from` until
/// the next run.
fn take_base_along(
    tree: &mut Tree,
    from: &RelPath,
    to: &RelPath,
    moved: &mut Vec<(RelPath, RelPath)>,
) -> Vec<RelPath> {
    let follows = to.ancestors().all(|dir| is_agreed_dir(tree, &dir));
    if follows {
        moved.push((from.clone(), to.clone()));
    }
    let mut displaced = Vec::new();
    for old_path in paths_within(tree, from) {
        let (Some(old), Some(path)) = (tree.get_mut(&old_path), old_path.rebase(from, to)) else {
            continue;
        };
        let base = old.base.take();
        if old.seen.left.is_absent() && old.seen.right.is_absent() {
            tree.remove(&old_path);
        } else if base.is_some() {
            // Something else has the old name now.
            old.now_at = Some(Box::new(Sides::new(old_path.clone(), old_path)));
        }
        let mut new = tree.remove(&path).unwrap_or_else(|| nowhere(path.clone()));
        if new.base.is_none() {
            new.base = base;
            new.now_at = Some(Box::new(Sides::new(path.clone(), path.clone())));
        }
        if is_displaced(&new) {
            displaced.push(path.clone());
        }
        let is_nothing = new.base.is_none() && new.seen == Sides::default();
        if !(is_nothing || follows && moved_along_unchanged(&new, Side::Left)) {
            tree.insert(path, new);
        }
    }
    displaced
}

fn paths_within(tree: &Tree, top: &RelPath) -> Vec<RelPath> {
    tree.range((Bound::Included(top.clone()), Bound::Unbounded))
        .map(|(path, _)| path)
        .take_while(|path| path.is_within(top))
        .cloned()
        .collect()
}

/// A name of which nothing is known yet.
fn nowhere(path: RelPath) -> Difference {
    Difference {
        path,
        base: None,
        seen: Sides::default(),
        facts: crate::compare::Facts::default(),
        now_at: None,
    }
}

/// Says whether something is gone and something is new on this side; most runs end here.
fn has_candidates(differences: &[Difference], side: Side) -> bool {
    differences.iter().any(|d| is_gone(d, side)) && differences.iter().any(|d| is_new(d, side))
}

/// Gone on `side`, still there on the other one as the kind that was agreed.
fn is_gone(d: &Difference, side: Side) -> bool {
    d.seen[side].is_absent()
        && d.base
            .as_ref()
            .is_some_and(|base| d.seen[side.other()].kind() == Some(base.kind))
}

/// New on `side`, with the name free on the other one.
fn is_new(d: &Difference, side: Side) -> bool {
    d.base.is_none() && d.seen[side.other()].is_absent() && d.seen[side].entry().is_some()
}

fn follow_side(tree: &mut Tree, side: Side, is_free: &IsFree<'_>, renames: &mut Vec<Rename>) {
    let mut new_by_id: HashMap<FileId, Vec<RelPath>> = HashMap::new();
    for d in tree.values().filter(|d| is_new(d, side)) {
        if let Some(entry) = d.seen[side].entry() {
            new_by_id.entry(entry.id).or_default().push(d.path.clone());
        }
    }
    // Directories first, the upper before the lower: what moved along with a directory is then no
    // rename of its own any more.
    let gone = |dirs: bool, tree: &Tree| -> Vec<RelPath> {
        let is_dir = |d: &Difference| d.base.as_ref().is_some_and(|base| base.kind == Kind::Dir);
        let gone = tree
            .values()
            .filter(|d| is_gone(d, side) && is_dir(d) == dirs);
        gone.map(|d| d.path.clone()).collect()
    };
    let mut accepted: Vec<(RelPath, RelPath)> = Vec::new();
    for old in gone(true, tree) {
        let from = accepted.iter().fold(old, |path, (from, to)| {
            path.rebase(from, to).unwrap_or(path)
        });
        if let Some(to) = accept(tree, side, &from, &mut new_by_id, is_free, renames) {
            accepted.push((from, to));
        }
    }
    for from in gone(false, tree) {
        accept(tree, side, &from, &mut new_by_id, is_free, renames);
    }
}

/// Takes up the rename of `from`, if there is one and the other side can follow.
fn accept(
    tree: &mut Tree,
    side: Side,
    from: &RelPath,
    new_by_id: &mut HashMap<FileId, Vec<RelPath>>,
    is_free: &IsFree<'_>,
    renames: &mut Vec<Rename>,
) -> Option<RelPath> {
    let d = tree.get(from).filter(|d| is_gone(d, side))?;
    let base = d.base.as_ref()?;
    let seen = *d.seen[side.other()].entry()?;
    let (kind, id) = (base.kind, base.stamp(side).id);
    let places = new_by_id.get_mut(&id).filter(|_| id != FileId(0))?;
    let at = places.iter().position(|to| {
        can_follow(tree, side, from, to, kind)
            && has_free_way(tree, side.other(), to, is_free)
            && is_free(side.other(), to, Some((from, &seen)))
    })?;
    let to = places.remove(at);
    carry_over(tree, side, from, &to);
    renames.push(Rename {
        side: side.other(),
        from: from.clone(),
        to: to.clone(),
        seen,
        reason: Reason::ChangedOn(side),
    });
    Some(to)
}

/// Says whether the other side can repeat the rename as it stands.
fn can_follow(tree: &Tree, side: Side, from: &RelPath, to: &RelPath, kind: Kind) -> bool {
    let fits = tree
        .get(to)
        .is_some_and(|d| is_new(d, side) && d.seen[side].kind() == Some(kind));
    // Moving a directory into itself would be a sign of a swap further up.
    fits && !to.is_within(from)
        && to.ancestors().filter(|dir| !dir.is_root()).all(|dir| {
            tree.get(&dir).is_none_or(|d| {
                let there = &d.seen[side.other()];
                // A file in the way that only this side has made a directory of makes room.
                let makes_room = d.facts.is_base[side.other()] == Some(true)
                    && d.base.as_ref().map(|base| base.kind) == there.kind();
                d.seen[side].kind() == Some(Kind::Dir)
                    && (there.kind() == Some(Kind::Dir)
                        || (there.is_absent() && d.base.is_none())
                        || makes_room)
            })
        })
}

/// Says whether the directories that have to be made for `to` on this side get their own names: a
/// store that folds names would bring what moves there into a directory of another name.
fn has_free_way(tree: &Tree, side: Side, to: &RelPath, is_free: &IsFree<'_>) -> bool {
    let is_missing = |dir: &RelPath| tree.get(dir).is_some_and(|d| d.seen[side].is_absent());
    to.ancestors()
        .filter(|dir| !dir.is_root() && is_missing(dir))
        .all(|dir| is_free(side, &dir, None))
}

/// Moves what the base and the other side have within `from` to `to`, where this side has it.
fn carry_over(tree: &mut Tree, side: Side, from: &RelPath, to: &RelPath) {
    let other = side.other();
    for old_path in paths_within(tree, from) {
        let Some(old) = tree.remove(&old_path) else {
            continue;
        };
        let Some(new_path) = old_path.rebase(from, to) else {
            continue;
        };
        let was_at = old
            .now_at
            .map_or_else(|| old_path.clone(), |at| at[other].clone());
        let mut merged = tree
            .remove(&new_path)
            .unwrap_or_else(|| nowhere(new_path.clone()));
        // Something else under this name on the other side cannot be: `to` was free there.
        merged.base = old.base;
        merged.seen[other] = old.seen[other].clone();
        let here = merged
            .now_at
            .as_ref()
            .map_or_else(|| new_path.clone(), |at| at[side].clone());
        let mut now_at = Sides::new(was_at.clone(), was_at);
        now_at[side] = here;
        merged.now_at = Some(Box::new(now_at));
        merged.facts = crate::compare::Facts::default();
        if !moved_along_unchanged(&merged, side) {
            tree.insert(new_path, merged);
        }
    }
}

/// Says whether something beneath a moved directory is as agreed on both sides, so that it is no
/// difference any more.
fn moved_along_unchanged(d: &Difference, side: Side) -> bool {
    let Some(base) = &d.base else { return false };
    [side, side.other()]
        .into_iter()
        .all(|side| match &d.seen[side] {
            State::Present(entry) => base.is_unchanged(side, entry, true),
            State::Absent | State::Unknown(_) => false,
        })
}
