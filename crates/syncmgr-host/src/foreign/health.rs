//! When a handler that ended unexpectedly may be started again.
//!
//! ```text
//!  ended ──► waits 1 s, 2 s, 4 s … 5 min ──► started when it is needed, or
//!    │                                       at once when a person asks for it
//!    └── five ends within ten minutes ─────► off, until somebody restarts it
//! ```

use std::collections::VecDeque;

/// Ends within `WINDOW_MS` after which it stays off.
pub const ENDS_MAX: usize = 5;

/// In what time these ends count together.
const WINDOW_MS: u64 = 10 * 60 * 1000;

/// The first wait.
const WAIT_FIRST_MS: u64 = 1000;

/// The longest wait.
const WAIT_MAX_MS: u64 = 5 * 60 * 1000;

/// What the ends so far mean.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// When it ended, within the window.
    ends: VecDeque<u64>,
    /// How many times in a row without a run that came to its end.
    n_in_row: u32,
    /// Not before this moment.
    not_before_ms: u64,
    is_off: bool,
}

/// Whether it may be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum May {
    /// It may.
    Start,
    /// In so many milliseconds.
    In(u64),
    /// Not until somebody restarts it.
    Off,
}

impl Health {
    /// It ended unexpectedly. Says whether it is off from now on.
    pub(super) fn ended(&mut self, now_ms: u64) -> bool {
        while self.ends.front().is_some_and(|at| at + WINDOW_MS <= now_ms) {
            self.ends.pop_front();
        }
        self.ends.push_back(now_ms);
        let wait = WAIT_FIRST_MS.saturating_mul(1 << self.n_in_row.min(20));
        self.not_before_ms = now_ms + wait.min(WAIT_MAX_MS);
        self.n_in_row += 1;
        let was_off = self.is_off;
        self.is_off |= self.ends.len() >= ENDS_MAX;
        self.is_off && !was_off
    }

    /// It did what it was asked for.
    pub(super) fn worked(&mut self) {
        self.n_in_row = 0;
    }

    /// A person wants it now: it does not wait. How often it ended counts on.
    pub(super) fn wanted_now(&mut self) {
        self.not_before_ms = 0;
    }

    /// Somebody restarts it: what was does not count any more.
    pub(super) fn renew(&mut self) {
        *self = Self::default();
    }

    /// Says whether it may be started.
    pub(super) fn may(&self, now_ms: u64) -> May {
        if self.is_off {
            May::Off
        } else if now_ms < self.not_before_ms {
            May::In(self.not_before_ms - now_ms)
        } else {
            May::Start
        }
    }

    /// How many ends count now.
    pub(super) fn n_ends(&self) -> usize {
        self.ends.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_work_ends_the_row() {
        let mut health = Health::default();
        assert_eq!(health.may(0), May::Start);
        let mut now = 0;
        for wait in [1000, 2000, 4000] {
            health.ended(now);
            assert_eq!(health.may(now), May::In(wait));
            now += wait;
            assert_eq!(health.may(now), May::Start);
        }
        health.worked();
        health.ended(now);
        assert_eq!(health.may(now), May::In(1000));
    }

    #[test]
    fn who_asks_by_hand_does_not_wait_and_the_limit_holds() {
        let mut health = Health::default();
        for _ in 0..4 {
            health.ended(0);
            assert_ne!(health.may(0), May::Start);
            health.wanted_now();
            assert_eq!(health.may(0), May::Start);
        }
        assert!(health.ended(0));
        health.wanted_now();
        assert_eq!(health.may(0), May::Off);
    }

    #[test]
    fn the_wait_has_an_end() {
        let mut health = Health::default();
        let mut now = 0;
        for _ in 0..40 {
            health.ended(now);
            now += 3 * 60_000;
        }
        assert_eq!(health.may(now), May::In(2 * 60_000));
    }

    #[test]
    fn five_ends_in_ten_minutes_turn_it_off_until_it_is_renewed() {
        let mut health = Health::default();
        for at in 0..4 {
            assert!(!health.ended(at * 60_000));
        }
        assert!(health.ended(4 * 60_000));
        assert!(!health.ended(4 * 60_000 + 1));
        assert_eq!(health.may(u64::MAX), May::Off);
        health.renew();
        assert_eq!(health.may(0), May::Start);
        // Five that are far apart are no reason.
        for at in 0..9 {
            assert!(!health.ended(at * 3 * 60_000));
        }
    }
}
