//! `status`: one sentence, what needs a person, what runs, what comes next.

use std::collections::BTreeMap;

use clap::Args;
use syncmgr_handlers::run;
use syncmgr_model::catalogue::notice;
use syncmgr_model::format::bytes;
use syncmgr_model::item::Item;
use syncmgr_model::progress::Phase;
use syncmgr_model::status::{Status, headline};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::Code;

use super::{Done, show, watch};
use crate::app::{App, ItemState};
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{SCHEMA, StatusEntryJson, StatusOutput};
use crate::ui::{safe, when};

/// Most coming runs that are named in one line.
const NEXT_MAX: usize = 3;

/// Say whether everything is in sync.
#[derive(Debug, Default, Args)]
pub(crate) struct StatusArgs {
    /// Go on showing it as it changes, until Ctrl-C
    #[arg(long)]
    pub(crate) watch: bool,
}

/// Runs `status`.
pub(crate) fn run(app: &mut App, args: &StatusArgs) -> Done {
    if args.watch {
        return watch::run(app, &[]);
    }
    let items = app.known()?;
    let states = app.states(&items)?;
    json(app, &items, &states)?;
    if items.is_empty() {
        app.ui.say(app.ui.out.bold(&headline(&[])));
        app.ui
            .say("Choose two folders; syncmgr shows what it would do before it changes anything.");
        app.ui
            .hint("`syncmgr preview LEFT RIGHT`, or `syncmgr demo` to see it with made-up folders");
        return Ok(Exit::Done);
    }
    for line in lines(app, &items, &states) {
        app.ui.say(line);
    }
    if let Some((item, state)) = items
        .iter()
        .zip(&states)
        .filter(|(_, state)| state.status.needs_person())
        .min_by_key(|(_, state)| state.status.severity())
    {
        app.ui.hint(next_step(app, item, state));
    }
    Ok(Exit::Done)
}

/// Writes the whole status: the headline, one line per sync, what comes next.
pub(crate) fn lines(app: &App, items: &[Item], states: &[ItemState]) -> Vec<String> {
    let statuses: Vec<_> = states.iter().map(|state| state.status).collect();
    let mut lines = vec![app.ui.out.bold(&headline(&statuses)), String::new()];
    lines.extend(rows(app, items, states));
    if let Some(next) = next_line(app, items, states) {
        lines.push(String::new());
        lines.push(next);
    }
    lines
}

/// Prints one line per sync.
pub(crate) fn print(app: &App, items: &[Item], states: &[ItemState]) {
    for line in rows(app, items, states) {
        app.ui.say(line);
    }
}

/// Returns a line for each sync.
pub(crate) fn rows(app: &App, items: &[Item], states: &[ItemState]) -> Vec<String> {
    let label = |item: &Item| app.label(item).unwrap_or_else(|| "-".to_owned());
    let widest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
    let wide_name = widest(&mut items.iter().map(|item| label(item).chars().count()));
    let words: Vec<_> = states.iter().map(|state| words(app, state)).collect();
    let wide_word = widest(&mut words.iter().map(|word| word.chars().count()));
    let mut lines = Vec::new();
    for ((item, state), word) in items.iter().zip(states).zip(&words) {
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
        lines.push(format!(
            "  {:<wide_name$}  {word}  {}{last}",
            label(item),
            app.line(item),
        ));
        let gap = " ".repeat(wide_name);
        if let Some(progress) = progress_words(state) {
            lines.push(format!("  {gap}    {progress}"));
        }
        if let Some(reason) = &state.reason {
            lines.push(format!("  {gap}    {}", notice(reason).what));
        }
    }
    lines
}

/// Returns the words of a state, with the time that belongs to it.
fn words(app: &App, state: &ItemState) -> String {
    match state.paused_until {
        Some(until) if state.status == Status::Paused && until.0 < i64::MAX => {
            format!("{} until {}", state.words, when(until, app.now()))
        }
        Some(_) | None => state.words.clone(),
    }
}

