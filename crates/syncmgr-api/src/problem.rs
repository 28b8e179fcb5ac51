//! The answer when something was not done: RFC 9457 with what our messages have.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use syncmgr_model::catalogue;
use syncmgr_model::event::EventLevel;
use syncmgr_model::trouble::{Code, Trouble};
use utoipa::ToSchema;

/// The media type of a [`Problem`].
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Where the codes are described; the code follows.
const TYPE_BASE: &str = "https://example.org/syncmgr/problems/";

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Names the kind of problem; a page of the documentation.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What it means.
    pub detail: String,
    /// The path that was asked.
    #[serde(default)]
    pub instance: String,
    /// Stable code.
    pub code: String,
    /// The facts in it.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// What can be done.
    #[serde(default)]
    pub actions: Vec<String>,
    /// What is wrong with which field.
    #[serde(default)]
    pub errors: Vec<FieldError>,
    /// Finds the request in the log.
    #[serde(default)]
    pub request_id: String,
}

/// What is wrong with a field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// Where it is: `settings.left`, `items[2]`.
    pub field: String,
    /// Stable code: `unknown`, `missing`, `unusable`.
    pub code: String,
    /// What is wrong.
    pub detail: String,
}

impl Problem {
    /// Makes a problem of the protocol, in words of its own.
    #[must_use]
    pub fn new(status: u16, code: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("{TYPE_BASE}{code}"),
            title: title.to_owned(),
            status,
            detail: detail.into(),
            instance: String::new(),
            code: code.to_owned(),
            params: BTreeMap::new(),
            actions: Vec::new(),
            errors: Vec::new(),
            request_id: String::new(),
        }
    }

    /// Makes a problem from a message of the catalogue: the same words as everywhere.
    #[must_use]
    pub fn of(status: u16, trouble: &Trouble) -> Self {
        let notice = catalogue::notice(trouble);
        Self {
            params: trouble.params.clone(),
            actions: notice.actions,
            ..Self::new(
                status,
                notice.code.as_str(),
                &notice.what,
                notice.meaning.clone(),
            )
        }
    }

    /// Adds what can be done.
    #[must_use]
    pub fn with_action(mut self, action: &str) -> Self {
        self.actions.push(action.to_owned());
        self
    }

    /// Adds what is wrong with a field.
    #[must_use]
    pub fn with_error(mut self, field: &str, code: &str, detail: impl Into<String>) -> Self {
        self.errors.push(FieldError {
            field: field.to_owned(),
            code: code.to_owned(),
            detail: detail.into(),
        });
        self
    }

    /// Reads the message back; `None` when the problem is one of the protocol, not of a sync.
    #[must_use]
    pub fn trouble(&self) -> Option<Trouble> {
        Some(Trouble {
            code: Code::parse(&self.code)?,
            level: EventLevel::Error,
            params: self.params.clone(),
            paths: Vec::new(),
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.title, self.code)
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_back_from_a_problem() {
        let trouble = Trouble::new(Code::NotFound)
            .with("what", "sync")
            .with("name", "photos");
        let problem = Problem::of(404, &trouble);
        assert_eq!(problem.trouble(), Some(trouble));
        assert_eq!(
            Problem::new(405, "method-not-allowed", "x", "y").trouble(),
            None
        );
    }
}
