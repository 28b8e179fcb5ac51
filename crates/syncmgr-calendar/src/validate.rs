//! Refuses schedules that could never work, with the setting and what is wrong with it.

use croner::Cron;
use croner::errors::CronError;
use syncmgr_model::schedule::week::MINUTES_PER_DAY;
use syncmgr_model::schedule::{Period, Schedule, ScheduleItems, SystemEvent, Trigger, Window};
use syncmgr_model::time::{Civil, Timestamp};

use crate::calendar::Calendar;
use crate::{next, wall};

/// Most triggers, windows or items in one schedule: more than a person can oversee, and all of
/// them are looked through at each look.
const LIST_MAX: usize = 100;
/// Longest period, jitter and waiting time: ten years. Longer ones are typing mistakes.
const LONGEST_MS: u64 = 10 * 366 * 86_400_000;
/// The same for the number in a period, whatever its unit.
const PERIOD_N_MAX: u32 = 100_000;

/// A schedule that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {what}")]
pub struct Unworkable {
    /// The setting, as `triggers[0]`; counted from 0.
    pub key: String,
    /// What is wrong with it, and what would be right.
    pub what: String,
}

impl Unworkable {
    pub(crate) fn new(key: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            what: what.into(),
        }
    }

    /// Builds the error for a zone that is not known.
    pub(crate) fn no_zone(name: &str) -> Self {
        let what = format!("there is no time zone `{name}`; it is named as `Europe/Prague`");
        Self::new("zone", what)
    }
}

pub(crate) fn validate(
    calendar: &Calendar,
    schedule: &Schedule,
    now: Timestamp,
) -> Result<(), Unworkable> {
    whole(schedule)?;
    if calendar.zone(&schedule.zone).is_none() {
        return Err(Unworkable::no_zone(&schedule.zone.to_string()));
    }
    for (i, it) in schedule.triggers.iter().enumerate() {
        if matches!(it, Trigger::After(_)) && schedule.items == ScheduleItems::All {
            let what = "runs every sync after this one, itself too; name the syncs in `items`";
            return Err(Unworkable::new(format!("triggers[{i}]"), what));
        }
        let is_right = trigger(it).and_then(|()| has_a_time(calendar, schedule, it, now));
        is_right.map_err(|what| Unworkable::new(format!("triggers[{i}]"), what))?;
    }
    for (i, it) in schedule.windows.iter().enumerate() {
        window(it).map_err(|what| Unworkable::new(format!("windows[{i}]"), what))?;
    }
    Ok(())
}

fn whole(schedule: &Schedule) -> Result<(), Unworkable> {
    if let Some(why) = syncmgr_model::item::bad_name(&schedule.name) {
        return Err(Unworkable::new("name", format!("cannot be used: {why}")));
    }
    if let ScheduleItems::Named(names) = &schedule.items {
        if names.is_empty() {
            return Err(Unworkable::new(
                "items",
                "names no sync; leave it out for all",
            ));
        }
        few("items", names.len())?;
    }
    few("triggers", schedule.triggers.len())?;
    few("windows", schedule.windows.len())?;
    short("jitter", schedule.jitter_ms)?;
    short(
        "conditions.idle",
        schedule.conditions.idle_at_least_ms.unwrap_or(0),
    )
}

fn few(key: &str, n: usize) -> Result<(), Unworkable> {
    if n <= LIST_MAX {
        return Ok(());
    }
    let what = format!("has {n} entries; at most {LIST_MAX} are possible");
    Err(Unworkable::new(key, what))
}

fn short(key: &str, ms: u64) -> Result<(), Unworkable> {
    if ms <= LONGEST_MS {
        return Ok(());
    }
    Err(Unworkable::new(key, "is longer than ten years"))
}

fn trigger(trigger: &Trigger) -> Result<(), String> {
    match trigger {
        Trigger::Every { every, start } => period(*every).and_then(|()| start.map_or(Ok(()), date)),
        Trigger::Once(at) => date(*at),
        Trigger::Cron(line) => line
            .parse::<Cron>()
            .map(|_| ())
            .map_err(|fault| cron_words(line, &fault)),
        Trigger::At {
            days,
            minutes_of_day,
        } => {
            let is_time = |minute: &u16| *minute < MINUTES_PER_DAY;
            if days.is_empty() || minutes_of_day.is_empty() {
                Err("names no day or no time of day".to_owned())
            } else if minutes_of_day.iter().all(is_time) {
                Ok(())
            } else {
                Err("a time of day is after 23:59".to_owned())
            }
        }
        Trigger::OnEvent(SystemEvent::Idle {
            after_ms,
            repeat_ms,
        }) => idle(*after_ms, *repeat_ms),
        Trigger::After(name) if name.is_empty() => Err("names no sync".to_owned()),
        Trigger::OnChange | Trigger::OnEvent(_) | Trigger::After(_) => Ok(()),
    }
}

fn period(every: Period) -> Result<(), String> {
    match every.n {
        0 => Err("a period of nothing never comes to an end".to_owned()),
        1..=PERIOD_N_MAX => Ok(()),
        _ => Err(format!("`{every}` is too long")),
    }
}

fn date(at: Civil) -> Result<(), String> {
    let text = syncmgr_model::schedule::text::moment(at);
    wall::civil(at)
        .map(|_| ())
        .ok_or_else(|| format!("the calendar has no {text}"))
}

fn idle(after_ms: u64, repeat_ms: Option<u64>) -> Result<(), String> {
    if repeat_ms.is_some_and(|ms| ms < 60_000) {
        return Err("repeats more than once a minute".to_owned());
    }
    if after_ms > LONGEST_MS || repeat_ms.is_some_and(|ms| ms > LONGEST_MS) {
        return Err("is longer than ten years".to_owned());
    }
    Ok(())
}

fn window(window: &Window) -> Result<(), String> {
    if window.days.is_empty() {
        return Err("names no day, so it never opens".to_owned());
    }
    if window.from_minute >= MINUTES_PER_DAY || window.to_minute > MINUTES_PER_DAY {
        return Err("a time of day is after 24:00".to_owned());
    }
    Ok(())
}

/// A cron line can be well formed and name a day that never comes, as 30 February.
fn has_a_time(
    calendar: &Calendar,
    schedule: &Schedule,
    trigger: &Trigger,
    now: Timestamp,
) -> Result<(), String> {
    let (Trigger::Cron(line), Some(zone)) = (trigger, calendar.zone(&schedule.zone)) else {
        return Ok(());
    };
    let cron: Cron = line.parse().map_err(|fault| cron_words(line, &fault))?;
    match next::cron(&cron, &zone, now) {
        Some(_) => Ok(()),
        None => Err(format!("the cron line `{line}` never comes true")),
    }
}

fn cron_words(line: &str, fault: &CronError) -> String {
    let why = match fault {
        CronError::EmptyPattern => "it is empty",
        CronError::InvalidPattern(what)
        | CronError::IllegalCharacters(what)
        | CronError::ComponentError(what) => what.trim_end_matches('.'),
        CronError::InvalidDate => "it names a date that does not exist",
        CronError::InvalidTime => "it names a time that does not exist",
        CronError::TimeSearchLimitExceeded => "it never comes true",
    };
    format!("the cron line `{line}` cannot be used: {why}")
}
