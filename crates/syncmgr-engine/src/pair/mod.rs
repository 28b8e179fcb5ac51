//! A pair of folders and what they last agreed on: the door through which a handler uses the
//! engine. `plan` looks, `apply` does; everything else is a view of what they left behind.

mod children;
mod error;
mod identity;
mod killed;
mod open;
mod options;
mod outcome;
mod resolution;
mod restore;
mod standing;
mod upkeep;
mod why;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::cancel::Cancel;
use crate::clock::Clock;
use crate::entry::{Side, Sides};
use crate::journal::{RunEnd, RunId, RunKind, RunRecord, Step};
use crate::local::LocalReplica;
use crate::lock::RootLock;
use crate::monitor::{Monitor, Silent};
use crate::path::RelPath;
use crate::plan::{HoldKind, Plan, ProblemKind};
use crate::replica::{Observe, Replica};
use crate::rules::ConflictRule;
use crate::scan::state_failure;
use crate::state::{State, StateError};
use crate::taken_back::TakenBack;
use crate::{apply, look, undo, versions};
use killed::note_unfinished;
use open::remember_paths;
use resolution::forget_settled;

pub use children::{Child, Covered, Standing};
pub use error::{Failure, OpenError};
pub use options::{Options, VersionPolicy};
pub use outcome::{Choice, ContentOf, Report, StoredConflict, Version, Why};
pub use standing::Dirty;

/// Names the remembered fact that the first run of a mirror held deletions back.
const FIRST_MIRROR: &str = "first-mirror";

/// Its value while they wait for a person.
const WAITS: &str = "waits";

/// What a look is asked for.
#[derive(Clone, Copy)]
struct Asked<'a> {
    options: &'a Options,
    /// Decisions on single conflicts.
    decided: &'a BTreeMap<RelPath, ConflictRule>,
    /// Only these paths, sorted; everything when empty.
    scope: &'a [RelPath],
    /// Where something may have changed; `All` with a scope.
    dirty: &'a Dirty,
}

/// Two folders that are kept in sync, their memory, and the locks on both.
pub struct Pair {
    sides: Sides<Arc<dyn Replica>>,
    paths: Sides<PathBuf>,
    /// The local replicas among the sides, to find out once what their file systems can do.
    locals: Sides<Option<Arc<LocalReplica>>>,
    state_dir: PathBuf,
    /// Replaced as a whole when it turns out to be damaged in the middle of a look.
    state: Mutex<State>,
    rebuilt: Mutex<Option<PathBuf>>,
    clock: Arc<dyn Clock>,
    is_swapped: bool,
    /// Held for its effect: no other run works in these folders.
    locks: Option<Sides<RootLock>>,
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair")
            .field("paths", &self.paths)
            .field("state_dir", &self.state_dir)
            .finish_non_exhaustive()
    }
}

impl Pair {
    /// Returns the absolute path of a side, without symbolic links.
    #[must_use]
    pub fn side_path(&self, side: Side) -> &Path {
        &self.paths[side]
    }

    /// Returns where a damaged memory was moved to, if it had to be begun anew; this run then
    /// compares both sides as at first contact and deletes nothing (I11).
    #[must_use]
    pub fn was_rebuilt(&self) -> Option<PathBuf> {
        self.rebuilt
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Looks at both sides and says what a run would do. Writes nothing into the folders.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn plan(
        &self,
        options: &Options,
        monitor: &dyn Monitor,
        cancel: &Cancel,
    ) -> Result<Plan, Failure> {
        self.plan_changed(&Dirty::All, options, monitor, cancel)
    }

    /// Like [`Self::plan`], but visits only the directories that may have changed since the look of
    /// the last run that came to its end, and those that it left unsettled. The plan is the same,
    /// and its cost does not depend on the size of the trees. Visits everything where the caller or
    /// the memory is in doubt: other options than last time, a run that was stopped or killed, a
    /// replaced root; [`Plan::is_targeted`] says which it was.
    ///
    /// What changes during or after this call belongs to the next one. After a run that did not
    /// come to its end, or a plan that was not carried out, `dirty` still counts.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn plan_changed(
        &self,
        dirty: &Dirty,
        options: &Options,
        monitor: &dyn Monitor,
        cancel: &Cancel,
    ) -> Result<Plan, Failure> {
        let whole = Asked {
            options,
            decided: &BTreeMap::new(),
            scope: &[],
            dirty,
        };
        self.look(&whole, monitor, cancel)
    }

