//! What holds for the runs of one item, whatever schedule they come from.

/// How old an item may get, how its failures are tried again, and who goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunPolicy {
    /// Milliseconds since the last success after which people are warned.
    pub max_age_ms: Option<i64>,
    /// How a failed run is tried again.
    pub retry: Backoff,
    /// How changes of files become runs.
    pub change: ChangeRule,
    /// Runs with a higher number start first; 0 is usual.
    pub priority: i8,
}

/// How long to wait before a failed run is tried again: longer each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Before the first retry, milliseconds.
    pub first_ms: u64,
    /// Each wait is so many times the one before.
    pub factor: u32,
    /// No wait is longer, milliseconds.
    pub most_ms: u64,
    /// So many retries at most until something changes; none means without end.
    pub n_most: Option<u32>,
}

impl Default for Backoff {
    /// 30 seconds, doubled up to one hour, without end: what phones do for their own syncs.
    fn default() -> Self {
        Self {
            first_ms: 30_000,
            factor: 2,
            most_ms: 3_600_000,
            n_most: None,
        }
    }
}

impl Backoff {
    /// Returns the wait after this many failures in a row, milliseconds; none when there were no
    /// failures, or so many that nothing is tried any more.
    #[must_use]
    pub fn wait_ms(&self, n_failures: u32) -> Option<u64> {
        let n_before = n_failures.checked_sub(1)?;
        if self.n_most.is_some_and(|most| n_before >= most) {
            return None;
        }
        let factor = u64::from(self.factor.max(1)).saturating_pow(n_before);
        Some(self.first_ms.saturating_mul(factor).min(self.most_ms))
    }
}

/// How changes of files become runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeRule {
    /// A run starts when nothing changed for so long, milliseconds.
    pub quiet_ms: u64,
    /// A run starts at the latest so long after the first change, milliseconds, so that a file
    /// which is written all day is synced all the same.
    pub most_wait_ms: u64,
    /// At least so long between the ends of runs and the next one by changes, milliseconds.
    pub gap_ms: u64,
}

impl Default for ChangeRule {
    /// A twentieth of a second without a change (the watch itself joins the writes of one save),
    /// five seconds at the latest, half a second between runs: a run that looks only where
    /// something changed costs next to nothing. Handlers that look at everything want more.
    fn default() -> Self {
        Self {
            quiet_ms: 50,
            most_wait_ms: 5_000,
            gap_ms: 500,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour() {
        let waits: Vec<_> = (0..10).map(|n| Backoff::default().wait_ms(n)).collect();
        let secs = [30, 60, 120, 240, 480, 960, 1920, 3600, 3600];
        assert_eq!(waits[0], None);
        for (i, s) in secs.into_iter().enumerate() {
            assert_eq!(waits[i + 1], Some(s * 1000), "{i}");
        }
        assert_eq!(Backoff::default().wait_ms(u32::MAX), Some(3_600_000));
    }

    #[test]
    fn retries_may_have_an_end() {
        let two = Backoff {
            n_most: Some(2),
            ..Backoff::default()
        };
        assert!(two.wait_ms(2).is_some());
        assert_eq!(two.wait_ms(3), None);
    }
}
