//! A limit for all the steps of one delivery together.

use std::time::{Duration, Instant};

/// Longest time to reach a server.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);

/// Longest time of a delivery over the network.
pub(crate) const TOTAL: Duration = Duration::from_secs(30);

/// A moment after which nothing is waited for any more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// Begins now.
    #[expect(
        clippy::disallowed_methods,
        reason = "a time limit on another machine's answers; no decision hangs on it"
    )]
    pub(crate) fn after(limit: Duration) -> Self {
        Self(Instant::now() + limit)
    }

    /// Returns what is left; zero when it has passed.
    #[expect(
        clippy::disallowed_methods,
        reason = "a time limit on another machine's answers; no decision hangs on it"
    )]
    pub(crate) fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}
