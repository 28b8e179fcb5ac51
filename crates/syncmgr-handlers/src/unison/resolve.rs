//! Carries a decision on one conflict out: one run of Unison on exactly that path, after what it
//! replaces was copied into the state of the item.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use syncmgr_model::conflict::{Facts, Kind};
use syncmgr_model::escape::escape;
use syncmgr_model::request::Choice;
use syncmgr_model::side::Side;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

use super::run::{self, Request, below};
use super::said::Way;
use super::{CONFLICTS, Chosen, Skipped, is_present, look, trouble};
use crate::tool::kept::{beside, keep_copy, kept_dir, replace};
use crate::tool::{Job, Seen, ToolConflict, facts_of, recall, remember};

pub(super) fn resolve(
    job: &Job<'_>,
    chosen: &Chosen,
    seen: &Seen<'_>,
    choice: &Choice,
) -> Result<(), Trouble> {
    let conflict = seen.conflict;
    let path = preference(&conflict.path)?;
    let kept = kept_dir(job.dir, job.session.id());
    is_still_so_elsewhere(job, chosen, seen)?;
    match choice {
        Choice::Keep(side) => keep(job, chosen, seen, &path, *side, &Beside::default()),
        Choice::KeepNewest => {
            let side = newest(conflict)?;
            keep(job, chosen, seen, &path, side, &Beside::default())
        }
        Choice::KeepBoth => keep_both(job, chosen, seen, &path),
        Choice::Merged(bytes) => {
            let (side, root) = local(chosen)?;
            let file = below(root, &conflict.path);
            let facts = facts_of(&file);
            let is_other = matches!(facts, Facts::Present { kind, .. } if kind != Kind::File);
            if is_other {
                return Err(not_possible("only a file can get other content"));
            }
            keep_copy(&kept, &named(side, &conflict.path), &file)?;
            seen.is_still_so()?;
            replace(&file, bytes)
                .map_err(|e| not_possible(&format!("the new content cannot be written ({e})")))?;
            let beside = Beside {
                is_merged: true,
                ..Beside::default()
            };
            keep(job, chosen, seen, &path, side, &beside)
        }
        Choice::MergeText => Err(not_possible(
            "Unison does not keep what both sides last agreed on, so nothing can be merged by itself; \
             merge the text by hand and keep that",
        )),
    }
}

/// What goes with a side that wins.
#[derive(Default)]
struct Beside<'a> {
    /// Another path to sync.
    also: Option<&'a [u8]>,
    /// The winning side was given other content by the decision.
    is_merged: bool,
}

/// Compares what the other machine has with what was decided on. Local files are compared by
/// [`Seen::is_still_so`], which sees more and costs nothing.
fn is_still_so_elsewhere(job: &Job<'_>, chosen: &Chosen, seen: &Seen<'_>) -> Result<(), Trouble> {
    if chosen.remote().is_none() {
        return Ok(());
    }
    let path = &seen.conflict.path;
    let request = Request {
        // It only looks, and takes a path that was deleted for one that was emptied.
        allows_emptied: true,
        args: vec!["-path".into(), OsStr::from_bytes(path).into()],
    };
    let ran = look(job, chosen, &request)?;
    if ran.ended.was_stopped {
        return Err(Trouble::new(Code::Stopped));
    }
    if !ran.has_looked {
        return Err(trouble::of(job, chosen, &ran.ended));
    }
    let mut changes = ran.list.changes.iter();
    let now = changes.find(|change| change.path == *path && change.way == Way::Conflict);
    let is_so = |side: Side| {
        let is_local = chosen.root(side).local.is_some();
        is_local || now.is_some_and(|now| now.seen[side].facts() == seen.conflict.sides[side].facts)
    };
    if now.is_some() && Side::BOTH.into_iter().all(is_so) {
        return Ok(());
    }
    // What it has now is what the next list shows.
    let mut skipped: Vec<Skipped> = recall(job.dir, CONFLICTS).unwrap_or_default();
    for known in skipped.iter_mut().filter(|it| it.path == *path) {
        if let Some(now) = now {
            *known = Skipped::of(now, Timestamp(known.since_ms));
        }
    }
    if now.is_none() {
        skipped.retain(|it| it.path != *path);
    }
    remember(job.dir, CONFLICTS, &skipped)?;
    Err(seen.changed())
}

