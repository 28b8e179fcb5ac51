//! One folder of an item, as it is now: what is in it on each side, and how that stands.

use crate::conflict::Kind;
use crate::side::PerSide;
use crate::time::Timestamp;

/// How a name stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Equal on both sides.
    Same,
    /// Only the left side has it.
    OnlyLeft,
    /// Only the right side has it.
    OnlyRight,
    /// The left side changed it.
    ChangedLeft,
    /// The right side changed it.
    ChangedRight,
    /// Both sides changed it.
    ChangedBoth,
    /// It, or something in it, waits for a decision.
    Conflict,
    /// An exclusion covers it.
    Excluded,
    /// syncmgr's own data.
    Own,
    /// It cannot be synced, or not be looked at.
    Unsynced,
}

impl Standing {
    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::OnlyLeft => "only-left",
            Self::OnlyRight => "only-right",
            Self::ChangedLeft => "changed-left",
            Self::ChangedRight => "changed-right",
            Self::ChangedBoth => "changed-both",
            Self::Conflict => "conflict",
            Self::Excluded => "excluded",
            Self::Own => "own",
            Self::Unsynced => "unsynced",
        }
    }
}

/// What a side has under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Bytes; 0 for everything but files.
    pub size: u64,
    /// When it was modified.
    pub modified: Timestamp,
}

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// The name, bytes.
    pub name: Vec<u8>,
    /// What it is, on the left where the sides differ.
    pub kind: Kind,
    /// How it stands.
    pub standing: Standing,
    /// What each side has.
    pub sides: PerSide<Option<Held>>,
    /// The pattern that covers it, or why it cannot be looked at; harmless text.
    pub reason: Option<String>,
}

/// What further exclusions would cover.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Covered {
    /// How many files and links.
    pub n_files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The first paths, bytes; folders that are covered as a whole among them.
    pub sample: Vec<Vec<u8>>,
    /// All was looked at; otherwise there may be more.
    pub is_whole: bool,
}
