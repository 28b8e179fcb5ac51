//! `on` and `off`: whether a sync may run at all.

use std::ffi::OsString;

use clap::Args;
use syncmgr_center::command::Control;
use syncmgr_model::capability::ControlFlags;

use super::{Done, show};
use crate::app::{App, key};
use crate::exit::Exit;
use crate::ui::safe;

/// Turn a sync on or off.
#[derive(Debug, Args)]
pub(crate) struct SwitchArgs {
    /// The sync: its name, or the beginning of its id
    pub(crate) name: OsString,
}

/// Runs `on` and `off`.
pub(crate) fn run(app: &mut App, args: &SwitchArgs, is_on: bool) -> Done {
    let mut item = app.named(&args.name)?;
    item.is_enabled = is_on;
    if item.name.is_some() {
        // The file is what counts when it is read the next time.
        app.config()?.replace(&item)?;
        app.settings_changed()?;
    }
    let flags = ControlFlags::WAIT | ControlFlags::NO_UI;
    app.control(Control::EnableItem(is_on, key(&item), flags))?;
    show::json(app, &item)?;
    let label = safe(&item.label());
    if is_on {
        app.ui.say(format!("Turned {label} on."));
        app.ui.hint(format!(
            "`syncmgr sync {}` runs it",
            app.command_words(&item)
        ));
    } else {
        app.ui.say(format!(
            "Turned {label} off: it does not run until it is turned on. Files are unchanged."
        ));
    }
    Ok(Exit::Done)
}
