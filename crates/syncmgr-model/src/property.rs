//! Properties of handlers, items and conflicts by the names of their keys (spec 200).
//!
//! A key that is not known, or that the subject does not have, reads as [`Value::Empty`]: asking
//! for it is not an error. The five keys the original names without publishing them (hidden,
//! enabled, connected, date synchronized, item type label) are read by name only.

use crate::id::{HandlerId, ItemId};
use crate::time::Timestamp;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// There is none.
    Empty,
    /// Text.
    Text(String),
    /// A number.
    Number(u32),
    /// Yes or no.
    Flag(bool),
    /// A time.
    Time(Timestamp),
}

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $key:expr;)*) => {
        /// Which property.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Key { $($(#[$doc])* $name,)* }

        impl Key {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns the name, as `System.Sync.HandlerID`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Returns the format id and the number within it, where the original published them.
            #[must_use]
            pub fn number(self) -> Option<(&'static str, u32)> {
                match self { $(Self::$name => $key,)* }
            }
        }
    };
}

const A: &str = "7bd5533e-af15-44db-b8c8-bd6624e1d032";
const B: &str = "ce50c159-2fb8-41fd-be68-d3e042e274bc";
const C: &str = "b725f130-47ef-101a-a5f1-02608c9eebac";

keys! {
    /// The collection a handler came from.
    HandlerCollectionId = "System.Sync.HandlerCollectionID", Some((A, 2));
    /// The id of the handler.
    HandlerId = "System.Sync.HandlerID", Some((A, 3));
    /// The id of the item.
    ItemId = "System.Sync.ItemID", Some((A, 6));
    /// The number of the handler's type.
    HandlerType = "System.Sync.HandlerType", Some((A, 8));
    /// The handler's type in words.
    HandlerTypeLabel = "System.Sync.HandlerTypeLabel", Some((A, 9));
    /// The status in words.
    Status = "System.Sync.Status", Some((A, 10));
    /// The comment.
    Comments = "System.Sync.Comments", Some((A, 13));
    /// Whole percent done; none while it does not run or the end is not known.
    ProgressPercentage = "System.Sync.ProgressPercentage", Some((A, 23));
    /// The number of [`SyncState`].
    State = "System.Sync.State", Some((A, 24));
    /// The name of the handler.
    HandlerName = "System.Sync.HandlerName", Some((B, 2));
    /// The name of the item.
    ItemName = "System.Sync.ItemName", Some((B, 3));
    /// What a conflict is about.
    ConflictDescription = "System.Sync.ConflictDescription", Some((B, 4));
    /// Where the first content in conflict is.
    ConflictFirstLocation = "System.Sync.ConflictFirstLocation", Some((B, 6));
    /// Where the second content in conflict is.
    ConflictSecondLocation = "System.Sync.ConflictSecondLocation", Some((B, 7));
    /// The name shown.
    ItemNameDisplay = "System.ItemNameDisplay", Some((C, 10));
    /// When a conflict was found.
    DateModified = "System.DateModified", Some((C, 14));
    /// It is hidden.
    Hidden = "System.Sync.Hidden", None;
    /// It is turned on.
    Enabled = "System.Sync.Enabled", None;
    /// It can be reached.
    Connected = "System.Sync.Connected", None;
    /// When it was last synced.
    DateSynchronized = "System.Sync.DateSynchronized", None;
    /// The type of the item in words.
    ItemTypeLabel = "System.Sync.ItemTypeLabel", None;
}

impl Key {
    /// Reads a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|key| key.name() == name)
    }
}

/// `System.Sync.State` (spec 190).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SyncState {
    /// Not set up (0).
    NotSetUp,
    /// Never run (1).
    NeverRun,
    /// Nothing to do (2).
    Idle,
    /// The last run left errors (3).
    Errors,
    /// A request waits (4).
    Pending,
    /// It runs (5).
    Syncing,
}

/// What [`SyncState`] is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// The handler is set up.
    pub is_active: bool,
    /// It ran at least once.
    pub was_run: bool,
    /// The last run left errors.
    pub has_errors: bool,
    /// A request waits (spec 89).
    pub is_queued: bool,
    /// It is in a session.
    pub is_running: bool,
}

impl SyncState {
    /// Derives the state: what happens now comes before what happened.
    #[must_use]
    pub fn of(standing: Standing) -> Self {
        if !standing.is_active {
            Self::NotSetUp
        } else if standing.is_running {
            Self::Syncing
        } else if standing.is_queued {
            Self::Pending
        } else if !standing.was_run {
            Self::NeverRun
        } else if standing.has_errors {
            Self::Errors
        } else {
            Self::Idle
        }
    }

