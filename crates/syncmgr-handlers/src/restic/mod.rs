//! The handler `restic`: backups into a repository, and checks of it.
//!
//! The repository and its password reach restic in files that only this user can read: either may
//! hold a secret. Snapshots are forgotten only when a person chose how many stay.

mod chosen;
mod said;

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;
use rustix::process::Signal;
use syncmgr_model::event::EventLevel;
use syncmgr_model::item::{Item, SettingSpec};
use syncmgr_model::preview::{Action, PlannedChange, Preview};
use syncmgr_model::progress::Phase;
use syncmgr_model::record::{Summary, Tally};
use syncmgr_model::side::{PerSide, Side};
use syncmgr_model::trouble::{Code, PATHS_MAX, Trouble};

use self::chosen::{Chosen, Mode, SPECS};
use self::said::{Said, Unread};
use crate::tool::diagnose::{self, Cause};
use crate::tool::hold::plan_id;
use crate::tool::pattern::{Pattern, Reading};
use crate::tool::process::{Command, Ended, Exit, Keep};
use crate::tool::{
    Context, Job, Outcome, Program, Secret, SecretFile, Tool, Wish, job, recall, remember,
};

/// What is remembered of a repository.
const SNAPSHOTS: &str = "snapshots.json";

/// Is there while restic works, and stays when it was killed.
const RUNNING: &str = "running.json";

/// How long restic may take to take its lock away when it is stopped.
const GRACE: Duration = Duration::from_millis(1700);

/// Most changes of a look that are kept.
const PLAN_MAX: usize = 1_000_000;

static LOCKED: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"already locked(?: exclusively)? by PID (?P<pid>\d+) on (?P<host>\S+) by (?P<user>\S+)")
});

static COUNT: LazyLock<Regex> = LazyLock::new(|| regex(r"^(?P<n>\d+) snapshots?$"));

fn regex(text: &str) -> Regex {
    Regex::new(text).expect("the patterns are constants, and a test uses each")
}

/// The handler `restic`.
#[derive(Debug, Clone, Copy)]
pub struct ResticTool;

impl Tool for ResticTool {
    fn id(&self) -> &'static str {
        "restic"
    }

    fn name(&self) -> &'static str {
        "restic"
    }

    fn settings(&self) -> &'static [SettingSpec] {
        SPECS
    }

    fn program(&self) -> Option<Program> {
        Some(Program {
            name: "restic",
            package: "restic",
        })
    }

    /// The repository alone: restic reads the folders and never writes there, so a backup may run
    /// beside a sync of them.
    fn paths(&self, ctx: &Context, item: &Item) -> Vec<PathBuf> {
        let chosen = Chosen::read(ctx, item);
        chosen.ok().and_then(|it| it.local).into_iter().collect()
    }

    fn summary(&self, ctx: &Context, item: &Item) -> String {
        let Ok(chosen) = Chosen::read(ctx, item) else {
            return "its settings cannot be used".to_owned();
        };
        let repository = chosen.shown(ctx);
        let what = match chosen.mode {
            Mode::Backup => {
                let folders: Vec<_> = chosen.folders.iter().map(|it| ctx.shown(it)).collect();
                format!("{} -> {repository}", folders.join(", "))
            }
            Mode::Check => format!("check of {repository}"),
        };
        match recall::<u64>(&ctx.state_path(item), SNAPSHOTS) {
            Some(1) => format!("{what} (1 snapshot)"),
            Some(n) => format!("{what} ({n} snapshots)"),
            None => what,
        }
    }

    fn check(&self, ctx: &Context, item: &Item) -> Result<(), Trouble> {
        Chosen::read(ctx, item).map(drop)
    }

    fn preview(&self, job: &Job<'_>) -> Result<Preview, Trouble> {
        let chosen = Chosen::read(job.ctx, job.item)?;
        match chosen.mode {
            Mode::Backup => look(job, &chosen),
            Mode::Check => Ok(Preview::default()),
        }
    }

    fn sync(&self, job: &Job<'_>, wish: &Wish) -> Result<Outcome, Trouble> {
        let chosen = Chosen::read(job.ctx, job.item)?;
        let open = Open::new(job, &chosen)?;
        let marker = job.dir.join(RUNNING);
        if marker.exists() {
            // A run of ours that was killed may have left a lock. restic itself looks which locks
            // have nobody any more, and leaves all others.
            job.run(open.command(job, None).arg("unlock"), |_| Keep::No)?;
        }
        remember(job.dir, RUNNING, &true)?;
        let worked = match chosen.mode {
            Mode::Backup => backup(job, &chosen, &open, wish),
            Mode::Check => check(job, &chosen, &open),
        };
        // One that was stopped may have had to be killed.
        if worked.as_ref().is_ok_and(|it| it.was_stopped) {
            return worked;
        }
        let mut outcome = worked.inspect_err(|_| forget_marker(&marker))?;
        if chosen.mode == Mode::Backup && !chosen.keep.is_empty() {
            outcome.was_stopped = forget(job, &chosen, &open)?;
        }
        if !outcome.was_stopped {
            forget_marker(&marker);
            count(job, &open)?;
        }
        Ok(outcome)
    }
}

