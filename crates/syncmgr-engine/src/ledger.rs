//! Keeps the books of a run: what was done, what that makes the agreed state, what went wrong.
//!
//! A path is agreed on only when every step for it is done. The base learns of it only after the
//! files are durable ([`Ledger::take_agreed`] is called then), so a power cut can leave the base
//! older than the files, which is harmless, but never newer (I10).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use crate::entry::{Agreed, Entry, Hash, Kind, Side, Sides, Stamp};
use crate::equals::EqualFile;
use crate::journal::StepEnd;
use crate::path::RelPath;
use crate::plan::{Change, Op, Problem, ProblemKind, Rename, Tally};
use crate::replica::{Capabilities, Fault};
use crate::state::BaseChange;

/// How one step ended.
pub(crate) enum StepResult {
    /// Done; what is there now, `None` for "nothing".
    Done {
        after: Option<Entry>,
        /// What the other side's file was when it was read, for copies.
        source: Option<Entry>,
        hash: Option<Hash>,
    },
    /// Not done.
    NotDone(ProblemKind),
}

impl StepResult {
    pub(crate) fn done(after: Option<Entry>) -> Self {
        Self::Done {
            after,
            source: None,
            hash: None,
        }
    }
}

impl From<Fault> for StepResult {
    fn from(fault: Fault) -> Self {
        Self::NotDone(if fault.is_cancelled() {
            ProblemKind::NotReached
        } else {
            ProblemKind::Failed(fault)
        })
    }
}

/// A path whose steps are not all done yet.
struct Pending {
    n_left: usize,
    entries: Sides<Option<Entry>>,
    hash: Option<Hash>,
    has_failed: bool,
}

#[derive(Default)]
struct Books {
    pending: HashMap<usize, Pending>,
    agreed: Vec<BaseChange>,
    ends: Vec<(u64, StepEnd, Option<Entry>)>,
    tally: Sides<Tally>,
    problems: Vec<Problem>,
    n_done: u64,
    /// Directories that are no record of the base yet, but have to be for a record to move there.
    awaited: BTreeSet<RelPath>,
}

/// The books of one run; shared by its threads.
pub(crate) struct Ledger<'a> {
    changes: &'a [Change],
    capabilities: Sides<&'a Capabilities>,
    looked_at_ns: Sides<i128>,
    books: Mutex<Books>,
}

impl<'a> Ledger<'a> {
    /// Begins the books. `looked_at_ns` is when the plan's look began, by each file system's clock,
    /// in nanoseconds since 1970.
    pub(crate) fn new(
        changes: &'a [Change],
        capabilities: Sides<&'a Capabilities>,
        looked_at_ns: Sides<i128>,
    ) -> Self {
        Self {
            changes,
            capabilities,
            looked_at_ns,
            books: Mutex::default(),
        }
    }

    fn books(&self) -> std::sync::MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how the step of change `index` on `side` ended. `seen` is what both sides had before.
    pub(crate) fn note(
        &self,
        index: usize,
        side: Side,
        seq: u64,
        seen: &Sides<Option<Entry>>,
        result: StepResult,
    ) {
        let change = &self.changes[index];
        let mut books = self.books();
        let books = &mut *books;
        books.n_done += 1;
        let pending = books.pending.entry(index).or_insert_with(|| Pending {
            n_left: Side::BOTH
                .into_iter()
                .filter(|&side| change.ops[side].is_some())
                .count(),
            entries: *seen,
            hash: change.hash,
            has_failed: false,
        });
        pending.n_left -= 1;
        match result {
            StepResult::NotDone(kind) => {
                pending.has_failed = true;
                books.ends.push((seq, StepEnd::NotDone, None));
                books.problems.push(Problem {
                    path: change.path.clone(),
                    side: Some(side),
                    kind,
                });
            }
            StepResult::Done {
                after,
                source,
                hash,
            } => {
                pending.entries[side] = after;
                if source.is_some() {
                    pending.entries[side.other()] = source;
                }
                pending.hash = hash.or(pending.hash);
                books.ends.push((seq, StepEnd::Done, after));
                if let Some(op) = &change.ops[side] {
                    books.tally[side].add(op, &change.seen[side]);
                }
            }
        }
        if pending.n_left > 0 {
            return;
        }
        if let Some(pending) = books
            .pending
            .remove(&index)
            .filter(|pending| !pending.has_failed)
        {
            self.agree(&mut books.agreed, change, pending.entries, pending.hash);
        }
    }

