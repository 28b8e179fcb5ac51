//! Turns decisions on conflicts into a plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::error::Failure;
use super::options::Options;
use super::outcome::{Choice, Report, StoredConflict};
use super::{Asked, Dirty, Pair};
use crate::cancel::Cancel;
use crate::entry::{Entry, Side, State as Seen};
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

/// Checks that a decision is about what was shown, and completes it. `renames` are those of the
/// plan, by the name they take away.
fn settle(
    plan: &mut Plan,
    renames: &BTreeMap<RelPath, (Side, Entry)>,
    stored: &StoredConflict,
    choice: &Choice,
) -> Result<(), Failure> {
    let changed = || Failure::ChangedMeanwhile {
        path: stored.path.clone(),
    };
    let open = plan
        .conflicts
        .binary_search_by(|conflict| conflict.path.cmp(&stored.path))
        .ok();
    let seen = match open {
        Some(at) => Some(plan.conflicts[at].seen.clone()),
        None => {
            let change = plan
                .changes
                .binary_search_by(|change| change.path.cmp(&stored.path));
            change.ok().map(|at| {
                let mut seen = plan.changes[at].seen.clone();
                if let Some((side, entry)) = renames.get(&stored.path) {
                    seen[*side] = Seen::Present(*entry);
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
            let change = look::merged_change(&conflict, Arc::clone(bytes), Reason::Resolved);
            let at = plan.changes.partition_point(|it| it.path < change.path);
            plan.changes.insert(at, change);
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
    let failed: BTreeSet<&RelPath> = report.problems.iter().map(|it| &it.path).collect();
    // What is in a directory comes directly behind it.
    let is_failed = |path: &RelPath| {
        let mut from = failed.range::<&RelPath, _>(path..);
        from.next().is_some_and(|problem| problem.is_within(path))
    };
    let mut conflicts = state.conflicts()?;
    let n = conflicts.len();
    conflicts.retain(|conflict| {
        let path = &conflict.path;
        let at = plan.changes.partition_point(|it| it.path < *path);
        let mut within = plan.changes.iter().skip(at);
        let mut within = std::iter::from_fn(|| within.next().filter(|it| it.path.is_within(path)));
        let is_settled = within.any(|change| !change.leaves_apart);
        !is_settled || is_failed(path)
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
        let by_id: BTreeMap<&str, &StoredConflict> =
            stored.iter().map(|it| (it.id.as_str(), it)).collect();
        let mut chosen = Vec::new();
        for (id, choice) in choices {
            let conflict = by_id.get(id.as_str()).copied();
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
        let mut scope: Vec<RelPath> = chosen
            .iter()
            .map(|(conflict, _)| conflict.path.clone())
            .collect();
        scope.sort();
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
        let renames = plan.renames.iter().map(|rename| {
            let seen = (rename.side, rename.seen);
            (rename.from.clone(), seen)
        });
        let renames = renames.collect();
        let mut undecided = Vec::new();
        for (conflict, choice) in chosen {
            match settle(&mut plan, &renames, conflict, choice) {
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
