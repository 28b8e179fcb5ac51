//! Understands the log that rclone writes with `--use-json-log`: one object in each line.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use syncmgr_model::escape::escape;
use syncmgr_model::preview::{Action, PlannedChange};
use syncmgr_model::progress::{Phase, ProgressStatus};
use syncmgr_model::record::Tally;
use syncmgr_model::side::{PerSide, Side};
use syncmgr_sdk::{ItemProgress, Mask};

use crate::tool::diagnose::{self, Cause};

/// Most changes of a plan that are kept: one that is longer is not read by anybody.
const PLAN_MAX: usize = 1_000_000;

/// Most errors that are kept: the first ones say why.
const ERRORS_MAX: usize = 100;

/// A line of the log.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Entry {
    pub(super) level: String,
    pub(super) msg: String,
    pub(super) object: Option<String>,
    /// As `*local.Object` or `*s3.Fs`.
    #[serde(rename = "objectType")]
    pub(super) object_type: String,
    pub(super) size: Option<u64>,
    pub(super) skipped: Option<String>,
    pub(super) stats: Option<Stats>,
}

/// What it counted so far.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Stats {
    pub(super) bytes: u64,
    pub(super) total_bytes: u64,
    pub(super) transfers: u64,
    pub(super) total_transfers: u64,
    pub(super) checks: u64,
    pub(super) deletes: u64,
    pub(super) transferring: Vec<Transfer>,
}

/// A file on its way.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Transfer {
    pub(super) name: String,
}

impl Entry {
    /// Reads a line; `None` for one that is no JSON, as a panic or an old version writes them.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    pub(super) fn is_error(&self) -> bool {
        matches!(
            self.level.as_str(),
            "error" | "critical" | "alert" | "emergency" | "fatal"
        )
    }

    /// Returns its text for people: what it is about, and what happened.
    pub(super) fn line(&self) -> String {
        // Only the first line says it; tips and counts follow.
        let msg = self.msg.trim().lines().next().unwrap_or_default();
        match &self.object {
            Some(object) if !object.is_empty() => format!("{object}: {msg}"),
            _ => msg.to_owned(),
        }
    }

    /// Says whether it is worth keeping for people.
    pub(super) fn is_worth_keeping(&self) -> bool {
        self.stats.is_none()
            && self.skipped.is_none()
            && !self.msg.starts_with("- ")
            && !self.msg.starts_with("Config file ")
            && self.level != "info"
    }
}

impl Stats {
    /// Returns it as a report.
    pub(super) fn report(&self) -> (ProgressStatus, ItemProgress<'_>) {
        let is_copying = self.total_transfers > 0;
        let progress = ItemProgress {
            phase: if is_copying {
                Phase::Copying
            } else {
                Phase::Comparing
            },
            n_seen_left: self.checks,
            n_done: self.transfers,
            n_total: is_copying.then_some(self.total_transfers.max(self.transfers)),
            bytes_done: self.bytes,
            bytes_total: is_copying.then_some(self.total_bytes.max(self.bytes)),
            current: self.transferring.first().map(|it| it.name.as_bytes()),
            ..ItemProgress::default()
        };
        let status = if is_copying {
            ProgressStatus::Updating
        } else {
            ProgressStatus::UpdatingIndeterminate
        };
        (status, progress)
    }
}

/// What a run said, added up.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// The side that changes now; bisync says it before each of its parts.
    side: Option<Side>,
    /// What would be changed, of a dry run.
    pub(super) changes: Vec<PlannedChange>,
    /// What was changed.
    pub(super) done: PerSide<Tally>,
    /// Files that bisync found changed on both sides.
    pub(super) both_changed: Vec<String>,
    /// Files that were left alone, by what was in the way.
    pub(super) failed: BTreeMap<Reason, BTreeSet<String>>,
    /// The last counts.
    pub(super) stats: Stats,
    /// Errors that are not about one file.
    pub(super) errors: Vec<String>,
    /// Objects that were moved out of the way, so that the copy that follows is an update.
    moved: BTreeSet<(Side, String)>,
    /// Objects that were copied within a store; a move, if the first one is deleted then.
    copied_there: BTreeMap<(Side, String), u64>,
}

/// Why a file was left alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    NoSpace,
    Denied,
    ReadOnly,
    Other(String),
}

impl Read {
    /// Reads the log of a run in one direction: everything that changes is on the right.
    pub(super) fn one_way() -> Self {
        Self {
            side: Some(Side::Right),
            ..Self::default()
        }
    }

    /// Takes an entry.
    pub(super) fn take(&mut self, entry: &Entry) {
        if let Some(stats) = &entry.stats {
            self.stats = stats.clone();
            return;
        }
        if let Some((first, what, last)) = columns(&entry.msg) {
            self.take_columns(first, what, last);
            return;
        }
        if entry.is_error() {
            self.take_error(entry);
            return;
        }
        let Some(object) = &entry.object else {
            return;
        };
        let side = self.side.unwrap_or(Side::Right);
        match &entry.skipped {
            // The times of the folder as a whole are nobody's change.
            Some(_) if entry.object_type.ends_with(".Fs") => {}
            Some(skipped) => self.take_skipped(side, object, skipped, entry.size),
            None => self.take_done(side, object, &entry.msg, entry.size),
        }
    }

