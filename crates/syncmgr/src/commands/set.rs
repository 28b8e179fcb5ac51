//! `set`: changes settings of a saved sync.

use clap::Args;
use syncmgr_model::item::Item;
use syncmgr_model::side::Side;

use super::{Done, show};
use crate::app::{App, apply, set_one};
use crate::cli::SettingArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::ui::safe;

/// Change settings of a saved sync.
#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// The sync
    pub(crate) name: String,
    /// Settings, as mode=mirror; an empty value takes one back
    #[arg(value_name = "KEY=VALUE")]
    pub(crate) values: Vec<String>,
    /// The same as options; excludes are added.
    #[command(flatten)]
    pub(crate) settings: SettingArgs,
}

/// Runs `set`.
pub(crate) fn run(app: &mut App, args: &SetArgs) -> Done {
    let mut item = saved(app, &args.name)?;
    let before = item.settings.clone();
    for value in &args.values {
        set_one(app, &mut item, value)?;
    }
    apply(&mut item.settings, &args.settings)?;
    if item.settings == before {
        return Err(CliError::usage("nothing to change")
            .hint("name a setting, as `mode=mirror` or `keep_days=90`"));
    }
    app.handler(&item)?.check(&item)?;
    app.config()?.replace(&item)?;
    app.settings_changed()?;
    show::json(app, &item)?;
    let folders = app.folders(&item)?;
    for (side, before) in [
        (Side::Left, before.text("left")),
        (Side::Right, before.text("right")),
    ] {
        if before != item.settings.text(side.as_str()) && !folders[side].is_dir() {
            let place = &app.places(&item)[side];
            app.ui
                .talk(format!("note: {place} is not there at the moment"));
        }
    }
    app.ui.say(format!(
        "Changed {}; it takes effect at the next run.",
        item.label()
    ));
    Ok(Exit::Done)
}

/// Finds a saved sync by its name.
pub(crate) fn saved(app: &App, name: &str) -> Result<Item, CliError> {
    let found = app
        .saved()?
        .into_iter()
        .find(|item| item.name.as_deref() == Some(name));
    found.ok_or_else(|| {
        CliError::not_found(format!("there is no saved sync `{}`", safe(name)))
            .hint("`syncmgr list` shows the syncs there are")
    })
}
