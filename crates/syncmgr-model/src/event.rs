//! Events: what a session has to say (a result, to people).

use crate::id::{EventId, HandlerId, ItemId, SessionId};
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

impl EventLevel {
    /// Reads the number; other numbers are no level (spec 124).
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Information),
            2 => Some(Self::Warning),
            3 => Some(Self::Error),
            _ => None,
        }
    }

    /// Returns the number.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::Information => 1,
            Self::Warning => 2,
            Self::Error => 3,
        }
    }
}

/// Where an event leads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Link {
    /// The words of the link; harmless text.
    pub text: Option<String>,
    /// Where it leads when the handler does not take it itself (spec 133).
    pub reference: Option<String>,
}

/// An event as a handler reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// About which item; `None`: about the handler.
    pub item: Option<ItemId>,
    /// What it says; free words of a handler are [`crate::trouble::Code::HandlerSays`].
    pub trouble: Trouble,
    /// Where it leads.
    pub link: Link,
    /// The handler's own note on it.
    pub context: Option<String>,
}

/// One result. Its words are made from the trouble when it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// Of which handler.
    pub handler: HandlerId,
    /// About which item; `None`: about the handler.
    pub item: Option<ItemId>,
    /// Of which session; `None`: outside of any.
    pub session: Option<SessionId>,
    /// When.
    pub at: Timestamp,
    /// What it says.
    pub trouble: Trouble,
    /// Where it leads.
    pub link: Link,
    /// The handler's own note on it.
    pub context: Option<String>,
}
