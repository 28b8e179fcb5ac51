//! The commands, one file each.

pub(crate) mod add;
pub(crate) mod alert;
pub(crate) mod chosen;
pub(crate) mod config;
pub(crate) mod conflicts;
pub(crate) mod daemon;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod handler;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod list;
pub(crate) mod man;
pub(crate) mod open;
pub(crate) mod pause;
pub(crate) mod remove;
pub(crate) mod rename;
pub(crate) mod resolve;
pub(crate) mod results;
pub(crate) mod schedule;
pub(crate) mod secret;
pub(crate) mod set;
pub(crate) mod several;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod stop;
pub(crate) mod switch;
pub(crate) mod sync;
pub(crate) mod undo;
pub(crate) mod versions;
pub(crate) mod watch;
pub(crate) mod why;

use crate::app::App;
use crate::cli::Command;
use crate::error::CliError;
use crate::exit::Exit;

/// What every command returns.
pub(crate) type Done = Result<Exit, CliError>;

/// Runs a command.
///
/// # Errors
/// What the person has to be told.
pub(crate) fn run(app: &mut App, command: Option<Command>) -> Done {
    match command {
        None => status::run(app, &status::StatusArgs::default()),
        Some(Command::Status(args)) => status::run(app, &args),
        Some(Command::Sync(args)) => sync::run(app, &args, args.dry_run),
        Some(Command::Preview(args)) => sync::run(app, &args, true),
        Some(Command::Stop(args)) => stop::run(app, &args),
        // The program hands it to `run` before there is an app.
        Some(Command::Run(_)) => Ok(Exit::Bug),
        Some(Command::Pause(args)) => pause::pause(app, &args),
        Some(Command::Resume(args)) => pause::resume(app, &args),
        Some(Command::Watch(args)) => watch::run(app, &args.syncs),
        Some(Command::On(args)) => switch::run(app, &args, true),
        Some(Command::Off(args)) => switch::run(app, &args, false),
        Some(Command::Hide(args)) => switch::hide(app, &args, true),
        Some(Command::Unhide(args)) => switch::hide(app, &args, false),
        Some(Command::Schedule(args)) => schedule::run(app, &args),
        Some(Command::Results(args)) => results::run(app, &args),
        Some(Command::Open(args)) => open::run(app, &args),
        Some(Command::Handler(args)) => handler::run(app, &args),
        Some(Command::Secret(args)) => secret::run(app, &args),
        Some(Command::Alert(args)) => alert::run(app, &args),
        Some(Command::Config(args)) => config::run(app, &args),
        Some(Command::Add(args)) => add::run(app, &args),
        Some(Command::Import(args)) => import::run(app, &args),
        Some(Command::List(args)) => list::run(app, &args),
        Some(Command::Show(args)) => show::run(app, &args),
        Some(Command::Set(args)) => set::run(app, &args),
        Some(Command::Rename(args)) => rename::run(app, &args),
        Some(Command::Remove(args)) => remove::run(app, &args),
        Some(Command::Conflicts(args)) => conflicts::run(app, &args),
        Some(Command::Resolve(args)) => resolve::run(app, &args),
        Some(Command::History(args)) => history::run(app, &args),
        Some(Command::Undo(args)) => undo::run(app, &args),
        Some(Command::Versions(args)) => versions::run(app, &args),
        Some(Command::Why(args)) => why::run(app, &args),
        Some(Command::Daemon(args)) => daemon::run(app, &args),
        Some(Command::Doctor(args)) => doctor::run(app, &args),
        Some(Command::Demo(args)) => demo::run(app, &args),
        Some(Command::Version) => man::version(app),
        Some(Command::Completions { shell }) => man::completions(app, shell),
        Some(Command::Man) => man::page(app),
    }
}
