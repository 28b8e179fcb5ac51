//! `daemon`: the center that stays.

use std::io;

use clap::{Args, Subcommand};
use syncmgr_handlers::files::place::shown;
use syncmgr_model::format::plural;

use super::Done;
use crate::app::App;
use crate::daemon::control::{self, Started, Stopped};
use crate::daemon::lock::{self, Owner};
use crate::daemon::{self, install, log};
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{DaemonOutput, SCHEMA};
use crate::ui::safe;

/// Run syncs by themselves, in the background.
#[derive(Debug, Args)]
pub(crate) struct DaemonArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub(crate) command: DaemonCommand,
}

/// What can be done with the daemon.
#[derive(Debug, Subcommand)]
pub(crate) enum DaemonCommand {
    /// Run it here until it is stopped
    Run {
        /// Leave the terminal; `start` does that
        #[arg(long, hide = true)]
        background: bool,
    },
    /// Start it in the background
    Start,
    /// Stop it; runs that go on are asked to stop first
    Stop,
    /// Stop it, if it runs, and start it
    Restart,
    /// Say whether it runs, and where it answers
    Status,
    /// Print what it logged
    Logs {
        /// Go on with what comes
        #[arg(long, short)]
        follow: bool,
        /// How many lines
        #[arg(short = 'n', long, default_value_t = 100, value_name = "N")]
        lines: usize,
    },
    /// Have it started when you log on
    Install,
    /// Do not have it started any more
    Uninstall,
}

/// Runs `daemon`.
pub(crate) fn run(app: &mut App, args: &DaemonArgs) -> Done {
    match &args.command {
        DaemonCommand::Run { background } => daemon::run(app, *background),
        DaemonCommand::Start => start(app),
        DaemonCommand::Stop => stop(app),
        DaemonCommand::Restart => {
            if owner(app)?.is_some() {
                end(app)?;
            }
            start(app)
        }
        DaemonCommand::Status => status(app),
        DaemonCommand::Logs { follow, lines } => logs(app, *follow, *lines),
        DaemonCommand::Install => install::install(app),
        DaemonCommand::Uninstall => install::uninstall(app),
    }
}

fn owner(app: &App) -> Result<Option<Owner>, CliError> {
    lock::owner(&app.dirs.state).map_err(|error| failed("look for the daemon", &error))
}

fn failed(step: &str, error: &io::Error) -> CliError {
    CliError::new(Exit::Failed, format!("cannot {step}: {error}"))
        .hint("`syncmgr doctor` looks for the cause")
}

fn start(app: &App) -> Done {
    app.built()?;
    let started =
        control::start(&app.dirs.state).map_err(|error| failed("start the daemon", &error))?;
    let (owner, words) = match started {
        Started::Now(owner) => (owner, "The daemon runs now"),
        Started::Before(owner) => (owner, "The daemon runs already"),
        Started::Failed(said) => {
            let said = safe(said.trim().trim_start_matches("error: "));
            return Err(CliError::new(
                Exit::Failed,
                format!("the daemon did not start: {said}"),
            ));
        }
    };
    say(app, Some(&owner), None);
    app.ui.say(format!("{words}{}.", process(&owner)));
    app.ui.say(format!("  answers on {}", place(&owner)));
    if let Err(error) = app.in_file() {
        // It runs, so that it can be told to take over what is mended; but nothing is synced.
        return Err(CliError::usage(format!(
            "the daemon runs with the settings from before, or none: {}",
            error.message
        ))
        .hint("mend the file; the daemon takes it over by itself"));
    }
    app.ui
        .hint("`syncmgr daemon install` has it started when you log on");
    Ok(Exit::Done)
}

fn stop(app: &App) -> Done {
    if owner(app)?.is_none() {
        say(app, None, None);
        app.ui.say("The daemon does not run.");
        return Ok(Exit::Done);
    }
    end(app)?;
    say(app, None, None);
    app.ui.say("The daemon has stopped.");
    Ok(Exit::Done)
}

