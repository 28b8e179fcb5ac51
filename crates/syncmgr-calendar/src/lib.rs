//! When the times of a schedule fall, in a time zone, across changes of the clock.
//!
//! [`Calendar`] answers for one trigger at a time: `next` finds its next time, `open` says
//! whether a window is open, `validate` refuses what could never work, before it is saved.
//! What is a wall-clock time becomes a point in time at one place, `wall`.
//!
//! The rule for days on which the clock is changed: a time that the clock leaps over is the first
//! moment after the leap, and one that it shows twice is the first of the two. So what is due once
//! a day runs once on every day.
//!
//! Must not: read the time; decide what runs.

#![forbid(unsafe_code)]
#![warn(clippy::wildcard_enum_match_arm)]

mod calendar;
mod next;
mod open;
mod together;
mod validate;
mod wall;

pub use calendar::{Between, Calendar};
pub use validate::Unworkable;
