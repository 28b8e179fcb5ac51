//! Turns plans, conflicts, steps and versions of the engine into the words of the model.

use std::borrow::Cow;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use syncmgr_engine::entry as engine;
use syncmgr_engine::entry::{FileTime, State};
use syncmgr_engine::journal::{Step, StepEnd, StepKind};
use syncmgr_engine::pair;
use syncmgr_engine::plan::{self, Change, Op, Plan, Reason};
use syncmgr_model::conflict::{Conflict, ConflictKind, Facts, Kind};
use syncmgr_model::escape::escape;
use syncmgr_model::folder::{Child, Held, Standing};
use syncmgr_model::id::SessionId;
use syncmgr_model::preview::{Action, Census, PlannedChange, Preview};
use syncmgr_model::record::{self, Summary, Tally};
use syncmgr_model::side::{PerSide, Side};
use syncmgr_model::time::Timestamp;

pub(super) fn side(side: engine::Side) -> Side {
    match side {
        engine::Side::Left => Side::Left,
        engine::Side::Right => Side::Right,
    }
}

pub(super) fn engine_side(side: Side) -> engine::Side {
    match side {
        Side::Left => engine::Side::Left,
        Side::Right => engine::Side::Right,
    }
}

pub(super) fn time(time: FileTime) -> Timestamp {
    Timestamp(
        time.secs
            .saturating_mul(1000)
            .saturating_add(i64::from(time.nanos / 1_000_000)),
    )
}

fn kind(kind: engine::Kind) -> Kind {
    match kind {
        engine::Kind::File => Kind::File,
        engine::Kind::Dir => Kind::Folder,
        engine::Kind::Symlink => Kind::Link,
        engine::Kind::Special => Kind::Special,
    }
}

/// Writes one name of a folder.
pub(super) fn child(child: &pair::Child) -> Child {
    use pair::Standing as Found;
    let (standing, reason) = match &child.standing {
        Found::Same => (Standing::Same, None),
        Found::Only(engine::Side::Left) => (Standing::OnlyLeft, None),
        Found::Only(engine::Side::Right) => (Standing::OnlyRight, None),
        Found::Changed(engine::Side::Left) => (Standing::ChangedLeft, None),
        Found::Changed(engine::Side::Right) => (Standing::ChangedRight, None),
        Found::ChangedBoth => (Standing::ChangedBoth, None),
        Found::Conflict => (Standing::Conflict, None),
        Found::Excluded(pattern) => (Standing::Excluded, Some(pattern)),
        Found::Own => (Standing::Own, None),
        Found::Unsynced(reason) => (Standing::Unsynced, reason.as_ref()),
    };
    let held = |entry: &engine::Entry| Held {
        size: entry.size,
        modified: time(entry.mtime),
    };
    let entries = &child.entries;
    let either = entries.left.as_ref().or(entries.right.as_ref());
    Child {
        name: child.name.to_vec(),
        // Own data is a folder of ours.
        kind: either.map_or(Kind::Folder, |entry| kind(entry.kind)),
        standing,
        sides: PerSide {
            left: entries.left.as_ref().map(held),
            right: entries.right.as_ref().map(held),
        },
        reason: reason.map(|reason| escape(reason.as_bytes())),
    }
}

fn facts(state: &State) -> Facts {
    match state {
        State::Present(entry) => Facts::Present {
            kind: kind(entry.kind),
            size: entry.size,
            modified: time(entry.mtime),
        },
        State::Absent => Facts::Missing,
        State::Unknown(_) => Facts::Unknown,
    }
}

pub(super) fn conflict_kind(kind: plan::ConflictKind) -> ConflictKind {
    match kind {
        plan::ConflictKind::BothChanged => ConflictKind::BothChanged,
        plan::ConflictKind::ChangedAndDeleted => ConflictKind::ChangedAndDeleted,
        plan::ConflictKind::BothNew => ConflictKind::BothNew,
        plan::ConflictKind::KindsDiffer => ConflictKind::KindsDiffer,
    }
}

pub(super) fn stored(conflict: &pair::StoredConflict) -> Conflict {
    Conflict {
        id: conflict.id.clone(),
        path: conflict.path.as_bytes().to_vec(),
        kind: conflict_kind(conflict.kind),
        sides: PerSide {
            left: facts(&conflict.seen.left),
            right: facts(&conflict.seen.right),
        },
        n_within: conflict.n_within,
        since: Some(time(conflict.since)),
    }
}

fn planned(conflict: &plan::Conflict) -> Conflict {
    Conflict {
        id: String::new(),
        path: conflict.path.as_bytes().to_vec(),
        kind: conflict_kind(conflict.kind),
        sides: PerSide {
            left: facts(&conflict.seen.left),
            right: facts(&conflict.seen.right),
        },
        n_within: conflict.n_within,
        since: None,
    }
}

/// Returns the stable word of a reason; its words are in the catalogue.
fn reason(reason: Reason) -> &'static str {
    let on = |side: engine::Side, left, right| match side {
        engine::Side::Left => left,
        engine::Side::Right => right,
    };
    match reason {
        Reason::NewOn(s) => on(s, "new-on-left", "new-on-right"),
        Reason::ChangedOn(s) => on(s, "changed-on-left", "changed-on-right"),
        Reason::DeletedOn(s) => on(s, "deleted-on-left", "deleted-on-right"),
        Reason::KindChangedOn(s) => on(s, "kind-changed-on-left", "kind-changed-on-right"),
        Reason::AttributesChanged => "attributes-changed",
        Reason::RuleChose(s) => on(s, "rule-chose-left", "rule-chose-right"),
        Reason::RuleMerged => "rule-merged",
        Reason::RuleKeptBoth => "rule-kept-both",
        Reason::MirrorOf(s) => on(s, "mirror-of-left", "mirror-of-right"),
        Reason::NeverDeletes => "never-deletes",
        Reason::Resolved => "resolved",
        Reason::Undone => "undone",
        Reason::AlreadyEqual => "already-equal",
    }
}

