//! The short forms that people type in settings and command lines, read and written. Whatever is
//! written here reads back as the same value.
//!
//! ```text
//! duration  90s  15m  1h30m  2d          window   mon-fri 08:00-18:00   daily 22:00-06:00
//! trigger   every 15m    every 1mo from 2026-01-31 08:00    once 2026-12-24 18:00
//!           mon-fri 08:00,18:00    cron 30 2 * * *    on change    on log-on    on idle 10m repeat 1h
//!           on connect [NAME]      on disconnect      after NAME
//! ```

use std::fmt::{self, Display, Formatter, Write as _};
use std::str::FromStr;

use super::week::{MINUTES_PER_DAY, Weekday, Weekdays, Window};
use super::{Period, PeriodUnit, SystemEvent, Trigger, Zone};
use crate::time::Civil;

/// Text that is not in the form it should be in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// What was typed.
    pub text: String,
    /// What would be right, with an example.
    pub wanted: &'static str,
}

impl Unreadable {
    fn new(text: &str, wanted: &'static str) -> Self {
        Self {
            text: text.to_owned(),
            wanted,
        }
    }
}

impl Display for Unreadable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read `{}`: expected {}", self.text, self.wanted)
    }
}

impl std::error::Error for Unreadable {}

const DURATION: &str = "a duration, as `90s`, `15m`, `1h30m` or `2d`";
const PERIOD: &str = "a time between runs, as `15m`, `2h`, `1d`, `2w` or `1mo`";
const TIME: &str = "a time of day, as `18:00`";
const MOMENT: &str = "a date and a time, as `2026-12-24 18:00`";
const DAYS: &str = "days, as `daily`, `mon-fri` or `mon,wed,sat`";
const WINDOW: &str = "days and a stretch of time, as `mon-fri 08:00-18:00`";
const EVENT: &str = "`on change`, `on log-on`, `on log-off`, `on lock`, `on unlock`, \
                     `on idle 10m [repeat 1h]`, `on connect [NETWORK]` or `on disconnect`";
const TRIGGER: &str = "when to run, as `every 15m`, `daily 18:00`, `once 2026-12-24 18:00`, \
                       `cron 30 2 * * *`, `on change`, `on log-on` or `after NAME`";

/// Milliseconds of each unit of a duration, the longest first.
const DURATION_UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Writes milliseconds as `1h30m`.
#[must_use]
pub fn duration(ms: u64) -> String {
    let mut out = String::new();
    let mut rest = ms;
    for (unit, size) in DURATION_UNITS {
        if rest >= size {
            out.push_str(&(rest / size).to_string());
            out.push_str(unit);
            rest %= size;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

/// Reads milliseconds from `1h30m`; `w` for weeks is understood too.
///
/// # Errors
/// The text is no duration, or longer than a `u64` of milliseconds.
pub fn parse_duration(text: &str) -> Result<u64, Unreadable> {
    let fault = || Unreadable::new(text, DURATION);
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(fault());
    }
    let mut sum = 0u64;
    while !rest.is_empty() {
        let (n, after) = figure(rest).ok_or_else(fault)?;
        let end = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let size = match &after[..end] {
            "w" => 7 * 86_400_000,
            unit => DURATION_UNITS
                .iter()
                .find(|(name, _)| *name == unit)
                .map(|(_, size)| *size)
                .ok_or_else(fault)?,
        };
        let part = n.checked_mul(size).ok_or_else(fault)?;
        sum = sum.checked_add(part).ok_or_else(fault)?;
        rest = &after[end..];
    }
    Ok(sum)
}

/// Splits digits off the front.
fn figure(text: &str) -> Option<(u64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

impl PeriodUnit {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Seconds, "s"),
        (Self::Minutes, "m"),
        (Self::Hours, "h"),
        (Self::Days, "d"),
        (Self::Weeks, "w"),
        (Self::Months, "mo"),
    ];

    /// Returns the stable short form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Minutes => "m",
            Self::Hours => "h",
            Self::Days => "d",
            Self::Weeks => "w",
            Self::Months => "mo",
        }
    }
}

impl Display for Period {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.n, self.unit.as_str())
    }
}

impl FromStr for Period {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let read = || {
            let (n, unit) = figure(text.trim())?;
            let n = u32::try_from(n).ok().filter(|n| *n > 0)?;
            let known = PeriodUnit::ALL.iter().find(|(_, name)| *name == unit)?;
            Some(Self { n, unit: known.0 })
        };
        read().ok_or_else(|| Unreadable::new(text, PERIOD))
    }
}