fn forget_marker(marker: &std::path::Path) {
    // When it stays, the next run asks restic once more than it needs to.
    fs::remove_file(marker).ok();
}

/// The files by which restic is told which repository it is and what opens it.
struct Open {
    repository: SecretFile,
    password: Option<SecretFile>,
    password_file: Option<PathBuf>,
    hidden: Vec<String>,
}

impl Open {
    fn new(job: &Job<'_>, chosen: &Chosen) -> Result<Self, Trouble> {
        let address = Secret::new(&chosen.repository);
        let repository = job.secret_file("repository", &address)?;
        if let Some(file) = &chosen.password_file {
            if !file.is_file() {
                return Err(Trouble::new(Code::NotFound)
                    .with("what", "password file")
                    .with("name", job.ctx.shown(file)));
            }
            return Ok(Self {
                repository,
                password: None,
                password_file: Some(file.clone()),
                hidden: Vec::new(),
            });
        }
        let Some(secret) = job.ctx.secret(job.item, "password")? else {
            return Err(Trouble::new(Code::SecretMissing)
                .with("name", job.item.label())
                .with("key", "password"));
        };
        Ok(Self {
            repository,
            password: Some(job.secret_file("password", &secret)?),
            password_file: None,
            hidden: vec![secret.expose().to_owned()],
        })
    }

    fn command(&self, job: &Job<'_>, chosen: Option<&Chosen>) -> Command {
        let password = match (&self.password, &self.password_file) {
            (Some(file), _) => file.path(),
            (None, Some(path)) => path,
            (None, None) => self.repository.path(),
        };
        let mut command = job
            .command()
            .stopped_by(Signal::INT, GRACE)
            .env("RESTIC_REPOSITORY_FILE", self.repository.path())
            .env("RESTIC_PASSWORD_FILE", password)
            // Without a terminal it says nothing on the way, unless it is told how often.
            .env("RESTIC_PROGRESS_FPS", "5");
        for secret in &self.hidden {
            command = command.hide(secret);
        }
        if let Some(chosen) = chosen {
            if let Some(bandwidth) = chosen.bandwidth {
                command = command.arg(format!("--limit-upload={}", (bandwidth / 1024).max(1)));
            }
            command = command.args(&chosen.options);
        }
        command
    }
}

/// A folder that is not there is a disk that is not mounted: a snapshot without it would look like a
/// backup.
fn folders_are_there(job: &Job<'_>, chosen: &Chosen) -> Result<(), Trouble> {
    for folder in &chosen.folders {
        if !folder.exists() {
            return Err(Trouble::new(Code::FolderMissing).with("folder", job.ctx.shown(folder)));
        }
    }
    Ok(())
}

fn backup_command(job: &Job<'_>, chosen: &Chosen, open: &Open) -> Command {
    let exclude = chosen.exclude.iter().map(|it| format!("--exclude={it}"));
    let tags = chosen.tags.iter().map(|it| format!("--tag={it}"));
    open.command(job, Some(chosen))
        .arg("--json")
        .arg("backup")
        .args(exclude)
        .args(tags)
}

fn backup(job: &Job<'_>, chosen: &Chosen, open: &Open, wish: &Wish) -> Result<Outcome, Trouble> {
    folders_are_there(job, chosen)?;
    job.session.phase(Phase::Checking);
    let mut command = backup_command(job, chosen, open);
    if wish.is_full {
        command = command.arg("--force");
    }
    let command = command.arg("--").args(&chosen.folders);
    let mut done = said::Summary::default();
    let mut unread = Unread::new();
    let ended = job.run(command, |line| match Said::read(line.bytes) {
        Some(Said::Status(status)) => {
            let (status, progress) = status.report();
            job.session.progress(status, &progress);
            Keep::No
        }
        Some(Said::Error { item, error }) => {
            let path = syncmgr_model::escape::escape(item.as_bytes());
            unread.entry(error.words()).or_default().push(path);
            Keep::No
        }
        Some(Said::Summary(summary)) => {
            done = summary;
            Keep::No
        }
        Some(Said::ExitError { message }) => Keep::As(message),
        Some(Said::VerboseStatus { .. } | Said::Other) => Keep::No,
        None => Keep::Yes,
    })?;
    let mut summary = Summary {
        done: PerSide {
            left: Tally::default(),
            right: Tally {
                n_copied: done.files_new,
                n_updated: done.files_changed,
                n_folders_made: done.dirs_new,
                bytes: done.data_added,
                ..Tally::default()
            },
        },
        ..Summary::default()
    };
    let was_stopped = ended.was_stopped;
    match ended.exit {
        _ if was_stopped => {}
        Exit::Code(0) => {}
        // The snapshot is there, without what could not be read.
        Exit::Code(3) => {
            summary.n_failures = name_files(job, chosen, &unread, &ended);
        }
        Exit::Code(_) | Exit::Signal(_) => return Err(trouble(job, chosen, &ended)),
    }
    Ok(Outcome {
        summary,
        was_stopped,
    })
}

