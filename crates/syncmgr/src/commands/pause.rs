//! `pause` and `resume`: no run begins by itself for a while.

use std::ffi::OsString;

use clap::Args;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{ToSpan as _, Zoned};
use syncmgr_center::command::Control;
use syncmgr_model::schedule::text::{parse_duration, parse_moment};
use syncmgr_model::time::Timestamp;

use super::chosen::{self, Chosen};
use super::{Done, status};
use crate::app::App;
use crate::error::CliError;
use crate::exit::Exit;
use crate::ui::{safe, when};

/// Let no run begin by itself for a while.
#[derive(Debug, Args)]
pub(crate) struct PauseArgs {
    /// The syncs; all of them when none is named
    #[arg(value_name = "SYNC")]
    pub(crate) syncs: Vec<OsString>,
    /// All syncs
    #[arg(long, conflicts_with = "syncs")]
    pub(crate) all: bool,
    /// For so long, as 2h or 1h30m
    #[arg(long = "for", value_name = "DURATION", conflicts_with = "until")]
    pub(crate) duration: Option<String>,
    /// Until then, as 18:00 or '2026-12-24 18:00'
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
}

/// Let runs begin by themselves again.
#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// The syncs; all of them when none is named
    #[arg(value_name = "SYNC")]
    pub(crate) syncs: Vec<OsString>,
    /// All syncs
    #[arg(long, conflicts_with = "syncs")]
    pub(crate) all: bool,
}

/// Runs `pause`.
pub(crate) fn pause(app: &mut App, args: &PauseArgs) -> Done {
    let until = until(app, args)?;
    let chosen = chosen::of(app, &args.syncs)?;
    for scope in chosen.scopes() {
        app.control(Control::Pause(scope, until))?;
    }
    let time = until.map_or_else(
        || "until you resume".to_owned(),
        |until| format!("until {}", when(until, app.now())),
    );
    say(
        app,
        &chosen,
        &format!("Paused {} {time}.", chosen.words(app)),
    )?;
    app.ui.hint(format!(
        "runs that you start still work; `syncmgr resume{}` goes on",
        chosen.command_words(app)
    ));
    Ok(Exit::Done)
}

/// Runs `resume`.
pub(crate) fn resume(app: &mut App, args: &ResumeArgs) -> Done {
    let chosen = chosen::of(app, &args.syncs)?;
    for scope in chosen.scopes() {
        app.control(Control::Resume(scope))?;
    }
    say(app, &chosen, &format!("Resumed {}.", chosen.words(app)))?;
    if !app.has_daemon()? {
        app.ui
            .hint("syncs run by themselves while the daemon runs: `syncmgr daemon start`");
    }
    Ok(Exit::Done)
}

fn say(app: &mut App, chosen: &Chosen, words: &str) -> Result<(), CliError> {
    let states = app.states(&chosen.items)?;
    status::json(app, &chosen.items, &states)?;
    app.ui.say(words);
    Ok(())
}

/// Reads until when; `None` is until somebody resumes.
fn until(app: &App, args: &PauseArgs) -> Result<Option<Timestamp>, CliError> {
    if let Some(text) = &args.duration {
        let ms = parse_duration(text)
            .map_err(|error| CliError::usage(format!("--for: {}", safe(&error.to_string()))))?;
        let ms = i64::try_from(ms).unwrap_or(i64::MAX);
        return Ok(Some(Timestamp(app.now().0.saturating_add(ms))));
    }
    let Some(text) = &args.until else {
        return Ok(None);
    };
    let bad = || {
        CliError::usage(format!("--until: cannot read `{}`", safe(text)))
            .hint("write it as 18:00, or as '2026-12-24 18:00'")
    };
    let now = jiff::Timestamp::from_millisecond(app.now().0)
        .map_err(|_| bad())?
        .to_zoned(TimeZone::system());
    let at = moment(text, &now).ok_or_else(bad)?;
    let at = Timestamp(at.timestamp().as_millisecond());
    if at <= app.now() {
        return Err(CliError::usage(format!("--until: {} is over", safe(text))));
    }
    Ok(Some(at))
}

/// Reads a time of day, the next one there is, or a date with a time.
fn moment(text: &str, now: &Zoned) -> Option<Zoned> {
    if let Ok(civil) = parse_moment(text) {
        let date = jiff::civil::date(
            i16::try_from(civil.year).ok()?,
            i8::try_from(civil.month).ok()?,
            i8::try_from(civil.day).ok()?,
        );
        let at = date.at(
            i8::try_from(civil.hour).ok()?,
            i8::try_from(civil.minute).ok()?,
            0,
            0,
        );
        return at.to_zoned(now.time_zone().clone()).ok();
    }
    let time = Time::strptime("%H:%M", text).ok()?;
    let zone = || now.time_zone().clone();
    let today = now.date().to_datetime(time).to_zoned(zone()).ok()?;
    if today > *now {
        return Some(today);
    }
    let tomorrow = now.date().checked_add(1.day()).ok()?;
    tomorrow.to_datetime(time).to_zoned(zone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_the_next_one() {
        let now: Zoned = "2026-11-20T17:30[UTC]".parse().unwrap();
        let check = |text: &str, expected: Option<&str>| {
            let at = moment(text, &now).map(|at| at.strftime("%Y-%m-%d %H:%M").to_string());
            assert_eq!(at.as_deref(), expected, "{text}");
        };
        check("18:00", Some("2026-11-20 18:00"));
        check("17:30", Some("2026-11-21 17:30"));
        check("07:05", Some("2026-11-21 07:05"));
        check("2026-12-24 18:00", Some("2026-12-24 18:00"));
        check("25:00", None);
        check("soon", None);
    }
}
