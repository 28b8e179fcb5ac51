//! Makes the plan that takes a run back.
//!
//! A sync brought a change from one side to the other. Taking it back gives both sides what they
//! had in common before, so that the next run does not do it again; what that replaces becomes a
//! version in turn, so an undo can be undone. What was new is different: nothing came before it,
//! and a person wrote it, so it stays where it was written and only the copy goes; the next run
//! asks before it copies it again ([`crate::plan::HoldKind::TakenBack`]). So is a decision on a
//! conflict: each side gets its own version back, and the conflict is there again.

use std::collections::BTreeMap;

use crate::entry::{Agreed, Entry, Kind, Side, Sides, State as Seen};
use crate::journal::{RunKind, RunRecord, Step, StepEnd, StepKind};
use crate::path::RelPath;
use crate::plan::{Change, Op, Plan, Problem, ProblemKind, Reason, Rename, Source};
use crate::replica::{Fault, Observe};

/// What one path was before the run, as far as the journal and the kept versions tell.
enum Before {
    /// Nothing was there.
    Nothing,
    /// A directory with these attributes.
    Dir(Entry),
    /// A file or link that is kept as a version.
    Kept {
        side: Side,
        at: RelPath,
        entry: Entry,
    },
    /// The same content with these attributes.
    Attributes(Entry),
}

/// Makes the plan. `agreed` looks up the base.
pub(crate) fn plan(
    sides: Sides<&dyn Observe>,
    run: &RunRecord,
    steps: &[Step],
    agreed: &dyn Fn(&RelPath) -> Option<Agreed>,
) -> Result<Plan, Fault> {
    let mut plan = Plan::default();
    let renames: Vec<&Step> = steps
        .iter()
        .filter(|step| step.kind == StepKind::Renamed && step.end != StepEnd::NotDone)
        .collect();
    take_back_renames(sides, &renames, &mut plan)?;
    let mut by_path: BTreeMap<&RelPath, Vec<&Step>> = BTreeMap::new();
    for step in steps
        .iter()
        .filter(|step| step.kind != StepKind::Renamed && step.end != StepEnd::NotDone)
    {
        by_path.entry(&step.path).or_default().push(step);
    }
    for (path, steps) in by_path {
        let now_at = path;
        let path = plan
            .renames
            .iter()
            .filter(|rename| rename.side == Side::Left)
            .fold(path.clone(), |path, rename| {
                path.rebase(&rename.from, &rename.to).unwrap_or(path)
            });
        let undo = Undo {
            sides,
            path,
            now_at,
            kind: run.kind,
        };
        match undo.change(&steps, agreed)? {
            Ok(Some(change)) => plan.changes.push(change),
            Ok(None) => {}
            Err(kind) => plan.problems.push(Problem {
                path: undo.path,
                side: None,
                kind,
            }),
        }
    }
    plan.changes.sort_by(|a, b| a.path.cmp(&b.path));
    plan.problems.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(plan)
}

/// Plans the renames backwards, on both sides; one that is not there any more is a problem.
fn take_back_renames(
    sides: Sides<&dyn Observe>,
    renames: &[&Step],
    plan: &mut Plan,
) -> Result<(), Fault> {
    for step in renames.iter().rev() {
        let Some(old) = &step.from else { continue };
        // An undo renames on both sides, and so has a step for each.
        let is_planned = |rename: &Rename| rename.from == step.path && rename.to == *old;
        if plan.renames.iter().any(is_planned) {
            continue;
        }
        let mut found = Sides::from_fn(|_| None);
        for side in Side::BOTH {
            found[side] = sides[side].stat(&step.path)?;
        }
        match (found.left, found.right) {
            (Some(left), Some(right)) if left.kind == right.kind => {
                for (side, seen) in [(Side::Left, left), (Side::Right, right)] {
                    let (from, to) = (step.path.clone(), old.clone());
                    plan.renames.push(Rename {
                        side,
                        from,
                        to,
                        seen,
                        reason: Reason::Undone,
                    });
                }
            }
            _ => plan.problems.push(Problem {
                path: step.path.clone(),
                side: None,
                kind: ProblemKind::ChangedMeanwhile,
            }),
        }
    }
    Ok(())
}

struct Undo<'a> {
    sides: Sides<&'a dyn Observe>,
    /// The path once the renames are taken back.
    path: RelPath,
    /// The path now.
    now_at: &'a RelPath,
    kind: RunKind,
}

