//! The handler `git`: many clones, each fetched, brought forward where that is possible without a
//! decision, and pushed when a person chose that.
//!
//! Nothing is ever merged, rebased or forced. A clone that has parted from the branch that it
//! follows is listed as a conflict and stays as it is; one with changes that are not committed stays
//! as it is too.

mod clones;
mod run;
mod said;

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use syncmgr_model::conflict::{ConflictKind, Facts, Kind};
use syncmgr_model::escape::escape;
use syncmgr_model::event::EventLevel;
use syncmgr_model::format::plural;
use syncmgr_model::id::HandlerId;
use syncmgr_model::item::{Found, Item, SettingKind, SettingSpec, Settings, Value};
use syncmgr_model::preview::{Action, PlannedChange, Preview};
use syncmgr_model::progress::{Phase, ProgressStatus};
use syncmgr_model::record::Summary;
use syncmgr_model::resolution::Abilities;
use syncmgr_model::side::{PerSide, Side};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, PATHS_MAX, Trouble};
use syncmgr_sdk::ItemProgress;

use self::run::{Became, Clone, Why, standing};
use crate::tool::hold::plan_id;
use crate::tool::process::{Keep, Stream};
use crate::tool::settings::{YES_NO, folder, is_yes, optional, unusable};
use crate::tool::{
    Context, ENV, Job, Outcome, PROGRAM, Program, Tool, ToolConflict, Version, Wish, conflict_id,
    recall, remember,
};

/// The settings of an item.
const SPECS: &[SettingSpec] = &[
    optional("folder", SettingKind::Folder, "where the clones are"),
    optional(
        "depth",
        SettingKind::Number,
        "how many folders deep clones are looked for (3)",
    ),
    optional(
        "clones",
        SettingKind::List,
        "single clones, instead of a folder",
    ),
    optional(
        "push",
        YES_NO,
        "also push commits that only this machine has (no)",
    ),
    optional(
        "hooks",
        YES_NO,
        "run hooks and other programs that the repositories themselves name (no)",
    ),
    PROGRAM,
    ENV,
];

/// How deep clones are looked for.
const DEPTH: u64 = 3;
/// Deepest that may be asked for.
const DEPTH_MAX: u64 = 10;

/// Where people keep clones, below the home folder.
const USUAL: &[&str] = &[
    "src",
    "code",
    "projects",
    "git",
    "work",
    "repos",
    "dev",
    "Projects",
    "Code",
    "workspace",
];
/// How deep clones are looked for there.
const USUAL_DEPTH: u64 = 2;

/// Where the clones that have parted are remembered.
const PARTED: &str = "parted.json";

/// The handler `git`.
#[derive(Debug, Clone, Copy)]
pub struct GitTool;

/// The settings, read.
struct Chosen {
    folder: Option<PathBuf>,
    depth: u64,
    clones: Vec<PathBuf>,
    pushes: bool,
    trusts_hooks: bool,
}

impl Chosen {
    fn read(ctx: &Context, item: &Item) -> Result<Self, Trouble> {
        let named = item.settings.list("clones");
        let folder = match item.settings.text("folder") {
            Some(_) => Some(folder(ctx, item, "folder")?),
            None => None,
        };
        if folder.is_none() && named.is_empty() {
            return Err(unusable("folder", "", "neither it nor `clones` is set"));
        }
        let mut clones = Vec::new();
        for text in named {
            let path = ctx.place(text);
            if !path.is_absolute() {
                return Err(unusable("clones", text, "it is not a whole path"));
            }
            clones.push(path);
        }
        if clones.len() > clones::CLONES_MAX {
            return Err(unusable("clones", "", "there are more than 2000"));
        }
        let depth = item.settings.number("depth").unwrap_or(DEPTH);
        if depth > DEPTH_MAX {
            return Err(unusable("depth", &depth.to_string(), "it is more than 10"));
        }
        Ok(Self {
            folder,
            depth,
            clones,
            pushes: is_yes(item, "push"),
            trusts_hooks: is_yes(item, "hooks"),
        })
    }

    /// Returns the clones; what was named and is none is named.
    fn find(&self, ctx: &Context) -> Result<Vec<PathBuf>, Trouble> {
        let mut all = self.clones.clone();
        if let Some(folder) = &self.folder {
            let found = clones::find(folder, self.depth).map_err(|e| {
                let shown = ctx.shown(folder);
                match e.kind() {
                    std::io::ErrorKind::NotFound => Trouble::new(Code::FolderMissing)
                        .with("side", "left")
                        .with("folder", shown),
                    _ => Trouble::new(Code::FolderUnusable)
                        .with("folder", shown)
                        .with("detail", e),
                }
            })?;
            all.extend(found);
        }
        all.sort();
        all.dedup();
        Ok(all)
    }