    fn look(
        &self,
        asked: &Asked<'_>,
        monitor: &dyn Monitor,
        cancel: &Cancel,
    ) -> Result<Plan, Failure> {
        let result = self.look_once(asked, monitor, cancel);
        if !matches!(&result, Err(Failure::Damaged(_))) {
            return result;
        }
        self.begin_anew()?;
        self.look_once(asked, monitor, cancel)
    }

    /// Puts a memory that turned out to be damaged away and goes on without it, adding until
    /// proven (I11).
    fn begin_anew(&self) -> Result<(), Failure> {
        let aside = State::set_aside(&self.state_dir).map_err(|error| state_failure(&error))?;
        let (mut fresh, _) = State::open(&self.state_dir).map_err(|error| state_failure(&error))?;
        fresh.set_swapped(self.is_swapped);
        remember_paths(&mut fresh, &self.paths, self.is_swapped)
            .map_err(|error| state_failure(&error))?;
        *self.memory() = fresh;
        *self.rebuilt.lock().unwrap_or_else(PoisonError::into_inner) = Some(aside);
        Ok(())
    }

    fn look_once(
        &self,
        asked: &Asked<'_>,
        monitor: &dyn Monitor,
        cancel: &Cancel,
    ) -> Result<Plan, Failure> {
        let options = asked.options;
        let state = self.memory();
        let roots = self.roots()?;
        let mut replaced = Sides::default();
        for side in Side::BOTH {
            replaced[side] = self.is_replaced(&state, side, &roots[side])?;
        }
        let killed = self.killed(&state)?;
        let are_local = self.locals.left.is_some() && self.locals.right.is_some();
        let focus = self.focus(&state, options, asked.dirty)?;
        let taken_back = TakenBack::read(&state).map_err(|error| state_failure(&error))?;
        let ground = look::Ground {
            sides: self.observed(),
            state: &state,
            options,
            monitor,
            cancel,
            now: self.clock.now(),
            roots: are_local.then(|| roots.map(|root| root.id)),
            replaced,
            is_first_mirror: is_waiting(&state)?,
            taken_back: &taken_back,
            decided: asked.decided,
            scope: asked.scope,
            focus: focus.as_ref(),
            killed: &killed,
        };
        let mut plan = ground.plan()?;
        if asked.scope.is_empty() {
            self.sign(&mut plan, &state, options)?;
        }
        Ok(plan)
    }

    fn observed(&self) -> Sides<&dyn Observe> {
        Sides::from_fn(|side| self.sides[side].as_observe())
    }

