//! `set`: changes settings of a saved sync.

use clap::Args;
use syncmgr_model::item::Item;
use syncmgr_model::side::Side;

use super::{Done, show};
use crate::app::{App, apply, setting};
use crate::cli::SettingArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::ui::{notice, safe};

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
    let mut item = app.named_saved(&args.name)?;
    // Before anything is read: the settings of one that is not there cannot be understood.
    app.handler(&item)?;
    let before = item.clone();
    for value in &args.values {
        setting::set_one(app, &mut item, value)?;
    }
    options(app, &mut item, &args.settings)?;
    if item.settings == before.settings {
        return Err(CliError::usage("nothing to change")
            .hint("name a setting, as `mode=mirror` or `keep_days=90`"));
    }
    app.check_new(&item)?;
    app.config()?.replace(&item)?;
    app.settings_changed()?;
    app.forget_face(&item);
    let shared = app.shared(&item)?;
    show::json_with(app, &item, &shared)?;
    say_what_is_away(app, &before, &item);
    for trouble in &shared {
        notice::print(&app.ui, trouble);
    }
    app.ui.say(format!(
        "Changed {}; it takes effect at the next run.",
        safe(item.label())
    ));
    Ok(Exit::Done)
}

/// Applies the options, which are those of two folders, where the handler has the same settings.
fn options(app: &App, item: &mut Item, args: &SettingArgs) -> Result<(), CliError> {
    let mut given = item.settings.clone();
    apply(&mut given, args)?;
    let specs = app.specs(&item.handler).unwrap_or_default();
    let unknown = given
        .0
        .keys()
        .find(|key| setting::find(specs, key).is_none());
    if let Some(key) = unknown {
        let names: Vec<_> = specs.iter().map(|spec| spec.key).collect();
        return Err(CliError::usage(format!(
            "the handler {} has no `{}`",
            item.handler,
            safe(key)
        ))
        .hint(format!("known: {}", names.join(", "))));
    }
    item.settings = given;
    Ok(())
}

/// Says that a folder which was just named is not there; the disk may be away.
fn say_what_is_away(app: &App, before: &Item, item: &Item) {
    let Ok(folders) = app.folders(item) else {
        return;
    };
    for side in Side::BOTH {
        let key = side.as_str();
        if before.settings.text(key) != item.settings.text(key) && !folders[side].is_dir() {
            let place = &app.places(item)[side];
            app.ui
                .talk(format!("note: {place} is not there at the moment"));
        }
    }
}
