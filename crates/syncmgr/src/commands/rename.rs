//! `rename`: gives a saved sync another name.

use clap::Args;

use super::{Done, show};
use crate::app::App;
use crate::exit::Exit;

/// Give a saved sync another name.
#[derive(Debug, Args)]
pub(crate) struct RenameArgs {
    /// The sync
    pub(crate) name: String,
    /// What to call it from now on
    pub(crate) new: String,
}

/// Runs `rename`.
pub(crate) fn run(app: &mut App, args: &RenameArgs) -> Done {
    let item = app.named_saved(&args.name)?;
    app.config()?.rename(item.label(), &args.new)?;
    app.settings_changed()?;
    let old = item.label().to_owned();
    let item = app.named_saved(&args.new)?;
    show::json(app, &item)?;
    let kept = if App::is_sided(&item) {
        "history and agreed state stay"
    } else {
        "history and settings stay"
    };
    app.ui
        .say(format!("Renamed {old} to {}; {kept}.", args.new));
    Ok(Exit::Done)
}
