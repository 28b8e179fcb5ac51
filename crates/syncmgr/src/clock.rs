//! The machine's clock, behind the port of the center.

use std::time::{Duration, Instant, SystemTime};

use syncmgr_center::port::Clock;
use syncmgr_model::time::Timestamp;

/// Waits on the machine's clock, where nobody tells when to go on.
pub(crate) fn rest(time: Duration) {
    std::thread::sleep(time);
}

/// The machine's clock. Counts from the moment it was made.
#[derive(Debug)]
pub(crate) struct MachineClock(Instant);

impl MachineClock {
    /// Starts counting.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place where the program meets the real clock"
    )]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for MachineClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place where the program meets the real clock"
    )]
    fn now(&self) -> Timestamp {
        let ms = match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
        };
        Timestamp(ms)
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
