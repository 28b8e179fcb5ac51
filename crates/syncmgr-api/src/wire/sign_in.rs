//! Who may ask: one-time codes for browsers, tokens for programs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A code that signs a browser in, once, within two minutes. It belongs into the fragment of an
/// address, which no server sees.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// The code.
    #[schema(min_length = 1, max_length = 128)]
    pub code: String,
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code(…)")
    }
}

/// A browser is signed in; its cookie comes with the headers.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct SignedIn {
    /// Goes with every write, in the header `X-CSRF-Token`.
    pub csrf: String,
}

impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignedIn(…)")
    }
}

/// A token of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// Its name.
    pub name: String,
    /// What it may do: `read`, `sync`, `resolve`, `admin`.
    pub scopes: Vec<String>,
    /// When it was made.
    pub made: String,
}

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenScope {
    /// Read everything.
    Read,
    /// Start, stop and pause runs; mark results as seen.
    Sync,
    /// Decide conflicts, bring versions back.
    Resolve,
    /// Everything.
    Admin,
}

/// Makes a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenNew {
    /// Its name.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._ -]+$")]
    pub name: String,
    /// What it may do.
    #[schema(min_items = 1, max_items = 4)]
    pub scopes: Vec<TokenScope>,
}

/// A new token. Its secret cannot be read again.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenMade {
    /// Its name.
    pub name: String,
    /// Goes with every request, in the header `Authorization: Bearer …`.
    pub secret: String,
}

impl std::fmt::Debug for TokenMade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenMade")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
