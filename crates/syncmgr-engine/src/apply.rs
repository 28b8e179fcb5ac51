//! Carries out a plan, step by step, so that a crash between any two steps loses nothing and needs
//! no repair: the next run looks again and does what is left.
//!
//! Order: renames; directories; contents, in batches; deletions; attributes. Within a batch all contents are staged first, then made durable with one
//! call per side, then moved into place; what has become agreed is written to the base only after
//! the next such call (I10).

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::cancel::Cancel;
use crate::clock::Clock;
use crate::entry::{Entry, Hash, Kind, Side, Sides};
use crate::install::{self, Copier, Order, Ready, Refusal};
use crate::journal::{RunId, Step, StepEnd, StepKind};
use crate::ledger::{Ledger, StepResult};
use crate::look;
use crate::monitor::{Monitor, Phase, Progress};
use crate::own::OwnPlaces;
use crate::pace::Pace;
use crate::pair::{Failure, Options};
use crate::path::RelPath;
use crate::plan::{Change, Op, Plan, Problem, ProblemKind, Rename, Source, Tally};
use crate::replica::{Fault, FaultKind, Observe, Replica};
use crate::scan::state_failure;
use crate::state::State;
use crate::workers;

/// Files staged before they are made durable and moved into place. More would save a flush and
/// lose more work to a crash.
const BATCH_FILES: usize = 8_192;

/// Bytes staged before they are made durable and moved into place.
const BATCH_BYTES: u64 = 512 << 20;

/// Files of one directory that one thread takes at a time.
const CHUNK_FILES: usize = 256;

/// Directories being filled in the staging place, by the change that makes them.
type Nurseries = HashMap<usize, RelPath>;

/// Equal files remembered with one write.
const EQUALS_AT_ONCE: usize = 8_192;

