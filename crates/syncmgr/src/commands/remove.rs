//! `remove`: removes a saved sync, never a file.

use std::ffi::OsString;

use clap::Args;

use super::{Done, show};
use crate::app::App;
use crate::exit::Exit;

/// Remove a saved sync; never deletes your files.
#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// The sync: its name, HANDLER/NAME, or the beginning of its id
    pub(crate) name: OsString,
}

/// Runs `remove`.
pub(crate) fn run(app: &mut App, args: &RemoveArgs) -> Done {
    let item = app.named(&args.name)?;
    show::json(app, &item)?;
    let label = app.label(&item).unwrap_or_else(|| app.command_words(&item));
    let places = app.sides(&item);
    if let Some(name) = &item.name {
        app.config()?.remove(name)?;
        app.settings_changed()?;
    }
    app.remove(&item)?;
    match places {
        Some(places) => {
            app.ui.say(format!(
                "Removed the sync {label}. Files in {} and {} are unchanged.",
                places.left, places.right
            ));
            app.ui.hint(
                "kept versions stay in the folders' .syncmgr; saving the same folders again carries on",
            );
        }
        None => app.ui.say(format!(
            "Removed the sync {label}. Its files, and the set-up of what syncs them, are unchanged."
        )),
    }
    Ok(Exit::Done)
}