    /// Returns the number.
    #[must_use]
    pub fn number(self) -> u32 {
        self as u32
    }
}

/// A handler or item whose properties are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The collection the handler came from.
    pub collection: Option<String>,
    /// The handler.
    pub handler: HandlerId,
    /// Its name.
    pub handler_name: String,
    /// The number of its type.
    pub handler_type: u32,
    /// Its type in words.
    pub handler_type_label: String,
    /// The item and its name; `None`: the handler itself.
    pub item: Option<(ItemId, String)>,
    /// The item's type in words.
    pub item_type_label: String,
    /// The status in words.
    pub status: String,
    /// The comment.
    pub comment: String,
    /// Whole percent done.
    pub percent: Option<u8>,
    /// The state.
    pub state: SyncState,
    /// It is hidden.
    pub is_hidden: bool,
    /// It is turned on.
    pub is_enabled: bool,
    /// It can be reached.
    pub is_connected: bool,
    /// When it was last synced.
    pub last_sync: Option<Timestamp>,
}

impl Subject {
    /// Reads a property by the name of its key.
    #[must_use]
    pub fn read(&self, name: &str) -> Value {
        let text = |text: &String| Value::Text(text.clone());
        let of_item = |value: fn(&(ItemId, String)) -> String| {
            self.item
                .as_ref()
                .map_or(Value::Empty, |item| Value::Text(value(item)))
        };
        let Some(key) = Key::parse(name) else {
            return Value::Empty;
        };
        match key {
            Key::HandlerCollectionId => self.collection.as_ref().map_or(Value::Empty, text),
            Key::HandlerId => Value::Text(self.handler.to_string()),
            Key::ItemId => of_item(|(id, _)| id.to_string()),
            Key::HandlerType => Value::Number(self.handler_type),
            Key::HandlerTypeLabel => text(&self.handler_type_label),
            Key::Status => text(&self.status),
            Key::Comments => text(&self.comment),
            Key::ProgressPercentage => self
                .percent
                .map_or(Value::Empty, |percent| Value::Number(percent.into())),
            Key::State => Value::Number(self.state.number()),
            Key::HandlerName => text(&self.handler_name),
            Key::ItemName => of_item(|(_, name)| name.clone()),
            Key::ItemNameDisplay => match &self.item {
                Some((_, name)) => text(name),
                None => text(&self.handler_name),
            },
            Key::Hidden => Value::Flag(self.is_hidden),
            Key::Enabled => Value::Flag(self.is_enabled),
            Key::Connected => Value::Flag(self.is_connected),
            Key::DateSynchronized => self.last_sync.map_or(Value::Empty, Value::Time),
            Key::ItemTypeLabel => match self.item {
                Some(_) => text(&self.item_type_label),
                None => Value::Empty,
            },
            Key::ConflictDescription
            | Key::ConflictFirstLocation
            | Key::ConflictSecondLocation
            | Key::DateModified => Value::Empty,
        }
    }
}

/// A conflict whose properties are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictSubject {
    /// What it is called.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// Where its contents are, in order.
    pub locations: Vec<String>,
    /// Whose it is.
    pub handler: HandlerId,
    /// Of which item.
    pub item: Option<ItemId>,
    /// When it was found.
    pub found_at: Option<Timestamp>,
}

impl ConflictSubject {
    /// Reads a property by the name of its key.
    #[must_use]
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a conflict has these seven properties and no others"
    )]
    pub fn read(&self, name: &str) -> Value {
        let location = |n: usize| {
            self.locations
                .get(n)
                .cloned()
                .map_or(Value::Empty, Value::Text)
        };
        let Some(key) = Key::parse(name) else {
            return Value::Empty;
        };
        match key {
            Key::ItemNameDisplay => Value::Text(self.name.clone()),
            Key::ConflictDescription => Value::Text(self.description.clone()),
            Key::ConflictFirstLocation => location(0),
            Key::ConflictSecondLocation => location(1),
            Key::HandlerId => Value::Text(self.handler.to_string()),
            Key::ItemId => match &self.item {
                Some(item) => Value::Text(item.to_string()),
                None => Value::Empty,
            },
            Key::DateModified => self.found_at.map_or(Value::Empty, Value::Time),
            _ => Value::Empty,
        }
    }
}

#[cfg(test)]
mod tests;
