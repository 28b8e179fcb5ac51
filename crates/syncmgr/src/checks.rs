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
    // Each of them was read before, or nobody asks for its meaning.
    check_times(&config.schedules().unwrap_or_default())?;
    let bad = |table: String| {
        move |BadSetting { key, detail }: BadSetting| Misused {
            table,
            key,
            what: detail,
        }
    };
    if let Ok(rules) = config.alert_rules(SPECS) {
        General::from_settings(&rules).map_err(bad("alerts".to_owned()))?;
    }
    for alert in config.alerts(&specs).unwrap_or_default() {
        let table = format!("alert.{}", alert.name);
        Channel::from_settings(&alert.settings, home).map_err(bad(table))?;
    }
    Ok(())
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
