//! What a person has to be told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use syncmgr_model::trouble::{self as model, Code};

use crate::error::Wrong;
use crate::is_default;
use crate::path::PathText;
use crate::text::{NAME_MAX, TEXT_MAX, harmless};
use crate::words::{Level, Retry};

/// Most parameters of a code; no message has more than a handful.
pub const PARAMS_MAX: usize = 32;

/// What a person has to be told: words of the handler, or a code of the messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Trouble {
    /// How loud.
    pub level: Level,
    /// What happened, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it means and what to do, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When trying again makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// Instead of words: a code of the messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The parameters of the code.
    #[serde(default, skip_serializing_if = "is_default")]
    pub params: BTreeMap<String, String>,
    /// The paths it is about.
    #[serde(default, skip_serializing_if = "is_default")]
    pub paths: Vec<PathText>,
}

impl Trouble {
    /// Writes a trouble; words of a handler as words, everything else by its code.
    #[must_use]
    pub fn of(trouble: &model::Trouble) -> Self {
        let paths = trouble.paths.iter().map(|path| PathText::of_shown(path));
        let mut own = Self {
            level: trouble.level.into(),
            name: None,
            description: None,
            retry: None,
            code: None,
            params: BTreeMap::new(),
            paths: paths.collect(),
        };
        if trouble.code == Code::HandlerSays {
            own.name = Some(trouble.param("name").to_owned());
            own.description = trouble.params.get("description").cloned();
            let retry = trouble.params.get("retry");
            own.retry = retry
                .and_then(|word| syncmgr_model::catalogue::Retry::parse(word))
                .map(Retry::from);
        } else {
            own.code = Some(trouble.code.as_str().to_owned());
            own.params = trouble.params.clone();
        }
        own
    }

    /// Reads a trouble. A code of a newer version is shown as it is.
    ///
    /// # Errors
    /// [`Wrong`] when it has neither a name nor a code.
    pub fn to_model(&self) -> Result<model::Trouble, Wrong> {
        let known = self.code.as_deref().and_then(Code::parse);
        let params = self.params.iter().take(PARAMS_MAX);
        let mut trouble = model::Trouble::new(known.unwrap_or(Code::HandlerSays));
        for (key, value) in params {
            trouble = trouble.with(key, harmless(value, TEXT_MAX));
        }
        let says = match (&self.name, &self.code) {
            (Some(name), _) => Some(name),
            (None, Some(code)) => Some(code),
            (None, None) => None,
        };
        if trouble.code == Code::HandlerSays {
            let says = says.ok_or_else(|| Wrong::new("name", "neither a name nor a code"))?;
            let description = self.description.as_deref().unwrap_or_default();
            trouble = trouble
                .with("name", harmless(says, NAME_MAX))
                .with("description", harmless(description, TEXT_MAX));
            if let Some(retry) = self.retry {
                let retry = syncmgr_model::catalogue::Retry::from(retry);
                trouble = trouble.with("retry", retry.as_str());
            }
        }
        let paths = self.paths.iter().take(model::PATHS_MAX);
        trouble.paths = paths.map(PathText::shown).collect();
        Ok(trouble.at_level(self.level.into()))
    }
}
