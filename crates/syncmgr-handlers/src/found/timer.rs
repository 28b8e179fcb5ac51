//! The times of systemd timers as schedules.

use syncmgr_model::schedule::text::time_of_day;

/// Reads `OnCalendar=`: returns the schedule, or `None` when no schedule of syncmgr says the same.
pub(super) fn calendar(text: &str) -> Option<String> {
    let text = text.trim();
    let short = match text.to_ascii_lowercase().as_str() {
        "minutely" => Some("cron * * * * *"),
        "hourly" => Some("cron 0 * * * *"),
        "daily" => Some("daily 00:00"),
        "weekly" => Some("mon 00:00"),
        "monthly" => Some("cron 0 0 1 * *"),
        "quarterly" => Some("cron 0 0 1 1,4,7,10 *"),
        "semiannually" => Some("cron 0 0 1 1,7 *"),
        "yearly" | "annually" => Some("cron 0 0 1 1 *"),
        _ => None,
    };
    if let Some(short) = short {
        return Some(short.to_owned());
    }
    let mut days = None;
    let mut date = None;
    let mut clock = None;
    for part in text.split_whitespace() {
        if part.contains(':') {
            clock = Some(part);
        } else if part.starts_with(|c: char| c.is_ascii_alphabetic()) {
            if days.is_some() || clock.is_some() {
                // A zone stands behind the time.
                return None;
            }
            days = Some(weekdays(part)?);
        } else if part.contains('-') {
            date = Some(part);
        } else {
            return None;
        }
    }
    let (month, day) = match date {
        Some(date) => month_and_day(date)?,
        None => ("*".to_owned(), "*".to_owned()),
    };
    let (hour, minute) = match clock {
        Some(clock) => hour_and_minute(clock)?,
        None => ("0".to_owned(), "0".to_owned()),
    };
    write(&minute, &hour, &day, &month, days.as_deref())
}

fn write(minute: &str, hour: &str, day: &str, month: &str, days: Option<&str>) -> Option<String> {
    let is_every_day = day == "*" && month == "*";
    if is_every_day && let (Ok(minute), Ok(hour)) = (minute.parse::<u16>(), hour.parse::<u16>()) {
        let clock = time_of_day(hour * 60 + minute);
        return Some(format!("{} {clock}", days.unwrap_or("daily")));
    }
    if days.is_some() && day != "*" {
        // Cron runs when either fits, systemd when both do.
        return None;
    }
    let days = days.unwrap_or("*");
    Some(format!("cron {minute} {hour} {day} {month} {days}"))
}

/// Reads `Mon..Fri`, `Mon,Wed`.
fn weekdays(text: &str) -> Option<String> {
    const DAYS: [&str; 7] = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ];
    let day = |text: &str| {
        let lower = text.to_ascii_lowercase();
        let known = DAYS
            .into_iter()
            .find(|day| *day == lower || day[..3] == lower);
        known.map(|day| &day[..3])
    };
    let parts: Option<Vec<_>> = text
        .trim_end_matches(',')
        .split(',')
        .map(
            |part| match part.split_once("..").or(part.split_once('-')) {
                Some((first, last)) => Some(format!("{}-{}", day(first)?, day(last)?)),
                None => day(part).map(str::to_owned),
            },
        )
        .collect();
    parts.map(|parts| parts.join(","))
}

/// Reads `*-*-*`, `*-*-01`, `*-1,7-1`, `12-24`.
fn month_and_day(date: &str) -> Option<(String, String)> {
    let parts: Vec<_> = date.split('-').collect();
    let (["*", month, day] | [month, day]) = parts.as_slice() else {
        return None;
    };
    Some((field(month, 1, 12)?, field(day, 1, 31)?))
}

/// Reads `02:30`, `*:0/15`, `8..18:00:00`.
fn hour_and_minute(clock: &str) -> Option<(String, String)> {
    let parts: Vec<_> = clock.split(':').collect();
    let (hour, minute) = match parts.as_slice() {
        [hour, minute] => (hour, minute),
        [hour, minute, second] if second.parse() == Ok(0) => (hour, minute),
        _ => return None,
    };
    Some((field(hour, 0, 23)?, field(minute, 0, 59)?))
}

