//! The engine through its door, on replicas in memory and on real folders.

mod laws;
mod memory_pair;
mod pair_memory;
mod pair_real;
mod plan_text;
mod real;
mod tables;
