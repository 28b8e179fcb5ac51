//! Instruments for the center: a memory that survives it and fails on demand, handlers that are
//! closures, a whole center on a clock that a test sets, and measurements.

mod closure;
mod desk;
pub mod measure;
mod memory_store;

pub use closure::Closure;
pub use desk::{Desk, TestClock, Watch, scope, sync};
pub use memory_store::{MemoryStore, Written};
