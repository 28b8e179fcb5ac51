//! Handlers: what can sync one kind of thing.

use serde::{Deserialize, Serialize};
use syncmgr_model::catalogue::phrase;
use syncmgr_model::item::{SettingKind, SettingSpec};
use utoipa::ToSchema;

/// A handler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Handler {
    /// Its id.
    pub id: String,
    /// What people call it; empty: it was never read.
    pub name: String,
    /// Its type: `application`, `device`, `folder`, `service`, `computer` or `unspecified`.
    pub kind: String,
    /// What it says while it syncs; its comment otherwise.
    pub text: String,
    /// It is set up.
    pub active: bool,
    /// A person turned it on.
    pub enabled: bool,
    /// It can be reached.
    pub connected: bool,
    /// It does not answer.
    pub silent: bool,
    /// Its runs that work.
    pub running: Vec<String>,
    /// The settings its syncs have.
    pub settings: Vec<SettingHelp>,
    /// Errors that nobody has seen yet, its own and those of its syncs.
    pub unseen: u64,
    /// Conflicts that wait for a decision, its own and those of its syncs.
    pub conflicts: u64,
    /// Its runs can be taken back.
    pub can_undo: bool,
    /// Its process, when a person installed it; a built-in handler has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<HandlerProcess>,
}

/// The process of a handler that a person installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HandlerProcess {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Its version, as it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// It is kept to its folders.
    pub sandbox: bool,
    /// Why not, when it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_no_sandbox: Option<String>,
    /// It may talk to services that run as you, also to syncmgr, although it has a sandbox.
    #[serde(default)]
    pub sockets: bool,
    /// What it can read and change beside its private folder, when it is kept to that.
    pub folders: Vec<String>,
    /// The number of its process, while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// It stopped too often and is not started until somebody restarts it.
    pub off: bool,
}

/// What a handler wrote to its log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HandlerLog {
    /// The last part of it, line by line; control characters are made visible.
    pub lines: Vec<String>,
}

/// A setting that a handler understands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingHelp {
    /// Its key.
    pub key: String,
    /// `text`, `folder`, `word`, `number`, `bytes`, `list` or `secret`.
    pub kind: String,
    /// The words it can be, when it is a word.
    pub words: Vec<String>,
    /// It must be set.
    pub required: bool,
    /// One line of help.
    pub help: String,
}

impl From<&SettingSpec> for SettingHelp {
    fn from(spec: &SettingSpec) -> Self {
        let (kind, words) = match spec.kind {
            SettingKind::Text => ("text", &[][..]),
            SettingKind::Folder => ("folder", &[][..]),
            SettingKind::Word(words) => ("word", words),
            SettingKind::Number => ("number", &[][..]),
            SettingKind::Bytes => ("bytes", &[][..]),
            SettingKind::List => ("list", &[][..]),
            SettingKind::Secret => ("secret", &[][..]),
        };
        Self {
            key: spec.key.to_owned(),
            kind: kind.to_owned(),
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            required: spec.is_required,
            help: phrase(spec.help).into_owned(),
        }
    }
}

/// Changes a handler; what is not named stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandlerChange {
    /// Set up, or taken down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// Turned on or off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}
