//! `add`: saves two folders under a name.

use std::ffi::OsString;

use clap::Args;

use super::{Done, show, sync};
use crate::app::{App, apply};
use crate::cli::SettingArgs;
use crate::exit::Exit;

/// Save two folders as a sync with a name.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// What to call it
    pub(crate) name: String,
    /// One folder
    pub(crate) left: OsString,
    /// The other folder
    pub(crate) right: OsString,
    /// Its settings.
    #[command(flatten)]
    pub(crate) settings: SettingArgs,
}

/// Runs `add`.
pub(crate) fn run(app: &mut App, args: &AddArgs) -> Done {
    let mut item = app.new_item(&args.name, &args.left, &args.right)?;
    apply(&mut item.settings, &args.settings)?;
    app.handler(&item)?.check(&item)?;
    app.config()?.add(&item)?;
    app.settings_changed()?;
    show::json(app, &item)?;
    app.ui.say(format!("Saved: {}", sync::heading(app, &item)));
    app.ui.hint(format!(
        "see what it would do with `syncmgr preview {0}`, then `syncmgr sync {0}`",
        item.label()
    ));
    Ok(Exit::Done)
}
