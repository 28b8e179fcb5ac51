//! A message: its code, its words, its facts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use syncmgr_model::catalogue;
use syncmgr_model::event::EventLevel;
use syncmgr_model::trouble::{Code, Trouble};
use utoipa::ToSchema;

use super::{Unreadable, word};

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "NoticeJson"))]
pub struct Notice {
    /// Stable code.
    pub code: String,
    /// `information`, `warning` or `error`.
    pub level: String,
    /// `now`, `later` or `never`.
    pub retry: String,
    /// What happened.
    pub what: String,
    /// What it means for the files.
    pub meaning: String,
    /// What can be done.
    pub actions: Vec<String>,
    /// The facts in it.
    pub params: BTreeMap<String, String>,
    /// The paths it is about, at most 200.
    pub paths: Vec<String>,
}

impl From<&Trouble> for Notice {
    fn from(trouble: &Trouble) -> Self {
        let notice = catalogue::notice(trouble);
        Self {
            code: notice.code.as_str().to_owned(),
            level: notice.severity.as_str().to_owned(),
            retry: notice.retry.as_str().to_owned(),
            what: notice.what,
            meaning: notice.meaning,
            actions: notice.actions,
            params: trouble.params.clone(),
            paths: trouble.paths.clone(),
        }
    }
}

impl TryFrom<&Notice> for Trouble {
    type Error = Unreadable;

    fn try_from(notice: &Notice) -> Result<Self, Unreadable> {
        Ok(Self {
            code: word("the code of a message", &notice.code, Code::parse)?,
            level: word("a level", &notice.level, EventLevel::parse)?,
            params: notice.params.clone(),
            paths: notice.paths.clone(),
        })
    }
}
