//! `handler`: what can sync one kind of thing.

mod check;
mod install;
mod new;

use clap::{Args, Subcommand};
use syncmgr_center::command::Control;
use syncmgr_handlers::files::place;
use syncmgr_host::foreign::LOG_MAX;
use syncmgr_model::capability::ControlFlags;
use syncmgr_model::id::HandlerId;

use super::Done;
use crate::app::App;
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{HandlerJson, HandlerLog, HandlersOutput, ProcessJson, SCHEMA};
use crate::ui::safe;

/// What `--allow-sockets` means.
const SOCKETS: &str = "services that run as you, also syncmgr: it can ask that for anything, because of --allow-sockets";

/// List handlers, install one, turn one on or off.
#[derive(Debug, Args)]
pub(crate) struct HandlerArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: Option<Action>,
}

/// What to do with handlers.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List them
    List,
    /// Show one with its settings
    Show {
        /// The handler
        handler: String,
    },
    /// Let its syncs run again
    On {
        /// The handler
        handler: String,
    },
    /// Let none of its syncs run
    Off {
        /// The handler
        handler: String,
    },
    /// Make a handler of your own: a sample that works
    New(new::NewArgs),
    /// Try whether a handler keeps the protocol; nothing of yours is touched
    Check(check::CheckArgs),
    /// Install a program as a handler; shows what it may reach, and asks
    Install(install::InstallArgs),
    /// Start an installed handler anew, also one that stopped too often
    Restart {
        /// The handler
        handler: String,
    },
    /// Print what an installed handler wrote to its log
    Logs {
        /// The handler
        handler: String,
        /// At most so many bytes from the end
        #[arg(long, value_name = "BYTES", default_value = "64KiB")]
        most: String,
    },
    /// Remove an installed handler; never deletes your files
    Remove(install::RemoveArgs),
}

/// Runs `handler`.
pub(crate) fn run(app: &mut App, args: &HandlerArgs) -> Done {
    match &args.action {
        None | Some(Action::List) => list(app),
        Some(Action::Show { handler }) => show(app, handler),
        Some(Action::On { handler }) => switch(app, handler, true),
        Some(Action::Off { handler }) => switch(app, handler, false),
        Some(Action::New(args)) => new::run(app, args),
        Some(Action::Check(args)) => check::run(app, args),
        Some(Action::Install(args)) => install::install(app, args),
        Some(Action::Restart { handler }) => restart(app, handler),
        Some(Action::Logs { handler, most }) => logs(app, handler, most),
        Some(Action::Remove(args)) => install::remove(app, args),
    }
}

fn list(app: &mut App) -> Done {
    let handlers = app.handlers()?;
    json(app, &handlers);
    for handler in &handlers {
        app.ui.say(line(app, handler));
    }
    for error in app.outside.errors() {
        app.ui
            .complain(format!("  warning: {}", safe(&error.to_string())));
    }
    Ok(Exit::Done)
}

fn json(app: &App, handlers: &[HandlerJson]) {
    app.ui.json(&HandlersOutput {
        schema: SCHEMA,
        handlers: handlers.to_vec(),
    });
}

fn line(app: &App, handler: &HandlerJson) -> String {
    let is_given_up = handler.process.as_ref().is_some_and(|it| it.off);
    let state = match () {
        () if is_given_up => "stopped too often",
        () if !handler.enabled || !handler.active => "off",
        () if handler.silent => "no answer",
        () if !handler.connected => "disconnected",
        () if !handler.running.is_empty() => "syncing",
        () => "ready",
    };
    let sandbox = match &handler.process {
        Some(process) if !process.sandbox => "  (no sandbox)",
        Some(process) if process.sockets => "  (with sockets)",
        Some(_) | None => "",
    };
    let missing = app.missing_tool(&handler.id);
    let missing = missing.map(|tool| format!("  ({} is not installed)", safe(&tool)));
    let name = app.ui.out.bold(&safe(&handler.id));
    let missing = missing.unwrap_or_default();
    format!(
        "  {name}  {state}  {}{sandbox}{missing}",
        safe(&handler.name)
    )
}

