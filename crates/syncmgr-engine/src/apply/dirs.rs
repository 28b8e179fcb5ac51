//! Makes directories: by themselves, or together with the files in them.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::rename::folds_names;
use super::{Apply, Task};
use crate::entry::{Entry, Kind, Side};
use crate::install::{self, Refusal};
use crate::journal::Step;
use crate::ledger::StepResult;
use crate::pair::Failure;
use crate::path::RelPath;
use crate::plan::{Change, Op, Plan, Problem, ProblemKind};
use crate::replica::FaultKind;
use crate::state::State;

/// Directories being filled in the staging place, by the change that makes them.
pub(super) type Nurseries = HashMap<usize, RelPath>;

/// Permission bits a directory needs while its content is put in.
const OPEN_BITS: u16 = 0o700;

impl<'a> Apply<'a> {
    /// Makes the new directories that do not wait for files.
    pub(super) fn make_dirs(&mut self, state: &mut State) -> Result<(), Failure> {
        for side in Side::BOTH {
            for index in 0..self.plan.changes.len() {
                if !self.deferred.contains(&(index, side)) {
                    self.make_dir_once(state, index, side)?;
                }
            }
        }
        Ok(())
    }

    /// Makes one directory of the plan, unless that is done already.
    pub(super) fn make_dir_once(
        &self,
        state: &mut State,
        index: usize,
        side: Side,
    ) -> Result<(), Failure> {
        let change = &self.plan.changes[index];
        let Some(Op::MakeDir { mode, .. }) = change.ops[side] else {
            return Ok(());
        };
        if change.held.is_some() || !self.begin(index, side) {
            return Ok(());
        }
        let task = Task {
            index,
            side,
            seq: self.take_seqs(1),
        };
        self.announce(state, &[self.step(&task)])?;
        let result = self.guarded(&task, || {
            let to = self.ground.sides[side];
            let mut version = None;
            if let Some(seen) = self.seen(index, side).filter(|seen| seen.kind != Kind::Dir) {
                version = Some(install::remove(to, &self.own[side], &change.path, &seen)?);
            }
            match to.make_dir(&change.path, mode | OPEN_BITS) {
                Ok(()) => {}
                Err(fault) if fault.kind == FaultKind::Exists && folds_names(to) => {
                    return Err(Refusal::NamesCollide);
                }
                // Someone made it in the meantime: that is what was wanted.
                Err(fault) if fault.kind == FaultKind::Exists => {}
                Err(fault) => {
                    // The name must not stay empty, as if someone had deleted it.
                    if let Some(version) = &version {
                        drop(to.move_new(version, &change.path));
                    }
                    return Err(fault.into());
                }
            }
            let made = to
                .stat(&change.path)?
                .filter(|made| made.kind == Kind::Dir)
                .ok_or(Refusal::Moved)?;
            // The bits it will have at the end; they are set when its content is in.
            Ok(Some(Entry { mode, ..made }))
        });
        if matches!(result, StepResult::NotDone(_)) {
            self.block(side, &change.path);
        }
        self.note(&task, result);
        Ok(())
    }

    /// Makes, in the staging place, the new directories that files of this batch go into. One
    /// rename then brings a directory with all its files, instead of one for each file.
    pub(super) fn make_nurseries(&self, side: Side, batch: &[Task]) -> Nurseries {
        let mut nurseries = Nurseries::new();
        for task in batch {
            let Some(parent) = self.plan.changes[task.index].path.parent() else {
                continue;
            };
            let found = self
                .plan
                .changes
                .binary_search_by(|change| change.path.cmp(&parent));
            let Ok(index) = found else { continue };
            if nurseries.contains_key(&index)
                || !self.deferred.contains(&(index, side))
                || self.has_begun(index, side)
                || self.is_blocked(side, &parent)
                || self.ground.cancel.is_cancelled()
            {
                continue;
            }
            let Some(Op::MakeDir { mode, .. }) = self.plan.changes[index].ops[side] else {
                continue;
            };
            self.touch(side);
            let made = self.own[side].nursery(&parent, index).and_then(|at| {
                self.ground.sides[side].make_dir(&at, mode | OPEN_BITS)?;
                Ok(at)
            });
            // Where that fails, the directory is made in place and its files go in one by one.
            if let Ok(at) = made {
                nurseries.insert(index, at);
            }
        }
        nurseries
    }

