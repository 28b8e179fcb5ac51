//! Handlers as child processes over real pipes: what a host sees of the SDK.

#![expect(
    clippy::unwrap_used,
    reason = "clippy only exempts code inside #[test] functions; helpers unwrap too"
)]

mod bad;
mod life;
mod notes;
mod peer;
mod session;
