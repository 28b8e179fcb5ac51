//! `on` and `off`: whether a sync may run at all; `hide` and `unhide`: whether lists show it.

use std::ffi::OsString;

use clap::Args;
use syncmgr_center::command::Control;
use syncmgr_model::capability::ControlFlags;

use super::{Done, show};
use crate::app::{App, key};
use crate::exit::Exit;

/// Turn a sync on or off, or hide it.
#[derive(Debug, Args)]
pub(crate) struct SwitchArgs {
    /// The sync: its name, HANDLER/NAME, or the beginning of its id
    pub(crate) name: OsString,
}

/// Runs `on` and `off`.
pub(crate) fn run(app: &mut App, args: &SwitchArgs, is_on: bool) -> Done {
    let mut item = app.named(&args.name)?;
    item.is_enabled = is_on;
    if let Some(name) = &item.name {
        // The file is what counts when it is read the next time.
        app.config()?.enable(name, is_on)?;
        app.settings_changed()?;
    }
    // Of one whose handler is not installed, the file is all there is.
    if item.name.is_none() || app.specs(&item.handler).is_some() {
        let flags = ControlFlags::WAIT | ControlFlags::NO_UI;
        app.control(Control::EnableItem(is_on, key(&item), flags))?;
    }
    show::json(app, &item)?;
    let label = app.label(&item).unwrap_or_else(|| app.command_words(&item));
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

/// Runs `hide` and `unhide`.
pub(crate) fn hide(app: &mut App, args: &SwitchArgs, is_hidden: bool) -> Done {
    let item = app.named(&args.name)?;
    let (handler, id) = (item.handler.clone(), item.id.clone());
    app.control(Control::Hide(is_hidden, handler, Some(id)))?;
    show::json(app, &item)?;
    let label = app.label(&item).unwrap_or_else(|| app.command_words(&item));
    if is_hidden {
        app.ui.say(format!(
            "Hid {label}: lists leave it out; it syncs as before."
        ));
        app.ui.hint(format!(
            "`syncmgr list --hidden` shows what is hidden, `syncmgr unhide {}` brings it back",
            app.command_words(&item)
        ));
    } else {
        app.ui.say(format!("{label} is shown again."));
    }
    Ok(Exit::Done)
}
