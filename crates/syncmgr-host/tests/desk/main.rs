//! Results and conflicts that a handler keeps itself, on the real host and the real center.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod conflicts;
mod counts;
mod keeper;
mod results;
mod round;
mod world;
