//! Handlers in processes of their own, with a handler that breaks every rule: whatever it does, its
//! run ends with a clear result, and nothing else notices.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends at whatever it did not expect, also in what helps it"
)]

mod deciding;
mod installing;
mod legacy;
mod misdeeds;
mod secrets;
mod walls;
mod world;
