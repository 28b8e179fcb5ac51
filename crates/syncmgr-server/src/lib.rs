//! The HTTP API over the Unix socket and the loopback port: routes, the event stream, who may ask.
//!
//! Must not: hold state of syncs; compute a status or a word for people.

#![forbid(unsafe_code)]
