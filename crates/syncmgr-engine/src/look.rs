//! Makes a plan: look at both sides, follow renames, reconcile, settle what a rule can settle,
//! hold back what looks like an accident.
//!
//! Holds nothing that could write: the sides come as [`Observe`].

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization as _;

use crate::cancel::Cancel;
use crate::compare::{self, Buffers, Facts, Look};
use crate::entry::{Entry, FileId, FileTime, Kind, Side, Sides, State as Seen};
use crate::focus::Focus;
use crate::guard;
use crate::merge::{self, Merged};
use crate::monitor::{Monitor, Phase};
use crate::moves;
use crate::pair::{Failure, Options};
use crate::path::RelPath;
use crate::plan::{
    Change, Conflict, ConflictKind, Op, Plan, Problem, ProblemKind, Reason, Rename, Source,
};
use crate::reconcile::{Policy, reconcile};
use crate::replica::{Capabilities, Fault, Listing, Observe};
use crate::rules::{ConflictRule, Mode};
use crate::scan::{self, Difference, Scan, state_failure};
use crate::state::State;
use crate::taken_back::TakenBack;
use crate::workers;

/// Up to this many directories are visited by a single thread.
const SMALL_FOCUS: usize = 64;

/// What a plan is made from.
pub(crate) struct Ground<'a> {
    pub(crate) sides: Sides<&'a dyn Observe>,
    pub(crate) state: &'a State,
    pub(crate) options: &'a Options,
    pub(crate) monitor: &'a dyn Monitor,
    pub(crate) cancel: &'a Cancel,
    pub(crate) now: FileTime,
    pub(crate) roots: Option<Sides<FileId>>,
    /// Sides whose root is not the folder it was at the last run.
    pub(crate) replaced: Sides<bool>,
    /// The first run of a mirror left deletions behind that nobody has allowed yet.
    pub(crate) is_first_mirror: bool,
    pub(crate) taken_back: &'a TakenBack,
    /// Decisions on single conflicts.
    pub(crate) decided: &'a BTreeMap<RelPath, ConflictRule>,
    /// Only these paths, sorted; everything when empty.
    pub(crate) scope: &'a [RelPath],
    /// Only these directories, because nothing changed in the others; everything when `None`.
    pub(crate) focus: Option<&'a Focus>,
    pub(crate) killed: &'a Killed,
}

/// What runs that were killed had done without having been able to say what both sides agree on
/// then.
#[derive(Default)]
pub(crate) struct Killed {
    /// Names that are free because something else was about to be put there.
    pub(crate) emptied: BTreeSet<(RelPath, Side)>,
    /// Renames that were repeated, from and to, in order.
    pub(crate) renamed: Vec<(RelPath, RelPath)>,
}