    /// Returns what a clone is called: its path below the folder.
    fn name(&self, ctx: &Context, dir: &Path) -> String {
        let below = self
            .folder
            .as_ref()
            .and_then(|folder| dir.strip_prefix(folder).ok())
            .filter(|below| !below.as_os_str().is_empty());
        match below {
            Some(below) => escape(below.as_os_str().as_bytes()),
            None => ctx.shown(dir),
        }
    }
}

/// One end of a branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    id: String,
    committed_ms: i64,
    subjects: Vec<String>,
}

/// A clone that has parted from the branch that it follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Parted {
    dir: PathBuf,
    branch: String,
    upstream: String,
    n_here: u64,
    n_there: u64,
    here: Head,
    there: Head,
    since_ms: i64,
}

impl Tool for GitTool {
    fn id(&self) -> &'static str {
        "git"
    }

    fn name(&self) -> &'static str {
        "git"
    }

    fn settings(&self) -> &'static [SettingSpec] {
        SPECS
    }

    fn program(&self) -> Option<Program> {
        Some(Program {
            name: "git",
            package: "git",
        })
    }

    fn paths(&self, ctx: &Context, item: &Item) -> Vec<PathBuf> {
        match Chosen::read(ctx, item) {
            Ok(chosen) => chosen.folder.into_iter().chain(chosen.clones).collect(),
            Err(_) => Vec::new(),
        }
    }

    fn summary(&self, ctx: &Context, item: &Item) -> String {
        match Chosen::read(ctx, item) {
            Ok(chosen) => match (&chosen.folder, chosen.clones.as_slice()) {
                (Some(folder), _) => format!("clones in {}", ctx.shown(folder)),
                (None, [one]) => ctx.shown(one),
                (None, many) => plural(many.len() as u64, "clone"),
            },
            Err(_) => "its settings cannot be used".to_owned(),
        }
    }

    fn check(&self, ctx: &Context, item: &Item) -> Result<(), Trouble> {
        Chosen::read(ctx, item).map(drop)
    }

    fn discover(&self, ctx: &Context) -> Result<Vec<Found>, Trouble> {
        let Some(home) = ctx.home() else {
            return Ok(Vec::new());
        };
        let found = USUAL.iter().filter_map(|name| {
            let folder = home.join(name);
            // A link to another of them would be found twice.
            let is_dir = folder.symlink_metadata().is_ok_and(|meta| meta.is_dir());
            let clones = is_dir.then(|| clones::find(&folder, USUAL_DEPTH).ok())??;
            (!clones.is_empty()).then(|| found(ctx, name, &folder, clones.len()))
        });
        Ok(found.collect())
    }

    /// Says what is known since the last fetch: asking the other sides would already change what a
    /// clone knows of them.
    fn preview(&self, job: &Job<'_>) -> Result<Preview, Trouble> {
        let chosen = Chosen::read(job.ctx, job.item)?;
        let ssh = ssh_command(job)?;
        let mut changes = Vec::new();
        for dir in chosen.find(job.ctx)? {
            if job.session.is_stopped() {
                break;
            }
            job.session.phase(Phase::Comparing);
            let clone = Clone {
                job,
                chosen: &chosen,
                dir: &dir,
                ssh: &ssh,
            };
            let Ok(Some(status)) = clone.status() else {
                continue;
            };
            let side = match (standing(&status), status.ahead_behind) {
                (None, Some((0, 1..))) if status.n_dirty == 0 => Side::Left,
                (None, Some((1.., 0))) if chosen.pushes => Side::Right,
                (None | Some(_), _) => continue,
            };
            changes.push(PlannedChange {
                path: chosen.name(job.ctx, &dir).into_bytes(),
                side,
                action: Action::Update,
                from: None,
                bytes: 0,
                reason: match side {
                    Side::Left => "changed-on-right".into(),
                    Side::Right => "changed-on-left".into(),
                },
                is_held: false,
            });
        }
        Ok(Preview {
            id: plan_id(&changes),
            changes,
            ..Preview::default()
        })
    }

    fn sync(&self, job: &Job<'_>, _wish: &Wish) -> Result<Outcome, Trouble> {
        let chosen = Chosen::read(job.ctx, job.item)?;
        job.session.phase(Phase::Checking);
        let clones = chosen.find(job.ctx)?;
        if clones.is_empty() {
            let place = chosen.folder.as_deref().unwrap_or(Path::new(""));
            return Err(Trouble::new(Code::NotFound)
                .with("what", "clone")
                .with("name", job.ctx.shown(place)));
        }
        all(job, &chosen, &clones)
    }

    fn keeps_conflicts(&self) -> bool {
        true
    }

    fn conflicts(&self, ctx: &Context, item: &Item) -> Result<Vec<ToolConflict>, Trouble> {
        let chosen = Chosen::read(ctx, item)?;
        let parted: Vec<Parted> = recall(&ctx.state_path(item), PARTED).unwrap_or_default();
        Ok(parted
            .iter()
            .filter(|it| clones::is_clone(&it.dir))
            .map(|it| conflict_of(ctx, &chosen, it))
            .collect())
    }

    fn conflict_word(&self, _conflict: &ToolConflict) -> &'static str {
        "diverged"
    }

    /// None: which commits are right is not for a program to say.
    fn abilities(&self) -> Abilities {
        Abilities::empty()
    }
}

