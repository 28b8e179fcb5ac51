//! The small things every step of a run needs: its number, what is expected, what is in the way, the books.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::{Apply, Task};
use crate::entry::{Entry, Hash, Kind, Side, Sides};
use crate::install::Refusal;
use crate::journal::{Step, StepEnd, StepKind};
use crate::ledger::StepResult;
use crate::monitor::Progress;
use crate::pair::Failure;
use crate::path::RelPath;
use crate::plan::{Op, ProblemKind};
use crate::replica::Fault;
use crate::scan::state_failure;
use crate::state::State;

impl<'a> Apply<'a> {
    /// Lists the steps of a kind on one side, in path order, with their numbers.
    pub(super) fn tasks(
        &self,
        range: std::ops::Range<usize>,
        side: Side,
        is_it: impl Fn(&Op) -> bool,
    ) -> Vec<Task> {
        let indexes: Vec<usize> = range
            .filter(|&index| {
                let change = &self.plan.changes[index];
                change.held.is_none() && change.ops[side].as_ref().is_some_and(&is_it)
            })
            .collect();
        let first = self.take_seqs(indexes.len());
        indexes
            .into_iter()
            .zip(first..)
            .map(|(index, seq)| Task { index, side, seq })
            .collect()
    }

    pub(super) fn take_seqs(&self, n: usize) -> u64 {
        self.next_seq.fetch_add(n as u64, Ordering::Relaxed)
    }

    /// Marks a step as begun; `false` when it was begun before.
    pub(super) fn begin(&self, index: usize, side: Side) -> bool {
        self.is_done
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((index, side))
    }

    pub(super) fn has_begun(&self, index: usize, side: Side) -> bool {
        self.is_done
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&(index, side))
    }

    /// What is expected on a side: what the plan saw, or what a rename of this run left, or nothing
    /// where this run has cleared the way.
    pub(super) fn seen(&self, index: usize, side: Side) -> Option<Entry> {
        let change = &self.plan.changes[index];
        if let Some(entry) = self
            .renamed
            .get(&(side, change.path.clone()))
            .filter(|_| !self.renamed.is_empty())
        {
            return Some(*entry);
        }
        let seen = change.seen[side].entry().copied()?;
        if !self.shared.contains(&(side, seen.id)) {
            return Some(seen);
        }
        // This run may have moved the file away from another of its names, which changes the
        // change time under all of them and nothing else.
        match self.ground.sides[side].stat(&change.path) {
            Ok(Some(now)) if now.is_same_file(&seen) => Some(now),
            Ok(_) | Err(_) => Some(seen),
        }
    }

    /// Runs a step unless the run was stopped or something above is in the way.
    pub(super) fn guarded(
        &self,
        task: &Task,
        step: impl FnOnce() -> Result<Option<Entry>, Refusal>,
    ) -> StepResult {
        let path = &self.plan.changes[task.index].path;
        if self.ground.cancel.is_cancelled() {
            return StepResult::NotDone(ProblemKind::NotReached);
        }
        if self.is_blocked(task.side, path) {
            return StepResult::NotDone(ProblemKind::Blocked);
        }
        self.touch(task.side);
        match step() {
            Ok(after) => StepResult::done(after),
            Err(refusal) => StepResult::NotDone(refusal.into_problem(path)),
        }
    }

    pub(super) fn note(&self, task: &Task, result: StepResult) {
        let seen = Sides::from_fn(|side| self.seen(task.index, side));
        self.ledger
            .note(task.index, task.side, task.seq, &seen, result);
        self.tell(Some(&self.plan.changes[task.index].path));
    }

    pub(super) fn block(&self, side: Side, path: &RelPath) {
        self.blocked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((side, path.clone()));
    }

    pub(super) fn is_blocked(&self, side: Side, path: &RelPath) -> bool {
        let blocked = self.blocked.lock().unwrap_or_else(PoisonError::into_inner);
        !blocked.is_empty()
            && std::iter::once(path.clone())
                .chain(path.ancestors())
                .any(|path| blocked.contains(&(side, path)))
    }

    pub(super) fn touch(&self, side: Side) {
        self.touched[side].store(true, Ordering::Relaxed);
    }

    pub(super) fn tell(&self, path: Option<&RelPath>) {
        let progress = Progress {
            n_done: self.ledger.n_done(),
            n_total: Some(self.n_total),
            bytes_done: self.bytes_done.load(Ordering::Relaxed),
            bytes_total: Some(self.bytes_total),
            ..Progress::default()
        };
        self.ground.monitor.progress(&progress, path);
    }

    /// Describes a step for the journal.
    pub(super) fn step(&self, task: &Task) -> Step {
        let change = &self.plan.changes[task.index];
        let before = self.seen(task.index, task.side);
        let is_dir = before.is_some_and(|entry| entry.kind == Kind::Dir);
        let kind = match &change.ops[task.side] {
            Some(Op::MakeDir { .. }) => StepKind::MadeDir,
            Some(Op::Copy { .. } | Op::Link { .. }) if before.is_some() && !is_dir => {
                StepKind::Updated
            }
            Some(Op::Copy { .. } | Op::Link { .. }) => StepKind::Copied,
            Some(Op::Delete) | None if is_dir => StepKind::RemovedDir,
            Some(Op::Delete) | None => StepKind::Deleted,
            Some(Op::Meta { .. }) => StepKind::SetAttributes,
        };
        let keeps = before.is_some() && !is_dir && !matches!(kind, StepKind::SetAttributes);
        Step {
            seq: task.seq,
            side: task.side,
            path: change.path.clone(),
            kind,
            from: None,
            before,
            after: None,
            version: keeps.then(|| self.own[task.side].version_place(&change.path)),
            reason: change.reason,
            end: StepEnd::Intended,
        }
    }

    pub(super) fn announce(&self, state: &mut State, steps: &[Step]) -> Result<(), Failure> {
        if steps.is_empty() {
            return Ok(());
        }
        state
            .add_steps(self.ground.run, steps)
            .map_err(|error| state_failure(&error))
    }

    pub(super) fn settle(&self, state: &mut State) -> Result<(), Failure> {
        let ends = self.ledger.take_ends();
        if ends.is_empty() {
            return Ok(());
        }
        state
            .settle_steps(self.ground.run, &ends)
            .map_err(|error| state_failure(&error))
    }

    pub(super) fn write_agreed(&self, state: &mut State) -> Result<(), Failure> {
        let agreed = self.ledger.take_agreed();
        if agreed.is_empty() {
            return Ok(());
        }
        state.update(&agreed).map_err(|error| state_failure(&error))
    }

    pub(super) fn keep_texts(&self, state: &mut State) -> Result<(), Failure> {
        let texts = std::mem::take(&mut *self.texts.lock().unwrap_or_else(PoisonError::into_inner));
        if texts.is_empty() {
            return Ok(());
        }
        let items: Vec<(Hash, &[u8])> = texts.iter().map(|(hash, text)| (*hash, &**text)).collect();
        state
            .keep_content(&items)
            .map_err(|error| state_failure(&error))
    }

    pub(super) fn make_durable(&self, which: Sides<bool>) -> Result<(), (Side, Fault)> {
        for side in Side::BOTH {
            if which[side] {
                self.ground.sides[side]
                    .make_durable()
                    .map_err(|fault| (side, fault))?;
            }
        }
        Ok(())
    }
}
