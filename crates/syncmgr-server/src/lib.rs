//! The HTTP API over the Unix socket and the loopback port: routes, the event stream, who may ask.
//!
//! ```text
//! listen ──► serve ──► gate: host, origin, who, scope, body, repetition ──► routes ──► center
//!   who listens    connections, time-outs        │                            │
//!                                                └────── problem+json ◄───────┘
//! ```
//! Reading order: [`listen`], [`mod@serve`], [`gate`] (what is refused before any route sees it),
//! [`auth`] (tokens, sign-in), [`answer`] (every refusal is a problem document), [`extract`],
//! [`hub`] (the live messages).
//!
//! Must not: hold state of syncs; compute a status or a word for people.

#![forbid(unsafe_code)]
#![warn(clippy::wildcard_enum_match_arm)]

pub mod listen;
pub mod serve;

pub mod auth;
pub mod gate;

pub mod answer;
pub mod center;
pub mod desk;
pub mod extract;
pub mod feed;
pub mod hub;
pub mod metrics;
pub mod openapi;
pub mod routes;

mod page;
mod previews;
mod words;

pub use previews::Previews;

pub use gate::Gate;
pub use listen::Listener;
pub use serve::serve;
