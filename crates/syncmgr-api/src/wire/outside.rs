//! Runs that programs outside of syncmgr report: while they go on, or after their end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use syncmgr_model::event::EventLevel;
use syncmgr_model::id::{HandlerId, ItemId, SessionId};
use syncmgr_model::outside::{self, ReportedEnd};
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::record;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};
use utoipa::ToSchema;

use super::{Summary, Unreadable, time, word};

/// Most bytes of a text that is reported: more is not read by anybody.
const TEXT_LEN_MAX: usize = 4096;

/// What a program works on: a sync that is there, or one that is made for it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The name or id of a sync. One that is not there is made, of the handler `run`, with this
    /// name; nothing is ever started by it.
    #[schema(min_length = 1, max_length = 127)]
    pub item: String,
    /// Only a sync of this handler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 63)]
    pub handler: Option<String>,
    /// The id of the sync, which is looked for before the name; one that is made gets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 63)]
    pub id: Option<String>,
    /// What runs, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4096)]
    pub command: Option<String>,
    /// People are told when the last success is older than so many milliseconds; what is set stays
    /// when it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_ms: Option<u64>,
}

/// Begins a run of a program outside.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutsideNew {
    /// What it works on.
    pub subject: Subject,
    /// The id of the run, when the program makes it itself, as `20261120-154501123-3f9a`: the time
    /// it began, in UTC, and four hexadecimal digits by chance. Asked twice with one id, the run
    /// begins once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 63)]
    pub run: Option<String>,
}

/// A run of a program outside that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutsideBegun {
    /// Its id.
    pub run: String,
    /// The sync.
    pub item: String,
    /// The handler of that.
    pub handler: String,
    /// A program that says nothing for so many milliseconds counts as broken off.
    pub silence_ms: u64,
}

/// Where a run stands; what is left out is not known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutsideProgress {
    /// Steps done.
    #[serde(default)]
    pub done: u64,
    /// Steps in all.
    #[serde(default)]
    pub total: Option<u64>,
    /// Bytes done.
    #[serde(default)]
    pub bytes_done: u64,
    /// Bytes in all.
    #[serde(default)]
    pub bytes_total: Option<u64>,
    /// What is being worked on.
    #[serde(default)]
    #[schema(max_length = 4096)]
    pub current: Option<String>,
}

/// Says that a run goes on, and waits for a wish to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutsideAlive {
    /// Answer after so many milliseconds, or as soon as the run is to stop; at most 25000.
    #[serde(default)]
    #[schema(maximum = 25000)]
    pub wait_ms: u64,
}

/// What is wished of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutsideWish {
    /// Somebody asked it to stop.
    pub stop: bool,
}

/// A result of a run: in words of its own (`title`), or a message of the catalogue (`code`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutsideEvent {
    /// `information`, `warning` or `error`.
    #[schema(pattern = "^(information|warning|error)$")]
    pub level: String,
    /// What happened, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4096)]
    pub title: Option<String>,
    /// More about it; only with a title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4096)]
    pub description: Option<String>,
    /// A code of the catalogue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The facts that go with the code.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// When, RFC 3339; left out: now. Counts only in a report after the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// Ends a run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutsideEnd {
    /// `succeeded`, `failed`, `canceled` or `disconnected`.
    #[schema(pattern = "^(succeeded|failed|canceled|disconnected)$")]
    pub status: String,
    /// What it did and left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
}

/// Reports a run that is over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutsidePast {
    /// What it worked on.
    pub subject: Subject,
    /// The id of the run, as with one that begins; told twice with one id, it is recorded once.
    #[schema(min_length = 1, max_length = 63)]
    pub run: String,
    /// When it began, RFC 3339.
    pub began: String,
    /// When it ended.
    pub ended: String,
    /// How it ended.
    pub end: OutsideEnd,
    /// Its results in order.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub events: Vec<OutsideEvent>,
}

/// A run that was recorded after its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutsideTaken {
    /// Its id.
    pub run: String,
    /// The sync.
    pub item: String,
    /// False: all of it was known already.
    pub news: bool,
}

impl TryFrom<&Subject> for outside::Subject {
    type Error = Unreadable;

