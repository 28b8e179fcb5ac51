//! Copies of the history, made while it is in use: one a day at most, and one before its form is
//! changed. The newest two are kept, each checked before it counts.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};
use syncmgr_center::port::StoreError;
use syncmgr_model::time::Timestamp;

/// Copies that are kept: should the newest one be damaged too, there is another.
const KEPT: usize = 2;

/// A copy is made when the newest one is older, in milliseconds.
const EVERY_MS: i64 = 24 * 60 * 60 * 1000;

/// Where copies lie and how they are made. May be used from any thread beside the center's.
#[derive(Debug, Clone)]
pub struct Backups {
    dir: PathBuf,
}

/// One copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryCopy {
    /// The file.
    pub path: PathBuf,
    /// The history was like this then.
    pub at: Timestamp,
}

impl Backups {
    /// Names the copies of the history below `dir`; looks at nothing yet.
    #[must_use]
    pub(crate) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    /// Makes a copy unless there is one from the last 24 hours before `now`; returns it. Takes as
    /// long as reading and writing the whole file: call it beside the center's thread, which may
    /// go on writing meanwhile.
    ///
    /// # Errors
    /// [`StoreError`]; older copies are then as they were.
    pub fn back_up(&self, now: Timestamp) -> Result<Option<HistoryCopy>, StoreError> {
        let is_recent = |copy: &HistoryCopy| (0..EVERY_MS).contains(&(now.0 - copy.at.0));
        if self.list().first().is_some_and(is_recent) {
            return Ok(None);
        }
        self.copy(now).map(Some)
    }

    /// Returns the copies there are, newest first.
    #[must_use]
    pub fn list(&self) -> Vec<HistoryCopy> {
        let Ok(entries) = std::fs::read_dir(self.place()) else {
            return Vec::new();
        };
        let mut copies: Vec<_> = entries
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let at = name.strip_prefix("history-")?.strip_suffix(".db")?;
                Some(HistoryCopy {
                    path: entry.path(),
                    at: Timestamp(at.parse().ok()?),
                })
            })
            .collect();
        copies.sort_by_key(|copy| std::cmp::Reverse(copy.at));
        copies
    }

    /// Makes a copy that says it is from `at`.
    pub(crate) fn copy(&self, at: Timestamp) -> Result<HistoryCopy, StoreError> {
        let place = self.place();
        let copy = HistoryCopy {
            path: place.join(format!("history-{}.db", at.0)),
            at,
        };
        let failed = |detail: &dyn std::fmt::Display| StoreError {
            step: "back up",
            place: place.to_string_lossy().escape_debug().to_string(),
            detail: detail.to_string(),
        };
        std::fs::create_dir_all(&place).map_err(|e| failed(&e))?;
        let staged = place.join("new");
        remove(&staged).map_err(|e| failed(&e))?;
        copy_pages(&self.dir.join("history.db"), &staged).map_err(|e| failed(&e))?;
        if !is_sound(&staged) {
            return Err(failed(&"the copy is damaged"));
        }
        settle(&staged, &copy.path).map_err(|e| failed(&e))?;
        for old in self.list().into_iter().skip(KEPT) {
            remove(&old.path).map_err(|e| failed(&e))?;
        }
        Ok(copy)
    }

    /// Puts the newest sound copy in place of a history that is gone; returns it. The history must
    /// not be open anywhere.
    pub(crate) fn restore(&self) -> io::Result<Option<HistoryCopy>> {
        let Some(copy) = self.list().into_iter().find(|copy| is_sound(&copy.path)) else {
            return Ok(None);
        };
        let staged = self.dir.join("history.db.new");
        std::fs::copy(&copy.path, &staged)?;
        settle(&staged, &self.dir.join("history.db"))?;
        Ok(Some(copy))
    }

    fn place(&self) -> PathBuf {
        self.dir.join("backup")
    }
}

/// Says whether a file is a database without damage. Reads all of it.
pub(crate) fn is_sound(path: &Path) -> bool {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).is_ok_and(|db| check(&db).is_ok())
}

/// Looks for damage in the whole file.
///
/// # Errors
/// What is wrong, in words.
pub(crate) fn check(db: &Connection) -> Result<(), String> {
    let said: String = db
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|e| e.to_string())?;
    if said == "ok" { Ok(()) } else { Err(said) }
}

fn copy_pages(from: &Path, to: &Path) -> rusqlite::Result<()> {
    let from = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    // One view of the history for the whole copy: otherwise every write begins it anew.
    let view = from.unchecked_transaction()?;
    view.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    let mut to = Connection::open(to)?;
    let n = Backup::new(&view, &mut to)?.step(-1)?;
    debug_assert_eq!(n, rusqlite::backup::StepResult::Done);
    // A copy stands alone, without a log beside it.
    to.query_row("PRAGMA journal_mode = delete", [], |_| Ok(()))
}

/// Makes a file durable and gives it its name.
fn settle(staged: &Path, path: &Path) -> io::Result<()> {
    File::open(staged)?.sync_all()?;
    std::fs::rename(staged, path)?;
    path.parent()
        .map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
