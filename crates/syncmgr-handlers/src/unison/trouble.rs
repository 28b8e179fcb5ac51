//! What it means when Unison does not do its work.

use std::collections::BTreeMap;

use syncmgr_model::escape::escape;
use syncmgr_model::trouble::{Code, PATHS_MAX, Trouble};

use super::Chosen;
use super::run::Ran;
use crate::tool::diagnose::{self, Cause};
use crate::tool::process::Ended;
use crate::tool::{Job, job};

/// Says why a run as a whole was not done.
pub(super) fn of(job: &Job<'_>, chosen: &Chosen, ended: &Ended) -> Trouble {
    let has = |text: &str| ended.output.has(text);
    if has("the archives are locked") {
        return repair(
            job,
            ended,
            "its memory of these folders is locked, by another run of Unison or by one that was cut off",
            format!(
                "if no other Unison works on these folders, remove {}, then sync again",
                named(ended, "The file ", "the lock files that it names")
            ),
        );
    }
    if has("inconsistent state") {
        return repair(
            job,
            ended,
            "its memory of these folders is missing on one side",
            format!(
                "remove {} in the folder of Unison, then sync again: nothing is deleted then, and files that differ become conflicts",
                named(ended, "Archive ", "the archives that it names")
            ),
        );
    }
    let remote = chosen.remote().map(|root| root.host().to_owned());
    let cause = diagnose::cause_of(&ended.errors).or_else(|| diagnose::cause_of(&ended.output));
    match (cause, remote) {
        (Some(cause @ (Cause::Unreachable | Cause::SignIn | Cause::HostKey)), Some(host)) => {
            diagnose::trouble(cause, &escape(host.as_bytes()), ended)
        }
        (Some(cause @ (Cause::NoSpace | Cause::ReadOnly)), _) => {
            diagnose::trouble(cause, &chosen.summary(job.ctx), ended)
        }
        (_, Some(host)) if has("command not found") || has("not found: unison") => job
            .failed(ended)
            .with(
                "detail",
                format!("Unison is not installed on {}", escape(host.as_bytes())),
            )
            .with(
                "advice",
                "install it there, or name it with `servercmd` in the profile",
            ),
        (_, Some(host)) if has("unexpected header") || has("ncompatible") => repair(
            job,
            ended,
            &format!("{} has another version of Unison", escape(host.as_bytes())),
            "install the same version of Unison on both machines, then sync again".to_owned(),
        ),
        (_, Some(host)) if has("Lost connection with the server") => {
            diagnose::trouble(Cause::Unreachable, &escape(host.as_bytes()), ended)
        }
        (_, _) => {
            let trouble = job.failed(ended);
            match fatal(ended) {
                Some(text) => trouble.with("detail", job::as_detail(&text)),
                None => trouble,
            }
        }
    }
}

fn repair(_job: &Job<'_>, ended: &Ended, detail: &str, advice: String) -> Trouble {
    let trouble = Trouble::new(Code::RepairNeeded)
        .with("tool", "Unison")
        .with("detail", detail)
        .with("advice", advice);
    job::with_output(trouble, &ended.output)
}

/// Returns what Unison says is to be removed: `The file /x/lk1 on host h should be deleted`.
fn named(ended: &Ended, begin: &str, otherwise: &str) -> String {
    let files: Vec<_> = ended
        .output
        .lines()
        .filter_map(|line| {
            let line = line.trim();
            let rest = line.strip_prefix(begin)?;
            let is_meant = line.to_lowercase().contains("should be deleted");
            let (file, rest) = rest.split_once(" on host ")?;
            let host = rest.split(' ').next()?;
            is_meant.then(|| format!("{file} on {host}"))
        })
        .collect();
    match files.as_slice() {
        [] => otherwise.to_owned(),
        files => files.join(" and "),
    }
}

fn fatal(ended: &Ended) -> Option<String> {
    let mut lines = ended.output.lines();
    lines.find_map(|line| line.strip_prefix("Fatal error: ").map(str::to_owned))
}

/// Says what single paths failed, one message for each cause.
pub(super) fn of_failures(job: &Job<'_>, chosen: &Chosen, ran: &Ran) -> Vec<Trouble> {
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (path, why) in &ran.failed {
        by_reason.entry(why).or_default().push(path);
    }
    let folder = chosen.summary(job.ctx);
    let make = |(why, paths): (&str, Vec<&str>)| {
        let code = match diagnose::cause(why) {
            Some(Cause::NoSpace) => Code::DiskFull,
            Some(Cause::Denied) => Code::PermissionDenied,
            Some(Cause::ReadOnly) => Code::ReadOnly,
            _ if why.contains("has been modified") || why.contains("changed during") => {
                Code::FileChangedDuringCopy
            }
            Some(Cause::Unreachable | Cause::SignIn | Cause::HostKey) | None => {
                Code::ReadWriteFailed
            }
        };
        let mut trouble = Trouble::new(code)
            .with("folder", &folder)
            .with("n", paths.len())
            .with("detail", job::as_detail(&escape(why.as_bytes())));
        trouble.paths = paths
            .iter()
            .take(PATHS_MAX)
            .map(|&it| it.to_owned())
            .collect();
        job::with_output(trouble, &ran.ended.errors)
    };
    by_reason.into_iter().map(make).collect()
}
