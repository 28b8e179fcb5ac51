//! Watches folders for changes and says honestly when it could not.
//!
//! [`Watcher::start`] watches one or more roots and reports, after a short quiet time, in which
//! directories something changed ([`Change::Dirty`]), or that nothing is known about a root any
//! more ([`Change::Lost`]). Reports are hints about where to look; the truth is what a look finds.
//!
//! Must not: know syncs or the center; read contents.
//!
//! On Linux this speaks to inotify itself. The crate `notify` asks for an event whenever a file is
//! merely opened, so that looking at a large tree would overflow the queue, which would ask for
//! another look; and it says neither which directory did not fit nor how many were needed. Other
//! systems go through `notify`.

#![forbid(unsafe_code)]

mod change;
mod pending;
mod settings;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::Watcher;

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(not(target_os = "linux"))]
pub use elsewhere::Watcher;

pub use change::{Cause, Change, Coverage, WatchError};
pub use settings::Settings;
