//! The versions kept of what was replaced or deleted: finding them and letting the oldest go.

use std::collections::BTreeMap;

use crate::entry::Sides;
use crate::entry::{FileTime, Kind};
use crate::journal::{RunId, StepEnd, StepKind};
use crate::own::{remove_tree, versions_dir};
use crate::pair::{Version, VersionPolicy};
use crate::path::RelPath;
use crate::replica::{Fault, FaultKind, Listing, Observe, Replica};
use crate::state::{State, StateError};

/// Returns the kept versions of a path and of what is beneath it, newest first.
pub(crate) fn find(
    sides: Sides<&dyn Observe>,
    state: &State,
    path: &RelPath,
) -> Result<Vec<Version>, StateError> {
    let mut found = Vec::new();
    for (run, started, step) in state.steps_of(path, true)? {
        let (Some(entry), Some(kept_at)) = (step.before, step.version) else {
            continue;
        };
        if step.end == StepEnd::NotDone {
            continue;
        }
        // The journal may say more than is there: versions past their time are gone, and a killed
        // run announced steps it never did.
        let is_kept =
            matches!(sides[step.side].stat(&kept_at), Ok(Some(kept)) if kept.is_same_file(&entry));
        if is_kept {
            found.push(Version {
                run,
                replaced_at: started,
                side: step.side,
                path: step.path,
                kept_at,
                entry,
                was_deleted: step.kind == StepKind::Deleted,
            });
        }
    }
    Ok(found)
}

/// Lets versions go that are older than the policy keeps them, and then the oldest until the rest
/// fits the budget; never those of `current`. Returns the bytes that are kept.
pub(crate) fn expire(
    replica: &dyn Replica,
    homes: &[RelPath],
    started: &BTreeMap<RunId, FileTime>,
    current: &RunId,
    policy: &VersionPolicy,
    now: FileTime,
) -> Result<u64, Fault> {
    let mut runs: Vec<(FileTime, RelPath, u64)> = Vec::new();
    for home in homes {
        let dir = versions_dir(home);
        let mut listing = Listing::default();
        match replica
            .open_dir(&dir)
            .and_then(|opened| opened.list(&mut listing, &mut Vec::new()))
        {
            Ok(()) => {}
            Err(fault) if fault.kind == FaultKind::NotFound => continue,
            Err(fault) => return Err(fault),
        }
        for (name, entry) in listing.iter() {
            let id = std::str::from_utf8(name).ok().and_then(RunId::new);
            if id.as_ref() == Some(current) {
                continue;
            }
            // A run that the journal has forgotten is as old as its folder.
            let at = id
                .and_then(|id| started.get(&id).copied())
                .unwrap_or(entry.mtime);
            let path = dir.join(name);
            let bytes = weigh(replica, &path)?;
            runs.push((at, path, bytes));
        }
    }
    runs.sort();
    let mut total: u64 = runs.iter().map(|(.., bytes)| bytes).sum();
    let oldest_secs = now
        .secs
        .saturating_sub(i64::try_from(policy.keep_secs).unwrap_or(i64::MAX));
    for (at, path, bytes) in runs {
        if at.secs >= oldest_secs && total <= policy.budget_bytes {
            break;
        }
        remove_tree(replica, &path)?;
        total -= bytes;
    }
    Ok(total)
}

/// Adds up the bytes beneath a directory.
fn weigh(replica: &dyn Replica, dir: &RelPath) -> Result<u64, Fault> {
    let mut bytes = 0;
    let mut dirs = vec![dir.clone()];
    let mut listing = Listing::default();
    while let Some(dir) = dirs.pop() {
        listing.clear();
        replica
            .open_dir(&dir)?
            .list(&mut listing, &mut Vec::new())?;
        for (name, entry) in listing.iter() {
            if entry.kind == Kind::Dir {
                dirs.push(dir.join(name));
            }
            bytes += entry.size;
        }
    }
    Ok(bytes)
}
