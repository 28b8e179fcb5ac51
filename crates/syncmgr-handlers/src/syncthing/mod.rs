//! The handler `syncthing`: each item is a folder of a Syncthing that runs on this machine.
//!
//! Syncthing works all the time by itself. A run has it look at the folder now, and follows until
//! this device and those that are connected have everything; stopping a run only stops following.
//! The key of its REST interface is read from its configuration each time, and kept nowhere.

mod config;
mod conflict;
mod rest;
mod session;
mod xml;

use std::path::{Path, PathBuf};

use syncmgr_model::capability::HandlerType;
use syncmgr_model::escape::escape;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::HandlerId;
use syncmgr_model::item::{Found, Item, SettingKind, SettingSpec, Settings, Value, bad_name};
use syncmgr_model::preview::{Action, PlannedChange, Preview};
use syncmgr_model::progress::Phase;
use syncmgr_model::request::Choice;
use syncmgr_model::resolution::Abilities;
use syncmgr_model::side::Side;
use syncmgr_model::trouble::{Code, Trouble};

use self::config::{Config, Folder};
use self::rest::{Needed, Rest};
use crate::tool::hold::plan_id;
use crate::tool::settings::{optional, required, text, unusable};
use crate::tool::{Context, Job, Outcome, Program, Seen, Tool, ToolConflict, Wish, conflict_id};

/// The settings of an item.
const SPECS: &[SettingSpec] = &[
    required(
        "folder",
        SettingKind::Text,
        "the id of the folder, as the page of Syncthing shows it",
    ),
    optional(
        "config",
        SettingKind::Folder,
        "where Syncthing keeps its config.xml (its usual places)",
    ),
    optional(
        "patience",
        SettingKind::Number,
        "minutes without progress after which a run ends (10)",
    ),
];

/// Minutes without progress after which a run ends. A device that is asleep is not woken by waiting.
const PATIENCE: u64 = 10;

/// Most folders that are found: nobody has more.
const FOUND_MAX: usize = 1000;

/// Most changes of a preview for each device: pages of the REST interface have as many.
const DEVICES_MAX: usize = 64;

/// The handler `syncthing`.
#[derive(Debug, Clone, Copy)]
pub struct SyncthingTool;

/// The settings of an item and its folder, read.
struct Chosen {
    config: Config,
    folder: Folder,
    patience_ms: u64,
}

impl Chosen {
    fn read(ctx: &Context, item: &Item) -> Result<Self, Trouble> {
        let id = text(item, "folder")?;
        let dir = item.settings.text("config").map(|dir| ctx.place(dir));
        if let Some(dir) = dir.as_ref().filter(|dir| !dir.is_absolute()) {
            return Err(unusable(
                "config",
                &ctx.shown(dir),
                "it is not a whole path",
            ));
        }
        let Some(config) = config::load(ctx, dir.as_deref())? else {
            return Err(without_config(ctx, dir.as_deref()));
        };
        let Some(folder) = config.folder(id).cloned() else {
            let known: Vec<_> = config.folders.iter().map(|it| it.id.as_str()).collect();
            let why = match known.as_slice() {
                [] => "Syncthing has no folder yet".to_owned(),
                known => format!("Syncthing has the folders {}", known.join(", ")),
            };
            return Err(unusable("folder", id, why));
        };
        let patience = item.settings.number("patience").unwrap_or(PATIENCE);
        Ok(Self {
            config,
            folder,
            patience_ms: patience.saturating_mul(60_000),
        })
    }

    fn summary(&self, ctx: &Context) -> String {
        summary(ctx, &self.config, &self.folder)
    }
}

/// Says that there is no configuration: because Syncthing is not there, or never ran.
fn without_config(ctx: &Context, dir: Option<&Path>) -> Trouble {
    if let Some(dir) = dir {
        return unusable("config", &ctx.shown(dir), "there is no config.xml in it");
    }
    if ctx.find("syncthing").is_none() {
        return Trouble::new(Code::ToolMissing)
            .with("tool", "syncthing")
            .with("package", "syncthing");
    }
    Trouble::new(Code::ToolFailed)
        .with("tool", "Syncthing")
        .with("detail", "it is installed, and has no configuration yet")
        .with(
            "advice",
            "start it once, as with `systemctl --user enable --now syncthing`, which makes one; then add the folder on its page, http://127.0.0.1:8384",
        )
}