/// Permission bits a directory needs while its content is put in.
const OPEN_BITS: u16 = 0o700;

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

    fn rename_all(&mut self, state: &mut State) -> Result<(), Failure> {
        let plan = self.plan;
        self.await_ways(state)?;
        let mut steps = Vec::new();
        let first_seq = self.take_seqs(plan.renames.len());
        for (rename, seq) in plan.renames.iter().zip(first_seq..) {
            steps.push(Step {
                seq,
                side: rename.side,
                path: rename.to.clone(),
                kind: StepKind::Renamed,
                from: Some(rename.from.clone()),
                before: Some(rename.seen),
                after: None,
                version: None,
                reason: rename.reason,
                end: StepEnd::Intended,
            });
        }
        self.announce(state, &steps)?;
        for (rename, seq) in plan.renames.iter().zip(first_seq..) {
            let result = match self.rename(state, rename)? {
                Ok(after) => {
                    self.renamed.insert((rename.side, rename.to.clone()), after);
                    StepResult::done(Some(after))
                }
                Err(refusal) => {
                    self.block(rename.side, &rename.to);
                    self.block(rename.side.other(), &rename.to);
                    StepResult::NotDone(refusal.into_problem(&rename.to))
                }
            };
            self.ledger.note_rename(rename, seq, result);
            self.tell(Some(&rename.to));
        }
        for change in &plan.changes {
            if change.is_memory_only() && change.held.is_none() && self.is_in_rename(&change.path) {
                self.adopt_renamed(change);
            }
        }
        Ok(())
    }

    /// Finds the directories that renames lead into and that are no record yet.
    fn await_ways(&self, state: &State) -> Result<(), Failure> {
        let mut known = BTreeSet::new();
        for dir in self
            .plan
            .renames
            .iter()
            .flat_map(|rename| rename.to.ancestors())
        {
            if dir.is_root() || !known.insert(dir.clone()) {
                continue;
            }
            let record = state.get(&dir).map_err(|error| state_failure(&error))?;
            if record.is_none_or(|record| record.kind != Kind::Dir) {
                self.ledger.await_dir(dir);
            }
        }
        Ok(())
    }

    fn is_in_rename(&self, path: &RelPath) -> bool {
        self.plan
            .renames
            .iter()
            .any(|rename| path.is_within(&rename.to))
    }

    /// Agrees on a path that only a rename touched, with the attributes it has since.
    fn adopt_renamed(&self, change: &Change) {
        if self.is_blocked(Side::Left, &change.path) || self.is_blocked(Side::Right, &change.path) {
            return;
        }
        let mut change = change.clone();
        for side in Side::BOTH {
            if let Some(entry) = self.renamed.get(&(side, change.path.clone())) {
                change.seen[side] = crate::entry::State::Present(*entry);
            }
        }
        self.ledger.adopt(&change);
    }

    fn rename(
        &self,
        state: &mut State,
        rename: &Rename,
    ) -> Result<Result<Entry, Refusal>, Failure> {
        let side = rename.side;
        if self.ground.cancel.is_cancelled() {
            return Ok(Err(Fault::cancelled(&rename.to).into()));
        }
        let mut above: Vec<RelPath> = rename.to.ancestors().filter(|dir| !dir.is_root()).collect();
        above.reverse();
        for dir in above {
            let found = self
                .plan
                .changes
                .binary_search_by(|change| change.path.cmp(&dir));
            if let Ok(index) = found {
                if matches!(self.plan.changes[index].ops[side], Some(Op::MakeDir { .. })) {
                    self.make_dir_once(state, index, side)?;
                }
            }
        }
        if self.is_blocked(side, &rename.to) || self.is_blocked(side, &rename.from) {
            return Ok(Err(Refusal::Moved));
        }
        Ok(self.move_as_planned(rename))
    }

    fn move_as_planned(&self, rename: &Rename) -> Result<Entry, Refusal> {
        let to = self.ground.sides[rename.side];
        self.touch(rename.side);
        let now = to.stat(&rename.from)?;
        let is_as_seen =
            now.is_some_and(
                |now| match self.renamed.get(&(rename.side, rename.from.clone())) {
                    Some(since) => now.is_same_version(since),
                    None => now.is_same_file(&rename.seen),
                },
            );
        if !is_as_seen {
            return Err(Refusal::Moved);
        }
        let moved = match to.move_new(&rename.from, &rename.to) {
            // The old and the new name are one name to this store: go by way of a third.
            Err(fault) if fault.kind == FaultKind::Exists && is_same_when_folded(to, rename) => {
                let aside = self.own[rename.side].version(&rename.from)?;
                to.move_new(&rename.from, &aside)?;
                to.move_new(&aside, &rename.to).inspect_err(|_| {
                    // They were two names after all: everything stays where it was.
                    drop(to.move_new(&aside, &rename.from));
                })
            }
            other => other,
        };
        match moved {
            Ok(()) => {}
            Err(fault) if matches!(fault.kind, FaultKind::Exists | FaultKind::NotFound) => {
                return Err(Refusal::Moved);
            }
            Err(fault) => return Err(fault.into()),
        }
        let after = to.stat(&rename.to)?.ok_or(Refusal::Moved)?;
        if !after.is_same_file(&rename.seen) {
            drop(to.move_new(&rename.to, &rename.from));
            return Err(Refusal::Moved);
        }
        Ok(after)
    }

    /// Empties the directories in whose place something staged goes. Only now: what is to come is
    /// at hand and durable, so nothing is given away for a promise.
    fn clear_the_way(
        &self,
        state: &mut State,
        ready: &mut Vec<(Task, Ready)>,
    ) -> Result<(), Failure> {
        let changes = &self.plan.changes;
        let mut refused = Vec::new();
        for (at, (task, _)) in ready.iter().enumerate() {
            let (side, change) = (task.side, &changes[task.index]);
            let Some(seen) = self
                .seen(task.index, side)
                .filter(|seen| seen.kind == Kind::Dir)
            else {
                continue;
            };
            let end = task.index
                + changes[task.index..].partition_point(|c| c.path.is_within(&change.path));
            let tasks = self.tasks(task.index + 1..end, side, |op| matches!(op, Op::Delete));
            self.delete(state, tasks)?;
            if let Err(refusal) = install::remove_dir(self.ground.sides[side], &change.path, &seen)
            {
                refused.push((at, refusal.into_problem(&change.path)));
            }
        }
        for (at, kind) in refused.into_iter().rev() {
            let (task, staged) = ready.remove(at);
            drop(self.ground.sides[task.side].remove_file(&staged.stage));
            self.block(task.side, &changes[task.index].path);
            self.note(&task, StepResult::NotDone(kind));
        }
        Ok(())
    }

    /// Makes the new directories that do not wait for files.
    fn make_dirs(&mut self, state: &mut State) -> Result<(), Failure> {
        for side in Side::BOTH {
            for index in 0..self.plan.changes.len() {
                if !self.deferred.contains(&(index, side)) {
                    self.make_dir_once(state, index, side)?;
                }
            }
        }
        Ok(())
    }

    /// Makes one directory of the plan, unless that is done already.
    fn make_dir_once(&self, state: &mut State, index: usize, side: Side) -> Result<(), Failure> {
        let change = &self.plan.changes[index];
        let Some(Op::MakeDir { mode, .. }) = change.ops[side] else {
            return Ok(());
        };
        if change.held.is_some() || !self.begin(index, side) {
            return Ok(());
        }
        let task = Task {
            index,
            side,
            seq: self.take_seqs(1),
        };
        self.announce(state, &[self.step(&task)])?;
        let result = self.guarded(&task, || {
            let to = self.ground.sides[side];
            let mut version = None;
            if let Some(seen) = self.seen(index, side).filter(|seen| seen.kind != Kind::Dir) {
                version = Some(install::remove(to, &self.own[side], &change.path, &seen)?);
            }
            match to.make_dir(&change.path, mode | OPEN_BITS) {
                Ok(()) => {}
                Err(fault) if fault.kind == FaultKind::Exists && folds_names(to) => {
                    return Err(Refusal::NamesCollide);
                }
                // Someone made it in the meantime: that is what was wanted.
                Err(fault) if fault.kind == FaultKind::Exists => {}
                Err(fault) => {
                    // The name must not stay empty, as if someone had deleted it.
                    if let Some(version) = &version {
                        drop(to.move_new(version, &change.path));
                    }
                    return Err(fault.into());
                }
            }
            let made = to
                .stat(&change.path)?
                .filter(|made| made.kind == Kind::Dir)
                .ok_or(Refusal::Moved)?;
            // The bits it will have at the end; they are set when its content is in.
            Ok(Some(Entry { mode, ..made }))
        });
        if matches!(result, StepResult::NotDone(_)) {
            self.block(side, &change.path);
        }
        self.note(&task, result);
        Ok(())
    }

    fn copy_all(&mut self, state: &mut State) -> Result<(), Failure> {
        let is_copy = |op: &Op| matches!(op, Op::Copy { .. } | Op::Link { .. });
        let n = self.plan.changes.len();
        for side in Side::BOTH {
            let tasks = self.tasks(0..n, side, is_copy);
            let mut rest = tasks.as_slice();
            while !rest.is_empty() {
                let mut bytes = 0;
                let fits = |task: &&Task| {
                    let size = self.plan.changes[task.index].bytes();
                    let fits = bytes == 0 || bytes + size <= BATCH_BYTES;
                    bytes += size;
                    fits
                };
                let n = rest.iter().take(BATCH_FILES).take_while(fits).count();
                let (batch, later) = rest.split_at(n.max(1));
                rest = later;
                self.copy_batch(state, side, batch)?;
            }
            // Directories whose files all failed are wanted all the same.
            self.open_dirs(state, side, n, &HashMap::new())?;
        }
        Ok(())
    }

    fn copy_batch(&mut self, state: &mut State, side: Side, batch: &[Task]) -> Result<(), Failure> {
        let n_threads = workers::n_threads(self.ground.options.n_threads);
        let to = self.ground.sides[side];
        let nurseries = self.make_nurseries(side, batch);
        let mut ready = self.stage_batch(batch, &nurseries, n_threads)?;
        if self.ground.cancel.is_cancelled() {
            for (task, staged) in &ready {
                drop(to.remove_file(&staged.stage));
                self.note(task, Fault::cancelled(&RelPath::root()).into());
            }
            return Ok(());
        }
        let steps: Vec<Step> = ready.iter().map(|(task, _)| self.step(task)).collect();
        self.announce(state, &steps)?;
        if let Err(fault) = to.make_durable() {
            for (task, staged) in &ready {
                drop(to.remove_file(&staged.stage));
                let path = self.plan.changes[task.index].path.clone();
                let kind = ProblemKind::Failed(Fault {
                    path,
                    ..fault.clone()
                });
                self.note(task, StepResult::NotDone(kind));
            }
            return Ok(());
        }
        // What the batch before this one agreed on has become durable with the same call.
        self.write_agreed(state)?;
        self.clear_the_way(state, &mut ready)?;
        let last = batch.last().map_or(0, |task| task.index + 1);
        let arrived = self.open_dirs(state, side, last, &nurseries)?;
        ready.reverse();
        workers::run(vec![(); n_threads], ready, |(), (task, staged), _found| {
            self.commit(&task, staged, &arrived);
            Ok::<_, Failure>(())
        })?;
        self.keep_texts(state)?;
        self.settle(state)
    }

    /// Stages the files and links of a batch; returns what is ready, in the order of the plan.
    fn stage_batch(
        &self,
        batch: &[Task],
        nurseries: &Nurseries,
        n_threads: usize,
    ) -> Result<Vec<(Task, Ready)>, Failure> {
        let pace = Pace::new(self.ground.options.bandwidth, self.ground.clock);
        let copiers = (0..n_threads)
            .map(|n| (Copier::new(n, self.ground.cancel, &pace), Vec::new()))
            .collect();
        // Files of one directory go to one thread: two would wait for each other in the kernel.
        let parent = |task: &Task| self.plan.changes[task.index].path.split_last().0;
        let mut work: Vec<&[Task]> = batch
            .chunk_by(|a, b| parent(a) == parent(b))
            .flat_map(|same| same.chunks(CHUNK_FILES))
            .collect();
        // The stack gives out its end first, so the work goes in backwards.
        work.reverse();
        let workers = workers::run(copiers, work, |(copier, ready), tasks, _found| {
            for task in tasks {
                if let Some(staged) = self.stage(copier, task, nurseries) {
                    ready.push((*task, staged));
                }
            }
            Ok::<_, Failure>(())
        })?;
        let mut ready: Vec<(Task, Ready)> =
            workers.into_iter().flat_map(|(_, ready)| ready).collect();
        ready.sort_unstable_by_key(|(task, _)| task.seq);
        Ok(ready)
    }

    /// Makes, in the staging place, the new directories that files of this batch go into. One
    /// rename then brings a directory with all its files, instead of one for each file.
    fn make_nurseries(&self, side: Side, batch: &[Task]) -> Nurseries {
        let mut nurseries = Nurseries::new();
        for task in batch {
            let Some(parent) = self.plan.changes[task.index].path.parent() else {
                continue;
            };
            let found = self
                .plan
                .changes
                .binary_search_by(|change| change.path.cmp(&parent));
            let Ok(index) = found else { continue };
            if nurseries.contains_key(&index)
                || !self.deferred.contains(&(index, side))
                || self.has_begun(index, side)
                || self.is_blocked(side, &parent)
                || self.ground.cancel.is_cancelled()
            {
                continue;
            }
            let Some(Op::MakeDir { mode, .. }) = self.plan.changes[index].ops[side] else {
                continue;
            };
            self.touch(side);
            let made = self.own[side].nursery(&parent, index).and_then(|at| {
                self.ground.sides[side].make_dir(&at, mode | OPEN_BITS)?;
                Ok(at)
            });
            // Where that fails, the directory is made in place and its files go in one by one.
            if let Ok(at) = made {
                nurseries.insert(index, at);
            }
        }
        nurseries
    }

    /// Brings the deferred directories before change `end` to their places, the upper ones first.
    /// Returns those that came with their files.
    fn open_dirs(
        &self,
        state: &mut State,
        side: Side,
        end: usize,
        nurseries: &Nurseries,
    ) -> Result<BTreeSet<usize>, Failure> {
        let due: Vec<usize> = self
            .deferred
            .iter()
            .filter(|&&(index, on)| on == side && index < end)
            .map(|&(index, _)| index)
            .filter(|&index| !self.has_begun(index, side))
            .collect();
        let with_files: Vec<Task> = due
            .iter()
            .filter(|index| nurseries.contains_key(index))
            .map(|&index| Task {
                index,
                side,
                seq: self.take_seqs(1),
            })
            .collect();
        let steps: Vec<Step> = with_files.iter().map(|task| self.step(task)).collect();
        self.announce(state, &steps)?;
        let mut with_files = with_files.into_iter();
        let mut arrived = BTreeSet::new();
        for index in due {
            let Some(nursery) = nurseries.get(&index) else {
                self.make_dir_once(state, index, side)?;
                continue;
            };
            let Some(task) = with_files.next() else {
                continue;
            };
            if self.begin(index, side) && self.open_dir(&task, nursery) {
                arrived.insert(index);
            }
        }
        Ok(arrived)
    }

    /// Moves one directory from the staging place to where it belongs. Returns whether its files
    /// came with it.
    fn open_dir(&self, task: &Task, nursery: &RelPath) -> bool {
        let change = &self.plan.changes[task.index];
        let to = self.ground.sides[task.side];
        let Some(Op::MakeDir { mode, .. }) = change.ops[task.side] else {
            return false;
        };
        let mut has_arrived = false;
        let result = self.guarded(task, || {
            match to.move_new(nursery, &change.path) {
                Ok(()) => has_arrived = true,
                // Someone made it in the meantime: the files go in one by one.
                Err(fault) if fault.kind == FaultKind::Exists => {}
                Err(fault) => return Err(fault.into()),
            }
            let made = to
                .stat(&change.path)?
                .filter(|made| made.kind == Kind::Dir)
                .ok_or(Refusal::Moved)?;
            Ok(Some(Entry { mode, ..made }))
        });
        if matches!(result, StepResult::NotDone(_)) {
            self.block(task.side, &change.path);
        }
        self.note(task, result);
        has_arrived
    }

    /// Commits one staged file or link.
    fn commit(&self, task: &Task, staged: Ready, arrived: &BTreeSet<usize>) {
        let change = &self.plan.changes[task.index];
        let side = task.side;
        let to = self.ground.sides[side];
        // A directory that was here has been cleared away by now.
        let seen = self
            .seen(task.index, side)
            .filter(|seen| seen.kind != Kind::Dir);
        let came_along = staged.nursery.is_some_and(|index| arrived.contains(&index));
        let result = if came_along {
            match staged.made {
                Some(made) => Ok(made),
                None => to
                    .stat(&change.path)
                    .map_err(Refusal::Fault)
                    .and_then(|now| now.ok_or(Refusal::Moved)),
            }
        } else if self.ground.cancel.is_cancelled() {
            drop(to.remove_file(&staged.stage));
            Err(Fault::cancelled(&change.path).into())
        } else if self.is_blocked(side, &change.path) {
            drop(to.remove_file(&staged.stage));
            self.note(task, StepResult::NotDone(ProblemKind::Blocked));
            return;
        } else {
            install::commit(
                to,
                &self.own[side],
                &staged.stage,
                &change.path,
                seen.as_ref(),
            )
        };
        let result = match result {
            Ok(after) => {
                if let (Some(hash), Some(text)) = (staged.hash, staged.text) {
                    self.texts
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push((hash, text));
                }
                let is_peer = matches!(
                    change.ops[side],
                    Some(Op::Copy {
                        source: Source::Peer,
                        ..
                    })
                );
                StepResult::Done {
                    after: Some(after),
                    source: staged.source.filter(|_| is_peer),
                    hash: staged.hash,
                }
            }
            Err(refusal) => StepResult::NotDone(refusal.into_problem(&change.path)),
        };
        self.note(task, result);
    }

    /// Stages one file or link; trouble is noted at once.
    fn stage(&self, copier: &mut Copier<'a>, task: &Task, nurseries: &Nurseries) -> Option<Ready> {
        let change = &self.plan.changes[task.index];
        let (side, other) = (task.side, task.side.other());
        let to = self.ground.sides[side];
        let peer = self.seen(task.index, other);
        let nursery = change
            .path
            .parent()
            .filter(|_| !nurseries.is_empty())
            .and_then(|parent| {
                let found = self
                    .plan
                    .changes
                    .binary_search_by(|change| change.path.cmp(&parent));
                found.ok().filter(|index| nurseries.contains_key(index))
            });
        let place = nursery
            .and_then(|index| nurseries.get(&index))
            .map(|at| at.join(change.path.name()));
        let result = if self.ground.cancel.is_cancelled() {
            Err(Fault::cancelled(&change.path).into())
        } else if self.is_blocked(side, &change.path) {
            self.note(task, StepResult::NotDone(ProblemKind::Blocked));
            return None;
        } else {
            match &change.ops[side] {
                Some(Op::Copy {
                    source,
                    mode,
                    mtime,
                    ..
                }) => {
                    let order = Order {
                        path: &change.path,
                        source,
                        peer: peer.as_ref().map(|seen| (other, seen)),
                        mode: *mode,
                        mtime: *mtime,
                    };
                    let from =
                        |side: Side| -> &'a dyn Observe { self.ground.sides[side].as_observe() };
                    let mut moved = |bytes: u64| {
                        self.bytes_done.fetch_add(bytes, Ordering::Relaxed);
                        self.tell(Some(&change.path));
                    };
                    copier.stage_file(&from, to, &self.own[side], &order, place, &mut moved)
                }
                Some(Op::Link { target, mtime }) => {
                    copier.stage_link(to, &self.own[side], &change.path, place, target, *mtime)
                }
                _ => Err(Refusal::Moved),
            }
        };
        self.touch(side);
        match result {
            Ok(ready) => Some(Ready { nursery, ..ready }),
            Err(refusal) => {
                // What is beneath a directory that cannot be replaced now must not be deleted.
                if change.seen[side].kind() == Some(Kind::Dir) {
                    self.block(side, &change.path);
                }
                self.note(
                    task,
                    StepResult::NotDone(refusal.into_problem(&change.path)),
                );
                None
            }
        }
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
                        install::remove_dir(to, &change.path, &seen)?
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

    /// Gives the directories made by this run their final bits and times, the lower ones first.
    fn close_dirs(&self, side: Side) {
        for change in self.plan.changes.iter().rev() {
            let Some(Op::MakeDir { mode, mtime }) = change.ops[side] else {
                continue;
            };
            if change.held.is_some() || self.is_blocked(side, &change.path) {
                continue;
            }
            if self.ground.cancel.is_cancelled() && mode & OPEN_BITS == OPEN_BITS {
                continue;
            }
            let mode = (mode & OPEN_BITS != OPEN_BITS).then_some(mode);
            // A directory's time is a courtesy, not something that is compared.
            if let Err(fault) = self.ground.sides[side].set_meta(&change.path, mode, Some(mtime)) {
                if mode.is_some() {
                    let kind = ProblemKind::Failed(fault);
                    self.ledger.problem(Problem {
                        path: change.path.clone(),
                        side: Some(side),
                        kind,
                    });
                }
            }
        }
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

    // ---- small things -------------------------------------------------------------------------

    /// Lists the steps of a kind on one side, in path order, with their numbers.
    fn tasks(
        &self,
        range: std::ops::Range<usize>,
        side: Side,
        is_it: impl Fn(&Op) -> bool,
    ) -> Vec<Task> {
        let indexes: Vec<usize> = range
            .filter(|&index| {
                let change = &self.plan.changes[index];
                change.held.is_none() && change.ops[side].as_ref().is_some_and(&is_it)
            })
            .collect();
        let first = self.take_seqs(indexes.len());
        indexes
            .into_iter()
            .zip(first..)
            .map(|(index, seq)| Task { index, side, seq })
            .collect()
    }

    fn take_seqs(&self, n: usize) -> u64 {
        self.next_seq.fetch_add(n as u64, Ordering::Relaxed)
    }

    /// Marks a step as begun; `false` when it was begun before.
    fn begin(&self, index: usize, side: Side) -> bool {
        self.is_done
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((index, side))
    }

    /// What is expected on a side: what the plan saw, or what a rename of this run left, or nothing
    /// where this run has cleared the way.
    fn seen(&self, index: usize, side: Side) -> Option<Entry> {
        let change = &self.plan.changes[index];
        if let Some(entry) = self
            .renamed
            .get(&(side, change.path.clone()))
            .filter(|_| !self.renamed.is_empty())
        {
            return Some(*entry);
        }
        change.seen[side].entry().copied()
    }

    fn has_begun(&self, index: usize, side: Side) -> bool {
        self.is_done
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&(index, side))
    }

    /// Runs a step unless the run was stopped or something above is in the way.
    fn guarded(
        &self,
        task: &Task,
        step: impl FnOnce() -> Result<Option<Entry>, Refusal>,
    ) -> StepResult {
        let path = &self.plan.changes[task.index].path;
        if self.ground.cancel.is_cancelled() {
            return StepResult::NotDone(ProblemKind::NotReached);
        }
        if self.is_blocked(task.side, path) {
            return StepResult::NotDone(ProblemKind::Blocked);
        }
        self.touch(task.side);
        match step() {
            Ok(after) => StepResult::done(after),
            Err(refusal) => StepResult::NotDone(refusal.into_problem(path)),
        }
    }

    fn note(&self, task: &Task, result: StepResult) {
        let seen = Sides::from_fn(|side| self.seen(task.index, side));
        self.ledger
            .note(task.index, task.side, task.seq, &seen, result);
        self.tell(Some(&self.plan.changes[task.index].path));
    }

    fn block(&self, side: Side, path: &RelPath) {
        self.blocked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((side, path.clone()));
    }

    fn is_blocked(&self, side: Side, path: &RelPath) -> bool {
        let blocked = self.blocked.lock().unwrap_or_else(PoisonError::into_inner);
        !blocked.is_empty()
            && std::iter::once(path.clone())
                .chain(path.ancestors())
                .any(|path| blocked.contains(&(side, path)))
    }

    fn touch(&self, side: Side) {
        self.touched[side].store(true, Ordering::Relaxed);
    }

    fn tell(&self, path: Option<&RelPath>) {
        let progress = Progress {
            n_done: self.ledger.n_done(),
            n_total: Some(self.n_total),
            bytes_done: self.bytes_done.load(Ordering::Relaxed),
            bytes_total: Some(self.bytes_total),
            ..Progress::default()
        };
        self.ground.monitor.progress(&progress, path);
    }

    /// Describes a step for the journal.
    fn step(&self, task: &Task) -> Step {
        let change = &self.plan.changes[task.index];
        let before = self.seen(task.index, task.side);
        let is_dir = before.is_some_and(|entry| entry.kind == Kind::Dir);
        let kind = match &change.ops[task.side] {
            Some(Op::MakeDir { .. }) => StepKind::MadeDir,
            Some(Op::Copy { .. } | Op::Link { .. }) if before.is_some() && !is_dir => {
                StepKind::Updated
            }
            Some(Op::Copy { .. } | Op::Link { .. }) => StepKind::Copied,
            Some(Op::Delete) | None if is_dir => StepKind::RemovedDir,
            Some(Op::Delete) | None => StepKind::Deleted,
            Some(Op::Meta { .. }) => StepKind::SetAttributes,
        };
        let keeps = before.is_some() && !is_dir && !matches!(kind, StepKind::SetAttributes);
        Step {
            seq: task.seq,
            side: task.side,
            path: change.path.clone(),
            kind,
            from: None,
            before,
            after: None,
            version: keeps.then(|| self.own[task.side].version_place(&change.path)),
            reason: change.reason,
            end: StepEnd::Intended,
        }
    }

    fn announce(&self, state: &mut State, steps: &[Step]) -> Result<(), Failure> {
        if steps.is_empty() {
            return Ok(());
        }
        state
            .add_steps(self.ground.run, steps)
            .map_err(|error| state_failure(&error))
    }

    fn settle(&self, state: &mut State) -> Result<(), Failure> {
        let ends = self.ledger.take_ends();
        if ends.is_empty() {
            return Ok(());
        }
        state
            .settle_steps(self.ground.run, &ends)
            .map_err(|error| state_failure(&error))
    }

    fn write_agreed(&self, state: &mut State) -> Result<(), Failure> {
        let agreed = self.ledger.take_agreed();
        if agreed.is_empty() {
            return Ok(());
        }
        state.update(&agreed).map_err(|error| state_failure(&error))
    }

    fn keep_texts(&self, state: &mut State) -> Result<(), Failure> {
        let texts = std::mem::take(&mut *self.texts.lock().unwrap_or_else(PoisonError::into_inner));
        if texts.is_empty() {
            return Ok(());
        }
        let items: Vec<(Hash, &[u8])> = texts.iter().map(|(hash, text)| (*hash, &**text)).collect();
        state
            .keep_content(&items)
            .map_err(|error| state_failure(&error))
    }

    fn make_durable(&self, which: Sides<bool>) -> Result<(), (Side, Fault)> {
        for side in Side::BOTH {
            if which[side] {
                self.ground.sides[side]
                    .make_durable()
                    .map_err(|fault| (side, fault))?;
            }
        }
        Ok(())
    }
}

