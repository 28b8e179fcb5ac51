//! What a run did, what it left to decide, and the words for decisions and questions.

use std::sync::Arc;

use crate::entry::{Agreed, Entry, FileTime, Side, Sides, State as Seen};
use crate::journal::RunId;
use crate::path::RelPath;
use crate::plan::{Conflict, ConflictKind, Problem, Tally};

/// What a run did and what it left.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Done on each side.
    pub tally: Sides<Tally>,
    /// All that was left alone, from the plan and from the run, sorted by path.
    pub problems: Vec<Problem>,
    /// Conflicts that wait, sorted by path.
    pub conflicts: Vec<Conflict>,
    /// Held changes.
    pub n_held: u64,
    /// A person stopped it before its end.
    pub was_stopped: bool,
}

impl Report {
    /// Says whether both sides are equal now in everything that can be synced (I3).
    #[must_use]
    pub fn is_in_sync(&self) -> bool {
        self.conflicts.is_empty()
            && self.n_held == 0
            && !self.was_stopped
            && !self
                .problems
                .iter()
                .any(|problem| problem.kind.is_failure())
    }
}

/// A conflict as it waits in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredConflict {
    /// Eight hexadecimal digits made from the path; the same path has the same id.
    pub id: String,
    /// What it is about.
    pub path: RelPath,
    /// How it came about.
    pub kind: ConflictKind,
    /// What was agreed.
    pub base: Option<Agreed>,
    /// What both sides had when it was last seen.
    pub seen: Sides<Seen>,
    /// Changes beneath a directory that wait with it.
    pub n_within: u64,
    /// When it was first seen.
    pub since: FileTime,
}

impl StoredConflict {
    pub(super) fn new(conflict: &Conflict, since: FileTime) -> Self {
        Self {
            id: blake3::hash(conflict.path.as_bytes()).to_hex()[..8].to_owned(),
            path: conflict.path.clone(),
            kind: conflict.kind,
            base: conflict.base.clone(),
            seen: conflict.seen.clone(),
            n_within: conflict.n_within,
            since,
        }
    }
}

/// A person's decision on a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// This side's version goes to the other side (a deletion too).
    Keep(Side),
    /// The version modified later; a change beats a deletion.
    KeepNewest,
    /// Both, the older one under a name that says where and when it comes from.
    KeepBoth,
    /// These bytes on both sides.
    Merged(Arc<[u8]>),
    /// The three-way merge of the text, which must not have conflicting places.
    MergeText,
}

/// A kept version of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The run that replaced or deleted it.
    pub run: RunId,
    /// When.
    pub replaced_at: FileTime,
    /// On which side it was.
    pub side: Side,
    /// What it was called.
    pub path: RelPath,
    /// Where it is kept, below that side's root.
    pub kept_at: RelPath,
    /// Its attributes.
    pub entry: Entry,
    /// It was deleted, not replaced.
    pub was_deleted: bool,
}

/// A content a person can ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContentOf {
    /// The file on this side now.
    Side(Side),
    /// What both sides last agreed on, if it was kept.
    Base,
    /// A kept version.
    Version(Version),
}

/// Why a path is, or is not, in sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Equal on both sides as of now.
    InSync,
    /// On neither side.
    Nowhere,
    /// An exclusion covers it.
    Excluded {
        /// The pattern.
        pattern: String,
        /// The path the pattern matches (the file, or a folder above it).
        at: RelPath,
    },
    /// syncmgr's own data.
    Own,
    /// It waits for a decision.
    Conflict(ConflictKind),
    /// The next run would do this.
    Pending(Box<crate::plan::Change>),
    /// Something is in the way.
    Problem(Problem),
}
