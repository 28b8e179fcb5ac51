//! Opens the history, and repairs it when it is damaged: the damaged file is set aside, never
//! deleted, and the last good copy takes its place. History is worth less than the next sync, so
//! nothing that is wrong with its contents keeps the center from starting.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use syncmgr_center::port::StoreError;
use syncmgr_model::time::Timestamp;

use super::{BUSY_TIMEOUT, CHECKPOINT_PAGES, STATEMENTS_MAX, failed};
use crate::backup::{Backups, HistoryCopy, check};
use crate::{migrate, owner};

/// What was done to a damaged history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// Where the damaged file went.
    pub aside: PathBuf,
    /// What was damaged, in words.
    pub detail: String,
    /// The copy that took its place; `None`: there was none, the history began anew.
    pub restored: Option<HistoryCopy>,
}

/// Why a history cannot be opened.
enum Fault {
    /// Its contents are damaged.
    Damaged(String),
    /// Anything else: it may be whole.
    Other(String),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
                Self::Damaged(error.to_string())
            }
            _ => Self::Other(error.to_string()),
        }
    }
}

/// Opens the history below `dir`, repaired if need be.
///
/// # Errors
/// [`StoreError`] when the reason is not in the contents of the file, or another program works on
/// a damaged one.
pub(super) fn open(dir: &Path) -> Result<(Connection, Option<Repair>), StoreError> {
    let found = match connect(dir) {
        Ok(db) => Ok((db, None)),
        Err(Fault::Damaged(_)) => repair(dir),
        Err(Fault::Other(detail)) => Err(detail),
    };
    found.map_err(|detail| failed(&dir.join("history.db"), "open", detail))
}

fn connect(dir: &Path) -> Result<Connection, Fault> {
    let path = dir.join("history.db");
    let mut db = Connection::open(&path)?;
    db.busy_timeout(BUSY_TIMEOUT)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let mode: String = db.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    if mode != "wal" {
        db.pragma_update(None, "journal_mode", "wal")?;
    }
    db.pragma_update(None, "synchronous", "normal")?;
    db.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    // Reading all of it takes a while: only when a process, or the computer, died.
    let dead = owner::dead(dir);
    if !dead.is_empty() {
        check(&db).map_err(Fault::Damaged)?;
        for mark in dead {
            mark.remove();
        }
    }
    let form = migrate::version(&db)?;
    if form > 0 && form < migrate::NEWEST {
        let at = changed_at(&path).unwrap_or_default();
        Backups::new(dir)
            .copy(at)
            .map_err(|error| Fault::Other(error.detail))?;
    }
    migrate::migrate(&mut db).map_err(|fault| match fault {
        migrate::Fault::Newer(detail) => Fault::Other(detail),
        migrate::Fault::Sql(error) => error.into(),
    })?;
    Ok(db)
}

/// Returns when a file was changed last.
fn changed_at(path: &Path) -> Option<Timestamp> {
    let at = std::fs::metadata(path).ok()?.modified().ok()?;
    let since = at.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok().map(Timestamp)
}

/// Sets a damaged history aside and puts the last good copy in its place.
fn repair(dir: &Path) -> Result<(Connection, Option<Repair>), String> {
    let text = |e: io::Error| e.to_string();
    let lock = lock(dir).map_err(text)?;
    // Another program may have repaired it since.
    let detail = match connect(dir) {
        Ok(db) => return Ok((db, None)),
        Err(Fault::Damaged(detail)) => detail,
        Err(Fault::Other(detail)) => return Err(detail),
    };
    if owner::is_any_alive(dir) {
        return Err(format!(
            "it is damaged ({detail}), and another syncmgr works on it; it is repaired when that one has ended"
        ));
    }
    let aside = dir.join("history.db.damaged");
    set_aside(&dir.join("history.db")).map_err(text)?;
    let restored = Backups::new(dir).restore().map_err(text)?;
    let db = connect(dir).map_err(|fault| match fault {
        Fault::Damaged(detail) | Fault::Other(detail) => detail,
    })?;
    drop(lock);
    let repair = Repair {
        aside,
        detail,
        restored,
    };
    Ok((db, Some(repair)))
}

/// Waits until nobody else repairs; released when the file is dropped.
fn lock(dir: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(dir.join(".history.lock"))?;
    file.lock()?;
    Ok(file)
}

fn set_aside(path: &Path) -> io::Result<()> {
    for ending in ["-wal", "-shm", ""] {
        let mut from = path.as_os_str().to_owned();
        from.push(ending);
        let mut to = path.as_os_str().to_owned();
        to.push(".damaged");
        to.push(ending);
        match std::fs::rename(from, to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}
