//! What agendas and alarms remember: one JSON object each, because nobody asks for parts of it.

use rusqlite::{Connection, Row, params};
use serde_json::{Value as Json, json};
use syncmgr_center::agenda::{
    AgendaMemory, Cause, Changed, Failing, Owed, Running, ScheduleMemory,
};
use syncmgr_center::alarm::Condition;
use syncmgr_model::alarm::AlarmKind;
use syncmgr_model::catalogue::Retry;
use syncmgr_model::id::{HandlerId, ItemId, ItemKey};
use syncmgr_model::time::Timestamp;

use super::{read, row};

/// Writes what an agenda remembers, in place of what was.
pub(super) fn save(db: &Connection, key: &ItemKey, memory: &AgendaMemory) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO agenda (handler, item, memory) VALUES (?1, ?2, ?3)")?
        .execute(params![
            key.handler.as_str(),
            key.item.as_str(),
            memory_json(memory).to_string()
        ])?;
    Ok(())
}

/// Returns what all agendas remember. One that cannot be read begins anew: a run too many does no
/// harm.
pub(super) fn all(db: &Connection) -> rusqlite::Result<Vec<(ItemKey, AgendaMemory)>> {
    read::query(db, "SELECT * FROM agenda", Vec::new(), agenda)
}

fn agenda(row: &Row<'_>) -> rusqlite::Result<Option<(ItemKey, AgendaMemory)>> {
    let (handler, item, memory): (String, String, String) =
        (row.get("handler")?, row.get("item")?, row.get("memory")?);
    Ok((|| {
        let key = ItemKey {
            handler: HandlerId::new(handler).ok()?,
            item: ItemId::new(item).ok()?,
        };
        Some((key, memory_of(&serde_json::from_str(&memory).ok()?)?))
    })())
}

/// Writes all that alarms remember, in place of what was.
pub(super) fn save_alarms(db: &Connection, rows: &[Condition]) -> rusqlite::Result<()> {
    db.execute("DELETE FROM alarm", [])?;
    let mut insert =
        db.prepare_cached("INSERT INTO alarm (item, kind, condition) VALUES (?1, ?2, ?3)")?;
    for condition in rows {
        let text = json!({
            "name": condition.name, "since": condition.since.0, "due": condition.due.0,
            "told": condition.told.map(|at| at.0), "is_over": condition.is_over,
            "trouble": row::trouble_text(&condition.trouble),
        });
        insert.execute(params![
            condition.item.as_str(),
            condition.kind.as_str(),
            text.to_string()
        ])?;
    }
    Ok(())
}

/// Returns all that alarms remember.
pub(super) fn alarms(db: &Connection) -> rusqlite::Result<Vec<Condition>> {
    read::query(db, "SELECT * FROM alarm", Vec::new(), |row| {
        let (item, kind, text): (String, String, String) =
            (row.get("item")?, row.get("kind")?, row.get("condition")?);
        Ok((|| {
            let json: Json = serde_json::from_str(&text).ok()?;
            Some(Condition {
                item: ItemId::new(item).ok()?,
                name: json["name"].as_str()?.to_owned(),
                kind: AlarmKind::parse(&kind)?,
                since: time(&json["since"])?,
                due: time(&json["due"])?,
                told: time(&json["told"]),
                is_over: json["is_over"].as_bool()?,
                trouble: row::trouble_of(json["trouble"].as_str()?)?,
            })
        })())
    })
}

fn time(json: &Json) -> Option<Timestamp> {
    json.as_i64().map(Timestamp)
}

fn number(json: &Json) -> Option<u32> {
    u32::try_from(json.as_u64()?).ok()
}

fn text(json: &Json) -> Option<String> {
    json.as_str().map(str::to_owned)
}

fn memory_json(memory: &AgendaMemory) -> Json {
    let schedule = |it: &ScheduleMemory| {
        json!({
            "name": it.name, "fingerprint": it.fingerprint, "since": it.since.0,
            "handled": it.handled.0, "n_idle": it.n_idle,
            "owed": it.owed.iter().map(owed_json).collect::<Vec<_>>(),
        })
    };
    json!({
        "born": memory.born.0, "last_look": memory.last_look.0,
        "was_paused": memory.was_paused, "was_online": memory.was_online,
        "schedules": memory.schedules.iter().map(schedule).collect::<Vec<_>>(),
        "change": memory.change.map(|it| json!([it.first.0, it.last.0])),
        "running": memory.running.as_ref().map(|it| json!({"since": it.since.0, "by": it.by})),
        "last_end": memory.last_end.map(|at| at.0),
        "last_success": memory.last_success.map(|at| at.0),
        "failing": memory.failing.as_ref().map(|it| json!({
            "since": it.since.0, "n_failures": it.n_failures, "n_waits": it.n_waits,
            "retry": it.retry.as_str(), "next_retry": it.next_retry.map(|at| at.0), "by": it.by,
        })),
        "missed_since": memory.missed_since.map(|at| at.0),
    })
}

