//! A sync: what it is, in what state it is, how it is made and changed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::item::{self, Settings, Value};
use syncmgr_model::outcome::Past;
use utoipa::ToSchema;

use super::{Notice, Progress, Run, Sides, Unreadable, word};

/// A sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "ItemJson"))]
pub struct Item {
    /// Its id, for good.
    pub id: String,
    /// Its name, when it is saved.
    pub name: Option<String>,
    /// Its folders, where it has two sides; otherwise empty texts.
    pub folders: Sides<String>,
    /// What it is called: its name, or what its handler calls it; empty: neither is known.
    pub title: String,
    /// What it is, in a line of its handler; empty: that says nothing.
    pub summary: String,
    /// The folders it works on, as far as that is known.
    pub paths: Vec<String>,
}

/// One sync in `status`, `list` and `show`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "StatusItemJson"))]
pub struct ItemState {
    /// The sync.
    #[serde(flatten)]
    pub sync: Item,
    /// Whose it is.
    pub handler: String,
    /// It is turned on.
    pub enabled: bool,
    /// One of the stable status words.
    pub status: String,
    /// Why it failed or waits.
    pub reason: Option<Notice>,
    /// When it last ran.
    pub last_run: Option<Run>,
    /// Its settings.
    pub settings: BTreeMap<String, Json>,
}

/// A sync as the page shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ItemView {
    /// What it is, and its state.
    #[serde(flatten)]
    pub state: ItemState,
    /// The status in words.
    pub words: String,
    /// It is saved, not only known from a run.
    pub saved: bool,
    /// Lists leave it out; it syncs like all others.
    #[serde(default)]
    pub hidden: bool,
    /// No scheduled run until then; `forever`: until it is resumed.
    pub paused_until: Option<String>,
    /// When it runs next by itself, as far as that is a time.
    pub next_run: Option<String>,
    /// Where its run stands.
    pub progress: Option<Progress>,
    /// Runs it is in.
    pub running: Vec<String>,
    /// Runs it waits in.
    pub queued: Vec<String>,
    /// Errors that nobody has seen yet.
    pub unseen: u64,
    /// Conflicts that wait for a decision.
    pub conflicts: u64,
    /// Its last runs, oldest first, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recent: Option<Vec<PastRun>>,
}

/// One of the last runs of a sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PastRun {
    /// How it came out for this sync: `ok`, `warnings`, `conflicts`, `held`, `failed`, `missed` or
    /// `stopped`.
    pub outcome: String,
    /// When it began, or should have.
    pub at: String,
    /// Which one; null: it was missed and never began.
    pub run: Option<String>,
}

impl From<&Past> for PastRun {
    fn from(past: &Past) -> Self {
        Self {
            outcome: past.outcome.as_str().to_owned(),
            at: past.at.rfc3339(),
            run: past.session.as_ref().map(ToString::to_string),
        }
    }
}

/// A part of the list of syncs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Items {
    /// The syncs, in the order that was asked for.
    pub items: Vec<ItemView>,
    /// Leads to the next part; null at the end.
    pub next_cursor: Option<String>,
    /// How many fit, in all parts together.
    pub total: u64,
}

impl TryFrom<&ItemState> for item::Item {
    type Error = Unreadable;

    fn try_from(state: &ItemState) -> Result<Self, Unreadable> {
        Ok(Self {
            id: word("the id of a sync", &state.sync.id, |id| {
                ItemId::new(id).ok()
            })?,
            handler: word("the id of a handler", &state.handler, |id| {
                HandlerId::new(id).ok()
            })?,
            name: state.sync.name.clone(),
            settings: read_settings(&state.settings)?,
            is_enabled: state.enabled,
        })
    }
}

/// Writes the settings of a handler.
#[must_use]
pub fn write_settings(settings: &Settings) -> BTreeMap<String, Json> {
    let write = |value: &Value| match value {
        Value::Text(text) => Json::from(text.as_str()),
        Value::Number(number) => Json::from(*number),
        Value::List(list) => Json::from(list.clone()),
    };
    settings
        .0
        .iter()
        .map(|(key, value)| (key.clone(), write(value)))
        .collect()
}

/// Reads the settings of a handler: texts, whole numbers and lists of texts.
///
/// # Errors
/// [`Unreadable`] with the key of the first value that is none of these.
pub fn read_settings(settings: &BTreeMap<String, Json>) -> Result<Settings, Unreadable> {
    let mut read = Settings::default();
    for (key, value) in settings {
        let value = word("a setting", key, |_| read_setting(value))?;
        read.set(key, value);
    }
    Ok(read)
}

/// Reads one value; `None` when no setting can have it.
#[must_use]
pub fn read_setting(value: &Json) -> Option<Value> {
    match value {
        Json::String(text) => Some(Value::Text(text.clone())),
        Json::Number(number) => number.as_u64().map(Value::Number),
        Json::Array(list) => list
            .iter()
            .map(|text| text.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .map(Value::List),
        Json::Null | Json::Bool(_) | Json::Object(_) => None,
    }
}

/// Makes a sync.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemNew {
    /// Its name.
    #[schema(min_length = 1, max_length = 127)]
    pub name: String,
    /// Whose it is.
    #[serde(default = "files")]
    #[schema(default = "files", min_length = 1, max_length = 63)]
    pub handler: String,
    /// The settings of the handler; `files` needs `left` and `right`.
    #[serde(default)]
    pub settings: BTreeMap<String, Json>,
}

/// The handler that is meant when none is named.
fn files() -> String {
    "files".to_owned()
}

/// A sync that might be saved, or one that is with other settings: what would be said of it?
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemDraft {
    /// Whose it would be.
    #[serde(default = "files")]
    #[schema(default = "files", min_length = 1, max_length = 63)]
    pub handler: String,
    /// Its name, if it has one already.
    #[serde(default)]
    #[schema(max_length = 127)]
    pub name: Option<String>,
    /// All its settings.
    #[serde(default)]
    pub settings: BTreeMap<String, Json>,
    /// The id of the sync that would change; otherwise it would be a new one.
    #[serde(default)]
    #[schema(max_length = 127)]
    pub item: Option<String>,
}

/// What would be said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Notices {
    /// The messages, errors first. With an error it cannot be saved, or not run.
    pub notices: Vec<Notice>,
}

/// Changes a sync; what is not named stays.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemChange {
    /// Another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 127)]
    pub name: Option<String>,
    /// Turned on or off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Hidden in lists or shown again; it syncs like all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    /// Settings to set; null takes a setting back to its default.
    #[serde(default)]
    pub settings: BTreeMap<String, Json>,
}

/// Pauses a sync.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// Until then, RFC 3339; otherwise until it is resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub until: Option<String>,
}

/// A secret that a sync may have, never its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SecretState {
    /// The setting.
    pub key: String,
    /// The sync cannot run without it.
    pub required: bool,
    /// It is set.
    pub is_set: bool,
}

/// Sets a secret. It is never read back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretNew {
    /// The secret.
    #[schema(min_length = 1, max_length = 65536)]
    pub value: String,
}

impl std::fmt::Debug for SecretNew {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretNew(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_back() {
        let mut settings = Settings::default();
        settings.set("left", Value::Text("/a".into()));
        settings.set("max", Value::Number(7));
        settings.set("exclude", Value::List(vec!["*.o".into()]));
        let wire = write_settings(&settings);
        assert_eq!(read_settings(&wire), Ok(settings));
        for bad in [
            Json::Null,
            Json::from(-1),
            Json::from(1.5),
            Json::from(true),
        ] {
            assert_eq!(read_setting(&bad), None, "{bad}");
        }
    }
}