    /// Brings the deferred directories before change `end` to their places, the upper ones first.
    /// Returns those that came with their files.
    pub(super) fn open_dirs(
        &self,
        state: &mut State,
        side: Side,
        end: usize,
        nurseries: &Nurseries,
    ) -> Result<BTreeSet<usize>, Failure> {
        let due: Vec<usize> = self
            .deferred
            .iter()
            .filter(|&&(index, on)| on == side && index < end)
            .map(|&(index, _)| index)
            .filter(|&index| !self.has_begun(index, side))
            .collect();
        let with_files: Vec<Task> = due
            .iter()
            .filter(|index| nurseries.contains_key(index))
            .map(|&index| Task {
                index,
                side,
                seq: self.take_seqs(1),
            })
            .collect();
        let steps: Vec<Step> = with_files.iter().map(|task| self.step(task)).collect();
        self.announce(state, &steps)?;
        let mut with_files = with_files.into_iter();
        let mut arrived = BTreeSet::new();
        for index in due {
            let Some(nursery) = nurseries.get(&index) else {
                self.make_dir_once(state, index, side)?;
                continue;
            };
            let Some(task) = with_files.next() else {
                continue;
            };
            if self.begin(index, side) && self.open_dir(&task, nursery) {
                arrived.insert(index);
            }
        }
        Ok(arrived)
    }

    /// Moves one directory from the staging place to where it belongs. Returns whether its files
    /// came with it.
    fn open_dir(&self, task: &Task, nursery: &RelPath) -> bool {
        let change = &self.plan.changes[task.index];
        let to = self.ground.sides[task.side];
        let Some(Op::MakeDir { mode, .. }) = change.ops[task.side] else {
            return false;
        };
        let mut has_arrived = false;
        let result = self.guarded(task, || {
            match to.move_new(nursery, &change.path) {
                Ok(()) => has_arrived = true,
                // Someone made it in the meantime: the files go in one by one.
                Err(fault) if fault.kind == FaultKind::Exists => {}
                Err(fault) => return Err(fault.into()),
            }
            let made = to
                .stat(&change.path)?
                .filter(|made| made.kind == Kind::Dir)
                .ok_or(Refusal::Moved)?;
            Ok(Some(Entry { mode, ..made }))
        });
        if matches!(result, StepResult::NotDone(_)) {
            self.block(task.side, &change.path);
        }
        self.note(task, result);
        has_arrived
    }

    /// Gives the directories made by this run their final bits and times, the lower ones first.
    pub(super) fn close_dirs(&self, side: Side) {
        for change in self.plan.changes.iter().rev() {
            let Some(Op::MakeDir { mode, mtime }) = change.ops[side] else {
                continue;
            };
            if change.held.is_some() || self.is_blocked(side, &change.path) {
                continue;
            }
            if self.ground.cancel.is_cancelled() && mode & OPEN_BITS == OPEN_BITS {
                continue;
            }
            let mode = (mode & OPEN_BITS != OPEN_BITS).then_some(mode);
            // A directory's time is a courtesy, not something that is compared.
            if let Err(fault) = self.ground.sides[side].set_meta(&change.path, mode, Some(mtime))
                && mode.is_some()
            {
                let kind = ProblemKind::Failed(fault);
                self.ledger.problem(Problem {
                    path: change.path.clone(),
                    side: Some(side),
                    kind,
                });
            }
        }
    }
}

/// Finds the new directories that wait for the files in them: those that get any, and those
/// beneath one that waits.
pub(super) fn deferred(plan: &Plan) -> BTreeSet<(usize, Side)> {
    let mut found = BTreeSet::new();
    for side in Side::BOTH {
        let is_active = |change: &&Change| change.held.is_none();
        let with_files: HashSet<&[u8]> = plan
            .changes
            .iter()
            .filter(is_active)
            .filter(|change| matches!(change.ops[side], Some(Op::Copy { .. } | Op::Link { .. })))
            .map(|change| change.path.split_last().0)
            .collect();
        let mut waiting: Option<&RelPath> = None;
        for (index, change) in plan.changes.iter().enumerate() {
            let is_new = change.held.is_none()
                && change.seen[side].is_absent()
                && matches!(change.ops[side], Some(Op::MakeDir { .. }));
            let is_beneath = waiting.is_some_and(|above| change.path.is_within(above));
            if is_new && (is_beneath || with_files.contains(change.path.as_bytes())) {
                found.insert((index, side));
                if !is_beneath {
                    waiting = Some(&change.path);
                }
            }
        }
    }
    found
}