impl Tool for SyncthingTool {
    fn id(&self) -> &'static str {
        "syncthing"
    }

    fn name(&self) -> &'static str {
        "Syncthing"
    }

    fn settings(&self) -> &'static [SettingSpec] {
        SPECS
    }

    /// It runs by itself; nothing is started here.
    fn program(&self) -> Option<Program> {
        None
    }

    fn kind(&self) -> HandlerType {
        HandlerType::Service
    }

    fn paths(&self, ctx: &Context, item: &Item) -> Vec<PathBuf> {
        match Chosen::read(ctx, item) {
            Ok(chosen) if chosen.folder.path.is_absolute() => vec![chosen.folder.path],
            Ok(_) | Err(_) => Vec::new(),
        }
    }

    fn summary(&self, ctx: &Context, item: &Item) -> String {
        match Chosen::read(ctx, item) {
            Ok(chosen) => chosen.summary(ctx),
            Err(_) => "its folder is not found in Syncthing".to_owned(),
        }
    }

    fn check(&self, ctx: &Context, item: &Item) -> Result<(), Trouble> {
        Chosen::read(ctx, item).map(drop)
    }

    /// Turning the sync off pauses the folder in Syncthing, turning it on lets it go on.
    fn enable(&self, ctx: &Context, item: &Item, is_on: bool) -> Result<(), Hresult> {
        let pause = || -> Result<(), Trouble> {
            let chosen = Chosen::read(ctx, item)?;
            Rest::new(chosen.config.gui(ctx)?).pause(&chosen.folder.id, !is_on)
        };
        pause().map_err(|_| Hresult::Failed)
    }

    fn discover(&self, ctx: &Context) -> Result<Vec<Found>, Trouble> {
        let Some(config) = config::load(ctx, None)? else {
            return Ok(Vec::new());
        };
        let folders = config.folders.iter().take(FOUND_MAX);
        Ok(folders.map(|folder| found(ctx, &config, folder)).collect())
    }

    fn preview(&self, job: &Job<'_>) -> Result<Preview, Trouble> {
        let chosen = Chosen::read(job.ctx, job.item)?;
        job.session.phase(Phase::Comparing);
        let rest = Rest::new(chosen.config.gui(job.ctx)?);
        let own = rest.own_id()?;
        let mut changes: Vec<_> = rest
            .needed(&chosen.folder.id)?
            .iter()
            .map(|needed| planned(&chosen, needed, Side::Left))
            .collect();
        let others = chosen.folder.devices.iter().filter(|id| **id != own);
        for device in others.take(DEVICES_MAX) {
            if job.session.is_stopped() {
                break;
            }
            let needed = rest.needed_by(&chosen.folder.id, device)?;
            changes.extend(needed.iter().map(|it| planned(&chosen, it, Side::Right)));
        }
        changes.sort_by(|a, b| (&a.path, a.side.as_str()).cmp(&(&b.path, b.side.as_str())));
        changes.dedup();
        Ok(Preview {
            id: plan_id(&changes),
            changes,
            ..Preview::default()
        })
    }

    fn sync(&self, job: &Job<'_>, _wish: &Wish) -> Result<Outcome, Trouble> {
        let chosen = Chosen::read(job.ctx, job.item)?;
        if chosen.folder.is_paused {
            let name = escape(chosen.folder.name().as_bytes());
            return Err(Trouble::new(Code::TurnedOff).with("name", format!("{name} in Syncthing")));
        }
        session::run(job, &chosen)
    }

    fn keeps_conflicts(&self) -> bool {
        true
    }

    fn conflicts(&self, ctx: &Context, item: &Item) -> Result<Vec<ToolConflict>, Trouble> {
        let chosen = Chosen::read(ctx, item)?;
        conflict::list(ctx, &chosen.config, &chosen.folder)
    }

    fn abilities(&self) -> Abilities {
        Abilities::KEEP_SINGLE
            | Abilities::KEEP_MULTIPLE
            | Abilities::KEEP_RECENT
            | Abilities::KEEP_OTHER
    }

    fn resolve(&self, job: &Job<'_>, seen: &Seen<'_>, choice: &Choice) -> Result<(), Trouble> {
        let chosen = Chosen::read(job.ctx, job.item)?;
        let changed = conflict::resolve(job, &chosen.folder, seen, choice)?;
        if let Ok(gui) = chosen.config.gui(job.ctx) {
            let rest = Rest::new(gui);
            for path in changed {
                if let Ok(path) = std::str::from_utf8(&path) {
                    rest.look_at(&chosen.folder.id, path);
                }
            }
        }
        Ok(())
    }
}

fn summary(ctx: &Context, config: &Config, folder: &Folder) -> String {
    let names: Vec<_> = folder.devices.iter().map(|id| config.device(id)).collect();
    let names = escape(names.join(", ").as_bytes());
    format!("{} <-> {names}", ctx.shown(&folder.path))
}

fn found(ctx: &Context, config: &Config, folder: &Folder) -> Found {
    let mut settings = Settings::default();
    settings.set("folder", Value::Text(folder.id.clone()));
    let mut remarks = vec![
        "Syncthing syncs it all the time by itself; turning the sync off in syncmgr pauses the folder."
            .to_owned(),
    ];
    if folder.is_paused {
        remarks.push("The folder is paused in Syncthing.".to_owned());
    }
    let fit: String = folder
        .name()
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect();
    let name = match bad_name(&fit) {
        None => fit,
        Some(_) => format!("syncthing-{}", &conflict_id(folder.id.as_bytes())[..8]),
    };
    Found {
        handler: HandlerId::new("syncthing").expect("the id of a built-in handler is valid"),
        name,
        settings,
        summary: summary(ctx, config, folder),
        origin: ctx.shown(&config.file),
        schedule: None,
        remarks,
    }
}

fn planned(chosen: &Chosen, needed: &Needed, side: Side) -> PlannedChange {
    let is_there = side == Side::Left
        && chosen
            .folder
            .path
            .join(&needed.name)
            .symlink_metadata()
            .is_ok();
    let (action, reason) = match (needed.deleted, needed.is_folder(), side) {
        (true, true, Side::Left) => (Action::RemoveFolder, "deleted-on-right"),
        (true, true, Side::Right) => (Action::RemoveFolder, "deleted-on-left"),
        (true, false, Side::Left) => (Action::Delete, "deleted-on-right"),
        (true, false, Side::Right) => (Action::Delete, "deleted-on-left"),
        (false, true, Side::Left) => (Action::MakeFolder, "new-on-right"),
        (false, true, Side::Right) => (Action::MakeFolder, "new-on-left"),
        (false, false, Side::Left) if is_there => (Action::Update, "changed-on-right"),
        (false, false, Side::Left) => (Action::Copy, "new-on-right"),
        (false, false, Side::Right) => (Action::Update, "changed-on-left"),
    };
    PlannedChange {
        path: needed.name.clone().into_bytes(),
        side,
        action,
        from: None,
        bytes: needed.size,
        reason: reason.into(),
        is_held: false,
    }
}
