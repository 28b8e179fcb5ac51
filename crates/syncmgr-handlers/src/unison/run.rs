//! Runs Unison and reads what it says.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use syncmgr_model::preview::Action;
use syncmgr_model::progress::{Phase, ProgressStatus};
use syncmgr_model::record::Summary;
use syncmgr_model::side::Side;
use syncmgr_model::trouble::Trouble;
use syncmgr_sdk::ItemProgress;

use super::Chosen;
use super::said::{self, Change, List, Said, Seen, Way};
use crate::tool::Job;
use crate::tool::process::{Command, Ended, Keep, Line, Stream};

/// How long it may take to end after it was asked to: it only has to drop a file that is half
/// copied, under a name of its own.
const GRACE: Duration = Duration::from_millis(1500);

/// Most failures that are kept with their reasons.
const FAILURES_MAX: usize = 10_000;

/// What a run is about, beside the profile.
#[derive(Debug, Default)]
pub(super) struct Request {
    /// One side may be empty, and the other one may be emptied too.
    pub(super) allows_emptied: bool,
    /// Further preferences.
    pub(super) args: Vec<OsString>,
}

/// A run that is over.
pub(super) struct Ran {
    pub(super) ended: Ended,
    pub(super) list: List,
    /// What it said that it skipped, when it came to its end.
    pub(super) n_skipped: Option<u64>,
    pub(super) failed: Vec<(String, String)>,
    /// It asked whether a first run may begin.
    pub(super) asked_to_begin: bool,
    /// It has compared both sides.
    pub(super) has_looked: bool,
}

impl Ran {
    /// Says whether it came to its end; paths that were skipped or failed are named.
    pub(super) fn was_whole(&self) -> bool {
        self.ended.exit.is_success() || self.n_skipped.is_some()
    }

    /// Counts what was done; only what it said it has finished.
    pub(super) fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        // Without an end, what was done is counted and not told apart.
        let all = self.n_skipped.is_some();
        for change in &self.list.changes {
            let Way::To(side) = change.way else {
                if change.way == Way::Error {
                    summary.n_warnings += 1;
                }
                continue;
            };
            let path = syncmgr_model::escape::escape(&change.path);
            let failed = self.failed.iter().any(|(failed, _)| *failed == path);
            if !all || failed {
                continue;
            }
            let tally = &mut summary.done[side];
            match change.words[side.other()].as_str() {
                "deleted" if deletion(change, side) == Action::RemoveFolder => {
                    tally.n_folders_removed += 1;
                }
                "deleted" => tally.n_deleted += 1,
                "props" => tally.n_attributes += 1,
                "dir" | "new dir" => tally.n_folders_made += 1,
                "changed" => tally.n_updated += 1,
                _ => tally.n_copied += 1,
            }
            tally.bytes += match change.seen[side.other()] {
                Seen::File { size, .. } | Seen::Folder { size, .. } => size,
                Seen::Unknown | Seen::Missing | Seen::Link => 0,
            };
        }
        summary.n_failures = self.failed.len() as u64;
        summary
    }
}

/// Says what a deletion on this side takes away.
pub(super) fn deletion(change: &Change, side: Side) -> Action {
    match change.seen[side] {
        Seen::Folder { .. } => Action::RemoveFolder,
        Seen::Unknown | Seen::Missing | Seen::File { .. } | Seen::Link => Action::Delete,
    }
}

/// Returns where a path lies below a root. The root itself has an empty path.
pub(super) fn below(root: &Path, path: &[u8]) -> PathBuf {
    if path.is_empty() {
        root.to_owned()
    } else {
        root.join(OsStr::from_bytes(path))
    }
}

/// What every run has in common. It works in the home folder, because a person does so too: roots
/// may be relative.
fn command(job: &Job<'_>, chosen: &Chosen) -> Command {
    let mut command = job
        .command()
        .stopped_by(Signal::INT, GRACE)
        // Times are read from the output.
        .env("TZ", "UTC0")
        .arg(&chosen.name)
        .args(["-ui", "text", "-dumbtty", "-color", "false"])
        // The schedule is syncmgr's; a profile that repeats would never end.
        .args(["-repeat", ""])
        .args(["-silent=false", "-terse=false", "-contactquietly=true"]);
    if let Some(home) = job.ctx.home() {
        command = command.dir(home);
    }
    if let Some(dir) = job.ctx.var("UNISON") {
        command = command.env("UNISON", dir);
    }
    if chosen.roots.iter().any(super::profile::Root::is_ssh) {
        // Nobody is there to type a password. What the profile says comes first and counts.
        let args = chosen.profile.last("sshargs").unwrap_or_default();
        let args = format!("{args} -o BatchMode=yes -o ConnectTimeout=15");
        command = command.arg("-sshargs").arg(args.trim_start());
    }
    command
}

