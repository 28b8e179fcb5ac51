//! `remove`: removes a saved sync, never a file.

use clap::Args;

use super::{Done, set, show};
use crate::app::App;
use crate::exit::Exit;

/// Remove a saved sync; never deletes your files.
#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// The sync
    pub(crate) name: String,
}

/// Runs `remove`.
pub(crate) fn run(app: &mut App, args: &RemoveArgs) -> Done {
    let item = set::saved(app, &args.name)?;
    show::json(app, &item)?;
    app.config()?.remove(&args.name)?;
    app.center()?.store().forget(&item.id)?;
    let places = app.places(&item);
    app.ui.say(format!(
        "Removed the sync {}. Files in {} and {} are unchanged.",
        args.name, places.left, places.right
    ));
    app.ui.hint(
        "kept versions stay in the folders' .syncmgr; saving the same folders again carries on",
    );
    Ok(Exit::Done)
}
