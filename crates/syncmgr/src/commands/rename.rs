//! `rename`: gives a saved sync another name.

use clap::Args;

use super::{Done, set, show};
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
    set::saved(app, &args.name)?;
    app.config()?.rename(&args.name, &args.new)?;
    app.settings_changed()?;
    let item = set::saved(app, &args.new)?;
    show::json(app, &item)?;
    app.ui.say(format!(
        "Renamed {} to {}; history and agreed state stay.",
        args.name, args.new
    ));
    Ok(Exit::Done)
}
