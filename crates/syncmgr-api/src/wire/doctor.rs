//! What is checked of an installation, and the ways out of this computer.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Notice;

/// Something that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// What was checked, as `folder`.
    pub name: String,
    /// It is fine.
    pub ok: bool,
    /// What was found.
    pub detail: String,
    /// What helps, where it is not fine.
    #[schema(required)]
    pub fix: Option<String>,
}

/// Everything that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Checks {
    /// In the order in which they depend on each other.
    pub items: Vec<Check>,
}

/// A way on which a person is told something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    /// What a person calls it.
    pub name: String,
    /// How notices leave: `smtp`, `ntfy`, `webhook`, `command`.
    pub kind: String,
}

/// All ways on which a person is told something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Alerts {
    /// In the order of the settings.
    pub items: Vec<Alert>,
}

/// What became of a test notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlertTested {
    /// It arrived.
    pub arrived: bool,
    /// Why it did not.
    #[schema(required)]
    pub notice: Option<Notice>,
}
