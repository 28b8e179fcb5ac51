//! What a session would do.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use syncmgr_model::preview as model;

use crate::error::Wrong;
use crate::is_default;
use crate::path::PathText;
use crate::text::{SHOWN_MAX, harmless};
use crate::trouble::Trouble;
use crate::words::{Action, Side};

/// Most characters of the id of a plan.
const ID_MAX: usize = 128;

/// What a session would do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Preview {
    /// Names the plan by its content.
    pub id: String,
    /// The steps, by path.
    pub changes: Vec<Change>,
    /// Holds, problems and warnings.
    #[serde(default, skip_serializing_if = "is_default")]
    pub troubles: Vec<Trouble>,
    /// Names the held part, for allowing exactly it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_id: Option<String>,
    /// Nothing was agreed before.
    #[serde(default, skip_serializing_if = "is_default")]
    pub is_first: bool,
}

/// One planned step on one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Change {
    /// The path; of a rename, the new one.
    pub path: PathText,
    /// On which side it happens.
    pub side: Side,
    /// What happens.
    pub action: Action,
    /// The old name of a rename.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<PathText>,
    /// Bytes copied, or freed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub bytes: u64,
    /// Why.
    #[serde(default, skip_serializing_if = "is_default")]
    pub reason: String,
    /// It waits for a person's OK.
    #[serde(default, skip_serializing_if = "is_default")]
    pub is_held: bool,
}

impl Preview {
    /// Writes a preview. Conflicts are not part of it here: they are told by `conflicts/list`.
    #[must_use]
    pub fn of(preview: &model::Preview) -> Self {
        Self {
            id: preview.id.clone(),
            changes: preview.changes.iter().map(Change::of).collect(),
            troubles: preview.troubles.iter().map(Trouble::of).collect(),
            held_id: preview.held_id.clone(),
            is_first: preview.is_first,
        }
    }

    /// Reads a preview.
    ///
    /// # Errors
    /// [`Wrong`] for a trouble that says nothing, or an id that is too long.
    pub fn to_model(&self) -> Result<model::Preview, Wrong> {
        let is_long = |id: &String| id.chars().count() > ID_MAX;
        if is_long(&self.id) || self.held_id.as_ref().is_some_and(is_long) {
            return Err(Wrong::new("id", "it is longer than 128 characters"));
        }
        let troubles = self.troubles.iter().map(Trouble::to_model);
        Ok(model::Preview {
            id: self.id.clone(),
            changes: self.changes.iter().map(Change::to_model).collect(),
            troubles: troubles.collect::<Result<_, _>>()?,
            held_id: self.held_id.clone(),
            is_first: self.is_first,
            ..model::Preview::default()
        })
    }
}

impl Change {
    fn of(change: &model::PlannedChange) -> Self {
        Self {
            path: PathText::of(&change.path),
            side: change.side.into(),
            action: change.action.into(),
            from: change.from.as_deref().map(PathText::of),
            bytes: change.bytes,
            reason: change.reason.to_string(),
            is_held: change.is_held,
        }
    }

    fn to_model(&self) -> model::PlannedChange {
        model::PlannedChange {
            path: self.path.bytes(),
            side: self.side.into(),
            action: self.action.into(),
            from: self.from.as_ref().map(PathText::bytes),
            bytes: self.bytes,
            reason: Cow::Owned(harmless(&self.reason, SHOWN_MAX)),
            is_held: self.is_held,
        }
    }
}
