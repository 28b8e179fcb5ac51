//! What a handler may cost, as docs/reference/protocol.md says.

use std::time::Duration;

/// How long a handler is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// From its start until it has said who it is.
    pub start: Duration,
    /// For an answer.
    pub answer: Duration,
    /// In a session, for a report; then it counts as hung.
    pub silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            start: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            silence: Duration::from_mins(10),
        }
    }
}

/// From the end of its input until it is told to end.
pub(super) const CLOSE_GRACE: Duration = Duration::from_secs(5);

/// From then until everything is ended: the watcher gives it five seconds and needs one.
pub(super) const TERM_GRACE: Duration = Duration::from_secs(6);

/// Messages that are no progress in one window.
pub(super) const MESSAGES_MAX: usize = 10_000;

/// That window.
pub(super) const MESSAGES_WINDOW_MS: u64 = 10_000;

/// Bytes of its log that are kept in one window: a disk is not there to be filled with words.
pub(super) const LOG_BUDGET: usize = 1 << 20;

/// That window.
pub(super) const LOG_WINDOW_MS: u64 = 10_000;

/// Reports that wait for the thread of their session; then the handler waits too.
pub(super) const QUEUE_MAX: usize = 256;

/// Messages to a handler that does not read. More than a burst of cancels, and few enough that a
/// handler which stands still is found out.
pub(super) const WRITE_QUEUE_MAX: usize = 1024;

/// Stack of a thread that only passes bytes on.
pub(super) const STACK_BYTES: usize = 256 * 1024;

/// How often a session looks whether anything was cancelled, and whether the handler still reports.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Results of one run that are taken: the center keeps a thousand, and why a run ended has to be
/// among them.
pub(super) const RESULTS_MAX: usize = 900;

/// How long a handler has to answer without a report, if it works elsewhere.
pub(super) const ELSEWHERE_WITHIN_MS: u64 = 1000;

/// The longest a request waits for a handler that may not be started yet.
pub(super) const WAIT_MAX_MS: u64 = 5000;

/// How often it is looked what all of a handler uses: half a second while it works, so that a bomb
/// is stopped before the machine suffers, and seldom while nobody asks it anything.
pub(super) const LOOK_BUSY: Duration = Duration::from_millis(250);
/// The same, while it is idle.
pub(super) const LOOK_IDLE: Duration = Duration::from_secs(2);

/// How long after its start a handler counts as busy in any case.
pub(super) const YOUNG_MS: u64 = 15_000;
