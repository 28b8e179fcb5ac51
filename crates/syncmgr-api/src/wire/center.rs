//! The whole center in one look.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use syncmgr_model::outcome;
use syncmgr_model::time::Timestamp;
use utoipa::ToSchema;

use super::Sides;

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
    /// Conflicts that wait for a decision, of all handlers.
    #[serde(default)]
    pub conflicts: u64,
    /// Syncs for which a person has to do something.
    #[serde(default)]
    pub needs: u64,
}

/// What happened in a stretch of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Activity {
    /// Since when.
    pub since: String,
    /// How many runs came out how.
    pub runs: ActivityRuns,
    /// Files and links put on each side, new or changed.
    pub files: Sides<u64>,
    /// Files and links deleted.
    pub deleted: u64,
    /// Bytes copied.
    pub bytes: u64,
}

/// How many runs came out how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActivityRuns {
    /// They came to their end, whatever they left to decide.
    pub ok: u64,
    /// They failed.
    pub failed: u64,
    /// They did not take place.
    pub missed: u64,
    /// A person stopped them.
    pub stopped: u64,
}

impl Activity {
    /// Writes what happened since a time.
    #[must_use]
    pub fn of(since: Timestamp, activity: &outcome::Activity) -> Self {
        Self {
            since: since.rfc3339(),
            runs: ActivityRuns {
                ok: activity.n_ok,
                failed: activity.n_failed,
                missed: activity.n_missed,
                stopped: activity.n_stopped,
            },
            files: Sides::of(&activity.n_files, |n| *n),
            deleted: activity.n_deleted,
            bytes: activity.bytes,
        }
    }
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
    /// What each key takes.
    #[serde(default)]
    pub keys: Vec<SettingKey>,
}

/// A setting of the daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingKey {
    /// Its key.
    pub key: String,
    /// What holds now; null: nothing does.
    pub value: Option<String>,
    /// What holds when it is not set; null: nothing does.
    pub default: Option<String>,
    /// `truth`, `number`, `duration`, `text`, or `list`: several texts, in `value` with `; ` between
    /// them; they are set as a list.
    pub kind: String,
    /// The words it can be, where it can be nothing else.
    pub words: Vec<String>,
    /// What it takes, in words.
    pub takes: String,
    /// One line of help.
    pub help: String,
}
