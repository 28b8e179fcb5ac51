//! Time as a value that is handed in, so that a simulation owns it.

use crate::entry::FileTime;

/// Tells the time of day. It may jump; nothing about files is decided by it.
pub trait Clock: Send + Sync {
    /// Returns the present time, UTC.
    fn now(&self) -> FileTime;

    /// Returns nanoseconds that never go back, from an arbitrary start; for rates and limits.
    fn ticks_ns(&self) -> u64 {
        u64::try_from(self.now().as_nanos()).unwrap_or(0)
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> FileTime {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
        FileTime::new(time.tv_sec, u32::try_from(time.tv_nsec).unwrap_or(0))
    }

    fn ticks_ns(&self) -> u64 {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000
            + u64::try_from(time.tv_nsec).unwrap_or(0)
    }
}
