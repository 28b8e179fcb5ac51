//! What a person does with the product between two runs: looks, resolves conflicts, takes runs
//! back, brings versions back.

use syncmgr_engine::cancel::Cancel;
use syncmgr_engine::entry::Side;
use syncmgr_engine::journal::{RunId, RunKind};
use syncmgr_engine::monitor::Silent;
use syncmgr_engine::pair::{Choice, Failure, Pair};
use syncmgr_engine::path::RelPath;
use syncmgr_engine::plan::Plan;

use super::world::World;
use crate::rng::Rng;

/// Runs of the history a person looks at.
const RUNS_MAX: usize = 6;

impl World {
    /// Does one to three things, and checks after each what must always hold. What cannot be done
    /// is refused in words, and that is fine.
    ///
    /// # Errors
    /// A broken invariant, or a refusal that is none.
    pub(super) fn decide(&mut self, rng: &mut Rng) -> Result<(), String> {
        for _ in 0..=rng.below(3) {
            let mut pair = match self.pair.take() {
                Some(pair) => pair,
                None => self.open()?,
            };
            let done = self.one_decision(&mut pair, rng);
            self.pair = Some(pair);
            match done {
                Ok(()) => {}
                Err(refusal) if is_refusal(&refusal) => self.machine.log(&format!("  {refusal}")),
                Err(failure) => return Err(format!("a decision failed: {failure}")),
            }
            self.check_always()?;
        }
        Ok(())
    }

    fn one_decision(&mut self, pair: &mut Pair, rng: &mut Rng) -> Result<(), Failure> {
        let before = self.machine.n_mutations();
        let (plan, kind) = match rng.below(4) {
            0 => {
                pair.plan(&self.options, &Silent, &Cancel::new())?;
                self.must_not_have_written(before)?;
                return Ok(());
            }
            1 => (self.resolution(pair, rng)?, RunKind::Resolve),
            2 => {
                let runs = pair.runs(RUNS_MAX)?;
                let Some(run) = rng.pick(&runs) else {
                    return Ok(());
                };
                self.machine.log(&format!("undo {}", run.id));
                (pair.plan_undo(&run.id, &self.options)?, RunKind::Undo)
            }
            _ => {
                let versions = pair.versions(&RelPath::root())?;
                let Some(version) = rng.pick(&versions) else {
                    return Ok(());
                };
                self.machine.log(&format!("restore {}", version.kept_at));
                let plan = pair.plan_restore(version, &self.options)?;
                (plan, RunKind::Restore)
            }
        };
        self.must_not_have_written(before)?;
        self.n_runs += 1;
        let run = RunId::new(&format!("run-{:06}", self.n_runs));
        let run = run.ok_or_else(|| Failure::State("the run has no id".to_owned()))?;
        let cancel = Cancel::new();
        let report = pair.apply(&plan, &run, kind, &self.options, &Silent, &cancel)?;
        self.machine.log(&format!("{kind:?}: {:?}", report.tally));
        Ok(())
    }

    fn resolution(&self, pair: &Pair, rng: &mut Rng) -> Result<Plan, Failure> {
        let conflicts = pair.conflicts()?;
        let mut choices = Vec::new();
        for conflict in &conflicts {
            if !choices.is_empty() && rng.chance(1, 2) {
                continue;
            }
            let choice = match rng.below(6) {
                0 => Choice::Keep(Side::Left),
                1 => Choice::Keep(Side::Right),
                2 => Choice::KeepNewest,
                3 => Choice::KeepBoth,
                4 => Choice::MergeText,
                _ => Choice::Merged(self.people().ledger.merged(rng.index(20))),
            };
            self.machine
                .log(&format!("resolve {} {choice:?}", conflict.path));
            choices.push((conflict.id.clone(), choice));
        }
        pair.plan_resolution(&choices, &self.options)
    }

    fn must_not_have_written(&self, before: u64) -> Result<(), Failure> {
        if self.machine.n_mutations() == before {
            Ok(())
        } else {
            Err(Failure::State("a look has written".to_owned()))
        }
    }
}

/// Says whether a failure is a decision that was refused, as it should be.
fn is_refusal(failure: &Failure) -> bool {
    match failure {
        Failure::NotFound { .. } | Failure::ChangedMeanwhile { .. } | Failure::NotPossible(_) => {
            true
        }
        // Noticed only now; the next run begins anew.
        Failure::Damaged(_) => true,
        Failure::Stopped | Failure::Root { .. } | Failure::Nested { .. } | Failure::State(_) => {
            false
        }
    }
}
