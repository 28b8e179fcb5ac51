//! The engine through its door, on replicas in memory and on real folders.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends at whatever it did not expect"
)]

#[cfg(test)]
mod laws;
#[cfg(test)]
mod memory_pair;
#[cfg(test)]
mod pair_changed;
#[cfg(test)]
mod pair_memory;
#[cfg(test)]
mod pair_real;
#[cfg(test)]
mod plan_text;
#[cfg(test)]
mod real;
#[cfg(test)]
mod tables;
