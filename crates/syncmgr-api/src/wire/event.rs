//! Results: what runs had to say.

use serde::{Deserialize, Serialize};
use syncmgr_model::event;
use syncmgr_model::id::{EventId, HandlerId, ItemId, SessionId};
use syncmgr_model::trouble::Trouble;
use utoipa::ToSchema;

use super::{Notice, Unreadable, time, word};

/// One result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "ResultJson"))]
pub struct Event {
    /// Names it; grows with time.
    pub id: u64,
    /// Of which handler.
    pub handler: String,
    /// Of which run; null: outside of any.
    pub run: Option<String>,
    /// About which sync; null: about the handler.
    pub item: Option<String>,
    /// When.
    pub at: String,
    /// What it says.
    pub notice: Notice,
    /// The words of the link that goes with it.
    pub link_text: Option<String>,
    /// Where that link leads.
    pub link_reference: Option<String>,
    /// The handler's own note on it.
    pub context: Option<String>,
}

/// A result in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventView {
    /// The result.
    #[serde(flatten)]
    pub event: Event,
    /// It is of now: what it is about was not synced since.
    pub current: bool,
    /// Its handler keeps it, in a store of its own.
    pub own: bool,
    /// What the sync is called that it is about; null: it is about none, or about one that is gone.
    pub title: Option<String>,
}

impl From<&event::Event> for Event {
    fn from(event: &event::Event) -> Self {
        Self {
            id: event.id.0,
            handler: event.handler.to_string(),
            run: event.session.as_ref().map(ToString::to_string),
            item: event.item.as_ref().map(ToString::to_string),
            at: event.at.rfc3339(),
            notice: (&event.trouble).into(),
            link_text: event.link.text.clone(),
            link_reference: event.link.reference.clone(),
            context: event.context.clone(),
        }
    }
}

impl TryFrom<&Event> for event::Event {
    type Error = Unreadable;

    fn try_from(e: &Event) -> Result<Self, Unreadable> {
        let session = |id: &String| word("the id of a run", id, |id| SessionId::new(id).ok());
        let item = |id: &String| word("the id of a sync", id, |id| ItemId::new(id).ok());
        Ok(Self {
            id: EventId(e.id),
            handler: word("the id of a handler", &e.handler, |id| {
                HandlerId::new(id).ok()
            })?,
            session: e.run.as_ref().map(session).transpose()?,
            item: e.item.as_ref().map(item).transpose()?,
            at: time(&e.at)?,
            trouble: Trouble::try_from(&e.notice)?,
            link: event::Link {
                text: e.link_text.clone(),
                reference: e.link_reference.clone(),
            },
            context: e.context.clone(),
        })
    }
}

/// Marks the results of syncs as seen: the counter goes down, no record goes away.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Ids of the syncs; all of them when it is empty.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub items: Vec<String>,
}

/// Where the link of a result leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Followed {
    /// An address to open; null: its handler showed it already.
    pub address: Option<String>,
}
