//! Handlers as child processes over real pipes: what a host sees of the SDK.

mod bad;
mod life;
mod notes;
mod peer;
mod session;
