//! The lines of a file: JSON objects, version 1.
//!
//! ```text
//! {"v":1,"begin":{"run":…,"at":…,"item":…,"id":…,"handler":…,"command":…,"max_age_ms":…}}
//! {"event":{"at":…,"trouble":{"code":…,"level":…,"params":{…},"paths":[…]}}}
//! {"end":{"at":…,"status":…,"summary":{…}}}
//! ```
//! Times are milliseconds since 1970. A line without its end was cut by a kill and counts for
//! nothing.

use serde_json::{Value as Json, json};
use syncmgr_model::id::{HandlerId, ItemId, SessionId};
use syncmgr_model::outside::{Reported, ReportedEnd, Subject};
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::record::Summary;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

use crate::history::row;

/// The version that is written, and the only one that is read.
const VERSION: u64 = 1;

/// The file cannot be read by this version.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Strange;

pub(super) fn begin(session: &SessionId, subject: &Subject, began: Timestamp) -> String {
    let line = json!({
        "v": VERSION,
        "begin": {
            "run": session.as_str(),
            "at": began.0,
            "item": subject.item,
            "id": subject.id.as_ref().map(ItemId::as_str),
            "handler": subject.handler.as_ref().map(HandlerId::as_str),
            "command": subject.command,
            "max_age_ms": subject.max_age_ms,
        }
    });
    format!("{line}\n")
}

pub(super) fn event(at: Timestamp, trouble: &Trouble) -> String {
    let trouble: Json = serde_json::from_str(&row::trouble_text(trouble)).unwrap_or(Json::Null);
    format!("{}\n", json!({"event": {"at": at.0, "trouble": trouble}}))
}

pub(super) fn end(end: &ReportedEnd) -> String {
    let summary: Json =
        serde_json::from_str(&row::summary_text(&end.summary)).unwrap_or(Json::Null);
    let line = json!({
        "end": {"at": end.at.0, "status": end.status.as_str(), "summary": summary}
    });
    format!("{line}\n")
}

/// Reads a file whose program is gone; without a last line that program was killed, at `changed` or
/// later. `None`: not even its first line is whole.
pub(super) fn report(
    session: &SessionId,
    text: &[u8],
    changed: Timestamp,
) -> Result<Option<Reported>, Strange> {
    let mut lines = whole_lines(text);
    let Some(first) = lines.next() else {
        return Ok(None);
    };
    let mut report = read_begin(session, first).ok_or(Strange)?;
    let mut is_ended = false;
    for line in lines {
        let line: Json = serde_json::from_slice(line).map_err(|_| Strange)?;
        if let Some((at, trouble)) = read_event(&line["event"]) {
            report.events.push((at, trouble));
        } else if let Some(end) = read_end(&line["end"]) {
            report.end = end;
            is_ended = true;
        }
    }
    if !is_ended {
        let last = report.events.last().map_or(report.began, |(at, _)| *at);
        report.end.at = changed.max(last);
        let trouble = Trouble::new(Code::Interrupted);
        report.events.push((report.end.at, trouble));
    }
    Ok(Some(report))
}

fn whole_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n')
        .filter_map(|line| line.strip_suffix(b"\n"))
}

fn read_begin(session: &SessionId, line: &[u8]) -> Option<Reported> {
    let line: Json = serde_json::from_slice(line).ok()?;
    let begin = line.get("begin")?;
    if line["v"] != VERSION || begin["run"].as_str()? != session.as_str() {
        return None;
    }
    let text = |key: &str| begin[key].as_str().map(str::to_owned);
    let began = Timestamp(begin["at"].as_i64()?);
    let subject = Subject {
        handler: text("handler").map(HandlerId::new).transpose().ok()?,
        item: text("item")?,
        id: text("id").map(ItemId::new).transpose().ok()?,
        command: text("command"),
        max_age_ms: begin["max_age_ms"].as_u64(),
    };
    Some(Reported {
        session: session.clone(),
        subject,
        began,
        events: Vec::new(),
        end: ReportedEnd {
            at: began,
            status: ProgressStatus::Failed,
            summary: Summary::default(),
        },
    })
}

fn read_event(event: &Json) -> Option<(Timestamp, Trouble)> {
    let trouble = row::trouble_of(&event.get("trouble")?.to_string())?;
    Some((Timestamp(event["at"].as_i64()?), trouble))
}

fn read_end(end: &Json) -> Option<ReportedEnd> {
    let status = ProgressStatus::parse(end.get("status")?.as_str()?)?;
    Some(ReportedEnd {
        at: Timestamp(end["at"].as_i64()?),
        status: if status.is_terminal() {
            status
        } else {
            ProgressStatus::Failed
        },
        summary: row::summary_of(&end["summary"].to_string())?,
    })
}
