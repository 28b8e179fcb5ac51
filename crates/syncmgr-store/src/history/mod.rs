//! The history of the center in one SQLite file.
//!
//! A run of ten files takes milliseconds, so this may not wait for a disk: the log (WAL) is left in
//! place when the program ends and folded into the file every [`CHECKPOINT_PAGES`]. A crash loses
//! nothing; a power cut may lose the last runs of the *history*, never the agreed state of a sync.

mod agenda;
pub(crate) mod memory;
mod prune;
pub(crate) mod read;
mod reader;
pub(crate) mod row;
mod write;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use syncmgr_center::command::{Remembered, Save};
use syncmgr_center::port::{EventQuery, SessionQuery, Store, StoreError};
use syncmgr_model::event::Event;
use syncmgr_model::id::SessionId;
use syncmgr_model::item::Item;
use syncmgr_model::record::SessionRecord;

use crate::migrate::migrate;
use crate::owner::{Owner, is_alive};
use prune::Pruner;
use reader::Reader;

/// Pages of the log after which it is folded in: small enough that opening never reads much,
/// large enough that one run in some dozens pays for it.
const CHECKPOINT_PAGES: u32 = 1000;

/// How long another program may hold the file: its transactions take well under a millisecond.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Statements kept ready: all that this crate has, and room for the forms of questions.
const STATEMENTS_MAX: usize = 64;

/// The memory of the center.
#[derive(Debug)]
pub struct SqliteStore {
    db: Connection,
    dir: PathBuf,
    owner: Option<Owner>,
    pruner: Pruner,
    /// Where a file that was no database went.
    set_aside: Option<PathBuf>,
}

impl SqliteStore {
    /// Opens the history below `dir`, which must exist; makes it when there is none. A file that
    /// is no database is set aside and a new one begun: history is worth less than the next sync.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join("history.db");
        let mut aside = None;
        let opened = connect(&path).or_else(|error| match error {
            Trouble::NoDatabase(detail) => {
                set_aside(&path).map_err(|_| Trouble::Other(detail))?;
                aside = Some(dir.join("history.db.damaged"));
                connect(&path)
            }
            Trouble::Other(_) => Err(error),
        });
        match opened {
            Ok(db) => Ok(Self {
                db,
                dir: dir.to_owned(),
                owner: None,
                pruner: Pruner::new(),
                set_aside: aside,
            }),
            Err(Trouble::NoDatabase(detail) | Trouble::Other(detail)) => Err(StoreError {
                step: "open",
                place: shown(&path),
                detail,
            }),
        }
    }

    /// Returns where a file that was no database was moved to, if that happened just now: the
    /// history of runs and the list of unnamed syncs begin anew.
    #[must_use]
    pub fn was_set_aside(&self) -> Option<&Path> {
        self.set_aside.as_deref()
    }

    /// Sets how many days sessions and results are kept, at least one; 90 when this is not called.
    /// The last session of an item always stays.
    pub fn keep_days(&mut self, days: u32) {
        self.pruner.keep(i64::from(days.max(1)) * 86_400_000);
    }

    /// Returns the mark of this process, made at the first session.
    fn owner(&mut self) -> Result<String, StoreError> {
        if self.owner.is_none() {
            let owner = Owner::take(&self.dir).map_err(|e| failed(&self.dir, "write", e))?;
            self.owner = Some(owner);
        }
        Ok(self
            .owner
            .as_ref()
            .map_or_else(String::new, |owner| owner.name().to_owned()))
    }

    fn read<T>(
        &self,
        look: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        look(&self.db).map_err(|e| failed(&self.dir, "read", e))
    }

    fn write_all(&mut self, changes: &[Save], owner: &str) -> rusqlite::Result<()> {
        // Immediate: a transaction that reads first could not go on to write beside another one.
        let tx = Transaction::new_unchecked(&self.db, TransactionBehavior::Immediate)?;
        let mut n_ended = 0;
        let mut now = None;
        for change in changes {
            write::write(&tx, change, owner)?;
            if let Save::Ended(record) = change {
                n_ended += 1;
                now = now.max(Some(record.ended.unwrap_or(record.started)));
            }
        }
        if let Some(now) = now {
            self.pruner.prune(&tx, now, n_ended)?;
        }
        tx.commit()
    }

    /// Returns sessions that are open although the process that ran them is gone.
    fn abandoned(&self) -> rusqlite::Result<Vec<SessionRecord>> {
        let sql = "SELECT * FROM session WHERE ended IS NULL ORDER BY id";
        let open = read::query(&self.db, sql, Vec::new(), |r| {
            let owner: Option<String> = r.get("owner")?;
            Ok(row::session(r, &self.db)?.map(|session| (owner, session)))
        })?;
        let mine = self.owner.as_ref().map(Owner::name);
        Ok(open
            .into_iter()
            .filter(|(owner, _)| {
                let owner = owner.as_deref();
                owner.is_none() || (owner != mine && owner.is_some_and(|o| !is_alive(&self.dir, o)))
            })
            .map(|(_, session)| session)
            .collect())
    }
}