impl Ground<'_> {
    /// Makes the plan.
    pub(crate) fn plan(&self) -> Result<Plan, Failure> {
        let is_replaced = self.replaced.left || self.replaced.right;
        let is_empty = self
            .state
            .is_base_empty()
            .map_err(|error| state_failure(&error))?;
        let uses_base = !is_replaced && !is_empty;
        self.monitor.phase(Phase::Checking);
        let part = match self.focus.filter(|_| uses_base) {
            Some(focus) => self.scan_part(focus)?,
            None => None,
        };
        let is_targeted = part.is_some();
        let scan = match part {
            Some(scan) => scan,
            None => self.scan(uses_base, None)?,
        };
        self.monitor.phase(Phase::Comparing);
        let mut plan = self.decide(scan)?;
        plan.is_targeted = is_targeted;
        plan.is_first = !uses_base;
        if self.scope.is_empty() {
            guard::hold_back(
                &mut plan,
                self.options.mode,
                self.is_first_mirror,
                self.taken_back,
            );
        }
        for side in Side::BOTH {
            if self.replaced[side] && !is_empty && !resembles(&plan) {
                guard::hold_all(&mut plan, side);
            }
        }
        Ok(plan)
    }

    /// Looks at a part of the trees; `None` when only a look at everything would do.
    fn scan_part(&self, focus: &Focus) -> Result<Option<Scan>, Failure> {
        let whole = self.state.census().map_err(|error| state_failure(&error))?;
        let Some(whole) = whole else { return Ok(None) };
        let mut scan = self.scan(true, Some(focus))?;
        Ok(scan.complete_census(whole).then_some(scan))
    }

    fn scan(&self, uses_base: bool, focus: Option<&Focus>) -> Result<Scan, Failure> {
        // A few directories are listed sooner than another connection to the memory is open.
        let is_small = focus.is_some_and(|focus| focus.len() <= SMALL_FOCUS);
        let n_threads = if is_small {
            1
        } else {
            workers::n_threads(self.options.n_threads)
        };
        let readers: Result<Vec<_>, _> = (0..n_threads).map(|_| self.state.reader()).collect();
        let ground = scan::Ground {
            sides: self.sides,
            excludes: &self.options.excludes,
            is_full: self.options.is_full,
            roots: self.roots,
            uses_base,
            scope: self.scope,
            focus,
            monitor: self.monitor,
            cancel: self.cancel,
        };
        scan::scan(&ground, readers.map_err(|error| state_failure(&error))?)
    }

    fn decide(&self, scan: Scan) -> Result<Plan, Failure> {
        let capabilities = self.sides.map(Observe::capabilities);
        let stable_ids = capabilities.map(|capabilities| capabilities.stable_ids);
        let made_on: &[Side] = match self.options.mode {
            Mode::TwoWay => &Side::BOTH,
            Mode::Mirror(Side::Left) => &[Side::Left],
            Mode::Mirror(Side::Right) => &[Side::Right],
            // A rename deletes the old name, and this mode never deletes.
            Mode::AddOnly => &[],
        };
        let mut differences = scan.differences;
        self.forget_emptied(&mut differences);
        let followed = moves::follow(
            differences,
            made_on,
            stable_ids,
            &self.killed.renamed,
            &|side, name, thing| self.is_free(side, name, thing),
        );
        let mut differences = followed.differences;
        // Once more, for records that came along with a folder.
        self.forget_emptied(&mut differences);
        let mut problems = scan.problems;
        self.look_again(&mut differences, &mut problems)?;
        let policy = Policy {
            mode: self.options.mode,
            rule: self.options.rule,
            capabilities,
            decided: self.decided,
        };
        problems.extend(self.taken_in(&followed.renames, &scan.obstacles));
        let obstacles = after(&followed.renames, scan.obstacles);
        let outcome = reconcile(differences, &obstacles, &scan.unknown, &policy);
        problems.extend(outcome.problems);
        let mut mounts = Sides::<Vec<RelPath>>::default();
        for (path, side) in scan.mounts {
            mounts[side].push(path);
        }
        let mut plan = Plan {
            renames: followed.renames,
            moved: followed.moved,
            changes: outcome.changes,
            conflicts: Vec::new(),
            problems,
            holds: Vec::new(),
            census: scan.census,
            is_first: false,
            forget: scan.forget,
            equals: scan.equals,
            mounts,
            looked_at: self.now,
            texts: scan.texts,
            revisit: scan.revisit,
            is_targeted: false,
        };
        for conflict in outcome.conflicts {
            self.settle(&mut plan, conflict, &policy)?;
        }
        self.find_collisions(&mut plan);
        leave_unknown_alone(&mut plan, &scan.unknown);
        plan.changes.sort_by(|a, b| a.path.cmp(&b.path));
        plan.conflicts.sort_by(|a, b| a.path.cmp(&b.path));
        plan.problems
            .sort_by(|a, b| (&a.path, a.side).cmp(&(&b.path, b.side)));
        Ok(plan)
    }

    /// A name that a killed run emptied was not deleted by anybody: nothing is agreed about it, so
    /// the other side's version comes, as it was about to.
    fn forget_emptied(&self, differences: &mut [Difference]) {
        if self.killed.emptied.is_empty() {
            return;
        }
        for d in differences {
            let is_emptied = |side: Side| {
                d.seen[side].is_absent() && self.killed.emptied.contains(&(d.path.clone(), side))
            };
            if Side::BOTH.into_iter().any(is_emptied) {
                d.base = None;
            }
        }
    }

    /// Says whether a store that folds names has this one free, or taken by the very thing that is
    /// to get it (only the letters' case changes). Other stores have listed all their names.
    fn is_free(&self, side: Side, name: &RelPath, thing: Option<(&RelPath, &Entry)>) -> bool {
        let capabilities = self.sides[side].capabilities();
        if !capabilities.folds_case && !capabilities.folds_unicode {
            return true;
        }
        match self.sides[side].stat(name) {
            Ok(None) => true,
            Ok(Some(there)) => {
                thing.is_some_and(|thing| is_one_thing(capabilities, thing, (name, &there)))
            }
            Err(_) => false,
        }
    }

    /// Finds what is excluded by the name it has now and will not be by the one a rename gives it:
    /// nobody has looked at it, so the run must not say that both sides are equal (I3). The next one
    /// meets it as something new.
    fn taken_in(&self, renames: &[Rename], obstacles: &[(RelPath, Side)]) -> Vec<Problem> {
        let excludes = &self.options.excludes;
        let mut found = Vec::new();
        if renames.is_empty() || excludes.is_empty() {
            return Vec::new();
        }
        for (dir, side) in obstacles {
            let to = now_after(renames, *side, dir.clone());
            if to == *dir {
                continue;
            }
            let mut listing = Listing::default();
            let opened = self.sides[*side].open_dir(dir);
            if opened
                .and_then(|open| open.list(&mut listing, &mut Vec::new()))
                .is_err()
            {
                // Who cannot be asked may hold anything.
                found.push((to, *side));
                continue;
            }
            for (name, entry) in listing.iter() {
                let is_dir = entry.kind == Kind::Dir;
                let is_out = |path: &RelPath| excludes.excluding_anywhere(path, is_dir).is_some();
                if is_out(&dir.join(name)) && !is_out(&to.join(name)) {
                    found.push((to.join(name), *side));
                }
            }
        }
        let problem = |(path, side)| Problem {
            path,
            side: Some(side),
            kind: ProblemKind::ChangedMeanwhile,
        };
        found.into_iter().map(problem).collect()
    }

    /// Compares what a rename brought together under one name.
    fn look_again(
        &self,
        differences: &mut Vec<Difference>,
        problems: &mut Vec<Problem>,
    ) -> Result<(), Failure> {
        let mut buffers = Buffers::default();
        let mut unknown = Vec::new();
        for (index, d) in differences.iter_mut().enumerate() {
            let Some(now_at) = &d.now_at else { continue };
            if self.cancel.is_cancelled() {
                return Err(Failure::Stopped);
            }
            match self.facts(d, now_at, &mut buffers) {
                Ok(facts) => d.facts = facts,
                Err((_, fault)) if fault.is_cancelled() => return Err(Failure::Stopped),
                Err((side, fault)) => {
                    problems.push(Problem {
                        path: d.path.clone(),
                        side: Some(side),
                        kind: ProblemKind::Unreadable(fault),
                    });
                    unknown.push(index);
                }
            }
        }
        for index in unknown.into_iter().rev() {
            differences.remove(index);
        }
        Ok(())
    }

    fn facts(
        &self,
        d: &Difference,
        now_at: &Sides<RelPath>,
        buffers: &mut Buffers,
    ) -> Result<Facts, (Side, Fault)> {
        let entries = d.seen.as_ref().map(Seen::entry);
        let untouched = Sides::from_fn(|side| match (&d.base, entries[side]) {
            (Some(base), Some(entry)) => {
                base.is_unchanged(side, entry, self.sides[side].capabilities().modes)
            }
            _ => false,
        });
        if let (Some(base), true) = (
            &d.base,
            untouched.left && untouched.right && !self.options.is_full,
        ) {
            return Ok(Facts {
                equal: Some(true),
                is_base: Sides::new(Some(true), Some(true)),
                hash: base.hash,
                targets: Sides::new(base.target.clone(), base.target.clone()),
                ..Facts::default()
            });
        }
        if let (Some(base), Some(left), Some(right)) = (&d.base, entries.left, entries.right) {
            // A rename leaves the content and its time alone. A large file is taken at its word.
            let is_as_agreed = |side: Side, entry: &Entry| {
                let stamp = base.stamp(side);
                entry.size == base.size
                    && entry.mtime == stamp.mtime
                    && entry.id == stamp.id
                    && !stamp.is_racy
            };
            let is_large = base.kind == crate::entry::Kind::File && base.size > compare::HASHED_MAX;
            if is_large && is_as_agreed(Side::Left, left) && is_as_agreed(Side::Right, right) {
                let is_base = Sides::new(Some(true), Some(true));
                return Ok(Facts {
                    equal: Some(true),
                    is_base,
                    hash: base.hash,
                    ..Facts::default()
                });
            }
        }
        let open = |side: Side| {
            let dir = now_at[side].parent().unwrap_or_default();
            entries[side]
                .map(|_| self.sides[side].open_dir(&dir))
                .transpose()
                .map_err(|fault| (side, fault))
        };
        let dirs = Sides::new(open(Side::Left)?, open(Side::Right)?);
        let looks = Sides::from_fn(|side| {
            let (dir, entry) = (dirs[side].as_deref()?, entries[side]?);
            Some(Look {
                dir,
                name: now_at[side].name(),
                entry,
            })
        });
        compare::look(d.base.as_deref(), looks, untouched, buffers, self.cancel)
    }

    /// Settles a conflict by the rules that need contents or names, or leaves it to a person.
    fn settle(
        &self,
        plan: &mut Plan,
        conflict: Conflict,
        policy: &Policy<'_>,
    ) -> Result<(), Failure> {
        let entries = conflict.seen.as_ref().map(Seen::entry);
        let are_files = Side::BOTH
            .into_iter()
            .all(|side| entries[side].is_some_and(|entry| entry.kind == crate::entry::Kind::File));
        if !are_files {
            plan.conflicts.push(conflict);
            return Ok(());
        }
        match policy.rule_for(&conflict.path) {
            ConflictRule::Both => self.keep_both(plan, &conflict),
            ConflictRule::Merge => match self.merged(&conflict, &plan.renames)? {
                Some(bytes) => {
                    plan.changes
                        .push(merged_change(&conflict, bytes.into(), Reason::RuleMerged));
                }
                None => plan.conflicts.push(conflict),
            },
            ConflictRule::Ask | ConflictRule::Newest | ConflictRule::Prefer(_) => {
                plan.conflicts.push(conflict);
            }
        }
        Ok(())
    }

    /// Plans to keep both versions: the one modified later keeps the name, the other gets one that
    /// says where and when it comes from.
    fn keep_both(&self, plan: &mut Plan, conflict: &Conflict) {
        let (Some(left), Some(right)) = (conflict.seen.left.entry(), conflict.seen.right.entry())
        else {
            return;
        };
        // Of two equally old ones the name of the side decides, not its place: swapping the sides
        // must not change what is kept under which name (I6).
        let names = self.options.names.as_ref();
        let key = |entry: &Entry| (entry.mtime, entry.size);
        let older = if (key(left), names.left) <= (key(right), names.right) {
            Side::Left
        } else {
            Side::Right
        };
        let (loser, winner) = if older == Side::Left {
            (left, right)
        } else {
            (right, left)
        };
        let Some(copy) = self.free_name(plan, conflict, older, loser) else {
            plan.conflicts.push(conflict.clone());
            return;
        };
        plan.renames.push(Rename {
            side: older,
            from: conflict.path.clone(),
            to: copy.clone(),
            seen: *loser,
            reason: Reason::RuleKeptBoth,
        });
        let change = |path: &RelPath, from: Side, entry: &Entry| {
            let mut ops = Sides::default();
            ops[from.other()] = Some(copy_op(Source::Peer, entry));
            let mut seen = Sides::default();
            seen[from] = Seen::Present(*entry);
            Change {
                path: path.clone(),
                ops,
                seen,
                hash: None,
                link: None,
                reason: Reason::RuleKeptBoth,
                held: None,
                leaves_apart: false,
            }
        };
        plan.changes
            .push(change(&conflict.path, older.other(), winner));
        plan.changes.push(change(&copy, older, loser));
    }

    /// Finds a name for a conflict copy that neither side nor the plan uses.
    fn free_name(
        &self,
        plan: &Plan,
        conflict: &Conflict,
        side: Side,
        entry: &Entry,
    ) -> Option<RelPath> {
        let dir = conflict.path.parent().unwrap_or_default();
        let name_max = Side::BOTH
            .into_iter()
            .map(|side| self.sides[side].capabilities().name_max)
            .min()
            .unwrap_or(255);
        (0..1000)
            .map(|attempt| {
                let side_name = &self.options.names[side];
                dir.join(&merge::conflict_name(
                    conflict.path.name(),
                    side_name,
                    entry.mtime,
                    attempt,
                    name_max,
                ))
            })
            .find(|path| {
                Side::BOTH
                    .into_iter()
                    .all(|side| self.is_nothing_at(side, &before(&plan.renames, side, path)))
                    && !plan.changes.iter().any(|change| change.path == *path)
            })
    }

    fn is_nothing_at(&self, side: Side, path: &RelPath) -> bool {
        matches!(self.sides[side].stat(path), Ok(None))
    }

    /// Merges the texts of a conflict; `None` when they are no texts, clash, or have no base.
    fn merged(&self, conflict: &Conflict, renames: &[Rename]) -> Result<Option<Vec<u8>>, Failure> {
        let Some(hash) = conflict.base.as_ref().and_then(|base| base.hash) else {
            return Ok(None);
        };
        let Some(base) = self
            .state
            .content(&hash)
            .map_err(|error| state_failure(&error))?
        else {
            return Ok(None);
        };
        let read = |side: Side| -> Result<Option<Vec<u8>>, Failure> {
            let now_at = before(renames, side, &conflict.path);
            let content = self.sides[side]
                .open_dir(&now_at.parent().unwrap_or_default())
                .and_then(|dir| dir.open(now_at.name()));
            let Ok(mut content) = content else {
                return Ok(None);
            };
            let is_as_seen = matches!((content.stat(), conflict.seen[side].entry()),
                (Ok(now), Some(seen)) if now.is_same_version(seen));
            if !is_as_seen {
                return Ok(None);
            }
            let limit = usize::try_from(compare::KEPT_TEXT_MAX).unwrap_or(usize::MAX);
            match crate::replica::read_limited(&mut *content, limit, self.cancel) {
                Ok(bytes) => Ok(bytes.filter(|bytes| compare::is_text(bytes))),
                Err(fault) if fault.is_cancelled() => Err(Failure::Stopped),
                Err(_) => Ok(None),
            }
        };
        let (Some(left), Some(right)) = (read(Side::Left)?, read(Side::Right)?) else {
            return Ok(None);
        };
        match merge::merge(&base, &left, &right) {
            Merged::Clean(bytes) => Ok(Some(bytes)),
            Merged::Clashes { .. } => Ok(None),
        }
    }

    /// Takes out new names that a side which folds case or Unicode form cannot tell from another.
    fn find_collisions(&self, plan: &mut Plan) {
        for side in Side::BOTH {
            let capabilities = self.sides[side].capabilities();
            if !capabilities.folds_case && !capabilities.folds_unicode {
                continue;
            }
            let mut groups: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
            for (index, change) in plan.changes.iter().enumerate() {
                let is_new = change.seen[side].is_absent() && change.ops[side].is_some();
                if is_new {
                    groups
                        .entry(fold(change.path.as_bytes(), capabilities))
                        .or_default()
                        .push(index);
                }
            }
            let vacated: Vec<Vec<u8>> = plan
                .renames
                .iter()
                .filter(|r| r.side == side)
                .map(|r| fold(r.from.as_bytes(), capabilities))
                .collect();
            let arriving: BTreeMap<Vec<u8>, &RelPath> = plan
                .renames
                .iter()
                .filter(|r| r.side == side)
                .map(|r| (fold(r.to.as_bytes(), capabilities), &r.to))
                .collect();
            let mut dropped: BTreeMap<usize, RelPath> = BTreeMap::new();
            for (key, indexes) in &groups {
                for (n, &index) in indexes.iter().enumerate() {
                    let path = &plan.changes[index].path;
                    let is_taken = !vacated.contains(key)
                        && matches!(
                            self.sides[side].stat(&before(&plan.renames, side, path)),
                            Ok(Some(_))
                        );
                    let arrives = arriving.get(key).filter(|to| **to != path);
                    if let Some(&to) = arrives {
                        dropped.insert(index, to.clone());
                    } else if is_taken || indexes.len() > 1 {
                        let other = indexes[(n + 1) % indexes.len()];
                        dropped.insert(index, plan.changes[other].path.clone());
                    }
                }
            }
            let roots: Vec<RelPath> = dropped
                .keys()
                .map(|&index| plan.changes[index].path.clone())
                .collect();
            for (&index, with) in &dropped {
                let kind = ProblemKind::NamesCollide { with: with.clone() };
                let path = plan.changes[index].path.clone();
                plan.problems.push(Problem {
                    path,
                    side: Some(side),
                    kind,
                });
            }
            plan.changes
                .retain(|change| !roots.iter().any(|root| change.path.is_within(root)));
            for root in &roots {
                leave_renames_into(plan, side, root);
            }
        }
    }
}

