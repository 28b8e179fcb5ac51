//! Checks settings for what only those who work with them can tell: whether a time ever comes, and
//! whether somebody can be told on a way.

use std::path::Path;

use syncmgr_alerts::channel::Channel;
use syncmgr_alerts::error::BadSetting;
use syncmgr_alerts::settings::general::{General, SPECS};
use syncmgr_alerts::settings::specs;
use syncmgr_calendar::{Calendar, Unworkable};
use syncmgr_center::port::Clock as _;
use syncmgr_model::schedule::Schedule;
use syncmgr_store::config::{Checks, Config, Misused, Specs};

use crate::clock::MachineClock;
use crate::daemon::alerts::Rules;

/// Has something done with all checks of a file. `handlers` tells which settings a handler has,
/// `home` is what `~` stands for.
pub(crate) fn with<T>(
    handlers: &Specs<'_>,
    home: Option<&Path>,
    work: impl FnOnce(&Checks<'_>) -> T,
) -> T {
    let meaning = |config: &Config| meaning(config, home);
    work(&Checks {
        handlers,
        alerts: &specs,
        general: SPECS,
        meaning: &meaning,
    })
}

fn meaning(config: &Config, home: Option<&Path>) -> Result<(), Misused> {
    // What cannot be read was refused before.
    check_times(&config.schedules().unwrap_or_default())?;
    rules(config, home).map(drop)
}

/// Reads who is told of what; what cannot be read at all counts as not there.
///
/// # Errors
/// A setting that cannot be used.
pub(crate) fn rules(config: &Config, home: Option<&Path>) -> Result<Rules, Misused> {
    let bad = |table: String| {
        move |BadSetting { key, detail }: BadSetting| Misused {
            table,
            key,
            what: detail,
        }
    };
    let general = config.alert_rules(SPECS).unwrap_or_default();
    let general = General::from_settings(&general).map_err(bad("alerts".to_owned()))?;
    let mut channels = Vec::new();
    for alert in config.alerts(&specs).unwrap_or_default() {
        let table = format!("alert.{}", alert.name);
        let channel = Channel::from_settings(&alert.settings, home).map_err(bad(table))?;
        channels.push((alert.name, channel));
    }
    Ok(Rules { channels, general })
}

/// Refuses schedules that could never work.
fn check_times(schedules: &[Schedule]) -> Result<(), Misused> {
    let calendar = Calendar::of_this_machine();
    let now = MachineClock::start().now();
    let bad = |table: String| {
        move |Unworkable { key, what }: Unworkable| Misused {
            table,
            // Of `triggers[0]`, what stands in the file.
            key: key.split('[').next().unwrap_or_default().to_owned(),
            what,
        }
    };
    for schedule in schedules {
        let table = format!("schedule.{}", schedule.name);
        calendar.validate(schedule, now).map_err(bad(table))?;
    }
    calendar
        .validate_together(schedules)
        .map_err(bad("schedule".to_owned()))
}
