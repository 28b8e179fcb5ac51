//! The handler `unison`: each item is a profile that a person wrote for Unison.
//!
//! A run is `unison PROFILE -batch`, with the preferences of the profile. What both sides changed is
//! skipped by Unison and listed here as a conflict; a decision is one more run on exactly that path.
//! What the last run skipped is remembered in the state of the item, because asking starts no
//! process.

mod emptied;
mod profile;
mod resolve;
mod run;
mod said;
mod trouble;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use syncmgr_model::conflict::{ConflictKind, Facts};
use syncmgr_model::escape::escape;
use syncmgr_model::event::EventLevel;
use syncmgr_model::id::HandlerId;
use syncmgr_model::item::{Found, Item, SettingKind, SettingSpec, Settings, Value, bad_name};
use syncmgr_model::preview::{Action, PlannedChange, Preview};
use syncmgr_model::progress::Phase;
use syncmgr_model::record::Summary;
use syncmgr_model::request::Choice;
use syncmgr_model::resolution::Abilities;
use syncmgr_model::side::{PerSide, Side};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, PATHS_MAX, Trouble};

use self::profile::{Profile, Root};
use self::run::Request;
use self::said::{Change, Seen, Way};
use crate::tool;
use crate::tool::hold::plan_id;
use crate::tool::settings::{required, text, unusable};
use crate::tool::{
    Context, ENV, Job, Outcome, PROGRAM, Program, Tool, ToolConflict, Version, Wish, conflict_id,
    recall, remember,
};

/// The settings of an item.
const SPECS: &[SettingSpec] = &[
    required(
        "profile",
        SettingKind::Text,
        "the profile of Unison: the name of its .prf file without .prf",
    ),
    PROGRAM,
    ENV,
];

/// Where the conflicts of the last run are remembered.
const CONFLICTS: &str = "conflicts.json";

/// The handler `unison`.
#[derive(Debug, Clone, Copy)]
pub struct UnisonTool;

/// The settings of an item and its profile, read.
struct Chosen {
    name: String,
    profile: Profile,
    roots: [Root; 2],
}

impl Chosen {
    fn read(ctx: &Context, item: &Item) -> Result<Self, Trouble> {
        let name = text(item, "profile")?;
        let Some(dir) = profile::folder(ctx) else {
            return Err(unusable("profile", name, "there is no home folder"));
        };
        let profile = Profile::load(&dir, name)?;
        let Some(roots) = profile.roots(ctx.home()) else {
            return Err(unusable("profile", name, "it does not name two roots"));
        };
        Ok(Self {
            name: name.to_owned(),
            profile,
            roots,
        })
    }

    fn summary(&self, ctx: &Context) -> String {
        let [left, right] = &self.roots;
        format!("{} <-> {}", left.shown(ctx), right.shown(ctx))
    }

    fn root(&self, side: Side) -> &Root {
        match side {
            Side::Left => &self.roots[0],
            Side::Right => &self.roots[1],
        }
    }

    fn remote(&self) -> Option<&Root> {
        self.roots.iter().find(|root| root.local.is_none())
    }
}

/// A conflict that the last run skipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Skipped {
    path: Vec<u8>,
    kind: String,
    is_props: bool,
    since_ms: i64,
    left: Seen,
    right: Seen,
}

impl Skipped {
    fn of(change: &Change, since: Timestamp) -> Self {
        Self {
            path: change.path.clone(),
            kind: change.conflict_kind().as_str().to_owned(),
            is_props: change.is_props(),
            since_ms: since.0,
            left: change.seen.left,
            right: change.seen.right,
        }
    }

    fn seen(&self, side: Side) -> Seen {
        match side {
            Side::Left => self.left,
            Side::Right => self.right,
        }
    }
}

