//! What a run tells the outside while it works.

use crate::path::RelPath;

/// The named parts of a run, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Both sides are listed and compared with what they last agreed on.
    Checking,
    /// Contents are compared where times and sizes cannot decide; the plan is made.
    Comparing,
    /// Renames, removals in the way, new directories.
    Preparing,
    /// File contents are copied.
    Copying,
    /// Deletions, attributes, making it durable.
    Finishing,
}

impl Phase {
    /// Returns the word shown to people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Checking => "Checking",
            Self::Comparing => "Comparing",
            Self::Preparing => "Preparing",
            Self::Copying => "Copying",
            Self::Finishing => "Finishing",
        }
    }
}

/// Where a run stands. Counts only grow within a phase; a total of `None` is not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Files and folders looked at on the left.
    pub n_seen_left: u64,
    /// Files and folders looked at on the right.
    pub n_seen_right: u64,
    /// Steps done, of [`Self::n_total`].
    pub n_done: u64,
    /// Steps the plan has.
    pub n_total: Option<u64>,
    /// Bytes copied, of [`Self::bytes_total`].
    pub bytes_done: u64,
    /// Bytes the plan copies.
    pub bytes_total: Option<u64>,
}

/// Receives the progress of a run. Called from several threads, often; must return at once.
pub trait Monitor: Sync {
    /// A phase begins.
    fn phase(&self, phase: Phase);
    /// Counts moved on; `path` is what is being worked on, if it is one file.
    fn progress(&self, progress: &Progress, path: Option<&RelPath>);
}

/// A monitor that does nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Monitor for Silent {
    fn phase(&self, _phase: Phase) {}
    fn progress(&self, _progress: &Progress, _path: Option<&RelPath>) {}
}
