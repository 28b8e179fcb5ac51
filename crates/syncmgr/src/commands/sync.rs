//! `sync` and `preview`; and what every command that changes files shares: preview or run.

use std::collections::BTreeSet;
use std::ffi::OsString;

use clap::Args;
use syncmgr_model::item::Item;
use syncmgr_model::preview::Preview;
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::request::{Intent, Work};
use syncmgr_model::schedule::text::parse_duration;
use syncmgr_model::status::Status;

use super::{Done, several};
use crate::app::{App, Waited, Wish, key};
use crate::cli::SettingArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{AcceptedJson, ItemJson, PreviewOutput, RunOutput, RunsOutput, SCHEMA, Sides};
use crate::ui::{self, safe};

/// Bring two folders together, or syncs.
#[derive(Debug, Args)]
pub(crate) struct SyncArgs {
    /// Two folders, or names of syncs
    #[arg(value_name = "LEFT RIGHT|NAME", required_unless_present_any = ["all", "retry_failed"])]
    pub(crate) targets: Vec<OsString>,
    /// All syncs that are turned on: the saved ones, and those that handlers list
    #[arg(long, conflicts_with = "targets")]
    pub(crate) all: bool,
    /// Only those whose last run left something undone; of all syncs when none is named
    #[arg(long)]
    pub(crate) retry_failed: bool,
    /// Return as soon as the daemon has taken it
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) no_wait: bool,
    /// Wait at most so long, as 10m; in the daemon the run goes on
    #[arg(long, value_name = "DURATION")]
    pub(crate) timeout: Option<String>,
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
    let timeout = args.timeout.as_deref().map(parse_duration).transpose();
    let how = How {
        is_dry,
        is_strict: args.strict,
        all_files: args.files,
        wish: Wish {
            no_wait: args.no_wait,
            timeout_ms: timeout.map_err(|error| {
                CliError::usage(format!("--timeout: {}", safe(&error.to_string())))
            })?,
        },
    };
    let work = Work::Sync {
        is_full: args.full,
        release: args.allow_deletions.clone(),
    };
    let targets = targets(app, args)?;
    match targets.as_slice() {
        [one] if !args.all && !args.retry_failed && !args.no_wait => work_on(app, one, work, how),
        many => {
            if many.len() > 1 && args.allow_deletions.is_some() {
                return Err(CliError::usage(
                    "--allow-deletions lets go what one sync holds; name that sync alone",
                ));
            }
            several::run(app, many, &work, how)
        }
    }
}

/// Finds what is to be synced.
fn targets(app: &mut App, args: &SyncArgs) -> Result<Vec<Item>, CliError> {
    let items = match args.targets.as_slice() {
        [] if args.retry_failed => app.known()?,
        [] => {
            // Folders that were synced without being saved are synced when they are named.
            let mut all = app.known()?;
            all.retain(|item| item.name.is_some() || !App::is_sided(item));
            all
        }
        [one] => vec![app.target(one, None, &args.settings)?],
        [left, right] if !app.are_names(left, right)? => {
            vec![app.target(left, Some(right), &args.settings)?]
        }
        names => {
            let find = |name: &OsString| app.target(name, None, &args.settings);
            let mut items: Vec<Item> = names.iter().map(find).collect::<Result<_, _>>()?;
            let mut seen = BTreeSet::new();
            items.retain(|item| seen.insert(key(item)));
            items
        }
    };
    if !args.all && !args.retry_failed {
        return Ok(items);
    }
    let states = app.states(&items)?;
    let mut chosen = Vec::new();
    for (mut item, state) in items.into_iter().zip(states) {
        let is_meant = if args.retry_failed {
            let left = state.last.as_ref().map(|last| last.summary.n_failures);
            matches!(state.status, Status::Failed | Status::Offline) || left.unwrap_or(0) > 0
        } else {
            state.is_enabled
        };
        if is_meant {
            if App::is_sided(&item) {
                crate::app::apply(&mut item.settings, &args.settings)?;
            }
            chosen.push(item);
        }
    }
    Ok(chosen)
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
    /// How long it is waited for.
    pub(crate) wish: Wish,
}

/// What is printed as JSON.
pub(crate) enum Answer {
    /// It was done.
    Run(Box<RunOutput>),
    /// It would be done.
    Preview(Box<PreviewOutput>),
    /// It goes on, and nobody waits.
    Accepted(Box<AcceptedJson>),
}

