//! `show`: everything about one sync.

use std::ffi::OsString;

use clap::Args;
use syncmgr_api::wire::item::write_settings;
use syncmgr_model::catalogue::notice;
use syncmgr_model::item::{Item, Value};
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::trouble::Trouble;

use super::{Done, sync};
use crate::app::{App, ItemState};
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{ItemOutput, NoticeJson, RunJson, SCHEMA, StatusItemJson};
use crate::ui::{run::done_words, safe, when};

/// Show everything about one sync.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The sync: its name, HANDLER/NAME, or the beginning of its id
    pub(crate) name: OsString,
}

/// Runs `show`.
pub(crate) fn run(app: &mut App, args: &ShowArgs) -> Done {
    let item = app.named(&args.name)?;
    let shared = app.shared(&item)?;
    json_with(app, &item, &shared)?;
    let state = app.state(&item)?;
    let ui = app.ui.clone();
    ui.say(sync::heading(app, &item));
    ui.say(format!("  status    {}", state.words));
    if let Some(reason) = &state.reason {
        let reason = notice(reason);
        ui.say(format!("            {}", reason.what));
        for action in reason
            .actions
            .iter()
            .filter(|_| state.status.needs_person())
        {
            ui.hint(action);
        }
    }
    if let Some(last) = &state.last {
        let done = match last.status {
            Some(ProgressStatus::Failed) => "failed".to_owned(),
            Some(ProgressStatus::Disconnected) => "disconnected".to_owned(),
            Some(
                ProgressStatus::Succeeded
                | ProgressStatus::Canceled
                | ProgressStatus::Updating
                | ProgressStatus::UpdatingIndeterminate,
            )
            | None => done_words(&last.summary, app.sides(&item).as_ref()),
        };
        ui.say(format!(
            "  last run  {}: {done}",
            when(last.started, app.now())
        ));
    }
    if let Some(next) = state.next {
        ui.say(format!("  next run  {}", when(next, app.now())));
    }
    for trouble in &shared {
        ui.say(format!("  shared    {}", notice(trouble).what));
        ui.say(format!("            {}", notice(trouble).meaning));
    }
    if !App::is_sided(&item) {
        ui.say(format!("  handler   {}", item.handler));
        for path in app.face(&item).paths {
            ui.say(format!("  folder    {}", app.shown(&path)));
        }
    }
    for (key, value) in &item.settings.0 {
        let text = match value {
            Value::Text(text) => safe(text),
            Value::Number(number) => number.to_string(),
            Value::List(list) => safe(&list.join(", ")),
        };
        ui.say(format!("  {:<9} {text}", safe(key)));
    }
    ui.say(format!("  id        {}", item.id));
    if App::is_sided(&item) {
        let state = app.dirs.state.join("files").join(item.id.as_str());
        ui.say(format!("  state     {}", app.shown(&state)));
    }
    Ok(Exit::Done)
}

/// Prints the JSON object of one sync.
pub(crate) fn json(app: &mut App, item: &Item) -> Result<(), CliError> {
    json_with(app, item, &[])
}

/// Prints the JSON object of one sync with what has to be said about it.
pub(crate) fn json_with(app: &mut App, item: &Item, troubles: &[Trouble]) -> Result<(), CliError> {
    if app.ui.is_json {
        let state = app.state(item)?;
        let sync = state_json(app, item, &state);
        app.ui.json(&ItemOutput {
            schema: SCHEMA,
            sync,
            notices: troubles.iter().map(NoticeJson::from).collect(),
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
