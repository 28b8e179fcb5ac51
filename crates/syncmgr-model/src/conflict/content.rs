//! What a store tells of a conflict: its properties and the contents that disagree.

use super::Address;
use crate::time::Timestamp;

/// The key of a conflict's name (spec 140).
pub const KEY_NAME: &str = "System.ItemNameDisplay";
/// The key of what it is about.
pub const KEY_DESCRIPTION: &str = "System.Sync.ConflictDescription";
/// The key of the handler's id.
pub const KEY_HANDLER: &str = "System.Sync.HandlerID";
/// The key of the item's id.
pub const KEY_ITEM: &str = "System.Sync.ItemID";
/// The key of the time at which it was found.
pub const KEY_FOUND: &str = "System.DateModified";

/// A property of a conflict.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Property {
    /// It has none of that kind; also the answer for a key nobody knows (spec 140).
    #[default]
    Empty,
    /// Text.
    Text(String),
    /// A time.
    Time(Timestamp),
}

impl Property {
    /// Returns the text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Empty | Self::Time(_) => None,
        }
    }

    /// Returns the time, if it is one.
    #[must_use]
    pub fn time(&self) -> Option<Timestamp> {
        match self {
            Self::Time(time) => Some(*time),
            Self::Empty | Self::Text(_) => None,
        }
    }
}

/// What happened to a content that is in conflict (`SYNCMGR_CONFLICT_ITEM_TYPE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContentKind {
    /// It was changed, or is new (1).
    Updated,
    /// It was deleted (2).
    Deleted,
}

impl ContentKind {
    /// Returns the number.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::Updated => 1,
            Self::Deleted => 2,
        }
    }

    /// Reads the number.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        [Self::Updated, Self::Deleted]
            .into_iter()
            .find(|kind| kind.number() == number)
    }
}

/// One of the contents that disagree (`CONFIRM_CONFLICT_ITEM`). Its index among them names it in a
/// decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// What it is shown as.
    pub display_name: String,
    /// What it was called before the conflict; `None`: as it is shown (spec 142).
    pub original_name: Option<String>,
    /// What it has to be called when several are kept; `None`: it keeps its name.
    pub alternate_name: Option<String>,
    /// Where it is, in a word.
    pub short_location: String,
    /// Where it is, in full.
    pub full_location: String,
    /// What happened to it.
    pub kind: ContentKind,
    /// Bytes, when known.
    pub size: Option<u64>,
    /// When it was modified, when known.
    pub modified: Option<Timestamp>,
    /// The file that has it, absolute, bytes; `None`: it is in no file.
    pub path: Option<Vec<u8>>,
}

impl Content {
    /// Returns its name: the original one, or else the one that is shown (spec 142).
    #[must_use]
    pub fn name(&self) -> &str {
        self.original_name.as_deref().unwrap_or(&self.display_name)
    }
}

/// What a list shows of a conflict of any handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Leads to it again.
    pub address: Address,
    /// What the store may need to find it again.
    pub extra: Option<Vec<u8>>,
    /// The kind, in a stable word of its handler: decisions are repeated for the same one only.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// When it was found, when known.
    pub found_at: Option<Timestamp>,
}

/// What became of one conflict (`SYNCMGR_UPDATE_REASON`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UpdateReason {
    /// It is new (0).
    Added,
    /// It is not what it was (1).
    Changed,
    /// It is gone (2).
    Removed,
}

impl UpdateReason {
    /// Returns the number.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::Added => 0,
            Self::Changed => 1,
            Self::Removed => 2,
        }
    }

    /// Reads the number; others are no reason.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        [Self::Added, Self::Changed, Self::Removed]
            .into_iter()
            .find(|reason| reason.number() == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// spec 141, 142: a content without an original name goes by the one that is shown.
    #[test]
    fn a_missing_original_name_is_the_one_shown() {
        let mut content = Content {
            display_name: "report.txt".to_owned(),
            original_name: None,
            alternate_name: None,
            short_location: "NAS".to_owned(),
            full_location: "/mnt/nas/report.txt".to_owned(),
            kind: ContentKind::Updated,
            size: None,
            modified: None,
            path: None,
        };
        assert_eq!(content.name(), "report.txt");
        content.original_name = Some("old.txt".to_owned());
        assert_eq!(content.name(), "old.txt");
    }

    /// spec 141, 157: the numbers of the original.
    #[test]
    fn numbers() {
        assert_eq!(
            [1, 2].map(ContentKind::from_number),
            [Some(ContentKind::Updated), Some(ContentKind::Deleted)]
        );
        assert_eq!([0, 3].map(ContentKind::from_number), [None, None]);
        assert_eq!(
            [0, 1, 2, 3].map(UpdateReason::from_number),
            [
                Some(UpdateReason::Added),
                Some(UpdateReason::Changed),
                Some(UpdateReason::Removed),
                None
            ]
        );
    }
}
