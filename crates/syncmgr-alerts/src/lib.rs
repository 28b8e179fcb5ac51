//! Carries notices out of the machine: a command, a webhook, e-mail, ntfy.
//!
//! Must not: decide when a notice is due, or repeat one.

#![forbid(unsafe_code)]