    fn try_from(s: &Subject) -> Result<Self, Unreadable> {
        let handler = |id: &String| word("the id of a handler", id, |id| HandlerId::new(id).ok());
        let id = |id: &String| word("the id of a sync", id, |id| ItemId::new(id).ok());
        Ok(Self {
            handler: s.handler.as_ref().map(handler).transpose()?,
            item: s.item.clone(),
            id: s.id.as_ref().map(id).transpose()?,
            command: s.command.as_deref().map(harmless),
            max_age_ms: s.max_age_ms,
        })
    }
}

impl From<&outside::Subject> for Subject {
    fn from(s: &outside::Subject) -> Self {
        Self {
            item: s.item.clone(),
            handler: s.handler.as_ref().map(ToString::to_string),
            id: s.id.as_ref().map(ToString::to_string),
            command: s.command.clone(),
            max_age_ms: s.max_age_ms,
        }
    }
}

/// Makes text of a program harmless: it is shown on terminals.
fn harmless(text: &str) -> String {
    let mut text = syncmgr_model::escape::escape(text.as_bytes());
    if text.len() > TEXT_LEN_MAX {
        let end = (0..=TEXT_LEN_MAX).rev().find(|n| text.is_char_boundary(*n));
        text.truncate(end.unwrap_or(0));
    }
    text
}

impl TryFrom<&OutsideEvent> for Trouble {
    type Error = Unreadable;

    fn try_from(event: &OutsideEvent) -> Result<Self, Unreadable> {
        let level = word("a level", &event.level, EventLevel::parse)?;
        let trouble = match (&event.code, &event.title) {
            (Some(code), _) => {
                let mut trouble = Self::new(word("the code of a message", code, Code::parse)?);
                for (key, value) in &event.params {
                    trouble = trouble.with(key, harmless(value));
                }
                trouble
            }
            (None, Some(title)) => Self::new(Code::HandlerSays)
                .with("name", harmless(title))
                .with(
                    "description",
                    harmless(event.description.as_deref().unwrap_or_default()),
                ),
            (None, None) => {
                return Err(Unreadable {
                    what: "a title or a code",
                    text: String::new(),
                });
            }
        };
        Ok(trouble.at_level(level))
    }
}

impl OutsideEvent {
    /// Writes a message of the catalogue.
    #[must_use]
    pub fn of(trouble: &Trouble, at: Option<Timestamp>) -> Self {
        Self {
            level: trouble.level.as_str().to_owned(),
            code: Some(trouble.code.as_str().to_owned()),
            params: trouble.params.clone(),
            at: at.map(Timestamp::rfc3339_ms),
            ..Self::default()
        }
    }
}

impl OutsideEnd {
    /// Reads how it ended, `at` this time.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn read(&self, at: Timestamp) -> Result<ReportedEnd, Unreadable> {
        let status = |text: &str| ProgressStatus::parse(text).filter(|it| it.is_terminal());
        Ok(ReportedEnd {
            at,
            status: word("how it ended", &self.status, status)?,
            summary: self
                .summary
                .as_ref()
                .map(record::Summary::from)
                .unwrap_or_default(),
        })
    }
}

impl From<&ReportedEnd> for OutsideEnd {
    fn from(end: &ReportedEnd) -> Self {
        Self {
            status: end.status.as_str().to_owned(),
            summary: Some(Summary::from(&end.summary)),
        }
    }
}

impl TryFrom<&OutsidePast> for outside::Reported {
    type Error = Unreadable;

    fn try_from(past: &OutsidePast) -> Result<Self, Unreadable> {
        let ended = time(&past.ended)?;
        let event = |event: &OutsideEvent| {
            let at = event.at.as_deref().map(time).transpose()?;
            Ok((at.unwrap_or(ended), Trouble::try_from(event)?))
        };
        Ok(Self {
            session: word("the id of a run", &past.run, |id| SessionId::new(id).ok())?,
            subject: (&past.subject).try_into()?,
            began: time(&past.began)?,
            events: past
                .events
                .iter()
                .map(event)
                .collect::<Result<_, Unreadable>>()?,
            end: past.end.read(ended)?,
        })
    }
}

impl From<&outside::Reported> for OutsidePast {
    fn from(reported: &outside::Reported) -> Self {
        Self {
            subject: (&reported.subject).into(),
            run: reported.session.to_string(),
            began: reported.began.rfc3339_ms(),
            ended: reported.end.at.rfc3339_ms(),
            end: (&reported.end).into(),
            events: reported
                .events
                .iter()
                .map(|(at, trouble)| OutsideEvent::of(trouble, Some(*at)))
                .collect(),
        }
    }
}
