//! The whole center in one look.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The center's headline and counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CenterState {
    /// The most severe status.
    pub status: String,
    /// The headline.
    pub summary: String,
    /// How many syncs have which status.
    pub counts: BTreeMap<String, u64>,
    /// Results nobody has seen yet.
    pub unseen: u64,
}

/// Whether the daemon does its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`, or `starting` while it is not ready.
    pub status: String,
    /// The version of the program.
    pub version: String,
}

/// Changes settings of the daemon; what is not named stays.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsChange {
    /// Settings to set; null takes a setting back to its default.
    pub settings: BTreeMap<String, serde_json::Value>,
}

/// The settings of the daemon.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct DaemonSettings {
    /// By key, with their defaults.
    pub settings: BTreeMap<String, serde_json::Value>,
}
