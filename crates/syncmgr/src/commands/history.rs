//! `history`: past runs, and one in detail.

use std::ffi::OsString;

use clap::{Args, Subcommand};
use syncmgr_center::port::SessionQuery;
use syncmgr_engine::path::display_bytes;
use syncmgr_model::catalogue;
use syncmgr_model::format::plural;
use syncmgr_model::id::ItemKey;
use syncmgr_model::item::Item;
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::record::{SessionRecord, Step, StepEnd};
use syncmgr_model::request::WorkKind;
use syncmgr_model::side::{PerSide, Side};

use super::Done;
use crate::app::App;
use crate::exit::Exit;
use crate::json::{HistoryOutput, NoticeJson, RunJson, RunShowOutput, SCHEMA, StepJson};
use crate::ui::run::{DONE, done_words};
use crate::ui::{notice, when};

/// Steps shown of one run unless more were asked for.
const STEPS_SHOWN: usize = 50;

/// List past runs, or show one.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct HistoryArgs {
    /// Only runs of this sync
    pub(crate) sync: Option<OsString>,
    /// At most so many
    #[arg(long, default_value_t = 30, value_name = "N")]
    pub(crate) limit: u32,
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: Option<Action>,
}

/// What to do with history.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Show one run, step by step
    Show {
        /// The run, or the beginning of its id
        run: String,
    },
}

/// Runs `history`.
pub(crate) fn run(app: &mut App, args: &HistoryArgs) -> Done {
    match &args.action {
        None => list(app, args),
        Some(Action::Show { run }) => show(app, run),
    }
}

fn list(app: &mut App, args: &HistoryArgs) -> Done {
    let item = match &args.sync {
        Some(name) => {
            let item = app.named(name)?;
            Some(ItemKey {
                handler: item.handler,
                item: item.id,
            })
        }
        None => None,
    };
    let query = SessionQuery {
        item,
        limit: args.limit,
        ..SessionQuery::default()
    };
    let runs = app.sessions(query)?;
    app.ui.json(&HistoryOutput {
        schema: SCHEMA,
        runs: runs.iter().map(RunJson::from).collect(),
    });
    if runs.is_empty() {
        app.ui.say("Not run yet.");
        app.ui
            .hint("`syncmgr preview LEFT RIGHT` says what a run would do");
        return Ok(Exit::Done);
    }
    let items = app.known()?;
    for run in &runs {
        let item = items.iter().find(|item| is_of(run, item));
        let mut text = line(app, run, item);
        if run.status == Some(ProgressStatus::Canceled) {
            let events = app.events_of(&run.id)?;
            let mut after = events.iter();
            if let Some(after) = after.find_map(|it| catalogue::stopped_after(&it.trouble)) {
                text = format!("{text}, {after} done");
            }
        }
        if matches!(
            run.status,
            Some(ProgressStatus::Failed | ProgressStatus::Disconnected)
        ) && let Some(reason) = app.reason(&run.id)?
        {
            text = format!("{text}: {}", catalogue::notice(&reason).what);
        }
        app.ui.say(text);
    }
    // What cannot be done is not offered.
    let can_undo = |run: &SessionRecord| app.can_undo(&run.handler);
    app.ui.hint(match runs.iter().any(can_undo) {
        true if runs.iter().all(can_undo) => {
            "`syncmgr history show RUN` lists its steps, `syncmgr undo RUN` takes it back"
        }
        true => {
            "`syncmgr history show RUN` lists its steps, `syncmgr undo RUN` takes one of two folders back"
        }
        false => "`syncmgr history show RUN` shows one in full",
    });
    Ok(Exit::Done)
}

/// Says whether a run worked on an item.
fn is_of(run: &SessionRecord, item: &Item) -> bool {
    item.id == *run.item() && item.handler == run.handler
}

