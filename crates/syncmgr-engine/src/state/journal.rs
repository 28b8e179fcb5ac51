//! Runs and their steps.
//!
//! Steps lie in chunks, one row for up to [`CHUNK`] of them, because a row for each would make the
//! journal the slowest part of a run over many small files. A chunk knows the least and the
//! greatest path in it, so that the history of one path reads only the few chunks that can have it.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::State;
use super::base::blob;
use super::codec::{Input, Stored, Writer, sealed, unsealed};
use super::error::{StateError, Trying};
use super::words::Mirror;
use crate::entry::{Entry, FileTime};
use crate::journal::{RunEnd, RunId, RunRecord, Step, StepEnd};
use crate::path::RelPath;

/// Steps in a row: about 30 KiB, which is also what settling one step rewrites.
const CHUNK: usize = 256;

const READ: &str = "read the journal";
const WRITE: &str = "write the journal";

impl State {
    /// Notes that a run begins; its end is [`RunEnd::Open`] until [`Self::end_run`].
    ///
    /// # Errors
    /// [`StateError`].
    pub fn begin_run(&mut self, run: &RunRecord) -> Result<(), StateError> {
        self.put_run(run)
    }

    /// Notes how a run ended, with its counts.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn end_run(&mut self, run: &RunRecord) -> Result<(), StateError> {
        self.put_run(run)
    }

    fn put_run(&mut self, run: &RunRecord) -> Result<(), StateError> {
        let id = run.id.as_str();
        let data = sealed(&run_place(id), &run.clone().turned(self.is_swapped));
        self.conn
            .prepare_cached(
                "INSERT INTO run(id, secs, nanos, is_open, data) VALUES(?1, ?2, ?3, ?4, ?5) \
                 ON CONFLICT(id) DO UPDATE SET secs = excluded.secs, nanos = excluded.nanos, \
                 is_open = excluded.is_open, data = excluded.data",
            )
            .and_then(|mut put| {
                let is_open = run.end == RunEnd::Open;
                put.execute(params![
                    id,
                    run.started.secs,
                    run.started.nanos,
                    is_open,
                    data
                ])
            })
            .map(|_| ())
            .trying(WRITE)
    }

    /// Appends steps to a run. Their numbers must be new in the run. Many at once are far cheaper
    /// than one at a time.
    ///
    /// # Errors
    /// [`StateError`]; none is noted then.
    pub fn add_steps(&mut self, run: &RunId, steps: &[Step]) -> Result<(), StateError> {
        if steps.is_empty() {
            return Ok(());
        }
        let is_swapped = self.is_swapped;
        self.write(WRITE, |conn| {
            let mut out = Writer::new();
            for chunk in steps.chunks(CHUNK) {
                let turned = chunk.iter().map(|step| step.clone().turned(is_swapped));
                put_chunk(conn, run, &mut out, turned.collect())?;
            }
            Ok(())
        })
    }

    /// Notes how steps ended, by their numbers, and what is there since. Unknown numbers are
    /// passed over. Neighbouring numbers in one call are cheapest.
    ///
    /// # Errors
    /// [`StateError`]; nothing is noted then.
    pub fn settle_steps(
        &mut self,
        run: &RunId,
        ends: &[(u64, StepEnd, Option<Entry>)],
    ) -> Result<(), StateError> {
        if ends.is_empty() {
            return Ok(());
        }
        let mut ends = ends.to_vec();
        ends.sort_by_key(|end| end.0);
        self.write(WRITE, |conn| settle(conn, run, &ends))
    }

    /// Returns the latest runs, newest first.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn runs(&self, limit: usize) -> Result<Vec<RunRecord>, StateError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.select_runs(
            "SELECT id, data FROM run ORDER BY secs DESC, nanos DESC, id DESC LIMIT ?1",
            [limit],
        )
    }

    /// Returns the runs that never ended, newest first: the one that is running, and killed ones.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn open_runs(&self) -> Result<Vec<RunRecord>, StateError> {
        self.select_runs(
            "SELECT id, data FROM run WHERE is_open = 1 \
             ORDER BY secs DESC, nanos DESC, id DESC",
            [],
        )
    }

    /// Returns a run.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn run(&self, id: &RunId) -> Result<Option<RunRecord>, StateError> {
        let found = self.select_runs("SELECT id, data FROM run WHERE id = ?1", [id.as_str()])?;
        Ok(found.into_iter().next())
    }

    fn select_runs(
        &self,
        sql: &str,
        which: impl rusqlite::Params,
    ) -> Result<Vec<RunRecord>, StateError> {
        let mut select = self.conn.prepare_cached(sql).trying(READ)?;
        let mut rows = select.query(which).trying(READ)?;
        let mut found: Vec<RunRecord> = Vec::new();
        while let Some(row) = rows.next().trying(READ)? {
            let run: RunRecord = unsealed(&run_place(text(row, 0)?), blob(row, 1)?).trying(READ)?;
            found.push(run.turned(self.is_swapped));
        }
        Ok(found)
    }

    /// Returns the steps of a run in order; none for an unknown run.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn steps(&self, run: &RunId) -> Result<Vec<Step>, StateError> {
        let mut select = self
            .conn
            .prepare_cached("SELECT run, first, data FROM step WHERE run = ?1 ORDER BY first")
            .trying(READ)?;
        let mut rows = select.query([run.as_str()]).trying(READ)?;
        let mut steps = Vec::new();
        while let Some(row) = rows.next().trying(READ)? {
            steps.extend(read_chunk(row)?);
        }
        steps.sort_by_key(|step| step.seq);
        Ok(turned(steps, self.is_swapped))
    }

    /// Returns what all runs did to a path, under its present or its old name, or, if
    /// `is_recursive`, to everything beneath: newest first, with the run and when it started.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn steps_of(
        &self,
        path: &RelPath,
        is_recursive: bool,
    ) -> Result<Vec<(RunId, FileTime, Step)>, StateError> {
        let mut select = self
            .conn
            .prepare_cached(
                "SELECT s.run, s.first, s.data, r.secs, r.nanos FROM step s \
                 JOIN run r ON r.id = s.run WHERE (?1 IS NULL OR s.low < ?1) AND s.high >= ?2",
            )
            .trying(READ)?;
        let low = order_key(path);
        let beyond = key_beyond(path, is_recursive);
        let mut rows = select.query(params![beyond, low]).trying(READ)?;
        let is_meant = |at: &RelPath| at == path || (is_recursive && at.is_within(path));
        let mut found = Vec::new();
        while let Some(row) = rows.next().trying(READ)? {
            let run = RunId::new(text(row, 0)?).trying(READ)?;
            let started = FileTime::new(row.get(3).trying(READ)?, row.get(4).trying(READ)?);
            let steps = read_chunk(row)?.into_iter();
            let meant = steps.filter(|step| is_meant(&step.path) || step.from.iter().any(is_meant));
            found.extend(meant.map(|step| (run.clone(), started, step.turned(self.is_swapped))));
        }
        found.sort_by(|a, b| (b.1, &b.0, b.2.seq).cmp(&(a.1, &a.0, a.2.seq)));
        Ok(found)
    }

    /// Forgets the runs that started before `time`, with their steps.
    ///
    /// # Errors
    /// [`StateError`]; nothing is forgotten then.
    pub fn forget_runs_before(&mut self, time: FileTime) -> Result<(), StateError> {
        const OLD: &str = "(secs, nanos) < (?1, ?2)";
        let which = params![time.secs, time.nanos];
        let any: Option<i64> = self
            .conn
            .prepare_cached(&format!("SELECT 1 FROM run WHERE {OLD} LIMIT 1"))
            .and_then(|mut one| one.query_row(which, |row| row.get(0)).optional())
            .trying(READ)?;
        if any.is_none() {
            return Ok(());
        }
        self.write(WRITE, |conn| {
            conn.execute(
                &format!("DELETE FROM step WHERE run IN (SELECT id FROM run WHERE {OLD})"),
                which,
            )
            .trying(WRITE)?;
            conn.execute(&format!("DELETE FROM run WHERE {OLD}"), which)
                .map(|_| ())
                .trying(WRITE)
        })
    }
}