/// Lets one side win for this path.
fn keep(
    job: &Job<'_>,
    chosen: &Chosen,
    seen: &Seen<'_>,
    path: &str,
    side: Side,
    beside: &Beside<'_>,
) -> Result<(), Trouble> {
    let conflict = seen.conflict;
    if conflict.sides[side].facts == Facts::Unknown {
        return Err(not_possible("it is not known what is on that side"));
    }
    let loser = chosen.root(side.other());
    let mut args: Vec<OsString> = vec!["-path".into(), OsStr::from_bytes(&conflict.path).into()];
    if let Some(also) = beside.also {
        args.extend(["-path".into(), OsStr::from_bytes(also).into()]);
    }
    // Only this path: a profile may have paths of its own, and conflicts within them.
    let winner = &chosen.root(side).text;
    args.extend([
        "-preferpartial".into(),
        format!("Path {path} -> {winner}").into(),
    ]);
    if let Some(root) = &loser.local {
        let kept = kept_dir(job.dir, job.session.id());
        let file = below(root, &conflict.path);
        keep_copy(&kept, &named(side.other(), &conflict.path), &file)?;
    } else {
        if chosen.profile.last("backupnot").is_some() {
            return Err(not_possible(
                "the profile has `backupnot`, so what would be replaced on the other machine might not be kept",
            ));
        }
        // The other machine keeps it where Unison keeps such copies: in ~/.unison/backup there.
        for word in [
            "-backup",
            "Name *",
            "-backuploc",
            "central",
            "-maxbackups",
            "1000",
        ] {
            args.push(word.into());
        }
    }
    // Unison takes a path that one side deleted for one that was emptied, whichever way it goes.
    let is_deleted = Side::BOTH
        .iter()
        .any(|side| !is_present(conflict.sides[*side].facts));
    if is_deleted && chosen.profile.last("path").is_some() {
        // What allows this deletion would allow that of the paths of the profile too.
        return Err(not_possible(
            "the profile has paths of its own; delete it by hand on the other side, then sync",
        ));
    }
    let request = Request {
        allows_emptied: is_deleted,
        args,
    };
    seen.is_still_so_at(side.other())?;
    if !beside.is_merged {
        seen.is_still_so_at(side)?;
    }
    let ran = run::batch(job, chosen, &request)?;
    if ran.ended.was_stopped {
        return Err(Trouble::new(Code::Stopped));
    }
    if ran.n_skipped.is_none() {
        return Err(trouble::of(job, chosen, &ran.ended));
    }
    let is_left = ran
        .list
        .changes
        .iter()
        .any(|change| change.path == conflict.path && change.way == Way::Conflict);
    let shown = escape(&conflict.path);
    let failed = ran.failed.iter().any(|(failed, _)| *failed == shown);
    if failed {
        let said = trouble::of_failures(job, chosen, &ran);
        return Err(said
            .into_iter()
            .next()
            .unwrap_or_else(|| Trouble::new(Code::StateChanged).with("path", shown)));
    }
    if is_left {
        return Err(not_possible("Unison left it as it was"));
    }
    forget(job, &conflict.path)
}

/// The local content gets a name of its own, the other one keeps the name; then both are synced.
fn keep_both(job: &Job<'_>, chosen: &Chosen, seen: &Seen<'_>, path: &str) -> Result<(), Trouble> {
    let conflict = seen.conflict;
    let present = Side::BOTH.map(|side| is_present(conflict.sides[side].facts));
    match present {
        [true, true] => {}
        // One side deleted it: both means that it stays.
        [true, false] => return keep(job, chosen, seen, path, Side::Left, &Beside::default()),
        [false, true] => return keep(job, chosen, seen, path, Side::Right, &Beside::default()),
        [false, false] => return Err(not_possible("neither side has it any more")),
    }
    let (side, root) = local(chosen)?;
    let file = below(root, &conflict.path);
    if !matches!(
        facts_of(&file),
        Facts::Present {
            kind: Kind::File | Kind::Link,
            ..
        }
    ) {
        return Err(not_possible("only files can be kept under two names"));
    }
    let copy = beside(&file, &whose(root));
    let name = copy.file_name().unwrap_or_default();
    let mut also: Vec<u8> = match conflict.path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => conflict.path[..=at].to_vec(),
        None => Vec::new(),
    };
    also.extend_from_slice(name.as_bytes());
    preference(&also)?;
    let parent = copy.parent().unwrap_or(root);
    keep_copy(parent, name.as_bytes(), &file)?;
    let beside = Beside {
        also: Some(&also),
        ..Beside::default()
    };
    keep(job, chosen, seen, path, side.other(), &beside)
}

/// Says whose copy it is: the name of the folder it comes from.
fn whose(root: &Path) -> String {
    let name = root.file_name().unwrap_or_default();
    let name: String = escape(name.as_bytes())
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.'))
        .take(40)
        .collect();
    format!("from {name}")
}

fn newest(conflict: &ToolConflict) -> Result<Side, Trouble> {
    let time = |side| match conflict.sides[side].facts {
        Facts::Present { modified, .. } => Ok(Some(modified)),
        // A change beats a deletion.
        Facts::Missing => Ok(None),
        Facts::Unknown => Err(not_possible(
            "it is not known when the other side changed it",
        )),
    };
    let (left, right) = (time(Side::Left)?, time(Side::Right)?);
    match left.cmp(&right) {
        std::cmp::Ordering::Greater => Ok(Side::Left),
        std::cmp::Ordering::Less => Ok(Side::Right),
        std::cmp::Ordering::Equal => Err(not_possible("both were changed at the same time")),
    }
}

/// Returns the first side that is on this machine.
fn local(chosen: &Chosen) -> Result<(Side, &Path), Trouble> {
    Side::BOTH
        .into_iter()
        .find_map(|side| Some((side, chosen.root(side).local.as_deref()?)))
        .ok_or_else(|| not_possible("neither side is on this machine"))
}

/// Returns the path below the kept folder: which side it was on, and its path there.
fn named(side: Side, path: &[u8]) -> Vec<u8> {
    [side.as_str().as_bytes(), b"/", path].concat()
}

/// Writes a path as a pattern of Unison that fits it and nothing else.
fn preference(path: &[u8]) -> Result<String, Trouble> {
    let odd = || {
        not_possible("its name cannot be given to Unison; decide it with `unison` on a terminal")
    };
    let text = std::str::from_utf8(path).map_err(|_| odd())?;
    let is_odd = text.is_empty()
        || text.trim() != text
        || text.contains("->")
        || text.chars().any(char::is_control);
    if is_odd {
        return Err(odd());
    }
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | ',' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    Ok(pattern)
}

fn forget(job: &Job<'_>, path: &[u8]) -> Result<(), Trouble> {
    let mut skipped: Vec<Skipped> = recall(job.dir, CONFLICTS).unwrap_or_default();
    skipped.retain(|it| it.path != path);
    remember(job.dir, CONFLICTS, &skipped)
}

fn not_possible(detail: &str) -> Trouble {
    Trouble::new(Code::NotPossible).with("detail", detail)
}
