//! Tidies the staging places and lets old versions and old history go.

use std::collections::BTreeMap;

use super::Pair;
use super::options::Options;
use crate::entry::{FileTime, Side};
use crate::journal::RunId;
use crate::path::RelPath;
use crate::plan::Plan;
use crate::{own, versions};

/// Seconds between two looks at which versions are past their time.
const EXPIRE_EVERY_SECS: i64 = 24 * 60 * 60;

/// Seconds the history of runs is kept at least.
const HISTORY_SECS: i64 = 90 * 24 * 60 * 60;

/// Returns the root and the mount points of a side: wherever there is a place of our own.
fn homes(plan: &Plan, side: Side) -> Vec<RelPath> {
    std::iter::once(RelPath::root())
        .chain(plan.mounts[side].iter().cloned())
        .collect()
}

impl Pair {
    /// Removes what a killed run left in the staging places. It was never seen under a final name.
    pub(super) fn tidy(&self, plan: &Plan) {
        for side in Side::BOTH {
            for home in homes(plan, side) {
                // What cannot be removed now is in nobody's way and is tried again next time.
                drop(own::remove_tree(&*self.sides[side], &own::stage_dir(&home)));
            }
        }
    }

    /// Lets old versions go and tidies the staging places. Trouble here is no trouble of the run.
    pub(super) fn expire(&self, plan: &Plan, run: &RunId, options: &Options) {
        self.tidy(plan);
        let now = self.clock.now();
        let mut state = self.memory();
        let last = state
            .meta("expired")
            .ok()
            .flatten()
            .and_then(|text| text.parse::<i64>().ok());
        if last.is_some_and(|last| (0..EXPIRE_EVERY_SECS).contains(&(now.secs - last))) {
            return;
        }
        let runs = state.runs(usize::MAX).unwrap_or_default();
        let started: BTreeMap<RunId, FileTime> =
            runs.into_iter().map(|run| (run.id, run.started)).collect();
        for side in Side::BOTH {
            let homes = homes(plan, side);
            let replica = &*self.sides[side];
            drop(versions::expire(
                replica,
                &homes,
                &started,
                run,
                &options.versions,
                now,
            ));
        }
        let keep = i64::try_from(options.versions.keep_secs)
            .unwrap_or(i64::MAX)
            .max(HISTORY_SECS);
        drop(state.forget_runs_before(FileTime::new(now.secs.saturating_sub(keep), 0)));
        drop(state.set_meta("expired", &now.secs.to_string()));
    }
}
