//! Holds back what looks like an accident: an emptied or exchanged folder, a mass deletion, a mass
//! rewriting (I12). Everything else of the plan goes on.
//!
//! Pure. A held change stays in the plan, with its reason, and is let go only for exactly the plan
//! that was shown ([`Plan::release`]).

use crate::entry::{Kind, Side};
use crate::plan::{Change, Hold, HoldKind, Op, Plan};
use crate::rules::Mode;
use crate::taken_back::TakenBack;

/// Up to this many files may always be deleted or overwritten: small folders change as a whole.
const FREE_FILES: u64 = 20;

/// From this many agreed files on, one side being empty is an accident until a person says so.
const EMPTIED_MIN: u64 = 2;

/// Holds back dangerous changes of a plan, and what a person took back. `is_first_mirror`: what the
/// first run of this mirror held back still waits.
pub(crate) fn hold_back(
    plan: &mut Plan,
    mode: Mode,
    is_first_mirror: bool,
    taken_back: &TakenBack,
) {
    for side in Side::BOTH {
        let n_returning = count(plan, |change| taken_back.returns(change, side));
        if n_returning > 0 {
            let kind = HoldKind::TakenBack;
            hold(
                plan,
                Hold {
                    kind,
                    side,
                    n_files: n_returning,
                    n_total: plan.census[side.other()].n_files,
                },
                |change| taken_back.returns(change, side),
            );
        }
        let n_total = plan.census[side].n_files;
        let n_deleted = count(plan, |change| deletes_file(change, side));
        let other_is_empty =
            plan.census[side.other()].n_files == 0 && !plan.is_first && n_deleted >= EMPTIED_MIN;
        let kind = if n_deleted == 0 {
            None
        } else if (plan.is_first || is_first_mirror) && matches!(mode, Mode::Mirror(_)) {
            Some(HoldKind::FirstMirror)
        } else if other_is_empty {
            Some(HoldKind::Emptied)
        } else if n_deleted > FREE_FILES && n_deleted * 4 > n_total {
            Some(HoldKind::ManyDeletions)
        } else {
            None
        };
        if let Some(kind) = kind {
            hold(
                plan,
                Hold {
                    kind,
                    side,
                    n_files: n_deleted,
                    n_total,
                },
                |change| removes(change, side),
            );
        }
        let n_rewritten = count(plan, |change| rewrites(change, side));
        if n_rewritten > FREE_FILES && n_rewritten * 2 > n_total {
            let kind = HoldKind::ManyRewrites;
            hold(
                plan,
                Hold {
                    kind,
                    side,
                    n_files: n_rewritten,
                    n_total,
                },
                |change| rewrites(change, side),
            );
        }
    }
}

/// Holds back everything, because the root of `replaced` is not the folder it was.
pub(crate) fn hold_all(plan: &mut Plan, replaced: Side) {
    let side = replaced.other();
    let n_files = plan
        .changes
        .iter()
        .filter(|change| !change.is_memory_only())
        .count() as u64;
    let n_total = plan.census[side].n_files;
    plan.renames.clear();
    hold(
        plan,
        Hold {
            kind: HoldKind::RootReplaced,
            side,
            n_files,
            n_total,
        },
        |change| !change.is_memory_only(),
    );
}

fn count(plan: &Plan, is_it: impl Fn(&Change) -> bool) -> u64 {
    plan.changes
        .iter()
        .filter(|change| change.held.is_none() && is_it(change))
        .count() as u64
}

fn hold(plan: &mut Plan, hold: Hold, is_it: impl Fn(&Change) -> bool) {
    for change in plan
        .changes
        .iter_mut()
        .filter(|change| change.held.is_none())
    {
        if is_it(change) {
            change.held = Some(hold.kind);
        }
    }
    plan.holds.push(hold);
}

fn deletes_file(change: &Change, side: Side) -> bool {
    change.deletes_on(side) && change.seen[side].kind() != Some(Kind::Dir)
}

/// Deletes something, or puts something in the place of a directory whose content it would need
/// deleted first.
fn removes(change: &Change, side: Side) -> bool {
    change.deletes_on(side)
        || (change.seen[side].kind() == Some(Kind::Dir)
            && matches!(change.ops[side], Some(Op::Copy { .. } | Op::Link { .. })))
}

fn rewrites(change: &Change, side: Side) -> bool {
    change.overwrites_on(side) && change.seen[side].kind() != Some(Kind::Dir)
}
