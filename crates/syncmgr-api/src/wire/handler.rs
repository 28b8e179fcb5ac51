//! Handlers: what can sync one kind of thing.

use serde::{Deserialize, Serialize};
use syncmgr_model::item::{SettingKind, SettingSpec};
use utoipa::ToSchema;

/// A handler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Handler {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// It answers.
    pub active: bool,
    /// A person turned it on.
    pub enabled: bool,
    /// The settings its syncs have.
    pub settings: Vec<SettingHelp>,
}

/// A setting that a handler understands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingHelp {
    /// Its key.
    pub key: String,
    /// `text`, `folder`, `word`, `number`, `bytes` or `list`.
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
        };
        Self {
            key: spec.key.to_owned(),
            kind: kind.to_owned(),
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            required: spec.is_required,
            help: spec.help.to_owned(),
        }
    }
}

/// Turns a handler on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandlerChange {
    /// On or off.
    pub enabled: bool,
}