fn find(app: &mut App, id: &str) -> Result<HandlerJson, CliError> {
    let found = app.handlers()?.into_iter().find(|it| it.id == id);
    found.ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> CliError {
    CliError::not_found(format!("there is no handler `{}`", safe(id)))
        .hint("`syncmgr handler list` shows those there are")
}

/// Returns the id of a handler that a person installed, also of one whose file cannot be used.
fn installed(app: &App, text: &str) -> Result<HandlerId, CliError> {
    let id = HandlerId::new(text).map_err(|_| unknown(text))?;
    if app.outside.is_installed(&id) {
        return Ok(id);
    }
    if app.specs(&id).is_some() {
        return Err(CliError::usage(format!("the handler {id} is built in"))
            .hint("this is for handlers that were installed with `syncmgr handler install`"));
    }
    Err(unknown(text))
}

fn show(app: &mut App, id: &str) -> Done {
    let handler = find(app, id)?;
    json(app, std::slice::from_ref(&handler));
    app.ui.say(line(app, &handler));
    if !handler.text.is_empty() {
        app.ui.say(format!("  {}", safe(&handler.text)));
    }
    if let Some(process) = &handler.process {
        show_process(app, process);
    }
    let specs = HandlerId::new(id).ok().and_then(|id| app.specs(&id));
    for spec in specs.unwrap_or_default() {
        app.ui.say(format!("  {:<12} {}", spec.key, spec.help));
    }
    Ok(Exit::Done)
}

fn show_process(app: &App, process: &ProcessJson) {
    let say = |what: &str, text: &str| app.ui.say(format!("  {what:<12} {}", safe(text)));
    say("command", &process.command.join(" "));
    if let Some(version) = &process.version {
        say("version", version);
    }
    match &process.why_no_sandbox {
        Some(why) => say(
            "sandbox",
            &format!("none: {why}; it can reach everything that you can"),
        ),
        None => say("sandbox", "Landlock: it reaches its own folders only"),
    }
    if process.sockets {
        say("talks to", SOCKETS);
    }
    for folder in &process.folders {
        let home = app.dirs.home.as_deref();
        say("changes", &place::shown(std::path::Path::new(folder), home));
    }
    match process.pid {
        Some(pid) => say("process", &pid.to_string()),
        None if process.off => say("process", "none: it stopped too often"),
        None => say("process", "none; it starts when it is needed"),
    }
}

fn switch(app: &mut App, id: &str, is_on: bool) -> Done {
    find(app, id)?;
    let handler = HandlerId::new(id).map_err(|_| unknown(id))?;
    let flags = ControlFlags::WAIT | ControlFlags::NO_UI;
    app.control(Control::EnableHandler(is_on, handler, flags))?;
    let handler = find(app, id)?;
    json(app, std::slice::from_ref(&handler));
    app.ui.say(if is_on {
        format!("Turned the handler {} on; its syncs may run.", safe(id))
    } else {
        format!(
            "Turned the handler {} off: none of its syncs runs until it is turned on.",
            safe(id)
        )
    });
    Ok(Exit::Done)
}

fn restart(app: &mut App, text: &str) -> Done {
    let id = installed(app, text)?;
    app.restart_handler(&id)?;
    let handler = find(app, text)?;
    json(app, std::slice::from_ref(&handler));
    app.ui
        .say(format!("The handler {id} was started anew, and answers."));
    Ok(Exit::Done)
}

fn logs(app: &mut App, text: &str, most: &str) -> Done {
    let id = installed(app, text)?;
    let bytes = syncmgr_model::format::parse_bytes(most);
    let bytes = bytes.ok_or_else(|| {
        CliError::usage(format!("`{}` is no number of bytes", safe(most))).hint("write it as 64KiB")
    })?;
    // The files are here, whoever writes them.
    let log = app.outside.foreign.logs(&id, bytes.min(LOG_MAX))?;
    let lines: Vec<String> = log
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(syncmgr_model::escape::escape)
        .collect();
    app.ui.json(&HandlerLog {
        schema: SCHEMA,
        handler: id.to_string(),
        lines: lines.clone(),
    });
    if lines.is_empty() {
        app.ui.say(format!("The handler {id} has written nothing."));
    }
    for line in lines {
        app.ui.say(line);
    }
    Ok(Exit::Done)
}
