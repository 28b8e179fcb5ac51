//! Test instruments: a tree in memory that fails, crashes and loses power on demand, a clock and a
//! source of chance that tests own, trees written in one line, the simulator that drives the
//! whole engine with them, and [`handlers`] that do what a test says.
//!
//! Reading order: [`memory`], [`tree`], [`turn`], [`rng`], [`clock`],
//! [`sim`]; for the center [`mod@center`], [`sim_center`].
//!
//! Must not: touch a real synced folder, read a real clock, or use chance that a seed does not
//! repeat.

#![forbid(unsafe_code)]
#![warn(clippy::wildcard_enum_match_arm)]

pub mod memory;
pub mod tree;
pub mod turn;
pub mod watch;

pub mod sim;

pub mod center;
pub mod sim_center;

pub mod clock;
pub mod rng;

pub mod handlers;
