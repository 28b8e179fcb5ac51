//! The conflicts and problems the last run left.

use std::collections::HashMap;

use rusqlite::{Connection, Row, params};

use super::State;
use super::base::blob;
use super::codec::{sealed, unsealed};
use super::error::{StateError, Trying};
use super::words::Mirror;
use crate::pair::StoredConflict;
use crate::path::RelPath;
use crate::plan::Problem;

impl State {
    /// Replaces the stored conflicts. A path that is stored already with the same kind keeps its
    /// `since`. Writes nothing when nothing changes.
    ///
    /// # Errors
    /// [`StateError`]; the old ones stay then.
    pub fn replace_conflicts(&mut self, conflicts: &[StoredConflict]) -> Result<(), StateError> {
        let old = self.conflicts()?;
        let since: HashMap<_, _> = old
            .iter()
            .map(|one| ((&one.path, one.kind), one.since))
            .collect();
        let mut new: Vec<StoredConflict> = conflicts.to_vec();
        for one in &mut new {
            if let Some(first) = since.get(&(&one.path, one.kind)) {
                one.since = *first;
            }
        }
        new.sort_by(|a, b| a.path.cmp(&b.path));
        if new == old {
            return Ok(());
        }
        let is_swapped = self.is_swapped;
        self.write("store the conflicts", |conn| {
            const WHAT: &str = "store the conflicts";
            conn.execute("DELETE FROM conflict", []).trying(WHAT)?;
            let mut put = conn
                .prepare_cached("INSERT OR REPLACE INTO conflict(path, data) VALUES(?1, ?2)")
                .trying(WHAT)?;
            for one in new {
                let key = one.path.clone();
                let data = sealed(&place(&key), &one.turned(is_swapped));
                put.execute(params![key.as_bytes(), data]).trying(WHAT)?;
            }
            Ok(())
        })
    }

    /// Returns the stored conflicts, sorted by path.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn conflicts(&self) -> Result<Vec<StoredConflict>, StateError> {
        const WHAT: &str = "read the conflicts";
        let mut found: Vec<StoredConflict> = Vec::new();
        each(&self.conn, WHAT, "SELECT path, data FROM conflict", |row| {
            let key = RelPath::new(blob(row, 0)?).ok().trying(WHAT)?;
            let one: StoredConflict = unsealed(&place(&key), blob(row, 1)?).trying(WHAT)?;
            found.push(one.turned(self.is_swapped));
            Ok(())
        })?;
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// Replaces the stored problems; the order is kept. Writes nothing when nothing changes.
    ///
    /// # Errors
    /// [`StateError`]; the old ones stay then.
    pub fn replace_problems(&mut self, problems: &[Problem]) -> Result<(), StateError> {
        if self.problems()? == problems {
            return Ok(());
        }
        let is_swapped = self.is_swapped;
        self.write("store the problems", |conn| {
            const WHAT: &str = "store the problems";
            conn.execute("DELETE FROM problem", []).trying(WHAT)?;
            let mut put = conn
                .prepare_cached("INSERT INTO problem(n, data) VALUES(?1, ?2)")
                .trying(WHAT)?;
            for (n, problem) in (0i64..).zip(problems) {
                let data = sealed(
                    &[b"problem", &n.to_le_bytes()],
                    &problem.clone().turned(is_swapped),
                );
                put.execute(params![n, data]).trying(WHAT)?;
            }
            Ok(())
        })
    }

    /// Returns the stored problems in the order they were given.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn problems(&self) -> Result<Vec<Problem>, StateError> {
        const WHAT: &str = "read the problems";
        let mut found: Vec<Problem> = Vec::new();
        let sql = "SELECT n, data FROM problem ORDER BY n";
        each(&self.conn, WHAT, sql, |row| {
            let n: i64 = row.get(0).trying(WHAT)?;
            let one: Problem =
                unsealed(&[b"problem", &n.to_le_bytes()], blob(row, 1)?).trying(WHAT)?;
            found.push(one.turned(self.is_swapped));
            Ok(())
        })?;
        Ok(found)
    }
}

fn place(path: &RelPath) -> [&[u8]; 2] {
    [b"conflict", path.as_bytes()]
}

/// Hands every row of a query to `use_row`.
fn each(
    conn: &Connection,
    what: &'static str,
    sql: &str,
    mut use_row: impl FnMut(&Row<'_>) -> Result<(), StateError>,
) -> Result<(), StateError> {
    let mut all = conn.prepare_cached(sql).trying(what)?;
    let mut rows = all.query([]).trying(what)?;
    while let Some(row) = rows.next().trying(what)? {
        use_row(row)?;
    }
    Ok(())
}
