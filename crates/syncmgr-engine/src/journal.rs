//! What a run did, step by step: the words of history and the ground on which undo stands.

use std::fmt;

use crate::entry::Sides;
use crate::entry::{Entry, FileTime, Side};
use crate::path::RelPath;
use crate::plan::{Reason, Tally};

/// Identifies a run, and names the folder of the versions it kept. Lower-case letters, digits and
/// `-` only; sorts by time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(String);

impl RunId {
    /// Checks and takes an id.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let good = !text.is_empty()
            && text.len() <= 64
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        good.then(|| Self(text.to_owned()))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a run was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunKind {
    /// An ordinary sync.
    Sync,
    /// A person's decisions on conflicts.
    Resolve,
    /// Another run taken back.
    Undo,
    /// A version brought back.
    Restore,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunEnd {
    /// It has not ended, or the process was killed.
    Open,
    /// It came to its end; what it left is in the counts.
    Finished,
    /// A person stopped it.
    Stopped,
    /// It could not go on.
    Failed,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// Its id.
    pub id: RunId,
    /// What for.
    pub kind: RunKind,
    /// Start.
    pub started: FileTime,
    /// End, when it ended.
    pub ended: Option<FileTime>,
    /// How it ended.
    pub end: RunEnd,
    /// What was done on each side.
    pub tally: Sides<Tally>,
    /// Conflicts left.
    pub n_conflicts: u64,
    /// Failures left.
    pub n_problems: u64,
    /// Changes held.
    pub n_held: u64,
    /// The run that this one takes back, or that took this one back.
    pub undoes: Option<RunId>,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepKind {
    /// Made a directory.
    MadeDir,
    /// Put a new file or link.
    Copied,
    /// Replaced a file or link.
    Updated,
    /// Deleted a file or link (it became a version).
    Deleted,
    /// Removed an empty directory.
    RemovedDir,
    /// Renamed.
    Renamed,
    /// Set permissions or time.
    SetAttributes,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepEnd {
    /// Announced; if the run was killed, only a look at the file tells whether it was done.
    Intended,
    /// Done.
    Done,
    /// Not done.
    NotDone,
}

/// One step of a run on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Place in the run, from 0.
    pub seq: u64,
    /// The side.
    pub side: Side,
    /// The path (after a rename: the new one).
    pub path: RelPath,
    /// What.
    pub kind: StepKind,
    /// The old name, for a rename.
    pub from: Option<RelPath>,
    /// What was there before.
    pub before: Option<Entry>,
    /// What is there since.
    pub after: Option<Entry>,
    /// Where the replaced or deleted content is kept, below the side's root.
    pub version: Option<RelPath>,
    /// Why.
    pub reason: Reason,
    /// How it ended.
    pub end: StepEnd,
}
