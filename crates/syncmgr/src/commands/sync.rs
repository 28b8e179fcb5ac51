//! `sync` and `preview`; and what every command that changes files shares: preview or run.

use std::ffi::OsString;

use clap::Args;
use syncmgr_model::item::Item;
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::request::{Intent, Work};

use super::Done;
use crate::app::App;
use crate::cli::SettingArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{ItemJson, PreviewOutput, RunOutput, Sides};
use crate::ui;

/// Bring two folders together, or a saved sync.
#[derive(Debug, Args)]
pub(crate) struct SyncArgs {
    /// One folder, or the name of a saved sync alone
    #[arg(value_name = "LEFT|NAME")]
    pub(crate) left: OsString,
    /// The other folder
    pub(crate) right: Option<OsString>,
    /// Settings for this run only.
    #[command(flatten)]
    pub(crate) settings: SettingArgs,
    /// Say what would be done; change nothing
    #[arg(long, short = 'n')]
    pub(crate) dry_run: bool,
    /// Compare the content of every file, not only of those that look changed
    #[arg(long)]
    pub(crate) full: bool,
    /// Let the held changes of this plan go, once
    #[arg(long, value_name = "PLAN")]
    pub(crate) allow_deletions: Option<String>,
    /// End with 10 when there are warnings
    #[arg(long)]
    pub(crate) strict: bool,
    /// List every path of a preview
    #[arg(long)]
    pub(crate) files: bool,
}

/// Most changes of an undo, a restore or a resolution that a preview names one by one.
const FILES_NAMED: usize = 20;

/// Runs `sync` or `preview`.
pub(crate) fn run(app: &mut App, args: &SyncArgs, is_dry: bool) -> Done {
    let item = app.target(&args.left, args.right.as_deref(), &args.settings)?;
    let work = Work::Sync {
        is_full: args.full,
        release: args.allow_deletions.clone(),
    };
    let how = How {
        is_dry,
        is_strict: args.strict,
        all_files: args.files,
    };
    work_on(app, &item, work, how)
}

/// How to carry work out.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct How {
    /// Only say what would be done.
    pub(crate) is_dry: bool,
    /// Warnings count.
    pub(crate) is_strict: bool,
    /// List every path of a preview.
    pub(crate) all_files: bool,
}

/// What is printed as JSON.
pub(crate) enum Answer {
    /// It was done.
    Run(Box<RunOutput>),
    /// It would be done.
    Preview(Box<PreviewOutput>),
}

/// Previews work, or does it and says how it went.
pub(crate) fn work_on(app: &mut App, item: &Item, work: Work, how: How) -> Done {
    let (exit, answer) = carry_out(app, item, work, how)?;
    match answer {
        Answer::Run(run) => app.ui.json(&*run),
        Answer::Preview(preview) => app.ui.json(&*preview),
    }
    Ok(exit)
}

/// The same, with the JSON left to the caller.
pub(crate) fn carry_out(
    app: &mut App,
    item: &Item,
    work: Work,
    how: How,
) -> Result<(Exit, Answer), CliError> {
    if how.is_dry {
        let preview = would_do(app, item, work, how)?;
        return Ok((Exit::Done, Answer::Preview(Box::new(preview))));
    }
    let names = app.places(item);
    let words = app.command_words(item) + &app.one_off;
    let is_decision = matches!(work, Work::Resolve(_) | Work::Restore(_));
    let outcome = app.run(item, work, Intent::Apply)?;
    ui::run::print(&app.ui, &outcome, &names, &words);
    if is_decision && outcome.record.status == Some(ProgressStatus::Succeeded) {
        app.ui.hint(format!(
            "replaced files are kept as versions; `syncmgr undo {}` takes this back",
            outcome.record.id
        ));
    }
    let answer = Answer::Run(Box::new(RunOutput::of(item_json(app, item), &outcome)));
    Ok((Exit::of_run(&outcome, how.is_strict), answer))
}

fn would_do(app: &mut App, item: &Item, work: Work, how: How) -> Result<PreviewOutput, CliError> {
    let names = app.places(item);
    let words = app.command_words(item) + &app.one_off;
    let is_sync = matches!(work, Work::Sync { .. });
    let preview = app.preview(item, work)?;
    if is_sync {
        app.ui.say(heading(app, item));
    }
    // Few decisions are named one by one; a sync is summed up unless every path was asked for.
    let all_files = how.all_files || (!is_sync && preview.changes.len() <= FILES_NAMED);
    ui::preview::print(&app.ui, &preview, &names, all_files);
    if !how.all_files && !preview.changes.is_empty() && is_sync {
        app.ui
            .hint(format!("every path: `syncmgr preview {words} --files`"));
    }
    if let Some(id) = &preview.held_id {
        app.ui.hint(format!(
            "allow the held changes once: `syncmgr sync {words} --allow-deletions {id}`"
        ));
    }
    Ok(PreviewOutput::of(item_json(app, item), &preview))
}

/// Writes the line that says which folders are meant.
pub(crate) fn heading(app: &App, item: &Item) -> String {
    let places = app.places(item);
    let name = item.name.as_deref().unwrap_or("");
    let gap = if name.is_empty() { "" } else { "  " };
    format!(
        "{}{gap}{}  {}  {}   {}",
        app.ui.out.bold(name),
        places.left,
        app.ui.out.both_ways(),
        places.right,
        app.ui
            .out
            .dim(item.settings.text("mode").unwrap_or("two-way"))
    )
}

/// Converts an item for JSON.
pub(crate) fn item_json(app: &App, item: &Item) -> ItemJson {
    let text = |key: &str| item.settings.text(key).unwrap_or_default().to_owned();
    let folders = match app.folders(item) {
        Ok(folders) => Sides::of(&folders, |path| {
            syncmgr_handlers::files::place::written(path)
        }),
        Err(_) => Sides {
            left: text("left"),
            right: text("right"),
        },
    };
    ItemJson {
        id: item.id.to_string(),
        name: item.name.clone(),
        folders,
    }
}
