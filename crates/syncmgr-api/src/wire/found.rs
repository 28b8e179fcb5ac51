//! What could be added as a sync: found in the set-up of a tool, a crontab or a timer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use syncmgr_model::item::Found;
use utoipa::ToSchema;

use super::Notice;
use super::item::write_settings;

/// A sync that could be added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "FoundJson"))]
pub struct FoundSync {
    /// The name it would have.
    pub name: String,
    /// Whose it would be.
    pub handler: String,
    /// What it syncs, in one line.
    pub summary: String,
    /// Its settings; empty when it cannot be added.
    pub settings: BTreeMap<String, Json>,
    /// Where it was found.
    pub origin: String,
    /// When it runs there, as the triggers of schedules are written.
    pub schedule: Option<String>,
    /// The same in words.
    pub when: Option<String>,
    /// What to know before it is added, one sentence each.
    pub remarks: Vec<String>,
    /// It can be added; otherwise the remarks say what to do instead.
    pub can_be_added: bool,
    /// Whoever adds everything adds it too.
    pub usual: bool,
}

impl FoundSync {
    /// Writes one that was found. `when` is its schedule in words.
    #[must_use]
    pub fn of(found: &Found, can_be_added: bool, is_usual: bool, when: Option<String>) -> Self {
        Self {
            name: found.name.clone(),
            handler: found.handler.to_string(),
            summary: found.summary.clone(),
            settings: write_settings(&found.settings),
            origin: found.origin.clone(),
            schedule: found.schedule.clone(),
            when,
            remarks: found.remarks.clone(),
            can_be_added,
            usual: is_usual,
        }
    }
}

/// Something that could not be looked through.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "SilentJson"))]
#[schema(as = SilentSource)]
pub struct Silent {
    /// A handler, or `crontab`.
    pub source: String,
    /// Why.
    pub notice: Notice,
}

/// What could be added now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FoundSyncs {
    /// What was found and is no sync yet.
    pub items: Vec<FoundSync>,
    /// What could not be looked through.
    pub silent: Vec<Silent>,
}

/// Adds what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// The names, as they are listed now.
    #[schema(min_items = 1, max_items = 1000)]
    pub names: Vec<String>,
    /// With their schedules.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub schedules: bool,
}

fn yes() -> bool {
    true
}

/// What was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Imported {
    /// The ids of the new syncs, in the order of the names.
    pub added: Vec<String>,
}
