//! What one look at a handler and its items said, before any rule is applied: every answer as it
//! was given, an error as the error it was.

use crate::hresult::Hresult;
use crate::id::HandlerId;
use crate::item::Item;
use crate::time::Timestamp;

/// An answer of a handler's object.
pub type Answer<T> = Result<T, Hresult>;

/// The answers of `ISyncMgrHandlerInfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandlerInfoFacts {
    /// `GetType`, the number.
    pub kind: Answer<u32>,
    /// `GetTypeLabel`.
    pub type_label: Answer<String>,
    /// `GetComment`.
    pub comment: Answer<String>,
    /// `GetLastSyncTime`.
    pub last_sync: Answer<Timestamp>,
    /// `IsActive`; `NotImplemented` leaves the state to the center.
    pub is_active: Answer<bool>,
    /// `IsEnabled`; `NotImplemented` leaves the state to the center.
    pub is_enabled: Answer<bool>,
    /// `IsConnected`.
    pub is_connected: Answer<bool>,
}

/// The answers of `ISyncMgrHandler` and of its items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandlerFacts {
    /// Which handler.
    pub id: HandlerId,
    /// `GetName`.
    pub name: Answer<String>,
    /// `GetHandlerInfo`.
    pub info: Answer<HandlerInfoFacts>,
    /// `GetCapabilities`, the mask.
    pub capabilities: Answer<u32>,
    /// `GetPolicies`, the mask.
    pub policies: Answer<u32>,
    /// The items, or why they could not be listed. Items that are not listed in an answer that
    /// arrived are gone; an error says nothing about them.
    pub items: Answer<Vec<ItemFacts>>,
    /// It was made by others and has a process of its own, which is ended when a session is given
    /// up. The host says that, and not the handler.
    pub is_apart: bool,
}

/// The answers of `ISyncMgrSyncItemInfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemInfoFacts {
    /// `GetTypeLabel`.
    pub type_label: Answer<String>,
    /// `GetComment`.
    pub comment: Answer<String>,
    /// `GetLastSyncTime`.
    pub last_sync: Answer<Timestamp>,
    /// `IsEnabled`; `NotImplemented` leaves the state to the center.
    pub is_enabled: Answer<bool>,
    /// `IsConnected`.
    pub is_connected: Answer<bool>,
}

/// The answers of `ISyncMgrSyncItem`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemFacts {
    /// `GetItemID`.
    pub id: Answer<String>,
    /// `GetName`.
    pub name: Answer<String>,
    /// `GetItemInfo`.
    pub info: Answer<ItemInfoFacts>,
    /// `GetCapabilities`, the mask.
    pub capabilities: Answer<u32>,
    /// `GetPolicies`, the mask.
    pub policies: Answer<u32>,
    /// The folders it works on, absolute, bytes: two items with overlapping ones never run at
    /// once, whoever their handlers are.
    pub paths: Vec<Vec<u8>>,
    /// The saved item it is, for handlers whose items people make.
    pub saved: Option<Item>,
}
