//! Repeats on one side what was renamed on the other.

use std::collections::BTreeSet;

use super::Apply;
use crate::entry::{Entry, Kind, Side};
use crate::install::Refusal;
use crate::journal::{Step, StepEnd, StepKind};
use crate::ledger::StepResult;
use crate::look;
use crate::pair::Failure;
use crate::path::RelPath;
use crate::plan::{Change, Op, Rename};
use crate::replica::{Fault, FaultKind, Replica};
use crate::scan::state_failure;
use crate::state::State;

impl<'a> Apply<'a> {
    pub(super) fn rename_all(&mut self, state: &mut State) -> Result<(), Failure> {
        let plan = self.plan;
        self.await_ways(state)?;
        let mut steps = Vec::new();
        let first_seq = self.take_seqs(plan.renames.len());
        for (rename, seq) in plan.renames.iter().zip(first_seq..) {
            steps.push(Step {
                seq,
                side: rename.side,
                path: rename.to.clone(),
                kind: StepKind::Renamed,
                from: Some(rename.from.clone()),
                before: Some(rename.seen),
                after: None,
                version: None,
                reason: rename.reason,
                end: StepEnd::Intended,
            });
        }
        self.announce(state, &steps)?;
        for (rename, seq) in plan.renames.iter().zip(first_seq..) {
            let result = match self.rename(state, rename)? {
                Ok(after) => {
                    self.renamed.insert((rename.side, rename.to.clone()), after);
                    StepResult::done(Some(after))
                }
                Err(refusal) => {
                    self.block(rename.side, &rename.to);
                    self.block(rename.side.other(), &rename.to);
                    StepResult::NotDone(refusal.into_problem(&rename.to))
                }
            };
            self.ledger.note_rename(rename, seq, result);
            self.tell(Some(&rename.to));
        }
        for change in &plan.changes {
            if change.is_memory_only() && change.held.is_none() && self.is_in_rename(&change.path) {
                self.adopt_renamed(change);
            }
        }
        Ok(())
    }

    /// Finds the directories that renames lead into and that are no record yet.
    fn await_ways(&self, state: &State) -> Result<(), Failure> {
        let mut known = BTreeSet::new();
        for dir in self
            .plan
            .renames
            .iter()
            .flat_map(|rename| rename.to.ancestors())
        {
            if dir.is_root() || !known.insert(dir.clone()) {
                continue;
            }
            let record = state.get(&dir).map_err(|error| state_failure(&error))?;
            if record.is_none_or(|record| record.kind != Kind::Dir) {
                self.ledger.await_dir(dir);
            }
        }
        Ok(())
    }

    pub(super) fn is_in_rename(&self, path: &RelPath) -> bool {
        self.plan
            .renames
            .iter()
            .any(|rename| path.is_within(&rename.to))
    }

    /// Agrees on a path that only a rename touched, with the attributes it has since.
    fn adopt_renamed(&self, change: &Change) {
        if self.is_blocked(Side::Left, &change.path) || self.is_blocked(Side::Right, &change.path) {
            return;
        }
        let mut change = change.clone();
        for side in Side::BOTH {
            if let Some(entry) = self.renamed.get(&(side, change.path.clone())) {
                change.seen[side] = crate::entry::State::Present(*entry);
            }
        }
        self.ledger.adopt(&change);
    }

    fn rename(
        &self,
        state: &mut State,
        rename: &Rename,
    ) -> Result<Result<Entry, Refusal>, Failure> {
        let side = rename.side;
        if self.ground.cancel.is_cancelled() {
            return Ok(Err(Fault::cancelled(&rename.to).into()));
        }
        let mut above: Vec<RelPath> = rename.to.ancestors().filter(|dir| !dir.is_root()).collect();
        above.reverse();
        for dir in above {
            let found = self
                .plan
                .changes
                .binary_search_by(|change| change.path.cmp(&dir));
            if let Ok(index) = found
                && matches!(self.plan.changes[index].ops[side], Some(Op::MakeDir { .. }))
            {
                self.make_dir_once(state, index, side)?;
            }
        }
        if self.is_blocked(side, &rename.to) || self.is_blocked(side, &rename.from) {
            return Ok(Err(Refusal::Moved));
        }
        Ok(self.move_as_planned(rename))
    }

    fn move_as_planned(&self, rename: &Rename) -> Result<Entry, Refusal> {
        let to = self.ground.sides[rename.side];
        self.touch(rename.side);
        let now = to.stat(&rename.from)?;
        let is_as_seen =
            now.is_some_and(
                |now| match self.renamed.get(&(rename.side, rename.from.clone())) {
                    Some(since) => now.is_same_version(since),
                    None => now.is_same_file(&rename.seen),
                },
            );
        if !is_as_seen {
            return Err(Refusal::Moved);
        }
        let moved = match to.move_new(&rename.from, &rename.to) {
            // The old and the new name are one name to this store: go by way of a third.
            Err(fault) if fault.kind == FaultKind::Exists && is_same_when_folded(to, rename) => {
                let aside = self.own[rename.side].version(&rename.from)?;
                to.move_new(&rename.from, &aside)?;
                to.move_new(&aside, &rename.to).inspect_err(|_| {
                    // They were two names after all: everything stays where it was.
                    drop(to.move_new(&aside, &rename.from));
                })
            }
            other => other,
        };
        match moved {
            Ok(()) => {}
            Err(fault) if matches!(fault.kind, FaultKind::Exists | FaultKind::NotFound) => {
                return Err(Refusal::Moved);
            }
            Err(fault) => return Err(fault.into()),
        }
        let after = to.stat(&rename.to)?.ok_or(Refusal::Moved)?;
        if !after.is_same_file(&rename.seen) {
            drop(to.move_new(&rename.to, &rename.from));
            return Err(Refusal::Moved);
        }
        Ok(after)
    }
}

fn is_same_when_folded(to: &dyn Replica, rename: &Rename) -> bool {
    folds_names(to)
        && matches!(to.stat(&rename.to), Ok(Some(there))
            if look::is_one_thing(to.capabilities(), (&rename.from, &rename.seen), (&rename.to, &there)))
}

pub(super) fn folds_names(to: &dyn Replica) -> bool {
    let capabilities = to.capabilities();
    capabilities.folds_case || capabilities.folds_unicode
}
