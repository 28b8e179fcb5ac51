//! How an object of the model answers when it does not simply succeed: the error half of an
//! `HRESULT`. The success half is the type of the `Ok` value (`S_FALSE` is a value there).

use std::fmt;

/// Why a call was not carried out. [`Self::code`] gives the number callers of syncmgr.h know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hresult {
    /// The object does not offer this (`E_NOTIMPL`).
    NotImplemented,
    /// An argument is unknown or does not fit (`E_INVALIDARG`).
    InvalidArgument,
    /// It is not allowed in this state or by a policy (`E_ACCESSDENIED`).
    AccessDenied,
    /// It was tried and did not work (`E_FAIL`).
    Failed,
    /// It came at a moment at which it makes no sense (`E_UNEXPECTED`).
    Unexpected,
}

impl Hresult {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::NotImplemented,
        Self::InvalidArgument,
        Self::AccessDenied,
        Self::Failed,
        Self::Unexpected,
    ];

    /// Returns the 32-bit code.
    #[must_use]
    pub fn code(self) -> u32 {
        match self {
            Self::NotImplemented => 0x8000_4001,
            Self::InvalidArgument => 0x8007_0057,
            Self::AccessDenied => 0x8007_0005,
            Self::Failed => 0x8000_4005,
            Self::Unexpected => 0x8000_FFFF,
        }
    }

    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotImplemented => "not-implemented",
            Self::InvalidArgument => "invalid-argument",
            Self::AccessDenied => "access-denied",
            Self::Failed => "failed",
            Self::Unexpected => "unexpected",
        }
    }
}

impl fmt::Display for Hresult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for Hresult {}
