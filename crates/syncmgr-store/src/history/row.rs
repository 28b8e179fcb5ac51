//! Rows and what they stand for. Rows that cannot be read (written by a later version) are skipped
//! by the caller, never guessed at.

use rusqlite::{Connection, Row};
use serde_json::{Map, Value as Json, json};
use syncmgr_model::event::{Event, EventLevel, Link};
use syncmgr_model::id::{EventId, HandlerId, ItemId, SessionId};
use syncmgr_model::item::{Item, Settings, Value};
use syncmgr_model::progress::{Phase, ProgressStatus};
use syncmgr_model::record::{ItemResult, PhaseAt, SessionRecord, Summary, Tally};
use syncmgr_model::request::{Origin, WorkKind};
use syncmgr_model::side::{PerSide, Side};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

pub(crate) fn settings_text(settings: &Settings) -> String {
    let object: Map<String, Json> = settings
        .0
        .iter()
        .map(|(key, value)| {
            let value = match value {
                Value::Text(text) => json!(text),
                Value::Number(number) => json!(number),
                Value::List(list) => json!(list),
            };
            (key.clone(), value)
        })
        .collect();
    Json::Object(object).to_string()
}

fn settings_of(text: &str) -> Option<Settings> {
    let object: Map<String, Json> = serde_json::from_str(text).ok()?;
    let mut settings = Settings::default();
    for (key, value) in object {
        let value = match value {
            Json::String(text) => Value::Text(text),
            Json::Number(number) => Value::Number(number.as_u64()?),
            Json::Array(list) => Value::List(
                list.into_iter()
                    .map(|entry| entry.as_str().map(str::to_owned))
                    .collect::<Option<_>>()?,
            ),
            Json::Null | Json::Bool(_) | Json::Object(_) => return None,
        };
        settings.set(&key, value);
    }
    Some(settings)
}

pub(crate) fn item(row: &Row<'_>) -> rusqlite::Result<Option<Item>> {
    let (id, handler, settings): (String, String, String) =
        (row.get("id")?, row.get("handler")?, row.get("settings")?);
    let name = row.get("name")?;
    Ok((|| {
        Some(Item {
            id: ItemId::new(id).ok()?,
            handler: HandlerId::new(handler).ok()?,
            name,
            settings: settings_of(&settings)?,
            is_enabled: true,
        })
    })())
}

pub(crate) fn summary_text(summary: &Summary) -> String {
    let tally = |t: &Tally| {
        json!({
            "copied": t.n_copied, "updated": t.n_updated, "deleted": t.n_deleted,
            "folders_made": t.n_folders_made, "folders_removed": t.n_folders_removed,
            "renamed": t.n_renamed, "attributes": t.n_attributes, "bytes": t.bytes,
        })
    };
    json!({
        "left": tally(&summary.done.left), "right": tally(&summary.done.right),
        "conflicts": summary.n_conflicts, "held": summary.n_held,
        "failures": summary.n_failures, "warnings": summary.n_warnings,
    })
    .to_string()
}

pub(crate) fn phases_text(phases: &[PhaseAt]) -> String {
    let word = |at: &PhaseAt| json!([at.phase.word(), at.after_ms]);
    Json::Array(phases.iter().map(word).collect()).to_string()
}

/// Reads phases; what cannot be read is left out, because a picture lacks it and nothing else.
fn phases_of(text: &str) -> Vec<PhaseAt> {
    let phases: Vec<(String, u64)> = serde_json::from_str(text).unwrap_or_default();
    let read = |(word, after_ms): (String, u64)| {
        let phase = Phase::parse(&word)?;
        Some(PhaseAt { phase, after_ms })
    };
    phases.into_iter().filter_map(read).collect()
}

pub(crate) fn summary_of(text: &str) -> Option<Summary> {
    let object: Json = serde_json::from_str(text).ok()?;
    let tally = |side: Side| {
        let n = |key: &str| object[side.as_str()][key].as_u64().unwrap_or(0);
        Tally {
            n_copied: n("copied"),
            n_updated: n("updated"),
            n_deleted: n("deleted"),
            n_folders_made: n("folders_made"),
            n_folders_removed: n("folders_removed"),
            n_renamed: n("renamed"),
            n_attributes: n("attributes"),
            bytes: n("bytes"),
        }
    };
    let n = |key: &str| object[key].as_u64().unwrap_or(0);
    Some(Summary {
        done: PerSide::from_fn(tally),
        n_conflicts: n("conflicts"),
        n_held: n("held"),
        n_failures: n("failures"),
        n_warnings: n("warnings"),
    })
}

