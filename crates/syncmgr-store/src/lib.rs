//! What the center remembers between runs: [`SqliteStore`], its history in one SQLite file, and
//! [`config`], the syncs a person saved, in a text file they may edit.
//!
//! Must not: contain rules about sessions or statuses; it writes what it is told.

#![forbid(unsafe_code)]

pub mod config;

mod backup;
mod history;
mod migrate;
mod owner;

pub use backup::{Backups, HistoryCopy};
pub use history::{Repair, SqliteStore};
