//! A preview: what a run would do, before it does it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use syncmgr_model::conflict;
use syncmgr_model::escape::{escape, unescape};
use syncmgr_model::preview::{self, Action, PlannedChange};
use syncmgr_model::side::Side;
use syncmgr_model::trouble::Trouble;
use utoipa::ToSchema;

use super::{Conflict, Notice, Sides, Unreadable, word};

/// One planned change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "ChangeJson"))]
pub struct Change {
    /// The path below the folders.
    pub path: String,
    /// On which side it happens.
    pub side: String,
    /// What happens.
    pub action: String,
    /// The old name of a rename.
    pub from: Option<String>,
    /// Bytes copied, or freed by a deletion.
    pub bytes: u64,
    /// Why, a stable word.
    pub reason: String,
    /// It waits for an OK.
    pub held: bool,
}

impl From<&PlannedChange> for Change {
    fn from(c: &PlannedChange) -> Self {
        Self {
            path: escape(&c.path),
            side: c.side.as_str().to_owned(),
            action: c.action.as_str().to_owned(),
            from: c.from.as_deref().map(escape),
            bytes: c.bytes,
            reason: c.reason.to_string(),
            held: c.is_held,
        }
    }
}

impl TryFrom<&Change> for PlannedChange {
    type Error = Unreadable;

    fn try_from(c: &Change) -> Result<Self, Unreadable> {
        Ok(Self {
            path: unescape(&c.path),
            side: word("a side", &c.side, Side::parse)?,
            action: word("a step", &c.action, Action::parse)?,
            from: c.from.as_deref().map(unescape),
            bytes: c.bytes,
            reason: Cow::Owned(c.reason.clone()),
            is_held: c.held,
        })
    }
}

/// What one side holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Census {
    /// Files and links.
    pub files: u64,
    /// Folders.
    pub folders: u64,
    /// Bytes.
    pub bytes: u64,
}

impl From<&preview::Census> for Census {
    fn from(c: &preview::Census) -> Self {
        Self {
            files: c.n_files,
            folders: c.n_folders,
            bytes: c.bytes,
        }
    }
}

impl From<&Census> for preview::Census {
    fn from(c: &Census) -> Self {
        Self {
            n_files: c.files,
            n_folders: c.folders,
            bytes: c.bytes,
        }
    }
}

/// What a run would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Preview {
    /// Identifies the plan.
    pub plan: String,
    /// Identifies the held part, for letting exactly it go.
    pub held_plan: Option<String>,
    /// Nothing was agreed before.
    pub first: bool,
    /// What each side holds.
    pub census: Sides<Census>,
    /// What would be done.
    pub changes: Vec<Change>,
    /// What waits for a decision.
    pub conflicts: Vec<Conflict>,
    /// Messages.
    pub notices: Vec<Notice>,
}

impl Preview {
    /// Converts the preview of an item.
    #[must_use]
    pub fn of(item: &str, preview: &preview::Preview) -> Self {
        Self {
            plan: preview.id.clone(),
            held_plan: preview.held_id.clone(),
            first: preview.is_first,
            census: Sides::of(&preview.census, Census::from),
            changes: preview.changes.iter().map(Change::from).collect(),
            conflicts: preview
                .conflicts
                .iter()
                .map(|c| Conflict::of(item, c))
                .collect(),
            notices: preview.troubles.iter().map(Notice::from).collect(),
        }
    }
}

impl TryFrom<&Preview> for preview::Preview {
    type Error = Unreadable;

    fn try_from(p: &Preview) -> Result<Self, Unreadable> {
        let conflicts = p.conflicts.iter().map(conflict::Conflict::try_from);
        Ok(Self {
            id: p.plan.clone(),
            changes: p
                .changes
                .iter()
                .map(PlannedChange::try_from)
                .collect::<Result<_, _>>()?,
            conflicts: conflicts.collect::<Result<_, _>>()?,
            troubles: p
                .notices
                .iter()
                .map(Trouble::try_from)
                .collect::<Result<_, _>>()?,
            held_id: p.held_plan.clone(),
            census: p.census.read::<_, Unreadable>(|c| Ok(c.into()))?,
            is_first: p.first,
        })
    }
}
