//! The handler `rclone`: copies and syncs in one direction, and bisync in both, with any remote that
//! rclone knows.
//!
//! `chosen` reads the settings, `call` runs rclone and `log` reads what it says, `oneway` and
//! `bisync` are the two kinds of runs, `state` is what bisync remembers, `conflicts` lists and
//! decides, `discover` finds what is set up already, `remotes` knows which folders it stands for.

mod bisync;
mod call;
mod chosen;
mod conflicts;
mod discover;
mod log;
mod oneway;
mod remotes;
mod state;

pub(crate) use self::discover::is_plain_remote;
pub(crate) use self::remotes::Remotes;

use std::path::PathBuf;

use syncmgr_model::item::{Found, Item, SettingSpec};
use syncmgr_model::preview::Preview;
use syncmgr_model::request::Choice;
use syncmgr_model::resolution::Abilities;
use syncmgr_model::trouble::Trouble;

use self::chosen::{Chosen, Mode, SPECS};
use crate::tool::{Context, Job, Outcome, Program, Seen, Tool, ToolConflict, Wish};

/// The handler `rclone`.
#[derive(Debug, Clone, Copy)]
pub struct RcloneTool;

impl Tool for RcloneTool {
    fn id(&self) -> &'static str {
        "rclone"
    }

    fn name(&self) -> &'static str {
        "rclone"
    }

    fn settings(&self) -> &'static [SettingSpec] {
        SPECS
    }

    fn program(&self) -> Option<Program> {
        Some(Program {
            name: "rclone",
            package: "rclone",
        })
    }

    fn paths(&self, ctx: &Context, item: &Item) -> Vec<PathBuf> {
        let Ok(chosen) = Chosen::read(ctx, item) else {
            return Vec::new();
        };
        let remotes = Remotes::load(ctx, chosen.config.as_deref());
        let folders = chosen.both().into_iter().map(|it| remotes.folders(ctx, it));
        folders.flatten().collect()
    }

    fn summary(&self, ctx: &Context, item: &Item) -> String {
        let Ok(chosen) = Chosen::read(ctx, item) else {
            return "its settings cannot be used".to_owned();
        };
        let arrow = match chosen.mode {
            Mode::Copy | Mode::Sync => "->",
            Mode::Bisync => "<->",
        };
        format!(
            "{} {arrow} {}",
            chosen.from.shown(ctx),
            chosen.to.shown(ctx)
        )
    }

    fn check(&self, ctx: &Context, item: &Item) -> Result<(), Trouble> {
        Chosen::read(ctx, item).map(drop)
    }

    fn discover(&self, ctx: &Context) -> Result<Vec<Found>, Trouble> {
        discover::discover(ctx)
    }

    fn preview(&self, job: &Job<'_>) -> Result<Preview, Trouble> {
        let chosen = Chosen::read(job.ctx, job.item)?;
        match chosen.mode {
            Mode::Copy | Mode::Sync => oneway::preview(job, &chosen),
            Mode::Bisync => bisync::preview(job, &chosen),
        }
    }

    fn sync(&self, job: &Job<'_>, wish: &Wish) -> Result<Outcome, Trouble> {
        let chosen = Chosen::read(job.ctx, job.item)?;
        match chosen.mode {
            Mode::Copy | Mode::Sync => oneway::sync(job, &chosen, wish),
            Mode::Bisync => bisync::sync(job, &chosen, wish),
        }
    }

    fn keeps_conflicts(&self) -> bool {
        true
    }

    fn conflicts(&self, ctx: &Context, item: &Item) -> Result<Vec<ToolConflict>, Trouble> {
        let chosen = Chosen::read(ctx, item)?;
        Ok(match chosen.mode {
            Mode::Copy | Mode::Sync => Vec::new(),
            Mode::Bisync => conflicts::list(ctx, item, &chosen),
        })
    }

    fn abilities(&self) -> Abilities {
        Abilities::KEEP_SINGLE
            | Abilities::KEEP_MULTIPLE
            | Abilities::KEEP_RECENT
            | Abilities::KEEP_OTHER
    }

    fn resolve(&self, job: &Job<'_>, seen: &Seen<'_>, choice: &Choice) -> Result<(), Trouble> {
        let chosen = Chosen::read(job.ctx, job.item)?;
        conflicts::resolve(job, &chosen, seen, choice)
    }

    fn resolved(&self, job: &Job<'_>) -> Result<Outcome, Trouble> {
        let chosen = Chosen::read(job.ctx, job.item)?;
        bisync::sync_decided(job, &chosen, &conflicts::decided(job))
    }
}
