//! What is remembered: summaries of sessions, steps of a run, kept versions, explanations.

use std::borrow::Cow;

use crate::conflict::{ConflictKind, Kind};
use crate::id::{HandlerId, ItemId, SessionId};
use crate::outcome::Outcome;
use crate::preview::{Action, PlannedChange};
use crate::progress::{Phase, ProgressStatus};
use crate::request::{Origin, WorkKind};
use crate::side::{PerSide, Side};
use crate::time::Timestamp;
use crate::trouble::Trouble;

/// Counts for one side of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// New files and links put on this side.
    pub n_copied: u64,
    /// Files and links replaced on this side.
    pub n_updated: u64,
    /// Files and links deleted on this side.
    pub n_deleted: u64,
    /// Folders made on this side.
    pub n_folders_made: u64,
    /// Folders removed on this side.
    pub n_folders_removed: u64,
    /// Renames on this side.
    pub n_renamed: u64,
    /// Permissions or times set on this side.
    pub n_attributes: u64,
    /// Bytes copied to this side.
    pub bytes: u64,
}

/// What a run did and what it left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Done on each side.
    pub done: PerSide<Tally>,
    /// Conflicts that wait.
    pub n_conflicts: u64,
    /// Held changes.
    pub n_held: u64,
    /// Things that should have been synced and were not.
    pub n_failures: u64,
    /// Things no tool can sync.
    pub n_warnings: u64,
}

impl Summary {
    /// Adds another one.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let side = |a: &Tally, b: &Tally| Tally {
            n_copied: a.n_copied + b.n_copied,
            n_updated: a.n_updated + b.n_updated,
            n_deleted: a.n_deleted + b.n_deleted,
            n_folders_made: a.n_folders_made + b.n_folders_made,
            n_folders_removed: a.n_folders_removed + b.n_folders_removed,
            n_renamed: a.n_renamed + b.n_renamed,
            n_attributes: a.n_attributes + b.n_attributes,
            bytes: a.bytes + b.bytes,
        };
        Self {
            done: PerSide {
                left: side(&self.done.left, &other.done.left),
                right: side(&self.done.right, &other.done.right),
            },
            n_conflicts: self.n_conflicts + other.n_conflicts,
            n_held: self.n_held + other.n_held,
            n_failures: self.n_failures + other.n_failures,
            n_warnings: self.n_warnings + other.n_warnings,
        }
    }
}

/// How one item of a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemResult {
    /// Which item.
    pub item: ItemId,
    /// How it ended; `None` while it is open.
    pub status: Option<ProgressStatus>,
    /// What was done and left.
    pub summary: Summary,
    /// The phases of the work, in their order, as far as they were reported.
    pub phases: Vec<PhaseAt>,
}

/// When a phase began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhaseAt {
    /// Which phase.
    pub phase: Phase,
    /// Milliseconds after the session began.
    pub after_ms: u64,
}

/// A session in history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its id.
    pub id: SessionId,
    /// Whose work it was.
    pub handler: HandlerId,
    /// What it worked on, late additions last; never empty.
    pub items: Vec<ItemResult>,
    /// What for.
    pub kind: WorkKind,
    /// Why it began.
    pub origin: Origin,
    /// When it began.
    pub started: Timestamp,
    /// When it ended; `None` while it is open.
    pub ended: Option<Timestamp>,
    /// How it ended as a whole; `None` while it is open.
    pub status: Option<ProgressStatus>,
    /// What it did and left, of all items.
    pub summary: Summary,
}

impl SessionRecord {
    /// Returns the item it began with.
    ///
    /// # Panics
    /// When there is none, which no session has.
    #[must_use]
    pub fn item(&self) -> &ItemId {
        &self.items.first().expect("a session has an item").item
    }
}

impl SessionRecord {
    /// Says how it came out for one of its items; `None` while that is open, or for another item.
    #[must_use]
    pub fn outcome_of(&self, item: &ItemId) -> Option<Outcome> {
        let result = self.items.iter().find(|result| result.item == *item)?;
        Outcome::of(result.status, &result.summary)
    }
}

/// How a step of a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepEnd {
    /// Announced; the run was killed around it.
    Intended,
    /// Done.
    Done,
    /// Not done.
    NotDone,
}

impl StepEnd {
    const ALL: [Self; 3] = [Self::Intended, Self::Done, Self::NotDone];

    /// Reads the stable word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|end| end.as_str() == text)
    }

    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::Done => "done",
            Self::NotDone => "not-done",
        }
    }
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The path, bytes; of a rename, the new one.
    pub path: Vec<u8>,
    /// On which side.
    pub side: Side,
    /// What.
    pub action: Action,
    /// The old name of a rename.
    pub from: Option<Vec<u8>>,
    /// Size of what is there since, or of what was deleted.
    pub bytes: u64,
    /// Why, a stable word.
    pub reason: Cow<'static, str>,
    /// How it ended.
    pub end: StepEnd,
    /// What was there before is kept as a version.
    pub has_version: bool,
}

/// A kept version of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The run that replaced or deleted it.
    pub run: SessionId,
    /// When.
    pub replaced_at: Timestamp,
    /// On which side it was.
    pub side: Side,
    /// What it was called, bytes.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// Bytes.
    pub size: u64,
    /// When it had been modified.
    pub modified: Timestamp,
    /// Deleted, not replaced.
    pub was_deleted: bool,
    /// Where the bytes lie, absolute, bytes.
    pub kept_at: Vec<u8>,
}

/// Why a path is, or is not, in sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Explanation {
    /// Equal on both sides as of now.
    InSync,
    /// On neither side.
    Nowhere,
    /// An exclusion covers it.
    Excluded {
        /// The pattern.
        pattern: String,
        /// The path it matches, bytes.
        at: Vec<u8>,
    },
    /// syncmgr's own data.
    Own,
    /// It waits for a decision.
    Conflict(ConflictKind),
    /// The next run would do this.
    Pending(Vec<PlannedChange>),
    /// Something is in the way.
    Trouble(Trouble),
}

/// The contents a person compares; `None` where there is no text to show.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contents {
    /// What both last agreed on.
    pub base: Option<Vec<u8>>,
    /// The left side's now.
    pub left: Option<Vec<u8>>,
    /// The right side's now.
    pub right: Option<Vec<u8>>,
}