/// Writes where a run stands.
fn progress_words(state: &ItemState) -> Option<String> {
    let progress = state.progress.as_ref()?;
    let mut parts = vec![progress.phase.as_str().to_owned()];
    match (progress.phase, progress.bytes_total) {
        (Phase::Copying, Some(total)) => {
            parts.push(format!(
                "{} of {}",
                bytes(progress.bytes_done),
                bytes(total)
            ));
        }
        _ => {
            if let Some(total) = progress.n_total {
                parts.push(format!("{} of {total}", progress.n_done));
            }
        }
    }
    if let Some(current) = &progress.current {
        parts.push(safe(current));
    }
    Some(parts.join("  "))
}

/// Writes what a sync does now, in one line.
pub(crate) fn activity(state: &ItemState) -> String {
    match progress_words(state) {
        Some(progress) => format!("{}  {progress}", state.words),
        None => state.words.clone(),
    }
}

/// Writes which runs come next.
fn next_line(app: &App, items: &[Item], states: &[ItemState]) -> Option<String> {
    let mut coming: Vec<(Timestamp, String)> = items
        .iter()
        .zip(states)
        .filter_map(|(item, state)| Some((state.next?, app.command_words(item))))
        .collect();
    coming.sort();
    let named: Vec<_> = coming
        .iter()
        .take(NEXT_MAX)
        .map(|(at, words)| format!("{words} {}", when(*at, app.now())))
        .collect();
    (!named.is_empty()).then(|| format!("Next: {}", named.join(", ")))
}

fn next_step(app: &App, item: &Item, state: &ItemState) -> String {
    let words = app.command_words(item);
    match state.status {
        Status::Unknown => {
            let reason = state.reason.as_ref().map(notice);
            let action = reason.and_then(|it| it.actions.into_iter().next());
            action.unwrap_or_else(|| format!("see more with `syncmgr show {words}`"))
        }
        Status::Held => format!("review with `syncmgr preview {words}`"),
        Status::Conflicts => "decide with `syncmgr conflicts` and `syncmgr resolve`".to_owned(),
        Status::Failed | Status::Overdue
            if state
                .reason
                .as_ref()
                .is_some_and(|it| it.code == Code::HandlerOff) =>
        {
            format!(
                "start it again with `syncmgr handler restart {}`",
                item.handler
            )
        }
        // Only the one who started it knows how.
        Status::Failed | Status::Overdue if item.handler.as_str() == run::ID => {
            format!("see what it printed with `syncmgr results {words}`")
        }
        Status::Failed
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

/// Converts an item with its state for JSON.
pub(crate) fn entry(app: &App, item: &Item, state: &ItemState) -> StatusEntryJson {
    StatusEntryJson {
        state: show::state_json(app, item, state),
        words: state.words.clone(),
        paused_until: state.paused_until.map(|until| match until {
            Timestamp(i64::MAX) => "forever".to_owned(),
            until => until.rfc3339(),
        }),
        next_run: state.next.map(Timestamp::rfc3339),
        progress: state.progress.as_ref().map(Into::into),
        unseen: state.n_unseen,
    }
}

/// Prints the JSON object.
pub(crate) fn json(app: &App, items: &[Item], states: &[ItemState]) -> Result<(), CliError> {
    let mut counts = BTreeMap::new();
    for state in states {
        *counts.entry(state.status.as_str()).or_default() += 1;
    }
    let statuses: Vec<_> = states.iter().map(|state| state.status).collect();
    let worst = statuses
        .iter()
        .filter(|status| status.severity().is_some())
        .min_by_key(|status| status.severity());
    let items = items.iter().zip(states);
    app.ui.json(&StatusOutput {
        schema: SCHEMA,
        status: worst.copied().unwrap_or(Status::Ok).as_str(),
        summary: headline(&statuses),
        counts,
        items: items.map(|(item, state)| entry(app, item, state)).collect(),
    });
    Ok(())
}
