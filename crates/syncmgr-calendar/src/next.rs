//! The next time of one trigger.

use croner::Cron;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, ToSpan as _, Zoned};
use syncmgr_model::schedule::{Period, PeriodUnit, Trigger, Weekdays};
use syncmgr_model::time::{Civil, Timestamp};

use crate::wall;

/// Longest way between two days of a set, and one day on each side for the change of the clock.
const N_DAYS_AHEAD: i64 = 10;

/// Most changes of the clock that the search for a cron time steps over. It gives up at a leap of
/// more than two hours (a country that changes its side of the date line); two of them never
/// come in one year.
const N_LEAPS: usize = 4;

/// Returns the first time of the trigger that is later than `after`; none when there is no more,
/// or the trigger has no times of its own. `anchor` is where a period without a start begins.
pub(crate) fn next(
    trigger: &Trigger,
    zone: &TimeZone,
    after: Timestamp,
    anchor: Timestamp,
) -> Option<Timestamp> {
    match trigger {
        Trigger::Every { every, start } => self::every(*every, *start, zone, after, anchor),
        Trigger::Once(at) => wall::first(wall::civil(*at)?, zone).filter(|at| *at > after),
        Trigger::Cron(line) => cron(&line.parse().ok()?, zone, after),
        Trigger::At {
            days,
            minutes_of_day,
        } => at(*days, minutes_of_day, zone, after),
        Trigger::OnChange | Trigger::OnEvent(_) | Trigger::After(_) => None,
    }
}

/// Returns the first of the given minutes of the given days that is later than `after`.
pub(crate) fn at(
    days: Weekdays,
    minutes: &[u16],
    zone: &TimeZone,
    after: Timestamp,
) -> Option<Timestamp> {
    // Sorted here, because a caller may have built the list himself.
    let mut minutes = minutes.to_vec();
    minutes.sort_unstable();
    let today = wall::shown(after, zone)?.date();
    let dates = (-1..N_DAYS_AHEAD).filter_map(|n| today.checked_add(n.days()).ok());
    let dates = dates.filter(|date| days.has(wall::weekday(date.at(0, 0, 0, 0))));
    dates
        .flat_map(|date| minutes.iter().map(move |minute| (date, *minute)))
        .filter_map(|(date, minute)| {
            let part = |n: u16| i8::try_from(n).unwrap_or(0);
            wall::first(
                date.at(part(minute / 60 % 24), part(minute % 60), 0, 0),
                zone,
            )
        })
        .find(|time| *time > after)
}

fn every(
    every: Period,
    start: Option<Civil>,
    zone: &TimeZone,
    after: Timestamp,
    anchor: Timestamp,
) -> Option<Timestamp> {
    let start = match start {
        Some(at) => Some(wall::civil(at)?),
        None => None,
    };
    // With a start the start itself is one of the times; without, the first comes a period later.
    let n_first = i64::from(start.is_none());
    if let Some(step_ms) = step_ms(every) {
        let base = match start {
            Some(at) => wall::first(at, zone)?,
            None => anchor,
        };
        return by_clock(base, step_ms, n_first, after);
    }
    let base = match start {
        Some(at) => at,
        None => wall::shown(anchor, zone)?.datetime(),
    };
    by_calendar(base, every, n_first, zone, after)
}

/// Returns the length of a period that the clock counts; none for those of the calendar.
fn step_ms(every: Period) -> Option<i64> {
    let unit = match every.unit {
        PeriodUnit::Seconds => 1_000,
        PeriodUnit::Minutes => 60_000,
        PeriodUnit::Hours => 3_600_000,
        PeriodUnit::Days | PeriodUnit::Weeks | PeriodUnit::Months => return None,
    };
    Some(i64::from(every.n.max(1)) * unit)
}

fn by_clock(base: Timestamp, step_ms: i64, n_first: i64, after: Timestamp) -> Option<Timestamp> {
    let n_past = after.0.checked_sub(base.0)?.div_euclid(step_ms);
    let n = (n_past + 1).max(n_first);
    base.0.checked_add(n.checked_mul(step_ms)?).map(Timestamp)
}

/// Counts from the base each time, so that a 31st comes back after a shorter month.
fn by_calendar(
    base: DateTime,
    every: Period,
    n_first: i64,
    zone: &TimeZone,
    after: Timestamp,
) -> Option<Timestamp> {
    let shown = wall::shown(after, zone)?.datetime();
    let n_units = match every.unit {
        PeriodUnit::Months => months(base, shown),
        PeriodUnit::Weeks => days(base, shown) / 7,
        PeriodUnit::Days | PeriodUnit::Hours | PeriodUnit::Minutes | PeriodUnit::Seconds => {
            days(base, shown)
        }
    };
    let step = i64::from(every.n.max(1));
    // One before and three after: the clock on the wall is at most a day off.
    let n_near = n_units.div_euclid(step);
    (n_near - 2..=n_near + 3)
        .filter(|n| *n >= n_first)
        .chain([n_first])
        .filter_map(|n| {
            let at = base
                .checked_add(span(every.unit, n.checked_mul(step)?)?)
                .ok()?;
            wall::first(at, zone)
        })
        .filter(|time| *time > after)
        .min()
}

fn months(from: DateTime, to: DateTime) -> i64 {
    let count = |at: DateTime| i64::from(at.year()) * 12 + i64::from(at.month());
    count(to) - count(from)
}

fn days(from: DateTime, to: DateTime) -> i64 {
    let length: SignedDuration = to.date().duration_since(from.date());
    length.as_hours() / 24
}

fn span(unit: PeriodUnit, n: i64) -> Option<Span> {
    match unit {
        PeriodUnit::Months => Span::new().try_months(n).ok(),
        PeriodUnit::Weeks => Span::new().try_weeks(n).ok(),
        PeriodUnit::Days => Span::new().try_days(n).ok(),
        PeriodUnit::Hours | PeriodUnit::Minutes | PeriodUnit::Seconds => None,
    }
}

/// Returns the next time of a cron line; none when it has none any more.
pub(crate) fn cron(line: &Cron, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let mut from: Zoned = wall::shown(after, zone)?;
    let mut is_inclusive = false;
    for _ in 0..N_LEAPS {
        match line.find_next_occurrence(&from, is_inclusive) {
            Ok(at) => return Some(wall::stamp(at.timestamp())).filter(|at| *at > after),
            Err(croner::errors::CronError::TimeSearchLimitExceeded) => {
                let leap = zone.following(from.timestamp()).next()?;
                from = leap.timestamp().to_zoned(zone.clone());
                is_inclusive = true;
            }
            Err(_) => return None,
        }
    }
    None
}
