//! Items, as people saved them and as handlers tell them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use syncmgr_model as model;
use syncmgr_model::capability::{ItemCapabilities, ItemPolicies};
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::item::{SettingKind, SettingSpec, Settings};

use crate::error::Wrong;
use crate::flags::{ITEM_CAPABILITIES, ITEM_POLICIES, bits};
use crate::is_default;
use crate::path::PathText;
use crate::text::{SHOWN_MAX, harmless};

/// Most items of a handler: more than anybody looks through, and a list of them fits into a message.
pub const ITEMS_MAX: usize = 10_000;

/// Most folders of an item.
pub const PATHS_MAX: usize = 64;

/// A value among the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    untagged,
    expecting = "expected a text, a whole number from 0, or a list of texts"
)]
pub enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Number(u64),
    /// Several texts.
    List(Vec<String>),
}

/// What a person saved.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Item {
    /// Its id; never changes.
    pub id: String,
    /// What a person calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The settings by their keys.
    #[serde(default)]
    pub settings: BTreeMap<String, Value>,
    /// A person turned it on.
    #[serde(default = "yes")]
    pub is_enabled: bool,
}

fn yes() -> bool {
    true
}

/// Reads an id and names the member when it is none.
pub(crate) fn item_id(field: &str, id: &str) -> Result<ItemId, Wrong> {
    ItemId::new(id).map_err(|bad| Wrong::new(field, bad.to_string()))
}

fn is_folder(specs: &[SettingSpec], key: &str) -> bool {
    specs
        .iter()
        .any(|spec| spec.key == key && spec.kind == SettingKind::Folder)
}

/// Writes settings. The model holds folders in the form that is shown; on the wire they are paths.
#[must_use]
pub fn settings_of(settings: &Settings, specs: &[SettingSpec]) -> BTreeMap<String, Value> {
    let each = |(key, value): (&String, &model::item::Value)| {
        let value = match value {
            model::item::Value::Text(text) if is_folder(specs, key) => {
                Value::Text(PathText::of_shown(text).0)
            }
            model::item::Value::Text(text) => Value::Text(text.clone()),
            model::item::Value::Number(number) => Value::Number(*number),
            model::item::Value::List(list) => Value::List(list.clone()),
        };
        (key.clone(), value)
    };
    settings.0.iter().map(each).collect()
}

/// Reads settings.
#[must_use]
pub fn settings_to_model(settings: &BTreeMap<String, Value>, specs: &[SettingSpec]) -> Settings {
    let each = |(key, value): (&String, &Value)| {
        let value = match value {
            Value::Text(text) if is_folder(specs, key) => {
                model::item::Value::Text(PathText(text.clone()).shown())
            }
            Value::Text(text) => model::item::Value::Text(text.clone()),
            Value::Number(number) => model::item::Value::Number(*number),
            Value::List(list) => model::item::Value::List(list.clone()),
        };
        (key.clone(), value)
    };
    Settings(settings.iter().map(each).collect())
}

impl Item {
    /// Writes an item of a handler with these settings.
    #[must_use]
    pub fn of(item: &model::item::Item, specs: &[SettingSpec]) -> Self {
        Self {
            id: item.id.to_string(),
            name: item.name.clone(),
            settings: settings_of(&item.settings, specs),
            is_enabled: item.is_enabled,
        }
    }

    /// Reads an item of a handler with these settings.
    ///
    /// # Errors
    /// [`Wrong`] when the id is none.
    pub fn to_model(
        &self,
        handler: &HandlerId,
        specs: &[SettingSpec],
    ) -> Result<model::item::Item, Wrong> {
        Ok(model::item::Item {
            id: item_id("id", &self.id)?,
            handler: handler.clone(),
            name: self.name.clone(),
            settings: settings_to_model(&self.settings, specs),
            is_enabled: self.is_enabled,
        })
    }
}

/// An item, as its handler tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ItemInfo {
    /// Its id; never changes, and is the saved one of a saved item.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The kind of item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_label: Option<String>,
    /// A summary that is shown while nothing runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The folders it works on, absolute.
    #[serde(default, skip_serializing_if = "is_default")]
    pub paths: Vec<PathText>,
    /// It is turned on; absent: the host keeps that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_enabled: Option<bool>,
    /// It can be reached; absent: yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_connected: Option<bool>,
    /// The end of its last sync, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sync_time: Option<i64>,
    /// What it can do.
    #[serde(default, skip_serializing_if = "is_default")]
    pub capabilities: Vec<String>,
    /// What it forbids.
    #[serde(default, skip_serializing_if = "is_default")]
    pub policies: Vec<String>,
}

