//! `schedule`: when syncs run by themselves.

use std::ffi::OsString;

use clap::{Args, Subcommand};
use syncmgr_calendar::{Between, Calendar};
use syncmgr_model::item::Item;
use syncmgr_model::schedule::sentence::sentence;
use syncmgr_model::schedule::text::parse_duration;
use syncmgr_model::schedule::{CatchUp, Schedule, ScheduleItems, Trigger, Zone};
use syncmgr_model::time::Timestamp;

use super::Done;
use crate::app::App;
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{ComingJson, NextOutput, SCHEMA, ScheduleJson, SchedulesOutput};
use crate::ui::{safe, when};

/// Times shown of one schedule.
const TIMES_SHOWN: usize = 3;
/// Most times of `schedule next`: a sync that runs every minute must not bury the others.
const NEXT_MAX: usize = 500;

/// Say when syncs run by themselves.
#[derive(Debug, Args)]
pub(crate) struct ScheduleArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: Action,
}

/// What to do with schedules.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Show when a sync runs
    Show {
        /// The sync; all of them when none is named
        sync: Option<OsString>,
    },
    /// Say when a sync runs
    Set(SetArgs),
    /// Let a sync run only when you start it
    Clear {
        /// The saved sync
        sync: String,
    },
    /// List the next runs of all syncs
    Next {
        /// For so many days
        #[arg(long, default_value_t = 2, value_name = "N")]
        days: u32,
    },
}

/// Say when a sync runs.
#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// The saved sync
    pub(crate) sync: String,
    /// When, each as one word: 'every 15m', 'daily 18:00', 'mon-fri 08:00,18:00', 'on change',
    /// 'on log-on', 'cron 30 2 * * *', 'after NAME'
    #[arg(required = true, value_name = "WHEN")]
    pub(crate) triggers: Vec<String>,
    /// Only then, as 'mon-fri 08:00-18:00' (may be given several times)
    #[arg(long, value_name = "WINDOW")]
    pub(crate) window: Vec<String>,
    /// The times are of this zone, as Europe/Berlin (the one of this computer)
    #[arg(long, value_name = "ZONE")]
    pub(crate) zone: Option<String>,
    /// Begin up to so much later, so that not everything begins at once, as 5m
    #[arg(long, value_name = "DURATION")]
    pub(crate) jitter: Option<String>,
    /// Runs that were missed: once, all or skip
    #[arg(long, value_name = "WHICH")]
    pub(crate) catch_up: Option<String>,
    /// Only on external power
    #[arg(long)]
    pub(crate) on_power: bool,
    /// Only on a network that costs nothing
    #[arg(long)]
    pub(crate) unmetered: bool,
}

/// Runs `schedule`.
pub(crate) fn run(app: &mut App, args: &ScheduleArgs) -> Done {
    match &args.action {
        Action::Show { sync } => show(app, sync.as_ref()),
        Action::Set(args) => change(app, args),
        Action::Clear { sync } => clear(app, sync),
        Action::Next { days } => next(app, *days),
    }
}

/// Returns the schedules that cover a sync.
fn covering(all: &[Schedule], item: &Item) -> Vec<Schedule> {
    let name = item.name.as_deref().unwrap_or_default();
    let covers = |schedule: &&Schedule| item.name.is_some() && schedule.covers(name);
    all.iter().filter(covers).cloned().collect()
}

/// Returns when a schedule starts runs after `now`, the first ones.
fn times(schedule: &Schedule, now: Timestamp, until: Timestamp, most: usize) -> Vec<Timestamp> {
    if !schedule.is_enabled {
        return Vec::new();
    }
    let between = Between { after: now, until };
    Calendar::of_this_machine().planned(schedule, between, now, most)
}

fn describe(schedule: &Schedule, now: Timestamp) -> ScheduleJson {
    let far = Timestamp(i64::MAX);
    ScheduleJson {
        name: schedule.name.clone(),
        sentence: sentence(schedule),
        enabled: schedule.is_enabled,
        syncs: match &schedule.items {
            ScheduleItems::All => None,
            ScheduleItems::Named(names) => Some(names.clone()),
        },
        triggers: schedule.triggers.iter().map(ToString::to_string).collect(),
        windows: schedule.windows.iter().map(ToString::to_string).collect(),
        next: times(schedule, now, far, TIMES_SHOWN)
            .into_iter()
            .map(Timestamp::rfc3339)
            .collect(),
    }
}

fn print(app: &mut App, schedules: &[Schedule]) -> Result<(), CliError> {
    let now = app.now();
    app.ui.json(&SchedulesOutput {
        schema: SCHEMA,
        schedules: schedules.iter().map(|it| describe(it, now)).collect(),
    });
    for schedule in schedules {
        let name = app.ui.out.bold(&safe(&schedule.name));
        app.ui.say(format!("{name}  {}", safe(&sentence(schedule))));
        let next: Vec<_> = times(schedule, now, Timestamp(i64::MAX), TIMES_SHOWN)
            .into_iter()
            .map(|at| when(at, now))
            .collect();
        if !next.is_empty() {
            app.ui.say(format!("  next: {}", next.join(", ")));
        }
    }
    if !schedules.is_empty() && !app.has_daemon()? {
        app.ui
            .hint("syncs run by themselves while the daemon runs: `syncmgr daemon start`");
    }
    Ok(())
}

