//! When the times of a schedule fall, in a time zone, across changes of the clock.
//!
//! Must not: read the time; decide what runs.

#![forbid(unsafe_code)]