/// Takes out the renames that would bring something into a directory which is not made, and what
/// would be done to the names those things keep.
fn leave_renames_into(plan: &mut Plan, side: Side, dir: &RelPath) {
    let all = plan.renames.clone();
    let mut lost: Vec<&Rename> = Vec::new();
    for rename in all.iter().filter(|rename| rename.side == side) {
        let came_by_lost = |lost: &&Rename| rename.from.is_within(&lost.to);
        if rename.to.is_within(dir) || lost.iter().any(came_by_lost) {
            lost.push(rename);
        }
    }
    plan.renames.retain(|rename| !lost.contains(&rename));
    for rename in lost {
        let now_at = before(&all, side, &rename.to);
        let is_hit = |change: &Change| {
            let takes_away = matches!(change.ops[side], Some(Op::Delete));
            change.path.is_within(&rename.to)
                || change.path.is_within(&now_at)
                || (takes_away && now_at.is_within(&change.path))
        };
        plan.changes.retain(|change| !is_hit(change));
        plan.problems.push(Problem {
            path: now_at,
            side: Some(side),
            kind: ProblemKind::NamesCollide { with: dir.clone() },
        });
    }
}

/// Returns the name that a path of the plan has on this side now, before the renames there.
fn before(renames: &[Rename], side: Side, path: &RelPath) -> RelPath {
    let steps = renames.iter().rev().filter(|rename| rename.side == side);
    steps.fold(path.clone(), |path, rename| {
        path.rebase(&rename.to, &rename.from).unwrap_or(path)
    })
}