pub(crate) fn session(row: &Row<'_>, db: &Connection) -> rusqlite::Result<Option<SessionRecord>> {
    let (id, handler): (String, String) = (row.get("id")?, row.get("handler")?);
    let (kind, summary): (String, String) = (row.get("kind")?, row.get("summary")?);
    let (started, ended): (i64, Option<i64>) = (row.get("started")?, row.get("ended")?);
    let status: Option<String> = row.get("status")?;
    let (origin, name): (String, Option<String>) = (row.get("origin")?, row.get("origin_name")?);
    let items = session_items(db, &id)?;
    Ok((|| {
        Some(SessionRecord {
            id: SessionId::new(id).ok()?,
            handler: HandlerId::new(handler).ok()?,
            items: items.filter(|items| !items.is_empty())?,
            kind: WorkKind::parse(&kind)?,
            origin: Origin::parse(&origin, name.as_deref())?,
            started: Timestamp(started),
            ended: ended.map(Timestamp),
            status: status_of(status)?,
            summary: summary_of(&summary)?,
        })
    })())
}

/// Reads the items of a session; `None` when one of them cannot be read.
fn session_items(db: &Connection, session: &str) -> rusqlite::Result<Option<Vec<ItemResult>>> {
    let mut statement = db.prepare_cached(
        "SELECT item, status, summary, phases FROM session_item WHERE session = ?1 ORDER BY n",
    )?;
    let rows = statement.query_map([session], |row| {
        let (item, status, summary): (String, Option<String>, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let phases: String = row.get(3)?;
        Ok((|| {
            Some(ItemResult {
                item: ItemId::new(item).ok()?,
                status: status_of(status)?,
                summary: summary_of(&summary)?,
                phases: phases_of(&phases),
            })
        })())
    })?;
    rows.collect()
}

/// Reads a status that may be missing; the outer `None`: it is a word nobody knows.
#[expect(
    clippy::option_option,
    reason = "a missing word and an unknown one differ"
)]
pub(super) fn status_of(text: Option<String>) -> Option<Option<ProgressStatus>> {
    text.map_or(Some(None), |text| ProgressStatus::parse(&text).map(Some))
}

pub(crate) fn params_text(trouble: &Trouble) -> String {
    json!(trouble.params).to_string()
}

pub(crate) fn paths_text(trouble: &Trouble) -> String {
    json!(trouble.paths).to_string()
}

/// Returns one of the facts that [`params_text`] wrote.
pub(super) fn param(params: &str, name: &str) -> Option<String> {
    let object: Json = serde_json::from_str(params).ok()?;
    object[name].as_str().map(str::to_owned)
}

/// Writes a whole trouble as a JSON object.
pub(crate) fn trouble_text(trouble: &Trouble) -> String {
    json!({
        "code": trouble.code.as_str(), "level": trouble.level.number(),
        "params": trouble.params, "paths": trouble.paths,
    })
    .to_string()
}

/// Reads what [`trouble_text`] wrote.
pub(crate) fn trouble_of(text: &str) -> Option<Trouble> {
    let mut object: Json = serde_json::from_str(text).ok()?;
    Some(Trouble {
        code: Code::parse(object["code"].as_str()?)?,
        level: EventLevel::from_number(u32::try_from(object["level"].as_u64()?).ok()?)?,
        params: serde_json::from_value(object["params"].take()).ok()?,
        paths: serde_json::from_value(object["paths"].take()).ok()?,
    })
}

pub(crate) fn event(row: &Row<'_>) -> rusqlite::Result<Option<Event>> {
    let (id, level): (i64, u32) = (row.get("id")?, row.get("level")?);
    let (handler, code): (String, String) = (row.get("handler")?, row.get("code")?);
    let (item, session): (Option<String>, Option<String>) = (row.get("item")?, row.get("session")?);
    let (params, paths): (String, String) = (row.get("params")?, row.get("paths")?);
    let at: i64 = row.get("at")?;
    let link = Link {
        text: row.get("link_text")?,
        reference: row.get("link_reference")?,
    };
    let context = row.get("context")?;
    Ok((|| {
        Some(Event {
            id: EventId(u64::try_from(id).ok()?),
            handler: HandlerId::new(handler).ok()?,
            item: item.map(ItemId::new).transpose().ok()?,
            session: session.map(SessionId::new).transpose().ok()?,
            at: Timestamp(at),
            trouble: Trouble {
                code: Code::parse(&code)?,
                level: EventLevel::from_number(level)?,
                params: serde_json::from_str(&params).ok()?,
                paths: serde_json::from_str(&paths).ok()?,
            },
            link,
            context,
        })
    })())
}
