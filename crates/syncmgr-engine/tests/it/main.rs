//! The engine through its door, on replicas in memory and on real folders.

mod pair_memory;
mod pair_real;
