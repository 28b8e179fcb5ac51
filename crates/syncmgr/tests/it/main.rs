//! The program, end to end: the binary in a home of its own, its stdout, stderr and exit code.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; helpers outside test functions are not exempt"
)]

mod harness;

mod api;
mod conflicts;
mod control;
mod daemon;
mod exits;
mod handlers;
mod held;
mod help;
mod hostile;
mod import;
mod json;
mod limits;
mod making_handlers;
mod promises;
mod questions;
mod run;
mod saved;
mod schema;
mod secrets;
mod signals;
mod sync;
