//! What a schedule says, as one German sentence.
//!
//! Durations are whole words ("10 Minuten"): the short form of the rules is English.

use super::text::time_of_day;
use super::week::Weekday;
use super::{
    Conditions, Period, PeriodUnit, Schedule, StopWhen, SystemEvent, Trigger, Weekdays, Window,
    Zone,
};
use crate::format::german_plural;
use crate::time::Civil;

/// Writes a schedule as a sentence without a full stop: "Läuft, wenn sich Dateien ändern, und jeden
/// Tag um 18:00, nur werktags 08:00–18:00".
pub(super) fn sentence(schedule: &Schedule) -> String {
    let mut out = String::from(if schedule.is_enabled {
        "Läuft"
    } else {
        "Ausgeschaltet; sonst läuft er"
    });
    if schedule.triggers.is_empty() {
        return out + " nur auf Wunsch";
    }
    out += &triggers(&schedule.triggers);
    if let Zone::Named(name) = &schedule.zone {
        out = out + " (Zeiten von " + name + ")";
    }
    if !schedule.windows.is_empty() {
        let windows = schedule.windows.iter().map(window).collect();
        out = out + ", nur " + &join(windows, "und");
    }
    let needs = needs(&schedule.conditions);
    if !needs.is_empty() {
        out = out + ", nur solange " + &join(needs, "und");
    }
    let ends = ends(schedule.stop_when);
    if !ends.is_empty() {
        out = out + "; hält an, wenn " + &ends.join(" oder ");
    }
    if schedule.asks_first {
        out += "; fragt vorher";
    }
    out
}

/// Joins what starts a run: plain times first, each clause between commas.
fn triggers(triggers: &[Trigger]) -> String {
    let mut out = String::new();
    let mut was_clause = false;
    for (i, trigger) in triggers.iter().enumerate() {
        let is_clause = is_clause(trigger);
        let is_last = i + 1 == triggers.len();
        let glue = match (i, is_last) {
            (0, _) if is_clause => ", ",
            (0, _) => " ",
            (_, true) if was_clause || is_clause => ", und ",
            (_, true) => " und ",
            (_, false) => ", ",
        };
        out += glue;
        out += &when(trigger);
        was_clause = is_clause;
    }
    out
}

/// Says whether the words for it are a clause with a verb, which German puts between commas.
fn is_clause(trigger: &Trigger) -> bool {
    match trigger {
        Trigger::OnChange | Trigger::OnEvent(_) | Trigger::After(_) => true,
        Trigger::Every { .. } | Trigger::Once(_) | Trigger::Cron(_) | Trigger::At { .. } => false,
    }
}

/// Writes one trigger as a part of a sentence: "jeden Tag um 18:00".
pub(super) fn when(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Every { every, start: None } => each(*every),
        Trigger::Every {
            every,
            start: Some(at),
        } => format!("{} ab {}", each(*every), moment(*at)),
        Trigger::Once(at) => format!("einmal am {}", moment(*at)),
        Trigger::Cron(line) => format!("zu den Zeiten der Cron-Zeile `{line}`"),
        Trigger::At {
            days,
            minutes_of_day,
        } => {
            let times = minutes_of_day.iter().map(|m| time_of_day(*m)).collect();
            format!("{} um {}", on_days(*days), join(times, "und"))
        }
        Trigger::OnChange => "wenn sich Dateien ändern".to_owned(),
        Trigger::OnEvent(event) => on_event(event),
        Trigger::After(name) => format!("nachdem {name} gelungen ist"),
    }
}

fn each(every: Period) -> String {
    let (one, many) = match every.unit {
        PeriodUnit::Seconds => ("jede Sekunde", "Sekunden"),
        PeriodUnit::Minutes => ("jede Minute", "Minuten"),
        PeriodUnit::Hours => ("jede Stunde", "Stunden"),
        PeriodUnit::Days => ("jeden Tag", "Tage"),
        PeriodUnit::Weeks => ("jede Woche", "Wochen"),
        PeriodUnit::Months => ("jeden Monat", "Monate"),
    };
    match every.n {
        1 => one.to_owned(),
        n => format!("alle {}", german_plural(u64::from(n), many, many)),
    }
}

fn on_days(days: Weekdays) -> String {
    match days {
        Weekdays::DAILY => "jeden Tag".to_owned(),
        Weekdays::WORKDAYS => "werktags".to_owned(),
        Weekdays::WEEKEND => "am Wochenende".to_owned(),
        _ => {
            let names = days.iter().map(|day| day_name(day).to_owned()).collect();
            format!("am {}", join(names, "und"))
        }
    }
}

fn day_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "Montag",
        Weekday::Tue => "Dienstag",
        Weekday::Wed => "Mittwoch",
        Weekday::Thu => "Donnerstag",
        Weekday::Fri => "Freitag",
        Weekday::Sat => "Samstag",
        Weekday::Sun => "Sonntag",
    }
}

