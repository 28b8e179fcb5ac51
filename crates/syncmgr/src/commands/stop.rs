//! `stop`: asks runs to stop. What is whole stays, and the next run goes on from there.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::time::Duration;

use clap::Args;
use syncmgr_api::wire::run::OpenRun;
use syncmgr_model::format::plural;
use syncmgr_model::id::SessionId;
use syncmgr_model::trouble::Code;

use super::{Done, chosen};
use crate::app::{App, key};
use crate::clock::rest;
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{SCHEMA, StopOutput};

/// How long it is waited for the end: handlers are given ten seconds, then they are given up.
const WAITS_MAX: u32 = 150;
/// Between two looks.
const WAIT: Duration = Duration::from_millis(100);

/// Ask runs to stop.
#[derive(Debug, Args)]
pub(crate) struct StopArgs {
    /// The syncs whose runs are meant; all of them when none is named
    #[arg(value_name = "SYNC")]
    pub(crate) syncs: Vec<OsString>,
    /// All runs
    #[arg(long, conflicts_with = "syncs")]
    pub(crate) all: bool,
    /// Do not wait until they have ended
    #[arg(long)]
    pub(crate) now: bool,
}

/// Runs `stop`.
pub(crate) fn run(app: &mut App, args: &StopArgs) -> Done {
    let chosen = chosen::of(app, &args.syncs)?;
    let ids: BTreeSet<_> = chosen
        .items
        .iter()
        .map(|item| key(item).to_string())
        .collect();
    let is_its = |run: &OpenRun, item: &str| ids.contains(&format!("{}/{item}", run.handler));
    let is_meant =
        |run: &OpenRun| chosen.is_all || run.items.iter().any(|item| is_its(run, &item.item));
    let mut runs = app.open_runs()?;
    runs.retain(is_meant);
    for run in &runs {
        app.cancel(&run.run)?;
    }
    let has_ended = args.now || runs.is_empty() || wait(app, &runs)?;
    app.ui.json(&StopOutput {
        schema: SCHEMA,
        runs: runs.iter().map(|run| run.run.clone()).collect(),
        ended: has_ended && !args.now,
    });
    let n = plural(runs.len() as u64, "run");
    if runs.is_empty() {
        let words = chosen.words(app);
        app.ui.say(format!("Nothing runs in {words}."));
    } else if args.now {
        app.ui.say(format!("Asked {n} to stop."));
    } else if has_ended {
        let n_given_up = given_up(app, &runs)?;
        if n_given_up > 0 {
            let n = plural(n_given_up, "run");
            return Err(CliError::new(
                Exit::Failed,
                format!("{n} did not stop when asked and had to be given up; files that were being written may not be whole"),
            )
            .hint("`syncmgr results` says which, and what to do"));
        }
        app.ui.say(format!(
            "Stopped {n}. Files are whole; the next run carries on."
        ));
    } else {
        return Err(CliError::new(
            Exit::Failed,
            format!("{n} still end, though they were asked to stop"),
        )
        .hint("`syncmgr watch` shows them; files are whole"));
    }
    Ok(Exit::Done)
}

/// Counts the runs that did not stop by themselves.
fn given_up(app: &mut App, runs: &[OpenRun]) -> Result<u64, CliError> {
    let mut n = 0;
    for run in runs {
        let Ok(id) = SessionId::new(run.run.as_str()) else {
            continue;
        };
        let events = app.events_of(&id)?;
        let is_it = events
            .iter()
            .any(|it| it.trouble.code == Code::HandlerAbandoned);
        n += u64::from(is_it);
    }
    Ok(n)
}

/// Waits until these runs have ended; false when they do not.
fn wait(app: &mut App, runs: &[OpenRun]) -> Result<bool, CliError> {
    for _ in 0..WAITS_MAX {
        let open = app.open_runs()?;
        if !open
            .iter()
            .any(|run| runs.iter().any(|it| it.run == run.run))
        {
            return Ok(true);
        }
        rest(WAIT);
    }
    Ok(false)
}