fn name_files(job: &Job<'_>, chosen: &Chosen, unread: &Unread, ended: &Ended) -> u64 {
    let folders: Vec<_> = chosen.folders.iter().map(|it| job.ctx.shown(it)).collect();
    let folders = folders.join(", ");
    let mut n = 0;
    for (why, paths) in unread {
        n += paths.len() as u64;
        let mut trouble = match diagnose::cause(why) {
            Some(Cause::Denied) => Trouble::new(Code::PermissionDenied),
            _ => Trouble::new(Code::ReadWriteFailed).with("detail", job::as_detail(why)),
        }
        .with("folder", &folders)
        .with("n", paths.len());
        trouble.paths = paths.iter().take(PATHS_MAX).cloned().collect();
        job.session.say(trouble);
    }
    if n == 0 {
        job.session
            .say(job.failed(ended).at_level(EventLevel::Warning));
        return 1;
    }
    n
}

/// Says what a backup would add.
fn look(job: &Job<'_>, chosen: &Chosen) -> Result<Preview, Trouble> {
    folders_are_there(job, chosen)?;
    let open = Open::new(job, chosen)?;
    job.session.phase(Phase::Comparing);
    let command = backup_command(job, chosen, &open)
        .args(["--dry-run", "--verbose=2", "--"])
        .args(&chosen.folders);
    let mut changes = Vec::new();
    let ended = job.run(command, |line| {
        match Said::read(line.bytes) {
            Some(Said::VerboseStatus {
                action,
                item,
                data_size,
            }) => {
                job.session.phase(Phase::Comparing);
                let is_folder = item.ends_with('/');
                let action = match action.as_str() {
                    "new" if is_folder => Action::MakeFolder,
                    "new" => Action::Copy,
                    "modified" if !is_folder => Action::Update,
                    _ => return Keep::No,
                };
                if changes.len() < PLAN_MAX {
                    changes.push(change(&item, action, data_size));
                }
            }
            Some(Said::ExitError { message }) => return Keep::As(message),
            Some(Said::Status(_) | Said::Error { .. } | Said::Summary(_) | Said::Other) => {}
            None => return Keep::Yes,
        }
        Keep::No
    })?;
    match ended.exit {
        Exit::Code(0 | 3) => {}
        _ if ended.was_stopped => {}
        Exit::Code(_) | Exit::Signal(_) => return Err(trouble(job, chosen, &ended)),
    }
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Preview {
        id: plan_id(&changes),
        changes,
        ..Preview::default()
    })
}

fn change(item: &str, action: Action, bytes: u64) -> PlannedChange {
    PlannedChange {
        path: item.trim_matches('/').as_bytes().to_vec(),
        side: Side::Right,
        action,
        from: None,
        bytes,
        reason: match action {
            Action::Update => "changed",
            _ => "new",
        }
        .into(),
        is_held: false,
    }
}

fn check(job: &Job<'_>, chosen: &Chosen, open: &Open) -> Result<Outcome, Trouble> {
    job.session.phase(Phase::Checking);
    let mut command = open.command(job, Some(chosen)).arg("check");
    if let Some(part) = &chosen.check_data {
        command = command.arg(format!("--read-data-subset={part}"));
    }
    let pattern = Pattern::usual();
    let mut reading = Reading::default();
    let ended = job.run(command, |line| {
        let text = line.text();
        let Some(said) = pattern.read(&text).filter(|_| text.starts_with('[')) else {
            job.session.phase(Phase::Checking);
            return Keep::Yes;
        };
        reading.update(said);
        let (status, mut progress) = reading.progress();
        progress.phase = Phase::Checking;
        job.session.progress(status, &progress);
        Keep::No
    })?;
    let was_stopped = ended.was_stopped;
    if was_stopped || ended.exit.is_success() {
        return Ok(Outcome {
            summary: Summary::default(),
            was_stopped,
        });
    }
    if ended.output.has("repository contains errors") {
        let trouble = Trouble::new(Code::RepairNeeded)
            .with("tool", "restic")
            .with(
                "detail",
                format!("the check found errors in {}", chosen.shown(job.ctx)),
            )
            .with(
                "advice",
                "leave the repository as it is, and see what restic says about repairing it before \
                 the next `prune`",
            );
        return Err(job::with_output(trouble, &ended.output));
    }
    Err(trouble(job, chosen, &ended))
}