/// Previews work, or does it and says how it went.
pub(crate) fn work_on(app: &mut App, item: &Item, work: Work, how: How) -> Done {
    let (exit, answer) = carry_out(app, item, work, how)?;
    match answer {
        Answer::Run(run) => app.ui.json(&*run),
        Answer::Preview(preview) => app.ui.json(&*preview),
        Answer::Accepted(accepted) => app.ui.json(&RunsOutput {
            schema: SCHEMA,
            accepted: vec![*accepted],
            ..RunsOutput::default()
        }),
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
    let is_decision = matches!(work, Work::Resolve(_) | Work::Restore(_));
    let waited = app.run_as(item, work, Intent::Apply, how.wish)?;
    Ok(say(app, item, waited, is_decision, how))
}

/// Says how a run ended, or that it goes on.
pub(crate) fn say(
    app: &mut App,
    item: &Item,
    waited: Waited,
    is_decision: bool,
    how: How,
) -> (Exit, Answer) {
    let names = app.sides(item);
    let words = app.command_words(item) + &app.one_off;
    let outcome = match waited {
        Waited::Ended(outcome) => outcome,
        Waited::GoesOn(taken) => {
            let done = match &*taken.taken {
                "started" => "Started",
                "joined" => "Runs already:",
                _ => "Queued",
            };
            app.ui
                .say(format!("{done} {words} (run {}).", safe(&taken.run)));
            app.ui.hint(format!("`syncmgr watch {words}` shows it"));
            let accepted = AcceptedJson {
                sync: item_json(app, item),
                run: taken.run,
                taken: taken.taken,
            };
            return (Exit::Done, Answer::Accepted(Box::new(accepted)));
        }
    };
    ui::run::print(&app.ui, &outcome, names.as_ref(), &words);
    let is_undone = App::is_sided(item);
    if is_decision && is_undone && outcome.record.status == Some(ProgressStatus::Succeeded) {
        app.ui.hint(format!(
            "replaced files are kept as versions; `syncmgr undo {}` takes this back",
            outcome.record.id
        ));
    }
    let answer = Answer::Run(Box::new(RunOutput::of(item_json(app, item), &outcome)));
    (Exit::of_run(&outcome, how.is_strict), answer)
}

fn would_do(app: &mut App, item: &Item, work: Work, how: How) -> Result<PreviewOutput, CliError> {
    let is_sync = matches!(work, Work::Sync { .. });
    let preview = app.preview(item, work)?;
    Ok(say_preview(app, item, &preview, is_sync, how))
}

/// Says what a run would do.
pub(crate) fn say_preview(
    app: &App,
    item: &Item,
    preview: &Preview,
    is_sync: bool,
    how: How,
) -> PreviewOutput {
    let names = app.sides(item);
    let words = app.command_words(item) + &app.one_off;
    if is_sync {
        app.ui.say(heading(app, item));
    }
    // Few decisions are named one by one; a sync is summed up unless every path was asked for.
    let all_files = how.all_files || (!is_sync && preview.changes.len() <= FILES_NAMED);
    ui::preview::print(&app.ui, preview, names.as_ref(), all_files);
    if !how.all_files && !preview.changes.is_empty() && is_sync {
        app.ui
            .hint(format!("every path: `syncmgr preview {words} --files`"));
    }
    if let Some(id) = &preview.held_id {
        app.ui.hint(format!(
            "allow the held changes once: `syncmgr sync {words} --allow-deletions {id}`"
        ));
    }
    PreviewOutput::of(item_json(app, item), preview)
}

/// Writes the line that says what is meant: the two folders, or what the handler says.
pub(crate) fn heading(app: &App, item: &Item) -> String {
    let name = app.label(item).unwrap_or_default();
    let gap = if name.is_empty() { "" } else { "  " };
    let how = if App::is_sided(item) {
        item.settings.text("mode").unwrap_or("two-way")
    } else {
        item.handler.as_str()
    };
    format!(
        "{}{gap}{}   {}",
        app.ui.out.bold(&name),
        app.line(item),
        app.ui.out.dim(how)
    )
}

/// Converts an item for JSON.
pub(crate) fn item_json(app: &App, item: &Item) -> ItemJson {
    let text = |key: &str| match App::is_sided(item) {
        true => item.settings.text(key).unwrap_or_default().to_owned(),
        false => String::new(),
    };
    let folders = match app.folders(item) {
        Ok(folders) => Sides::of(&folders, |path| {
            syncmgr_handlers::files::place::written(path)
        }),
        Err(_) => Sides {
            left: text("left"),
            right: text("right"),
        },
    };
    let face = app.face(item);
    ItemJson {
        id: item.id.to_string(),
        name: item.name.clone(),
        folders,
        title: app.label(item).unwrap_or_default(),
        summary: face.summary,
        paths: face
            .paths
            .iter()
            .map(|path| syncmgr_handlers::files::place::written(path))
            .collect(),
    }
}
