//! A schedule: `[schedule.NAME]`. One trigger of each kind has a key of its own; further ones stand in
//! `triggers`.

use syncmgr_model::item::{Item, bad_name};
use syncmgr_model::schedule::text::{
    Unreadable, duration, moment, parse_duration, parse_moment, parse_time_of_day, time_of_day,
};
use syncmgr_model::schedule::{
    CatchUp, Conditions, Schedule, ScheduleItems, StopWhen, Trigger, Weekdays, Zone,
};
use toml_edit::{TableLike, Value};

use super::spec::SCHEDULE;
use super::sync::set;
use super::table::{self, Wrong, check_keys, find, is_same, named, parsed, texts};

/// Reads a schedule.
pub(super) fn read(name: &str, table: &dyn TableLike) -> Result<Schedule, Wrong> {
    if let Some(why) = bad_name(name) {
        let what = format!("`{}` cannot be a name: {why}", name.escape_debug());
        return Err(Wrong::at(None, what));
    }
    check_keys(table, SCHEDULE)?;
    let mut schedule = Schedule::new(name);
    schedule.items = items(table)?;
    schedule.is_enabled = table::truth(table, "enabled")?.unwrap_or(true);
    schedule.triggers = triggers(table)?;
    schedule.zone = Zone::from(table::text(table, "zone")?.unwrap_or_default());
    schedule.windows = parsed(table, "windows", str::parse)?;
    schedule.jitter_ms = table::duration(table, "jitter")?.unwrap_or(0);
    let wanted = "one of once, all, skip";
    schedule.catch_up = table::get(table, "catch-up", wanted, |value| {
        CatchUp::parse(value.as_str()?)
    })?
    .unwrap_or_default();
    for word in texts(table, "when")? {
        let wrong = |what| Wrong::key(table, "when", what);
        condition(&mut schedule.conditions, word).map_err(wrong)?;
    }
    for word in texts(table, "stop-when")? {
        match word {
            "idle-ends" => schedule.stop_when.idle_ends = true,
            "power-lost" => schedule.stop_when.power_lost = true,
            _ => {
                let what = "`stop-when` takes `idle-ends` and `power-lost`";
                return Err(Wrong::key(table, "stop-when", what));
            }
        }
    }
    schedule.asks_first = table::truth(table, "ask")?.unwrap_or(false);
    Ok(schedule)
}

fn items(table: &dyn TableLike) -> Result<ScheduleItems, Wrong> {
    Ok(match texts(table, "syncs")?.as_slice() {
        ["all"] => ScheduleItems::All,
        [] if find(table, "syncs").is_none() => ScheduleItems::All,
        names => ScheduleItems::Named(names.iter().map(|&name| name.to_owned()).collect()),
    })
}

fn triggers(table: &dyn TableLike) -> Result<Vec<Trigger>, Wrong> {
    let mut all = Vec::new();
    let start = parsed(table, "start", parse_moment)?.pop();
    match parsed(table, "every", str::parse)?.as_slice() {
        [] if start.is_some() => {
            let what = "`start` goes with `every`; a single time is `once`";
            return Err(Wrong::key(table, "start", what));
        }
        periods => all.extend(periods.iter().map(|&every| Trigger::Every { every, start })),
    }
    all.extend(parsed(table, "once", |text| {
        parse_moment(text).map(Trigger::Once)
    })?);
    all.extend(parsed(table, "cron", cron)?);
    let days = parsed(table, "days", str::parse::<Weekdays>)?;
    let days = days.into_iter().reduce(Weekdays::with);
    let mut minutes_of_day = parsed(table, "at", parse_time_of_day)?;
    minutes_of_day.sort_unstable();
    minutes_of_day.dedup();
    if let Some(days) = days.filter(|_| minutes_of_day.is_empty()) {
        let what = format!("`days` ({days}) goes with `at`; say at what time");
        return Err(Wrong::key(table, "days", what));
    }
    if !minutes_of_day.is_empty() {
        all.push(Trigger::At {
            days: days.unwrap_or_else(daily),
            minutes_of_day,
        });
    }
    let event = |text: &str| format!("on {text}").parse::<Trigger>();
    all.extend(parsed(table, "on", event)?);
    let after = |name: &&str| Trigger::After((*name).to_owned());
    all.extend(texts(table, "after")?.iter().map(after));
    all.extend(parsed(table, "triggers", str::parse::<Trigger>)?);
    Ok(all)
}

fn cron(line: &str) -> Result<Trigger, Unreadable> {
    format!("cron {line}").parse()
}

fn daily() -> Weekdays {
    "daily".parse().expect("a word for days")
}

fn condition(conditions: &mut Conditions, text: &str) -> Result<(), String> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match (word, rest.trim()) {
        ("idle", after) => {
            let ms = parse_duration(after).map_err(|e| format!("`when`: {e}"))?;
            conditions.idle_at_least_ms = Some(ms);
        }
        ("power", "") => conditions.on_external_power = true,
        ("unmetered", "") => conditions.on_unmetered_network = true,
        ("wake", "") => conditions.may_wake = true,
        ("connection", name) if !name.is_empty() => {
            conditions.on_connection = Some(name.to_owned());
        }
        _ => {
            return Err(format!(
                "`when` takes `idle 10m`, `power`, `unmetered`, `connection NAME` and `wake`, not `{}`",
                text.escape_debug()
            ));
        }
    }
    Ok(())
}

