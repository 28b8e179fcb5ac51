//! Carries out a plan, step by step, so that a crash between any two steps loses nothing and needs
//! no repair: the next run looks again and does what is left.
//!
//! Order: renames; directories; contents, in batches; deletions; attributes. Within a batch all contents are staged first, then made durable with one
//! call per side, then moved into place; what has become agreed is written to the base only after
//! the next such call (I10).

mod copy;
mod dirs;
mod rename;
mod steps;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::cancel::Cancel;
use crate::clock::Clock;
use crate::entry::{Entry, FileId, Hash, Kind, Side, Sides};
use crate::install::{self, Refusal};
use crate::journal::{RunId, Step};
use crate::ledger::Ledger;
use crate::monitor::{Monitor, Phase};
use crate::own::OwnPlaces;
use crate::pair::{Failure, Options};
use crate::path::RelPath;
use crate::plan::{Change, Op, Plan, Problem, Tally};
use crate::replica::Replica;
use crate::state::State;
use dirs::deferred;

/// Equal files remembered with one write.
const EQUALS_AT_ONCE: usize = 8_192;

/// What a run works with.
pub(crate) struct Ground<'a> {
    pub(crate) sides: Sides<&'a dyn Replica>,
    pub(crate) run: &'a RunId,
    pub(crate) options: &'a Options,
    pub(crate) clock: &'a dyn Clock,
    /// When the plan's look began, by each file system's clock, in nanoseconds since 1970.
    pub(crate) looked_at_ns: Sides<i128>,
    pub(crate) monitor: &'a dyn Monitor,
    pub(crate) cancel: &'a Cancel,
}

/// What a run did.
pub(crate) struct Done {
    pub(crate) tally: Sides<Tally>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) was_stopped: bool,
}

/// One step: a change's operation on one side.
#[derive(Clone, Copy)]
struct Task {
    index: usize,
    side: Side,
    seq: u64,
}

struct Apply<'a> {
    ground: &'a Ground<'a>,
    plan: &'a Plan,
    own: Sides<OwnPlaces<'a>>,
    ledger: Ledger<'a>,
    /// Attributes of what this run renamed, as they are since.
    renamed: HashMap<(Side, RelPath), Entry>,
    /// Directories that could not be made, renamed or cleared: nothing beneath is tried.
    blocked: Mutex<BTreeSet<(Side, RelPath)>>,
    /// Steps that are done already, by change and side.
    is_done: Mutex<BTreeSet<(usize, Side)>>,
    /// Files that the plan names more than once: hard links.
    shared: HashSet<(Side, FileId)>,
    texts: Mutex<Vec<(Hash, Box<[u8]>)>>,
    bytes_done: AtomicU64,
    n_total: u64,
    bytes_total: u64,
    next_seq: AtomicU64,
    /// New directories that come into being together with the files in them, by change and side.
    deferred: BTreeSet<(usize, Side)>,
    touched: Sides<std::sync::atomic::AtomicBool>,
}

/// Carries out the plan. Per-path trouble is in the result; an error means that the base or the
/// journal cannot be written, and the run ends there.
pub(crate) fn apply(ground: &Ground<'_>, plan: &Plan, state: &mut State) -> Result<Done, Failure> {
    let own =
        Sides::from_fn(|side| OwnPlaces::new(ground.sides[side], ground.run, &plan.mounts[side]));
    let capabilities = Sides::from_fn(|side| ground.sides[side].capabilities());
    let active = || plan.changes.iter().filter(|change| change.held.is_none());
    let n_ops = |change: &Change| {
        u64::from(change.ops.left.is_some()) + u64::from(change.ops.right.is_some())
    };
    let mut apply = Apply {
        ground,
        plan,
        own,
        ledger: Ledger::new(&plan.changes, capabilities, ground.looked_at_ns),
        renamed: HashMap::new(),
        blocked: Mutex::default(),
        is_done: Mutex::default(),
        shared: shared(plan),
        texts: Mutex::default(),
        bytes_done: AtomicU64::new(0),
        n_total: plan.renames.len() as u64 + active().map(n_ops).sum::<u64>(),
        bytes_total: active().map(Change::bytes).sum(),
        next_seq: AtomicU64::new(0),
        deferred: deferred(plan),
        touched: Sides::default(),
    };
    apply.run(state)
}

