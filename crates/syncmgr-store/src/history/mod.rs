//! The history of the center in one SQLite file.
//!
//! A run of ten files takes milliseconds, so this may not wait for a disk: the log (WAL) is left in
//! place when the program ends and folded into the file every [`CHECKPOINT_PAGES`]. A crash or kill
//! of the program loses nothing that [`Store::save`] returned for. A power cut may lose the last
//! runs of the *history* (whole transactions, the newest ones), because their log may still be in
//! the memory of the system; it never loses the agreed state of a sync, which is kept elsewhere.

mod agenda;
pub(crate) mod memory;
mod open;
mod prune;
pub(crate) mod read;
mod reader;
pub(crate) mod row;
mod write;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use syncmgr_center::command::{Remembered, Save};
use syncmgr_center::port::{EventQuery, SessionQuery, Store, StoreError};
use syncmgr_model::event::Event;
use syncmgr_model::id::{ItemKey, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::outcome::{Activity, Past};
use syncmgr_model::record::SessionRecord;
use syncmgr_model::time::Timestamp;

use crate::backup::{Backups, HistoryCopy};
use crate::owner::{Owner, is_alive};
pub use open::Repair;
use prune::Pruner;
use reader::Reader;

/// Pages of the log after which it is folded in: small enough that opening never reads much,
/// large enough that one run in some dozens pays for it.
const CHECKPOINT_PAGES: u32 = 200;

/// The same once [`BULK_CHANGES`] came at a time, as in a daemon with much to do: folding in waits
/// for the disk, and most pages changed several times by then. 32 MiB.
const BULK_CHECKPOINT_PAGES: u32 = 8000;

/// Memory for pages when there is much to do, in KiB below zero as SQLite wants it: the ends of all
/// indexes fit, so that they are not read again and again.
const BULK_CACHE: i64 = -8192;

/// So many changes in one transaction mean that more of the kind will come.
const BULK_CHANGES: usize = 32;

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
    /// [`BULK_CHECKPOINT_PAGES`] holds.
    is_bulk: bool,
    /// What was done to a damaged file.
    repair: Option<Repair>,
}

impl SqliteStore {
    /// Opens the history below `dir`, which must exist; makes it when there is none. A damaged file
    /// is set aside, and the last good copy takes its place, or a new one is begun: history is
    /// worth less than the next sync. [`Self::repaired`] says so.
    ///
    /// When the last process died, or the computer did, all of the file is read to look for damage.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let (db, repair) = open::open(dir)?;
        Ok(Self {
            db,
            dir: dir.to_owned(),
            owner: None,
            pruner: Pruner::new(),
            is_bulk: false,
            repair,
        })
    }

    /// Returns where a damaged history was moved to, if that happened just now: the history of runs
    /// and the list of unnamed syncs are those of the last copy, or begin anew.
    #[must_use]
    pub fn was_set_aside(&self) -> Option<&Path> {
        self.repair.as_ref().map(|repair| repair.aside.as_path())
    }

    /// Returns what was done to a damaged history just now, if it was.
    #[must_use]
    pub fn repaired(&self) -> Option<&Repair> {
        self.repair.as_ref()
    }

    /// Returns the copies of this history, to make one on another thread or to list them.
    #[must_use]
    pub fn backups(&self) -> Backups {
        Backups::new(&self.dir)
    }

    /// Makes a copy unless there is one from the last 24 hours before `now`; see
    /// [`Backups::back_up`], which does not keep this thread waiting.
    ///
    /// # Errors
    /// [`StoreError`]; older copies are then as they were.
    pub fn back_up(&self, now: Timestamp) -> Result<Option<HistoryCopy>, StoreError> {
        self.backups().back_up(now)
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
        if changes.len() >= BULK_CHANGES && !self.is_bulk {
            self.db
                .pragma_update(None, "wal_autocheckpoint", BULK_CHECKPOINT_PAGES)?;
            self.db.pragma_update(None, "cache_size", BULK_CACHE)?;
            self.is_bulk = true;
        }
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

impl Drop for SqliteStore {
    fn drop(&mut self) {
        // A long log would make the next program's start slow. When this fails, it only is.
        if self.is_bulk {
            drop(
                self.db
                    .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())),
            );
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

    fn past(&mut self, items: &[ItemKey], n: u32) -> Result<Vec<Vec<Past>>, StoreError> {
        self.read(|db| items.iter().map(|key| read::past(db, key, n)).collect())
    }

    fn activity(&mut self, since: Timestamp) -> Result<Activity, StoreError> {
        self.read(|db| read::activity(db, since))
    }

    fn reader(&self) -> Result<Box<dyn Store>, StoreError> {
        Reader::open(&self.dir).map(|reader| Box::new(reader) as Box<dyn Store>)
    }
}

#[cfg(test)]
mod tests;