impl Display for Zone {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

impl From<&str> for Zone {
    fn from(text: &str) -> Self {
        match text.trim() {
            "" | "system" => Self::System,
            name => Self::Named(name.to_owned()),
        }
    }
}

impl Display for Weekdays {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if *self == Self::DAILY {
            return f.write_str("daily");
        }
        for (i, (first, last)) in stretches(*self).into_iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            if first == last {
                write!(f, "{comma}{}", first.as_str())?;
            } else {
                write!(f, "{comma}{}-{}", first.as_str(), last.as_str())?;
            }
        }
        Ok(())
    }
}

/// Joins days that follow each other.
fn stretches(days: Weekdays) -> Vec<(Weekday, Weekday)> {
    let mut out: Vec<(Weekday, Weekday)> = Vec::new();
    for day in days.iter() {
        match out.last_mut() {
            Some((_, last)) if day != Weekday::Mon && *last == day.before() => *last = day,
            Some(_) | None => out.push((day, day)),
        }
    }
    out
}

impl FromStr for Weekdays {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        if matches!(text.trim(), "daily" | "*") {
            return Ok(Self::DAILY);
        }
        let mut days = Self::default();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let one = |name: &str| Weekday::parse(name.trim());
            let stretch = one(first).zip(one(last));
            let (first, last) = stretch.ok_or_else(|| Unreadable::new(text, DAYS))?;
            days = days.with(between(first, last));
        }
        Ok(days)
    }
}

/// Returns the days from one to another, over the end of the week if need be.
fn between(first: Weekday, last: Weekday) -> Weekdays {
    let n = (7 + last.since_monday() - first.since_monday()) % 7;
    let days = Weekday::ALL.iter().cycle();
    let days = days.skip(usize::from(first.since_monday()));
    Weekdays::of(&days.take(usize::from(n) + 1).copied().collect::<Vec<_>>())
}

/// Writes minutes since midnight as `18:00`.
#[must_use]
pub fn time_of_day(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// Reads minutes since midnight from `18:00`; `24:00` is the midnight at the end of the day.
///
/// # Errors
/// The text is no time of day.
pub fn parse_time_of_day(text: &str) -> Result<u16, Unreadable> {
    let read = || {
        let (hours, minutes) = text.trim().split_once(':')?;
        if minutes.len() != 2 || hours.is_empty() || hours.len() > 2 {
            return None;
        }
        let (hours, minutes) = (figure(hours)?, figure(minutes)?);
        let is_time = hours.1.is_empty() && minutes.1.is_empty() && minutes.0 < 60;
        let minute = u16::try_from(hours.0 * 60 + minutes.0).ok()?;
        (is_time && minute <= MINUTES_PER_DAY).then_some(minute)
    };
    read().ok_or_else(|| Unreadable::new(text, TIME))
}

impl Display for Window {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (from, to) = (time_of_day(self.from_minute), time_of_day(self.to_minute));
        write!(f, "{} {from}-{to}", self.days)
    }
}

impl FromStr for Window {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let read = || {
            let (days, times) = text.trim().rsplit_once(char::is_whitespace)?;
            let (from, to) = times.split_once('-')?;
            let from_minute = parse_time_of_day(from).ok()?;
            let days: Weekdays = days.parse().ok()?;
            (from_minute < MINUTES_PER_DAY).then_some(Self {
                days,
                from_minute,
                to_minute: parse_time_of_day(to).ok()?,
            })
        };
        read().ok_or_else(|| Unreadable::new(text, WINDOW))
    }
}

/// Writes a date and a time as `2026-12-24 18:00`, with seconds only when there are any.
#[must_use]
pub fn moment(at: Civil) -> String {
    let mut out = format!(
        "{:04}-{:02}-{:02} {:02}:{:02}",
        at.year, at.month, at.day, at.hour, at.minute
    );
    if at.second > 0 {
        // Writing into a string cannot fail.
        let _ = write!(out, ":{:02}", at.second);
    }
    out
}

/// Reads a date and a time from `2026-12-24 18:00`, also with a `T` between them. That the month
/// has this day is for the calendar to say.
///
/// # Errors
/// The text is no date and time.
pub fn parse_moment(text: &str) -> Result<Civil, Unreadable> {
    let read = || {
        let (date, time) = text.trim().split_once([' ', 'T'])?;
        let mut date = date.splitn(3, '-').map(|part| part.parse::<u16>().ok());
        let (year, month, day) = (date.next()??, date.next()??, date.next()??);
        let (clock, second) = match time.trim().match_indices(':').nth(1) {
            Some((at, _)) => (&time.trim()[..at], time.trim()[at + 1..].parse().ok()?),
            None => (time.trim(), 0u8),
        };
        let minute = parse_time_of_day(clock).ok()?;
        let small = |n: u16| u8::try_from(n).ok();
        let is_date = (1..=9999).contains(&year) && (1..=12).contains(&month);
        let is_right = is_date && (1..=31).contains(&day) && second < 60;
        (is_right && minute < MINUTES_PER_DAY).then_some(Civil {
            year: i64::from(year),
            month: small(month)?,
            day: small(day)?,
            hour: small(minute / 60)?,
            minute: small(minute % 60)?,
            second,
        })
    };
    read().ok_or_else(|| Unreadable::new(text, MOMENT))
}

