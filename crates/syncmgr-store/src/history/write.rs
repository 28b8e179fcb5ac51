//! Writes changes down, inside the transaction of the caller.

use rusqlite::{Connection, params};
use syncmgr_center::command::Save;
use syncmgr_model::event::Event;
use syncmgr_model::id::{EventId, HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::outcome::Outcome;
use syncmgr_model::record::{ItemResult, SessionRecord};

use super::{agenda, memory, row};

/// Writes one change; `owner` is the mark of this process.
pub(super) fn write(db: &Connection, change: &Save, owner: &str) -> rusqlite::Result<()> {
    match change {
        Save::Item(item) => save_item(db, item),
        Save::Began(record) => save_session(db, record, Some(owner)),
        Save::Ended(record) => save_session(db, record, None),
        Save::Withdrawn(record) => withdraw(db, record),
        Save::Event(event) => save_event(db, event),
        Save::EventsGone(ids) => remove_events(db, ids),
        Save::Handler(memory) => memory::save_handler(db, memory),
        Save::HandlerGone(id) => remove_handler(db, id),
        Save::Memory(memory) => memory::save_item(db, memory),
        Save::Agenda(key, memory) => agenda::save(db, key, memory),
        Save::Alarms(rows) => agenda::save_alarms(db, rows),
        Save::ItemGone(key) => remove_item(db, key),
    }
}

fn save_item(db: &Connection, item: &Item) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO item (handler, id, name, settings) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (handler, id) DO UPDATE SET name = ?3, settings = ?4",
    )?
    .execute(params![
        item.handler.as_str(),
        item.id.as_str(),
        item.name,
        row::settings_text(&item.settings)
    ])?;
    Ok(())
}

fn save_session(
    db: &Connection,
    record: &SessionRecord,
    owner: Option<&str>,
) -> rusqlite::Result<()> {
    let (origin, origin_name) = record.origin.parts();
    db.prepare_cached(
        "INSERT INTO session (id, handler, kind, started, ended, status, owner, summary, origin,
             origin_name, outcome)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (id) DO UPDATE SET ended = ?5, status = ?6, owner = ?7, summary = ?8,
             origin = ?9, origin_name = ?10, outcome = ?11",
    )?
    .execute(params![
        record.id.as_str(),
        record.handler.as_str(),
        record.kind.as_str(),
        record.started.0,
        record.ended.map(|at| at.0),
        record.status.map(|status| status.as_str()),
        owner,
        row::summary_text(&record.summary),
        origin,
        origin_name,
        Outcome::of(record.status, &record.summary).map(Outcome::as_str),
    ])?;
    for (n, result) in (0i64..).zip(&record.items) {
        save_result(db, record, n, result)?;
    }
    if record.ended.is_some() {
        db.prepare_cached("DELETE FROM session_item WHERE session = ?1 AND n >= ?2")?
            .execute(params![
                record.id.as_str(),
                i64::try_from(record.items.len()).unwrap_or(i64::MAX)
            ])?;
    }
    Ok(())
}

fn save_result(
    db: &Connection,
    record: &SessionRecord,
    n: i64,
    result: &ItemResult,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO session_item (session, n, handler, item, status, summary, outcome, started,
             phases)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (session, n) DO UPDATE SET item = ?4, status = ?5, summary = ?6, outcome = ?7,
             started = ?8, phases = ?9",
    )?
    .execute(params![
        record.id.as_str(),
        n,
        record.handler.as_str(),
        result.item.as_str(),
        result.status.map(|status| status.as_str()),
        row::summary_text(&result.summary),
        Outcome::of(result.status, &result.summary).map(Outcome::as_str),
        record.started.0,
        row::phases_text(&result.phases),
    ])?;
    Ok(())
}

/// Takes back a session, and its items when nothing else is known of them.
fn withdraw(db: &Connection, record: &SessionRecord) -> rusqlite::Result<()> {
    let id = record.id.as_str();
    db.prepare_cached("DELETE FROM session WHERE id = ?1")?
        .execute([id])?;
    db.prepare_cached("DELETE FROM session_item WHERE session = ?1")?
        .execute([id])?;
    for result in &record.items {
        db.prepare_cached(
            "DELETE FROM item WHERE handler = ?1 AND id = ?2
             AND NOT EXISTS (SELECT 1 FROM session_item
                             WHERE session_item.handler = ?1 AND session_item.item = ?2)",
        )?
        .execute([record.handler.as_str(), result.item.as_str()])?;
    }
    Ok(())
}

fn save_event(db: &Connection, event: &Event) -> rusqlite::Result<()> {
    let id = i64::try_from(event.id.0).unwrap_or(i64::MAX);
    // Two programs without a daemon may have given out the same id: the later one's result gets
    // the next free one instead of being lost.
    if insert_event(db, Some(id), event)? == 0 {
        insert_event(db, None, event)?;
    }
    Ok(())
}

fn insert_event(db: &Connection, id: Option<i64>, event: &Event) -> rusqlite::Result<usize> {
    db.prepare_cached(
        "INSERT INTO event (id, handler, item, session, at, level, code, params, paths, link_text,
             link_reference, context)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (id) DO NOTHING",
    )?
    .execute(params![
        id,
        event.handler.as_str(),
        event.item.as_ref().map(ItemId::as_str),
        event.session.as_ref().map(SessionId::as_str),
        event.at.0,
        event.trouble.level.number(),
        event.trouble.code.as_str(),
        row::params_text(&event.trouble),
        row::paths_text(&event.trouble),
        event.link.text,
        event.link.reference,
        event.context,
    ])
}

/// Notes the largest event id, before the event that has it may go: ids are never used twice.
pub(super) fn note_last_event(db: &Connection) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO number (key, value)
             SELECT 'last_event', coalesce(max(id), 0) FROM event WHERE true
         ON CONFLICT (key) DO UPDATE SET value = max(value, excluded.value)",
    )?
    .execute([])?;
    Ok(())
}

fn remove_events(db: &Connection, ids: &[EventId]) -> rusqlite::Result<()> {
    note_last_event(db)?;
    let mut statement = db.prepare_cached("DELETE FROM event WHERE id = ?1")?;
    for id in ids {
        statement.execute([i64::try_from(id.0).unwrap_or(i64::MAX)])?;
    }
    Ok(())
}

/// Forgets what is kept of a handler and its items; its sessions and results stay in the history.
fn remove_handler(db: &Connection, id: &HandlerId) -> rusqlite::Result<()> {
    db.execute("DELETE FROM handler_memory WHERE id = ?1", [id.as_str()])?;
    db.execute("DELETE FROM item_memory WHERE handler = ?1", [id.as_str()])?;
    db.execute("DELETE FROM agenda WHERE handler = ?1", [id.as_str()])?;
    db.execute("DELETE FROM item WHERE handler = ?1", [id.as_str()])?;
    Ok(())
}

/// Forgets what is kept of an item; its sessions and results stay in the history.
fn remove_item(db: &Connection, key: &ItemKey) -> rusqlite::Result<()> {
    let values = [key.handler.as_str(), key.item.as_str()];
    db.prepare_cached("DELETE FROM item_memory WHERE handler = ?1 AND item = ?2")?
        .execute(values)?;
    db.prepare_cached("DELETE FROM agenda WHERE handler = ?1 AND item = ?2")?
        .execute(values)?;
    db.prepare_cached("DELETE FROM item WHERE handler = ?1 AND id = ?2")?
        .execute(values)?;
    Ok(())
}