enum Trouble {
    NoDatabase(String),
    Other(String),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
                Self::NoDatabase(error.to_string())
            }
            _ => Self::Other(error.to_string()),
        }
    }
}

fn failed(dir: &Path, step: &'static str, detail: impl std::fmt::Display) -> StoreError {
    StoreError {
        step,
        place: shown(dir),
        detail: detail.to_string(),
    }
}

fn connect(path: &Path) -> Result<Connection, Trouble> {
    let mut db = Connection::open(path)?;
    db.busy_timeout(BUSY_TIMEOUT)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let mode: String = db.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    if mode != "wal" {
        db.pragma_update(None, "journal_mode", "wal")?;
    }
    db.pragma_update(None, "synchronous", "normal")?;
    db.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    migrate(&mut db).map_err(Trouble::Other)?;
    Ok(db)
}

fn set_aside(path: &Path) -> std::io::Result<()> {
    for ending in ["-wal", "-shm", ""] {
        let mut from = path.as_os_str().to_owned();
        from.push(ending);
        let mut to = path.as_os_str().to_owned();
        to.push(".damaged");
        to.push(ending);
        match std::fs::rename(from, to) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().escape_debug().to_string()
}

impl Store for SqliteStore {
    fn remembered(&mut self) -> Result<Remembered, StoreError> {
        self.read(|db| {
            // One look, so that all of it fits together.
            let tx = db.unchecked_transaction()?;
            let all = Remembered {
                handlers: memory::handlers(&tx)?,
                items: memory::items(&tx)?,
                agendas: agenda::all(&tx)?,
                alarms: agenda::alarms(&tx)?,
                abandoned: self.abandoned()?,
                last_event: read::last_event(&tx)?,
            };
            tx.commit()?;
            Ok(all)
        })
    }

    fn save(&mut self, changes: &[Save]) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let owner = if changes.iter().any(|c| matches!(c, Save::Began(_))) {
            self.owner()?
        } else {
            String::new()
        };
        self.write_all(changes, &owner)
            .map_err(|e| failed(&self.dir, "write", e))
    }

    fn items(&mut self) -> Result<Vec<Item>, StoreError> {
        self.read(read::items)
    }

    fn sessions(&mut self, query: &SessionQuery) -> Result<Vec<SessionRecord>, StoreError> {
        self.read(|db| read::sessions(db, query))
    }

    fn session(&mut self, id: &SessionId) -> Result<Option<SessionRecord>, StoreError> {
        self.read(|db| read::session(db, id))
    }

    fn events(&mut self, query: &EventQuery) -> Result<Vec<Event>, StoreError> {
        self.read(|db| read::events(db, query))
    }

    fn reader(&self) -> Result<Box<dyn Store>, StoreError> {
        Reader::open(&self.dir).map(|reader| Box::new(reader) as Box<dyn Store>)
    }
}

#[cfg(test)]
mod tests;
