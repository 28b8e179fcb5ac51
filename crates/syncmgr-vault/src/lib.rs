//! Keeps secrets of syncs: in the secret service of the desktop (GNOME Keyring, KWallet and others,
//! over D-Bus), or in a file that only its owner can read (S12).
//!
//! ```text
//!  set ──► the service that runs and is unlocked ──► index (which secret is where, no values)
//!     └──► none runs: the file, which is the index too
//!  get ──► index ──► file, or service
//! ```
//! Only what the index names is asked of anybody, so that a sync without secrets costs nothing, and
//! a keyring that is locked or not there yet is told from a secret that was never set.
//!
//! Must not: log secrets, give them a text form, or hand them to anybody but the host.

#![forbid(unsafe_code)]

mod error;
mod file;
mod secret;
mod service;
mod vault;

pub use error::VaultError;
pub use secret::{SECRET_LEN_MAX, Secret};
pub use service::Standing;
pub use vault::{Entry, Kind, Vault};
