//! The history of the center in one SQLite file.
//!
//! A run of ten files takes milliseconds, so this may not wait for a disk: the log (WAL) is left in
//! place when the program ends and folded into the file every [`CHECKPOINT_PAGES`]. A crash loses
//! nothing; a power cut may lose the last runs of the *history*, never the agreed state of a sync.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, params};
use syncmgr_center::command::Save;
use syncmgr_center::port::{SessionQuery, Store, StoreError};
use syncmgr_model::event::Event;
use syncmgr_model::id::{ItemId, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::record::SessionRecord;
use syncmgr_model::time::Timestamp;

use crate::migrate::migrate;
use crate::owner::{Owner, is_alive};
use crate::row;

/// Pages of the log after which it is folded in: small enough that opening never reads much,
/// large enough that one run in some dozens pays for it.
const CHECKPOINT_PAGES: u32 = 200;

/// How long sessions and their results are kept; the last session of an item stays.
const KEPT_MS: i64 = 90 * 24 * 60 * 60 * 1000;

/// How long another program may hold the file: its transactions take well under a millisecond.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The memory of the center.
#[derive(Debug)]
pub struct SqliteStore {
    db: Connection,
    dir: PathBuf,
    owner: Option<Owner>,
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

    fn failed(&self, step: &'static str, detail: impl std::fmt::Display) -> StoreError {
        StoreError {
            step,
            place: shown(&self.dir),
            detail: detail.to_string(),
        }
    }

    /// Returns the mark of this process, made at the first session.
    fn owner(&mut self) -> Result<String, StoreError> {
        if self.owner.is_none() {
            let owner = Owner::take(&self.dir).map_err(|e| self.failed("write", e))?;
            self.owner = Some(owner);
        }
        Ok(self
            .owner
            .as_ref()
            .map_or_else(String::new, |owner| owner.name().to_owned()))
    }

    fn query<T>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        read: impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<Option<T>>,
    ) -> Result<Vec<T>, StoreError> {
        let work = || -> rusqlite::Result<Vec<T>> {
            let mut statement = self.db.prepare_cached(sql)?;
            let rows = statement.query_map(values, |row| read(row))?;
            rows.filter_map(Result::transpose).collect()
        };
        work().map_err(|e| self.failed("read", e))
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

fn connect(path: &Path) -> Result<Connection, Trouble> {
    let mut db = Connection::open(path)?;
    db.busy_timeout(BUSY_TIMEOUT)?;
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
    fn save(&mut self, changes: &[Save]) -> Result<(), StoreError> {
        let owner = if changes.iter().any(|c| matches!(c, Save::Began(_))) {
            self.owner()?
        } else {
            String::new()
        };
        let tx = self.db.unchecked_transaction();
        let result = tx.and_then(|tx| {
            changes
                .iter()
                .try_for_each(|change| write(&tx, change, &owner))?;
            tx.commit()
        });
        result.map_err(|e| self.failed("write", e))
    }

    fn abandoned(&mut self) -> Result<Vec<SessionRecord>, StoreError> {
        let open = self.query(
            "SELECT * FROM session WHERE ended IS NULL ORDER BY id",
            [],
            |r| {
                let owner: Option<String> = r.get("owner")?;
                Ok(row::session(r)?.map(|session| (owner, session)))
            },
        )?;
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

    fn items(&mut self) -> Result<Vec<Item>, StoreError> {
        self.query("SELECT * FROM item ORDER BY id", [], row::item)
    }

    fn sessions(&mut self, query: &SessionQuery) -> Result<Vec<SessionRecord>, StoreError> {
        let limit = match query.limit {
            0 => -1,
            n => i64::from(n),
        };
        match &query.item {
            Some(item) => self.query(
                "SELECT * FROM session WHERE item = ?1 ORDER BY id DESC LIMIT ?2",
                params![item.as_str(), limit],
                row::session,
            ),
            None => self.query(
                "SELECT * FROM session ORDER BY id DESC LIMIT ?1",
                [limit],
                row::session,
            ),
        }
    }

    fn session(&mut self, id: &SessionId) -> Result<Option<SessionRecord>, StoreError> {
        let found = self.query(
            "SELECT * FROM session WHERE id = ?1",
            [id.as_str()],
            row::session,
        )?;
        Ok(found.into_iter().next())
    }

    fn events(&mut self, session: &SessionId) -> Result<Vec<Event>, StoreError> {
        self.query(
            "SELECT * FROM event WHERE session = ?1 ORDER BY seq",
            [session.as_str()],
            row::event,
        )
    }

    fn forget(&mut self, item: &ItemId) -> Result<(), StoreError> {
        self.db
            .execute("DELETE FROM item WHERE id = ?1", [item.as_str()])
            .map(drop)
            .map_err(|e| self.failed("write", e))
    }
}

fn write(db: &Connection, change: &Save, owner: &str) -> rusqlite::Result<()> {
    match change {
        Save::Item(item) => {
            db.prepare_cached(
                "INSERT INTO item (id, handler, name, settings) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (id) DO UPDATE SET handler = ?2, name = ?3, settings = ?4",
            )?
            .execute(params![
                item.id.as_str(),
                item.handler.as_str(),
                item.name,
                row::settings_text(&item.settings)
            ])?;
        }
        Save::Began(record) => save_session(db, record, Some(owner))?,
        Save::Ended(record) => {
            save_session(db, record, None)?;
            let Timestamp(now) = record.ended.unwrap_or(record.started);
            prune(db, now - KEPT_MS)?;
        }
        Save::Withdrawn(record) => {
            db.execute("DELETE FROM session WHERE id = ?1", [record.id.as_str()])?;
            db.execute(
                "DELETE FROM item WHERE id = ?1
                 AND NOT EXISTS (SELECT 1 FROM session WHERE session.item = ?1)",
                [record.item.as_str()],
            )?;
        }
        Save::Event(event) => {
            db.prepare_cached(
                "INSERT INTO event (session, item, at, level, code, params, paths)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                event.session.as_str(),
                event.item.as_str(),
                event.at.0,
                event.trouble.level.as_str(),
                event.trouble.code.as_str(),
                row::params_text(&event.trouble),
                row::paths_text(&event.trouble),
            ])?;
        }
    }
    Ok(())
}

/// Forgets what is older than `before`, a little at a time, so that no run pays for years.
fn prune(db: &Connection, before: i64) -> rusqlite::Result<()> {
    // `seq` grows with time and ids of sessions begin with it: both look at the oldest rows alone.
    db.prepare_cached(
        "DELETE FROM event WHERE at < ?1 AND seq IN (SELECT seq FROM event ORDER BY seq LIMIT 100)",
    )?
    .execute([before])?;
    db.prepare_cached(
        "DELETE FROM session WHERE started < ?1 AND ended IS NOT NULL
         AND id IN (SELECT id FROM session ORDER BY id LIMIT 20)
         AND EXISTS (SELECT 1 FROM session AS later
                     WHERE later.item = session.item AND later.id > session.id)",
    )?
    .execute([before])?;
    Ok(())
}

fn save_session(
    db: &Connection,
    record: &SessionRecord,
    owner: Option<&str>,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO session (id, handler, item, kind, started, ended, status, owner, summary)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (id) DO UPDATE SET ended = ?6, status = ?7, owner = ?8, summary = ?9",
    )?
    .execute(params![
        record.id.as_str(),
        record.handler.as_str(),
        record.item.as_str(),
        record.kind.as_str(),
        record.started.0,
        record.ended.map(|t| t.0),
        record.status.map(|s| s.as_str()),
        owner,
        row::summary_text(&record.summary),
    ])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use syncmgr_model::id::HandlerId;
    use syncmgr_model::item::{Settings, Value};
    use syncmgr_model::progress::ProgressStatus;
    use syncmgr_model::record::Summary;
    use syncmgr_model::request::WorkKind;
    use syncmgr_model::trouble::{Code, Trouble};

    use super::*;

    fn record(id: &str) -> SessionRecord {
        let mut summary = Summary::default();
        summary.done.left.n_copied = 3;
        summary.n_conflicts = 2;
        SessionRecord {
            id: SessionId::new(id).unwrap(),
            handler: HandlerId::new("files").unwrap(),
            item: ItemId::new("i").unwrap(),
            kind: WorkKind::Sync,
            started: Timestamp(5),
            ended: None,
            status: None,
            summary,
        }
    }

    #[test]
    fn what_was_saved_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::default();
        settings.set("left", Value::Text("/a".into()));
        settings.set("keep_days", Value::Number(30));
        settings.set("exclude", Value::List(vec!["*.tmp".into()]));
        let item = Item {
            id: ItemId::new("i").unwrap(),
            handler: HandlerId::new("files").unwrap(),
            name: Some("Photos".into()),
            settings,
            is_enabled: true,
        };
        let event = Event {
            session: SessionId::new("s").unwrap(),
            item: item.id.clone(),
            at: Timestamp(6),
            trouble: Trouble {
                paths: vec!["a/b".into()],
                ..Trouble::new(Code::PermissionDenied).with("n", 14)
            },
        };
        let ended = SessionRecord {
            ended: Some(Timestamp(9)),
            status: Some(ProgressStatus::Succeeded),
            ..record("s")
        };
        let mut store = SqliteStore::open(dir.path()).unwrap();
        store
            .save(&[Save::Item(item.clone()), Save::Began(record("s"))])
            .unwrap();
        store
            .save(&[Save::Event(event.clone()), Save::Ended(ended.clone())])
            .unwrap();
        drop(store);
        let mut store = SqliteStore::open(dir.path()).unwrap();
        assert_eq!(store.items().unwrap(), [item]);
        assert_eq!(store.session(&ended.id).unwrap(), Some(ended.clone()));
        assert_eq!(store.events(&ended.id).unwrap(), [event]);
        store.forget(&ended.item).unwrap();
        assert!(store.items().unwrap().is_empty());
    }

    #[test]
    fn history_ends_after_ninety_days_but_the_last_session_stays() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::open(dir.path()).unwrap();
        let ended = |id: &str, item: &str, at: i64| {
            Save::Ended(SessionRecord {
                item: ItemId::new(item).unwrap(),
                started: Timestamp(at),
                ended: Some(Timestamp(at)),
                status: Some(ProgressStatus::Succeeded),
                ..record(id)
            })
        };
        store
            .save(&[ended("1", "a", 0), ended("2", "b", 0), ended("3", "a", 1)])
            .unwrap();
        store.save(&[ended("4", "a", KEPT_MS + 2)]).unwrap();
        let left = store.sessions(&SessionQuery::default()).unwrap();
        let ids: Vec<_> = left.iter().map(|session| session.id.as_str()).collect();
        assert_eq!(ids, ["4", "2"]);
    }

    #[test]
    fn a_withdrawn_session_takes_an_unknown_item_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::open(dir.path()).unwrap();
        let item = Item {
            id: ItemId::new("i").unwrap(),
            handler: HandlerId::new("files").unwrap(),
            name: None,
            settings: Settings::default(),
            is_enabled: true,
        };
        store
            .save(&[Save::Item(item.clone()), Save::Began(record("s"))])
            .unwrap();
        store
            .save(&[Save::Item(item), Save::Began(record("t"))])
            .unwrap();
        store.save(&[Save::Withdrawn(record("t"))]).unwrap();
        assert_eq!(store.items().unwrap().len(), 1, "it has a session");
        store.save(&[Save::Withdrawn(record("s"))]).unwrap();
        assert!(store.items().unwrap().is_empty());
    }

    #[test]
    fn only_sessions_of_a_vanished_process_are_abandoned() {
        let dir = tempfile::tempdir().unwrap();
        let mut first = SqliteStore::open(dir.path()).unwrap();
        first.save(&[Save::Began(record("s"))]).unwrap();
        let mut second = SqliteStore::open(dir.path()).unwrap();
        assert!(second.abandoned().unwrap().is_empty(), "its owner lives");
        drop(first);
        assert_eq!(second.abandoned().unwrap().len(), 1);
    }

    #[test]
    fn a_file_that_is_no_database_is_set_aside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.db");
        std::fs::write(&path, vec![b'x'; 5000]).unwrap();
        let mut store = SqliteStore::open(dir.path()).unwrap();
        assert!(store.items().unwrap().is_empty());
        assert!(dir.path().join("history.db.damaged").exists());
        assert_eq!(
            store.was_set_aside(),
            Some(&*dir.path().join("history.db.damaged"))
        );
    }
}