/// Returns the name that something on this side has after the renames there.
fn now_after(renames: &[Rename], side: Side, path: RelPath) -> RelPath {
    let steps = renames.iter().filter(|rename| rename.side == side);
    steps.fold(path, |path, rename| {
        path.rebase(&rename.from, &rename.to).unwrap_or(path)
    })
}

/// Lists paths on sides by the names they have after the renames there, sorted.
fn after(renames: &[Rename], mut paths: Vec<(RelPath, Side)>) -> Vec<(RelPath, Side)> {
    for (path, side) in &mut paths {
        *path = now_after(renames, *side, std::mem::take(path));
    }
    if !renames.is_empty() {
        paths.sort_unstable();
    }
    paths
}

/// Says whether what a store that folds names shows under two of them is one thing. Where its ids
/// cannot be relied on (through FUSE each name may have its own), the names and all that is known of
/// both have to do.
pub(crate) fn is_one_thing(
    capabilities: &Capabilities,
    (from, seen): (&RelPath, &Entry),
    (to, there): (&RelPath, &Entry),
) -> bool {
    if there.id == seen.id {
        return true;
    }
    let is_same_name = fold(from.as_bytes(), capabilities) == fold(to.as_bytes(), capabilities);
    !capabilities.stable_ids
        && is_same_name
        && (there.kind, there.size, there.mtime) == (seen.kind, seen.size, seen.mtime)
}

