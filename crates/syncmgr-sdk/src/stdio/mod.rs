//! Serves a handler over standard input and output, for a program of its own that syncmgr starts:
//! `docs/reference/protocol.md`, version 1.
//!
//! ```text
//!  stdin ──► serve (this thread reads) ──┬─► questions   one thread, one instance
//!                                        ├─► sessions    a thread and an instance each
//!                                        └─► operations  a thread and an instance each
//!  stdout ◄── outbox (one thread writes) ◄──┴── answers, reports
//! ```
//!
//! A panic of the handler becomes an error as the answer, and nothing else ends. Standard output
//! belongs to the protocol: a handler prints to standard error, which is its log.
//!
//! Must not: start a process, or know any one handler.

mod ask;
mod callback;
mod host;
mod legacy;
mod life;
mod operations;
mod outbox;
mod questions;
mod quiet;
mod serve;
mod sessions;
mod shown;

pub use host::Host;
pub use legacy::Older;
pub use serve::{End, Server, run, run_legacy};

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

use syncmgr_protocol::{RpcError, error};

/// A panic while a lock is held is a fault of this module; what it guards is still whole.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls the handler; a panic becomes an error. Nothing of an instance is used after a panic: its
/// contract allows it to be killed at any moment.
fn caught<T>(work: impl FnOnce() -> Result<T, RpcError>) -> (Result<T, RpcError>, bool) {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => (result, false),
        Err(panic) => (Err(broken(&*panic)), true),
    }
}

fn broken(panic: &(dyn Any + Send)) -> RpcError {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without words");
    RpcError::new(error::INTERNAL, format!("the handler broke down: {text}"))
}
