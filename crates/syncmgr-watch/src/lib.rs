//! Watches folders for changes and says honestly when it could not.
//!
//! Must not: know syncs or the center; read contents.

#![forbid(unsafe_code)]