    fn memory(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries out a plan: every path that has moved since is refused, the rest is done. Records
    /// the run, stores its conflicts and problems. `run` must be new and names the versions.
    ///
    /// # Errors
    /// [`Failure`], except `Stopped`: a stopped run gives a report with `was_stopped`. After
    /// `Damaged` the memory has been begun anew, and another look is needed.
    pub fn apply(
        &mut self,
        plan: &Plan,
        run: &RunId,
        kind: RunKind,
        options: &Options,
        monitor: &dyn Monitor,
        cancel: &Cancel,
    ) -> Result<Report, Failure> {
        let result = self.apply_once(plan, run, kind, options, monitor, cancel);
        if matches!(&result, Err(Failure::Damaged(_))) {
            self.begin_anew()?;
        }
        result
    }

    fn apply_once(
        &mut self,
        plan: &Plan,
        run: &RunId,
        kind: RunKind,
        options: &Options,
        monitor: &dyn Monitor,
        cancel: &Cancel,
    ) -> Result<Report, Failure> {
        if self.locals.left.is_some() && self.locks.is_none() {
            return Err(Failure::NotPossible(
                "this pair was opened to look only".to_owned(),
            ));
        }
        let changes_nothing = plan.changes_nothing();
        let has_news = !changes_nothing
            || !plan.equals.is_empty()
            || plan.changes.iter().any(|change| change.held.is_none());
        if has_news || plan.is_first || !plan.forget.is_empty() {
            self.mark_roots(plan, run)?;
        }
        let mut unfinished = Self::unfinished(&self.memory())?;
        let was_killed = !unfinished.is_empty();
        // Also when there is nothing to do: the run before may have been killed when all was done.
        self.tidy(plan);
        let looked_at_ns = Sides::from_fn(|side| {
            let skew_ns = if has_news { self.skew_ns(side) } else { 0 };
            plan.looked_at.as_nanos() + skew_ns
        });
        let started = self.clock.now();
        let mut record = RunRecord {
            id: run.clone(),
            kind,
            started,
            ended: None,
            end: RunEnd::Open,
            tally: Sides::default(),
            n_conflicts: plan.conflicts.len() as u64,
            n_problems: 0,
            n_held: plan.held().count() as u64,
            undoes: None,
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |error: StateError| state_failure(&error);
        let is_next = standing::begin(&mut state, plan, run).map_err(failed)?;
        state.begin_run(&record).map_err(failed)?;
        if !changes_nothing {
            unfinished.push(run.clone());
            note_unfinished(&mut state, &unfinished).map_err(failed)?;
        }
        if plan.is_first
            && plan
                .holds
                .iter()
                .all(|hold| hold.kind != HoldKind::RootReplaced)
            && kind == RunKind::Sync
        {
            state.clear_base().map_err(failed)?;
        }
        let texts: Vec<_> = plan
            .texts
            .iter()
            .map(|(hash, text)| (*hash, &**text))
            .collect();
        state.keep_content(&texts).map_err(failed)?;
        let taken_back = TakenBack::read(&state).map_err(failed)?;
        match kind {
            RunKind::Sync => {
                note_first_mirror(&mut state, plan).map_err(failed)?;
                let sides = self.observed();
                taken_back
                    .settle(plan, &mut state, &sides)
                    .map_err(failed)?;
            }
            RunKind::Undo => taken_back.add(plan, &mut state).map_err(failed)?,
            RunKind::Resolve | RunKind::Restore => {}
        }
        let ground = apply::Ground {
            sides: Sides::from_fn(|side| &*self.sides[side]),
            run,
            options,
            clock: &*self.clock,
            looked_at_ns,
            monitor,
            cancel,
        };
        let done = apply::apply(&ground, plan, &mut state)?;
        let mut problems = plan.problems.clone();
        problems.extend(done.problems);
        problems.sort_by(|a, b| (&a.path, a.side).cmp(&(&b.path, b.side)));
        let report = Report {
            tally: done.tally,
            conflicts: plan.conflicts.clone(),
            n_held: record.n_held,
            was_stopped: done.was_stopped,
            problems,
        };
        record.tally = report.tally;
        record.n_problems = report
            .problems
            .iter()
            .filter(|problem| problem.kind.is_failure())
            .count() as u64;
        record.end = if report.was_stopped {
            RunEnd::Stopped
        } else {
            RunEnd::Finished
        };
        record.ended = Some(self.clock.now());
        if kind == RunKind::Sync {
            self.store_findings(&mut state, &report).map_err(failed)?;
        } else {
            forget_settled(&mut state, plan, &report).map_err(failed)?;
        }
        state.end_run(&record).map_err(failed)?;
        // A stopped run has noted what it did; only one that covers everything makes up for those
        // that were killed.
        let makes_up = kind == RunKind::Sync && !report.was_stopped;
        unfinished.retain(|killed| !makes_up && killed != run);
        if was_killed || !changes_nothing {
            note_unfinished(&mut state, &unfinished).map_err(failed)?;
        }
        if makes_up && is_next {
            standing::keep(&mut state, plan, &report.problems).map_err(failed)?;
        }
        drop(state);
        if !changes_nothing && !report.was_stopped {
            self.expire(plan, run, options);
        }
        Ok(report)
    }

    /// Looks at everything and stores what is in conflict or in the way now, as a sync would;
    /// changes no file. For after a run that was about a few paths only.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn take_stock(&mut self, options: &Options) -> Result<Plan, Failure> {
        let plan = self.plan(options, &Silent, &Cancel::new())?;
        let report = Report {
            conflicts: plan.conflicts.clone(),
            problems: plan.problems.clone(),
            ..Report::default()
        };
        let mut state = self.memory();
        self.store_findings(&mut state, &report)
            .and_then(|()| standing::keep(&mut state, &plan, &report.problems))
            .map_err(|error| state_failure(&error))?;
        drop(state);
        Ok(plan)
    }

    fn store_findings(&self, state: &mut State, report: &Report) -> Result<(), StateError> {
        let now = self.clock.now();
        let conflicts: Vec<StoredConflict> = report
            .conflicts
            .iter()
            .map(|conflict| StoredConflict::new(conflict, now))
            .collect();
        state.replace_conflicts(&conflicts)?;
        // What a stopped run did not come to can be most of a large folder: writing it down would
        // take longer than a person who stopped the run waits, and the next look finds it anyway.
        let stands: Vec<_> = report
            .problems
            .iter()
            .filter(|problem| problem.kind != ProblemKind::NotReached)
            .cloned()
            .collect();
        state.replace_problems(&stands)
    }

    /// Returns the conflicts the last run left, sorted by path.
    ///
    /// # Errors
    /// [`Failure::State`].
    pub fn conflicts(&self) -> Result<Vec<StoredConflict>, Failure> {
        self.memory()
            .conflicts()
            .map_err(|error| state_failure(&error))
    }

    /// Returns the latest runs, newest first.
    ///
    /// # Errors
    /// [`Failure::State`].
    pub fn runs(&self, limit: usize) -> Result<Vec<RunRecord>, Failure> {
        self.memory()
            .runs(limit)
            .map_err(|error| state_failure(&error))
    }

    /// Returns the steps of a run in order.
    ///
    /// # Errors
    /// [`Failure::NotFound`], [`Failure::State`].
    pub fn steps(&self, run: &RunId) -> Result<Vec<Step>, Failure> {
        let state = self.memory();
        find_run(&state, run)?;
        state.steps(run).map_err(|error| state_failure(&error))
    }

    /// Makes the plan that takes a run back. Both sides get what they had in common before, with one
    /// exception: what was new on one side stays there, only its copy goes, and the next run holds
    /// it back instead of copying it again. Paths that changed since are left alone and listed as
    /// problems. To be carried out with [`RunKind::Undo`].
    ///
    /// # Errors
    /// [`Failure::NotFound`], [`Failure::State`], [`Failure::Root`].
    pub fn plan_undo(&self, run: &RunId, _options: &Options) -> Result<Plan, Failure> {
        let state = self.memory();
        let record = find_run(&state, run)?;
        let steps = state.steps(run).map_err(|error| state_failure(&error))?;
        let agreed = |path: &RelPath| state.get(path).ok().flatten();
        let plan = undo::plan(self.observed(), &record, &steps, &agreed);
        let mut plan = plan.map_err(|fault| Failure::NotPossible(fault.to_string()))?;
        plan.looked_at = self.clock.now();
        Ok(plan)
    }

    /// Returns the kept versions of a path, or of everything beneath it, newest first.
    ///
    /// # Errors
    /// [`Failure::State`].
    pub fn versions(&self, path: &RelPath) -> Result<Vec<Version>, Failure> {
        versions::find(self.observed(), &self.memory(), path).map_err(|error| state_failure(&error))
    }
}

/// Says whether deletions that the first run of a mirror held back still wait for a person.
fn is_waiting(state: &State) -> Result<bool, Failure> {
    let waiting = state
        .meta(FIRST_MIRROR)
        .map_err(|error| state_failure(&error))?;
    Ok(waiting.as_deref() == Some(WAITS))
}

/// Remembers, before anything is done, that the first run of a mirror holds deletions back: the
/// next run is not the first one, and must hold them all the same (I12).
fn note_first_mirror(state: &mut State, plan: &Plan) -> Result<(), StateError> {
    let waits = plan
        .holds
        .iter()
        .any(|hold| hold.kind == HoldKind::FirstMirror);
    let was_waiting = state.meta(FIRST_MIRROR)?.as_deref() == Some(WAITS);
    if waits == was_waiting {
        return Ok(());
    }
    state.set_meta(FIRST_MIRROR, if waits { WAITS } else { "" })
}

fn find_run(state: &State, run: &RunId) -> Result<RunRecord, Failure> {
    let found = state.run(run).map_err(|error| state_failure(&error))?;
    found.ok_or_else(|| Failure::NotFound {
        what: "run",
        name: run.to_string(),
    })
}
