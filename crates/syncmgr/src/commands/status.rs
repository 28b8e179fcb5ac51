//! `status`: one sentence, then one line per sync.

use std::collections::BTreeMap;

use syncmgr_model::catalogue::notice;
use syncmgr_model::item::Item;
use syncmgr_model::status::{Status, headline};

use super::{Done, show};
use crate::app::{App, ItemState};
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{SCHEMA, StatusOutput};
use crate::ui::when;

/// Runs `status`.
pub(crate) fn run(app: &mut App) -> Done {
    let items = app.known()?;
    let states = states(app, &items)?;
    json(app, &items, &states)?;
    let statuses: Vec<_> = states.iter().map(|state| state.status).collect();
    app.ui.say(app.ui.out.bold(&headline(&statuses)));
    if items.is_empty() {
        app.ui
            .say("Choose two folders; syncmgr shows what it would do before it changes anything.");
        app.ui
            .hint("`syncmgr preview LEFT RIGHT`, or `syncmgr demo` to see it with made-up folders");
        return Ok(Exit::Done);
    }
    app.ui.say("");
    print(app, &items, &states);
    if let Some((item, state)) = items
        .iter()
        .zip(&states)
        .filter(|(_, state)| state.status.needs_person())
        .min_by_key(|(_, state)| state.status.severity())
    {
        app.ui.hint(next_step(app, item, state.status));
    }
    Ok(Exit::Done)
}

/// Derives the states of all syncs.
pub(crate) fn states(app: &mut App, items: &[Item]) -> Result<Vec<ItemState>, CliError> {
    items.iter().map(|item| app.state(item)).collect()
}

/// Prints one line per sync.
pub(crate) fn print(app: &App, items: &[Item], states: &[ItemState]) {
    let label = |item: &Item| item.name.clone().unwrap_or_else(|| "-".to_owned());
    let widest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
    let wide_name = widest(&mut items.iter().map(|item| label(item).chars().count()));
    let words: Vec<_> = states.iter().map(|state| state.words.clone()).collect();
    let wide_word = widest(&mut words.iter().map(|word| word.chars().count()));
    for ((item, state), word) in items.iter().zip(states).zip(&words) {
        let places = app.places(item);
        let padded = format!("{word:<wide_word$}");
        let word = match state.status {
            Status::Held | Status::Conflicts | Status::Overdue | Status::Unknown => {
                app.ui.out.yellow(&padded)
            }
            Status::Failed => app.ui.out.red(&padded),
            Status::Ok => app.ui.out.green(&padded),
            Status::Off
            | Status::Paused
            | Status::Syncing
            | Status::Checking
            | Status::Offline
            | Status::Waiting
            | Status::Never
            | Status::Warnings => padded,
        };
        let last = state.last.as_ref().map_or_else(String::new, |last| {
            format!("   {}", app.ui.out.dim(&when(last.started, app.now())))
        });
        app.ui.say(format!(
            "  {:<wide_name$}  {word}  {} {} {}{last}",
            label(item),
            places.left,
            app.ui.out.both_ways(),
            places.right,
        ));
        if let Some(reason) = &state.reason {
            let gap = " ".repeat(wide_name);
            app.ui.say(format!("  {gap}    {}", notice(reason).what));
        }
    }
}

fn next_step(app: &App, item: &Item, status: Status) -> String {
    let words = app.command_words(item);
    match status {
        Status::Held => format!("review with `syncmgr preview {words}`"),
        Status::Conflicts => "decide with `syncmgr conflicts` and `syncmgr resolve`".to_owned(),
        Status::Failed
        | Status::Unknown
        | Status::Overdue
        | Status::Offline
        | Status::Off
        | Status::Paused
        | Status::Syncing
        | Status::Checking
        | Status::Waiting
        | Status::Never
        | Status::Warnings
        | Status::Ok => format!("try again with `syncmgr sync {words}`"),
    }
}

/// Prints the JSON object.
pub(crate) fn json(app: &mut App, items: &[Item], states: &[ItemState]) -> Result<(), CliError> {
    if !app.ui.is_json {
        return Ok(());
    }
    let mut counts = BTreeMap::new();
    for state in states {
        *counts.entry(state.status.as_str()).or_default() += 1;
    }
    let statuses: Vec<_> = states.iter().map(|state| state.status).collect();
    let worst = statuses
        .iter()
        .filter(|status| status.severity().is_some())
        .min_by_key(|status| status.severity());
    let items = items
        .iter()
        .map(|item| show::status_json(app, item))
        .collect::<Result<_, _>>()?;
    app.ui.json(&StatusOutput {
        schema: SCHEMA,
        status: worst.copied().unwrap_or(Status::Ok).as_str(),
        summary: headline(&statuses),
        counts,
        items,
    });
    Ok(())
}
