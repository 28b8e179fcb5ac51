//! A conflict: one path whose two versions wait for a person, while everything else keeps syncing.

mod address;
mod content;

pub use address::{Address, CONFLICT_ID_LEN_MAX, ConflictId};
pub use content::{
    Card, Content, ContentKind, KEY_DESCRIPTION, KEY_FOUND, KEY_HANDLER, KEY_ITEM, KEY_NAME,
    Property, UpdateReason,
};

use crate::language::say;
use crate::side::PerSide;
use crate::time::Timestamp;

/// How two versions came to disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConflictKind {
    /// Both sides changed it, differently.
    BothChanged,
    /// One side changed it, the other deleted it.
    ChangedAndDeleted,
    /// Both sides have something new, and different, under this name.
    BothNew,
    /// It is another kind of thing on each side.
    KindsDiffer,
}

impl ConflictKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [
        Self::BothChanged,
        Self::ChangedAndDeleted,
        Self::BothNew,
        Self::KindsDiffer,
    ];

    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BothChanged => "both-changed",
            Self::ChangedAndDeleted => "changed-and-deleted",
            Self::BothNew => "both-new",
            Self::KindsDiffer => "kinds-differ",
        }
    }

    /// Reads the stable word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Returns the words shown to people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::BothChanged => say("both changed", "beide geändert"),
            Self::ChangedAndDeleted => say("changed and deleted", "geändert und gelöscht"),
            Self::BothNew => say("both new", "auf beiden Seiten neu"),
            Self::KindsDiffer => say("different kinds", "verschiedener Art"),
        }
    }
}

/// What kind of thing a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A fifo, socket or device.
    Special,
}

impl Kind {
    const ALL: [Self; 4] = [Self::File, Self::Folder, Self::Link, Self::Special];

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Returns the word, for people and for JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Folder => "folder",
            Self::Link => "link",
            Self::Special => "special file",
        }
    }
}

/// What one side has under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Facts {
    /// Nothing.
    Missing,
    /// It cannot be found out.
    Unknown,
    /// Something.
    Present {
        /// What it is.
        kind: Kind,
        /// Bytes of content.
        size: u64,
        /// When it was modified.
        modified: Timestamp,
    },
}

/// A conflict, as a store lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Names it within its item; short hexadecimal. Empty in a preview, where it is not stored yet.
    pub id: String,
    /// The path, bytes.
    pub path: Vec<u8>,
    /// How it came about.
    pub kind: ConflictKind,
    /// What each side has.
    pub sides: PerSide<Facts>,
    /// Changes beneath a folder that wait with it.
    pub n_within: u64,
    /// When it was first seen.
    pub since: Option<Timestamp>,
}
