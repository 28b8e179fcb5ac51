//! Runs handlers and guards the center against them: each session on a thread of its own, floods
//! thinned out, a panic turned into the end of that one session.
//!
//! [`InProcess`] hosts the handlers that are compiled in. Must not: schedule; know any one handler.

#![forbid(unsafe_code)]

mod calls;
pub mod decide;
mod facts;
mod in_process;
mod session;
mod stores;

pub use in_process::InProcess;
pub use stores::Listing;
