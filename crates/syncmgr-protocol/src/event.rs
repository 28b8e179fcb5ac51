//! Results that a handler keeps itself.

use serde::{Deserialize, Serialize};
use syncmgr_model::event as model;
use syncmgr_model::id::{EventId, HandlerId};
use syncmgr_model::time::Timestamp;

use crate::error::Wrong;
use crate::item::item_id;
use crate::text::{SHOWN_MAX, TEXT_MAX, harmless};
use crate::trouble::Trouble;

/// Where a result leads.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Link {
    /// The words of the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Where it leads when the handler does not take it itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

impl Link {
    /// Writes a link; `None` when it leads nowhere.
    #[must_use]
    pub fn of(link: &model::Link) -> Option<Self> {
        let own = Self {
            text: link.text.clone(),
            reference: link.reference.clone(),
        };
        (own != Self::default()).then_some(own)
    }

    /// Reads a link.
    #[must_use]
    pub fn to_model(&self) -> model::Link {
        let text = self.text.as_ref();
        let reference = self.reference.as_ref();
        model::Link {
            text: text.map(|text| harmless(text, SHOWN_MAX)),
            reference: reference.map(|text| harmless(text, TEXT_MAX)),
        }
    }
}

/// A result that the handler keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StoredEvent {
    /// The handler's own id, below 2^52.
    pub id: u64,
    /// About which item; absent: about the handler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// What it says.
    pub trouble: Trouble,
    /// Where it leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
    /// The handler's own note on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}

impl StoredEvent {
    /// Writes a result.
    #[must_use]
    pub fn of(event: &model::Event) -> Self {
        Self {
            id: event.id.0,
            item: event.item.as_ref().map(ToString::to_string),
            at: event.at.0,
            trouble: Trouble::of(&event.trouble),
            link: Link::of(&event.link),
            context: event.context.clone(),
        }
    }

    /// Reads a result of this handler.
    ///
    /// # Errors
    /// [`Wrong`] for an id that is too large or none, or a trouble that says nothing.
    pub fn to_model(&self, handler: &HandlerId) -> Result<model::Event, Wrong> {
        let id = EventId(self.id);
        if id.of_store().is_none() {
            return Err(Wrong::new("id", "it is not below 2^52"));
        }
        let item = self.item.as_ref().map(|id| item_id("item", id));
        Ok(model::Event {
            id,
            handler: handler.clone(),
            item: item.transpose()?,
            session: None,
            at: Timestamp(self.at),
            trouble: self.trouble.to_model().map_err(|w| w.within("trouble"))?,
            link: self.link.clone().unwrap_or_default().to_model(),
            context: self.context.clone(),
        })
    }
}

/// Which results are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ListOf {
    /// Of which item; absent: of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
}

/// The results that the handler keeps.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Events {
    /// In the order of their times.
    pub events: Vec<StoredEvent>,
}

/// Results are removed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RemoveEvents {
    /// Which ones.
    pub ids: Vec<u64>,
}