/// Forgets what need not stay; returns whether it was stopped.
fn forget(job: &Job<'_>, chosen: &Chosen, open: &Open) -> Result<bool, Trouble> {
    job.session.phase(Phase::Finishing);
    let keep = chosen.keep.iter().map(|(flag, n)| format!("{flag}={n}"));
    // Only snapshots of these folders: the repository may have others.
    let paths = chosen.folders.iter().map(|folder| {
        let mut arg = std::ffi::OsString::from("--path=");
        arg.push(folder);
        arg
    });
    let mut command = open
        .command(job, Some(chosen))
        .arg("forget")
        .arg("--group-by=host,paths")
        .args(keep)
        .args(paths);
    if chosen.prunes {
        command = command.arg("--prune");
    }
    let ended = job.run(command, |_| {
        job.session.phase(Phase::Finishing);
        Keep::Yes
    })?;
    if ended.was_stopped || ended.exit.is_success() {
        Ok(ended.was_stopped)
    } else {
        Err(trouble(job, chosen, &ended))
    }
}

/// Remembers how many snapshots there are; a repository that cannot say it now keeps what was known.
fn count(job: &Job<'_>, open: &Open) -> Result<(), Trouble> {
    let command = open
        .command(job, None)
        .args(["--no-lock", "snapshots", "--compact"]);
    let mut n = None;
    let ended = job.run(command, |line| {
        if let Some(found) = COUNT.captures(line.text().trim()) {
            n = found["n"].parse::<u64>().ok();
        }
        Keep::No
    })?;
    match n.filter(|_| ended.exit.is_success()) {
        Some(n) => remember(job.dir, SNAPSHOTS, &n),
        None => Ok(()),
    }
}

/// Says why the work could not be done.
fn trouble(job: &Job<'_>, chosen: &Chosen, ended: &Ended) -> Trouble {
    let place = chosen.shown(job.ctx);
    let says = |text: &str| ended.output.has(text);
    let failed = |detail: String, advice: String| {
        let trouble = Trouble::new(Code::ToolFailed)
            .with("tool", "restic")
            .with("detail", detail)
            .with("advice", advice);
        job::with_output(trouble, &ended.output)
    };
    if ended.exit == Exit::Code(12) || says("wrong password or no key found") {
        let advice = match &chosen.password_file {
            Some(file) => format!("write the right password into {}", job.ctx.shown(file)),
            None => format!(
                "set the right one with `syncmgr secret set {} password`",
                job.item.label()
            ),
        };
        return failed(format!("the password does not open {place}"), advice);
    }
    if let Some(found) = ended.output.lines().find_map(|line| LOCKED.captures(line)) {
        return locked(job, &place, &found["pid"], &found["host"], ended);
    }
    if let Some(cause) = diagnose::cause_of(&ended.output) {
        return diagnose::trouble(cause, &place, ended);
    }
    if ended.exit == Exit::Code(10) || says("Is there a repository at the following location") {
        if let Some(folder) = chosen.local.as_ref().filter(|folder| !folder.is_dir()) {
            return Trouble::new(Code::FolderMissing).with("folder", job.ctx.shown(folder));
        }
        return failed(
            format!("there is no repository in {place}"),
            "make it once with `restic init`, or name the right place with `syncmgr set`"
                .to_owned(),
        );
    }
    job.failed(ended)
}

/// Says whether a process is there.
fn is_alive(pid: u32) -> bool {
    std::path::Path::new("/proc").join(pid.to_string()).exists()
}

/// Another run has the repository, or one that was killed left its lock.
fn locked(job: &Job<'_>, place: &str, pid: &str, host: &str, ended: &Ended) -> Trouble {
    let here = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let is_here = host == here.trim();
    if !is_here || pid.parse().is_ok_and(is_alive) {
        let trouble = Trouble::new(Code::Busy).with("folder", place);
        let trouble = if is_here {
            trouble.with("pid", pid)
        } else {
            trouble
        };
        return job::with_output(trouble, &ended.output);
    }
    let trouble = Trouble::new(Code::RepairNeeded)
        .with("tool", "restic")
        .with(
            "detail",
            format!("process {pid} has ended and left a lock in {place}"),
        )
        .with(
            "advice",
            format!(
                "remove it with `restic unlock`, then `syncmgr sync {}`",
                job.item.label()
            ),
        );
    job::with_output(trouble, &ended.output)
}
