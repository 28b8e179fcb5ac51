//! `remove`: removes a saved sync, never a file.

use std::ffi::OsString;

use clap::Args;
use syncmgr_center::command::Control;

use super::{Done, show};
use crate::app::{App, key};
use crate::exit::Exit;

/// Remove a saved sync; never deletes your files.
#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// The sync: its name, or the beginning of its id
    pub(crate) name: OsString,
}

/// Runs `remove`.
pub(crate) fn run(app: &mut App, args: &RemoveArgs) -> Done {
    let item = app.named(&args.name)?;
    show::json(app, &item)?;
    if let Some(name) = &item.name {
        app.config()?.remove(name)?;
        app.settings_changed()?;
    }
    app.control(Control::Forget(key(&item)))?;
    let places = app.places(&item);
    app.ui.say(format!(
        "Removed the sync {}. Files in {} and {} are unchanged.",
        item.label(),
        places.left,
        places.right
    ));
    app.ui.hint(
        "kept versions stay in the folders' .syncmgr; saving the same folders again carries on",
    );
    Ok(Exit::Done)
}