/// Stops the daemon and waits until it has ended.
fn end(app: &App) -> Result<(), CliError> {
    let Some(owner) = owner(app)? else {
        return Ok(());
    };
    // One that does not answer is stopped all the same.
    let running = control::ask(&app.dirs.socket()).unwrap_or_default().running;
    if !running.is_empty() {
        let n = plural(running.len() as u64, "run");
        app.ui.talk(format!("Waiting for {n} to stop."));
    }
    let stopped = control::stop(&app.dirs.state, owner.pid)
        .map_err(|error| failed("stop the daemon", &error))?;
    match stopped {
        Stopped::Ended => Ok(()),
        Stopped::StillRuns => Err(CliError::new(
            Exit::Failed,
            "the daemon was asked to stop and still works".to_owned(),
        )
        .hint("`syncmgr daemon logs` says at what; your files are whole")),
        Stopped::OutOfReach => Err(CliError::new(
            Exit::Failed,
            "the daemon runs where it cannot be reached from here, as in a container".to_owned(),
        )
        .hint("stop it there")),
    }
}

fn process(owner: &Owner) -> String {
    match owner.pid {
        Some(pid) => format!(" (process {})", pid.as_raw_nonzero()),
        None => String::new(),
    }
}

fn place(owner: &Owner) -> String {
    let socket = safe(&owner.socket);
    if owner.address.is_empty() {
        socket
    } else {
        format!("{} and {socket}", safe(&owner.address))
    }
}

fn status(app: &App) -> Done {
    let Some(owner) = owner(app)? else {
        say(app, None, None);
        app.ui
            .say("The daemon does not run; nothing is synced by itself.");
        app.ui.hint("`syncmgr daemon start` starts it");
        return Ok(Exit::NotRunning);
    };
    match control::ask(&app.dirs.socket()) {
        Ok(answer) => {
            say(app, Some(&owner), Some(&answer));
            app.ui.say(format!("The daemon runs{}.", process(&owner)));
            let since = &owner.since;
            app.ui.say(format!(
                "  version {}, since {}",
                safe(&owner.version),
                safe(since)
            ));
            app.ui.say(format!("  answers on {}", place(&owner)));
            app.ui.say(format!("  {}", safe(&answer.summary)));
            Ok(Exit::Done)
        }
        Err(error) => {
            let what = format!(
                "the daemon runs{} and does not answer: {error}",
                process(&owner)
            );
            Err(CliError::new(Exit::NotRunning, what)
                .hint("`syncmgr daemon restart` starts it anew; `syncmgr daemon logs` says more"))
        }
    }
}

fn say(app: &App, owner: Option<&Owner>, answer: Option<&control::Answer>) {
    let text = |of: fn(&Owner) -> &String| {
        let text = owner.map(of).filter(|text| !text.is_empty());
        text.cloned()
    };
    app.ui.json(&DaemonOutput {
        schema: SCHEMA,
        is_running: owner.is_some(),
        pid: owner
            .and_then(|owner| owner.pid)
            .map(|pid| pid.as_raw_nonzero().get()),
        version: text(|owner| &owner.version),
        since: text(|owner| &owner.since),
        socket: text(|owner| &owner.socket),
        address: text(|owner| &owner.address),
        summary: answer.map(|answer| answer.summary.clone()),
    });
}

fn logs(app: &App, follow: bool, n_lines: usize) -> Done {
    let dir = &app.dirs.state;
    let lines = log::tail(dir, n_lines).map_err(|error| failed("read the log", &error))?;
    if lines.is_empty() && !follow {
        app.ui.talk(format!(
            "No log in {}. Under systemd it is in the journal: `journalctl --user -u syncmgr`.",
            shown(dir, app.dirs.home.as_deref())
        ));
    }
    for line in &lines {
        app.ui.raw(format!("{}\n", safe(line)).as_bytes());
    }
    if follow {
        log::follow(dir, |line| {
            app.ui.raw(format!("{}\n", safe(line)).as_bytes());
        })
        .map_err(|error| failed("follow the log", &error))?;
    }
    Ok(Exit::Done)
}