    /// Notes that both sides are equal already.
    pub(crate) fn adopt(&self, change: &Change) {
        let entries = Sides::from_fn(|side| change.seen[side].entry().copied());
        self.agree(&mut self.books().agreed, change, entries, change.hash);
    }

    /// Notes a file that both sides have alike.
    pub(crate) fn adopt_equal(&self, file: EqualFile) {
        let agreed = Agreed {
            kind: Kind::File,
            size: file.left.size,
            mode: file.left.mode,
            hash: file.hash,
            target: None,
            left: self.stamp(&file.left, Side::Left),
            right: self.stamp(&file.right, Side::Right),
        };
        self.books().agreed.push(BaseChange::Put {
            path: file.path,
            agreed,
        });
    }

    /// Notes that a record is to be forgotten.
    pub(crate) fn forget(&self, path: &RelPath) {
        self.books()
            .agreed
            .push(BaseChange::Remove { path: path.clone() });
    }

    fn agree(
        &self,
        agreed: &mut Vec<BaseChange>,
        change: &Change,
        entries: Sides<Option<Entry>>,
        hash: Option<Hash>,
    ) {
        let path = change.path.clone();
        match (entries.left, entries.right) {
            _ if change.leaves_apart => agreed.push(BaseChange::Remove { path }),
            (None, None) => agreed.push(BaseChange::Remove { path }),
            (Some(left), Some(right)) if left.kind == right.kind => {
                if change.seen.left.kind() == Some(Kind::Dir) && left.kind != Kind::Dir
                    || change.seen.right.kind() == Some(Kind::Dir) && right.kind != Kind::Dir
                {
                    // The records beneath the directory that was here go with it.
                    agreed.push(BaseChange::Remove { path: path.clone() });
                }
                // A side without permission bits cannot say what they are.
                let mode = if self.capabilities.left.modes {
                    left.mode
                } else {
                    right.mode
                };
                let record = Agreed {
                    kind: left.kind,
                    size: left.size,
                    mode,
                    hash: hash.filter(|_| left.kind == Kind::File),
                    target: link_text(change).filter(|_| left.kind == Kind::Symlink),
                    left: self.stamp(&left, Side::Left),
                    right: self.stamp(&right, Side::Right),
                };
                agreed.push(BaseChange::Put {
                    path,
                    agreed: record,
                });
            }
            _ => {} // not equal after all; the next run looks again
        }
    }

    /// A change within the same granule of the file system's clock as this reading would leave the
    /// times as they are; such an entry is marked, and the next run looks into the content. When
    /// it was read is not noted for each, so it counts as read when the look began.
    fn stamp(&self, entry: &Entry, side: Side) -> Stamp {
        let capabilities = self.capabilities[side];
        let granule = u128::from(
            capabilities
                .clock_granule_ns
                .max(capabilities.mtime_step_ns),
        );
        let age_ns = self.looked_at_ns[side] - entry.ctime.as_nanos();
        let is_fresh = u128::try_from(age_ns).is_ok_and(|age_ns| age_ns <= granule) || age_ns < 0;
        let is_just_written = entry.mtime.distance_ns(entry.ctime) <= granule;
        let is_racy = entry.kind == Kind::File && is_fresh && is_just_written;
        Stamp {
            is_racy,
            ..Stamp::of(entry)
        }
    }

    /// Notes a rename.
    pub(crate) fn note_rename(&self, rename: &Rename, seq: u64, result: StepResult) {
        let mut books = self.books();
        books.n_done += 1;
        match result {
            StepResult::Done { after, .. } => {
                books.tally[rename.side].n_renamed += 1;
                books.ends.push((seq, StepEnd::Done, after));
                books.agreed.push(BaseChange::Move {
                    from: rename.from.clone(),
                    to: rename.to.clone(),
                });
            }
            StepResult::NotDone(kind) => {
                books.ends.push((seq, StepEnd::NotDone, None));
                // Both names are not as they should be now.
                for path in [&rename.from, &rename.to] {
                    books.problems.push(Problem {
                        path: path.clone(),
                        side: Some(rename.side),
                        kind: kind.clone(),
                    });
                }
            }
        }
    }