fn line(app: &App, run: &SessionRecord, item: Option<&Item>) -> String {
    let names = match item {
        Some(item) => app.sides(item),
        None if run.handler.as_str() == syncmgr_handlers::files::ID => {
            Some(PerSide::from_fn(|side: Side| side.as_str().to_owned()))
        }
        None => None,
    };
    let names = names.as_ref();
    let label = item.map_or_else(|| run.item().to_string(), |item| app.command_words(item));
    let kind = match run.kind {
        WorkKind::Sync => "",
        WorkKind::Resolve => "resolve: ",
        WorkKind::Undo => "undo: ",
        WorkKind::Restore => "restore: ",
    };
    let end = match run.status {
        None => "running".to_owned(),
        Some(ProgressStatus::Succeeded) => done_words(&run.summary, names),
        Some(ProgressStatus::Canceled) => match done_words(&run.summary, names) {
            done if done == DONE => "stopped by you".to_owned(),
            done => format!("stopped by you, {done}"),
        },
        Some(ProgressStatus::Disconnected) if names.is_some() => "folder missing".to_owned(),
        Some(ProgressStatus::Disconnected) => "disconnected".to_owned(),
        Some(
            ProgressStatus::Failed
            | ProgressStatus::Updating
            | ProgressStatus::UpdatingIndeterminate,
        ) => app.ui.out.red("failed"),
    };
    format!(
        "  {}  {}  {label}  {kind}{end}",
        app.ui.out.bold(run.id.as_str()),
        when(run.started, app.now())
    )
}

fn show(app: &mut App, text: &str) -> Done {
    let run = app.find_run(text)?;
    let events = app.events_of(&run.id)?;
    let item = app.known()?.into_iter().find(|item| is_of(&run, item));
    // A run that failed before its first step has none; that is not an error of this command.
    // Only a handler that is there, and keeps them, has any.
    let handler = item.as_ref().and_then(|item| app.handler(item).ok());
    let steps = match (&item, &handler) {
        (Some(item), Some(handler)) => match handler.journal() {
            Some(journal) => journal.steps(item, &run.id),
            None => Ok(Vec::new()),
        },
        (_, _) => Ok(Vec::new()),
    };
    let (steps, unread) = match steps {
        Ok(steps) => (steps, None),
        Err(trouble) if run.status == Some(ProgressStatus::Succeeded) => {
            (Vec::new(), Some(trouble))
        }
        Err(_) => (Vec::new(), None),
    };
    let troubles = events.iter().map(|event| &event.trouble).chain(&unread);
    app.ui.json(&RunShowOutput {
        schema: SCHEMA,
        run: RunJson::from(&run),
        notices: troubles.clone().map(NoticeJson::from).collect(),
        steps: steps.iter().map(StepJson::from).collect(),
    });
    app.ui.say(line(app, &run, item.as_ref()));
    for trouble in troubles {
        notice::print(&app.ui, trouble);
    }
    let names = item.as_ref().map_or_else(
        || PerSide::from_fn(|side: Side| side.as_str().to_owned()),
        |item| app.places(item),
    );
    let n_shown = if app.ui.is_verbose {
        steps.len()
    } else {
        STEPS_SHOWN
    };
    for step in steps.iter().take(n_shown) {
        app.ui.say(step_line(app, step, &names));
    }
    if steps.len() > n_shown {
        let n = (steps.len() - n_shown) as u64;
        app.ui.say(format!(
            "    and {} (--verbose shows all)",
            plural(n, "other step")
        ));
    }
    Ok(Exit::Done)
}

fn step_line(app: &App, step: &Step, names: &PerSide<String>) -> String {
    let from = step
        .from
        .as_ref()
        .map_or_else(String::new, |from| format!("{} -> ", display_bytes(from)));
    let end = match step.end {
        StepEnd::Done => "",
        StepEnd::NotDone => ", not done",
        StepEnd::Intended => ", interrupted",
    };
    let reason = catalogue::reason(&step.reason, &names.left, &names.right);
    format!(
        "    {} {:<13} {from}{}  {}",
        app.ui.out.arrow(step.side),
        step.action.as_str(),
        display_bytes(&step.path),
        app.ui.out.dim(&format!("({reason}{end})"))
    )
}
