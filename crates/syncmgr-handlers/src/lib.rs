//! The built-in handlers, one module each, written with the public SDK.
//!
//! Must not: reach around the SDK to the center or the store.

#![forbid(unsafe_code)]

pub mod files;
