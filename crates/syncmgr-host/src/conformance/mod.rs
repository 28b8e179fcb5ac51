//! The conformance kit: starts a handler as the host would, plays the cases of `conformance/cases`
//! to it, and says in plain words where it does not keep the protocol.
//!
//! ```text
//! cases (data) ──► play ──► child (the real program) ──► rules (always) ──► outcome
//! ```
//!
//! Must not: know any one handler, or be lenient because the host would be.

mod case;
mod child;
mod fixture;
mod pattern;
mod play;
mod report;
mod rules;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use syncmgr_center::port::Clock;

pub use case::{Case, cases};
pub use report::{Outcome, Report, Verdict};

/// What to check.
pub struct Check {
    /// The program and its arguments, each as the system takes it.
    pub argv: Vec<String>,
    /// Only cases with one of these names; all, when it is empty.
    pub only: Vec<String>,
    /// Settings of the items, in place of those that are made up from the form.
    pub settings: BTreeMap<String, Value>,
    /// A folder that is empty; everything that is needed is made beneath it.
    pub scratch: PathBuf,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Check")
            .field("argv", &self.argv)
            .field("only", &self.only)
            .finish_non_exhaustive()
    }
}

impl Check {
    /// Plays the cases, one after the other, and calls back after each.
    ///
    /// # Errors
    /// Words for a person, when the program cannot be started at all.
    pub fn run(&self, mut told: impl FnMut(&Outcome)) -> Result<Report, String> {
        let about = play::probe(self)?;
        let mut outcomes = Vec::new();
        for (number, case) in cases().iter().enumerate() {
            if !self.only.is_empty() && !self.only.contains(&case.name) {
                continue;
            }
            let outcome = self.one(number, case, &about);
            told(&outcome);
            outcomes.push(outcome);
        }
        Ok(Report {
            handler: about.id.clone(),
            outcomes,
        })
    }

    fn one(&self, number: usize, case: &Case, about: &play::About) -> Outcome {
        let since = self.clock.elapsed_ms();
        let verdict = match about.lacks(case) {
            Some(reason) => Verdict::Skipped(reason),
            None => play::play(self, number, case, about),
        };
        Outcome {
            name: case.name.clone(),
            about: case.about.clone(),
            verdict,
            elapsed_ms: self.clock.elapsed_ms().saturating_sub(since),
        }
    }
}
