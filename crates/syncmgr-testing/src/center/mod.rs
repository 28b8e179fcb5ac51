//! Instruments for the center: a memory that survives it and fails on demand.

mod memory_store;

pub use memory_store::{MemoryStore, Written};