impl Tool for UnisonTool {
    fn id(&self) -> &'static str {
        "unison"
    }

    fn name(&self) -> &'static str {
        "Unison"
    }

    fn settings(&self) -> &'static [SettingSpec] {
        SPECS
    }

    fn program(&self) -> Option<Program> {
        Some(Program {
            name: "unison",
            package: "unison",
        })
    }

    fn paths(&self, ctx: &Context, item: &Item) -> Vec<PathBuf> {
        let Ok(chosen) = Chosen::read(ctx, item) else {
            return Vec::new();
        };
        let local = chosen.roots.into_iter().filter_map(|root| root.local);
        local.filter(|path| path.is_absolute()).collect()
    }

    fn summary(&self, ctx: &Context, item: &Item) -> String {
        match Chosen::read(ctx, item) {
            Ok(chosen) => chosen.summary(ctx),
            Err(_) => "its profile cannot be read".to_owned(),
        }
    }

    fn check(&self, ctx: &Context, item: &Item) -> Result<(), Trouble> {
        Chosen::read(ctx, item).map(drop)
    }

    fn discover(&self, ctx: &Context) -> Result<Vec<Found>, Trouble> {
        let Some(dir) = profile::folder(ctx) else {
            return Ok(Vec::new());
        };
        let names = match profile::names(&dir) {
            Ok(names) => names,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => {
                return Err(Trouble::new(Code::FolderUnusable)
                    .with("folder", ctx.shown(&dir))
                    .with("detail", e));
            }
        };
        // One without two roots is a part that others include; one that cannot be read is no sync.
        let found = names.into_iter().filter_map(|name| {
            let profile = Profile::load(&dir, &name).ok()?;
            let roots = profile.roots(ctx.home())?;
            let origin = ctx.shown(&dir.join(format!("{name}.prf")));
            let chosen = Chosen {
                name,
                profile,
                roots,
            };
            Some(found(ctx, &chosen, origin))
        });
        Ok(found.collect())
    }

    fn preview(&self, job: &Job<'_>) -> Result<Preview, Trouble> {
        let chosen = Chosen::read(job.ctx, job.item)?;
        roots_are_there(job, &chosen)?;
        job.session.phase(Phase::Comparing);
        let ran = look(job, &chosen, &Request::default())?;
        if ran.ended.was_stopped {
            return Ok(Preview::default());
        }
        if !ran.has_looked {
            return Err(trouble::of(job, &chosen, &ran.ended));
        }
        if emptied::is_it(&ran.ended) {
            return emptied::preview(job, &chosen);
        }
        Ok(preview_of(job, &ran.list.changes, ran.asked_to_begin))
    }

    fn sync(&self, job: &Job<'_>, wish: &Wish) -> Result<Outcome, Trouble> {
        let chosen = Chosen::read(job.ctx, job.item)?;
        roots_are_there(job, &chosen)?;
        if let Some(plan) = &wish.release {
            emptied::check(job, &chosen, plan)?;
        }
        let request = Request {
            allows_emptied: wish.release.is_some(),
            ..Request::default()
        };
        let mut ran = run::batch(job, &chosen, &request)?;
        if !ran.was_whole() && emptied::is_it(&ran.ended) && wish.release.is_none() {
            let preview = emptied::preview(job, &chosen)?;
            if preview.held_id.is_some() {
                return Ok(hold(job, preview));
            }
            ran = run::batch(job, &chosen, &emptied::without_deletions(&chosen))?;
        }
        let was_whole = ran.was_whole();
        if was_whole && !ran.ended.was_stopped {
            remember_skipped(job, &ran.list.changes)?;
        }
        if ran.ended.was_stopped {
            return Ok(Outcome {
                summary: ran.summary(),
                was_stopped: true,
            });
        }
        if !was_whole {
            return Err(trouble::of(job, &chosen, &ran.ended));
        }
        name_left(job, &chosen, &ran);
        Ok(Outcome {
            summary: ran.summary(),
            was_stopped: false,
        })
    }

    fn keeps_conflicts(&self) -> bool {
        true
    }

    fn conflicts(&self, ctx: &Context, item: &Item) -> Result<Vec<ToolConflict>, Trouble> {
        let skipped: Vec<Skipped> = recall(&ctx.state_path(item), CONFLICTS).unwrap_or_default();
        if skipped.is_empty() {
            return Ok(Vec::new());
        }
        let chosen = Chosen::read(ctx, item)?;
        Ok(skipped
            .iter()
            .map(|it| conflict_of(ctx, &chosen, it))
            .collect())
    }

    fn abilities(&self) -> Abilities {
        Abilities::KEEP_SINGLE
            | Abilities::KEEP_MULTIPLE
            | Abilities::KEEP_RECENT
            | Abilities::KEEP_OTHER
    }

    fn resolve(
        &self,
        job: &Job<'_>,
        seen: &tool::Seen<'_>,
        choice: &Choice,
    ) -> Result<(), Trouble> {
        let chosen = Chosen::read(job.ctx, job.item)?;
        roots_are_there(job, &chosen)?;
        resolve::resolve(job, &chosen, seen, choice)
    }
}

