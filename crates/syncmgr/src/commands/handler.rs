//! `handler`: what can sync one kind of thing.

mod check;
mod new;

use clap::{Args, Subcommand};
use syncmgr_center::command::Control;
use syncmgr_model::capability::ControlFlags;
use syncmgr_model::id::HandlerId;

use super::Done;
use crate::app::App;
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{HandlerJson, HandlersOutput, SCHEMA};
use crate::ui::safe;

/// List handlers, turn one on or off.
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
    }
}

fn list(app: &mut App) -> Done {
    let handlers = app.handlers()?;
    json(app, &handlers);
    for handler in &handlers {
        app.ui.say(line(app, handler));
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
    let state = match () {
        () if !handler.enabled => "off",
        () if !handler.active => "not installed",
        () if handler.silent => "no answer",
        () if !handler.connected => "disconnected",
        () if !handler.running.is_empty() => "syncing",
        () => "ready",
    };
    let name = app.ui.out.bold(&safe(&handler.id));
    format!("  {name}  {state}  {}", safe(&handler.name))
}

fn find(app: &mut App, id: &str) -> Result<HandlerJson, CliError> {
    let found = app.handlers()?.into_iter().find(|it| it.id == id);
    found.ok_or_else(|| {
        CliError::not_found(format!("there is no handler `{}`", safe(id)))
            .hint("`syncmgr handler list` shows those there are")
    })
}

fn show(app: &mut App, id: &str) -> Done {
    let handler = find(app, id)?;
    json(app, std::slice::from_ref(&handler));
    app.ui.say(line(app, &handler));
    if !handler.text.is_empty() {
        app.ui.say(format!("  {}", safe(&handler.text)));
    }
    let specs = HandlerId::new(id).ok().and_then(|id| app.specs(&id));
    for spec in specs.unwrap_or_default() {
        app.ui.say(format!("  {:<12} {}", spec.key, spec.help));
    }
    Ok(Exit::Done)
}

fn switch(app: &mut App, id: &str, is_on: bool) -> Done {
    find(app, id)?;
    let handler = HandlerId::new(id)
        .map_err(|_| CliError::not_found(format!("there is no handler `{}`", safe(id))))?;
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
