//! The program: the command line over the center.
//!
//! Reading order: `cli` (what can be typed), `app` (what a command works with), `commands` (one
//! file each), `run` (any command as a run), `ui` (the only place that prints), `exit` and `json` (what scripts rely on).

#![forbid(unsafe_code)]

mod app;
mod checks;
mod cli;
mod clock;
mod commands;
mod conflicts;
mod daemon;
mod dirs;
mod error;
mod exit;
mod found;
mod json;
mod overlap;
#[cfg(test)]
mod papers;
mod run;
mod ui;

use std::panic::catch_unwind;
use std::process::ExitCode;

use clap::Parser as _;

use app::App;
use cli::{Cli, Command};
use dirs::Dirs;
use exit::Exit;

fn main() -> ExitCode {
    if let Some(code) = syncmgr_host::foreign::launch::entry(std::env::args_os()) {
        return ExitCode::from(code);
    }
    ui::install_panic_message();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ui::clap_message(&error),
    };
    if let Some(Command::Run(args)) = &cli.command {
        let ui = ui::Ui::from_env(&cli.global);
        return run::main(Dirs::from_env(), ui, args);
    }
    let exit = catch_unwind(|| {
        let ui = ui::Ui::from_env(&cli.global);
        let mut app = App::new(Dirs::from_env(), ui);
        let result = commands::run(&mut app, cli.command);
        app.close();
        app.ui.finish(result)
    })
    .unwrap_or(Exit::Bug);
    ExitCode::from(exit.code())
}
