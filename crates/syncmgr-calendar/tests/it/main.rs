//! The calendar through its door: tables by hand, a second opinion, and properties.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends at whatever it did not expect"
)]

#[cfg(test)]
mod laws;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod tables;
