//! Keeps copies under a number of bytes per second.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::cancel::Cancel;
use crate::clock::Clock;

/// Longest nap before looking at the stop request again.
const NAP: Duration = Duration::from_millis(50);

/// A limit on bytes per second, shared by all threads of a run.
pub(crate) struct Pace<'a> {
    bytes_per_sec: Option<u64>,
    clock: &'a dyn Clock,
    /// The tick at which everything let through so far has had its time.
    free_at_ns: Mutex<u64>,
}

impl<'a> Pace<'a> {
    pub(crate) fn new(bytes_per_sec: Option<u64>, clock: &'a dyn Clock) -> Self {
        Self {
            bytes_per_sec,
            clock,
            free_at_ns: Mutex::new(0),
        }
    }

    pub(crate) fn is_limited(&self) -> bool {
        self.bytes_per_sec.is_some()
    }

    /// Waits until `bytes` more may pass, or a stop is requested.
    pub(crate) fn pass(&self, bytes: u64, cancel: &Cancel) {
        let Some(rate) = self.bytes_per_sec.filter(|&rate| rate > 0) else {
            return;
        };
        let cost_ns =
            u64::try_from(u128::from(bytes) * 1_000_000_000 / u128::from(rate)).unwrap_or(u64::MAX);
        let until = {
            let mut free_at = self
                .free_at_ns
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *free_at = (*free_at)
                .max(self.clock.ticks_ns())
                .saturating_add(cost_ns);
            *free_at
        };
        while !cancel.is_cancelled() {
            let left = until.saturating_sub(self.clock.ticks_ns());
            if left == 0 {
                return;
            }
            std::thread::sleep(Duration::from_nanos(left).min(NAP));
        }
    }
}
