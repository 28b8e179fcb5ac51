//! Runs handlers and guards the center against them: each session on a thread of its own, floods
//! thinned out, a panic turned into the end of that one session.
//!
//! [`InProcess`] hosts the handlers that are compiled in, and those in processes of their own that
//! [`foreign::Foreign`] keeps; [`ToCenter`] is the way to the center for
//! those of the older family, and [`ChoiceFiles`] keeps what people chose for them.
//!
//! Must not: schedule; know any one handler.

#![forbid(unsafe_code)]

mod calls;
mod choices;
mod claims;
pub mod conformance;
pub mod decide;
mod desk;
mod facts;
pub mod foreign;
mod icon;
mod in_process;
mod legacy;
mod parts;
mod paths;
mod secrets;
mod seen;
mod session;
mod stores;

pub use choices::ChoiceFiles;
pub use in_process::InProcess;
pub use legacy::ToCenter;
pub use paths::Look;
pub use secrets::Secrets;
pub use seen::state_of;
pub use stores::{Listing, Silent};
