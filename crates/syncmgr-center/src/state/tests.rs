//! Tests of the state as a whole: scripts of commands, and what comes of them.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test looks for one kind of effect among all"
)]

mod absorbing;
mod cancelling;
mod queueing;
mod script;
mod sessions;
mod starting;
