//! What the last run left unsettled, so that the next one can pass by everything else that did not
//! change since.
//!
//! It is taken away before a run does anything and written when the run has come to its end, so a
//! run that was killed, stopped or failed is followed by a look at everything.

use std::collections::BTreeSet;

use super::Pair;
use super::error::Failure;
use super::options::Options;
use crate::entry::{Side, Sides};
use crate::focus::Focus;
use crate::journal::RunId;
use crate::path::RelPath;
use crate::plan::{Plan, Problem};
use crate::revisit::Revisit;
use crate::scan::state_failure;
use crate::state::{State, StateError};

/// Where it is kept.
const STANDING: &str = "standing";

/// Where the id of the run that began last is kept; their times do not tell it, clocks are set
/// back.
const LATEST_RUN: &str = "latest-run";

/// Where something may have changed since the look of an earlier run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Dirty {
    /// Anywhere.
    #[default]
    All,
    /// Only directly in some directories: names came, went, or have other content or attributes
    /// there. More of them do no harm; one too few hides a change until the next look at
    /// everything, as it does for the other names of a file with hard links, which systems report
    /// only under the name that was used.
    Dirs {
        /// The run since whose look this is known; it must have come to its end. When the memory
        /// does not know it as the latest, everything is looked at.
        since: RunId,
        /// The directories of each side, relative to its root.
        dirs: Sides<BTreeSet<RelPath>>,
    },
}

impl Pair {
    /// Describes all that a look depends on besides the two trees.
    fn asked(&self, options: &Options) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut feed = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        feed(&format!("{:?} {:?}", options.mode, options.rule));
        feed(options.excludes.text());
        for side in Side::BOTH {
            feed(&self.sides[side].capabilities().to_text());
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }

    /// Returns the directories that a look has to visit; `None` when it has to visit everything.
    pub(super) fn focus(
        &self,
        state: &State,
        options: &Options,
        dirty: &Dirty,
    ) -> Result<Option<Focus>, Failure> {
        let Dirty::Dirs { since, dirs } = dirty else {
            return Ok(None);
        };
        if options.is_full || !Self::unfinished(state)?.is_empty() {
            return Ok(None);
        }
        let text = state
            .meta(STANDING)
            .map_err(|error| state_failure(&error))?;
        let text = text.unwrap_or_default();
        let (run, text) = text.split_once('\n').unwrap_or_default();
        let standing = Revisit::from_text(text)
            .filter(|standing| run == since.as_str() && standing.asked == self.asked(options));
        let standing = standing.filter(|standing| !standing.is_all());
        Ok(standing.map(|standing| {
            let all = standing.dirs().iter().chain(&dirs.left).chain(&dirs.right);
            Focus::new(all, standing.trees())
        }))
    }

    /// Notes in a plan what it was made from.
    pub(super) fn sign(
        &self,
        plan: &mut Plan,
        state: &State,
        options: &Options,
    ) -> Result<(), Failure> {
        plan.revisit.asked = self.asked(options);
        plan.revisit.after = latest_run(state).map_err(|error| state_failure(&error))?;
        Ok(())
    }
}

/// Returns the run that began last.
fn latest_run(state: &State) -> Result<Option<RunId>, StateError> {
    let text = state.meta(LATEST_RUN)?;
    Ok(text.as_deref().and_then(RunId::new))
}

/// Notes that a run begins. Returns whether the plan was made after the run before it, so that the
/// end of this one may be built upon.
pub(super) fn begin(state: &mut State, plan: &Plan, run: &RunId) -> Result<bool, StateError> {
    let is_next = latest_run(state)? == plan.revisit.after && !plan.revisit.asked.is_empty();
    if state.meta(STANDING)?.is_some_and(|text| !text.is_empty()) {
        state.set_meta(STANDING, "")?;
    }
    state.set_meta(LATEST_RUN, run.as_str())?;
    Ok(is_next)
}

/// Keeps what a look, and the run after it, left unsettled.
pub(super) fn keep(state: &mut State, plan: &Plan, problems: &[Problem]) -> Result<(), StateError> {
    let mut revisit = plan.revisit.clone();
    for problem in problems {
        revisit.note(&problem.path.parent().unwrap_or_default());
    }
    if state.census()?.is_none() {
        state.take_census()?;
    }
    let run = latest_run(state)?.map_or_else(String::new, |run| run.to_string());
    state.set_meta(STANDING, &format!("{run}\n{}", revisit.to_text()))
}
