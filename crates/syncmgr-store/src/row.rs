//! Rows and what they stand for. Rows that cannot be read (written by a later version) are skipped
//! by the caller, never guessed at.

use std::collections::BTreeMap;

use rusqlite::Row;
use serde_json::{Map, Value as Json, json};
use syncmgr_model::event::{Event, EventLevel};
use syncmgr_model::id::{HandlerId, ItemId, SessionId};
use syncmgr_model::item::{Item, Settings, Value};
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::record::{SessionRecord, Summary, Tally};
use syncmgr_model::request::WorkKind;
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

fn summary_of(text: &str) -> Option<Summary> {
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

pub(crate) fn session(row: &Row<'_>) -> rusqlite::Result<Option<SessionRecord>> {
    let (id, handler, item): (String, String, String) =
        (row.get("id")?, row.get("handler")?, row.get("item")?);
    let (kind, summary): (String, String) = (row.get("kind")?, row.get("summary")?);
    let (started, ended): (i64, Option<i64>) = (row.get("started")?, row.get("ended")?);
    let status: Option<String> = row.get("status")?;
    Ok((|| {
        Some(SessionRecord {
            id: SessionId::new(id).ok()?,
            handler: HandlerId::new(handler).ok()?,
            item: ItemId::new(item).ok()?,
            kind: WorkKind::parse(&kind)?,
            started: Timestamp(started),
            ended: ended.map(Timestamp),
            status: match status {
                Some(text) => Some(ProgressStatus::parse(&text)?),
                None => None,
            },
            summary: summary_of(&summary)?,
        })
    })())
}

pub(crate) fn params_text(trouble: &Trouble) -> String {
    json!(trouble.params).to_string()
}

pub(crate) fn paths_text(trouble: &Trouble) -> String {
    json!(trouble.paths).to_string()
}

pub(crate) fn event(row: &Row<'_>) -> rusqlite::Result<Option<Event>> {
    let (session, item): (String, String) = (row.get("session")?, row.get("item")?);
    let (level, code): (String, String) = (row.get("level")?, row.get("code")?);
    let (params, paths): (String, String) = (row.get("params")?, row.get("paths")?);
    let at: i64 = row.get("at")?;
    Ok((|| {
        let params: BTreeMap<String, String> = serde_json::from_str(&params).ok()?;
        Some(Event {
            session: SessionId::new(session).ok()?,
            item: ItemId::new(item).ok()?,
            at: Timestamp(at),
            trouble: Trouble {
                code: Code::parse(&code)?,
                level: EventLevel::parse(&level)?,
                params,
                paths: serde_json::from_str(&paths).ok()?,
            },
        })
    })())
}
