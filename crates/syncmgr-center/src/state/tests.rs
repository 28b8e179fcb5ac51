//! Tests of the state as a whole: scripts of commands, and what comes of them.

mod absorbing;
mod cancelling;
mod queueing;
mod script;
mod sessions;
mod starting;
