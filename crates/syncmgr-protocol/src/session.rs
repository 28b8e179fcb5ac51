//! The start of a session, and what is asked on the way.

use serde::{Deserialize, Serialize};
use syncmgr_model::id::ItemId;
use syncmgr_model::request::{Additional, Token};

use crate::conflict::Decision;
use crate::error::Wrong;
use crate::is_default;
use crate::item::{Item, ItemInfo, item_id};
use crate::trouble::Trouble;
use crate::words::{Cancel, Intent};

/// Work begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Start {
    /// What the session is known by.
    pub session_id: String,
    /// What to work on; never empty.
    pub items: Vec<Item>,
    /// What to do.
    pub work: Work,
    /// Do, or only say.
    pub intent: Intent,
    /// A person sits at the screen and may be asked something.
    #[serde(default, skip_serializing_if = "is_default")]
    pub may_ask: bool,
    /// What the one who asked passed along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// What to do in a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Work {
    /// Bring both sides together.
    Sync {
        /// Compare every content.
        #[serde(default)]
        is_full: bool,
        /// Let the held changes with this id go, once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        release: Option<String>,
    },
    /// Carry decisions on conflicts out.
    Resolve {
        /// Which ones.
        decisions: Vec<Decided>,
    },
}

/// A decision on a conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Decided {
    /// Which conflict.
    pub id: String,
    /// What to do about it.
    pub decision: Decision,
}

/// A session, or an item of it, is to stop.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CancelSession {
    /// Which session.
    pub session_id: String,
    /// Which item; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
}

/// A session, by its id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SessionRef {
    /// Which session.
    pub session_id: String,
}

/// An item in a session.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SessionItem {
    /// Which session.
    pub session_id: String,
    /// Which item.
    pub item: String,
}

/// An item in a session, or the session as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CanContinue {
    /// Which session.
    pub session_id: String,
    /// Which item; absent: the handler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct GoOn {
    /// Go on.
    pub go_on: bool,
}

/// The answer to a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cancelled {
    /// What is to stop.
    pub cancel: Cancel,
}

/// What waits for the handler while one of its sessions runs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AdditionalItems {
    /// The items that wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<String>>,
    /// The tokens that wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Vec<String>>,
}

impl AdditionalItems {
    /// Writes what waits.
    #[must_use]
    pub fn of(additional: Option<&Additional>) -> Self {
        let Some(additional) = additional else {
            return Self::default();
        };
        let items = additional.items.as_ref();
        let tokens = additional.tokens.as_ref();
        Self {
            items: items.map(|items| items.iter().map(ItemId::to_string).collect()),
            tokens: tokens.map(|all| all.iter().map(|token| token.0.to_string()).collect()),
        }
    }

    /// Reads what waits; `None`: nothing.
    ///
    /// # Errors
    /// [`Wrong`] for an id that is none.
    pub fn to_model(&self) -> Result<Option<Additional>, Wrong> {
        if self.items.is_none() && self.tokens.is_none() {
            return Ok(None);
        }
        let read = |items: &Vec<String>| {
            let each = |(at, id): (usize, &String)| item_id(&format!("items[{at}]"), id);
            items.iter().enumerate().map(each).collect()
        };
        let tokens = self.tokens.as_ref();
        Ok(Some(Additional {
            items: self.items.as_ref().map(read).transpose()?,
            tokens: tokens.map(|all| all.iter().map(|text| Token(text.as_str().into())).collect()),
        }))
    }
}

/// A waiting token is taken into the session.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AddToken {
    /// Which session.
    pub session_id: String,
    /// Which token.
    pub token: String,
}

/// An item that the host does not know is brought up.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Propose {
    /// In which session.
    pub session_id: String,
    /// The item.
    pub item: ItemInfo,
}

/// A session of the handler's own begins.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Open {
    /// On which items.
    pub items: Vec<String>,
}

/// A session of the handler's own ends.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Close {
    /// Which session.
    pub session_id: String,
    /// Why the work could not be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}
