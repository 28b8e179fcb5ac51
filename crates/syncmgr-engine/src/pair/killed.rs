//! What runs that were killed had done without being able to say so.

use super::Pair;
use super::error::Failure;
use crate::entry::Kind;
use crate::journal::{RunId, Step, StepEnd, StepKind};
use crate::look;
use crate::path::RelPath;
use crate::scan::state_failure;
use crate::state::{State, StateError};

/// Where the ids of runs that were killed are remembered.
const UNFINISHED: &str = "unfinished";

/// How many runs killed one after the other are looked into for what they left.
const KILLED_RUNS_MAX: usize = 16;

/// Remembers which runs have not come to an end; of very many, the latest.
pub(super) fn note_unfinished(state: &mut State, runs: &[RunId]) -> Result<(), StateError> {
    let latest = &runs[runs.len().saturating_sub(KILLED_RUNS_MAX)..];
    let ids: Vec<&str> = latest.iter().map(RunId::as_str).collect();
    state.set_meta(UNFINISHED, &ids.join(" "))
}

impl Pair {
    /// Finds out what the runs that were killed since the last whole one had done.
    pub(super) fn killed(&self, state: &State) -> Result<look::Killed, Failure> {
        let failed = |error: StateError| state_failure(&error);
        let mut found = look::Killed::default();
        for run in Self::unfinished(state)? {
            for step in state.steps(&run).map_err(failed)? {
                self.examine(step, &mut found);
            }
        }
        Ok(found)
    }

    /// Lists the runs that began and did not come to an end since one did, in their order. Their
    /// times do not tell it: clocks are set back.
    pub(super) fn unfinished(state: &State) -> Result<Vec<RunId>, Failure> {
        let text = state
            .meta(UNFINISHED)
            .map_err(|error| state_failure(&error))?;
        let text = text.unwrap_or_default();
        Ok(text.split(' ').filter_map(RunId::new).collect())
    }

    /// Finds out whether a step of a killed run was done, as far as that is of interest.
    fn examine(&self, step: Step, found: &mut look::Killed) {
        let replica = &self.sides[step.side];
        let (Some(before), false) = (step.before, step.end == StepEnd::NotDone) else {
            return;
        };
        match step.kind {
            StepKind::Renamed => {
                let is_done =
                    matches!(replica.stat(&step.path), Ok(Some(now)) if now.id == before.id);
                if let Some(from) = step.from.filter(|_| is_done) {
                    found.renamed.push((from, step.path));
                }
            }
            StepKind::Updated | StepKind::Copied | StepKind::MadeDir => {
                let is_version = |kept_at: &RelPath| matches!(replica.stat(kept_at), Ok(Some(kept)) if kept.is_same_file(&before));
                let is_ours =
                    before.kind == Kind::Dir || step.version.as_ref().is_some_and(is_version);
                if is_ours && matches!(replica.stat(&step.path), Ok(None)) {
                    found.emptied.insert((step.path, step.side));
                }
            }
            StepKind::Deleted | StepKind::RemovedDir | StepKind::SetAttributes => {}
        }
    }
}
