//! The resources. Each module has what is sent, how it is made from the model, and how it is read
//! back into the model.
//!
//! What leaves the program is made without failing; what comes in is checked word by word, and
//! [`Unreadable`] names the first text that means nothing here (a newer daemon, say).

pub mod center;
pub mod conflict;
pub mod desk;
pub mod doctor;
pub mod event;
pub mod folder;
pub mod found;
pub mod handler;
pub mod item;
pub mod notice;
pub mod outside;
pub mod preview;
pub mod progress;
pub mod run;
pub mod schedule;
pub mod sign_in;
pub mod version;
pub mod why;

pub use center::{Activity, CenterState, Health, SettingKey};
pub use conflict::{Conflict, Content, Contents, Decision, Facts};
pub use desk::{Conflicts, ListedConflict, Resolve, ResolveAnswer};
pub use event::{Event, EventView, Followed, Seen};
pub use folder::Folders;
pub use found::{FoundSync, Silent};
pub use handler::{Handler, SettingHelp};
pub use item::{
    Item, ItemChange, ItemDraft, ItemNew, ItemState, ItemView, Items, Notices, PastRun, Pause,
};
pub use notice::Notice;
pub use preview::{Census, Change, Preview};
pub use progress::Progress;
pub use run::{Cancel, PastSession, Run, RunNew, Step, Summary, Tally};
pub use schedule::{
    Agenda, NextRuns, PlannedItem, PlannedRun, Schedule, ScheduleChecked, ScheduleRules,
};
pub use version::{Storage, Version};
pub use why::Explanation;

use serde::{Deserialize, Serialize};
use syncmgr_model::side::PerSide;
use syncmgr_model::time::Timestamp;
use utoipa::ToSchema;

/// The answer has a word that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read {what} from `{}`: is the other side a newer version?", .text.escape_debug())]
pub struct Unreadable {
    /// What was to be read.
    pub what: &'static str,
    /// The text.
    pub text: String,
}

/// Reads a word, or says which one means nothing.
pub(crate) fn word<T>(
    what: &'static str,
    text: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, Unreadable> {
    parse(text).ok_or_else(|| Unreadable {
        what,
        text: text.to_owned(),
    })
}

/// Reads a time.
pub(crate) fn time(text: &str) -> Result<Timestamp, Unreadable> {
    word("a time", text, Timestamp::parse_rfc3339)
}

/// The body of a request that needs none: `{}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// One of each side.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sides<T> {
    /// The left one.
    pub left: T,
    /// The right one.
    pub right: T,
}

impl<T> Sides<T> {
    /// Converts both.
    pub fn of<'a, S>(sides: &'a PerSide<S>, convert: impl Fn(&'a S) -> T) -> Self {
        Self {
            left: convert(&sides.left),
            right: convert(&sides.right),
        }
    }

    /// Reads both.
    ///
    /// # Errors
    /// The first one that cannot be read, left first.
    pub fn read<S, E>(&self, convert: impl Fn(&T) -> Result<S, E>) -> Result<PerSide<S>, E> {
        Ok(PerSide {
            left: convert(&self.left)?,
            right: convert(&self.right)?,
        })
    }
}
