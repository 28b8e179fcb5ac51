//! Installs files and links in batches: stage all, make them durable at once, move them into place.

use std::collections::{BTreeSet, HashMap};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::dirs::Nurseries;
use super::{Apply, Task};
use crate::entry::{Kind, Side};
use crate::install::{self, Copier, Order, Ready, Refusal};
use crate::journal::Step;
use crate::ledger::StepResult;
use crate::pace::Pace;
use crate::pair::Failure;
use crate::path::RelPath;
use crate::plan::{Op, ProblemKind, Source};
use crate::replica::{Fault, Observe};
use crate::state::State;
use crate::workers;

/// Files staged before they are made durable and moved into place. More would save a flush and
/// lose more work to a crash.
const BATCH_FILES: usize = 8_192;

/// Bytes staged before they are made durable and moved into place.
const BATCH_BYTES: u64 = 256 << 20;

/// A batch is at first this part of the most: nobody knows yet how fast the store is.
const FIRST_PART: u64 = 4;

/// A batch is never less than this part of the most.
const LEAST_PART: u64 = 64;

/// A flush that takes longer makes the next batch half as large, because nothing can stop a flush.
const SLOW_FLUSH_NS: u64 = 1_000_000_000;

/// A flush that takes less makes the next batch twice as large, because each flush has a price.
const FAST_FLUSH_NS: u64 = 250_000_000;

/// Files of one directory that one thread takes at a time.
const CHUNK_FILES: usize = 256;

impl<'a> Apply<'a> {
    pub(super) fn copy_all(&mut self, state: &mut State) -> Result<(), Failure> {
        let is_copy = |op: &Op| matches!(op, Op::Copy { .. } | Op::Link { .. });
        let n = self.plan.changes.len();
        // A stop gives up what is staged and not yet in place: of a slow copy, about a second.
        let limit = self.ground.options.bandwidth.filter(|&rate| rate > 0);
        let most = limit.map_or(BATCH_BYTES, |rate| rate.min(BATCH_BYTES));
        for side in Side::BOTH {
            let tasks = self.tasks(0..n, side, is_copy);
            let mut part = FIRST_PART;
            let mut rest = tasks.as_slice();
            while !rest.is_empty() {
                let (mut bytes, most) = (0, most / part);
                let fits = |task: &&Task| {
                    let size = self.plan.changes[task.index].bytes();
                    let fits = bytes == 0 || bytes + size <= most;
                    bytes += size;
                    fits
                };
                let most_files = BATCH_FILES / usize::try_from(part).unwrap_or(1);
                let n = rest.iter().take(most_files).take_while(fits).count();
                let (batch, later) = rest.split_at(n.max(1));
                rest = later;
                let flush_ns = self.copy_batch(state, side, batch)?;
                part = match flush_ns {
                    ..FAST_FLUSH_NS => (part / 2).max(1),
                    FAST_FLUSH_NS..SLOW_FLUSH_NS => part,
                    SLOW_FLUSH_NS.. => (part * 2).min(LEAST_PART),
                };
            }
            // Directories whose files all failed are wanted all the same.
            self.open_dirs(state, side, n, &HashMap::new())?;
        }
        Ok(())
    }

    /// Copies one batch; returns how long making it durable took, in nanoseconds.
    fn copy_batch(
        &mut self,
        state: &mut State,
        side: Side,
        batch: &[Task],
    ) -> Result<u64, Failure> {
        let n_threads = workers::n_threads(self.ground.options.n_threads);
        let to = self.ground.sides[side];
        let nurseries = self.make_nurseries(side, batch);
        let mut ready = self.stage_batch(batch, &nurseries, n_threads)?;
        if self.ground.cancel.is_cancelled() {
            for (task, staged) in &ready {
                drop(to.remove_file(&staged.stage));
                self.note(task, Fault::cancelled(&RelPath::root()).into());
            }
            return Ok(0);
        }
        let steps: Vec<Step> = ready.iter().map(|(task, _)| self.step(task)).collect();
        self.announce(state, &steps)?;
        let flush_start_ns = self.ground.clock.ticks_ns();
        let flushed = to.make_durable();
        let flush_ns = self.ground.clock.ticks_ns().saturating_sub(flush_start_ns);
        if let Err(fault) = flushed {
            for (task, staged) in &ready {
                drop(to.remove_file(&staged.stage));
                let path = self.plan.changes[task.index].path.clone();
                let kind = ProblemKind::Failed(Fault {
                    path,
                    ..fault.clone()
                });
                self.note(task, StepResult::NotDone(kind));
            }
            return Ok(flush_ns);
        }
        // What the batch before this one agreed on has become durable with the same call.
        self.write_agreed(state)?;
        self.clear_the_way(state, &mut ready)?;
        let last = batch.last().map_or(0, |task| task.index + 1);
        let arrived = self.open_dirs(state, side, last, &nurseries)?;
        // Names of one file go one after the other, because each changes what is seen of the next.
        let is_shared = |task: &Task| {
            let seen = self.plan.changes[task.index].seen[side].entry();
            seen.is_some_and(|entry| self.shared.contains(&(side, entry.id)))
        };
        let (shared, mut ready): (Vec<_>, Vec<_>) =
            ready.into_iter().partition(|(task, _)| is_shared(task));
        for (task, staged) in shared {
            self.commit(&task, staged, &arrived);
        }
        ready.reverse();
        workers::run(vec![(); n_threads], ready, |(), (task, staged), _found| {
            self.commit(&task, staged, &arrived);
            Ok::<_, Failure>(())
        })?;
        self.keep_texts(state)?;
        self.settle(state)?;
        Ok(flush_ns)
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
}
