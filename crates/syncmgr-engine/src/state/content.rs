//! Contents both sides agreed on, kept for three-way merges. Only ever a cache: whoever asks must
//! do without.

use rusqlite::{Connection, OptionalExtension, params};

use super::State;
use super::error::{StateError, Trying};
use crate::entry::Hash;

/// Most bytes of contents kept. A merge needs the agreed text of files that people edit on both
/// sides; 64 MiB hold the last few thousand of those and are small beside what is synced.
pub const CONTENT_BUDGET_BYTES: u64 = 64 << 20;

impl State {
    /// Keeps contents; of those already kept only the age is renewed. Beyond
    /// [`CONTENT_BUDGET_BYTES`] the oldest go; a content that is larger by itself is not kept.
    ///
    /// # Errors
    /// [`StateError`]; nothing is kept then.
    pub fn keep_content(&mut self, items: &[(Hash, &[u8])]) -> Result<(), StateError> {
        if items.is_empty() {
            return Ok(());
        }
        self.write("keep contents", |conn| {
            let latest: i64 = conn
                .query_row("SELECT ifnull(max(used), 0) FROM content", [], |row| {
                    row.get(0)
                })
                .trying("keep contents")?;
            for (used, (hash, bytes)) in (latest.saturating_add(1)..).zip(items) {
                keep(conn, used, hash, bytes)?;
            }
            evict(conn, CONTENT_BUDGET_BYTES)
        })
    }

    /// Returns a kept content. One that does not match its hash any more counts as not kept.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn content(&self, hash: &Hash) -> Result<Option<Vec<u8>>, StateError> {
        let kept: Option<Vec<u8>> = self
            .conn
            .prepare_cached("SELECT data FROM content WHERE hash = ?1")
            .and_then(|mut one| one.query_row([hash.0], |row| row.get(0)).optional())
            .trying("read a content")?;
        Ok(kept.filter(|bytes| *blake3::hash(bytes).as_bytes() == hash.0))
    }
}

fn keep(conn: &Connection, used: i64, hash: &Hash, bytes: &[u8]) -> Result<(), StateError> {
    let size = bytes.len() as u64;
    if size > CONTENT_BUDGET_BYTES {
        return Ok(());
    }
    conn.prepare_cached(
        "INSERT INTO content(hash, used, size, data) VALUES(?1, ?2, ?3, ?4) \
         ON CONFLICT(hash) DO UPDATE SET used = excluded.used",
    )
    .and_then(|mut put| put.execute(params![hash.0, used, size.cast_signed(), bytes]))
    .map(|_| ())
    .trying("keep contents")
}

/// Deletes the oldest contents beyond the budget; the index alone answers which.
fn evict(conn: &Connection, budget: u64) -> Result<(), StateError> {
    const WHAT: &str = "drop old contents";
    let total: i64 = conn
        .query_row("SELECT ifnull(sum(size), 0) FROM content", [], |row| {
            row.get(0)
        })
        .trying(WHAT)?;
    let mut surplus = total.saturating_sub(budget.cast_signed());
    while surplus > 0 {
        let oldest: Option<(i64, i64)> = conn
            .prepare_cached("SELECT used, size FROM content ORDER BY used, size LIMIT 1")
            .and_then(|mut one| {
                one.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .trying(WHAT)?;
        let Some((used, size)) = oldest else { break };
        conn.prepare_cached("DELETE FROM content WHERE used = ?1 AND size = ?2")
            .and_then(|mut delete| delete.execute([used, size]))
            .trying(WHAT)?;
        surplus -= size.max(1);
    }
    Ok(())
}
