//! What a schedule says, as one sentence for people.

use super::german;
use super::text::{duration, moment, time_of_day};
use super::{
    Conditions, Period, PeriodUnit, Schedule, StopWhen, SystemEvent, Trigger, Weekdays, Window,
    Zone,
};
use crate::format::plural;
use crate::language::Language;

/// Writes a schedule as a sentence without a full stop: "Runs when files change and every day at
/// 18:00, only on weekdays 08:00–18:00".
#[must_use]
pub fn sentence(schedule: &Schedule) -> String {
    if Language::current() == Language::German {
        return german::sentence(schedule);
    }
    let mut out = String::from(if schedule.is_enabled {
        "Runs "
    } else {
        "Turned off; otherwise runs "
    });
    if schedule.triggers.is_empty() {
        return out + "only when asked to";
    }
    out += &join(schedule.triggers.iter().map(when));
    if let Zone::Named(name) = &schedule.zone {
        out = out + " (times of " + name + ")";
    }
    if !schedule.windows.is_empty() {
        out = out + ", only " + &join(schedule.windows.iter().map(window));
    }
    let needs = needs(&schedule.conditions);
    if !needs.is_empty() {
        out = out + ", only while " + &join(needs.into_iter());
    }
    let ends = ends(schedule.stop_when);
    if !ends.is_empty() {
        out = out + "; stops when " + &ends.join(" or ");
    }
    if schedule.asks_first {
        out += "; asks first";
    }
    out
}

/// Writes one trigger as a part of a sentence: "every day at 18:00".
#[must_use]
pub fn when(trigger: &Trigger) -> String {
    if Language::current() == Language::German {
        return german::when(trigger);
    }
    match trigger {
        Trigger::Every { every, start: None } => each(*every),
        Trigger::Every {
            every,
            start: Some(at),
        } => format!("{} from {} on", each(*every), moment(*at)),
        Trigger::Once(at) => format!("once at {}", moment(*at)),
        Trigger::Cron(line) => format!("at the times of the cron line `{line}`"),
        Trigger::At {
            days,
            minutes_of_day,
        } => {
            let times = join(minutes_of_day.iter().map(|m| time_of_day(*m)));
            format!("{} at {times}", on_days(*days))
        }
        Trigger::OnChange => "when files change".to_owned(),
        Trigger::OnEvent(event) => on_event(event),
        Trigger::After(name) => format!("after {name} succeeded"),
    }
}

fn each(every: Period) -> String {
    let noun = match every.unit {
        PeriodUnit::Seconds => "second",
        PeriodUnit::Minutes => "minute",
        PeriodUnit::Hours => "hour",
        PeriodUnit::Days => "day",
        PeriodUnit::Weeks => "week",
        PeriodUnit::Months => "month",
    };
    match every.n {
        1 => format!("every {noun}"),
        n => format!("every {}", plural(u64::from(n), noun)),
    }
}

fn on_days(days: Weekdays) -> String {
    match days {
        Weekdays::DAILY => "every day".to_owned(),
        Weekdays::WORKDAYS => "on weekdays".to_owned(),
        Weekdays::WEEKEND => "on weekends".to_owned(),
        _ => format!("on {}", join(days.iter().map(|day| day.name().to_owned()))),
    }
}

fn on_event(event: &SystemEvent) -> String {
    match event {
        SystemEvent::LogOn => "when you log on".to_owned(),
        SystemEvent::LogOff => "before you log off".to_owned(),
        SystemEvent::Lock => "when the screen is locked".to_owned(),
        SystemEvent::Unlock => "when the screen is unlocked".to_owned(),
        SystemEvent::Idle {
            after_ms,
            repeat_ms: None,
        } => format!("when the computer was idle for {}", duration(*after_ms)),
        SystemEvent::Idle {
            after_ms,
            repeat_ms: Some(repeat_ms),
        } => format!(
            "when the computer was idle for {}, again every {} while it is",
            duration(*after_ms),
            duration(*repeat_ms)
        ),
        SystemEvent::Connect(None) => "when a network connects".to_owned(),
        SystemEvent::Connect(Some(name)) => format!("when the network {name} connects"),
        SystemEvent::PendingDisconnect => "before a network disconnects".to_owned(),
    }
}

fn window(window: &Window) -> String {
    let days = on_days(window.days);
    if (window.from_minute, window.to_minute % 1440) == (0, 0) {
        return days;
    }
    let (from, to) = (window.from_minute, window.to_minute);
    format!("{days} {}–{}", time_of_day(from), time_of_day(to))
}

fn needs(conditions: &Conditions) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(ms) = conditions.idle_at_least_ms {
        out.push(format!("the computer is idle for {}", duration(ms)));
    }
    if conditions.on_external_power {
        out.push("it is on external power".to_owned());
    }
    if conditions.on_unmetered_network {
        out.push("the network is not metered".to_owned());
    }
    if let Some(name) = &conditions.on_connection {
        out.push(format!("the network {name} is connected"));
    }
    out
}

fn ends(stop: StopWhen) -> Vec<&'static str> {
    let mut out = Vec::new();
    if stop.idle_ends {
        out.push("somebody uses the computer");
    }
    if stop.power_lost {
        out.push("external power is lost");
    }
    out
}

/// Joins parts with commas and a last "and".
fn join(parts: impl Iterator<Item = String>) -> String {
    let mut parts: Vec<_> = parts.collect();
    match parts.pop() {
        None => String::new(),
        Some(last) if parts.is_empty() => last,
        Some(last) => format!("{} and {last}", parts.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(triggers: &[&str], change: impl Fn(&mut Schedule), expected: &str) {
        let mut schedule = Schedule::new("night");
        schedule.triggers = triggers.iter().map(|text| text.parse().unwrap()).collect();
        change(&mut schedule);
        assert_eq!(sentence(&schedule), expected);
    }

    #[test]
    fn a_schedule_reads_as_a_sentence() {
        check(
            &["on change", "daily 18:00"],
            |it| it.windows = vec!["mon-fri 08:00-18:00".parse().unwrap()],
            "Runs when files change and every day at 18:00, only on weekdays 08:00–18:00",
        );
        check(&[], |_| {}, "Runs only when asked to");
        check(
            &["every 15m"],
            |it| it.is_enabled = false,
            "Turned off; otherwise runs every 15 minutes",
        );
        check(
            &["every 1d from 2026-11-20 08:00"],
            |it| it.zone = Zone::Named("Europe/Prague".to_owned()),
            "Runs every day from 2026-11-20 08:00 on (times of Europe/Prague)",
        );
        check(
            &["on log-on", "on lock", "mon,wed 08:00,18:00"],
            |it| it.asks_first = true,
            "Runs when you log on, when the screen is locked and on Monday and Wednesday at 08:00 \
             and 18:00; asks first",
        );
    }

    #[test]
    fn conditions_are_told() {
        check(
            &["every 2h", "on idle 10m repeat 1h", "after photos"],
            |it| {
                it.conditions.idle_at_least_ms = Some(600_000);
                it.conditions.on_external_power = true;
                it.stop_when.idle_ends = true;
                it.stop_when.power_lost = true;
            },
            "Runs every 2 hours, when the computer was idle for 10m, again every 1h while it is \
             and after photos succeeded, only while the computer is idle for 10m and it is on \
             external power; stops when somebody uses the computer or external power is lost",
        );
    }
}