impl ItemInfo {
    /// Returns the id.
    ///
    /// # Errors
    /// [`Wrong`] when it is none.
    pub fn item_id(&self) -> Result<ItemId, Wrong> {
        item_id("id", &self.id)
    }

    /// Returns what it can do as bits.
    #[must_use]
    pub fn capabilities(&self) -> ItemCapabilities {
        bits(&self.capabilities, ITEM_CAPABILITIES)
    }

    /// Returns what it forbids as bits.
    #[must_use]
    pub fn policies(&self) -> ItemPolicies {
        bits(&self.policies, ITEM_POLICIES)
    }

    /// Says what is wrong with it, if anything: an id that is none, a folder that is not absolute,
    /// too many folders.
    ///
    /// # Errors
    /// [`Wrong`].
    pub fn check(&self) -> Result<(), Wrong> {
        self.item_id()?;
        if self.paths.len() > PATHS_MAX {
            return Err(Wrong::new("paths", "an item has more than 64 folders"));
        }
        for (at, path) in self.paths.iter().enumerate() {
            let path = path.path();
            let is_above = |part: std::path::Component<'_>| part == std::path::Component::ParentDir;
            if !path.is_absolute() || path.components().any(is_above) {
                let detail = "a folder is absolute and has no `..` in it";
                return Err(Wrong::new(format!("paths[{at}]"), detail));
            }
        }
        Ok(())
    }
}

/// Which items people saved.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Saved {
    /// In the order of their file.
    #[serde(default)]
    pub saved: Vec<Item>,
}

/// The items of the handler.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Items {
    /// In the order in which they are shown.
    pub items: Vec<ItemInfo>,
}

/// One item is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct GetItem {
    /// Which one.
    pub id: String,
    /// What a person saved under this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<Item>,
}

/// An item is to be checked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Validate {
    /// Which one.
    pub item: Item,
}

/// An item is turned on or off.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EnableItem {
    /// Which one.
    pub id: String,
    /// On.
    pub is_enabled: bool,
}

/// An item, by its id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ItemRef {
    /// Which one.
    pub id: String,
}

/// The items whose properties changed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ItemsChanged {
    /// Which ones; absent: the list of items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<String>>,
}

/// A sync that could be added.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Found {
    /// A name for it.
    pub name: String,
    /// What it would be set to.
    pub settings: BTreeMap<String, Value>,
    /// What it syncs, in one line.
    pub summary: String,
    /// Where it was found.
    pub origin: String,
    /// When it runs there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// What a person should know before adding it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub remarks: Vec<String>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Discovered {
    /// In the order in which it is shown.
    pub found: Vec<Found>,
}

impl Found {
    /// Writes what was found for a handler with these settings.
    #[must_use]
    pub fn of(found: &model::item::Found, specs: &[SettingSpec]) -> Self {
        Self {
            name: found.name.clone(),
            settings: settings_of(&found.settings, specs),
            summary: found.summary.clone(),
            origin: found.origin.clone(),
            schedule: found.schedule.clone(),
            remarks: found.remarks.clone(),
        }
    }

    /// Reads what was found for a handler with these settings.
    ///
    /// # Errors
    /// [`Wrong`] for a name that cannot be one.
    pub fn to_model(
        &self,
        handler: &HandlerId,
        specs: &[SettingSpec],
    ) -> Result<model::item::Found, Wrong> {
        if let Some(what) = model::item::bad_name(&self.name) {
            return Err(Wrong::new("name", what));
        }
        let shown = |text: &String| harmless(text, SHOWN_MAX);
        Ok(model::item::Found {
            handler: handler.clone(),
            name: self.name.clone(),
            settings: settings_to_model(&self.settings, specs),
            summary: shown(&self.summary),
            origin: shown(&self.origin),
            schedule: self.schedule.clone(),
            remarks: self.remarks.iter().map(shown).collect(),
        })
    }
}
