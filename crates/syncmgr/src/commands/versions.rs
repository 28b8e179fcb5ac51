//! `versions`: what was replaced or deleted, and how to get it back.

use std::ffi::{OsStr, OsString};

use clap::{Args, Subcommand};
use syncmgr_engine::path::display_bytes;
use syncmgr_model::format::{bytes, plural};
use syncmgr_model::item::Item;
use syncmgr_model::record::Version;
use syncmgr_model::request::{VersionRef, Work};

use super::Done;
use super::conflicts::{json_diff, unified};
use super::sync::{How, item_json, work_on};
use crate::app::App;
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{SCHEMA, VersionJson, VersionsOutput};
use crate::ui::when;

/// Largest text compared.
const TEXT_MAX: usize = 4 << 20;
/// Versions listed unless more were asked for.
const VERSIONS_SHOWN: usize = 50;

/// List, restore and compare kept versions of a file.
#[derive(Debug, Args)]
pub(crate) struct VersionsArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: Action,
}

/// What to do with versions.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List the versions of a file, or of everything in a folder
    List {
        /// A path inside a synced folder, or NAME:path
        path: OsString,
    },
    /// Bring a version back, on both sides
    Restore {
        /// A path inside a synced folder, or NAME:path
        path: OsString,
        /// The run that replaced it; otherwise the newest version
        #[arg(long)]
        run: Option<String>,
        /// Say what would be done; change nothing
        #[arg(long, short = 'n')]
        dry_run: bool,
    },
    /// Compare a version with the file of now
    Diff {
        /// A path inside a synced folder, or NAME:path
        path: OsString,
        /// The run that replaced it; otherwise the newest version
        #[arg(long)]
        run: Option<String>,
    },
}

/// Runs `versions`.
pub(crate) fn run(app: &mut App, args: &VersionsArgs) -> Done {
    match &args.action {
        Action::List { path } => list(app, path),
        Action::Restore { path, run, dry_run } => {
            let (item, version) = find(app, path, run.as_deref())?;
            let work = Work::Restore(VersionRef {
                run: version.run,
                side: version.side,
                path: version.path,
            });
            let how = How {
                is_dry: *dry_run,
                ..How::default()
            };
            work_on(app, &item, work, how)
        }
        Action::Diff { path, run } => diff(app, path, run.as_deref()),
    }
}

fn versions(app: &mut App, path: &OsStr) -> Result<(Item, Vec<u8>, Vec<Version>), CliError> {
    let (item, path) = app.locate(path)?;
    let versions = match app.handler(&item)?.versions() {
        Some(store) => store.list(&item, &path)?,
        None => Vec::new(),
    };
    Ok((item, path, versions))
}

fn list(app: &mut App, path: &OsStr) -> Done {
    let (item, path, versions) = versions(app, path)?;
    app.ui.json(&VersionsOutput {
        schema: SCHEMA,
        sync: item_json(app, &item),
        versions: versions.iter().map(VersionJson::from).collect(),
    });
    let keeps_versions = app.handler(&item)?.versions().is_some();
    if versions.is_empty() && !keeps_versions {
        app.ui.say(format!(
            "{} is in a folder of the sync {}; its handler, {}, keeps no versions that could be listed.",
            shown(&path),
            app.command_words(&item),
            item.handler
        ));
        return Ok(Exit::Done);
    }
    if versions.is_empty() {
        app.ui.say(format!(
            "No versions of {} are kept: it was not replaced or deleted lately.",
            shown(&path)
        ));
        return Ok(Exit::Done);
    }
    let places = app.places(&item);
    let n_shown = if app.ui.is_verbose {
        versions.len()
    } else {
        VERSIONS_SHOWN
    };
    for version in versions.iter().take(n_shown) {
        let how = if version.was_deleted {
            "deleted"
        } else {
            "replaced"
        };
        app.ui.say(format!(
            "  {}  {}  {:>9}  {how} {} in {}, from {}",
            app.ui.out.bold(version.run.as_str()),
            shown(&version.path),
            bytes(version.size),
            when(version.replaced_at, app.now()),
            places[version.side],
            when(version.modified, app.now()),
        ));
    }
    if versions.len() > n_shown {
        let n = (versions.len() - n_shown) as u64;
        app.ui.say(format!(
            "    and {} (--verbose shows all)",
            plural(n, "other version")
        ));
    }
    app.ui
        .hint("`syncmgr versions restore PATH [--run RUN]` brings one back");
    Ok(Exit::Done)
}

fn shown(path: &[u8]) -> String {
    if path.is_empty() {
        "this folder".to_owned()
    } else {
        display_bytes(path)
    }
}

fn find(app: &mut App, path: &OsStr, run: Option<&str>) -> Result<(Item, Version), CliError> {
    let (item, path, versions) = versions(app, path)?;
    let found = versions.into_iter().find(|version| {
        version.path == path && run.is_none_or(|run| version.run.as_str().starts_with(run))
    });
    found.map(|version| (item, version)).ok_or_else(|| {
        CliError::not_found(format!("no such version of {} is kept", shown(&path)))
            .hint("`syncmgr versions list PATH` shows what is kept")
    })
}

fn diff(app: &mut App, path: &OsStr, run: Option<&str>) -> Done {
    let (item, version) = find(app, path, run)?;
    let contents = match app.handler(&item)?.versions() {
        Some(store) => store.contents(&item, &version, TEXT_MAX)?,
        None => syncmgr_model::record::Contents::default(),
    };
    json_diff(&app.ui, &version.path, &contents, &[]);
    let places = app.places(&item);
    let now = contents.left.as_ref().or(contents.right.as_ref());
    match (&contents.base, now) {
        (Some(old), Some(new)) => {
            let name = format!("version of run {}", version.run);
            let now = format!("{} now", places[version.side]);
            unified(&app.ui, (&name, old), (&now, new));
        }
        (Some(_), None) => app
            .ui
            .say("The file is not there now, so there is nothing to compare."),
        (None, _) => app.ui.say("There is no text to compare."),
    }
    Ok(Exit::Done)
}
