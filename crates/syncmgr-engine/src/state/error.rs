//! What can go wrong with the memory of a pair.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why a step on the state did not work.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// What is stored cannot be trusted: no database, cut off, bits flipped, or from a newer
    /// version. Drop every [`super::State`] and [`super::Reader`], then
    /// [`super::State::set_aside`]; the next run is a first contact, which never deletes (I11).
    #[error("cannot {what}: the state is damaged: {detail}")]
    Damaged {
        /// What was tried: a verb and its object.
        what: &'static str,
        /// What did not fit.
        detail: String,
    },
    /// The database refused: no space, no permission, locked for too long.
    #[error("cannot {what}: {source}")]
    Refused {
        /// What was tried: a verb and its object.
        what: &'static str,
        /// The database's own words.
        source: rusqlite::Error,
    },
    /// A file of the state could not be made or moved.
    #[error("cannot {what} `{}`: {source}", path.display())]
    File {
        /// What was tried: a verb and its object.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
}

impl StateError {
    /// Says whether what is stored cannot be trusted any more.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        matches!(self, Self::Damaged { .. })
    }

    pub(super) fn damaged(what: &'static str, detail: impl Into<String>) -> Self {
        Self::Damaged {
            what,
            detail: detail.into(),
        }
    }

    pub(super) fn file(what: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File {
            what,
            path: path.to_owned(),
            source,
        }
    }
}

/// Names what was tried when the database refuses.
pub(super) trait Trying<T> {
    fn trying(self, what: &'static str) -> Result<T, StateError>;
}

impl<T> Trying<T> for rusqlite::Result<T> {
    fn trying(self, what: &'static str) -> Result<T, StateError> {
        self.map_err(|source| {
            if is_damage(&source) {
                StateError::damaged(what, source.to_string())
            } else {
                StateError::Refused { what, source }
            }
        })
    }
}

impl<T> Trying<T> for Option<T> {
    fn trying(self, what: &'static str) -> Result<T, StateError> {
        self.ok_or_else(|| StateError::damaged(what, "a record cannot be read"))
    }
}

/// Tells damage from trouble that passes. Our SQL is fixed, so a missing table or column and a
/// value of another type can only mean that the file is not what was written; a read that ends
/// early means that it was cut.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enum is another crate's, and it grows"
)]
fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_ERROR, SQLITE_IOERR_SHORT_READ};
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => {
            matches!(
                failure.code,
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase
            ) || matches!(
                failure.extended_code,
                SQLITE_ERROR | SQLITE_IOERR_SHORT_READ
            )
        }
        rusqlite::Error::SqlInputError { .. }
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::Utf8Error(..) => true,
        _ => false,
    }
}
