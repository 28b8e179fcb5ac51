//! The calendar through its door: tables by hand, a second opinion, and properties. And the agenda
//! of the center with the calendar that it really has.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends at whatever it did not expect"
)]

#[cfg(test)]
mod agenda;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod tables;
