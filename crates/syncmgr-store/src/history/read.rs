//! Questions to the history, for the center's own connection and for readers beside it.

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};
use syncmgr_center::port::{EventQuery, Saying, SessionQuery};
use syncmgr_model::event::Event;
use syncmgr_model::id::{ItemKey, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::outcome::{Activity, Outcome, Past};
use syncmgr_model::record::{SessionRecord, Summary};
use syncmgr_model::time::Timestamp;

use super::row;

/// Ids of events grow with time, but clocks are put back: this far below the wanted time the walk
/// through the ids goes on, in milliseconds.
const CLOCK_SLACK_MS: i64 = 24 * 60 * 60 * 1000;

/// Runs a question whose rows may be unreadable; those are left out.
pub(super) fn query<T>(
    db: &Connection,
    sql: &str,
    values: Vec<Value>,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<Option<T>>,
) -> rusqlite::Result<Vec<T>> {
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map(params_from_iter(values), |row| read(row))?;
    rows.filter_map(Result::transpose).collect()
}

/// Returns every item ever run.
pub(crate) fn items(db: &Connection) -> rusqlite::Result<Vec<Item>> {
    query(
        db,
        "SELECT * FROM item ORDER BY id, handler",
        Vec::new(),
        row::item,
    )
}

/// Returns the largest event id ever used; 0 when there was none.
pub(super) fn last_event(db: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT max(coalesce((SELECT max(id) FROM event), 0),
                          coalesce((SELECT value FROM number WHERE key = 'last_event'), 0))";
    let last: i64 = db.query_row(sql, [], |row| row.get(0))?;
    Ok(u64::try_from(last).unwrap_or(0))
}

/// Returns one session.
pub(super) fn session(db: &Connection, id: &SessionId) -> rusqlite::Result<Option<SessionRecord>> {
    let values = vec![text(id.as_str())];
    let found = query(db, "SELECT * FROM session WHERE id = ?", values, |r| {
        row::session(r, db)
    })?;
    Ok(found.into_iter().next())
}

/// Returns sessions, newest first.
pub(super) fn sessions(
    db: &Connection,
    wanted: &SessionQuery,
) -> rusqlite::Result<Vec<SessionRecord>> {
    let mut sql = Sql::new("SELECT * FROM session WHERE true");
    if let Some(key) = &wanted.item {
        // The condition on the id is inside, so that only wanted sessions of the item are listed.
        sql = Sql::new("SELECT session.* FROM session_item JOIN session ON id = session");
        sql.and("WHERE session_item.handler = ?", text(key.handler.as_str()));
        sql.and("AND session_item.item = ?", text(key.item.as_str()));
        sql.of_sessions(wanted, "session_item.session", "session_item.");
        sql.text.push_str(" ORDER BY session_item.session DESC");
        sql.limit(wanted.limit);
    } else {
        // Whatever is passed over is passed over in an index; the rows are read of those that fit.
        sql.text.push_str(" AND id IN (SELECT id FROM session");
        let is_narrow =
            !wanted.outcomes.is_empty() || wanted.since.is_some() || wanted.until.is_some();
        if is_narrow {
            sql.text.push_str(" INDEXED BY session_by_time");
        }
        sql.text.push_str(" WHERE true");
        sql.of_sessions(wanted, "id", "");
        sql.text.push_str(" ORDER BY id DESC");
        sql.limit(wanted.limit);
        sql.text.push_str(") ORDER BY id DESC");
    }
    query(db, &sql.text, sql.values, |r| row::session(r, db))
}

/// Returns events, newest first.
pub(super) fn events(db: &Connection, wanted: &EventQuery) -> rusqlite::Result<Vec<Event>> {
    let mut sql = Sql::new("SELECT * FROM event ");
    // What narrows most leads. SQLite keeps no statistics here, so it would have to guess.
    sql.text.push_str(match wanted {
        EventQuery {
            session: Some(_), ..
        } => "INDEXED BY event_by_session WHERE true",
        EventQuery { level: 3, .. } => "INDEXED BY event_error WHERE level >= 3",
        EventQuery { level: 2, .. } => "INDEXED BY event_warning WHERE level >= 2",
        EventQuery { item: Some(_), .. } => "INDEXED BY event_by_item WHERE true",
        EventQuery {
            handler: Some(_), ..
        } => "INDEXED BY event_by_handler WHERE true",
        EventQuery { .. } => "NOT INDEXED WHERE true",
    });
    if let Some(session) = &wanted.session {
        sql.and("AND session = ?", text(session.as_str()));
    }
    if let Some(item) = &wanted.item {
        sql.and("AND item = ?", text(item.as_str()));
    }
    if let Some(handler) = &wanted.handler {
        sql.and("AND handler = ?", text(handler.as_str()));
    }
    sql.and("AND level >= ?", Value::Integer(wanted.level.into()));
    if let Some(since) = wanted.since {
        sql.and("AND at >= ?", Value::Integer(since.0));
        sql.and(
            "AND id >= coalesce((SELECT id FROM event WHERE at < ? ORDER BY at DESC LIMIT 1), 0)",
            Value::Integer(since.0.saturating_sub(CLOCK_SLACK_MS)),
        );
    }
    if let Some(until) = wanted.until {
        sql.and("AND at <= ?", Value::Integer(until.0));
        // Where the walk through the ids begins: a short one through the times finds it.
        sql.and(
            "AND id <= coalesce((SELECT max(id) FROM event INDEXED BY event_by_time
                                 WHERE at <= ?), -1)",
            Value::Integer(until.0),
        );
    }
    if let Some(saying) = &wanted.saying {
        sql.saying(saying);
    }
    if let Some(before) = wanted.before {
        let before = i64::try_from(before.0).unwrap_or(i64::MAX);
        sql.and("AND id < ?", Value::Integer(before));
    }
    sql.text.push_str(" ORDER BY id DESC");
    sql.limit(wanted.limit);
    query(db, &sql.text, sql.values, row::event)
}

