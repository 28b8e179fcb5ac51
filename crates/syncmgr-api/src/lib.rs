//! The wire types of the HTTP API, version 1, and the typed client that speaks it.
//!
//! Reading order: [`wire`] (the resources, and how they become values of the model and come from
//! them), [`problem`] (the answer when something was not done), [`page`] (lists), [`stream`] (the
//! live messages), [`Client`].
//!
//! Must not: know axum, the center or a handler; decide anything.
//!
//! Everywhere: times are RFC 3339 in UTC, sizes are bytes, paths are text in which control,
//! invisible and undecodable characters are escaped (`syncmgr_model::escape`), so that every path
//! can be turned back into its bytes. Fields may be added within version 1, so a reader passes
//! over fields it does not know; a *request* with an unknown field is refused.

#![forbid(unsafe_code)]
#![warn(clippy::wildcard_enum_match_arm)]

pub mod wire;

pub mod page;
pub mod problem;
pub mod stream;

#[cfg(feature = "client")]
pub mod client;

#[cfg(feature = "client")]
pub use client::Client;