/// Finds the new directories that wait for the files in them: those that get any, and those
/// beneath one that waits.
fn deferred(plan: &Plan) -> BTreeSet<(usize, Side)> {
    let mut found = BTreeSet::new();
    for side in Side::BOTH {
        let is_active = |change: &&Change| change.held.is_none();
        let with_files: HashSet<&[u8]> = plan
            .changes
            .iter()
            .filter(is_active)
            .filter(|change| matches!(change.ops[side], Some(Op::Copy { .. } | Op::Link { .. })))
            .map(|change| change.path.split_last().0)
            .collect();
        let mut waiting: Option<&RelPath> = None;
        for (index, change) in plan.changes.iter().enumerate() {
            let is_new = change.held.is_none()
                && change.seen[side].is_absent()
                && matches!(change.ops[side], Some(Op::MakeDir { .. }));
            let is_beneath = waiting.is_some_and(|above| change.path.is_within(above));
            if is_new && (is_beneath || with_files.contains(change.path.as_bytes())) {
                found.insert((index, side));
                if !is_beneath {
                    waiting = Some(&change.path);
                }
            }
        }
    }
    found
}

fn is_same_when_folded(to: &dyn Replica, rename: &Rename) -> bool {
    folds_names(to)
        && matches!(to.stat(&rename.to), Ok(Some(there))
            if look::is_one_thing(to.capabilities(), (&rename.from, &rename.seen), (&rename.to, &there)))
}

fn folds_names(to: &dyn Replica) -> bool {
    let capabilities = to.capabilities();
    capabilities.folds_case || capabilities.folds_unicode
}