/// Writes one part as a field of a cron line.
fn field(text: &str, min: u32, max: u32) -> Option<String> {
    let number = |text: &str| {
        let n = text.parse::<u32>().ok()?;
        (min..=max).contains(&n).then_some(n)
    };
    let one = |part: &str| {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<u32>().ok().filter(|n| *n > 0)?)),
            None => (part, None),
        };
        let range = match (range, range.split_once("..")) {
            ("*", _) => "*".to_owned(),
            (_, Some((first, last))) => format!("{}-{}", number(first)?, number(last)?),
            (_, None) => match step {
                Some(_) if number(range)? == min => "*".to_owned(),
                Some(_) => format!("{}-{max}", number(range)?),
                None => number(range)?.to_string(),
            },
        };
        Some(match step {
            Some(step) => format!("{range}/{step}"),
            None => range,
        })
    };
    let parts: Option<Vec<_>> = text.split(',').map(one).collect();
    parts.map(|parts| parts.join(","))
}

/// Units of a time span, in seconds.
const UNITS: [(&str, u64); 22] = [
    ("s", 1),
    ("sec", 1),
    ("second", 1),
    ("seconds", 1),
    ("m", 60),
    ("min", 60),
    ("minute", 60),
    ("minutes", 60),
    ("h", 3_600),
    ("hr", 3_600),
    ("hour", 3_600),
    ("hours", 3_600),
    ("d", 86_400),
    ("day", 86_400),
    ("days", 86_400),
    ("w", 604_800),
    ("week", 604_800),
    ("weeks", 604_800),
    ("month", 2_629_800),
    ("months", 2_629_800),
    ("M", 2_629_800),
    ("y", 31_557_600),
];

/// Reads `OnUnitActiveSec=`, as `15min` or `1h 30m`: returns the schedule.
pub(super) fn every(text: &str) -> Option<String> {
    let mut seconds = 0u64;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let n: u64 = rest[..end].parse().ok()?;
        rest = rest[end..].trim_start();
        let end = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "" => 1,
            name => UNITS.iter().find(|(unit, _)| *unit == name)?.1,
        };
        seconds = seconds.checked_add(n.checked_mul(unit)?)?;
        rest = rest[end..].trim_start();
    }
    let (n, unit) = match seconds {
        0 => return None,
        n if n.is_multiple_of(3_600) => (n / 3_600, "h"),
        n if n.is_multiple_of(60) => (n / 60, "m"),
        n => (n, "s"),
    };
    Some(format!("every {n}{unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = calendar(text);
        assert_eq!(found.as_deref(), Some(expected), "{text}");
        let trigger: Result<syncmgr_model::schedule::Trigger, _> = expected.parse();
        assert!(trigger.is_ok(), "{expected}");
    }

    #[test]
    fn calendar_times_become_schedules() {
        check("daily", "daily 00:00");
        check("*-*-* 02:30:00", "daily 02:30");
        check("02:30", "daily 02:30");
        check("Mon..Fri 08:00", "mon-fri 08:00");
        check("Mon,Wed *-*-* 18:00", "mon,wed 18:00");
        check("Sunday 4:00", "sun 04:00");
        check("*:0/15", "cron */15 * * * *");
        check("*:05/10", "cron 5-59/10 * * * *");
        check("*-*-* *:00/5:00", "cron */5 * * * *");
        check("*-*-01 04:00", "cron 0 4 1 * *");
        check("8..18:00", "cron 0 8-18 * * *");
        check("*-*-* 08,18:30", "cron 30 8,18 * * *");
        check("quarterly", "cron 0 0 1 1,4,7,10 *");
    }

    #[test]
    fn what_schedules_cannot_say_is_not_guessed() {
        for text in [
            "*-*-* 02:30 Europe/Prague",
            "Mon *-*-01 02:30",
            "*-*~1 02:30",
            "2026-01-01 02:30",
            "02:30:10",
            "25:00",
            "Foo 02:00",
            "nonsense",
        ] {
            assert_eq!(calendar(text), None, "{text}");
        }
    }

    #[test]
    fn spans_become_schedules() {
        let check = |text, expected: Option<&str>| assert_eq!(every(text).as_deref(), expected);
        check("15min", Some("every 15m"));
        check("1h 30m", Some("every 90m"));
        check("1h30min", Some("every 90m"));
        check("90", Some("every 90s"));
        check("1d", Some("every 24h"));
        check("2 hours", Some("every 2h"));
        check("0", None);
        check("x", None);
        check("", None);
    }
}
