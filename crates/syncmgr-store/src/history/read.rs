//! Questions to the history, for the center's own connection and for readers beside it.

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use syncmgr_center::port::{EventQuery, SessionQuery};
use syncmgr_model::event::Event;
use syncmgr_model::id::SessionId;
use syncmgr_model::item::Item;
use syncmgr_model::record::SessionRecord;

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
        if let Some(before) = &wanted.before {
            sql.and("AND session_item.session < ?", text(before.as_str()));
        }
        sql.text.push_str(" ORDER BY session_item.session DESC");
    } else {
        if let Some(before) = &wanted.before {
            sql.and("AND id < ?", text(before.as_str()));
        }
        sql.text.push_str(" ORDER BY id DESC");
    }
    sql.limit(wanted.limit);
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
    if let Some(before) = wanted.before {
        let before = i64::try_from(before.0).unwrap_or(i64::MAX);
        sql.and("AND id < ?", Value::Integer(before));
    }
    sql.text.push_str(" ORDER BY id DESC");
    sql.limit(wanted.limit);
    query(db, &sql.text, sql.values, row::event)
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

    fn limit(&mut self, limit: u32) {
        if limit > 0 {
            self.and("LIMIT ?", Value::Integer(limit.into()));
        }
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}