fn memory_of(json: &Json) -> Option<AgendaMemory> {
    let schedules = json["schedules"].as_array()?;
    Some(AgendaMemory {
        born: time(&json["born"])?,
        last_look: time(&json["last_look"])?,
        was_paused: json["was_paused"].as_bool()?,
        was_online: json["was_online"].as_bool()?,
        schedules: schedules.iter().map(schedule_of).collect::<Option<_>>()?,
        change: match &json["change"] {
            Json::Null => None,
            change => Some(Changed {
                first: time(&change[0])?,
                last: time(&change[1])?,
            }),
        },
        running: match &json["running"] {
            Json::Null => None,
            running => Some(Running {
                since: time(&running["since"])?,
                by: text(&running["by"]),
            }),
        },
        last_end: time(&json["last_end"]),
        last_success: time(&json["last_success"]),
        failing: match &json["failing"] {
            Json::Null => None,
            failing => Some(failing_of(failing)?),
        },
        missed_since: time(&json["missed_since"]),
    })
}

fn failing_of(json: &Json) -> Option<Failing> {
    Some(Failing {
        since: time(&json["since"])?,
        n_failures: number(&json["n_failures"])?,
        n_waits: number(&json["n_waits"])?,
        retry: Retry::parse(json["retry"].as_str()?)?,
        next_retry: time(&json["next_retry"]),
        by: text(&json["by"]),
    })
}

fn schedule_of(json: &Json) -> Option<ScheduleMemory> {
    Some(ScheduleMemory {
        name: text(&json["name"])?,
        fingerprint: json["fingerprint"].as_u64()?,
        since: time(&json["since"])?,
        handled: time(&json["handled"])?,
        n_idle: number(&json["n_idle"])?,
        owed: json["owed"]
            .as_array()?
            .iter()
            .map(owed_of)
            .collect::<Option<_>>()?,
    })
}

fn owed_json(owed: &Owed) -> Json {
    let cause = match &owed.cause {
        Cause::Time => json!(["time"]),
        Cause::CatchUp { n_runs } => json!(["catch-up", n_runs]),
        Cause::Event(event) => json!(["event", event.to_string()]),
        Cause::After(item) => json!(["after", item]),
    };
    json!({
        "cause": cause, "first": owed.first.0, "n": owed.n, "is_at_least": owed.is_at_least,
    })
}

fn owed_of(json: &Json) -> Option<Owed> {
    let value = &json["cause"][1];
    Some(Owed {
        cause: match json["cause"][0].as_str()? {
            "time" => Cause::Time,
            "catch-up" => Cause::CatchUp {
                n_runs: number(value)?,
            },
            "event" => Cause::Event(value.as_str()?.parse().ok()?),
            "after" => Cause::After(text(value)?),
            _ => return None,
        },
        first: time(&json["first"])?,
        n: number(&json["n"])?,
        is_at_least: json["is_at_least"].as_bool()?,
    })
}

#[cfg(test)]
mod tests {
    use syncmgr_model::schedule::SystemEvent;
    use syncmgr_model::trouble::{Code, Trouble};

    use super::*;

    #[test]
    fn what_an_agenda_remembers_comes_back() {
        let owed = |cause| Owed {
            cause,
            first: Timestamp(4),
            n: 3,
            is_at_least: true,
        };
        let memory = AgendaMemory {
            was_online: true,
            schedules: vec![ScheduleMemory {
                name: "nightly".into(),
                fingerprint: u64::MAX,
                since: Timestamp(1),
                handled: Timestamp(2),
                n_idle: 1,
                owed: vec![
                    owed(Cause::Time),
                    owed(Cause::CatchUp { n_runs: 2 }),
                    owed(Cause::Event(SystemEvent::Connect(Some("home".into())))),
                    owed(Cause::After("photos".into())),
                ],
            }],
            change: Some(Changed {
                first: Timestamp(5),
                last: Timestamp(6),
            }),
            running: Some(Running {
                since: Timestamp(7),
                by: Some("nightly".into()),
            }),
            failing: Some(Failing {
                since: Timestamp(8),
                n_failures: 9,
                n_waits: 1,
                retry: Retry::Later,
                next_retry: Some(Timestamp(10)),
                by: None,
            }),
            missed_since: Some(Timestamp(11)),
            ..AgendaMemory::new(Timestamp(3))
        };
        assert_eq!(memory_of(&memory_json(&memory)), Some(memory));
    }

    #[test]
    fn what_alarms_remember_comes_back() {
        let mut db = Connection::open_in_memory().unwrap();
        crate::migrate::migrate(&mut db).unwrap();
        let rows = vec![Condition {
            item: ItemId::new("i").unwrap(),
            name: "Photos".into(),
            kind: AlarmKind::Held,
            since: Timestamp(1),
            due: Timestamp(2),
            told: Some(Timestamp(3)),
            is_over: true,
            trouble: Trouble::new(Code::DiskFull).with("n", 3),
        }];
        save_alarms(&db, &rows).unwrap();
        save_alarms(&db, &rows).unwrap();
        assert_eq!(alarms(&db).unwrap(), rows);
    }
}
