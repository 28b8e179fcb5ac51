//! Notices sent to real programs and servers on this machine's loopback.

mod support;

mod hooks;
mod mails;
mod outboxes;
mod requests;
mod secure;