fn found(ctx: &Context, chosen: &Chosen, origin: String) -> Found {
    let mut settings = Settings::default();
    settings.set("profile", Value::Text(chosen.name.clone()));
    let mut remarks = Vec::new();
    if chosen.profile.last("repeat").is_some() {
        remarks.push(
            "The profile repeats by itself; syncmgr runs it once at a time, by its own schedule."
                .to_owned(),
        );
    }
    for key in ["prefer", "force"] {
        if let Some(value) = chosen.profile.last(key) {
            let value = escape(value.as_bytes());
            remarks.push(format!(
                "The profile has `{key} = {value}`, so changes on the other side can be overwritten without asking."
            ));
        }
    }
    Found {
        handler: HandlerId::new("unison").expect("the id of a built-in handler is valid"),
        name: fit_name(&chosen.name),
        settings,
        summary: chosen.summary(ctx),
        origin,
        schedule: None,
        remarks,
    }
}

/// Makes the name of a profile one that can be typed in a command line.
fn fit_name(name: &str) -> String {
    let fit: String = name
        .chars()
        .map(|c| match c {
            c if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') => c,
            _ => '-',
        })
        .collect();
    match bad_name(&fit) {
        None => fit,
        Some(_) => format!("unison-{}", &conflict_id(name.as_bytes())[..8]),
    }
}

/// A folder that is not there is a disk that is not mounted: Unison would take everything in it for
/// deleted.
fn roots_are_there(job: &Job<'_>, chosen: &Chosen) -> Result<(), Trouble> {
    for side in Side::BOTH {
        let Some(path) = &chosen.root(side).local else {
            continue;
        };
        let shown = || job.ctx.shown(path);
        match fs::metadata(path) {
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(Trouble::new(Code::FolderMissing)
                    .with("side", side.as_str())
                    .with("folder", shown()));
            }
            Err(e) => {
                return Err(Trouble::new(Code::FolderUnusable)
                    .with("folder", shown())
                    .with("detail", e));
            }
        }
    }
    Ok(())
}

/// Says what waits for a person. Unison did nothing at all.
fn hold(job: &Job<'_>, preview: Preview) -> Outcome {
    let mut summary = Summary::default();
    for trouble in preview.troubles {
        summary.n_held += u64::from(trouble.code == Code::SideEmptied);
        job.session.say(trouble);
    }
    Outcome {
        summary,
        was_stopped: false,
    }
}

/// Asks what a run would do.
fn look(job: &Job<'_>, chosen: &Chosen, request: &Request) -> Result<run::Ran, Trouble> {
    // It asks about each change; the answers list all of them, and leave.
    let answers = |before: &str| -> Result<File, Trouble> {
        let unusable = |e: std::io::Error| Trouble::new(Code::StateUnusable).with("detail", e);
        let path = job.dir.join(format!("{}.answers", job.session.id()));
        let file = File::create(&path)
            .and_then(|mut file| write!(file, "{before}l\nq\n"))
            .and_then(|()| File::open(&path));
        // The child has it open.
        drop(fs::remove_file(&path));
        file.map_err(unusable)
    };
    let ran = run::look(job, chosen, request, answers("")?)?;
    if !ran.asked_to_begin {
        return Ok(ran);
    }
    // Nothing was agreed before, and it first wants to be told that this was read.
    let ran = run::look(job, chosen, request, answers("\n")?)?;
    Ok(run::Ran {
        asked_to_begin: true,
        ..ran
    })
}

/// Remembers what was skipped; one that was there before keeps its time.
fn remember_skipped(job: &Job<'_>, changes: &[Change]) -> Result<(), Trouble> {
    let before: Vec<Skipped> = recall(job.dir, CONFLICTS).unwrap_or_default();
    let now = job.ctx.now();
    let mut skipped: Vec<_> = changes
        .iter()
        .filter(|change| change.way == Way::Conflict && change.is_whole)
        .map(|change| {
            let old = before.iter().find(|old| old.path == change.path);
            Skipped::of(change, old.map_or(now, |old| Timestamp(old.since_ms)))
        })
        .collect();
    skipped.sort_by(|a, b| a.path.cmp(&b.path));
    remember(job.dir, CONFLICTS, &skipped)
}

