//! Events: what a session has to say (a result, to people).

use crate::hresult::Hresult;
use crate::id::{EventId, HandlerId, ItemId, SessionId};
use crate::time::Timestamp;
use crate::trouble::{Code, Trouble};

/// The only flags an event may have (`SYNCMGR_EF_NONE`).
pub const FLAGS_NONE: u32 = 0;

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

/// The bit that tells an event a handler keeps itself from one the center keeps. Below the largest
/// number a JSON reader may hold exactly.
const OWN: u64 = 1 << 52;

impl EventId {
    /// Returns how the center calls an event that a handler keeps itself under this id, so that it
    /// cannot be mistaken for one of the center's; `None` for an id of 2^52 or more.
    #[must_use]
    pub fn of_store(self) -> Option<Self> {
        (self.0 < OWN).then_some(Self(self.0 | OWN))
    }

    /// Returns what the handler calls it; `None`: the center keeps it.
    #[must_use]
    pub fn in_store(self) -> Option<Self> {
        (self.0 & OWN != 0).then_some(Self(self.0 & !OWN))
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

impl NewEvent {
    /// Builds an event as `ReportEvent` takes it: by the numbers of the original, with a name and a
    /// description in the handler's own words.
    ///
    /// # Errors
    /// [`Hresult::InvalidArgument`] for a level that is none, or flags other than 0 (spec 124).
    pub fn said(
        item: Option<ItemId>,
        (level, flags): (u32, u32),
        name: &str,
        description: &str,
    ) -> Result<Self, Hresult> {
        let level = EventLevel::from_number(level).ok_or(Hresult::InvalidArgument)?;
        if flags != FLAGS_NONE {
            return Err(Hresult::InvalidArgument);
        }
        Ok(Self {
            item,
            trouble: Trouble::new(Code::HandlerSays)
                .with("name", name)
                .with("description", description)
                .at_level(level),
            link: Link::default(),
            context: None,
        })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// spec 124: levels are 1 to 3, flags are 0.
    #[test]
    fn numbers_of_an_event() {
        let said = |level, flags| NewEvent::said(None, (level, flags), "a", "b");
        for level in 1..=3 {
            assert_eq!(said(level, 0).unwrap().trouble.level.number(), level);
        }
        for (level, flags) in [(0, 0), (4, 0), (3, 1), (1, u32::MAX)] {
            assert_eq!(said(level, flags), Err(Hresult::InvalidArgument));
        }
    }

    /// spec 128: an event of a handler's own store is never taken for one of the center's.
    #[test]
    fn ids_of_two_stores_do_not_meet() {
        let theirs = EventId(5).of_store().unwrap();
        assert_ne!(theirs, EventId(5));
        assert_eq!(theirs.in_store(), Some(EventId(5)));
        assert_eq!(EventId(5).in_store(), None);
        assert_eq!(EventId(1 << 52).of_store(), None);
    }
}
