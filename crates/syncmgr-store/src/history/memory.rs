//! What is kept of handlers and items from one start to the next.

use rusqlite::{Connection, Row, params};
use syncmgr_center::state::{HandlerMemory, ItemMemory};
use syncmgr_model::capability::{
    HandlerCapabilities, HandlerPolicies, HandlerType, ItemCapabilities, ItemPolicies,
};
use syncmgr_model::id::{HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::time::Timestamp;

use super::{read, row};

/// Writes what is kept of a handler, in place of what was.
pub(super) fn save_handler(db: &Connection, memory: &HandlerMemory) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO handler_memory (id, name, kind, type_label, comment, last_sync,
             capabilities, policies, is_active, is_enabled, is_connected, is_hidden, was_loaded,
             collection, is_registered)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )?
    .execute(params![
        memory.id.as_str(),
        memory.name,
        memory.kind.number(),
        memory.type_label,
        memory.comment,
        memory.last_sync.map(|at| at.0),
        memory.capabilities.bits(),
        memory.policies.bits(),
        memory.is_active,
        memory.is_enabled,
        memory.is_connected,
        memory.is_hidden,
        memory.was_loaded,
        memory.collection,
        memory.is_registered,
    ])?;
    Ok(())
}

/// Writes what is kept of an item, in place of what was.
pub(crate) fn save_item(db: &Connection, memory: &ItemMemory) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO item_memory (handler, item, name, type_label, comment,
             capabilities, policies, is_enabled, is_connected, is_hidden, last_sync, last_session,
             status, summary, reason, paused_until, n_errors, is_gone)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
             ?18)",
    )?
    .execute(params![
        memory.key.handler.as_str(),
        memory.key.item.as_str(),
        memory.name,
        memory.type_label,
        memory.comment,
        memory.capabilities.bits(),
        memory.policies.bits(),
        memory.is_enabled,
        memory.is_connected,
        memory.is_hidden,
        memory.last_sync.map(|at| at.0),
        memory.last_session.as_ref().map(SessionId::as_str),
        memory.result.map(|(status, _)| status.as_str()),
        memory
            .result
            .map(|(_, summary)| row::summary_text(&summary)),
        memory.reason.as_ref().map(row::trouble_text),
        memory.paused_until.map(|at| at.0),
        i64::try_from(memory.n_errors).unwrap_or(i64::MAX),
        memory.is_gone,
    ])?;
    Ok(())
}

/// Returns what is kept of all handlers.
pub(super) fn handlers(db: &Connection) -> rusqlite::Result<Vec<HandlerMemory>> {
    read::query(
        db,
        "SELECT * FROM handler_memory ORDER BY id",
        Vec::new(),
        handler,
    )
}

/// Returns what is kept of all items.
pub(super) fn items(db: &Connection) -> rusqlite::Result<Vec<ItemMemory>> {
    read::query(
        db,
        "SELECT * FROM item_memory ORDER BY handler, item",
        Vec::new(),
        item,
    )
}

fn handler(row: &Row<'_>) -> rusqlite::Result<Option<HandlerMemory>> {
    let Ok(id) = HandlerId::new(row.get::<_, String>("id")?) else {
        return Ok(None);
    };
    Ok(Some(HandlerMemory {
        id,
        name: row.get("name")?,
        kind: HandlerType::from_number(row.get("kind")?),
        type_label: row.get("type_label")?,
        comment: row.get("comment")?,
        last_sync: row.get::<_, Option<i64>>("last_sync")?.map(Timestamp),
        capabilities: HandlerCapabilities::from_bits_truncate(row.get("capabilities")?),
        policies: HandlerPolicies::from_bits_truncate(row.get("policies")?),
        is_active: row.get("is_active")?,
        is_enabled: row.get("is_enabled")?,
        is_connected: row.get("is_connected")?,
        is_hidden: row.get("is_hidden")?,
        was_loaded: row.get("was_loaded")?,
        collection: row.get("collection")?,
        is_registered: row.get("is_registered")?,
    }))
}

fn item(row: &Row<'_>) -> rusqlite::Result<Option<ItemMemory>> {
    let (handler, item): (String, String) = (row.get("handler")?, row.get("item")?);
    let (Ok(handler), Ok(item)) = (HandlerId::new(handler), ItemId::new(item)) else {
        return Ok(None);
    };
    let last_session: Option<String> = row.get("last_session")?;
    let (summary, reason): (Option<String>, Option<String>) =
        (row.get("summary")?, row.get("reason")?);
    let status = row::status_of(row.get("status")?).flatten();
    let n_errors: i64 = row.get("n_errors")?;
    Ok(Some(ItemMemory {
        key: ItemKey { handler, item },
        is_gone: row.get("is_gone")?,
        name: row.get("name")?,
        type_label: row.get("type_label")?,
        comment: row.get("comment")?,
        capabilities: ItemCapabilities::from_bits_truncate(row.get("capabilities")?),
        policies: ItemPolicies::from_bits_truncate(row.get("policies")?),
        is_enabled: row.get("is_enabled")?,
        is_connected: row.get("is_connected")?,
        is_hidden: row.get("is_hidden")?,
        last_sync: row.get::<_, Option<i64>>("last_sync")?.map(Timestamp),
        last_session: last_session.and_then(|id| SessionId::new(id).ok()),
        result: status.zip(summary.and_then(|text| row::summary_of(&text))),
        reason: reason.and_then(|text| row::trouble_of(&text)),
        paused_until: row.get::<_, Option<i64>>("paused_until")?.map(Timestamp),
        n_errors: u64::try_from(n_errors).unwrap_or(0),
    }))
}