/// Folds a name the way this store does: names with the same fold are one file there.
fn fold(bytes: &[u8], capabilities: &Capabilities) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return bytes.to_vec();
    };
    let lower = |text: String| {
        if capabilities.folds_case {
            text.to_lowercase()
        } else {
            text
        }
    };
    let text = if capabilities.folds_unicode {
        text.nfc().collect()
    } else {
        text.to_owned()
    };
    lower(text).into_bytes()
}

/// Takes out what a rename would have done to a directory that could not be listed: it brings that
/// directory together with one that could, and what is missing in it then is unknown, not deleted
/// (I13). Without renames nothing beneath such a directory is ever compared.
fn leave_unknown_alone(plan: &mut Plan, unknown: &[(RelPath, Side)]) {
    if plan.renames.is_empty() {
        return;
    }
    for (path, side) in unknown {
        let now = now_after(&plan.renames, *side, path.clone());
        let is_below = |path: &RelPath| *path != now && path.is_within(&now);
        let removes = |change: &&Change| {
            now.is_within(&change.path)
                && change.seen[*side].kind() == Some(Kind::Dir)
                && matches!(
                    change.ops[*side],
                    Some(Op::Delete | Op::Copy { .. } | Op::Link { .. })
                )
        };
        let top = plan.changes.iter().find(removes);
        let top = top.map(|change| change.path.clone());
        plan.changes.retain(|change| {
            !is_below(&change.path) && !top.as_ref().is_some_and(|top| change.path.is_within(top))
        });
        plan.conflicts.retain(|conflict| !is_below(&conflict.path));
    }
}

