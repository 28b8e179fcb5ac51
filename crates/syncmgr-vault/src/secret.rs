//! Something nobody may read.

use std::fmt;

/// Longest secret in bytes: a private key fits many times, a file picked by mistake does not.
pub const SECRET_LEN_MAX: usize = 64 * 1024;

/// A secret: text without a text form of its own.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns it, for handing it to the handler and for nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
