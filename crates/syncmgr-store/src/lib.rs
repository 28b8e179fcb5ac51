//! What the center remembers between runs: [`SqliteStore`], its history in one SQLite file, and
//! [`config`], the syncs a person saved, in a text file they may edit; [`spool`] has runs that were
//! reported while no center listened.
//!
//! Must not: contain rules about sessions or statuses; it writes what it is told.

#![forbid(unsafe_code)]

pub mod config;
pub mod spool;

mod backup;
mod history;
mod migrate;
mod owner;

pub use backup::{Backups, HistoryCopy};
pub use history::{Repair, SqliteStore};