fn show(app: &mut App, sync: Option<&OsString>) -> Done {
    let mut schedules = app.config()?.schedules()?;
    if let Some(name) = sync {
        let item = app.named(name)?;
        schedules = covering(&schedules, &item);
        if schedules.is_empty() {
            let words = app.command_words(&item);
            app.ui.say(format!("{words} runs only when you start it."));
            app.ui.hint(format!(
                "as `syncmgr schedule set {words} 'daily 18:00' 'on change'`"
            ));
        }
    } else if schedules.is_empty() {
        app.ui
            .say("No schedules: syncs run only when you start them.");
    }
    print(app, &schedules)?;
    Ok(Exit::Done)
}

fn change(app: &mut App, args: &SetArgs) -> Done {
    let item = app.named_saved(&args.sync)?;
    let name = item.label().to_owned();
    let mut schedule = Schedule::new(&name);
    schedule.items = ScheduleItems::Named(vec![name.clone()]);
    schedule.triggers = read("WHEN", &args.triggers)?;
    schedule.windows = read("--window", &args.window)?;
    schedule.zone = Zone::from(args.zone.as_deref().unwrap_or_default());
    if let Some(text) = &args.jitter {
        schedule.jitter_ms = parse_duration(text)
            .map_err(|error| CliError::usage(format!("--jitter: {}", safe(&error.to_string()))))?;
    }
    if let Some(word) = &args.catch_up {
        schedule.catch_up = CatchUp::parse(word).ok_or_else(|| {
            CliError::usage(format!("--catch-up: unknown word `{}`", safe(word)))
                .hint("one of once, all, skip")
        })?;
    }
    schedule.conditions.on_external_power = args.on_power;
    schedule.conditions.on_unmetered_network = args.unmetered;
    Calendar::of_this_machine()
        .validate(&schedule, app.now())
        .map_err(|error| CliError::usage(safe(&error.to_string())))?;
    check_after(app, &schedule)?;
    app.config()?.put_schedule(&schedule)?;
    app.settings_changed()?;
    print(app, &[schedule])?;
    Ok(Exit::Done)
}

/// A run that is to follow another one needs that one.
fn check_after(app: &mut App, schedule: &Schedule) -> Result<(), CliError> {
    for trigger in &schedule.triggers {
        if let Trigger::After(name) = trigger {
            app.named_saved(name)?;
        }
    }
    Ok(())
}

fn read<T>(what: &str, texts: &[String]) -> Result<Vec<T>, CliError>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let one = |text: &String| {
        text.parse().map_err(|error: T::Err| {
            CliError::usage(format!("{what}: {}", safe(&error.to_string())))
        })
    };
    texts.iter().map(one).collect()
}

fn clear(app: &mut App, name: &str) -> Done {
    let item = app.named_saved(name)?;
    let name = item.label();
    let mut config = app.config()?;
    let all = config.schedules()?;
    let own = covering(&all, &item);
    let mut n_gone = 0;
    let mut left = Vec::new();
    for schedule in own {
        match &schedule.items {
            ScheduleItems::Named(names) if names.len() <= 1 => {
                config.remove_schedule(&schedule.name)?;
                n_gone += 1;
            }
            ScheduleItems::Named(names) => {
                let mut without = schedule.clone();
                let names = names.iter().filter(|it| *it != name).cloned().collect();
                without.items = ScheduleItems::Named(names);
                config.put_schedule(&without)?;
                n_gone += 1;
            }
            ScheduleItems::All => left.push(schedule),
        }
    }
    app.settings_changed()?;
    let now = app.now();
    app.ui.json(&SchedulesOutput {
        schema: SCHEMA,
        schedules: left.iter().map(|it| describe(it, now)).collect(),
    });
    let shown = safe(name);
    for schedule in &left {
        app.ui.say(format!(
            "`{}` runs all syncs, also {shown}; it was left as it is.",
            safe(&schedule.name)
        ));
        app.ui
            .hint(format!("`syncmgr off {shown}` keeps it from running"));
    }
    if left.is_empty() {
        app.ui.say(if n_gone == 0 {
            format!("{shown} had no schedule; it runs only when you start it.")
        } else {
            format!("{shown} runs only when you start it now.")
        });
    }
    Ok(Exit::Done)
}

fn next(app: &mut App, days: u32) -> Done {
    let now = app.now();
    let until = Timestamp(now.0.saturating_add(i64::from(days) * 86_400_000));
    let schedules = app.config()?.schedules()?;
    let items = app.saved()?;
    let mut coming = Vec::new();
    for schedule in &schedules {
        for at in times(schedule, now, until, NEXT_MAX) {
            let names = items.iter().filter_map(|item| item.name.as_deref());
            for name in names.filter(|name| schedule.covers(name)) {
                coming.push((at, name.to_owned(), schedule.name.clone()));
            }
        }
    }
    coming.sort();
    coming.truncate(NEXT_MAX);
    app.ui.json(&NextOutput {
        schema: SCHEMA,
        runs: coming
            .iter()
            .map(|(at, sync, schedule)| ComingJson {
                at: at.rfc3339(),
                sync: sync.clone(),
                schedule: schedule.clone(),
            })
            .collect(),
    });
    for (at, sync, _) in &coming {
        app.ui.say(format!("{}  {}", when(*at, now), safe(sync)));
    }
    if coming.is_empty() {
        let words = syncmgr_model::format::plural(u64::from(days), "day");
        app.ui
            .say(format!("No sync runs by the clock within {words}."));
    }
    for schedule in &schedules {
        if schedule.is_enabled && schedule.triggers.iter().any(|it| !it.is_timed()) {
            let name = safe(&schedule.name);
            app.ui
                .talk(format!("note: {name} also: {}", safe(&sentence(schedule))));
        }
    }
    if !coming.is_empty() && !app.has_daemon()? {
        app.ui
            .hint("syncs run by themselves while the daemon runs: `syncmgr daemon start`");
    }
    Ok(Exit::Done)
}