fn found(ctx: &Context, name: &str, folder: &Path, n: usize) -> Found {
    let mut settings = Settings::default();
    settings.set("folder", Value::Text(format!("~/{name}")));
    settings.set("depth", Value::Number(USUAL_DEPTH));
    Found {
        handler: HandlerId::new("git").expect("the id of a built-in handler is valid"),
        name: format!("git-{name}"),
        settings,
        summary: format!("{} in {}", plural(n as u64, "clone"), ctx.shown(folder)),
        origin: ctx.shown(folder),
        schedule: None,
        remarks: vec![
            "Clones are fetched and brought forward; nothing is pushed unless you set `push`."
                .to_owned(),
        ],
    }
}

/// Returns how the person has git call ssh.
fn ssh_command(job: &Job<'_>) -> Result<String, Trouble> {
    let mut said = None;
    let args = [
        "config",
        "--global",
        "--includes",
        "--get",
        "core.sshCommand",
    ];
    job.run(job.command().args(args), |line| {
        if line.from == Stream::Out {
            said = Some(line.text().into_owned());
        }
        Keep::No
    })?;
    Ok(said.unwrap_or_else(|| "ssh".to_owned()))
}

/// Works on all clones, one after the other: their servers are often the same.
fn all(job: &Job<'_>, chosen: &Chosen, clones: &[PathBuf]) -> Result<Outcome, Trouble> {
    let ssh = ssh_command(job)?;
    let mut summary = Summary::default();
    let mut left: BTreeMap<Why, Vec<String>> = BTreeMap::new();
    let mut failed: Vec<(String, Trouble)> = Vec::new();
    let before: Vec<Parted> = recall(job.dir, PARTED).unwrap_or_default();
    let mut parted: Vec<Parted> = Vec::new();
    let mut was_stopped = false;
    for (n, dir) in clones.iter().enumerate() {
        if was_stopped || job.session.is_stopped() {
            was_stopped = true;
            // Nothing new is known about those that were not reached.
            parted.extend(before.iter().filter(|it| it.dir == *dir).cloned());
            continue;
        }
        let name = chosen.name(job.ctx, dir);
        let report = |percent: u64| report(job, n, clones.len(), percent, &name);
        report(0);
        let clone = Clone {
            job,
            chosen,
            dir,
            ssh: &ssh,
        };
        match clone.sync(&report) {
            Ok(Became::Same) => {}
            Ok(Became::Pulled) => summary.done.left.n_updated += 1,
            Ok(Became::Pushed) => summary.done.right.n_updated += 1,
            Ok(Became::Parted(mut it)) => {
                let old = before.iter().find(|old| old.dir == *dir);
                it.since_ms = old.map_or(it.since_ms, |old| old.since_ms);
                parted.push(*it);
            }
            Ok(Became::Left(why)) => left.entry(why).or_default().push(name),
            Ok(Became::Stopped) => {
                was_stopped = true;
                parted.extend(before.iter().filter(|it| it.dir == *dir).cloned());
            }
            Err(trouble) => {
                parted.extend(before.iter().filter(|it| it.dir == *dir).cloned());
                failed.push((name, trouble));
            }
        }
    }
    remember(job.dir, PARTED, &parted)?;
    if !was_stopped {
        report(job, clones.len(), clones.len(), 0, "");
    }
    for (why, names) in left {
        // That something could be pushed is said by its count alone, when nobody asked for it.
        if why == Why::Dirty {
            summary.n_warnings += names.len() as u64;
        }
        job.session.say(of_left(why, names));
    }
    summary.n_failures = failed.len() as u64;
    // When no clone could be synced for one reason, that is what happened.
    let is_all = failed.len() == clones.len();
    let groups = grouped(failed);
    if is_all && groups.len() == 1 {
        return Err(groups.into_iter().next().expect("there is one"));
    }
    for trouble in groups {
        job.session.say(trouble);
    }
    Ok(Outcome {
        summary,
        was_stopped,
    })
}