impl Undo<'_> {
    /// Returns the change that restores what was, `None` when that is so already, or the problem
    /// that prevents it.
    fn change(
        &self,
        steps: &[&Step],
        agreed: &dyn Fn(&RelPath) -> Option<Agreed>,
    ) -> Result<Result<Option<Change>, ProblemKind>, Fault> {
        let mut seen = Sides::<Seen>::default();
        for side in Side::BOTH {
            seen[side] = match self.sides[side].stat(self.now_at)? {
                Some(entry) => Seen::Present(entry),
                None => Seen::Absent,
            };
        }
        let stepped = Sides::from_fn(|side| steps.iter().any(|step| step.side == side));
        let mut ops = Sides::<Option<Op>>::default();
        let is_decision = self.kind == RunKind::Resolve;
        let mut leaves_apart = is_decision;
        for side in Side::BOTH {
            if !is_decision && !stepped[side] && self.is_own(&seen[side], steps, agreed) {
                leaves_apart = true;
                continue;
            }
            // Attributes of the other side are part of the same change; content comes from the
            // step that replaced it.
            let own = steps.iter().rev().find(|step| step.side == side);
            let step = if is_decision {
                own
            } else {
                own.or_else(|| steps.last())
            };
            let Some(step) = step else { continue };
            let is_untouched = match (&seen[side], stepped[side], &step.after) {
                (Seen::Present(now), true, Some(after)) => now.is_same_file(after),
                (Seen::Absent, true, None) => true,
                (_, true, _) if step.end == StepEnd::Intended => true,
                (Seen::Present(now), false, _) => agreed(self.now_at).is_some_and(|agreed| {
                    agreed.is_unchanged(side, now, true)
                        || agreed.stamp(side).id == now.id
                            && agreed.stamp(side).mtime == now.mtime
                            && agreed.size == now.size
                }),
                (Seen::Absent, false, _) => agreed(self.now_at).is_none(),
                (_, true, _) => false,
                (Seen::Unknown(_), false, _) => false,
            };
            if !is_untouched {
                return Ok(Err(ProblemKind::ChangedMeanwhile));
            }
            let Some(before) = self.before(step)? else {
                return Ok(Err(ProblemKind::NotStorable(
                    "its version is not kept any more",
                )));
            };
            ops[side] = self.op(&before, &seen[side])?;
        }
        if ops == Sides::default() {
            return Ok(Ok(None));
        }
        Ok(Ok(Some(Change {
            path: self.path.clone(),
            ops,
            seen,
            hash: None,
            link: None,
            reason: Reason::Undone,
            held: None,
            leaves_apart,
        })))
    }

    /// Says whether a side that the run left alone has something of its own: what the run copied
    /// from there, or what an undo left there while its copy went.
    fn is_own(
        &self,
        seen: &Seen,
        steps: &[&Step],
        agreed: &dyn Fn(&RelPath) -> Option<Agreed>,
    ) -> bool {
        let is_new = steps.iter().any(|step| {
            step.before.is_none() && matches!(step.kind, StepKind::MadeDir | StepKind::Copied)
        });
        let was_left = self.kind == RunKind::Undo && agreed(self.now_at).is_none();
        matches!(seen, Seen::Present(_)) && (is_new || was_left)
    }

    fn before(&self, step: &Step) -> Result<Option<Before>, Fault> {
        Ok(match (step.kind, &step.before, &step.version) {
            (StepKind::SetAttributes, Some(entry), _) => Some(Before::Attributes(*entry)),
            (StepKind::RemovedDir, Some(entry), _) => Some(Before::Dir(*entry)),
            (_, Some(entry), Some(at)) if entry.kind != Kind::Dir => {
                let kept = self.sides[step.side].stat(at)?;
                match kept {
                    Some(kept) if kept.is_same_file(entry) => Some(Before::Kept {
                        side: step.side,
                        at: at.clone(),
                        entry: kept,
                    }),
                    // Announced and never done: there is no version, and nothing to take back.
                    _ if step.end == StepEnd::Intended => Some(Before::Attributes(*entry)),
                    _ => None,
                }
            }
            (_, Some(entry), _) if entry.kind == Kind::Dir => Some(Before::Dir(*entry)),
            (StepKind::MadeDir | StepKind::Copied, None, _) => Some(Before::Nothing),
            // There was something, and nothing says where it went: not a reason to delete.
            (
                StepKind::MadeDir
                | StepKind::Copied
                | StepKind::Updated
                | StepKind::Deleted
                | StepKind::RemovedDir
                | StepKind::Renamed
                | StepKind::SetAttributes,
                ..,
            ) => None,
        })
    }

    /// Returns the step from what is there now to what was there before.
    fn op(&self, before: &Before, now: &Seen) -> Result<Option<Op>, Fault> {
        Ok(match (before, now.entry()) {
            (Before::Nothing, None) => None,
            (Before::Nothing, Some(_)) => Some(Op::Delete),
            (Before::Dir(entry), None) => Some(Op::MakeDir {
                mode: entry.mode,
                mtime: entry.mtime,
            }),
            (Before::Dir(entry), Some(now)) if now.kind == Kind::Dir => attributes(entry, now),
            (Before::Dir(entry), Some(_)) => Some(Op::MakeDir {
                mode: entry.mode,
                mtime: entry.mtime,
            }),
            (Before::Attributes(entry), Some(now)) if now.kind == entry.kind => {
                attributes(entry, now)
            }
            (Before::Attributes(_), _) => None,
            (Before::Kept { side, at, entry }, _) if entry.kind == Kind::Symlink => {
                let dir = self.sides[*side].open_dir(&at.parent().unwrap_or_default())?;
                Some(Op::Link {
                    target: dir.read_link(at.name())?,
                    mtime: entry.mtime,
                })
            }
            (Before::Kept { side, at, entry }, _) => {
                let source = Source::Version {
                    side: *side,
                    path: at.clone(),
                    seen: Box::new(*entry),
                };
                Some(crate::look::copy_op(source, entry))
            }
        })
    }
}

fn attributes(before: &Entry, now: &Entry) -> Option<Op> {
    let mode = (before.mode != now.mode && before.kind != Kind::Symlink).then_some(before.mode);
    let mtime = (before.mtime != now.mtime && before.kind == Kind::File).then_some(before.mtime);
    (mode.is_some() || mtime.is_some()).then_some(Op::Meta { mode, mtime })
}
