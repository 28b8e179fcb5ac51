//! What a handler reports while it works.

use serde::{Deserialize, Serialize};
use syncmgr_model::record;
use syncmgr_model::side::PerSide;

use crate::event::Link;
use crate::is_default;
use crate::path::PathText;
use crate::preview::Preview;
use crate::trouble::Trouble;
use crate::words::{Phase, Status};

/// Where the work on an item stands, or how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Progress {
    /// In which session.
    pub session_id: String,
    /// Which item.
    pub item: String,
    /// How far it is.
    pub status: Status,
    /// The part of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// Steps done.
    #[serde(default, skip_serializing_if = "is_default")]
    pub n_done: u64,
    /// Steps planned, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_total: Option<u64>,
    /// Bytes copied.
    #[serde(default, skip_serializing_if = "is_default")]
    pub bytes_done: u64,
    /// Bytes planned, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_total: Option<u64>,
    /// Files and folders looked at on the left.
    #[serde(default, skip_serializing_if = "is_default")]
    pub n_seen_left: u64,
    /// Files and folders looked at on the right.
    #[serde(default, skip_serializing_if = "is_default")]
    pub n_seen_right: u64,
    /// What is being worked on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<PathText>,
}

/// Words about the handler as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Text {
    /// In which session.
    pub session_id: String,
    /// The words.
    pub text: String,
}

/// A result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Event {
    /// In which session.
    pub session_id: String,
    /// About which item; absent: about the handler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// What it says.
    pub trouble: Trouble,
    /// Where it leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
    /// The handler's own note on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}

/// What a result is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EventRef {
    /// Its id.
    pub event_id: u64,
}

/// What was done and left.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SummaryReport {
    /// In which session.
    pub session_id: String,
    /// Of which item.
    pub item: String,
    /// What was done and left.
    pub summary: Summary,
}

/// What would be done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PreviewReport {
    /// In which session.
    pub session_id: String,
    /// Of which item.
    pub item: String,
    /// What would be done.
    pub preview: Preview,
}

/// What was done and left.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Summary {
    /// Done on the left.
    #[serde(default, skip_serializing_if = "is_default")]
    pub left: Tally,
    /// Done on the right.
    #[serde(default, skip_serializing_if = "is_default")]
    pub right: Tally,
    /// Conflicts that wait.
    #[serde(default, skip_serializing_if = "is_default")]
    pub n_conflicts: u64,
    /// Held changes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub n_held: u64,
    /// Things that should have been synced and were not.
    #[serde(default, skip_serializing_if = "is_default")]
    pub n_failures: u64,
    /// Things no tool can sync.
    #[serde(default, skip_serializing_if = "is_default")]
    pub n_warnings: u64,
}

/// Counts for one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Tally {
    /// New files and links.
    #[serde(default, skip_serializing_if = "is_default")]
    pub n_copied: u64,
    /// Files and links replaced.
    #[serde(default, skip_serializing_if = "is_default")]
    pub n_updated: u64,
    /// Files and links deleted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub n_deleted: u64,
    /// Folders made.
    #[serde(default, skip_serializing_if = "is_default")]
    pub n_folders_made: u64,
    /// Folders removed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub n_folders_removed: u64,
    /// Renames.
    #[serde(default, skip_serializing_if = "is_default")]
    pub n_renamed: u64,
    /// Permissions or times set.
    #[serde(default, skip_serializing_if = "is_default")]
    pub n_attributes: u64,
    /// Bytes copied.
    #[serde(default, skip_serializing_if = "is_default")]
    pub bytes: u64,
}

/// The largest count that is taken: what a JSON reader of any language holds exactly. Counts of
/// several reports are added up, and the sum must not run over.
const COUNT_MAX: u64 = (1 << 53) - 1;

impl From<record::Tally> for Tally {
    fn from(own: record::Tally) -> Self {
        Self {
            n_copied: own.n_copied,
            n_updated: own.n_updated,
            n_deleted: own.n_deleted,
            n_folders_made: own.n_folders_made,
            n_folders_removed: own.n_folders_removed,
            n_renamed: own.n_renamed,
            n_attributes: own.n_attributes,
            bytes: own.bytes,
        }
    }
}

impl From<Tally> for record::Tally {
    fn from(own: Tally) -> Self {
        Self {
            n_copied: own.n_copied.min(COUNT_MAX),
            n_updated: own.n_updated.min(COUNT_MAX),
            n_deleted: own.n_deleted.min(COUNT_MAX),
            n_folders_made: own.n_folders_made.min(COUNT_MAX),
            n_folders_removed: own.n_folders_removed.min(COUNT_MAX),
            n_renamed: own.n_renamed.min(COUNT_MAX),
            n_attributes: own.n_attributes.min(COUNT_MAX),
            bytes: own.bytes.min(COUNT_MAX),
        }
    }
}

impl From<&record::Summary> for Summary {
    fn from(own: &record::Summary) -> Self {
        Self {
            left: own.done.left.into(),
            right: own.done.right.into(),
            n_conflicts: own.n_conflicts,
            n_held: own.n_held,
            n_failures: own.n_failures,
            n_warnings: own.n_warnings,
        }
    }
}

impl From<&Summary> for record::Summary {
    fn from(own: &Summary) -> Self {
        Self {
            done: PerSide {
                left: own.left.into(),
                right: own.right.into(),
            },
            n_conflicts: own.n_conflicts.min(COUNT_MAX),
            n_held: own.n_held.min(COUNT_MAX),
            n_failures: own.n_failures.min(COUNT_MAX),
            n_warnings: own.n_warnings.min(COUNT_MAX),
        }
    }
}
