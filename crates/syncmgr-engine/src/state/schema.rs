//! The tables, how they came about, and the settings of a connection.

use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::error::{StateError, Trying};

/// "smst", in the header of the file, so that it is never taken for another program's.
const APPLICATION_ID: i32 = 0x736d_7374;

/// How long a step waits while another process writes: a commit of a million records takes a few
/// seconds, and giving up means a failed run.
const BUSY: Duration = Duration::from_secs(10);

/// One entry for each version; entry n turns version n into n + 1. Entries are never edited.
const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE meta(key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE page(dir INTEGER NOT NULL, first BLOB NOT NULL, data BLOB NOT NULL,
                      PRIMARY KEY(dir, first)) STRICT;
    CREATE TABLE content(hash BLOB PRIMARY KEY, used INTEGER NOT NULL, size INTEGER NOT NULL,
                         data BLOB NOT NULL) STRICT;
    CREATE INDEX content_used ON content(used, size);
    CREATE TABLE run(id TEXT PRIMARY KEY, secs INTEGER NOT NULL, nanos INTEGER NOT NULL,
                     is_open INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
    CREATE INDEX run_started ON run(secs, nanos, id);
    CREATE TABLE step(run TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
                      low BLOB NOT NULL, high BLOB NOT NULL, data BLOB NOT NULL,
                      PRIMARY KEY(run, first)) STRICT;
    CREATE TABLE conflict(path BLOB PRIMARY KEY, data BLOB NOT NULL) STRICT;
    CREATE TABLE problem(n INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
"];

/// The version this program writes.
const VERSION: i32 = MIGRATIONS.len() as i32;

/// Every table and index, sorted; automatic indexes left out.
const NAMES: &str = "conflict,content,content_used,meta,page,problem,run,run_started,step";

/// Makes all tables in an empty file that nobody else knows yet; no journal is needed, because
/// the file gets its name only when it is complete.
pub(super) fn create(conn: &Connection) -> Result<(), StateError> {
    // 8 KiB: a page of records is about 20 KiB, and fewer, larger reads make a scan faster.
    let settings = format!(
        "PRAGMA page_size=8192; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; \
         PRAGMA application_id={APPLICATION_ID};"
    );
    conn.execute_batch(&settings).trying("make the state")?;
    migrate(conn, 0)?;
    conn.execute_batch("PRAGMA journal_mode=WAL;")
        .trying("make the state")
}

fn migrate(conn: &Connection, from: i32) -> Result<(), StateError> {
    let steps = MIGRATIONS.iter().skip(from.unsigned_abs() as usize);
    let sql: String = steps.copied().collect();
    let whole = format!("BEGIN IMMEDIATE; {sql} PRAGMA user_version={VERSION}; COMMIT;");
    conn.execute_batch(&whole)
        .trying("bring the state up to date")
}

/// Prepares a connection that will write.
///
/// `synchronous=NORMAL` does not wait for the disk at every commit: after a power cut the base
/// may be older than the files, which is harmless, because the files are made durable first.
pub(super) fn settle_writer(conn: &Connection) -> Result<(), StateError> {
    const WHAT: &str = "open the state";
    settle_reader(conn)?;
    // The log is emptied into the file after 2 MiB, which bounds what the next opening has to
    // read, and never stays larger than 16 MiB on disk.
    conn.execute_batch(
        "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=256; \
         PRAGMA journal_size_limit=16777216;",
    )
    .trying(WHAT)
}

/// Prepares any connection.
pub(super) fn settle_reader(conn: &Connection) -> Result<(), StateError> {
    const WHAT: &str = "open the state";
    conn.busy_timeout(BUSY).trying(WHAT)?;
    // Without this, SQLite plans a statement anew whenever its values change, which costs more
    // than reading a small directory does.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .trying(WHAT)?;
    // More kinds of statement than this module has.
    conn.set_prepared_statement_cache_capacity(48);
    conn.execute_batch("PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;")
        .trying(WHAT)
}

/// Checks whose file this is and which version; the content is checked when it is read. Brings an
/// older version up to date if `may_write`.
pub(super) fn check(conn: &Connection, may_write: bool) -> Result<(), StateError> {
    const WHAT: &str = "open the state";
    let int = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    if int("application_id").trying(WHAT)? != APPLICATION_ID {
        return Err(StateError::damaged(WHAT, "it is not a file of syncmgr"));
    }
    match int("user_version").trying(WHAT)? {
        VERSION => {}
        old if (1..VERSION).contains(&old) && may_write => migrate(conn, old)?,
        other => {
            let detail = format!("its version is {other}, this program knows {VERSION}");
            return Err(StateError::damaged(WHAT, detail));
        }
    }
    let names: Option<String> = conn
        .query_row(
            "SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema \
             WHERE sql IS NOT NULL ORDER BY name)",
            [],
            |row| row.get(0),
        )
        .trying(WHAT)?;
    if names.as_deref() != Some(NAMES) {
        return Err(StateError::damaged(WHAT, "it has other tables"));
    }
    Ok(())
}
