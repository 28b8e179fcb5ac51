//! How a run came out, in one word: what a list, a strip of the last runs and the counts of a day
//! say of it. The order of the rules is that of [`crate::status`].

use crate::id::SessionId;
use crate::progress::ProgressStatus;
use crate::record::Summary;
use crate::side::PerSide;
use crate::time::Timestamp;

/// How a run came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// All is in sync.
    Ok,
    /// All is in sync but what no tool can sync.
    Warnings,
    /// Conflicts wait; the rest is in sync.
    Conflicts,
    /// It stopped before a dangerous change.
    Held,
    /// It ended in error, or left something undone.
    Failed,
    /// It did not take place: nobody was there when it was due, or the other side was not.
    Missed,
    /// A person stopped it.
    Stopped,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Ok,
        Self::Warnings,
        Self::Conflicts,
        Self::Held,
        Self::Failed,
        Self::Missed,
        Self::Stopped,
    ];

    /// Reads the stable word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
    }

    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warnings => "warnings",
            Self::Conflicts => "conflicts",
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Missed => "missed",
            Self::Stopped => "stopped",
        }
    }

    /// Says how a run came out; `None` while it is open.
    #[must_use]
    pub fn of(status: Option<ProgressStatus>, left: &Summary) -> Option<Self> {
        let status = status.filter(|status| status.is_terminal())?;
        Some(if status == ProgressStatus::Canceled {
            Self::Stopped
        } else if left.n_held > 0 {
            Self::Held
        } else if status == ProgressStatus::Failed || left.n_failures > 0 {
            Self::Failed
        } else if left.n_conflicts > 0 {
            Self::Conflicts
        } else if status == ProgressStatus::Disconnected {
            Self::Missed
        } else if left.n_warnings > 0 {
            Self::Warnings
        } else {
            Self::Ok
        })
    }
}

/// One of the last runs of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// How it came out for this item.
    pub outcome: Outcome,
    /// When it began, or should have.
    pub at: Timestamp,
    /// Which one; `None`: it was missed and never began.
    pub session: Option<SessionId>,
}

impl Past {
    /// Puts runs that took place beside those that were missed: the last `n`, oldest first.
    #[must_use]
    pub fn latest(mut runs: Vec<Self>, mut missed: Vec<Self>, n: usize) -> Vec<Self> {
        runs.append(&mut missed);
        runs.sort_by(|a, b| (a.at, &a.session).cmp(&(b.at, &b.session)));
        let n_older = runs.len().saturating_sub(n);
        runs.drain(..n_older);
        runs
    }
}

/// What happened in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Activity {
    /// Runs that came to their end, whatever they left to decide.
    pub n_ok: u64,
    /// Runs that failed.
    pub n_failed: u64,
    /// Runs that did not take place.
    pub n_missed: u64,
    /// Runs that a person stopped.
    pub n_stopped: u64,
    /// Files and links put on a side, new or changed.
    pub n_files: PerSide<u64>,
    /// Files and links deleted.
    pub n_deleted: u64,
    /// Bytes copied.
    pub bytes: u64,
}

impl Activity {
    /// Counts runs that came out in one way.
    pub fn count(&mut self, outcome: Outcome, n: u64) {
        let counter = match outcome {
            Outcome::Ok | Outcome::Warnings | Outcome::Conflicts | Outcome::Held => &mut self.n_ok,
            Outcome::Failed => &mut self.n_failed,
            Outcome::Missed => &mut self.n_missed,
            Outcome::Stopped => &mut self.n_stopped,
        };
        *counter = counter.saturating_add(n);
    }

    /// Adds what a run did.
    pub fn add(&mut self, did: &Summary) {
        for (files, tally) in [
            (&mut self.n_files.left, &did.done.left),
            (&mut self.n_files.right, &did.done.right),
        ] {
            *files = files.saturating_add(tally.n_copied.saturating_add(tally.n_updated));
            self.n_deleted = self.n_deleted.saturating_add(tally.n_deleted);
            self.bytes = self.bytes.saturating_add(tally.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: ProgressStatus, change: impl FnOnce(&mut Summary), expected: Outcome) {
        let mut left = Summary::default();
        change(&mut left);
        assert_eq!(Outcome::of(Some(status), &left), Some(expected));
        assert_eq!(Outcome::parse(expected.as_str()), Some(expected));
    }

    #[test]
    fn the_first_rule_that_applies_wins() {
        use ProgressStatus::{Canceled, Disconnected, Failed, Succeeded, Updating};
        check(Succeeded, |_| (), Outcome::Ok);
        check(Succeeded, |left| left.n_warnings = 1, Outcome::Warnings);
        check(
            Succeeded,
            |left| {
                left.n_warnings = 1;
                left.n_conflicts = 1;
            },
            Outcome::Conflicts,
        );
        check(Succeeded, |left| left.n_failures = 1, Outcome::Failed);
        check(Failed, |left| left.n_held = 1, Outcome::Held);
        check(Disconnected, |_| (), Outcome::Missed);
        check(Canceled, |left| left.n_failures = 1, Outcome::Stopped);
        assert_eq!(Outcome::of(Some(Updating), &Summary::default()), None);
        assert_eq!(Outcome::of(None, &Summary::default()), None);
    }

    #[test]
    fn missed_runs_stand_where_they_belong() {
        let past = |at, outcome| Past {
            outcome,
            at: Timestamp(at),
            session: None,
        };
        let runs = vec![past(5, Outcome::Ok), past(1, Outcome::Failed)];
        let missed = vec![past(3, Outcome::Missed)];
        let latest = Past::latest(runs, missed, 2);
        assert_eq!(latest, [past(3, Outcome::Missed), past(5, Outcome::Ok)]);
    }
}
