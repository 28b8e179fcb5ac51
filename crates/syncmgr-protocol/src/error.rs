//! Errors as answers.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use syncmgr_model::hresult::Hresult;

use crate::message::Malformed;
use crate::trouble::Trouble;

/// A line is no JSON.
pub const PARSE: i64 = -32700;
/// JSON that is no message.
pub const INVALID_REQUEST: i64 = -32600;
/// Nobody knows this method.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// The params do not fit the method.
pub const INVALID_PARAMS: i64 = -32602;
/// The one who answers broke down.
pub const INTERNAL: i64 = -32603;
/// None of the versions is spoken; `data.supported`.
pub const VERSION: i64 = -32010;
/// Not offered.
pub const NOT_IMPLEMENTED: i64 = -32011;
/// An argument is unknown or does not fit.
pub const INVALID_ARGUMENT: i64 = -32012;
/// Not allowed now.
pub const ACCESS_DENIED: i64 = -32013;
/// Tried, and it did not work.
pub const FAILED: i64 = -32014;
/// Makes no sense at this moment.
pub const UNEXPECTED: i64 = -32015;
/// A trouble for a person, in `data`.
pub const TROUBLE: i64 = -32020;
/// Cancelled by `$/cancel`.
pub const CANCELLED: i64 = -32030;

/// An answer that is an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RpcError {
    /// One of the codes of this module.
    pub code: i64,
    /// What happened, for those who write handlers.
    pub message: String,
    /// What belongs to the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

/// What belongs to [`VERSION`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Supported {
    /// The versions that are spoken.
    pub supported: Vec<String>,
}

/// Params or a result that do not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}`: {detail}")]
pub struct Wrong {
    /// The member, as `items[0].id`; `.` for the whole.
    pub field: String,
    /// What is wrong with it.
    pub detail: String,
}

impl Wrong {
    /// Names a member and what is wrong with it.
    #[must_use]
    pub fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            detail: detail.into(),
        }
    }

    pub(crate) fn of(error: &serde_path_to_error::Error<serde_json::Error>) -> Self {
        Self::new(error.path().to_string(), error.inner().to_string())
    }

    /// Says in which member it lies.
    #[must_use]
    pub fn within(mut self, outer: &str) -> Self {
        self.field = format!("{outer}.{}", self.field);
        self
    }
}

impl RpcError {
    /// Makes an error without data.
    #[must_use]
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }

    /// Says that a method is not known.
    #[must_use]
    pub fn unknown_method(method: &str) -> Self {
        let shown: String = method.chars().take(64).collect();
        Self::new(
            METHOD_NOT_FOUND,
            format!("no method `{}`", shown.escape_debug()),
        )
    }

    /// Says that none of the versions is spoken.
    #[must_use]
    pub fn no_version(supported: &[&str]) -> Self {
        let message = format!("only these versions are spoken: {}", supported.join(", "));
        Self {
            data: Some(serde_json::json!({ "supported": supported })),
            ..Self::new(VERSION, message)
        }
    }

    /// Returns the versions that are spoken, when it is about that.
    #[must_use]
    pub fn supported(&self) -> Option<Vec<String>> {
        if self.code != VERSION {
            return None;
        }
        let data = self.data.clone().unwrap_or_default();
        let supported: Result<Supported, _> = serde_json::from_value(data);
        Some(supported.unwrap_or_default().supported)
    }

    /// Returns the code of an object that was not carried out.
    #[must_use]
    pub fn hresult(&self) -> Hresult {
        match self.code {
            NOT_IMPLEMENTED | METHOD_NOT_FOUND => Hresult::NotImplemented,
            INVALID_ARGUMENT | INVALID_PARAMS => Hresult::InvalidArgument,
            ACCESS_DENIED => Hresult::AccessDenied,
            UNEXPECTED => Hresult::Unexpected,
            _ => Hresult::Failed,
        }
    }

    /// Returns what a person has to be told, when it carries that.
    #[must_use]
    pub fn trouble(&self) -> Option<syncmgr_model::trouble::Trouble> {
        if self.code != TROUBLE {
            return None;
        }
        let trouble: Trouble = serde_json::from_value(self.data.clone()?).ok()?;
        trouble.to_model().ok()
    }
}

impl From<Hresult> for RpcError {
    fn from(result: Hresult) -> Self {
        let code = match result {
            Hresult::NotImplemented => NOT_IMPLEMENTED,
            Hresult::InvalidArgument => INVALID_ARGUMENT,
            Hresult::AccessDenied => ACCESS_DENIED,
            Hresult::Failed => FAILED,
            Hresult::Unexpected => UNEXPECTED,
        };
        Self::new(code, result.as_str())
    }
}

impl From<&syncmgr_model::trouble::Trouble> for RpcError {
    fn from(trouble: &syncmgr_model::trouble::Trouble) -> Self {
        let data = serde_json::to_value(Trouble::of(trouble));
        Self {
            data: data.ok(),
            ..Self::new(TROUBLE, trouble.to_string())
        }
    }
}

impl From<Wrong> for RpcError {
    fn from(wrong: Wrong) -> Self {
        Self::new(INVALID_PARAMS, wrong.to_string())
    }
}

impl From<&Malformed> for RpcError {
    fn from(malformed: &Malformed) -> Self {
        Self::new(malformed.code, malformed.detail.clone())
    }
}
