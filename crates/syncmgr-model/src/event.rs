//! Events: what a session has to say (a result, to people).

use crate::id::{ItemId, SessionId};
use crate::time::Timestamp;
use crate::trouble::Trouble;

/// How loud an event is. The numbers are those of `SYNCMGR_EVENT_LEVEL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventLevel {
    /// For the record (`SYNCMGR_EL_INFORMATION`, 1).
    Information,
    /// Something was left out, the rest is fine (`SYNCMGR_EL_WARNING`, 2).
    Warning,
    /// Something that should have happened did not (`SYNCMGR_EL_ERROR`, 3).
    Error,
}

impl EventLevel {
    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Information => "information",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// Reads the stable word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Information, Self::Warning, Self::Error]
            .into_iter()
            .find(|level| level.as_str() == text)
    }
}

/// One result of a session. Its words are made from the trouble when it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Of which session.
    pub session: SessionId,
    /// About which item.
    pub item: ItemId,
    /// When.
    pub at: Timestamp,
    /// What it says.
    pub trouble: Trouble,
}
