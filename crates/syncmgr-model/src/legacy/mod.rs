//! The words of the older family of handlers (`mobsync.h`), with the numbers of the original.
//!
//! Handlers and items of that family are known by GUIDs, events by a number in a byte, and most
//! choices by bits. The contract they are used in, and how such a handler is run, are in
//! `syncmgr_sdk::legacy`; who is registered for what is in `syncmgr_center::legacy`.
//!
//! Must not: say when something happens. These are words only.

mod errand;
mod flags;
mod guid;
mod occasion;
mod status;

pub use errand::Errand;
pub use flags::{HandlerFlags, InvokeFlags, ItemFlags, RegisterFlags};
pub use guid::{BadGuid, Guid};
pub use occasion::{Event, Occasion};
pub use status::{LogLevel, Status, Success};