fn action(op: &Op, seen: &State) -> (Action, u64) {
    let freed = seen.entry().map_or(0, |entry| entry.size);
    match op {
        Op::MakeDir { .. } => (Action::MakeFolder, 0),
        Op::Copy { size, .. } if seen.entry().is_some() => (Action::Update, *size),
        Op::Copy { size, .. } => (Action::Copy, *size),
        Op::Link { .. } if seen.entry().is_some() => (Action::Update, 0),
        Op::Link { .. } => (Action::Copy, 0),
        Op::Delete if seen.kind() == Some(engine::Kind::Dir) => (Action::RemoveFolder, 0),
        Op::Delete => (Action::Delete, freed),
        Op::Meta { .. } => (Action::SetAttributes, 0),
    }
}

/// Returns the steps of one change, at most one per side.
pub(super) fn steps_of(change: &Change) -> impl Iterator<Item = PlannedChange> {
    engine::Side::BOTH.into_iter().filter_map(|on| {
        let op = change.ops[on].as_ref()?;
        let (action, bytes) = action(op, &change.seen[on]);
        Some(PlannedChange {
            path: change.path.as_bytes().to_vec(),
            side: side(on),
            action,
            from: None,
            bytes,
            reason: Cow::Borrowed(reason(change.reason)),
            is_held: change.held.is_some(),
        })
    })
}

/// Returns what a plan would do; the troubles are the caller's.
pub(super) fn preview(plan: &Plan) -> Preview {
    let renames = plan.renames.iter().map(|rename| PlannedChange {
        path: rename.to.as_bytes().to_vec(),
        side: side(rename.side),
        action: Action::Rename,
        from: Some(rename.from.as_bytes().to_vec()),
        bytes: 0,
        reason: Cow::Borrowed(reason(rename.reason)),
        is_held: false,
    });
    let census = |census: &plan::Census| Census {
        n_files: census.n_files,
        n_folders: census.n_dirs,
        bytes: census.bytes,
    };
    Preview {
        id: plan.id().to_string(),
        changes: renames
            .chain(plan.changes.iter().flat_map(steps_of))
            .collect(),
        conflicts: plan.conflicts.iter().map(planned).collect(),
        troubles: Vec::new(),
        held_id: plan.held_id().map(|id| id.to_string()),
        census: PerSide {
            left: census(&plan.census.left),
            right: census(&plan.census.right),
        },
        is_first: plan.is_first,
    }
}

fn tally(tally: &plan::Tally) -> Tally {
    Tally {
        n_copied: tally.n_copied,
        n_updated: tally.n_updated,
        n_deleted: tally.n_deleted,
        n_folders_made: tally.n_dirs_made,
        n_folders_removed: tally.n_dirs_deleted,
        n_renamed: tally.n_renamed,
        n_attributes: tally.n_attributes,
        bytes: tally.bytes,
    }
}

/// Returns the counts of a run.
pub(super) fn summary(report: &pair::Report) -> Summary {
    // A run that a person stopped did not fail at what it did not come to.
    let is_left = |p: &plan::Problem| report.was_stopped && p.kind == plan::ProblemKind::NotReached;
    let n_failures = report
        .problems
        .iter()
        .filter(|problem| problem.kind.is_failure() && !is_left(problem))
        .count() as u64;
    let n_left = report.problems.iter().filter(|p| is_left(p)).count() as u64;
    Summary {
        done: PerSide {
            left: tally(&report.tally.left),
            right: tally(&report.tally.right),
        },
        n_conflicts: report.conflicts.len() as u64,
        n_held: report.n_held,
        n_failures,
        n_warnings: report.problems.len() as u64 - n_failures - n_left,
    }
}

/// Returns a step of a run.
pub(super) fn step(step: &Step) -> record::Step {
    let size = step.after.or(step.before).map_or(0, |entry| entry.size);
    record::Step {
        path: step.path.as_bytes().to_vec(),
        side: side(step.side),
        action: match step.kind {
            StepKind::MadeDir => Action::MakeFolder,
            StepKind::Copied => Action::Copy,
            StepKind::Updated => Action::Update,
            StepKind::Deleted => Action::Delete,
            StepKind::RemovedDir => Action::RemoveFolder,
            StepKind::Renamed => Action::Rename,
            StepKind::SetAttributes => Action::SetAttributes,
        },
        from: step.from.as_ref().map(|path| path.as_bytes().to_vec()),
        bytes: size,
        reason: Cow::Borrowed(reason(step.reason)),
        end: match step.end {
            StepEnd::Intended => record::StepEnd::Intended,
            StepEnd::Done => record::StepEnd::Done,
            StepEnd::NotDone => record::StepEnd::NotDone,
        },
        has_version: step.version.is_some(),
    }
}

/// Returns a kept version; `None` when its run has a name no run of the center can have.
pub(super) fn version(version: &pair::Version, root: &Path) -> Option<record::Version> {
    let mut kept_at = root.as_os_str().as_bytes().to_vec();
    kept_at.push(b'/');
    kept_at.extend_from_slice(version.kept_at.as_bytes());
    Some(record::Version {
        run: SessionId::new(version.run.as_str()).ok()?,
        replaced_at: time(version.replaced_at),
        side: side(version.side),
        path: version.path.as_bytes().to_vec(),
        kind: kind(version.entry.kind),
        size: version.entry.size,
        modified: time(version.entry.mtime),
        was_deleted: version.was_deleted,
        kept_at,
    })
}
