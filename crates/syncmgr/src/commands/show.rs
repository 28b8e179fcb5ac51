//! `show`: everything about one sync.

use std::ffi::OsString;

use clap::Args;
use syncmgr_api::wire::item::write_settings;
use syncmgr_model::catalogue::notice;
use syncmgr_model::item::{Item, Value};

use super::{Done, sync};
use crate::app::{App, ItemState};
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{ItemOutput, NoticeJson, RunJson, SCHEMA, StatusItemJson};
use crate::ui::{run::done_words, safe, when};

/// Show everything about one sync.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The sync: its name, or the beginning of its id
    pub(crate) name: OsString,
}

/// Runs `show`.
pub(crate) fn run(app: &mut App, args: &ShowArgs) -> Done {
    let item = app.named(&args.name)?;
    json(app, &item)?;
    let state = app.state(&item)?;
    let ui = app.ui.clone();
    ui.say(sync::heading(app, &item));
    ui.say(format!("  status    {}", state.words));
    if let Some(reason) = &state.reason {
        ui.say(format!("            {}", notice(reason).what));
    }
    if let Some(last) = &state.last {
        let done = done_words(&last.summary, &app.places(&item));
        ui.say(format!(
            "  last run  {}: {done}",
            when(last.started, app.now())
        ));
    }
    if let Some(next) = state.next {
        ui.say(format!("  next run  {}", when(next, app.now())));
    }
    for (key, value) in &item.settings.0 {
        let text = match value {
            Value::Text(text) => safe(text),
            Value::Number(number) => number.to_string(),
            Value::List(list) => safe(&list.join(", ")),
        };
        ui.say(format!("  {key:<9} {text}"));
    }
    ui.say(format!("  id        {}", item.id));
    ui.say(format!(
        "  state     {}",
        syncmgr_handlers::files::place::shown(
            &app.dirs.state.join("files").join(item.id.as_str()),
            app.dirs.home.as_deref()
        )
    ));
    Ok(Exit::Done)
}

/// Prints the JSON object of one sync.
pub(crate) fn json(app: &mut App, item: &Item) -> Result<(), CliError> {
    if app.ui.is_json {
        let state = app.state(item)?;
        let sync = state_json(app, item, &state);
        app.ui.json(&ItemOutput {
            schema: SCHEMA,
            sync,
        });
    }
    Ok(())
}

/// Converts an item and its state for JSON.
pub(crate) fn state_json(app: &App, item: &Item, state: &ItemState) -> StatusItemJson {
    StatusItemJson {
        sync: sync::item_json(app, item),
        handler: item.handler.to_string(),
        enabled: state.is_enabled,
        status: state.status.as_str().to_owned(),
        reason: state.reason.as_ref().map(NoticeJson::from),
        last_run: state.last.as_ref().map(RunJson::from),
        settings: write_settings(&item.settings),
    }
}
