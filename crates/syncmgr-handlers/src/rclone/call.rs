//! Calls rclone, and says what it means when that did not work.

use std::fs;

use rustix::process::Signal;
use syncmgr_model::progress::Phase;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, PATHS_MAX, Trouble};

use super::chosen::{Chosen, Place};
use super::log::{Entry, Read, Reason};
use crate::tool::diagnose::{self, Cause};
use crate::tool::process::{Command, Ended, Exit, GRACE, Keep};
use crate::tool::{Job, SecretFile, aside, job};

/// The name of the file that a password lies in while rclone works.
const PASSWORD: &str = "config-password";

/// A command, and what has to stay until it has ended.
pub(super) struct Call {
    pub(super) command: Command,
    _password: Option<SecretFile>,
}

/// Builds a call of a command of rclone.
///
/// # Errors
/// When the password of the configuration cannot be handed over.
pub(super) fn call(job: &Job<'_>, chosen: &Chosen, words: &[&str]) -> Result<Call, Trouble> {
    let mut command = job
        .command()
        .stopped_by(Signal::INT, GRACE)
        .args(words)
        .args([
            "--use-json-log",
            "-v",
            "--stats=500ms",
            // The center tries again; here each try would say everything once more.
            "--retries=1",
            "--low-level-retries=3",
            "--contimeout=15s",
            "--ask-password=false",
        ]);
    if let Some(config) = &chosen.config {
        command = command.arg("--config").arg(config);
    }
    let mut password = None;
    if let Some(secret) = job.ctx.secret(job.item, "config_password")? {
        let file = job.secret_file(PASSWORD, &secret)?;
        let quoted = file.path().to_string_lossy().replace('"', "\"\"");
        command = command
            .arg(format!("--password-command=cat \"{quoted}\""))
            .hide(secret.expose());
        password = Some(file);
    }
    Ok(Call {
        command: command.args(&chosen.options),
        _password: password,
    })
}

/// Adds the rules about what is synced, and how fast.
pub(super) fn rules(command: Command, chosen: &Chosen, filters: &str) -> Command {
    let own = ["/.syncmgr/**".to_owned(), format!("/{}/**", aside::DIR)];
    let left_out = own.iter().chain(&chosen.exclude);
    let mut command = command.args(left_out.map(|pattern| format!("--filter=- {pattern}")));
    if let Some(file) = &chosen.filters {
        command = command.arg(filters).arg(file);
    }
    if let Some(bandwidth) = chosen.bandwidth {
        command = command.arg(format!("--bwlimit={bandwidth}B"));
    }
    command
}

/// Runs a call and reads its log into `read`; `phase` is what it is doing until it counts files.
pub(super) fn run(
    job: &Job<'_>,
    call: Call,
    read: &mut Read,
    phase: Phase,
) -> Result<Ended, Trouble> {
    job.session.phase(phase);
    let is_look = phase == Phase::Comparing;
    job.run(call.command, |line| {
        let Some(entry) = Entry::read(line.bytes) else {
            return Keep::Yes;
        };
        read.take(&entry);
        if let Some(stats) = &entry.stats {
            let (status, progress) = stats.report();
            if is_look {
                job.session.phase(phase);
            } else {
                job.session.progress(status, &progress);
            }
        }
        if entry.is_worth_keeping() {
            Keep::As(entry.line())
        } else {
            Keep::No
        }
    })
}

/// Says that local folders are not there: disks that are not mounted, most likely.
pub(super) fn folders_are_there(job: &Job<'_>, chosen: &Chosen) -> Result<(), Trouble> {
    for folder in chosen.both().into_iter().filter_map(Place::local) {
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

/// Says why a call could not do its work.
pub(super) fn trouble(job: &Job<'_>, chosen: &Chosen, read: &Read, ended: &Ended) -> Trouble {
    let says =
        |text: &str| ended.output.has(text) || read.errors.iter().any(|it| it.contains(text));
    let remote = chosen
        .both()
        .into_iter()
        .find(|place| place.local().is_none())
        .unwrap_or(&chosen.to)
        .shown(job.ctx);
    let failed = || {
        let detail = read.errors.first().map(String::as_str);
        let trouble = job.failed(ended);
        match detail {
            Some(detail) => trouble.with("detail", job::as_detail(detail)),
            None => trouble,
        }
    };
    if says("unable to decrypt configuration") || says("Couldn't decrypt configuration") {
        return Trouble::new(Code::SecretMissing)
            .with("name", job.item.label())
            .with("key", "config_password");
    }
    if says("didn't find section in config file") {
        return failed().with(
            "advice",
            "set the remote up with `rclone config`, or name the right file with the setting `config`",
        );
    }
    if says("unknown flag") {
        return failed().with(
            "advice",
            "update rclone: bisync needs version 1.66 or later",
        );
    }
    if let Some(cause) = read
        .errors
        .iter()
        .find_map(|line| diagnose::cause(line))
        .or_else(|| diagnose::cause_of(&ended.output))
    {
        return match cause {
            Cause::Unreachable | Cause::SignIn | Cause::HostKey => {
                diagnose::trouble(cause, &remote, ended)
            }
            Cause::NoSpace | Cause::Denied | Cause::ReadOnly => {
                diagnose::trouble(cause, &chosen.to.shown(job.ctx), ended)
            }
        };
    }
    if ended.exit == Exit::Code(3) {
        return Trouble::new(Code::FolderMissing).with("folder", chosen.from.shown(job.ctx));
    }
    failed()
}

/// Names the files that were left alone, one message for each cause; returns how many.
pub(super) fn name_files(job: &Job<'_>, chosen: &Chosen, read: &Read, ended: &Ended) -> u64 {
    let to = chosen.to.shown(job.ctx);
    let both = format!("{} or {to}", chosen.from.shown(job.ctx));
    let mut n = 0;
    for (reason, paths) in &read.failed {
        n += paths.len() as u64;
        let (code, folder, detail) = match reason {
            Reason::NoSpace => (Code::DiskFull, &to, None),
            Reason::ReadOnly => (Code::ReadOnly, &to, None),
            Reason::Denied => (Code::PermissionDenied, &both, None),
            Reason::Other(words) => (Code::ReadWriteFailed, &both, Some(words)),
        };
        let mut trouble = Trouble::new(code)
            .with("folder", folder)
            .with("n", paths.len());
        if let Some(words) = detail {
            trouble = trouble.with("detail", job::as_detail(words));
        }
        trouble.paths = paths.iter().take(PATHS_MAX).cloned().collect();
        job.session.say(job::with_output(trouble, &ended.output));
    }
    n
}

/// Removes what local folders keep of runs that are too long ago.
pub(super) fn forget_old(chosen: &Chosen, now: Timestamp) {
    for folder in chosen.both().into_iter().filter_map(Place::local) {
        aside::forget_old(folder, chosen.keep_days, now);
    }
}

/// Returns where a run keeps what it replaces at a place.
pub(super) fn kept_at(place: &Place, run: &str) -> std::ffi::OsString {
    // With the slash, a store of objects is not asked whether it is one of them.
    place.beneath(&format!("{}/{run}/", aside::DIR))
}
