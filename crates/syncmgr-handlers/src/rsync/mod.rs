//! The handler `rsync`: one folder is copied into another, in one direction.
//!
//! Deletions are made only when a person chose that. Then a look comes first: too many of them, or
//! all because the source is empty, wait for an OK while the rest is copied. What a run replaces or
//! deletes is moved into `.syncmgr-kept/RUN` of the target.

mod chosen;
mod said;

use std::fs;
use std::path::PathBuf;

use rustix::process::Signal;
use syncmgr_model::event::EventLevel;
use syncmgr_model::item::{Item, SettingSpec};
use syncmgr_model::preview::{Action, Census, PlannedChange, Preview};
use syncmgr_model::progress::Phase;
use syncmgr_model::record::{Summary, Tally};
use syncmgr_model::side::PerSide;
use syncmgr_model::trouble::{Code, PATHS_MAX, Trouble};

use self::chosen::{Chosen, SPECS};
use self::said::{CauseKey, LeftAlone, OUT_FORMAT, Progress};
use crate::tool::diagnose::{self, Cause};
use crate::tool::hold::{Hold, is_deletion, plan_id};
use crate::tool::process::{Command, Ended, Exit, GRACE, Keep, Stream};
use crate::tool::{Context, Job, Outcome, Program, Tool, Wish, aside, job};

/// Most lines about files of a plan that are kept: a plan that is longer is not read by anybody.
const PLAN_MAX: usize = 1_000_000;

/// The handler `rsync`.
#[derive(Debug, Clone, Copy)]
pub struct RsyncTool;

impl Tool for RsyncTool {
    fn id(&self) -> &'static str {
        "rsync"
    }

    fn name(&self) -> &'static str {
        "rsync"
    }

    fn settings(&self) -> &'static [SettingSpec] {
        SPECS
    }

    fn program(&self) -> Option<Program> {
        Some(Program {
            name: "rsync",
            package: "rsync",
        })
    }

    fn paths(&self, ctx: &Context, item: &Item) -> Vec<PathBuf> {
        let Ok(chosen) = Chosen::read(ctx, item) else {
            return Vec::new();
        };
        [chosen.source, chosen.target]
            .iter()
            .filter_map(|place| place.local().cloned())
            .collect()
    }

    fn summary(&self, ctx: &Context, item: &Item) -> String {
        match Chosen::read(ctx, item) {
            Ok(chosen) => format!(
                "{} -> {}",
                chosen.source.shown(ctx),
                chosen.target.shown(ctx)
            ),
            Err(_) => "its settings cannot be used".to_owned(),
        }
    }

    fn check(&self, ctx: &Context, item: &Item) -> Result<(), Trouble> {
        Chosen::read(ctx, item).map(drop)
    }

    fn preview(&self, job: &Job<'_>) -> Result<Preview, Trouble> {
        let chosen = Chosen::read(job.ctx, job.item)?;
        folders_are_there(job, &chosen)?;
        let look = look(job, &chosen, false)?;
        let mut preview = Preview {
            id: plan_id(&look.changes),
            census: PerSide {
                left: look.census,
                right: Census::default(),
            },
            ..Preview::default()
        };
        if let Some(hold) = look.hold(&chosen) {
            preview
                .troubles
                .push(hold.trouble(&chosen.target.shown(job.ctx), look.n_in_target()));
            preview.held_id = Some(hold.id);
        }
        preview.changes = look.changes;
        for change in &mut preview.changes {
            change.is_held = preview.held_id.is_some() && is_deletion(change);
        }
        preview.changes.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(preview)
    }

    fn sync(&self, job: &Job<'_>, wish: &Wish) -> Result<Outcome, Trouble> {
        let chosen = Chosen::read(job.ctx, job.item)?;
        folders_are_there(job, &chosen)?;
        let mut deletes = Deletes::No;
        let mut held = None;
        if chosen.deletes {
            let look = look(job, &chosen, wish.is_full)?;
            if look.was_stopped {
                return Ok(stopped(Summary::default()));
            }
            let hold = look.hold(&chosen);
            let n_planned = look.changes.iter().filter(|it| is_deletion(it)).count() as u64;
            deletes = match (&wish.release, &hold) {
                (Some(allowed), _) => {
                    Hold::check(hold.as_ref(), allowed)?;
                    Deletes::AtMost(n_planned)
                }
                // As many as were seen: whatever vanished since then waits for the next look.
                (None, None) => Deletes::AtMost(n_planned),
                (None, Some(_)) => Deletes::No,
            };
            if wish.release.is_none() {
                held = hold.map(|hold| (hold, look.n_in_target()));
            }
        } else if let Some(allowed) = &wish.release {
            Hold::check(None, allowed)?;
        }
        let mut outcome = copy(job, &chosen, wish.is_full, deletes)?;
        if let Some((hold, n_total)) = held {
            outcome.summary.n_held += hold.n_files.max(1);
            job.session
                .say(hold.trouble(&chosen.target.shown(job.ctx), n_total));
        }
        if !outcome.was_stopped
            && let Some(target) = chosen.target.local()
        {
            aside::forget_old(target, chosen.keep_days, job.ctx.now());
        }
        Ok(outcome)
    }
}

