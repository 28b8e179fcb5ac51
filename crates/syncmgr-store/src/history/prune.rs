//! What is too old is forgotten, a little at a time, so that no run pays for years.

use rusqlite::{Connection, params};
use syncmgr_model::time::Timestamp;

use super::write;

/// How long sessions and their results are kept when nothing else is set, in milliseconds.
pub(super) const KEPT_MS: i64 = 90 * 24 * 60 * 60 * 1000;

/// After everything old was looked at, nothing is for so long: what stays (the last sessions of
/// items) is not looked at again at every save.
const REST_MS: i64 = 60 * 60 * 1000;

/// Rows looked at for every session that was added: more than one, so that it catches up.
const PER_SESSION: i64 = 20;

/// Where the forgetting stands.
#[derive(Debug)]
pub(super) struct Pruner {
    kept_ms: i64,
    /// The last session that was looked at.
    looked_at: String,
    /// Nothing is done before.
    next_at: Timestamp,
}

impl Pruner {
    pub(super) fn new() -> Self {
        Self {
            kept_ms: KEPT_MS,
            looked_at: String::new(),
            next_at: Timestamp(i64::MIN),
        }
    }

    /// Sets how long sessions and results are kept, in milliseconds.
    pub(super) fn keep(&mut self, kept_ms: i64) {
        self.kept_ms = kept_ms;
        self.next_at = Timestamp(i64::MIN);
    }

    /// Forgets some of what is older than allowed at `now`; `n_added` sessions came in since the
    /// last time.
    ///
    /// The last session of an item stays for good.
    pub(super) fn prune(
        &mut self,
        db: &Connection,
        now: Timestamp,
        n_added: usize,
    ) -> rusqlite::Result<()> {
        if now < self.next_at {
            return Ok(());
        }
        let before = now.0.saturating_sub(self.kept_ms);
        let n = PER_SESSION * i64::try_from(n_added).unwrap_or(1);
        write::note_last_event(db)?;
        let n_events = db
            .prepare_cached(
                "DELETE FROM event WHERE id IN
                 (SELECT id FROM event WHERE at < ?1 ORDER BY at LIMIT ?2)",
            )?
            .execute(params![before, n * 5])?;
        let last = old_session(db, &self.looked_at, before, n)?;
        if let Some(last) = last {
            remove_sessions(db, &self.looked_at, &last, before)?;
            self.looked_at = last;
        } else if n_events == 0 {
            self.looked_at.clear();
            self.next_at = Timestamp(now.0.saturating_add(REST_MS));
        }
        Ok(())
    }
}

/// Returns the last of the next `n` sessions, if any of them is old.
fn old_session(
    db: &Connection,
    after: &str,
    before: i64,
    n: i64,
) -> rusqlite::Result<Option<String>> {
    db.prepare_cached(
        "SELECT max(id) FROM (SELECT id, started FROM session WHERE id > ?1 ORDER BY id LIMIT ?2)
         WHERE started < ?3",
    )?
    .query_row(params![after, n, before], |row| row.get(0))
}

fn remove_sessions(db: &Connection, after: &str, last: &str, before: i64) -> rusqlite::Result<()> {
    let values = params![after, last, before];
    db.prepare_cached(
        "DELETE FROM session WHERE id > ?1 AND id <= ?2 AND started < ?3 AND ended IS NOT NULL
         AND NOT EXISTS (
             SELECT 1 FROM session_item AS mine
             WHERE mine.session = session.id AND NOT EXISTS (
                 SELECT 1 FROM session_item AS later
                 WHERE later.handler = mine.handler AND later.item = mine.item
                   AND later.session > mine.session))",
    )?
    .execute(values)?;
    db.prepare_cached(
        "DELETE FROM session_item WHERE session > ?1 AND session <= ?2
         AND NOT EXISTS (SELECT 1 FROM session WHERE session.id = session_item.session)",
    )?
    .execute(params![after, last])?;
    Ok(())
}