impl Display for SystemEvent {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::LogOn => f.write_str("log-on"),
            Self::LogOff => f.write_str("log-off"),
            Self::Lock => f.write_str("lock"),
            Self::Unlock => f.write_str("unlock"),
            Self::Idle {
                after_ms,
                repeat_ms,
            } => {
                write!(f, "idle {}", duration(*after_ms))?;
                match repeat_ms {
                    Some(ms) => write!(f, " repeat {}", duration(*ms)),
                    None => Ok(()),
                }
            }
            Self::Connect(None) => f.write_str("connect"),
            Self::Connect(Some(name)) => write!(f, "connect {name}"),
            Self::PendingDisconnect => f.write_str("disconnect"),
        }
    }
}

impl FromStr for SystemEvent {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let (word, rest) = word_of(text);
        match (word, rest) {
            ("log-on", "") => Ok(Self::LogOn),
            ("log-off", "") => Ok(Self::LogOff),
            ("lock", "") => Ok(Self::Lock),
            ("unlock", "") => Ok(Self::Unlock),
            ("disconnect", "") => Ok(Self::PendingDisconnect),
            ("connect", "") => Ok(Self::Connect(None)),
            ("connect", name) => Ok(Self::Connect(Some(name.to_owned()))),
            ("idle", times) if !times.is_empty() => idle(times),
            _ => Err(Unreadable::new(text, EVENT)),
        }
    }
}

fn idle(times: &str) -> Result<SystemEvent, Unreadable> {
    let (after, repeat) = match times.split_once("repeat") {
        Some((after, repeat)) => (after, Some(parse_duration(repeat)?)),
        None => (times, None),
    };
    Ok(SystemEvent::Idle {
        after_ms: parse_duration(after)?,
        repeat_ms: repeat,
    })
}

impl Display for Trigger {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every { every, start: None } => write!(f, "every {every}"),
            Self::Every {
                every,
                start: Some(at),
            } => write!(f, "every {every} from {}", moment(*at)),
            Self::Once(at) => write!(f, "once {}", moment(*at)),
            Self::Cron(line) => write!(f, "cron {line}"),
            Self::At {
                days,
                minutes_of_day,
            } => {
                let times: Vec<_> = minutes_of_day.iter().map(|m| time_of_day(*m)).collect();
                write!(f, "{days} {}", times.join(","))
            }
            Self::OnChange => f.write_str("on change"),
            Self::OnEvent(event) => write!(f, "on {event}"),
            Self::After(name) => write!(f, "after {name}"),
        }
    }
}

impl FromStr for Trigger {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let (word, rest) = word_of(text);
        match (word, rest) {
            (_, "") => Err(Unreadable::new(text, TRIGGER)),
            ("every", rest) => every(rest),
            ("once", rest) => Ok(Self::Once(parse_moment(rest)?)),
            ("cron", line) => Ok(Self::Cron(line.to_owned())),
            ("on", "change") => Ok(Self::OnChange),
            ("on", event) => Ok(Self::OnEvent(event.parse()?)),
            ("after", name) => Ok(Self::After(name.to_owned())),
            (days, times) => at(days, times).ok_or_else(|| Unreadable::new(text, TRIGGER)),
        }
    }
}

fn every(text: &str) -> Result<Trigger, Unreadable> {
    let (every, start) = match text.split_once(" from ") {
        Some((every, start)) => (every, Some(parse_moment(start)?)),
        None => (text, None),
    };
    let every = every.parse()?;
    Ok(Trigger::Every { every, start })
}

fn at(days: &str, times: &str) -> Option<Trigger> {
    let minutes: Result<Vec<_>, _> = times.split(',').map(parse_time_of_day).collect();
    let mut minutes_of_day = minutes.ok()?;
    minutes_of_day.sort_unstable();
    minutes_of_day.dedup();
    let last = *minutes_of_day.last()?;
    (last < MINUTES_PER_DAY).then_some(Trigger::At {
        days: days.parse().ok()?,
        minutes_of_day,
    })
}

/// Splits the first word off; the rest is trimmed and may be empty.
fn word_of(text: &str) -> (&str, &str) {
    let text = text.trim();
    match text.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim()),
        None => (text, ""),
    }
}

#[cfg(test)]
mod tests;