    /// Notes that records which move into this directory have to wait for its own.
    pub(crate) fn await_dir(&self, dir: RelPath) {
        self.books().awaited.insert(dir);
    }

    /// Notes that both sides have something under a new name already.
    pub(crate) fn note_moved(&self, from: &RelPath, to: &RelPath) {
        self.books().agreed.push(BaseChange::Move {
            from: from.clone(),
            to: to.clone(),
        });
    }

    /// Adds a problem that is no step's.
    pub(crate) fn problem(&self, problem: Problem) {
        self.books().problems.push(problem);
    }

    /// Returns the number of steps that ended.
    pub(crate) fn n_done(&self) -> u64 {
        self.books().n_done
    }

    /// Takes what has become agreed since the last call. To be written to the base only when the
    /// files are durable.
    pub(crate) fn take_agreed(&self) -> Vec<BaseChange> {
        let mut books = self.books();
        let agreed = std::mem::take(&mut books.agreed);
        let (moves, mut rest): (Vec<_>, Vec<_>) = agreed
            .into_iter()
            .partition(|change| matches!(change, BaseChange::Move { .. }));
        for change in &rest {
            if let BaseChange::Put { path, .. } = change {
                books.awaited.remove(path);
            }
        }
        let moves = hold_back(&mut books, moves);
        drop(books);
        // A directory comes before what is in it; steps on one path keep their order, because the
        // sort is stable.
        rest.sort_by(|a, b| path_of(a).cmp(path_of(b)));
        if moves.is_empty() {
            return rest;
        }
        // Renames come first of all, but a record can only move into a directory of the base.
        let targets: Vec<&RelPath> = moves.iter().map(path_of).collect();
        let mut ways: BTreeMap<RelPath, Vec<BaseChange>> = BTreeMap::new();
        let above: BTreeSet<RelPath> = targets.iter().flat_map(|to| to.ancestors()).collect();
        let (first, rest): (Vec<_>, Vec<_>) = rest
            .into_iter()
            .partition(|change| above.contains(path_of(change)));
        for change in first {
            let path = path_of(&change).clone();
            ways.entry(path).or_default().push(change);
        }
        let mut ordered = Vec::new();
        for rename in moves {
            let mut dirs: Vec<RelPath> = path_of(&rename).ancestors().collect();
            dirs.reverse();
            for dir in dirs {
                ordered.extend(ways.remove(&dir).unwrap_or_default());
            }
            ordered.push(rename);
        }
        ordered.extend(rest);
        ordered
    }

    /// Takes the ends of steps since the last call, for the journal.
    pub(crate) fn take_ends(&self) -> Vec<(u64, StepEnd, Option<Entry>)> {
        let mut ends = std::mem::take(&mut self.books().ends);
        ends.sort_unstable_by_key(|(seq, ..)| *seq);
        ends
    }

    /// Closes the books.
    pub(crate) fn close(self) -> (Sides<Tally>, Vec<Problem>) {
        let books = self
            .books
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        (books.tally, books.problems)
    }
}

/// Takes out the moves that can be written now. Where the way is no record yet the move waits, and
/// if that never becomes one, the record stays at its old name and the next run sees the rename
/// again.
fn hold_back(books: &mut Books, moves: Vec<BaseChange>) -> Vec<BaseChange> {
    let mut waiting: Vec<RelPath> = Vec::new();
    let mut ready = Vec::new();
    for change in moves {
        let BaseChange::Move { from, to } = &change else {
            continue;
        };
        let has_to_wait = to.ancestors().any(|dir| books.awaited.contains(&dir))
            || waiting
                .iter()
                .any(|path| from.is_within(path) || to.is_within(path));
        if has_to_wait {
            waiting.push(to.clone());
            books.agreed.push(change);
        } else {
            ready.push(change);
        }
    }
    ready
}

fn path_of(change: &BaseChange) -> &RelPath {
    match change {
        BaseChange::Put { path, .. } | BaseChange::Remove { path } => path,
        BaseChange::Move { to, .. } => to,
    }
}

/// Returns the text a link change gives to both sides.
fn link_text(change: &Change) -> Option<Box<[u8]>> {
    let made = Side::BOTH
        .into_iter()
        .find_map(|side| match &change.ops[side] {
            Some(Op::Link { target, .. }) => Some(target.clone()),
            _ => None,
        });
    made.or_else(|| change.link.clone())
}
