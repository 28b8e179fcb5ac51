//! The clock of the machine for a center in this process, and a calendar without entries.

use syncmgr_center::agenda::Calendar;
use syncmgr_center::port::Clock;
use syncmgr_model::schedule::{Trigger, Window, Zone};
use syncmgr_model::time::Timestamp;

use crate::clock::Stopwatch;

/// The time of day.
#[derive(Debug, Clone, Copy)]
pub(super) struct RealClock {
    begin: Timestamp,
    since: Stopwatch,
}

impl RealClock {
    pub(super) fn start() -> Self {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
        Self {
            begin: Timestamp(now.tv_sec * 1000 + now.tv_nsec / 1_000_000),
            since: Stopwatch::start(),
        }
    }
}

impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        let ms = i64::try_from(self.elapsed_ms()).unwrap_or(i64::MAX);
        Timestamp(self.begin.0.saturating_add(ms))
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// No schedule ever comes due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Empty;

impl Calendar for Empty {
    fn next(&self, _: &Trigger, _: &Zone, _: Timestamp, _: Timestamp) -> Option<Timestamp> {
        None
    }

    fn next_open(&self, _: &[Window], _: &Zone, at: Timestamp) -> Option<Timestamp> {
        Some(at)
    }
}