/// Says whether two folders that should be the same pair as before look like one: at least half of
/// the smaller side is on both.
fn resembles(plan: &Plan) -> bool {
    let n_shared = plan
        .changes
        .iter()
        .filter(|change| change.reason == Reason::AlreadyEqual && change.is_memory_only())
        .filter(|change| change.seen.left.kind() != Some(crate::entry::Kind::Dir))
        .count() as u64
        + plan.conflicts.len() as u64
        + plan.equals.len();
    let most = plan.census.left.n_files.max(plan.census.right.n_files);
    n_shared * 2 >= most && most > 0
}

/// Builds the step that installs a file with the attributes of `entry`.
pub(crate) fn copy_op(source: Source, entry: &Entry) -> Op {
    Op::Copy {
        source,
        size: entry.size,
        mode: entry.mode,
        mtime: entry.mtime,
    }
}

/// Builds the change that puts a merge result on both sides.
pub(crate) fn merged_change(
    conflict: &Conflict,
    bytes: std::sync::Arc<[u8]>,
    reason: Reason,
) -> Change {
    let entries = conflict.seen.as_ref().map(Seen::entry);
    let modes = entries.map(|entry| entry.map_or(0o644, |entry| entry.mode));
    let mtime = entries
        .left
        .map(|e| e.mtime)
        .max(entries.right.map(|e| e.mtime))
        .unwrap_or_default();
    let op = Op::Copy {
        size: bytes.len() as u64,
        source: Source::Bytes(bytes),
        mode: modes.left & modes.right,
        mtime,
    };
    Change {
        path: conflict.path.clone(),
        ops: Sides::new(Some(op.clone()), Some(op)),
        seen: conflict.seen.clone(),
        hash: None,
        link: None,
        reason,
        held: None,
        leaves_apart: false,
    }
}

/// Says whether a kind of conflict is about two contents.
pub(crate) fn has_two_contents(kind: ConflictKind) -> bool {
    matches!(kind, ConflictKind::BothChanged | ConflictKind::BothNew)
}
