//! Conflicts and decisions on them.

use serde::{Deserialize, Serialize};
use syncmgr_model::conflict as model;
use syncmgr_model::id::ItemId;
use syncmgr_model::resolution::{self, Abilities, KeptItem, Substitute};
use syncmgr_model::time::Timestamp;

use crate::error::Wrong;
use crate::item::item_id;
use crate::life::ConflictCapabilities;
use crate::path::PathText;
use crate::text::{SHOWN_MAX, TEXT_MAX, harmless};
use crate::words::{ContentKind, Feedback};

/// Most contents of one conflict: more than anybody can choose from.
pub const CONTENTS_MAX: usize = 64;

/// A conflict.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Conflict {
    /// Names it within the handler.
    pub id: String,
    /// Of which item; absent: of the handler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// The kind, a stable word of the handler.
    pub kind: String,
    /// What it is called.
    pub name: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When it was found, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found_at: Option<i64>,
    /// What can be done about it; absent: what the handler can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abilities: Option<Vec<String>>,
    /// The contents that disagree.
    pub contents: Vec<Content>,
}

/// One of the contents that disagree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Content {
    /// What it is shown as.
    pub display_name: String,
    /// What it was called before the conflict; absent: as it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_name: Option<String>,
    /// What it has to be called when several are kept; absent: it keeps its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternate_name: Option<String>,
    /// Where it is, in a word.
    pub short_location: String,
    /// Where it is, in full.
    pub full_location: String,
    /// What happened to it.
    pub kind: ContentKind,
    /// Bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// When it was modified, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<i64>,
    /// A file with this content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathText>,
}

/// The words of [`Conflict::abilities`]; keeping one is always possible.
pub const ABILITIES: &[(&str, Abilities)] = &[
    ("keep-recent", Abilities::KEEP_RECENT),
    ("keep-multiple", Abilities::KEEP_MULTIPLE),
    ("keep-other", Abilities::KEEP_OTHER),
    ("remove-from-sync-set", Abilities::REMOVE_FROM_SYNC_SET),
];

impl ConflictCapabilities {
    /// Returns what can be done about a conflict, as bits.
    #[must_use]
    pub fn abilities(&self) -> Abilities {
        let mut abilities = Abilities::KEEP_SINGLE;
        abilities.set(Abilities::KEEP_RECENT, self.keep_recent);
        abilities.set(Abilities::KEEP_MULTIPLE, self.keep_multiple);
        abilities.set(Abilities::KEEP_OTHER, self.keep_other);
        abilities.set(Abilities::REMOVE_FROM_SYNC_SET, self.remove_from_sync_set);
        abilities
    }
}

impl Conflict {
    /// Returns what can be done about it: what it says, but nothing that its handler cannot.
    #[must_use]
    pub fn abilities(&self, of_handler: ConflictCapabilities) -> Abilities {
        let most = of_handler.abilities();
        match &self.abilities {
            Some(words) => (crate::flags::bits(words, ABILITIES) & most) | Abilities::KEEP_SINGLE,
            None => most,
        }
    }

    /// Returns the item it belongs to.
    ///
    /// # Errors
    /// [`Wrong`] when the id is none.
    pub fn item_id(&self) -> Result<Option<ItemId>, Wrong> {
        let item = self.item.as_ref();
        item.map(|id| item_id("item", id)).transpose()
    }

    /// Returns the contents.
    #[must_use]
    pub fn contents(&self) -> Vec<model::Content> {
        self.contents.iter().map(Content::to_model).collect()
    }

    /// Returns the name, harmless.
    #[must_use]
    pub fn shown_name(&self) -> String {
        harmless(&self.name, SHOWN_MAX)
    }

    /// Returns what it is about, harmless.
    #[must_use]
    pub fn shown_description(&self) -> String {
        harmless(self.description.as_deref().unwrap_or_default(), TEXT_MAX)
    }

    /// Says what is wrong with it, if anything.
    ///
    /// # Errors
    /// [`Wrong`].
    pub fn check(&self) -> Result<(), Wrong> {
        self.item_id()?;
        if self.id.is_empty() || self.id.len() > model::CONFLICT_ID_LEN_MAX {
            return Err(Wrong::new("id", "it has not 1 to 256 bytes"));
        }
        if self.contents.is_empty() || self.contents.len() > CONTENTS_MAX {
            return Err(Wrong::new("contents", "there are not 1 to 64 of them"));
        }
        Ok(())
    }
}

