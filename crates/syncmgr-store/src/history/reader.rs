//! A second way to read the history, beside the center's own, for long questions on another thread.
//! It never writes.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use syncmgr_center::command::{Remembered, Save};
use syncmgr_center::port::{EventQuery, SessionQuery, Store, StoreError};
use syncmgr_model::event::Event;
use syncmgr_model::id::{ItemKey, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::outcome::{Activity, Past};
use syncmgr_model::record::SessionRecord;
use syncmgr_model::time::Timestamp;

use super::{BUSY_TIMEOUT, STATEMENTS_MAX, agenda, failed, memory, read};

/// A connection that only reads. Every question sees what was saved before it was asked.
#[derive(Debug)]
pub(super) struct Reader {
    db: Connection,
    dir: PathBuf,
}

impl Reader {
    /// Opens the history below `dir`, which a [`super::SqliteStore`] has open.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn open(dir: &Path) -> Result<Self, StoreError> {
        let open = || -> rusqlite::Result<Connection> {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let db = Connection::open_with_flags(dir.join("history.db"), flags)?;
            db.busy_timeout(BUSY_TIMEOUT)?;
            db.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
            Ok(db)
        };
        Ok(Self {
            db: open().map_err(|e| failed(dir, "open", e))?,
            dir: dir.to_owned(),
        })
    }

    fn read<T>(
        &self,
        look: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        look(&self.db).map_err(|e| failed(&self.dir, "read", e))
    }
}

impl Store for Reader {
    /// Returns no abandoned sessions: who may end them is whoever can write that down.
    fn remembered(&mut self) -> Result<Remembered, StoreError> {
        self.read(|db| {
            Ok(Remembered {
                handlers: memory::handlers(db)?,
                items: memory::items(db)?,
                agendas: agenda::all(db)?,
                alarms: agenda::alarms(db)?,
                abandoned: Vec::new(),
                last_event: read::last_event(db)?,
            })
        })
    }

    fn save(&mut self, _changes: &[Save]) -> Result<(), StoreError> {
        Err(failed(&self.dir, "write", "it was opened for reading"))
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
        Self::open(&self.dir).map(|reader| Box::new(reader) as Box<dyn Store>)
    }
}
