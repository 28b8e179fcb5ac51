//! Turns decisions on conflicts into a plan.

use std::sync::Arc;

use super::error::Failure;
use super::options::Options;
use super::outcome::{Choice, Report, StoredConflict};
use super::{Asked, Dirty, Pair};
use crate::cancel::Cancel;
use crate::entry::State as Seen;
use crate::look;
use crate::monitor::Silent;
use crate::path::RelPath;
use crate::plan::{Plan, Reason};
use crate::rules::{ConflictRule, Mode};
use crate::state::{State, StateError};

impl Choice {
    /// Returns the rule that makes this choice; a given merge result stays a conflict until its
    /// bytes are put in.
    fn rule(&self) -> ConflictRule {
        match self {
            Self::Keep(side) => ConflictRule::Prefer(*side),
            Self::KeepNewest => ConflictRule::Newest,
            Self::KeepBoth => ConflictRule::Both,
            Self::MergeText => ConflictRule::Merge,
            Self::Merged(_) => ConflictRule::Ask,
        }
    }
}

/// Checks that a decision is about what was shown, and completes it.
fn settle(plan: &mut Plan, stored: &StoredConflict, choice: &Choice) -> Result<(), Failure> {
    let changed = || Failure::ChangedMeanwhile {
        path: stored.path.clone(),
    };
    let open = plan
        .conflicts
        .iter()
        .position(|conflict| conflict.path == stored.path);
    let seen = match open {
        Some(at) => Some(plan.conflicts[at].seen.clone()),
        None => {
            let renamed = plan
                .renames
                .iter()
                .find(|rename| rename.from == stored.path);
            let change = plan
                .changes
                .iter()
                .find(|change| change.path == stored.path);
            change.map(|change| {
                let mut seen = change.seen.clone();
                if let Some(rename) = renamed {
                    seen[rename.side] = Seen::Present(rename.seen);
                }
                seen
            })
        }
    };
    if seen.as_ref() != Some(&stored.seen) {
        return Err(changed());
    }
    let Some(at) = open else { return Ok(()) };
    let path = &stored.path;
    let text = match choice {
        Choice::Merged(bytes) if look::has_two_contents(plan.conflicts[at].kind) => {
            let conflict = plan.conflicts.remove(at);
            plan.changes.push(look::merged_change(
                &conflict,
                Arc::clone(bytes),
                Reason::Resolved,
            ));
            plan.changes.sort_by(|a, b| a.path.cmp(&b.path));
            return Ok(());
        }
        Choice::Merged(_) => {
            format!("`{path}` is not a file on both sides, so there is nothing to merge")
        }
        Choice::MergeText => format!(
            "`{path}` cannot be merged by itself: it is no text, its common base is not kept, or both sides changed the same lines"
        ),
        Choice::KeepNewest => format!(
            "`{path}` has the same time on both sides, so neither version is newer: choose left or right"
        ),
        Choice::KeepBoth => format!("`{path}` cannot be kept twice: choose a side"),
        Choice::Keep(_) => format!("`{path}` cannot be decided this way"),
    };
    Err(Failure::NotPossible(text))
}

/// Takes the conflicts off the list that a plan of decisions has settled.
pub(super) fn forget_settled(
    state: &mut State,
    plan: &Plan,
    report: &Report,
) -> Result<(), StateError> {
    let is_failed = |path: &RelPath| {
        report
            .problems
            .iter()
            .any(|problem| problem.path.is_within(path))
    };
    let mut conflicts = state.conflicts()?;
    let n = conflicts.len();
    conflicts.retain(|conflict| {
        let is_settled = plan
            .changes
            .iter()
            .any(|change| change.path.is_within(&conflict.path) && !change.leaves_apart);
        !is_settled || is_failed(&conflict.path)
    });
    if conflicts.len() == n {
        Ok(())
    } else {
        state.replace_conflicts(&conflicts)
    }
}

impl Pair {
    /// Makes the plan that carries out decisions on conflicts, by their ids; refuses a conflict
    /// whose sides have changed since it was stored. To be carried out with [`RunKind::Resolve`](crate::journal::RunKind::Resolve).
    ///
    /// # Errors
    /// [`Failure::NotFound`], [`Failure::ChangedMeanwhile`], [`Failure::NotPossible`] (with the
    /// reason), [`Failure::State`].
    pub fn plan_resolution(
        &self,
        choices: &[(String, Choice)],
        options: &Options,
    ) -> Result<Plan, Failure> {
        let stored = self.conflicts()?;
        let mut chosen = Vec::new();
        for (id, choice) in choices {
            let conflict = stored.iter().find(|conflict| conflict.id == *id);
            let conflict = conflict.ok_or_else(|| Failure::NotFound {
                what: "conflict",
                name: id.clone(),
            })?;
            chosen.push((conflict, choice));
        }
        let decided = chosen
            .iter()
            .map(|(conflict, choice)| (conflict.path.clone(), choice.rule()))
            .collect();
        let scope: Vec<RelPath> = chosen
            .iter()
            .map(|(conflict, _)| conflict.path.clone())
            .collect();
        let options = Options {
            rule: ConflictRule::Ask,
            mode: Mode::TwoWay,
            ..options.clone()
        };
        if scope.is_empty() {
            return Ok(Plan::default());
        }
        let asked = Asked {
            options: &options,
            decided: &decided,
            scope: &scope,
            dirty: &Dirty::All,
        };
        let mut plan = self.look(&asked, &Silent, &Cancel::new())?;
        // Of many, those that cannot be decided this way stay conflicts, and the others are decided.
        let n_chosen = chosen.len();
        let mut undecided = Vec::new();
        for (conflict, choice) in chosen {
            match settle(&mut plan, conflict, choice) {
                Err(Failure::NotPossible(text)) => undecided.push(text),
                result => result?,
            }
        }
        if undecided.len() == n_chosen {
            return Err(Failure::NotPossible(undecided.swap_remove(0)));
        }
        for change in &mut plan.changes {
            change.reason = Reason::Resolved;
        }
        for rename in &mut plan.renames {
            rename.reason = Reason::Resolved;
        }
        Ok(plan)
    }
}