impl<'a> Apply<'a> {
    fn run(&mut self, state: &mut State) -> Result<Done, Failure> {
        self.agree_on_what_is_equal(state)?;
        self.ground.monitor.phase(Phase::Preparing);
        self.rename_all(state)?;
        self.forget_what_comes_back(state)?;
        self.make_dirs(state)?;
        self.ground.monitor.phase(Phase::Copying);
        self.copy_all(state)?;
        self.ground.monitor.phase(Phase::Finishing);
        self.delete_all(state)?;
        self.set_attributes(state)?;
        self.finish(state)
    }

    /// Notes what needs no step. Small runs of this kind are the usual case of nothing to do.
    fn agree_on_what_is_equal(&mut self, state: &mut State) -> Result<(), Failure> {
        for path in &self.plan.forget {
            self.ledger.forget(path);
        }
        for (from, to) in &self.plan.moved {
            self.ledger.note_moved(from, to);
        }
        let is_left = |dir: &&RelPath| self.plan.renames.iter().any(|r| r.from.is_within(dir));
        for dir in self.come_back().filter(|dir| !is_left(dir)) {
            self.ledger.forget(dir);
        }
        // What a pending rename brings to its new name is agreed on only after the rename.
        let moves: BTreeSet<&RelPath> = self.plan.renames.iter().map(|rename| &rename.to).collect();
        let is_moved = |path: &RelPath| {
            !moves.is_empty()
                && (moves.contains(path) || path.ancestors().any(|dir| moves.contains(&dir)))
        };
        for change in &self.plan.changes {
            if change.is_memory_only() && change.held.is_none() && !is_moved(&change.path) {
                self.ledger.adopt(change);
            }
        }
        // Nothing here waits for a file to become durable: both sides had it before this run.
        self.write_agreed(state)?;
        for (n, file) in self.plan.equals.iter().enumerate() {
            self.ledger.adopt_equal(file);
            if (n + 1) % EQUALS_AT_ONCE == 0 {
                self.write_agreed(state)?;
            }
        }
        self.write_agreed(state)
    }

    /// Directories that one side gave up and that come back there. Killed half-way, they would look
    /// as if that side had kept and emptied them; without a record they are new, and are filled.
    fn come_back(&self) -> impl Iterator<Item = &'a RelPath> + use<'a> {
        let plan = self.plan;
        let comes_back = |change: &&Change| {
            change.held.is_none()
                && Side::BOTH.into_iter().any(|side| {
                    matches!(change.ops[side], Some(Op::MakeDir { .. }))
                        && change.seen[side].is_absent()
                        && change.seen[side.other()].kind() == Some(Kind::Dir)
                })
        };
        plan.changes
            .iter()
            .filter(comes_back)
            .map(|change| &change.path)
    }

    /// Forgets the directories that come back, after the records of what a rename took out of them
    /// have followed; those may follow only when the renames would survive a power cut.
    fn forget_what_comes_back(&self, state: &mut State) -> Result<(), Failure> {
        let is_left = |dir: &&RelPath| self.plan.renames.iter().any(|r| r.from.is_within(dir));
        let left: Vec<&RelPath> = self.come_back().filter(is_left).collect();
        let touched = Sides::from_fn(|side| self.touched[side].load(Ordering::Relaxed));
        if left.is_empty() || self.make_durable(touched).is_err() {
            return Ok(());
        }
        for dir in left {
            self.ledger.forget(dir);
        }
        self.write_agreed(state)
    }

