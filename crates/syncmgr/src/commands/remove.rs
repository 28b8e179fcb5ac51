//! `remove`: removes a saved sync, never a file.

use std::ffi::OsString;

use clap::Args;
use syncmgr_model::format::plural;
use syncmgr_model::item::Item;

use super::{Done, show};
use crate::app::{App, key};
use crate::exit::Exit;

/// Remove a saved sync; never deletes your files.
#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// The sync: its name, HANDLER/NAME, or the beginning of its id
    pub(crate) name: OsString,
}

/// Removes the secrets of a sync that is gone; says so.
fn secrets(app: &App, item: &Item) {
    match app.vault().remove_all(&key(item)) {
        Ok(0) => {}
        Ok(n) => {
            let n = plural(n as u64, "secret");
            app.ui.talk(format!("Removed {n} of {} too.", item.label()));
        }
        Err(error) => {
            app.ui.complain(format!(
                "warning: secrets of {} are left: {error}",
                item.label()
            ));
            app.ui.hint(error.advice());
        }
    }
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
    secrets(app, &item);
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
