//! The application core: which sessions run, what is recorded of them, and who is answered.
//!
//! [`state`] decides and is pure: a command and the time go in, effects come out. [`center`] runs
//! the effects through the ports of [`port`], which others implement.
//!
//! ```text
//!  Command ──► handle(&mut State, Command, Now) ──► [Effect] ──► Store · Handlers · Notifier
//!     ▲                                                              │
//!     └────────────── reports of the handlers, signals, ticks ◄──────┘
//! ```
//!
//! Must not: know SQL, HTTP, processes, files or any one handler.

#![forbid(unsafe_code)]
#![warn(clippy::wildcard_enum_match_arm)]

pub mod agenda;
pub mod command;
pub mod port;

pub mod legacy;
pub mod outside;

pub mod alarm;
pub mod desk;
pub mod state;

pub mod center;
