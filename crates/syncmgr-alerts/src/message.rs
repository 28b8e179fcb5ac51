//! A message: the alarms of one moment for one channel, as a title, a text, JSON and variables.
//!
//! The JSON is a format that others read (`"schema": 1`): it only grows, and its sample is in the
//! test below.

use serde_json::{Value, json};
use syncmgr_model::alarm::{Alarm, AlarmKind};
use syncmgr_model::format::plural;
use syncmgr_model::time::Timestamp;

use crate::text::line;

/// Most alarms a message spells out; the count of the rest is said. Nobody reads further, and a
/// thousand syncs that miss one disk must not make a mail of a megabyte.
const ALARMS_MAX: usize = 50;

/// Most paths of one alarm.
const PATHS_MAX: usize = 20;

/// What is sent. At least one alarm, most urgent first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    host: String,
    alarms: Vec<Alarm>,
}

impl Message {
    /// Puts alarms together; `None` when there is none. `host` is what people call this machine.
    #[must_use]
    pub fn new(mut alarms: Vec<Alarm>, host: &str) -> Option<Self> {
        alarms.sort_by_key(|alarm| alarm.kind);
        (!alarms.is_empty()).then(|| Self {
            host: line(host),
            alarms,
        })
    }

    /// Builds a test notice.
    #[must_use]
    pub fn test(host: &str, now: Timestamp) -> Self {
        Self {
            host: line(host),
            alarms: vec![Alarm::test(now)],
        }
    }

    /// Returns the alarms, most urgent first.
    #[must_use]
    pub fn alarms(&self) -> &[Alarm] {
        &self.alarms
    }

    /// Returns what the most urgent alarm is about.
    #[must_use]
    pub fn kind(&self) -> AlarmKind {
        self.alarms
            .first()
            .map_or(AlarmKind::Test, |alarm| alarm.kind)
    }

    /// Returns one line: of one alarm its title, otherwise how many there are and the first.
    #[must_use]
    pub fn title(&self) -> String {
        let first = self.alarms.first().map(Alarm::title).unwrap_or_default();
        match self.alarms.len() {
            0 | 1 => line(&first),
            n => line(&format!("{}: {first}, …", plural(n as u64, "notice"))),
        }
    }

    /// Returns the text for people, several lines.
    #[must_use]
    pub fn text(&self) -> String {
        let mut blocks: Vec<_> = self.alarms.iter().take(ALARMS_MAX).map(block).collect();
        let n_more = self.alarms.len().saturating_sub(ALARMS_MAX);
        if n_more > 0 {
            blocks.push(format!("and {}\n", plural(n_more as u64, "more notice")));
        }
        format!("{}\n-- \nsyncmgr on {}\n", blocks.join("\n"), self.host)
    }

    /// Returns the message as JSON, schema 1.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let alarms: Vec<_> = self
            .alarms
            .iter()
            .take(ALARMS_MAX)
            .map(alarm_json)
            .collect();
        json!({
            "schema": 1,
            "host": self.host,
            "event": self.kind().as_str(),
            "title": self.title(),
            "text": self.text(),
            "n_alarms": self.alarms.len(),
            "alarms": alarms,
        })
    }

    /// Returns the variables for a command: the gist of the first alarm.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let Some(alarm) = self.alarms.first() else {
            return Vec::new();
        };
        let notice = alarm.notice();
        let mut variables = vec![
            ("SYNCMGR_SCHEMA", "1".to_owned()),
            ("SYNCMGR_EVENT", alarm.kind.as_str().to_owned()),
            ("SYNCMGR_STATUS", notice.severity.as_str().to_owned()),
            ("SYNCMGR_CODE", notice.code.as_str().to_owned()),
            ("SYNCMGR_TITLE", self.title()),
            ("SYNCMGR_MESSAGE", line(&notice.what)),
            ("SYNCMGR_HOST", self.host.clone()),
            ("SYNCMGR_AT", alarm.at.rfc3339()),
            ("SYNCMGR_SINCE", alarm.since.rfc3339()),
            ("SYNCMGR_COUNT", self.alarms.len().to_string()),
        ];
        if let Some(subject) = &alarm.subject {
            variables.push(("SYNCMGR_SYNC", line(&subject.name)));
            variables.push(("SYNCMGR_SYNC_ID", subject.item.to_string()));
            if let Some(run) = &subject.run {
                variables.push(("SYNCMGR_RUN", run.to_string()));
            }
        }
        variables
    }
}

/// One alarm for people.
fn block(alarm: &Alarm) -> String {
    let notice = alarm.notice();
    let mut lines = vec![
        line(&alarm.title()),
        format!("{} {}", long_line(&notice.what), notice.meaning),
    ];
    let actions = notice.actions.iter();
    lines.extend(actions.map(|action| format!("- {}", long_line(action))));
    if alarm.since != alarm.at {
        lines.push(format!("Since {} (UTC).", alarm.since.rfc3339()));
    }
    lines.join("\n") + "\n"
}

