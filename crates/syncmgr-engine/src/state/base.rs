//! Reading what was agreed: whole directories for a scan, single paths for everything else.

use rusqlite::{Connection, OptionalExtension};

use super::DirId;
use super::error::{StateError, Trying};
use super::page::Records;
use crate::entry::Agreed;
use crate::path::RelPath;

const WHAT: &str = "read what was agreed";

/// What was agreed for one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The last component.
    pub name: Box<[u8]>,
    /// What was agreed.
    pub agreed: Agreed,
    /// For a directory: the id its content is listed under. `Some` exactly for directories.
    pub dir: Option<DirId>,
}

/// A connection of its own that only reads, for one thread at a time. It sees what was committed
/// when each call begins, never a half of an update.
#[derive(Debug)]
pub struct Reader {
    conn: Connection,
    is_swapped: bool,
    scratch: Records,
}

impl Reader {
    pub(super) fn new(conn: Connection, is_swapped: bool) -> Self {
        Self {
            conn,
            is_swapped,
            scratch: Records::new(),
        }
    }

    /// Replaces `into` by the records of one directory, sorted by name. A directory that is not
    /// in the base has none.
    ///
    /// # Errors
    /// [`StateError::Damaged`] when a record cannot be trusted (`into` is useless then), or
    /// another [`StateError`].
    pub fn list(&mut self, dir: DirId, into: &mut Records) -> Result<(), StateError> {
        into.reset(self.is_swapped);
        let mut all = self
            .conn
            .prepare_cached("SELECT first, data FROM page WHERE dir = ?1 ORDER BY first")
            .trying(WHAT)?;
        let mut rows = all.query([dir.0.cast_signed()]).trying(WHAT)?;
        while let Some(row) = rows.next().trying(WHAT)? {
            let (first, data) = (blob(row, 0)?, blob(row, 1)?);
            into.add_page(dir, first, data).trying(WHAT)?;
        }
        Ok(())
    }

    /// Returns the record of one name of a directory, if there is one.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn find_in(&mut self, dir: DirId, name: &[u8]) -> Result<Option<Record>, StateError> {
        find_in(&self.conn, &mut self.scratch, self.is_swapped, dir, name)
    }

    /// Returns the record of a path, if there is one; the root has none.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn find(&mut self, path: &RelPath) -> Result<Option<Record>, StateError> {
        find(&self.conn, &mut self.scratch, self.is_swapped, path)
    }
}

/// Borrows a blob of a row.
pub(super) fn blob<'r>(row: &'r rusqlite::Row<'_>, i: usize) -> Result<&'r [u8], StateError> {
    let value = row.get_ref(i).trying(WHAT)?;
    value
        .as_blob()
        .map_err(|error| StateError::damaged(WHAT, error.to_string()))
}

/// Walks down to a path.
pub(super) fn find(
    conn: &Connection,
    page: &mut Records,
    is_swapped: bool,
    path: &RelPath,
) -> Result<Option<Record>, StateError> {
    let (_, last) = path.split_last();
    let n_above = path.components().count().saturating_sub(1);
    let mut dir = DirId::ROOT;
    for name in path.components().take(n_above) {
        page.reset(is_swapped);
        load_page(conn, dir, name, page)?;
        match page.search(name).ok().and_then(|i| page.dir(i)) {
            Some(child) => dir = child,
            None => return Ok(None),
        }
    }
    find_in(conn, page, is_swapped, dir, last)
}

/// Looks a name up in a directory.
fn find_in(
    conn: &Connection,
    page: &mut Records,
    is_swapped: bool,
    dir: DirId,
    name: &[u8],
) -> Result<Option<Record>, StateError> {
    page.reset(is_swapped);
    load_page(conn, dir, name, page)?;
    Ok(page.search(name).ok().map(|i| Record {
        name: name.into(),
        agreed: page.agreed(i),
        dir: page.dir(i),
    }))
}

/// Appends the one page that is responsible for a name.
fn load_page(
    conn: &Connection,
    dir: DirId,
    name: &[u8],
    into: &mut Records,
) -> Result<(), StateError> {
    with_page_row(conn, dir, name, |first, data| {
        into.add_page(dir, first, data).trying(WHAT)
    })
    .map(|_| ())
}

/// Hands the row of the page that is responsible for a name to `use_row`, if there is one.
pub(super) fn with_page_row<T>(
    conn: &Connection,
    dir: DirId,
    name: &[u8],
    use_row: impl FnOnce(&[u8], &[u8]) -> Result<T, StateError>,
) -> Result<Option<T>, StateError> {
    let mut one = conn
        .prepare_cached(
            "SELECT first, data FROM page WHERE dir = ?1 AND first <= ?2 \
             ORDER BY first DESC LIMIT 1",
        )
        .trying(WHAT)?;
    let mut rows = one
        .query(rusqlite::params![dir.0.cast_signed(), name])
        .trying(WHAT)?;
    match rows.next().trying(WHAT)? {
        Some(row) => use_row(blob(row, 0)?, blob(row, 1)?).map(Some),
        None => Ok(None),
    }
}

/// Says whether nothing was ever agreed, or all of it was forgotten.
pub(super) fn is_empty(conn: &Connection) -> Result<bool, StateError> {
    let any: Option<i64> = conn
        .query_row("SELECT 1 FROM page LIMIT 1", [], |row| row.get(0))
        .optional()
        .trying(WHAT)?;
    Ok(any.is_none())
}
