//! A preview: what a session would do, before it does it.

use std::borrow::Cow;

use crate::conflict::Conflict;
use crate::side::{PerSide, Side};
use crate::trouble::Trouble;

/// What happens to a path on one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// A file or link goes.
    Delete,
    /// An empty folder goes.
    RemoveFolder,
    /// Something gets another name.
    Rename,
    /// A folder is made.
    MakeFolder,
    /// A new file or link is put.
    Copy,
    /// A file or link is replaced.
    Update,
    /// Permissions or times are set.
    SetAttributes,
}

impl Action {
    const ALL: [Self; 7] = [
        Self::Delete,
        Self::RemoveFolder,
        Self::Rename,
        Self::MakeFolder,
        Self::Copy,
        Self::Update,
        Self::SetAttributes,
    ];

    /// Reads the stable word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == text)
    }

    /// Returns the stable word, which people read too.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::RemoveFolder => "remove folder",
            Self::Rename => "rename",
            Self::MakeFolder => "new folder",
            Self::Copy => "copy",
            Self::Update => "update",
            Self::SetAttributes => "attributes",
        }
    }
}

/// One planned step on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedChange {
    /// The path, bytes; of a rename, the new one.
    pub path: Vec<u8>,
    /// On which side it happens.
    pub side: Side,
    /// What happens.
    pub action: Action,
    /// The old name of a rename.
    pub from: Option<Vec<u8>>,
    /// Bytes copied, or freed by a deletion.
    pub bytes: u64,
    /// Why: a stable word, see [`crate::catalogue::reason`].
    pub reason: Cow<'static, str>,
    /// It waits for a person's OK.
    pub is_held: bool,
}

/// What one side holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Census {
    /// Files and links.
    pub n_files: u64,
    /// Folders.
    pub n_folders: u64,
    /// Bytes.
    pub bytes: u64,
}

/// What a session would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preview {
    /// Identifies the plan by its content.
    pub id: String,
    /// Steps, by path.
    pub changes: Vec<PlannedChange>,
    /// Conflicts that wait.
    pub conflicts: Vec<Conflict>,
    /// Holds, problems and warnings.
    pub troubles: Vec<Trouble>,
    /// Identifies the held part, for allowing exactly it.
    pub held_id: Option<String>,
    /// What each side holds.
    pub census: PerSide<Census>,
    /// Nothing was agreed before.
    pub is_first: bool,
}
