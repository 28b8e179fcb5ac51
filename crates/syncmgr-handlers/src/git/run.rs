//! Works on one clone: fetch, fast-forward, push.

use std::path::Path;

use syncmgr_model::escape::escape;
use syncmgr_model::trouble::{Code, Trouble};

use super::Chosen;
use super::said::{self, Status};
use super::{Head, Parted};
use crate::tool::diagnose::{self, Cause};
use crate::tool::process::{Command, Ended, Keep, Line};
use crate::tool::{Job, job};

/// How ssh connects: nobody is there to answer it.
const SSH: &str = "-o BatchMode=yes -o ConnectTimeout=15";

/// Most commits that are named on each side.
const SUBJECTS_MAX: usize = 3;

/// What became of a clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Became {
    /// It was up to date.
    Same,
    /// It got commits of the other side.
    Pulled,
    /// The other side got its commits.
    Pushed,
    /// Both have commits of their own.
    Parted(Box<Parted>),
    /// Left alone, for a reason.
    Left(Why),
    /// A person stopped it.
    Stopped,
}

/// Why a clone was left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Why {
    /// It has changes that are not committed, and the other side has new commits.
    Dirty,
    /// No branch is checked out.
    Detached,
    /// Its branch follows none.
    NoUpstream,
    /// The branch that it follows is gone.
    UpstreamGone,
    /// It has no remote.
    NoRemote,
    /// Its commits were not asked to be pushed.
    NotPushed,
}

/// A clone, and the way git is called in it.
pub(super) struct Clone<'a> {
    pub(super) job: &'a Job<'a>,
    pub(super) chosen: &'a Chosen,
    pub(super) dir: &'a Path,
    /// What `core.sshCommand` of the person says.
    pub(super) ssh: &'a str,
}

