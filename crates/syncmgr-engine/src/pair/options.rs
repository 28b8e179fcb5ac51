//! What a person chose for a run.

use crate::entry::Sides;
use crate::rules::{ConflictRule, Excludes, Mode};

/// Seconds a day has.
const DAY_SECS: u64 = 24 * 60 * 60;

/// How long and how much of what was replaced or deleted is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionPolicy {
    /// Seconds a version is kept; the default is 30 days.
    pub keep_secs: u64,
    /// Bytes of versions kept on each side; the oldest go first. The default is 10 GiB.
    pub budget_bytes: u64,
}

impl Default for VersionPolicy {
    fn default() -> Self {
        Self {
            keep_secs: 30 * DAY_SECS,
            budget_bytes: 10 << 30,
        }
    }
}

/// What a person chose for a run.
#[derive(Debug, Clone)]
pub struct Options {
    /// How the sides relate.
    pub mode: Mode,
    /// What to do when both sides changed a file.
    pub rule: ConflictRule,
    /// What to leave out.
    pub excludes: Excludes,
    /// Compare every content, not only where size and times cannot decide.
    pub is_full: bool,
    /// Most bytes copied per second; `None` is as fast as possible.
    pub bandwidth: Option<u64>,
    /// How versions are kept.
    pub versions: VersionPolicy,
    /// Threads for scanning and copying; 0 means one per core, 1 works without any thread and in
    /// a fixed order.
    pub n_threads: usize,
    /// What the sides are called in the names of conflict copies.
    pub names: Sides<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mode: Mode::TwoWay,
            rule: ConflictRule::Ask,
            excludes: Excludes::default(),
            is_full: false,
            bandwidth: None,
            versions: VersionPolicy::default(),
            n_threads: 0,
            names: Sides::new("left".to_owned(), "right".to_owned()),
        }
    }
}
