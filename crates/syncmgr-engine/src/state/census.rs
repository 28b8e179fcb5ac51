//! How much is agreed: counted along with every change, so that a look at a few directories can
//! tell how large the whole is.

use rusqlite::Connection;

use super::error::{StateError, Trying};
use super::page::{self, Raw};
use super::{DirId, base::blob, meta};
use crate::entry::Kind;
use crate::plan::Census;

const WHAT: &str = "count what was agreed";

/// Where the count is kept.
const CENSUS: &str = "base.census";

impl Census {
    /// Counts one thing in.
    pub(crate) fn add(&mut self, kind: Kind, size: u64) {
        match kind {
            Kind::File => {
                self.n_files += 1;
                self.bytes = self.bytes.saturating_add(size);
            }
            Kind::Symlink => self.n_files += 1,
            Kind::Dir => self.n_dirs += 1,
            Kind::Special => {}
        }
    }

    /// Takes one part away; `None` when it is more than the whole, so that one of both is wrong.
    pub(crate) fn without(self, part: &Self) -> Option<Self> {
        Some(Self {
            n_files: self.n_files.checked_sub(part.n_files)?,
            n_dirs: self.n_dirs.checked_sub(part.n_dirs)?,
            bytes: self.bytes.checked_sub(part.bytes)?,
        })
    }

    /// Adds another part.
    #[must_use]
    pub(crate) fn with(self, part: &Self) -> Self {
        Self {
            n_files: self.n_files + part.n_files,
            n_dirs: self.n_dirs + part.n_dirs,
            bytes: self.bytes.saturating_add(part.bytes),
        }
    }
}

/// Returns the count; `None` when it is not known.
pub(super) fn get(conn: &Connection) -> Result<Option<Census>, StateError> {
    if let Some(text) = meta::get(conn, CENSUS)? {
        return Ok(parse(&text));
    }
    Ok(super::base::is_empty(conn)?.then(Census::default))
}

fn parse(text: &str) -> Option<Census> {
    let mut numbers = text.split(' ').map(str::parse);
    let mut next = || numbers.next()?.ok();
    let census = Census {
        n_files: next()?,
        n_dirs: next()?,
        bytes: next()?,
    };
    numbers.next().is_none().then_some(census)
}

/// Keeps the count; `None` says that it is not known.
pub(super) fn set(conn: &Connection, census: Option<Census>) -> Result<(), StateError> {
    let text = census.map_or_else(String::new, |census| {
        format!("{} {} {}", census.n_files, census.n_dirs, census.bytes)
    });
    meta::set(conn, CENSUS, &text)
}

/// Counts everything, which reads the whole base.
pub(super) fn count(conn: &Connection) -> Result<Census, StateError> {
    let mut all = conn
        .prepare_cached("SELECT dir, first, data FROM page")
        .trying(WHAT)?;
    let mut rows = all.query([]).trying(WHAT)?;
    let mut census = Census::default();
    while let Some(row) = rows.next().trying(WHAT)? {
        let dir: i64 = row.get(0).trying(WHAT)?;
        let (first, data) = (blob(row, 1)?, blob(row, 2)?);
        let records = page::decode(DirId(dir.cast_unsigned()), first, data).trying(WHAT)?;
        for (kind, size) in records.iter().filter_map(Raw::weight) {
            census.add(kind, size);
        }
    }
    Ok(census)
}
