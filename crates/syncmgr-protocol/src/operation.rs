//! What a handler shows to a person.

use serde::{Deserialize, Serialize};

use crate::event::StoredEvent;

/// Something is to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Run {
    /// What.
    pub operation: Kind,
    /// Of which item; absent: of the handler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// The result whose link a person followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<StoredEvent>,
}

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The content.
    Browse,
    /// The schedule.
    ShowSchedule,
    /// A question before it is set up.
    QueryBeforeActivate,
    /// A question before it is taken down.
    QueryBeforeDeactivate,
    /// A question before it is turned on.
    QueryBeforeEnable,
    /// A question before it is turned off.
    QueryBeforeDisable,
    /// A question before it is removed.
    QueryBeforeDelete,
    /// Where the link of a result leads.
    EventLink,
}

/// Where something can be shown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Window {
    /// A handle of the window system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<u64>,
    /// The display.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
}

/// What a person said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Answer {
    /// Yes.
    pub answer: bool,
}

/// Something that is shown already is to come to the front.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Raise {
    /// What.
    pub operation: Kind,
    /// Of which item; absent: of the handler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
}