    /// Takes a line of bisync, as `- Path1   Queue delete   - /a/b`.
    fn take_columns(&mut self, first: &str, what: &str, last: &str) {
        let side_of = |text: &str| match text {
            "Path1" => Some(Side::Left),
            "Path2" => Some(Side::Right),
            _ => None,
        };
        if what.starts_with("Do queued copies to") || what.starts_with("Resync is copying") {
            self.side = side_of(last);
        } else if first == "WARNING" && what.starts_with("New or changed in both paths") {
            self.both_changed.push(last.to_owned());
        }
    }

    fn take_error(&mut self, entry: &Entry) {
        let words = entry.msg.trim();
        let object = entry.object.as_deref().unwrap_or_default();
        let is_about_file = !object.is_empty()
            && object != "Safety abort"
            && object != "march"
            && !entry.object_type.ends_with(".Fs");
        if !is_about_file {
            self.push_error(entry);
            return;
        }
        let reason = match diagnose::cause(words) {
            Some(Cause::NoSpace) => Reason::NoSpace,
            Some(Cause::Denied) => Reason::Denied,
            Some(Cause::ReadOnly) => Reason::ReadOnly,
            Some(Cause::Unreachable | Cause::SignIn | Cause::HostKey) => {
                self.push_error(entry);
                return;
            }
            None => Reason::Other(escape(words.as_bytes())),
        };
        let path = escape(without_partial(object).as_bytes());
        self.failed.entry(reason).or_default().insert(path);
    }

    fn push_error(&mut self, entry: &Entry) {
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(escape(
                crate::tool::redact(&entry.line(), &Mask::default()).as_bytes(),
            ));
        }
    }

    fn take_skipped(&mut self, side: Side, object: &str, skipped: &str, size: Option<u64>) {
        let action = match skipped {
            "copy" if self.moved.remove(&(side, object.to_owned())) => Action::Update,
            "copy" => Action::Copy,
            "move" | "rename" => {
                self.moved.insert((side, object.to_owned()));
                return;
            }
            "delete" | "move into backup dir" => Action::Delete,
            "remove directory" => Action::RemoveFolder,
            "make directory" => Action::MakeFolder,
            _ => Action::SetAttributes,
        };
        if self.changes.len() >= PLAN_MAX {
            return;
        }
        self.changes.push(PlannedChange {
            path: object.as_bytes().to_vec(),
            side,
            action,
            from: None,
            bytes: match action {
                Action::Copy | Action::Update | Action::Delete => size.unwrap_or(0),
                Action::RemoveFolder
                | Action::MakeFolder
                | Action::SetAttributes
                | Action::Rename => 0,
            },
            reason: match action {
                Action::Delete | Action::RemoveFolder => "deleted",
                Action::Copy | Action::MakeFolder => "new",
                Action::Update | Action::SetAttributes | Action::Rename => "changed",
            }
            .into(),
            is_held: false,
        });
    }

    fn take_done(&mut self, side: Side, object: &str, msg: &str, size: Option<u64>) {
        let tally = &mut self.done[side];
        let key = || (side, object.to_owned());
        if msg == "Moved (server-side)" {
            self.moved.insert(key());
        } else if msg.starts_with("Copied (server-side copy)") && !self.moved.contains(&key()) {
            self.copied_there.insert(key(), size.unwrap_or(0));
            tally.n_copied += 1;
            tally.bytes += size.unwrap_or(0);
        } else if msg == "Deleted"
            && let Some(bytes) = self.copied_there.remove(&key())
        {
            // A store that cannot rename copies, and then deletes: what is replaced went to where it
            // is kept.
            tally.n_copied -= 1;
            tally.bytes -= bytes;
            self.moved.insert(key());
        } else if msg.starts_with("Copied (replaced") {
            tally.n_updated += 1;
            tally.bytes += size.unwrap_or(0);
        } else if msg.starts_with("Copied (") || msg.starts_with("Multi-thread Copied (") {
            tally.bytes += size.unwrap_or(0);
            if msg.contains("replaced") || self.moved.remove(&(side, object.to_owned())) {
                tally.n_updated += 1;
            } else {
                tally.n_copied += 1;
            }
        } else if msg.starts_with("Moved into backup dir") || msg == "Deleted" {
            tally.n_deleted += 1;
            self.moved.remove(&(side, object.to_owned()));
        } else if msg.starts_with("Removing directory") {
            tally.n_folders_removed += 1;
        } else if msg.starts_with("Making directory") {
            tally.n_folders_made += 1;
        } else if msg.starts_with("Updated modification time") {
            tally.n_attributes += 1;
        }
    }
}