fn conflict_of(ctx: &Context, chosen: &Chosen, skipped: &Skipped) -> ToolConflict {
    let version = |side| {
        let root = chosen.root(side);
        let place = root.shown(ctx);
        let full = format!("{place}/{}", escape(&skipped.path));
        match &root.local {
            Some(local) => Version::of_file(&place, full, run::below(local, &skipped.path)),
            None => Version {
                place,
                full,
                facts: skipped.seen(side).facts(),
                file: None,
            },
        }
    };
    ToolConflict {
        id: conflict_id(&skipped.path),
        path: skipped.path.clone(),
        kind: ConflictKind::parse(&skipped.kind).unwrap_or(ConflictKind::BothChanged),
        description: skipped
            .is_props
            .then(|| "permissions or times differ".to_owned()),
        since: Some(Timestamp(skipped.since_ms)),
        sides: PerSide::from_fn(version),
    }
}

fn preview_of(job: &Job<'_>, changes: &[Change], is_first: bool) -> Preview {
    let mut preview = Preview {
        is_first,
        ..Preview::default()
    };
    let mut errors = Vec::new();
    for change in changes.iter().filter(|change| change.is_whole) {
        match change.way {
            Way::To(side) => preview.changes.push(planned(change, side)),
            Way::Merge => {
                for side in Side::BOTH {
                    preview.changes.push(planned(change, side));
                }
            }
            Way::Conflict => {
                let kind = change.conflict_kind();
                preview.conflicts.push(syncmgr_model::conflict::Conflict {
                    id: String::new(),
                    path: change.path.clone(),
                    kind,
                    sides: PerSide::from_fn(|side| change.seen[side].facts()),
                    n_within: 0,
                    since: None,
                });
            }
            Way::Error => errors.push(escape(&change.path)),
        }
    }
    if !errors.is_empty() {
        preview.troubles.push(unsyncable(job, errors));
    }
    preview.changes.sort_by(|a, b| a.path.cmp(&b.path));
    preview.id = plan_id(&preview.changes);
    preview
}

fn planned(change: &Change, side: Side) -> PlannedChange {
    let word = change.words[side.other()].as_str();
    let (action, reason) = match (word, side) {
        ("deleted", Side::Left) => (run::deletion(change, side), "deleted-on-right"),
        ("deleted", Side::Right) => (run::deletion(change, side), "deleted-on-left"),
        ("props", _) => (Action::SetAttributes, "attributes-changed"),
        ("dir" | "new dir", Side::Left) => (Action::MakeFolder, "new-on-right"),
        ("dir" | "new dir", Side::Right) => (Action::MakeFolder, "new-on-left"),
        ("changed", Side::Left) => (Action::Update, "changed-on-right"),
        ("changed", Side::Right) => (Action::Update, "changed-on-left"),
        (_, Side::Left) => (Action::Copy, "new-on-right"),
        (_, Side::Right) => (Action::Copy, "new-on-left"),
    };
    PlannedChange {
        path: change.path.clone(),
        side,
        action,
        from: None,
        bytes: change.seen[side.other()].size(),
        reason: reason.into(),
        is_held: false,
    }
}

fn unsyncable(job: &Job<'_>, paths: Vec<String>) -> Trouble {
    let mut trouble = Trouble::new(Code::Unsyncable)
        .at_level(EventLevel::Warning)
        .with("folder", job.item.label())
        .with("n", paths.len());
    trouble.paths = paths.into_iter().take(PATHS_MAX).collect();
    trouble
}

/// Names what was left alone.
fn name_left(job: &Job<'_>, chosen: &Chosen, ran: &run::Ran) {
    let errors: Vec<_> = ran
        .list
        .changes
        .iter()
        .filter(|change| change.way == Way::Error)
        .map(|change| escape(&change.path))
        .collect();
    if !errors.is_empty() {
        job.session.say(unsyncable(job, errors));
    }
    for trouble in trouble::of_failures(job, chosen, ran) {
        job.session.say(trouble);
    }
    let n_unreadable = ran
        .list
        .changes
        .iter()
        .filter(|change| !change.is_whole)
        .count();
    if n_unreadable > 0 {
        job.session.say(
            Trouble::new(Code::NameNotAllowed)
                .at_level(EventLevel::Warning)
                .with("folder", chosen.summary(job.ctx))
                .with("n", n_unreadable),
        );
    }
}

/// Says whether a content is there.
fn is_present(facts: Facts) -> bool {
    matches!(facts, Facts::Present { .. })
}