/// Returns the last `n` runs of an item, oldest first. Only indexes are read.
pub(super) fn past(db: &Connection, key: &ItemKey, n: u32) -> rusqlite::Result<Vec<Past>> {
    let of_item = |sql: &str, read: fn(&Row<'_>) -> rusqlite::Result<Option<Past>>| {
        let (handler, item) = (key.handler.as_str(), key.item.as_str());
        let values = vec![text(handler), text(item), Value::Integer(n.into())];
        query(db, sql, values, read)
    };
    let runs = of_item(
        "SELECT session, outcome, started FROM session_item INDEXED BY session_item_by_item
         WHERE handler = ? AND item = ? AND outcome IS NOT NULL ORDER BY session DESC LIMIT ?",
        |row| {
            let (session, outcome): (String, String) = (row.get(0)?, row.get(1)?);
            let at = Timestamp(row.get(2)?);
            Ok((|| {
                Some(Past {
                    outcome: Outcome::parse(&outcome)?,
                    at,
                    session: Some(SessionId::new(session).ok()?),
                })
            })())
        },
    )?;
    let missed = of_item(
        "SELECT at FROM event INDEXED BY event_missed
         WHERE code = 'missed-run' AND handler = ? AND item = ? ORDER BY id DESC LIMIT ?",
        |row| {
            Ok(Some(Past {
                outcome: Outcome::Missed,
                at: Timestamp(row.get(0)?),
                session: None,
            }))
        },
    )?;
    let n = usize::try_from(n).unwrap_or(usize::MAX);
    Ok(Past::latest(runs, missed, n))
}

/// Counts what happened since a time. The summaries of runs that did and left nothing, which are
/// nearly all, are compared as a whole and not read.
pub(super) fn activity(db: &Connection, since: Timestamp) -> rusqlite::Result<Activity> {
    let mut activity = Activity::default();
    let first = first_since(since);
    let idle = row::summary_text(&Summary::default());
    let mut statement = db.prepare_cached(
        "SELECT outcome, count(*) FROM session INDEXED BY session_by_time
         WHERE id >= ?1 AND started >= ?2 AND outcome IS NOT NULL GROUP BY outcome",
    )?;
    let mut rows = statement.query(params![first.as_str(), since.0])?;
    while let Some(row) = rows.next()? {
        let (outcome, n): (String, i64) = (row.get(0)?, row.get(1)?);
        if let Some(outcome) = Outcome::parse(&outcome) {
            activity.count(outcome, u64::try_from(n).unwrap_or(0));
        }
    }
    let mut statement = db.prepare_cached(
        "SELECT summary FROM session WHERE id >= ?1 AND started >= ?2 AND summary <> ?3",
    )?;
    let mut rows = statement.query(params![first.as_str(), since.0, idle])?;
    while let Some(row) = rows.next()? {
        if let Some(did) = row::summary_of(&row.get::<_, String>(0)?) {
            activity.add(&did);
        }
    }
    let mut statement = db.prepare_cached(
        "SELECT params FROM event INDEXED BY event_missed WHERE code = 'missed-run' AND at >= ?1",
    )?;
    let mut rows = statement.query([since.0])?;
    while let Some(row) = rows.next()? {
        let n = row::param(&row.get::<_, String>(0)?, "n").and_then(|n| n.parse().ok());
        activity.count(Outcome::Missed, n.unwrap_or(1));
    }
    Ok(activity)
}