fn on_event(event: &SystemEvent) -> String {
    match event {
        SystemEvent::LogOn => "wenn du dich anmeldest".to_owned(),
        SystemEvent::LogOff => "bevor du dich abmeldest".to_owned(),
        SystemEvent::Lock => "wenn der Bildschirm gesperrt wird".to_owned(),
        SystemEvent::Unlock => "wenn der Bildschirm entsperrt wird".to_owned(),
        SystemEvent::Idle {
            after_ms,
            repeat_ms: None,
        } => format!(
            "wenn niemand den Computer {} lang benutzt hat",
            span(*after_ms)
        ),
        SystemEvent::Idle {
            after_ms,
            repeat_ms: Some(repeat_ms),
        } => format!(
            "wenn niemand den Computer {} lang benutzt hat, solange es so bleibt wieder nach {}",
            span(*after_ms),
            span_dative(*repeat_ms)
        ),
        SystemEvent::Connect(None) => "wenn ein Netzwerk verbunden wird".to_owned(),
        SystemEvent::Connect(Some(name)) => format!("wenn das Netzwerk {name} verbunden wird"),
        SystemEvent::PendingDisconnect => "bevor ein Netzwerk getrennt wird".to_owned(),
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
        out.push(format!(
            "niemand den Computer {} lang benutzt hat",
            span(ms)
        ));
    }
    if conditions.on_external_power {
        out.push("er am Strom hängt".to_owned());
    }
    if conditions.on_unmetered_network {
        out.push("das Netzwerk nicht nach Menge kostet".to_owned());
    }
    if let Some(name) = &conditions.on_connection {
        out.push(format!("das Netzwerk {name} verbunden ist"));
    }
    out
}

fn ends(stop: StopWhen) -> Vec<&'static str> {
    let mut out = Vec::new();
    if stop.idle_ends {
        out.push("jemand den Computer benutzt");
    }
    if stop.power_lost {
        out.push("der Strom wegfällt");
    }
    out
}

/// Writes a date and a time: `24.12.2026, 18:00`.
fn moment(at: Civil) -> String {
    let time = format!(
        "{}.{}.{}, {:02}:{:02}",
        at.day, at.month, at.year, at.hour, at.minute
    );
    match at.second {
        0 => time,
        second => format!("{time}:{second:02}"),
    }
}

/// Units with their German names: one, several, several behind "nach".
const UNITS: [(u64, &str, &str, &str); 5] = [
    (86_400_000, "Tag", "Tage", "Tagen"),
    (3_600_000, "Stunde", "Stunden", "Stunden"),
    (60_000, "Minute", "Minuten", "Minuten"),
    (1000, "Sekunde", "Sekunden", "Sekunden"),
    (1, "Millisekunde", "Millisekunden", "Millisekunden"),
];

/// Writes a duration: "1 Stunde 30 Minuten".
fn span(ms: u64) -> String {
    parts(ms, |(_, one, many, _)| (one, many))
}

/// The same behind "nach".
fn span_dative(ms: u64) -> String {
    parts(ms, |(_, one, _, many)| (one, many))
}

type Unit = (u64, &'static str, &'static str, &'static str);

fn parts(ms: u64, forms: impl Fn(Unit) -> (&'static str, &'static str)) -> String {
    let mut rest = ms;
    let mut out = Vec::new();
    for unit in UNITS {
        let n = rest / unit.0;
        if n > 0 {
            let (one, many) = forms(unit);
            out.push(german_plural(n, one, many));
            rest %= unit.0;
        }
    }
    if out.is_empty() {
        return "0 Sekunden".to_owned();
    }
    out.join(" ")
}

/// Joins parts with commas and a last word between.
fn join(mut parts: Vec<String>, word: &str) -> String {
    match parts.pop() {
        None => String::new(),
        Some(last) if parts.is_empty() => last,
        Some(last) => format!("{} {word} {last}", parts.join(", ")),
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
    fn a_schedule_reads_as_a_german_sentence() {
        check(
            &["on change", "daily 18:00"],
            |it| it.windows = vec!["mon-fri 08:00-18:00".parse().unwrap()],
            "Läuft, wenn sich Dateien ändern, und jeden Tag um 18:00, nur werktags 08:00–18:00",
        );
        check(&[], |_| {}, "Läuft nur auf Wunsch");
        check(
            &["every 15m"],
            |it| it.is_enabled = false,
            "Ausgeschaltet; sonst läuft er alle 15 Minuten",
        );
        check(
            &["every 1d from 2026-11-20 08:00"],
            |it| it.zone = Zone::Named("Europe/Prague".to_owned()),
            "Läuft jeden Tag ab 20.11.2026, 08:00 (Zeiten von Europe/Prague)",
        );
        check(
            &["on log-on", "on lock", "mon,wed 08:00,18:00"],
            |it| it.asks_first = true,
            "Läuft, wenn du dich anmeldest, wenn der Bildschirm gesperrt wird, und am Montag und \
             Mittwoch um 08:00 und 18:00; fragt vorher",
        );
        check(
            &["every 2h", "daily 18:00"],
            |_| {},
            "Läuft alle 2 Stunden und jeden Tag um 18:00",
        );
    }

    #[test]
    fn conditions_are_told_in_german() {
        check(
            &["every 2h", "on idle 10m repeat 1d", "after photos"],
            |it| {
                it.conditions.idle_at_least_ms = Some(5_400_000);
                it.conditions.on_external_power = true;
                it.stop_when.idle_ends = true;
                it.stop_when.power_lost = true;
            },
            "Läuft alle 2 Stunden, wenn niemand den Computer 10 Minuten lang benutzt hat, solange \
             es so bleibt wieder nach 1 Tag, und nachdem photos gelungen ist, nur solange niemand \
             den Computer 1 Stunde 30 Minuten lang benutzt hat und er am Strom hängt; hält an, \
             wenn jemand den Computer benutzt oder der Strom wegfällt",
        );
    }
}
