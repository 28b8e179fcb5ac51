//! The memory of one pair: what both sides last agreed on (the base), contents kept for merges,
//! the journal of runs, and the conflicts and problems the last run left.
//!
//! It is one SQLite file in a directory of the pair's own. It is disposable (I11): when it is
//! lost, damaged or from another time, the next run is a first contact, which joins both sides and
//! deletes nothing. Therefore everything that is read is checked, and what does not fit is
//! reported as damage instead of being believed.
//!
//! A base that is older than the files is harmless; one that is newer is not. So the engine makes
//! files durable before it calls [`State::update`].

mod base;
mod census;
mod codec;
mod conflict;
mod content;
mod error;
mod file;
mod journal;
mod meta;
mod page;
mod record;
mod schema;
#[cfg(test)]
mod tests;
mod update;
mod words;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

pub use self::base::{Reader, Record};
pub use self::content::CONTENT_BUDGET_BYTES;
pub use self::error::StateError;
use self::error::Trying;
pub use self::page::{RecordRef, Records};
pub use self::update::BaseChange;
use crate::entry::Agreed;
use crate::path::RelPath;
use crate::plan::Census;

/// Stands for a directory of the base for as long as it is in the base, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DirId(pub u64);

impl DirId {
    /// The root of the pair.
    pub const ROOT: Self = Self(1);
}

/// What was found when the state was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// There was none; an empty one was made.
    Fresh,
    /// There was one.
    Existing,
    /// The file was damaged or from another time; it was moved aside and a fresh one made (I11).
    Rebuilt {
        /// Where the old file is now.
        kept_as: PathBuf,
    },
}

/// The memory of one pair. One process at a time writes (the pair's locks see to that); any number
/// of [`Reader`]s and of states from [`State::open_existing`] may read meanwhile.
#[derive(Debug)]
pub struct State {
    conn: Connection,
    file: PathBuf,
    is_swapped: bool,
}

impl State {
    /// Opens the state in `dir`, making the directory (0700) and the file (0600) when missing. A
    /// damaged file is moved aside; only its structure is looked at here, content is checked when
    /// it is read.
    ///
    /// # Errors
    /// [`StateError::File`] or [`StateError::Refused`] when it cannot be opened or made; never
    /// [`StateError::Damaged`].
    pub fn open(dir: &Path) -> Result<(Self, Opened), StateError> {
        if file::ensure(dir)? {
            return Ok((Self::connect(dir)?, Opened::Fresh));
        }
        match Self::connect(dir) {
            Err(StateError::Damaged { .. }) => {
                let kept_as = Self::set_aside(dir)?;
                file::ensure(dir)?;
                Ok((Self::connect(dir)?, Opened::Rebuilt { kept_as }))
            }
            opened => Ok((opened?, Opened::Existing)),
        }
    }

    /// Opens the state in `dir` for reading; `None` when there is none. Changes nothing and makes
    /// nothing; every method that writes fails on the result.
    ///
    /// # Errors
    /// [`StateError`], also [`StateError::Damaged`].
    pub fn open_existing(dir: &Path) -> Result<Option<Self>, StateError> {
        let Some(conn) = file::connect_to_read(dir)? else {
            return Ok(None);
        };
        Ok(Some(Self::new(conn, dir)))
    }

    /// Moves the state in `dir` aside, for damage that shows later, as during a scan, and returns
    /// where it is now. Every [`State`] and [`Reader`] of it must have been dropped; then
    /// [`State::open`] makes a fresh one.
    ///
    /// # Errors
    /// [`StateError::File`], also when there is none.
    pub fn set_aside(dir: &Path) -> Result<PathBuf, StateError> {
        file::set_aside(dir)
    }

    fn connect(dir: &Path) -> Result<Self, StateError> {
        Ok(Self::new(file::connect_to_write(dir)?, dir))
    }

    fn new(conn: Connection, dir: &Path) -> Self {
        Self {
            conn,
            file: file::path(dir),
            is_swapped: false,
        }
    }

    /// Says that the caller's left is what is stored as right. Call it before anything else:
    /// everything read or written from then on, also by readers made from then on, is mirrored.
    /// Values of [`Self::meta`] are not.
    pub fn set_swapped(&mut self, is_swapped: bool) {
        self.is_swapped = is_swapped;
    }

    /// Opens a connection of its own for a scan worker.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn reader(&self) -> Result<Reader, StateError> {
        Ok(Reader::new(file::reader(&self.file)?, self.is_swapped))
    }

    /// Returns a value kept by name.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn meta(&self, key: &str) -> Result<Option<String>, StateError> {
        meta::get(&self.conn, key)
    }

    /// Keeps a value by name. Names that begin with `base.` are taken.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn set_meta(&mut self, key: &str, value: &str) -> Result<(), StateError> {
        meta::set(&self.conn, key, value)
    }

    /// Carries out changes of the base in order, in one transaction. Sorted by path they are
    /// fastest.
    ///
    /// # Errors
    /// [`StateError`]; the base is as before then.
    pub fn update(&mut self, changes: &[BaseChange]) -> Result<(), StateError> {
        if changes.is_empty() {
            return Ok(());
        }
        let is_swapped = self.is_swapped;
        self.write("write what was agreed", |conn| {
            update::update(conn, is_swapped, changes)
        })
    }

    /// Says whether nothing is agreed: the first contact, or the memory was lost.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn is_base_empty(&self) -> Result<bool, StateError> {
        base::is_empty(&self.conn)
    }

    /// Forgets all that was agreed; contents and journal stay.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn clear_base(&mut self) -> Result<(), StateError> {
        self.write("forget what was agreed", |conn| {
            conn.execute("DELETE FROM page", [])
                .trying("forget what was agreed")?;
            census::set(conn, Some(Census::default()))
        })
    }

    /// Returns how much is agreed; `None` when that was never counted.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn census(&self) -> Result<Option<Census>, StateError> {
        census::get(&self.conn)
    }

    /// Counts how much is agreed, which reads the whole base, and remembers it.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn take_census(&mut self) -> Result<Census, StateError> {
        self.write("count what was agreed", |conn| {
            let census = census::count(conn)?;
            census::set(conn, Some(census))?;
            Ok(census)
        })
    }

    /// Returns what was agreed for a path; the root has no record.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn get(&self, path: &RelPath) -> Result<Option<Agreed>, StateError> {
        let mut page = Records::new();
        let found = base::find(&self.conn, &mut page, self.is_swapped, path)?;
        Ok(found.map(|record| record.agreed))
    }

    /// Runs `work` in a transaction that begins as a writing one, so that it cannot fail half-way
    /// for another process' sake.
    fn write<T>(
        &mut self,
        what: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        let transaction = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .trying(what)?;
        let done = work(&transaction)?;
        transaction.commit().trying(what)?;
        Ok(done)
    }
}
