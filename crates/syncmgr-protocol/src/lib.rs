//! The handler protocol, version 1: its messages, how they are framed, and how both ends agree on a
//! version. `docs/reference/protocol.md` is the contract.
//!
//! Must not: spawn anything, log, or decide.

#![forbid(unsafe_code)]
