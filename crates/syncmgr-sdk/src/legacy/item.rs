//! What a handler of the older family says about itself and its items.

use syncmgr_model::time::Timestamp;

use super::{Guid, HandlerFlags, ItemFlags, Success};

/// What a handler says about itself (`SYNCMGRHANDLERINFO`). Its icon is the registered one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyHandlerInfo {
    /// What it is called.
    pub name: String,
    /// What it is and may.
    pub flags: HandlerFlags,
}

/// What a handler says about one of its items (`SYNCMGRITEM`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyItem {
    /// Its identity, for good.
    pub id: Guid,
    /// What it is called.
    pub name: String,
    /// What it is and may.
    pub flags: ItemFlags,
    /// Whether it is synced as long as the person has not chosen (`SYNCMGRITEMSTATE`).
    pub is_checked: bool,
    /// When it was last brought up to date; counts only with [`ItemFlags::has_update_time`].
    pub last_update: Option<Timestamp>,
}

/// The items of a handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyItems {
    /// The items, in the order in which they are shown.
    pub items: Vec<LegacyItem>,
    /// Whether these are all there are. If not ([`Success::MissingItems`]), what a person chose for
    /// an item that is not among them is kept; otherwise it is forgotten.
    pub is_complete: bool,
}

impl LegacyItems {
    /// Returns the code with which the original hands the list over.
    #[must_use]
    pub fn success(&self) -> Success {
        if self.is_complete {
            Success::Ok
        } else {
            Success::MissingItems
        }
    }

    /// Finds an item.
    #[must_use]
    pub fn find(&self, id: Guid) -> Option<&LegacyItem> {
        self.items.iter().find(|item| item.id == id)
    }
}
