//! `undo`: takes a run back.

use clap::Args;
use syncmgr_model::request::Work;

use super::Done;
use super::sync::{How, work_on};
use crate::app::App;
use crate::error::CliError;
use crate::exit::Exit;

/// Take a run back.
#[derive(Debug, Args)]
pub(crate) struct UndoArgs {
    /// The run, or the beginning of its id
    pub(crate) run: String,
    /// Say what would be done; change nothing
    #[arg(long, short = 'n')]
    pub(crate) dry_run: bool,
}

/// Runs `undo`.
pub(crate) fn run(app: &mut App, args: &UndoArgs) -> Done {
    let run = app.find_run(&args.run)?;
    if !app.can_undo(&run.handler) {
        return Err(
            CliError::usage(format!("runs of {} cannot be taken back", run.handler)).hint(
                "what a decision replaced is kept all the same: `docs/guide/tools.md` says where",
            ),
        );
    }
    let item = app
        .known()?
        .into_iter()
        .find(|item| item.id == *run.item() && item.handler == run.handler)
        .ok_or_else(|| {
            CliError::not_found(format!("the sync of run {} was removed", run.id))
                .hint("save the same folders again with `syncmgr add`, then undo")
        })?;
    let how = How {
        is_dry: args.dry_run,
        ..How::default()
    };
    let exit = work_on(app, &item, Work::Undo(run.id.clone()), how)?;
    if !args.dry_run && exit == Exit::Done {
        app.ui.talk(format!("Run {} was taken back.", run.id));
    }
    Ok(exit)
}
