//! A clock that a test sets.

use std::sync::{Mutex, PoisonError};

use syncmgr_engine::clock::Clock;
use syncmgr_engine::entry::FileTime;

const NANOS: i128 = 1_000_000_000;

/// Turns nanoseconds since 1970 into a time.
pub(crate) fn time_of(nanos: i128) -> FileTime {
    let secs = i64::try_from(nanos.div_euclid(NANOS)).unwrap_or(i64::MAX);
    FileTime::new(secs, u32::try_from(nanos.rem_euclid(NANOS)).unwrap_or(0))
}

/// A clock that stands still until it is moved; it may be moved back, as real ones are.
#[derive(Debug)]
pub struct FakeClock(Mutex<i128>);

impl FakeClock {
    /// Starts at `secs` seconds after 1970.
    #[must_use]
    pub fn new(secs: i64) -> Self {
        Self(Mutex::new(i128::from(secs) * NANOS))
    }

    /// Sets the time.
    pub fn set(&self, time: FileTime) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = time.as_nanos();
    }

    /// Moves on by nanoseconds.
    pub fn advance_ns(&self, nanos: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += i128::from(nanos);
    }

    /// Moves by `secs` seconds, back when negative.
    pub fn advance(&self, secs: i64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += i128::from(secs) * NANOS;
    }
}

impl Clock for FakeClock {
    fn now(&self) -> FileTime {
        time_of(*self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_still_and_goes_back() {
        let clock = FakeClock::new(5);
        assert_eq!(clock.now(), FileTime::new(5, 0));
        clock.advance(-7);
        assert_eq!(clock.now(), FileTime::new(-2, 0));
        clock.set(FileTime::new(9, 3));
        assert_eq!(clock.now(), FileTime::new(9, 3));
    }

    #[test]
    fn times_before_1970_keep_positive_nanoseconds() {
        assert_eq!(time_of(-1), FileTime::new(-1, 999_999_999));
    }
}
