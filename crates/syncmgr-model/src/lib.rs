//! The words of the sync center and their life cycles: handler, item, session, progress, event,
//! conflict; what may be asked of a handler and what it answers; the one status function and the
//! one catalogue of messages, in English and German.
//!
//! Reading order: [`id`], [`item`], [`request`], [`schedule`], [`progress`], [`session`],
//! [`trouble`], [`catalogue`], [`event`], [`alarm`], [`conflict`], [`resolution`], [`preview`], [`record`],
//! [`outcome`], [`folder`], [`status`], [`menu`], [`property`], [`mod@format`], [`escape`]; [`capability`],
//! [`facts`] and [`hresult`] say what handlers answer, [`language`] in which language words are made,
//! [`legacy`] holds the words of the older family, [`outside`] those of programs that report runs of
//! their own.
//!
//! Must not: read a clock, a disk or the environment; know a wire format (no serde); know SQL,
//! HTTP or the engine. Times and randomness are arguments.

#![forbid(unsafe_code)]
#![warn(clippy::wildcard_enum_match_arm)]

pub mod hresult;
pub mod id;
pub mod language;
pub mod side;
pub mod time;

pub mod capability;
pub mod facts;
pub mod item;
pub mod request;
pub mod schedule;

pub mod progress;
pub mod session;

pub mod alarm;
pub mod catalogue;
pub mod event;
pub mod trouble;

pub mod legacy;
pub mod outside;

pub mod conflict;
pub mod folder;
pub mod outcome;
pub mod preview;
pub mod reader;
pub mod record;
pub mod resolution;

pub mod escape;
pub mod format;
pub mod menu;
pub mod property;
pub mod status;
