//! Notices sent to real programs and servers on this machine's loopback.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on fails, or says so; helpers outside test functions are not \
              exempt"
)]

mod support;

mod hooks;
mod mails;
mod outboxes;
mod requests;
mod secure;