/// What a run may delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deletes {
    No,
    AtMost(u64),
}

fn stopped(summary: Summary) -> Outcome {
    Outcome {
        summary,
        was_stopped: true,
    }
}

/// A folder that is not there is a disk that is not mounted: rsync would fill the place where it
/// belongs, or take everything for deleted.
fn folders_are_there(job: &Job<'_>, chosen: &Chosen) -> Result<(), Trouble> {
    for place in [&chosen.source, &chosen.target] {
        let Some(folder) = place.local() else {
            continue;
        };
        let shown = || job.ctx.shown(folder);
        match fs::metadata(folder) {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => {
                return Err(Trouble::new(Code::FolderUnusable)
                    .with("folder", shown())
                    .with("detail", "it is no folder"));
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(Trouble::new(Code::FolderMissing).with("folder", shown()));
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

fn command(job: &Job<'_>, chosen: &Chosen, is_full: bool) -> Command {
    let mut command = job
        .command()
        .stopped_by(Signal::TERM, GRACE)
        .args(["--archive", "--stats", "--outbuf=L", OUT_FORMAT])
        // What both ends keep for themselves.
        .arg(format!("--exclude=/{}/", aside::DIR))
        .arg("--exclude=/.syncmgr/");
    if let Some(ssh) = chosen.shell() {
        command = command.arg(format!("--rsh={ssh}"));
    }
    if is_full {
        command = command.arg("--checksum");
    }
    if let Some(bandwidth) = chosen.bandwidth {
        // In KiB; less than one would be no limit.
        command = command.arg(format!("--bwlimit={}", (bandwidth / 1024).max(1)));
    }
    let exclude = chosen.exclude.iter();
    command
        .args(exclude.map(|pattern| format!("--exclude={pattern}")))
        .args(&chosen.options)
}

fn places(command: Command, chosen: &Chosen) -> Command {
    command
        .arg("--")
        .arg(chosen.source.argument())
        .arg(chosen.target.argument())
}

/// What a look found.
struct Look {
    changes: Vec<PlannedChange>,
    census: Census,
    was_stopped: bool,
}

impl Look {
    /// Returns how many files the target has: those of the source that are there already, and those
    /// that would go.
    fn n_in_target(&self) -> u64 {
        let n = |action| self.changes.iter().filter(|it| it.action == action).count() as u64;
        self.census.n_files.saturating_sub(n(Action::Copy)) + n(Action::Delete)
    }

    fn hold(&self, chosen: &Chosen) -> Option<Hold> {
        Hold::of(&self.changes, chosen.max_delete, self.census.n_files == 0)
    }
}

/// Looks what a run would do; writes nothing.
fn look(job: &Job<'_>, chosen: &Chosen, is_full: bool) -> Result<Look, Trouble> {
    job.session.phase(Phase::Comparing);
    let mut command = command(job, chosen, is_full).arg("--dry-run");
    if chosen.deletes {
        command = command.arg("--delete");
    }
    let mut changes = Vec::new();
    let mut census = Census::default();
    let ended = job.run(places(command, chosen), |line| {
        if let Some(change) = said::change(line.bytes) {
            if changes.len() < PLAN_MAX {
                changes.push(change);
            }
            job.session.phase(Phase::Comparing);
            return Keep::No;
        }
        take_census(&line.text(), &mut census);
        Keep::Yes
    })?;
    match ended.exit {
        _ if ended.was_stopped => {}
        Exit::Code(0 | 24) => {}
        // What cannot be read now cannot be read by the run either, which names it. But a source
        // that was not read whole says nothing about what is missing in it.
        Exit::Code(23) if !chosen.deletes => {}
        Exit::Code(23) => changes.retain(|change| !is_deletion(change)),
        Exit::Code(_) | Exit::Signal(_) => return Err(trouble(job, chosen, &ended)),
    }
    Ok(Look {
        changes,
        census,
        was_stopped: ended.was_stopped,
    })
}

/// Reads `Number of files: 1,234 (reg: 1,000, dir: 234)` and `Total file size: 5 bytes`.
fn take_census(line: &str, census: &mut Census) {
    let number = |text: &str| -> Option<u64> {
        let digits: String = text
            .chars()
            .take_while(|c| c.is_ascii_digit() || *c == ',')
            .collect();
        digits.replace(',', "").parse().ok()
    };
    if let Some(rest) = line.strip_prefix("Number of files: ") {
        let folders = rest.split("dir: ").nth(1).and_then(number).unwrap_or(0);
        census.n_folders = folders;
        census.n_files = number(rest).unwrap_or(0).saturating_sub(folders);
    } else if let Some(rest) = line.strip_prefix("Total file size: ") {
        census.bytes = number(rest).unwrap_or(0);
    }
}

/// Copies, and deletes what it may.
fn copy(
    job: &Job<'_>,
    chosen: &Chosen,
    is_full: bool,
    deletes: Deletes,
) -> Result<Outcome, Trouble> {
    job.session.phase(Phase::Checking);
    let mut command = command(job, chosen, is_full).arg("--info=progress2");
    if chosen.keep_days > 0 {
        let dir = format!("--backup-dir={}/{}", aside::DIR, job.session.id());
        command = command.arg("--backup").arg(dir);
    }
    if let Deletes::AtMost(n) = deletes {
        // Before a file is copied over a folder it has to go, and so that a full disk has room.
        command = command.args(["--delete-during".to_owned(), format!("--max-delete={n}")]);
    }
    let mut tally = Tally::default();
    let mut left = LeftAlone::default();
    let mut current: Vec<u8> = Vec::new();
    let ended = job.run(places(command, chosen), |line| {
        if let Some(change) = said::change(line.bytes) {
            said::count(&mut tally, &change);
            current = change.path;
            return Keep::No;
        }
        let text = line.text();
        if let Some(at) = Progress::read(&text) {
            let current = (!current.is_empty()).then_some(current.as_slice());
            let (status, progress) = at.report(current);
            job.session.progress(status, &progress);
            return Keep::No;
        }
        if line.from == Stream::Err {
            left.take(&text);
        }
        Keep::Yes
    })?;
    let mut summary = Summary {
        done: PerSide {
            left: Tally::default(),
            right: tally,
        },
        ..Summary::default()
    };
    if ended.was_stopped {
        return Ok(stopped(summary));
    }
    match ended.exit {
        Exit::Code(0) => {}
        Exit::Code(23 | 24) if left.n_failed() + left.vanished.len() as u64 > 0 => {
            summary.n_failures = left.n_failed();
            summary.n_warnings = left.vanished.len() as u64;
            name_files(job, chosen, &left, &ended);
        }
        Exit::Code(25) => {
            summary.n_held = 1;
            // More vanished between the look and the run; the next run shows and holds them.
            let n = chosen.max_delete;
            job.session.say(
                Trouble::new(Code::TooManyDeletions)
                    .with("folder", chosen.target.shown(job.ctx))
                    .with("n_deletions", n + 1)
                    .with("n_files", n + 1),
            );
        }
        Exit::Code(_) | Exit::Signal(_) => return Err(trouble(job, chosen, &ended)),
    }
    Ok(Outcome {
        summary,
        was_stopped: false,
    })
}

/// Names the files that were left alone, one message for each cause.
fn name_files(job: &Job<'_>, chosen: &Chosen, left: &LeftAlone, ended: &Ended) {
    let both = || {
        format!(
            "{} or {}",
            chosen.source.shown(job.ctx),
            chosen.target.shown(job.ctx)
        )
    };
    for ((cause, why), paths) in &left.failed {
        let code = match cause {
            Some(CauseKey::NoSpace) => Code::DiskFull,
            Some(CauseKey::Denied) => Code::PermissionDenied,
            Some(CauseKey::ReadOnly) => Code::ReadOnly,
            None => Code::ReadWriteFailed,
        };
        let folder = match cause {
            Some(CauseKey::NoSpace | CauseKey::ReadOnly) => chosen.target.shown(job.ctx),
            Some(CauseKey::Denied) | None => both(),
        };
        let mut trouble = Trouble::new(code)
            .with("folder", folder)
            .with("n", paths.len());
        if cause.is_none() {
            trouble = trouble.with("detail", job::as_detail(why));
        }
        trouble.paths = paths.iter().take(PATHS_MAX).cloned().collect();
        job.session.say(job::with_output(trouble, &ended.errors));
    }
    if !left.vanished.is_empty() {
        let mut trouble = Trouble::new(Code::FileChangedDuringCopy)
            .at_level(EventLevel::Warning)
            .with("n", left.vanished.len());
        trouble.paths = left.vanished.iter().take(PATHS_MAX).cloned().collect();
        job.session.say(trouble);
    }
}

/// Says why the work could not be done.
fn trouble(job: &Job<'_>, chosen: &Chosen, ended: &Ended) -> Trouble {
    let source = chosen.source.shown(job.ctx);
    let target = chosen.target.shown(job.ctx);
    let remote = match (chosen.source.local(), chosen.target.local()) {
        (None, _) => &source,
        (_, _) => &target,
    };
    let has_remote = chosen.source.local().is_none() || chosen.target.local().is_none();
    match diagnose::cause_of(&ended.errors) {
        Some(cause @ (Cause::Unreachable | Cause::SignIn | Cause::HostKey)) => {
            diagnose::trouble(cause, remote, ended)
        }
        Some(cause @ (Cause::NoSpace | Cause::ReadOnly)) => {
            diagnose::trouble(cause, &target, ended)
        }
        // Without a password, a server that asks for one says so in words of its own.
        None if ended.errors.has("auth failed on module") => {
            diagnose::trouble(Cause::SignIn, remote, ended)
        }
        None if has_remote && matches!(ended.exit, Exit::Code(10 | 30 | 35))
            || ended.errors.has("connection unexpectedly closed")
                && ended.exit == Exit::Code(255) =>
        {
            diagnose::trouble(Cause::Unreachable, remote, ended)
        }
        Some(Cause::Denied) | None => {
            // Its last words name the line of its source that ended it; the first say why.
            let mut errors = ended.errors.lines();
            let first = errors.find(|line| !line.starts_with("rsync error"));
            let trouble = job.failed(ended);
            match first {
                Some(first) => trouble.with("detail", job::as_detail(first)),
                None => trouble,
            }
        }
    }
}