impl Content {
    /// Writes a content.
    #[must_use]
    pub fn of(content: &model::Content) -> Self {
        Self {
            display_name: content.display_name.clone(),
            original_name: content.original_name.clone(),
            alternate_name: content.alternate_name.clone(),
            short_location: content.short_location.clone(),
            full_location: content.full_location.clone(),
            kind: content.kind.into(),
            size: content.size,
            modified: content.modified.map(|at| at.0),
            path: content.path.as_deref().map(PathText::of),
        }
    }

    /// Reads a content.
    #[must_use]
    pub fn to_model(&self) -> model::Content {
        let shown = |text: &String| harmless(text, SHOWN_MAX);
        model::Content {
            display_name: shown(&self.display_name),
            original_name: self.original_name.as_ref().map(shown),
            alternate_name: self.alternate_name.as_ref().map(shown),
            short_location: shown(&self.short_location),
            full_location: harmless(&self.full_location, TEXT_MAX),
            kind: self.kind.into(),
            size: self.size,
            modified: self.modified.map(Timestamp),
            path: self.path.as_ref().map(PathText::bytes),
        }
    }
}

/// What is to be done about a conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Decision {
    /// Keep these contents.
    Keep {
        /// Never empty.
        items: Vec<Kept>,
    },
    /// Keep the content modified last.
    KeepRecent,
    /// Put the bytes of a file in the place of all.
    KeepOther {
        /// The file.
        path: PathText,
    },
    /// Merge them.
    Merge,
    /// Do not sync it any more.
    RemoveFromSyncSet,
}

/// One content to keep.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Kept {
    /// Its index among the contents.
    pub index: usize,
    /// What it is called from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Decision {
    /// Writes a decision. `write` puts bytes into a file that the handler can read, and says where.
    ///
    /// # Errors
    /// That of `write`.
    pub fn of<E>(
        decision: &resolution::Decision,
        write: impl FnOnce(&[u8]) -> Result<PathText, E>,
    ) -> Result<Self, E> {
        Ok(match decision {
            resolution::Decision::KeepItems(items) => Self::Keep {
                items: items.iter().map(Kept::of).collect(),
            },
            resolution::Decision::KeepRecent => Self::KeepRecent,
            resolution::Decision::KeepOther(Substitute::Merge) => Self::Merge,
            resolution::Decision::KeepOther(Substitute::Bytes(bytes)) => Self::KeepOther {
                path: write(bytes)?,
            },
            resolution::Decision::RemoveFromSyncSet => Self::RemoveFromSyncSet,
        })
    }

    /// Reads a decision. `read` fetches the bytes of a file.
    ///
    /// # Errors
    /// That of `read`.
    pub fn to_model<E>(
        &self,
        read: impl FnOnce(&PathText) -> Result<Vec<u8>, E>,
    ) -> Result<resolution::Decision, E> {
        Ok(match self {
            Self::Keep { items } => {
                resolution::Decision::KeepItems(items.iter().map(Kept::to_model).collect())
            }
            Self::KeepRecent => resolution::Decision::KeepRecent,
            Self::KeepOther { path } => {
                resolution::Decision::KeepOther(Substitute::Bytes(read(path)?))
            }
            Self::Merge => resolution::Decision::KeepOther(Substitute::Merge),
            Self::RemoveFromSyncSet => resolution::Decision::RemoveFromSyncSet,
        })
    }
}

impl Kept {
    fn of(kept: &KeptItem) -> Self {
        Self {
            index: kept.index,
            name: kept.name.clone(),
        }
    }

    fn to_model(&self) -> KeptItem {
        KeptItem {
            index: self.index,
            name: self.name.clone(),
        }
    }
}

/// The conflicts of the handler.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Conflicts {
    /// Always in the same order.
    pub conflicts: Vec<Conflict>,
}

/// A conflict is decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Resolve {
    /// Which one.
    pub id: String,
    /// Of which item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// What to do about it.
    pub decision: Decision,
}

/// How deciding goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Resolved {
    /// With the next one, with this one again, or not at all.
    pub feedback: Feedback,
}

/// Conflicts are taken off the list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RemoveConflicts {
    /// Which ones.
    pub ids: Vec<String>,
}
