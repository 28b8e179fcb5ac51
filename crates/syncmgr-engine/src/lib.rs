//! Two-way file synchronization: look at two trees and at what they last agreed on, say what has
//! to be done, do it so that nothing is ever lost.
//!
//! Reading order: [`entry`] (what a listing says), [`replica`] (the port to a store), [`scan`],
//! [`reconcile`] (pure), [`plan`], `apply`, [`pair`] (the door for handlers).
//!
//! Must not: know handlers, network or the model of the center; print; read a clock or the
//! environment by itself.

#![forbid(unsafe_code)]
#![warn(clippy::wildcard_enum_match_arm)]

pub mod entry;
pub mod journal;
pub mod pair;
pub mod path;
pub mod plan;
pub mod replica;
pub mod rules;
pub mod state;

pub mod compare;
pub mod equals;
mod focus;
mod guard;
mod look;
pub mod merge;
mod moves;
pub mod reconcile;
pub mod revisit;
pub mod scan;

mod apply;
mod install;
mod ledger;
mod own;
mod pace;
mod taken_back;
mod undo;
mod versions;
mod workers;

mod capabilities;
pub mod root;

#[cfg(unix)]
mod ancestry;
#[cfg(unix)]
pub mod local;
#[cfg(unix)]
pub mod lock;
#[cfg(unix)]
pub mod overlap;

pub mod cancel;
pub mod clock;
pub mod monitor;