    fn delete_all(&mut self, state: &mut State) -> Result<(), Failure> {
        for side in Side::BOTH {
            let tasks = self.tasks(0..self.plan.changes.len(), side, |op| {
                matches!(op, Op::Delete)
            });
            self.delete(state, tasks)?;
        }
        Ok(())
    }

    /// Deletes, from the end, so that a directory comes after what is in it.
    fn delete(&self, state: &mut State, mut tasks: Vec<Task>) -> Result<(), Failure> {
        tasks.retain(|task| self.begin(task.index, task.side));
        tasks.reverse();
        let steps: Vec<Step> = tasks.iter().map(|task| self.step(task)).collect();
        self.announce(state, &steps)?;
        for task in &tasks {
            let change = &self.plan.changes[task.index];
            let result = self.guarded(task, || {
                let to = self.ground.sides[task.side];
                match self.seen(task.index, task.side) {
                    Some(seen) if seen.kind == Kind::Dir => {
                        install::remove_dir(to, &change.path, &seen)?;
                    }
                    Some(seen) => {
                        install::remove(to, &self.own[task.side], &change.path, &seen)?;
                    }
                    None => {}
                }
                Ok(None)
            });
            self.note(task, result);
        }
        self.settle(state)
    }

    fn set_attributes(&mut self, state: &mut State) -> Result<(), Failure> {
        for side in Side::BOTH {
            let tasks = self.tasks(0..self.plan.changes.len(), side, |op| {
                matches!(op, Op::Meta { .. })
            });
            let steps: Vec<Step> = tasks.iter().map(|task| self.step(task)).collect();
            self.announce(state, &steps)?;
            for task in &tasks {
                let change = &self.plan.changes[task.index];
                let result = self.guarded(task, || {
                    let Some(Op::Meta { mode, mtime }) = change.ops[side] else {
                        return Err(Refusal::Moved);
                    };
                    let to = self.ground.sides[side];
                    let seen = self.seen(task.index, side).ok_or(Refusal::Moved)?;
                    if !to
                        .stat(&change.path)?
                        .is_some_and(|now| now.is_same_version(&seen))
                    {
                        return Err(Refusal::Moved);
                    }
                    to.set_meta(&change.path, mode, mtime)?;
                    Ok(to.stat(&change.path)?)
                });
                self.note(task, result);
            }
            self.close_dirs(side);
        }
        self.settle(state)
    }

    fn finish(&mut self, state: &mut State) -> Result<Done, Failure> {
        let was_stopped = self.ground.cancel.is_cancelled();
        let touched = Sides::from_fn(|side| self.touched[side].load(Ordering::Relaxed));
        // A stopped run ends at once: the base then stays behind the files, and the next run finds
        // both sides equal where this one was done.
        if !was_stopped && self.make_durable(touched).is_ok() {
            self.write_agreed(state)?;
        }
        self.settle(state)?;
        let capabilities = Sides::from_fn(|side| self.ground.sides[side].capabilities());
        let fresh = Ledger::new(&self.plan.changes, capabilities, self.ground.looked_at_ns);
        let (tally, problems) = std::mem::replace(&mut self.ledger, fresh).close();
        Ok(Done {
            tally,
            problems,
            was_stopped,
        })
    }
}

/// Finds the files that several paths of the plan stand for.
fn shared(plan: &Plan) -> HashSet<(Side, FileId)> {
    let mut once = HashSet::new();
    let mut twice = HashSet::new();
    for change in plan
        .changes
        .iter()
        .filter(|change| !change.is_memory_only())
    {
        for side in Side::BOTH {
            let file = change.seen[side]
                .entry()
                .filter(|entry| entry.kind == Kind::File);
            if let Some(entry) = file.filter(|entry| !once.insert((side, entry.id))) {
                twice.insert((side, entry.id));
            }
        }
    }
    twice
}
