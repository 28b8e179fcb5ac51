//! The beginning and the end: who is there, and what they can do.

use serde::{Deserialize, Serialize};
use syncmgr_model::capability::{HandlerCapabilities, HandlerPolicies};

use crate::flags::{HANDLER_POLICIES, bits};
use crate::form::Form;
use crate::path::PathText;
use crate::words::{HandlerType, Level};
use crate::{VERSIONS, is_default};

/// No params, or nothing to say in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Empty {}

/// The first words of the host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Initialize {
    /// The versions the host speaks, newest first.
    pub protocol_versions: Vec<String>,
    /// Who the host is.
    pub host: Peer,
    /// The language of the person, as `en`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub locale: String,
    /// A private folder of the handler, and its working directory.
    pub data_dir: PathText,
    /// `landlock` or `none`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sandbox: String,
}

/// A program.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Peer {
    /// What it is called.
    pub name: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "is_default")]
    pub version: String,
}

/// Who the handler is and what it offers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Initialized {
    /// The version that is spoken from here.
    pub protocol_version: String,
    /// Who it is.
    pub handler: Identity,
    /// What it can do.
    #[serde(default, skip_serializing_if = "is_default")]
    pub capabilities: Capabilities,
    /// What it forbids.
    #[serde(default, skip_serializing_if = "is_default")]
    pub policies: Vec<String>,
    /// The form of an item; absent when the handler finds its items itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Form>,
}

/// Who a handler is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Identity {
    /// Its id; never changes.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "is_default")]
    pub version: String,
    /// What kind of thing it syncs with.
    #[serde(default, rename = "type", skip_serializing_if = "is_default")]
    pub kind: HandlerType,
    /// The model of the device or the like.
    #[serde(default, skip_serializing_if = "is_default")]
    pub type_label: String,
    /// A summary that is shown while nothing runs.
    #[serde(default, skip_serializing_if = "is_default")]
    pub comment: String,
    /// An icon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon_svg: Option<String>,
}

/// What a handler can do. What is absent is not offered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Capabilities {
    /// It can say what it would do.
    #[serde(default, skip_serializing_if = "is_default")]
    pub preview: bool,
    /// It may have several sessions at once, and open its own.
    #[serde(default, skip_serializing_if = "is_default")]
    pub concurrent_sessions: bool,
    /// It keeps conflicts, and what it can do about them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflicts: Option<ConflictCapabilities>,
    /// It keeps results itself.
    #[serde(default, skip_serializing_if = "is_default")]
    pub events: bool,
    /// It finds what its tool is set up for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub discover: bool,
    /// It checks settings.
    #[serde(default, skip_serializing_if = "is_default")]
    pub validate: bool,
    /// It keeps itself whether it is set up.
    #[serde(default, skip_serializing_if = "is_default")]
    pub activate: bool,
    /// It keeps itself whether it and its items are turned on.
    #[serde(default, skip_serializing_if = "is_default")]
    pub enable: bool,
    /// It wants to be told when an item is deleted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub delete: bool,
    /// What it shows to a person; see [`crate::operation`].
    #[serde(default, skip_serializing_if = "is_default")]
    pub operations: Vec<String>,
    /// It is one of the older family.
    #[serde(default, skip_serializing_if = "is_default")]
    pub legacy: bool,
}

/// What a handler can do about conflicts, beside keeping one content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ConflictCapabilities {
    /// Keep the content modified last.
    #[serde(default, skip_serializing_if = "is_default")]
    pub keep_recent: bool,
    /// Keep several, under names of their own.
    #[serde(default, skip_serializing_if = "is_default")]
    pub keep_multiple: bool,
    /// Put another content in the place of all.
    #[serde(default, skip_serializing_if = "is_default")]
    pub keep_other: bool,
    /// Take the content out of what is synced.
    #[serde(default, skip_serializing_if = "is_default")]
    pub remove_from_sync_set: bool,
    /// Take a conflict off the list.
    #[serde(default, skip_serializing_if = "is_default")]
    pub remove: bool,
}

/// The words of [`Capabilities::operations`] and their bits; `event-link` has none.
pub const OPERATIONS: &[(&str, HandlerCapabilities)] = &[
    ("browse", HandlerCapabilities::CAN_BROWSE_CONTENT),
    ("show-schedule", HandlerCapabilities::CAN_SHOW_SCHEDULE),
    (
        "query-before-activate",
        HandlerCapabilities::QUERY_BEFORE_ACTIVATE,
    ),
    (
        "query-before-deactivate",
        HandlerCapabilities::QUERY_BEFORE_DEACTIVATE,
    ),
    (
        "query-before-enable",
        HandlerCapabilities::QUERY_BEFORE_ENABLE,
    ),
    (
        "query-before-disable",
        HandlerCapabilities::QUERY_BEFORE_DISABLE,
    ),
];

impl Capabilities {
    /// Returns the bits; what the model has no bit for is asked of the fields.
    #[must_use]
    pub fn bits(&self) -> HandlerCapabilities {
        let mut flags = bits(&self.operations, OPERATIONS);
        flags.set(HandlerCapabilities::EVENT_STORE, self.events);
        flags.set(
            HandlerCapabilities::CONFLICT_STORE,
            self.conflicts.is_some(),
        );
        flags.set(
            HandlerCapabilities::SUPPORTS_CONCURRENT_SESSIONS,
            self.concurrent_sessions,
        );
        flags
    }
}

impl Initialized {
    /// Returns the capabilities as bits.
    #[must_use]
    pub fn capabilities(&self) -> HandlerCapabilities {
        let mut flags = self.capabilities.bits();
        flags.set(
            HandlerCapabilities::PROVIDES_ICON,
            self.handler.icon_svg.is_some(),
        );
        flags
    }

    /// Returns the policies as bits.
    #[must_use]
    pub fn policies(&self) -> HandlerPolicies {
        bits(&self.policies, HANDLER_POLICIES)
    }
}

/// Chooses the newest version that both sides speak.
#[must_use]
pub fn negotiate(offered: &[String]) -> Option<&'static str> {
    let spoken = VERSIONS.iter().copied();
    spoken
        .into_iter()
        .find(|version| offered.iter().any(|other| other == version))
}

/// The handler as it is now.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HandlerInfo {
    /// What it is called.
    pub name: String,
    /// A summary that is shown while nothing runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// It is set up; absent: the host keeps that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
    /// It is turned on; absent: the host keeps that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_enabled: Option<bool>,
    /// It can be reached; absent: yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_connected: Option<bool>,
    /// The end of its last sync, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sync_time: Option<i64>,
    /// What it can do now; absent: what it said at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
    /// What it forbids now; absent: what it said at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<Vec<String>>,
}

/// A person set the handler up, or took it down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Activate {
    /// Set up.
    pub is_active: bool,
}

/// A person turned the handler on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Enable {
    /// On.
    pub is_enabled: bool,
}

/// The answer to a request is not wanted any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CancelRequest {
    /// Which request.
    #[cfg_attr(test, schemars(with = "IdSchema"))]
    pub id: crate::message::Id,
}

/// How the schema of an id looks.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "stands for the schema only")]
pub(crate) enum IdSchema {
    Number(#[schemars(range(min = 0, max = 9_007_199_254_740_991_u64))] u64),
    Text(#[schemars(length(max = 64))] String),
}

/// A line for the log of the handler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Log {
    /// How loud.
    pub level: Level,
    /// The words.
    pub text: String,
}
