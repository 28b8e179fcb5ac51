//! The handler protocol, version 1: the messages between syncmgr and a handler in a process of its
//! own, as types. `docs/reference/protocol.md` is the contract; host and SDK share these types, so
//! that both mean the same.
//!
//! Reading order: [`frame`] (bytes to lines), [`message`] (lines to messages), [`method`] (which
//! messages there are), then the contents: [`life`], [`form`], [`item`], [`session`], [`report`],
//! [`trouble`], [`preview`], [`conflict`], [`event`], [`operation`], [`legacy`]. Words and paths are
//! in [`words`], [`flags`], [`path`] and [`text`].
//!
//! Must not: read a clock, start a process, know the center or a handler.

#![forbid(unsafe_code)]

pub mod error;
pub mod frame;
pub mod message;
pub mod method;

pub mod conflict;
pub mod event;
pub mod form;
pub mod item;
pub mod legacy;
pub mod life;
pub mod operation;
pub mod preview;
pub mod report;
pub mod session;
pub mod trouble;

pub mod flags;
pub mod path;
pub mod text;
pub mod words;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod hostile;

pub use error::{RpcError, Wrong};
pub use frame::{FrameError, Lines, MESSAGE_LEN_MAX, NESTING_MAX};
pub use message::{Id, Malformed, Message};
pub use method::{By, Method, Shape};
pub use path::PathText;

/// The versions spoken, newest first.
pub const VERSIONS: &[&str] = &["1"];

/// Says whether a member has the value it has when it is absent, and need not be written.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