/// Lists what a run would do and leaves.
pub(super) fn look(
    job: &Job<'_>,
    chosen: &Chosen,
    request: &Request,
    answers: File,
) -> Result<Ran, Trouble> {
    let is_careful = !request.allows_emptied;
    let command = command(job, chosen)
        .args(["-batch=false", "-auto=false"])
        .arg(format!("-confirmbigdel={is_careful}"))
        .args(&request.args)
        .stdin(answers);
    follow(job, command)
}

/// Syncs.
pub(super) fn batch(job: &Job<'_>, chosen: &Chosen, request: &Request) -> Result<Ran, Trouble> {
    let is_careful = !request.allows_emptied;
    let command = command(job, chosen)
        .arg("-batch")
        .arg(format!("-confirmbigdel={is_careful}"))
        .args(&request.args);
    follow(job, command)
}

fn follow(job: &Job<'_>, command: Command) -> Result<Ran, Trouble> {
    let mut list = List::default();
    let mut failed = Vec::new();
    let (mut n_done, mut n_skipped) = (0, None);
    let (mut asked_to_begin, mut has_looked) = (false, false);
    let mut percent = 0;
    let mut phase = Phase::Checking;
    let mut current: Vec<u8> = Vec::new();
    job.session.phase(phase);
    let ended = job.run(command, |line: Line<'_>| {
        if line.from == Stream::Out {
            if line.bytes.starts_with(b"Press return to continue") {
                asked_to_begin = true;
            }
            let Some(at) = said::percent(line.bytes) else {
                return match list.take(line.bytes) {
                    true => Keep::No,
                    false => Keep::Yes,
                };
            };
            percent = at;
        } else {
            let before = phase;
            match said::said(line.bytes) {
                Said::Looking => phase = Phase::Checking,
                Said::Reconciling => (phase, has_looked) = (Phase::Comparing, true),
                Said::Propagating => phase = Phase::Copying,
                Said::Saving => phase = Phase::Finishing,
                Said::Begins(what) => current = what.to_vec(),
                Said::Done(_) => n_done += 1,
                Said::Failed(path, why) => {
                    if failed.len() < FAILURES_MAX {
                        let path = syncmgr_model::escape::escape(path.as_bytes());
                        failed.push((path, why));
                    }
                }
                Said::Other => {
                    let text = line.text();
                    if let Some(n) = skipped(&text) {
                        n_skipped = Some(n);
                    } else if text.starts_with("Nothing to do") {
                        n_skipped = Some(0);
                    }
                    return Keep::Yes;
                }
            }
            // From here on there are numbers, which do not go back.
            let has_numbers = matches!(phase, Phase::Copying | Phase::Finishing);
            if phase != before && !has_numbers {
                job.session.phase(phase);
                return Keep::Yes;
            }
        }
        report(job, &list, phase, percent, n_done, &current);
        Keep::No
    })?;
    Ok(Ran {
        ended,
        list,
        n_skipped,
        failed,
        asked_to_begin,
        has_looked,
    })
}

/// Reads the number of `…  (4 items transferred, 2 skipped, 0 failed)`.
fn skipped(line: &str) -> Option<u64> {
    let is_end = ["Synchronization complete", "Synchronization incomplete"]
        .iter()
        .any(|it| line.starts_with(it));
    if !is_end {
        return None;
    }
    let (before, _) = line.split_once(" skipped")?;
    before.rsplit([' ', ',']).next()?.parse().ok()
}

fn report(job: &Job<'_>, list: &List, phase: Phase, percent: u64, n_done: u64, current: &[u8]) {
    let moved = list.changes.iter().filter_map(|change| match change.way {
        Way::To(side) => Some(change.seen[side.other()].size()),
        Way::Merge => Some(0),
        Way::Conflict | Way::Error => None,
    });
    let (n_total, bytes) = moved.fold((0_u64, 0_u64), |(n, bytes), size| (n + 1, bytes + size));
    let progress = ItemProgress {
        phase,
        n_done,
        n_total: Some(n_total.max(n_done)),
        bytes_done: bytes * percent.min(100) / 100,
        bytes_total: Some(bytes),
        current: (!current.is_empty()).then_some(current),
        ..ItemProgress::default()
    };
    job.session.progress(ProgressStatus::Updating, &progress);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_says_how_many_were_skipped() {
        let line =
            "Synchronization complete at 01:12:15  (4 items transferred, 2 skipped, 0 failed)";
        assert_eq!(skipped(line), Some(2));
        let line =
            "Synchronization incomplete at 01:12:15  (1 item transferred, 0 skipped, 1 failed)";
        assert_eq!(skipped(line), Some(0));
        assert_eq!(
            skipped("  skipped: f1 (contents changed on both sides)"),
            None
        );
    }
}