/// Returns the least id of a session that began at or after a time, if no clock was wrong by more
/// than [`CLOCK_SLACK_MS`].
fn first_since(since: Timestamp) -> SessionId {
    SessionId::at(Timestamp(since.0.saturating_sub(CLOCK_SLACK_MS)), 0)
}

/// A question that is put together from conditions.
struct Sql {
    text: String,
    values: Vec<Value>,
}

impl Sql {
    fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            values: Vec::new(),
        }
    }

    fn and(&mut self, condition: &str, value: Value) {
        self.text.push(' ');
        self.text.push_str(condition);
        self.values.push(value);
    }

    /// Adds what is wanted of sessions, whose id is in one column and whose outcome and begin are
    /// in others behind a prefix.
    fn of_sessions(&mut self, wanted: &SessionQuery, id: &str, prefix: &str) {
        if let Some(before) = &wanted.before {
            self.and(&format!("AND {id} < ?"), text(before.as_str()));
        }
        if let Some(since) = wanted.since {
            let first = first_since(since);
            self.and(&format!("AND {id} >= ?"), text(first.as_str()));
            let begin = Value::Integer(since.0);
            self.and(&format!("AND {prefix}started >= ?"), begin);
        }
        if let Some(until) = wanted.until {
            let end = Value::Integer(until.0);
            self.and(&format!("AND {prefix}started <= ?"), end);
        }
        if !wanted.outcomes.is_empty() {
            let words = wanted.outcomes.iter().map(|it| it.as_str());
            self.among(&format!("AND {prefix}outcome"), words);
        }
    }

    /// Adds that an event has to contain a text.
    fn saying(&mut self, saying: &Saying) {
        self.text.push_str(" AND (false");
        for column in ["params", "paths"] {
            // The whole text first, because few have it; then the values alone, without the names.
            let written = serde_json::json!(saying.text).to_string();
            let written = written.trim_matches('"');
            self.and(&format!("OR ({column} LIKE ? ESCAPE '^'"), like(written));
            let values = format!(
                "AND EXISTS (SELECT 1 FROM json_each({column}) WHERE value LIKE ? ESCAPE '^'))"
            );
            self.and(&values, like(&saying.text));
        }
        if !saying.codes.is_empty() {
            self.among("OR code", saying.codes.iter().map(|code| code.as_str()));
        }
        if !saying.items.is_empty() {
            let keys: Vec<_> = saying
                .items
                .iter()
                .map(|key| [key.handler.as_str(), key.item.as_str()].join("/"))
                .collect();
            self.and(
                "OR (item IS NOT NULL AND handler || '/' || item IN (SELECT value FROM json_each(?)))",
                Value::Text(serde_json::json!(keys).to_string()),
            );
        }
        self.text.push(')');
    }

    /// Adds that a column has one of some words.
    fn among<'a>(&mut self, condition: &str, words: impl Iterator<Item = &'a str>) {
        let n_before = self.values.len();
        self.values.extend(words.map(text));
        let marks = vec!["?"; self.values.len() - n_before].join(", ");
        self.text.extend([" ", condition, " IN (", &marks, ")"]);
    }

    fn limit(&mut self, limit: u32) {
        if limit > 0 {
            self.and("LIMIT ?", Value::Integer(limit.into()));
        }
    }
}

/// Makes the pattern of a text that stands anywhere.
fn like(part: &str) -> Value {
    let mut pattern = String::from("%");
    for c in part.chars() {
        if matches!(c, '%' | '_' | '^') {
            pattern.push('^');
        }
        pattern.push(c);
    }
    pattern.push('%');
    Value::Text(pattern)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}
