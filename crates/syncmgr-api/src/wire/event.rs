//! Results: what runs had to say.

use serde::{Deserialize, Serialize};
use syncmgr_model::event;
use syncmgr_model::id::{ItemId, SessionId};
use syncmgr_model::trouble::Trouble;
use utoipa::ToSchema;

use super::{Notice, Unreadable, time, word};

/// One result of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Names it; sorts by time.
    pub id: String,
    /// Of which run.
    pub run: String,
    /// About which sync.
    pub item: String,
    /// When.
    pub at: String,
    /// What it says.
    pub notice: Notice,
    /// A person has seen it.
    pub seen: bool,
}

impl Event {
    /// Converts a result that a store knows under an id.
    #[must_use]
    pub fn of(id: &str, event: &event::Event, is_seen: bool) -> Self {
        Self {
            id: id.to_owned(),
            run: event.session.to_string(),
            item: event.item.to_string(),
            at: event.at.rfc3339(),
            notice: (&event.trouble).into(),
            seen: is_seen,
        }
    }
}

impl TryFrom<&Event> for event::Event {
    type Error = Unreadable;

    fn try_from(e: &Event) -> Result<Self, Unreadable> {
        Ok(Self {
            session: word("the id of a run", &e.run, |id| SessionId::new(id).ok())?,
            item: word("the id of a sync", &e.item, |id| ItemId::new(id).ok())?,
            at: time(&e.at)?,
            trouble: Trouble::try_from(&e.notice)?,
        })
    }
}

/// Marks results as seen: the counter goes down, no record goes away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Ids of the results; all of them when it is empty.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub events: Vec<String>,
}