fn report(job: &Job<'_>, n_done: usize, n_total: usize, percent: u64, name: &str) {
    // What is transferred is not known in bytes before it is there; git says percents.
    let current = match percent {
        0 => name.to_owned(),
        percent => format!("{name} ({percent} %)"),
    };
    let progress = ItemProgress {
        phase: Phase::Copying,
        n_done: n_done as u64,
        n_total: Some(n_total as u64),
        bytes_total: Some(0),
        current: (!name.is_empty()).then_some(current.as_bytes()),
        ..ItemProgress::default()
    };
    job.session.progress(ProgressStatus::Updating, &progress);
}

/// Makes one message of equal ones, with the names of the clones.
fn grouped(failed: Vec<(String, Trouble)>) -> Vec<Trouble> {
    let mut groups: Vec<Trouble> = Vec::new();
    for (name, trouble) in failed {
        let key = |it: &Trouble| {
            let place = it.params.get("name").or_else(|| it.params.get("place"));
            (it.code, place.cloned(), it.params.get("advice").cloned())
        };
        match groups.iter_mut().find(|it| key(it) == key(&trouble)) {
            Some(group) if group.paths.len() < PATHS_MAX => group.paths.push(name),
            Some(_) => {}
            None => {
                let mut trouble = trouble;
                trouble.paths = vec![name];
                groups.push(trouble);
            }
        }
    }
    groups
}

fn of_left(why: Why, names: Vec<String>) -> Trouble {
    let n = plural(names.len() as u64, "clone");
    let (text, level) = match why {
        Why::Dirty => (
            format!(
                "{n} with changes that are not committed: new commits were fetched, the files stay as they are. Commit the changes, then sync again."
            ),
            EventLevel::Warning,
        ),
        Why::Detached => (
            format!(
                "{n} without a branch checked out: fetched only. Check a branch out with `git switch` to have it brought forward."
            ),
            EventLevel::Information,
        ),
        Why::NoUpstream => (
            format!(
                "{n} on a branch that follows none: fetched only. Name one with `git branch --set-upstream-to`."
            ),
            EventLevel::Information,
        ),
        Why::UpstreamGone => (
            format!(
                "{n} on a branch whose other side is gone: left alone. Choose another one with `git switch`."
            ),
            EventLevel::Warning,
        ),
        Why::NoRemote => (
            format!("{n} without a remote: nothing to sync with. Add one with `git remote add`."),
            EventLevel::Information,
        ),
        Why::NotPushed => (
            format!(
                "{n} with commits that only this machine has. Push them, or set `push` to have that done."
            ),
            EventLevel::Information,
        ),
    };
    let mut trouble = Trouble::new(Code::HandlerSays)
        .with("name", text)
        .with("description", "")
        .at_level(level);
    trouble.paths = names.into_iter().take(PATHS_MAX).collect();
    trouble
}

fn conflict_of(ctx: &Context, chosen: &Chosen, parted: &Parted) -> ToolConflict {
    let version = |place: &str, head: &Head| Version {
        place: escape(place.as_bytes()),
        full: format!("{} {}", escape(place.as_bytes()), head.id),
        facts: Facts::Present {
            kind: Kind::Folder,
            // A branch has no size.
            size: 0,
            modified: Timestamp(head.committed_ms),
        },
        file: None,
    };
    let folder = chosen.folder.as_deref();
    let below = folder.and_then(|folder| parted.dir.strip_prefix(folder).ok());
    let path = below.unwrap_or(&parted.dir).as_os_str();
    ToolConflict {
        id: conflict_id(parted.dir.as_os_str().as_bytes()),
        path: path.as_bytes().to_vec(),
        kind: ConflictKind::BothChanged,
        description: Some(format!(
            "diverged: {} on {} here ({}), {} on {} ({}); in {}, run `git merge` or `git rebase`, then sync again",
            plural(parted.n_here, "commit"),
            escape(parted.branch.as_bytes()),
            parted.here.subjects.join("; "),
            plural(parted.n_there, "commit"),
            escape(parted.upstream.as_bytes()),
            parted.there.subjects.join("; "),
            ctx.shown(&parted.dir)
        )),
        since: Some(Timestamp(parted.since_ms)),
        sides: PerSide {
            left: version(&parted.branch, &parted.here),
            right: version(&parted.upstream, &parted.there),
        },
    }
}