fn run_place(id: &str) -> [&[u8]; 2] {
    [b"run", id.as_bytes()]
}

fn text<'r>(row: &'r Row<'_>, i: usize) -> Result<&'r str, StateError> {
    let value = row.get_ref(i).trying(READ)?;
    value
        .as_str()
        .map_err(|error| StateError::damaged(READ, error.to_string()))
}

fn turned(steps: Vec<Step>, is_swapped: bool) -> Vec<Step> {
    let each = steps.into_iter().map(|step| step.turned(is_swapped));
    each.collect()
}

/// A path as bytes that compare as paths do; no name has a NUL.
fn order_key(path: &RelPath) -> Vec<u8> {
    let bytes = path.as_bytes().iter();
    bytes.map(|&b| if b == b'/' { 0 } else { b }).collect()
}

/// The least key behind a path, or behind everything beneath it; nothing is behind all paths.
fn key_beyond(path: &RelPath, is_recursive: bool) -> Option<Vec<u8>> {
    let mut key = order_key(path);
    if is_recursive && path.is_root() {
        return None;
    }
    // What lies beneath goes on with a `/`, stored as 0, and comes before anything that goes on
    // with 1.
    key.push(u8::from(is_recursive));
    Some(key)
}

/// Writes steps, as they are stored, as one row; replaces the row that begins with the same one.
fn put_chunk(
    conn: &Connection,
    run: &RunId,
    out: &mut Writer,
    mut steps: Vec<Step>,
) -> Result<(), StateError> {
    steps.sort_by_key(|step| step.seq);
    let (Some(first), Some(last)) = (steps.first(), steps.last()) else {
        return Ok(());
    };
    let (first, last) = (first.seq.cast_signed(), last.seq.cast_signed());
    let paths = || {
        steps
            .iter()
            .flat_map(|step| step.from.iter().chain([&step.path]))
    };
    let low = paths().min().map(order_key);
    let high = paths().max().map(order_key);
    out.restart();
    out.number(steps.len() as u64);
    for step in &steps {
        step.put(out);
    }
    let data = out.seal(&[b"step", run.as_str().as_bytes(), &first.to_le_bytes()]);
    conn.prepare_cached(
        "INSERT OR REPLACE INTO step(run, first, last, low, high, data) \
         VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    )
    .and_then(|mut put| put.execute(params![run.as_str(), first, last, low, high, data]))
    .map(|_| ())
    .trying(WRITE)
}

/// Reads the steps of a row that begins with the columns `run, first, data`, as they are stored.
fn read_chunk(row: &Row<'_>) -> Result<Vec<Step>, StateError> {
    let first: i64 = row.get(1).trying(READ)?;
    let place: [&[u8]; 3] = [b"step", text(row, 0)?.as_bytes(), &first.to_le_bytes()];
    decode_chunk(&place, blob(row, 2)?).trying(READ)
}

fn decode_chunk(place: &[&[u8]], data: &[u8]) -> Option<Vec<Step>> {
    let mut input = Input::open(place, data)?;
    let n = input.number()?;
    let steps = (0..n).map(|_| Step::take(&mut input));
    let steps = steps.collect::<Option<Vec<_>>>()?;
    input.end()?;
    Some(steps)
}

/// Rewrites every chunk that has one of the steps. `ends` is sorted by number.
fn settle(
    conn: &Connection,
    run: &RunId,
    ends: &[(u64, StepEnd, Option<Entry>)],
) -> Result<(), StateError> {
    let (Some(least), Some(most)) = (ends.first(), ends.last()) else {
        return Ok(());
    };
    let range = params![run.as_str(), most.0.cast_signed(), least.0.cast_signed()];
    let mut out = Writer::new();
    for (first, last) in chunks_between(conn, range)? {
        let from = ends.partition_point(|end| end.0.cast_signed() < first);
        let to = ends.partition_point(|end| end.0.cast_signed() <= last);
        if from < to {
            settle_chunk(conn, run, first, &ends[from..to], &mut out)?;
        }
    }
    Ok(())
}

fn chunks_between(
    conn: &Connection,
    range: &[&dyn rusqlite::ToSql],
) -> Result<Vec<(i64, i64)>, StateError> {
    conn.prepare_cached(
        "SELECT first, last FROM step WHERE run = ?1 AND first <= ?2 AND last >= ?3 \
         ORDER BY first",
    )
    .and_then(|mut select| {
        select
            .query_map(range, |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
    })
    .trying(READ)
}

fn settle_chunk(
    conn: &Connection,
    run: &RunId,
    first: i64,
    ends: &[(u64, StepEnd, Option<Entry>)],
    out: &mut Writer,
) -> Result<(), StateError> {
    let mut steps = conn
        .prepare_cached("SELECT run, first, data FROM step WHERE run = ?1 AND first = ?2")
        .trying(READ)?
        .query_row(params![run.as_str(), first], |row| Ok(read_chunk(row)))
        .trying(READ)??;
    for step in &mut steps {
        if let Ok(at) = ends.binary_search_by_key(&step.seq, |end| end.0) {
            step.end = ends[at].1;
            step.after = ends[at].2;
        }
    }
    put_chunk(conn, run, out, steps)
}
