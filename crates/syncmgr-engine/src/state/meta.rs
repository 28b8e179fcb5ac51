//! Single values by name.

use rusqlite::{Connection, OptionalExtension, params};

use super::codec::{sealed, unsealed};
use super::error::{StateError, Trying};

pub(super) fn get(conn: &Connection, key: &str) -> Result<Option<String>, StateError> {
    const WHAT: &str = "read a setting of the state";
    let stored: Option<Vec<u8>> = conn
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")
        .and_then(|mut one| one.query_row([key], |row| row.get(0)).optional())
        .trying(WHAT)?;
    stored
        .map(|blob| unsealed(&[b"meta", key.as_bytes()], &blob).trying(WHAT))
        .transpose()
}

pub(super) fn set(conn: &Connection, key: &str, value: &str) -> Result<(), StateError> {
    let blob = sealed(&[b"meta", key.as_bytes()], &value.to_owned());
    conn.prepare_cached("INSERT OR REPLACE INTO meta(key, value) VALUES(?1, ?2)")
        .and_then(|mut put| put.execute(params![key, blob]))
        .map(|_| ())
        .trying("write a setting of the state")
}
