//! Who asks, and what he may do.
//!
//! Over the Unix socket the system says who asks, and the owner may do everything. Over the port
//! anybody on the machine can ask, so every request needs a secret: an API token, or the cookie
//! that a browser got for a one-time code.

mod private;
mod scope;
mod secret;
mod sign_in;
mod tokens;

pub use scope::{Scope, Scopes, needed};
pub use secret::Secret;
pub(crate) use secret::hex;
pub use sign_in::{Opened, SignIn};
pub use tokens::{TokenError, TokenInfo, Tokens};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// The owner, over the Unix socket.
    Owner,
    /// A program with a token of this name.
    Token {
        /// The token's name.
        name: String,
        /// What it may do.
        scopes: Scopes,
    },
    /// A browser that signed in.
    Browser {
        /// Tells its sign-in apart from others; not secret.
        id: u64,
    },
}

impl Principal {
    /// Says whether this one may do what needs `scope`.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        match self {
            Self::Owner | Self::Browser { .. } => true,
            Self::Token { scopes, .. } => scopes.has(scope),
        }
    }

    /// Returns a text that no other principal has.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Owner => "owner".to_owned(),
            Self::Token { name, .. } => format!("token {name}"),
            Self::Browser { id } => format!("browser {id}"),
        }
    }
}
