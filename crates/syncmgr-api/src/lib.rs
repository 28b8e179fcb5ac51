//! The wire types of the HTTP API, version 1, and the typed client that speaks it.
//!
//! Must not: know axum, the center or a handler; decide anything.

#![forbid(unsafe_code)]
