//! Results and conflicts that a handler keeps itself, on the real host and the real center.

#![allow(missing_docs, reason = "tests name themselves")]

mod conflicts;
mod counts;
mod keeper;
mod results;
mod round;
mod world;