/// The words of the catalogue around values from outside; several lines would be somebody's trick.
fn long_line(text: &str) -> String {
    text.split(' ').map(line).collect::<Vec<_>>().join(" ")
}

fn alarm_json(alarm: &Alarm) -> Value {
    let notice = alarm.notice();
    let subject = alarm.subject.as_ref();
    let ended: Vec<_> = alarm.ended.iter().map(|kind| kind.as_str()).collect();
    let paths: Vec<_> = alarm.trouble.paths.iter().take(PATHS_MAX).collect();
    json!({
        "event": alarm.kind.as_str(),
        "title": line(&alarm.title()),
        "sync": subject.map(|it| it.name.as_str()),
        "sync_id": subject.map(|it| it.item.as_str()),
        "run": subject.and_then(|it| it.run.as_ref()).map(|run| run.as_str()),
        "at": alarm.at.rfc3339(),
        "since": alarm.since.rfc3339(),
        "is_reminder": alarm.is_reminder,
        "ended": ended,
        "code": notice.code.as_str(),
        "severity": notice.severity.as_str(),
        "what": notice.what,
        "meaning": notice.meaning,
        "actions": notice.actions,
        "paths": paths,
    })
}

#[cfg(test)]
mod tests {
    use syncmgr_model::alarm::AlarmSubject;
    use syncmgr_model::id::{ItemId, SessionId};
    use syncmgr_model::trouble::{Code, Trouble};

    use super::*;

    fn held(name: &str) -> Alarm {
        let at = Timestamp::from_secs(1_795_189_501);
        let trouble = Trouble::new(Code::TooManyDeletions)
            .with("folder", "~/Photos")
            .with("n_deletions", 1920)
            .with("n_files", 8412);
        let subject = AlarmSubject {
            item: ItemId::new("files-1").unwrap(),
            name: name.to_owned(),
            run: Some(SessionId::at(at, 1)),
        };
        let mut alarm = Alarm::of_run(AlarmKind::Held, subject, Some(trouble), at);
        alarm.since = Timestamp::from_secs(1_795_189_441);
        alarm
    }

    #[test]
    fn the_json_of_schema_1_stays() {
        let message = Message::new(vec![held("docs")], "desk").unwrap();
        let mut json = message.to_json();
        assert!(json["text"].is_string());
        json["text"] = Value::Null;
        let expected = json!({
            "schema": 1,
            "host": "desk",
            "event": "held",
            "title": "docs: waiting for your OK",
            "text": null,
            "n_alarms": 1,
            "alarms": [{
                "event": "held",
                "title": "docs: waiting for your OK",
                "sync": "docs",
                "sync_id": "files-1",
                "run": "20261120-154501000-0001",
                "at": "2026-11-20T15:45:01Z",
                "since": "2026-11-20T15:44:01Z",
                "is_reminder": false,
                "ended": [],
                "code": "too-many-deletions",
                "severity": "error",
                "what": "This run would delete 1,920 of 8,412 files in ~/Photos.",
                "meaning": "None of them was deleted; everything else was synced.",
                "actions": [
                    "review the list, then allow exactly these changes if they are right",
                    "if they were deleted by mistake, bring them back on the other side and sync again"
                ],
                "paths": [],
            }],
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn the_text_says_what_it_means_and_what_to_do() {
        let message = Message::new(vec![held("docs")], "desk").unwrap();
        assert_eq!(
            message.text(),
            "docs: waiting for your OK\n\
             This run would delete 1,920 of 8,412 files in ~/Photos. None of them was deleted; \
             everything else was synced.\n\
             - review the list, then allow exactly these changes if they are right\n\
             - if they were deleted by mistake, bring them back on the other side and sync again\n\
             Since 2026-11-20T15:44:01Z (UTC).\n\
             \n-- \nsyncmgr on desk\n"
        );
    }

    #[test]
    fn many_alarms_are_one_message_with_an_end() {
        let message = Message::new(vec![held("docs"); 80], "desk").unwrap();
        assert_eq!(message.title(), "80 notices: docs: waiting for your OK, …");
        assert!(message.text().contains("and 30 more notices"));
        let json = message.to_json();
        assert_eq!(json["alarms"].as_array().map(Vec::len), Some(ALARMS_MAX));
        assert_eq!(json["n_alarms"], 80);
        assert!(Message::new(Vec::new(), "desk").is_none());
    }

    #[test]
    fn a_hostile_name_stays_one_line() {
        let message = Message::new(vec![held("a\r\nBcc: x\u{1b}[2J")], "desk\n").unwrap();
        let (title, text) = (message.title(), message.text());
        assert!(!title.contains(|c: char| c.is_control()), "{title:?}");
        assert!(!text.contains('\r') && !text.contains('\u{1b}'), "{text:?}");
        assert_eq!(text.lines().filter(|it| it.starts_with("Bcc")).count(), 0);
        for (name, value) in message.variables() {
            assert!(!value.contains(|c: char| c.is_control()), "{name}");
        }
    }
}
