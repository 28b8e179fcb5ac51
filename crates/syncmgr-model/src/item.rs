//! An item: one sync, as a person set it up. What is in its settings only its handler knows.

use std::collections::BTreeMap;

use crate::id::{HandlerId, ItemId};

/// Most units of UTF-16 a name may have: one less than `MAX_SYNCMGR_NAME` of syncmgr.h.
pub const NAME_LEN_MAX: usize = 127;

/// One value among the settings of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Number(u64),
    /// Texts in order.
    List(Vec<String>),
}

/// The settings of an item: the handler's own keys and values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings(pub BTreeMap<String, Value>);

impl Settings {
    /// Sets a value.
    pub fn set(&mut self, key: &str, value: Value) {
        self.0.insert(key.to_owned(), value);
    }

    /// Returns a text.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.0.get(key)? {
            Value::Text(text) => Some(text),
            Value::Number(_) | Value::List(_) => None,
        }
    }

    /// Returns a number.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<u64> {
        match self.0.get(key)? {
            Value::Number(number) => Some(*number),
            Value::Text(_) | Value::List(_) => None,
        }
    }

    /// Returns a list; empty when it is not set.
    #[must_use]
    pub fn list(&self, key: &str) -> &[String] {
        match self.0.get(key) {
            Some(Value::List(list)) => list,
            Some(Value::Text(_) | Value::Number(_)) | None => &[],
        }
    }
}

/// What kind of value a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingKind {
    /// Any text.
    Text,
    /// A path of a folder, shown form (`\n` and such escaped).
    Folder,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number.
    Number,
    /// A number of bytes, as `10M`.
    Bytes,
    /// Several texts.
    List,
    /// Something nobody may read: kept in the vault and never in the settings file.
    Secret,
}

/// A setting a handler understands: the one definition for checks, help and forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingSpec {
    /// Key in the configuration file.
    pub key: &'static str,
    /// What it takes.
    pub kind: SettingKind,
    /// It must be set.
    pub is_required: bool,
    /// One line of help.
    pub help: &'static str,
}

/// A sync that a tool of this machine has been set up for outside of syncmgr, found and not yet
/// added. Adding one saves it as an item; the set-up of the tool stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Whose it would be.
    pub handler: HandlerId,
    /// A name for it that [`bad_name`] has nothing against.
    pub name: String,
    /// What it would be set to.
    pub settings: Settings,
    /// What it syncs, in one line, as `~/Photos <-> nas:photos`; harmless text.
    pub summary: String,
    /// Where it was found, as `~/.unison/default.prf` or `crontab, line 3`; harmless text.
    pub origin: String,
    /// When it runs there, as [`crate::schedule`] reads it, when that can be said.
    pub schedule: Option<String>,
    /// What a person should know before adding it, one sentence each.
    pub remarks: Vec<String>,
}

/// One sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Identity, never changes.
    pub id: ItemId,
    /// Whose it is.
    pub handler: HandlerId,
    /// What a person calls it; two folders that were synced without saving have none.
    pub name: Option<String>,
    /// The handler's settings.
    pub settings: Settings,
    /// A person turned it on (the default).
    pub is_enabled: bool,
}

impl Item {
    /// Returns what to call it in a command line: its name, otherwise its id.
    #[must_use]
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(self.id.as_str())
    }
}

/// Says what is wrong with a name for a saved sync, if anything is: it is typed in command lines
/// and is a key of the configuration file.
#[must_use]
pub fn bad_name(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("it is empty")
    } else if name.encode_utf16().count() > NAME_LEN_MAX {
        Some("it is longer than 127 characters")
    } else if name.starts_with(['-', '.', '~']) {
        Some("it begins with `-`, `.` or `~`")
    } else if name
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || matches!(c, '/' | ':' | '\\' | '=' | '"'))
    {
        Some("it has a space, a control character or one of / : \\ = \"")
    } else {
        None
    }
}