/// Refuses schedules that name syncs which are not there.
pub(super) fn check_names(
    root: &dyn TableLike,
    schedules: &[Schedule],
    items: &[Item],
) -> Result<(), Wrong> {
    let is_known = |name: &str| {
        items
            .iter()
            .any(|item| item.name.as_deref() == Some(name) || item.id.as_str() == name)
    };
    for (schedule, (_, at, table)) in schedules.iter().zip(named(root, "schedule")?) {
        let missing = |key, name: &String| {
            let what = format!("there is no sync `{}`", name.escape_debug());
            Err(Wrong::key(table, key, what).or(at))
        };
        if let ScheduleItems::Named(names) = &schedule.items
            && let Some(name) = names.iter().find(|name| !is_known(name))
        {
            return missing("syncs", name);
        }
        for trigger in &schedule.triggers {
            if let Trigger::After(name) = trigger
                && !is_known(name)
            {
                return missing("after", name);
            }
        }
    }
    Ok(())
}

/// Writes a schedule into its table; what is the default is left out, comments stay.
pub(super) fn put(table: &mut dyn TableLike, schedule: &Schedule) {
    let values = values(schedule);
    let gone: Vec<_> = table
        .iter()
        .map(|(key, _)| key.to_owned())
        .filter(|key| !values.iter().any(|(known, _)| is_same(known, key)))
        .collect();
    for key in gone {
        table.remove(&key);
    }
    for (key, value) in values {
        set(table, key, value);
    }
}

fn values(schedule: &Schedule) -> Vec<(&'static str, Value)> {
    let mut all: Vec<(&'static str, Value)> = Vec::new();
    match &schedule.items {
        ScheduleItems::All => all.push(("syncs", "all".into())),
        ScheduleItems::Named(names) => all.push(("syncs", list(names))),
    }
    if !schedule.is_enabled {
        all.push(("enabled", false.into()));
    }
    put_triggers(&mut all, &schedule.triggers);
    if schedule.zone != Zone::System {
        all.push(("zone", schedule.zone.to_string().into()));
    }
    if !schedule.windows.is_empty() {
        all.push(("windows", list(&schedule.windows)));
    }
    if schedule.jitter_ms > 0 {
        all.push(("jitter", duration(schedule.jitter_ms).into()));
    }
    if schedule.catch_up != CatchUp::default() {
        all.push(("catch-up", schedule.catch_up.as_str().into()));
    }
    let when = condition_words(&schedule.conditions);
    if !when.is_empty() {
        all.push(("when", list(&when)));
    }
    let stop_when = stop_words(schedule.stop_when);
    if !stop_when.is_empty() {
        all.push(("stop-when", list(&stop_when)));
    }
    if schedule.asks_first {
        all.push(("ask", true.into()));
    }
    all
}

fn list<T: ToString>(values: &[T]) -> Value {
    Value::Array(values.iter().map(T::to_string).collect())
}

/// Gives the first trigger of each kind its own key, and the others a line each.
fn put_triggers(all: &mut Vec<(&'static str, Value)>, triggers: &[Trigger]) {
    let mut events = Vec::new();
    let mut afters = Vec::new();
    let mut further = Vec::new();
    for trigger in triggers {
        let is_first = |key| !all.iter().any(|(known, _)| *known == key);
        match trigger {
            Trigger::Every { every, start } if is_first("every") => {
                all.push(("every", every.to_string().into()));
                all.extend(start.map(|at| ("start", moment(at).into())));
            }
            Trigger::Once(at) if is_first("once") => all.push(("once", moment(*at).into())),
            Trigger::Cron(line) if is_first("cron") => all.push(("cron", line.into())),
            Trigger::At {
                days,
                minutes_of_day,
            } if is_first("at") => {
                let times: Vec<_> = minutes_of_day.iter().map(|m| time_of_day(*m)).collect();
                all.push(("at", list(&times)));
                if *days != daily() {
                    all.push(("days", days.to_string().into()));
                }
            }
            Trigger::OnChange => events.push("change".to_owned()),
            Trigger::OnEvent(event) => events.push(event.to_string()),
            Trigger::After(name) => afters.push(name.clone()),
            Trigger::Every { .. } | Trigger::Once(_) | Trigger::Cron(_) | Trigger::At { .. } => {
                further.push(trigger.to_string());
            }
        }
    }
    for (key, words) in [("on", events), ("after", afters), ("triggers", further)] {
        if !words.is_empty() {
            all.push((key, list(&words)));
        }
    }
}

fn condition_words(conditions: &Conditions) -> Vec<String> {
    let idle = conditions.idle_at_least_ms;
    let connection = conditions.on_connection.as_ref();
    let words = [
        idle.map(|ms| format!("idle {}", duration(ms))),
        conditions.on_external_power.then(|| "power".to_owned()),
        conditions
            .on_unmetered_network
            .then(|| "unmetered".to_owned()),
        connection.map(|name| format!("connection {name}")),
        conditions.may_wake.then(|| "wake".to_owned()),
    ];
    words.into_iter().flatten().collect()
}

fn stop_words(stop: StopWhen) -> Vec<&'static str> {
    let words = [
        stop.idle_ends.then_some("idle-ends"),
        stop.power_lost.then_some("power-lost"),
    ];
    words.into_iter().flatten().collect()
}