/// Takes the end of a name away that a file has while it is copied: `a.894cc83b.partial`.
fn without_partial(name: &str) -> &str {
    let whole = || {
        let rest = name.strip_suffix(".partial")?;
        let (whole, random) = rest.rsplit_once('.')?;
        let is_random = random.len() == 8 && random.bytes().all(|b| b.is_ascii_hexdigit());
        (is_random && !whole.is_empty()).then_some(whole)
    };
    whole().unwrap_or(name)
}

/// Takes `- Path1    Queue delete    - /a/b` apart.
fn columns(msg: &str) -> Option<(&str, &str, &str)> {
    let rest = msg.strip_prefix("- ")?;
    let (first, rest) = rest.split_once(' ')?;
    // The name comes after the first ` - `; it may have one itself.
    let (what, last) = rest.split_once(" - ")?;
    Some((first, what.trim(), last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut read: Read, lines: &[&str]) -> Read {
        for line in lines {
            read.take(&Entry::read(line.as_bytes()).unwrap());
        }
        read
    }

    #[test]
    fn a_dry_run_is_a_plan() {
        let read = read(
            Read::one_way(),
            &[
                r#"{"level":"notice","msg":"Skipped move as --dry-run is set (size 4)","skipped":"move","size":4,"object":"a"}"#,
                r#"{"level":"notice","msg":"Skipped copy as --dry-run is set (size 2)","skipped":"copy","size":2,"object":"a"}"#,
                r#"{"level":"warning","msg":"Skipped copy as --dry-run is set","skipped":"copy","size":5,"object":"b - c"}"#,
                r#"{"level":"notice","msg":"Skipped move into backup dir","skipped":"move into backup dir","size":2,"object":"gone"}"#,
                r#"{"level":"notice","msg":"Skipped remove directory","skipped":"remove directory","object":"gd"}"#,
            ],
        );
        let changes: Vec<_> = read
            .changes
            .iter()
            .map(|it| (it.action, it.bytes))
            .collect();
        assert_eq!(
            changes,
            [
                (Action::Update, 2),
                (Action::Copy, 5),
                (Action::Delete, 2),
                (Action::RemoveFolder, 0)
            ]
        );
    }

    #[test]
    fn bisync_says_which_side_it_changes() {
        let read = read(
            Read::default(),
            &[
                r#"{"level":"notice","msg":"- WARNING           New or changed in both paths                - a - b"}"#,
                r#"{"level":"notice","msg":"- Path2             Do queued copies to                         - Path1"}"#,
                r#"{"level":"info","msg":"Moved (server-side)","object":"f1"}"#,
                r#"{"level":"info","msg":"Moved into backup dir","object":"f1"}"#,
                r#"{"level":"notice","msg":"- Path1             Do queued copies to                         - Path2"}"#,
                r#"{"level":"info","msg":"Moved (server-side)","object":"f2"}"#,
                r#"{"level":"info","msg":"Copied (new)","size":7,"object":"f2"}"#,
                r#"{"level":"info","msg":"Copied (new)","size":3,"object":"n"}"#,
            ],
        );
        assert_eq!(read.both_changed, ["a - b"]);
        assert_eq!(read.done.left.n_deleted, 1);
        let right = read.done.right;
        assert_eq!((right.n_updated, right.n_copied, right.bytes), (1, 1, 10));
    }

    #[test]
    fn a_store_that_cannot_rename_is_counted_alike() {
        let read = read(
            Read::one_way(),
            &[
                r#"{"level":"info","msg":"Copied (server-side copy)","object":"a","size":2}"#,
                r#"{"level":"info","msg":"Deleted","object":"a"}"#,
                r#"{"level":"info","msg":"Copied (new)","object":"a","size":8}"#,
                r#"{"level":"info","msg":"Copied (server-side copy)","object":"b","size":4}"#,
                r#"{"level":"info","msg":"Copied (server-side copy)","object":"c","size":4}"#,
                r#"{"level":"info","msg":"Deleted","object":"c"}"#,
                r#"{"level":"info","msg":"Moved into backup dir","object":"c"}"#,
            ],
        );
        let done = read.done.right;
        assert_eq!((done.n_updated, done.n_copied, done.n_deleted), (1, 1, 1));
        assert_eq!(done.bytes, 12);
    }

    #[test]
    fn errors_about_files_are_grouped_by_cause() {
        let read = read(
            Read::one_way(),
            &[
                r#"{"level":"error","msg":"Failed to copy: open /x/a: permission denied","object":"a"}"#,
                r#"{"level":"error","msg":"Failed to copy: open /x/a: permission denied","object":"a"}"#,
                r#"{"level":"error","msg":"not deleting directories as there were IO errors","object":"Local file system at /x","objectType":"*local.Fs"}"#,
            ],
        );
        assert_eq!(read.failed[&Reason::Denied].len(), 1);
        assert_eq!(read.errors.len(), 1);
    }
}