impl Clone<'_> {
    fn git(&self) -> Command {
        let mut command = self
            .job
            .command()
            .dir(self.dir)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_SSH_COMMAND", format!("{} {SSH}", self.ssh))
            .args(["-c", "protocol.ext.allow=never"])
            .args(["-c", "submodule.recurse=false"])
            .args(["-c", "fetch.recurseSubmodules=false"])
            // A line that is dead is not waited for without end.
            .args(["-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=60"]);
        if !self.chosen.trusts_hooks {
            command = command
                .args(["-c", "core.hooksPath=/dev/null"])
                .args(["-c", "core.fsmonitor=false"]);
        }
        command
    }

    fn run(&self, args: &[&str], each: impl FnMut(Line<'_>) -> Keep) -> Result<Ended, Trouble> {
        self.job.run(self.git().args(args), each)
    }

    fn lines(&self, args: &[&str]) -> Result<Option<Vec<String>>, Trouble> {
        let mut lines = Vec::new();
        let ended = self.run(args, |line| {
            if line.from == crate::tool::process::Stream::Out {
                lines.push(line.text().into_owned());
                return Keep::No;
            }
            Keep::Yes
        })?;
        if ended.was_stopped {
            return Ok(None);
        }
        if ended.exit.is_success() {
            Ok(Some(lines))
        } else {
            Err(self.trouble(&ended))
        }
    }

    /// Does what there is to do.
    pub(super) fn sync(&self, report: &dyn Fn(u64)) -> Result<Became, Trouble> {
        let Some(keys) = self.lines(&["config", "--local", "--list", "--name-only"])? else {
            return Ok(Became::Stopped);
        };
        if !self.chosen.trusts_hooks {
            self.refuse_programs(&keys)?;
        }
        if !keys.iter().any(|key| key.starts_with("remote.")) {
            return Ok(Became::Left(Why::NoRemote));
        }
        let fetch = ["fetch", "--progress", "--no-recurse-submodules"];
        let ended = self.run(&fetch, |line| follow(&line, report))?;
        if ended.was_stopped {
            return Ok(Became::Stopped);
        }
        if !ended.exit.is_success() {
            return Err(self.trouble(&ended));
        }
        let Some(status) = self.status()? else {
            return Ok(Became::Stopped);
        };
        if let Some(why) = standing(&status) {
            return Ok(Became::Left(why));
        }
        match status.ahead_behind.unwrap_or_default() {
            (0, 0) => Ok(Became::Same),
            (0, _) if status.n_dirty > 0 => Ok(Became::Left(Why::Dirty)),
            (0, _) => self.forward(report),
            (_, 0) if self.chosen.pushes => self.push(report),
            (_, 0) => Ok(Became::Left(Why::NotPushed)),
            (ahead, behind) => self.parted(&status, ahead, behind),
        }
    }

    pub(super) fn status(&self) -> Result<Option<Status>, Trouble> {
        let args = [
            "status",
            "--porcelain=v2",
            "--branch",
            "--untracked-files=no",
        ];
        let lines = self.lines(&[&args[..], &["--ignore-submodules=all"]].concat())?;
        Ok(lines.map(|lines| {
            let mut status = Status::default();
            lines.iter().for_each(|line| said::take(&mut status, line));
            status
        }))
    }

    /// The settings of a repository that came from elsewhere could start any program.
    fn refuse_programs(&self, keys: &[String]) -> Result<(), Trouble> {
        let bad: Vec<_> = keys
            .iter()
            .filter(|key| said::starts_programs(key))
            .map(|key| escape(key.as_bytes()))
            .collect();
        if bad.is_empty() {
            return Ok(());
        }
        Err(Trouble::new(Code::NotPossible).with(
            "detail",
            format!(
                "its own settings can start programs ({}); with `hooks = \"yes\"` that is allowed",
                bad.join(", ")
            ),
        ))
    }

    fn forward(&self, report: &dyn Fn(u64)) -> Result<Became, Trouble> {
        let args = [
            "merge",
            "--ff-only",
            "--no-edit",
            "--progress",
            "@{upstream}",
        ];
        let ended = self.run(&args, |line| follow(&line, report))?;
        self.done(&ended, Became::Pulled)
    }

    fn push(&self, report: &dyn Fn(u64)) -> Result<Became, Trouble> {
        let args = ["-c", "push.default=upstream", "push", "--progress"];
        let args = [&args[..], &["--recurse-submodules=no"]].concat();
        let ended = self.run(&args, |line| follow(&line, report))?;
        self.done(&ended, Became::Pushed)
    }

    fn done(&self, ended: &Ended, became: Became) -> Result<Became, Trouble> {
        if ended.was_stopped {
            return Ok(Became::Stopped);
        }
        if ended.exit.is_success() {
            Ok(became)
        } else {
            Err(self.trouble(ended))
        }
    }

    fn parted(&self, status: &Status, ahead: u64, behind: u64) -> Result<Became, Trouble> {
        let (Some(here), Some(there)) = (
            self.head("HEAD", "@{upstream}..HEAD")?,
            self.head("@{upstream}", "HEAD..@{upstream}")?,
        ) else {
            return Ok(Became::Stopped);
        };
        Ok(Became::Parted(Box::new(Parted {
            dir: self.dir.to_owned(),
            branch: status.branch.clone().unwrap_or_default(),
            upstream: status.upstream.clone().unwrap_or_default(),
            n_here: ahead,
            n_there: behind,
            here,
            there,
            since_ms: self.job.ctx.now().0,
        })))
    }

    fn head(&self, of: &str, range: &str) -> Result<Option<Head>, Trouble> {
        let Some(lines) =
            self.lines(&["log", "-1", "--no-show-signature", "--format=%h %ct", of])?
        else {
            return Ok(None);
        };
        let first = lines.first().map(String::as_str).unwrap_or_default();
        let (id, time) = first.split_once(' ').unwrap_or((first, "0"));
        let max = format!("-{SUBJECTS_MAX}");
        let args = [
            "log",
            max.as_str(),
            "--no-show-signature",
            "--format=%s",
            range,
        ];
        let subjects = self.lines(&args)?;
        Ok(subjects.map(|subjects| Head {
            id: escape(id.as_bytes()),
            committed_ms: time.parse::<i64>().unwrap_or(0).saturating_mul(1000),
            subjects: subjects.iter().map(|it| escape(it.as_bytes())).collect(),
        }))
    }

    fn trouble(&self, ended: &Ended) -> Trouble {
        let has = |text: &str| ended.errors.has(text);
        let cause = if has("could not read Username")
            || has("could not read Password")
            || has("terminal prompts disabled")
        {
            Some(Cause::SignIn)
        } else if has("unable to connect to")
            || has("Could not resolve host")
            || has("Failed to connect to")
            || has("Couldn't connect to server")
        {
            Some(Cause::Unreachable)
        } else {
            diagnose::cause_of(&ended.errors)
        };
        let place = match cause {
            Some(Cause::Unreachable | Cause::SignIn | Cause::HostKey) => self.place(ended),
            Some(Cause::NoSpace | Cause::Denied | Cause::ReadOnly) | None => {
                self.job.ctx.shown(self.dir)
            }
        };
        if let Some(cause) = cause {
            return diagnose::trouble(cause, &place, ended);
        }
        if has(".lock': File exists") {
            let trouble = Trouble::new(Code::RepairNeeded)
                .with("tool", "git")
                .with("detail", "a lock file is left in the clone, by another git or by one that was cut off")
                .with("advice", "if no other git works in the clone, remove the file that it names, then sync again");
            return job::with_output(trouble, &ended.output);
        }
        let advice = if has("does not appear to be a git repository") || has("not found") {
            Some("check the address with `git remote -v`, and whether you may read it")
        } else if has("dubious ownership") {
            Some("the clone belongs to somebody else; see `git help config`, safe.directory")
        } else if has("[rejected]") || has("[remote rejected]") {
            Some("the other side did not take the commits; fetch and look with `git status`")
        } else {
            None
        };
        let trouble = self.job.failed(ended);
        let mut errors = ended.errors.lines();
        let fatal = errors.find_map(|line| {
            line.strip_prefix("fatal: ")
                .or_else(|| line.strip_prefix("error: "))
        });
        let trouble = match fatal {
            Some(fatal) => trouble.with("detail", job::as_detail(fatal)),
            None => trouble,
        };
        match advice {
            Some(advice) => trouble.with("advice", advice),
            None => trouble,
        }
    }

    /// Returns where it tried to go, as far as its words tell; otherwise the clone is named.
    fn place(&self, ended: &Ended) -> String {
        let quoted = ended.errors.lines().find_map(|line| {
            let (_, rest) = line.split_once("://")?;
            let host = rest.split(['/', '\'', '"', ' ']).next()?;
            let host = host.rsplit('@').next()?;
            (!host.is_empty()).then(|| host.to_owned())
        });
        let after_host = || {
            ended.errors.lines().find_map(|line| {
                let (_, rest) = line.split_once("connect to host ")?;
                rest.split(' ').next().map(str::to_owned)
            })
        };
        let after_connect = || {
            ended.errors.lines().find_map(|line| {
                let (_, rest) = line.split_once("unable to connect to ")?;
                Some(rest.trim_end_matches(':').to_owned())
            })
        };
        quoted
            .or_else(after_host)
            .or_else(after_connect)
            .unwrap_or_else(|| format!("the remote of {}", self.job.ctx.shown(self.dir)))
    }
}

/// Says why a clone is left alone whatever the other side has.
pub(super) fn standing(status: &Status) -> Option<Why> {
    if status.branch.is_none() {
        Some(Why::Detached)
    } else if status.upstream.is_none() {
        Some(Why::NoUpstream)
    } else if status.ahead_behind.is_none() {
        Some(Why::UpstreamGone)
    } else {
        None
    }
}

fn follow(line: &Line<'_>, report: &dyn Fn(u64)) -> Keep {
    match said::percent(&line.text()) {
        Some(percent) => {
            report(percent);
            Keep::No
        }
        None => Keep::Yes,
    }
}
