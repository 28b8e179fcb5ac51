//! Lists both sides and the base directory by directory, side by side, and keeps only what
//! differs.
//!
//! It is a merge-join of three sorted lists per directory, so memory is bounded by the widest
//! directory and the number of differences, not by the tree. Several threads take directories
//! from one stack. The result does not depend on their number: it is sorted at the end (I19).
//!
//! Must not: change anything; decide anything. What cannot be read becomes unknown, never absent
//! (I13).

mod part;

use std::sync::atomic::{AtomicU64, Ordering};

use crate::cancel::Cancel;
use crate::compare::{Buffers, Facts, Look, look};
use crate::entry::{Agreed, Entry, FileId, Hash, Kind, Side, Sides, State};
use crate::equals::Equals;
use crate::focus::Focus;
use crate::monitor::{Monitor, Progress};
use crate::pair::Failure;
use crate::path::RelPath;
use crate::plan::{Census, Problem, ProblemKind};
use crate::replica::{Directory, Fault, FaultKind, Listing, Observe};
use crate::revisit::Revisit;
use crate::rules::Excludes;
use crate::state::{DirId, Reader, Records, StateError};
use crate::workers::{self, Found};

/// Text kept in memory for merges while scanning, at most. Enough for the texts of a few thousand
/// files that turn out equal at first contact; more would make memory grow with the tree.
const KEPT_TEXT_BYTES: u64 = 8 << 20;

/// Bytes of memory a kept text takes besides itself.
const TEXT_OVERHEAD: u64 = 96;

/// A path on which the two sides and the base are not all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The path.
    pub path: RelPath,
    /// What was agreed.
    pub base: Option<Box<Agreed>>,
    /// What the listings said.
    pub seen: Sides<State>,
    /// What a look into the contents said.
    pub facts: Facts,
    /// Where the sides have it now, when a rename of the plan comes before (see
    /// `moves.rs`); `None` means at `path`.
    pub now_at: Option<Box<Sides<RelPath>>>,
}

/// All that one look at both sides found.
#[derive(Debug, Default)]
pub struct Scan {
    /// Sorted by path.
    pub differences: Vec<Difference>,
    /// What could not be read or synced, sorted by path.
    pub problems: Vec<Problem>,
    /// What each side holds.
    pub census: Sides<Census>,
    /// Paths with a record in the base that are excluded now.
    pub forget: Vec<RelPath>,
    /// Directories that hold something excluded or unsyncable, so that they cannot be removed.
    pub obstacles: Vec<(RelPath, Side)>,
    /// Paths about which one side told nothing, so that nothing above may be deleted there.
    pub unknown: Vec<(RelPath, Side)>,
    /// Files that differ in nothing that could be synced, but are not remembered as they are.
    pub equals: Equals,
    /// Directories that are mount points.
    pub mounts: Vec<(RelPath, Side)>,
    /// Texts that both sides share, for later merges.
    pub texts: Vec<(Hash, Box<[u8]>)>,
    /// Directories in which something was not as agreed.
    pub revisit: Revisit,
    /// What the base has in the directories that were visited; counted only in a look at a part.
    pub known: Census,
}

/// What a scan works on.
pub(crate) struct Ground<'a> {
    pub(crate) sides: Sides<&'a dyn Observe>,
    pub(crate) excludes: &'a Excludes,
    /// Compare every pair of contents.
    pub(crate) is_full: bool,
    /// The ids of the two roots, to notice one inside the other, where ids tell.
    pub(crate) roots: Option<Sides<FileId>>,
    /// `false` looks as if nothing had ever been agreed.
    pub(crate) uses_base: bool,
    /// Only these paths and what is beneath them, sorted; everything when empty.
    pub(crate) scope: &'a [RelPath],
    /// Only these directories, and everything beneath what is not as agreed in them; all when
    /// `None`. Needs `uses_base`.
    pub(crate) focus: Option<&'a Focus>,
    pub(crate) monitor: &'a dyn Monitor,
    pub(crate) cancel: &'a Cancel,
}

/// Where the walk has to go: a directory that one or both sides have.
struct Visit {
    path: RelPath,
    has: Sides<bool>,
    base: Option<DirId>,
    /// Everything beneath is to be visited, too, because the directory itself is not as agreed.
    is_whole: bool,
}

struct Worker {
    reader: Reader,
    listings: Sides<Listing>,
    own: Vec<Box<[u8]>>,
    records: Records,
    buffers: Buffers,
    out: Scan,
}

/// Counts shared by the workers, for progress only.
#[derive(Default)]
struct Counts {
    seen: Sides<AtomicU64>,
    compared_bytes: AtomicU64,
    kept_text: AtomicU64,
}

/// Looks at both sides. One reader of the base per thread.
///
/// # Errors
/// [`Failure::Root`] when a root itself cannot be listed, `Stopped`, `Nested`, `State`.
pub(crate) fn scan(ground: &Ground<'_>, readers: Vec<Reader>) -> Result<Scan, Failure> {
    let counts = Counts::default();
    let workers = readers
        .into_iter()
        .map(|reader| Worker {
            reader,
            listings: Sides::default(),
            own: Vec::new(),
            records: Records::default(),
            buffers: Buffers::default(),
            out: Scan::default(),
        })
        .collect();
    let base = ground.uses_base.then_some(DirId::ROOT);
    let root = Visit {
        path: RelPath::root(),
        has: Sides::new(true, true),
        base,
        is_whole: ground.focus.is_none(),
    };
    let workers = workers::run(workers, vec![root], |worker, visit, found| {
        ground.visit(worker, &visit, found, &counts)
    })?;
    Ok(collect(workers))
}

fn collect(workers: Vec<Worker>) -> Scan {
    let mut parts = workers.into_iter().map(|worker| worker.out);
    let mut all = parts.next().unwrap_or_default();
    for part in parts {
        all.differences.extend(part.differences);
        all.problems.extend(part.problems);
        all.forget.extend(part.forget);
        all.obstacles.extend(part.obstacles);
        all.unknown.extend(part.unknown);
        all.mounts.extend(part.mounts);
        all.equals.append(part.equals);
        all.texts.extend(part.texts);
        all.revisit.append(part.revisit);
        all.known = all.known.with(&part.known);
        for side in Side::BOTH {
            all.census[side] = all.census[side].with(&part.census[side]);
        }
    }
    all.differences.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    all.problems
        .sort_by(|a, b| (&a.path, a.side).cmp(&(&b.path, b.side)));
    all.forget.sort_unstable();
    all.obstacles.sort_unstable();
    all.unknown.sort_unstable();
    all.mounts.sort_unstable();
    all.texts.sort_unstable();
    all
}

impl Scan {
    fn problem(&mut self, path: RelPath, side: Option<Side>, kind: ProblemKind) {
        self.problems.push(Problem { path, side, kind });
    }

    /// Notes that one side told nothing about a path: nothing is done to it or deleted above it.
    fn is_unknown(&mut self, path: RelPath, side: Side, fault: Fault) {
        let kind = if matches!(fault.kind, FaultKind::WrongKind | FaultKind::NotFound) {
            ProblemKind::ChangedMeanwhile
        } else {
            ProblemKind::Unreadable(fault)
        };
        self.problem(path.clone(), Some(side), kind);
        self.unknown.push((path, side));
    }

    /// Notes, once, that a directory cannot be removed. A rename may yet take away what the other
    /// side has under this name, so it is noted for directories of both sides, too.
    fn holds_something(&mut self, dir: &RelPath, side: Side) {
        let latest = self.obstacles.iter().rev().take(2);
        if !latest
            .into_iter()
            .any(|(path, on)| path == dir && *on == side)
        {
            self.obstacles.push((dir.clone(), side));
        }
    }

    fn count(&mut self, side: Side, entry: &Entry) {
        self.census[side].add(entry.kind, entry.size);
    }
}

/// One name, as the three lists have it.
struct Met<'a> {
    name: &'a [u8],
    base: Option<usize>,
    entries: Sides<Option<&'a Entry>>,
}

impl Ground<'_> {
    fn visit(
        &self,
        worker: &mut Worker,
        visit: &Visit,
        found: &mut Found<Visit>,
        counts: &Counts,
    ) -> Result<(), Failure> {
        if self.cancel.is_cancelled() {
            return Err(Failure::Stopped);
        }
        if self.pass_through(worker, visit, found)? {
            return Ok(());
        }
        let mut dirs: Sides<Option<Box<dyn Directory>>> = Sides::default();
        for side in Side::BOTH {
            worker.listings[side].clear();
            if !visit.has[side] {
                continue;
            }
            worker.own.clear();
            let listed = self.sides[side].open_dir(&visit.path).and_then(|dir| {
                dir.list(&mut worker.listings[side], &mut worker.own)?;
                Ok(dir)
            });
            match listed {
                Ok(dir) => dirs[side] = Some(dir),
                Err(fault) if visit.path.is_root() => return Err(Failure::Root { side, fault }),
                Err(fault) => {
                    worker.out.is_unknown(visit.path.clone(), side, fault);
                    worker.out.revisit.note_tree(&visit.path);
                    return self.count_beneath(worker, visit.base);
                }
            }
            if !worker.own.is_empty() && !visit.path.is_root() {
                worker.out.holds_something(&visit.path, side);
            }
        }
        match visit.base {
            Some(dir) => worker
                .reader
                .list(dir, &mut worker.records)
                .map_err(|e| state_failure(&e))?,
            None => worker.records.clear(),
        }
        let listings = std::mem::take(&mut worker.listings);
        let records = std::mem::take(&mut worker.records);
        let result = self.join(worker, visit, &dirs, &listings, &records, found, counts);
        for side in Side::BOTH {
            let seen = listings[side].len() as u64;
            counts.seen[side].fetch_add(seen, Ordering::Relaxed);
        }
        self.tell(counts, &visit.path);
        worker.listings = listings;
        worker.records = records;
        result
    }

    fn tell(&self, counts: &Counts, path: &RelPath) {
        let progress = Progress {
            n_seen_left: counts.seen.left.load(Ordering::Relaxed),
            n_seen_right: counts.seen.right.load(Ordering::Relaxed),
            bytes_done: counts.compared_bytes.load(Ordering::Relaxed),
            ..Progress::default()
        };
        self.monitor.progress(&progress, Some(path));
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the three lists of a merge-join and where it reports to"
    )]
    fn join(
        &self,
        worker: &mut Worker,
        visit: &Visit,
        dirs: &Sides<Option<Box<dyn Directory>>>,
        listings: &Sides<Listing>,
        records: &Records,
        found: &mut Found<Visit>,
        counts: &Counts,
    ) -> Result<(), Failure> {
        let (mut l, mut r, mut b) = (0, 0, 0);
        loop {
            let left = listings.left.get(l);
            let right = listings.right.get(r);
            let base = (b < records.len()).then(|| records.name(b));
            let heads = [
                left.map(|(name, _)| name),
                right.map(|(name, _)| name),
                base,
            ];
            let Some(name) = heads.into_iter().flatten().min() else {
                return Ok(());
            };
            let left = left
                .filter(|(head, _)| *head == name)
                .map(|(_, entry)| entry);
            let right = right
                .filter(|(head, _)| *head == name)
                .map(|(_, entry)| entry);
            let base = base.filter(|head| *head == name).map(|_| b);
            l += usize::from(left.is_some());
            r += usize::from(right.is_some());
            b += usize::from(base.is_some());
            let met = Met {
                name,
                base,
                entries: Sides::new(left, right),
            };
            self.meet(worker, visit, dirs, records, &met, found, counts)?;
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the three lists of a merge-join and where it reports to"
    )]
    fn meet(
        &self,
        worker: &mut Worker,
        visit: &Visit,
        dirs: &Sides<Option<Box<dyn Directory>>>,
        records: &Records,
        met: &Met<'_>,
        found: &mut Found<Visit>,
        counts: &Counts,
    ) -> Result<(), Failure> {
        if !self.is_in_scope(&visit.path, met.name) {
            return Ok(());
        }
        let n_found = found.len();
        let is_as_agreed = self.examine(worker, visit, dirs, records, met, found, counts)?;
        let Some(at) = met.base else { return Ok(()) };
        if self.focus.is_some() {
            worker.out.known.add(records.kind(at), records.size(at));
        }
        let Some(dir) = records.dir(at) else {
            return Ok(());
        };
        if is_as_agreed || found.len() > n_found {
            return Ok(());
        }
        // Nobody goes there in this look: what is remembered of it counts for nothing, and what
        // changed there is not known.
        worker.out.revisit.note_tree(&visit.path.join(met.name));
        self.count_beneath(worker, Some(dir))
    }

    /// Looks at one name. Returns whether it is exactly as agreed.
    #[expect(
        clippy::too_many_arguments,
        reason = "the three lists of a merge-join and where it reports to"
    )]
    fn examine(
        &self,
        worker: &mut Worker,
        visit: &Visit,
        dirs: &Sides<Option<Box<dyn Directory>>>,
        records: &Records,
        met: &Met<'_>,
        found: &mut Found<Visit>,
        counts: &Counts,
    ) -> Result<bool, Failure> {
        let entries = met.entries;
        let untouched = Sides::from_fn(|side| match (met.base, entries[side]) {
            (Some(at), Some(entry)) => {
                records.is_unchanged(at, side, entry, self.sides[side].capabilities().modes)
            }
            _ => false,
        });
        let is_excluded = !self.excludes.is_empty() && self.is_excluded(visit, records, met);
        if is_excluded {
            self.leave_out(worker, visit, met);
            return Ok(false);
        }
        for side in Side::BOTH {
            if let Some(entry) = entries[side] {
                worker.out.count(side, entry);
                if entry.is_mount {
                    worker.out.mounts.push((visit.path.join(met.name), side));
                    // Nobody reports it when a file system is mounted or unmounted.
                    worker.out.revisit.note(&visit.path);
                }
            }
        }
        if untouched.left && untouched.right && !self.is_full {
            if let Some(dir) = met.base.and_then(|at| records.dir(at)) {
                self.refuse_other_root(met)?;
                let path = visit.path.join(met.name);
                let is_whole = visit.is_whole || self.focus.is_none_or(|f| f.is_tree(&path));
                if is_whole || self.focus.is_some_and(|focus| focus.leads_into(&path)) {
                    found.push(Visit {
                        path,
                        has: Sides::new(true, true),
                        base: Some(dir),
                        is_whole,
                    });
                }
            }
            return Ok(true);
        }
        worker.out.revisit.note(&visit.path);
        let path = visit.path.join(met.name);
        let base = met.base.map(|at| Box::new(records.agreed(at)));
        if self.is_unsyncable(worker, visit, &path, base.is_some(), entries) {
            return Ok(false);
        }
        if self.mount_changed(worker, &path, base.as_deref(), entries) {
            return Ok(false);
        }
        self.refuse_other_root(met)?;
        let kinds = entries.map(|entry| entry.map(|entry| entry.kind));
        if kinds.left == Some(Kind::Dir) || kinds.right == Some(Kind::Dir) {
            let has = kinds.map(|kind| kind == Some(Kind::Dir));
            let base = met.base.and_then(|at| records.dir(at));
            found.push(Visit {
                path: path.clone(),
                has,
                base,
                is_whole: true,
            });
            if untouched.left && untouched.right {
                return Ok(false);
            }
        } else if let (None, None, Some(dir)) = (
            kinds.left,
            kinds.right,
            met.base.and_then(|at| records.dir(at)),
        ) {
            // Gone from both sides, but maybe only renamed on both: what was agreed within it
            // goes with it then.
            found.push(Visit {
                path: path.clone(),
                has: Sides::default(),
                base: Some(dir),
                is_whole: true,
            });
        }
        let sides = Sides::from_fn(|side| {
            let (dir, entry) = (dirs[side].as_deref()?, entries[side]?);
            Some(Look {
                dir,
                name: met.name,
                entry,
            })
        });
        let facts = match look(
            base.as_deref(),
            sides,
            untouched,
            &mut worker.buffers,
            self.cancel,
        ) {
            Ok(facts) => facts,
            Err((_, fault)) if fault.is_cancelled() => return Err(Failure::Stopped),
            Err((side, fault)) => {
                worker
                    .out
                    .is_unknown(path.clone(), side, Fault { path, ..fault });
                return Ok(false);
            }
        };
        if facts.equal.is_some() {
            let bytes = entries.left.map_or(0, |entry| entry.size);
            if counts.compared_bytes.fetch_add(bytes, Ordering::Relaxed) >> 24 != bytes >> 24 {
                self.tell(counts, &path);
            }
        }
        if untouched.left && untouched.right && facts.equal == Some(true) {
            return Ok(false); // a full check found what was expected
        }
        let seen = entries.map(|entry| entry.map_or(State::Absent, |entry| State::Present(*entry)));
        let facts = keep_text(facts, &mut worker.out.texts, counts);
        if let (Some(left), Some(right)) = (entries.left, entries.right) {
            let is_settled = left.kind == Kind::File
                && facts.equal == Some(true)
                && left.mode == right.mode
                && left.mtime == right.mtime;
            if is_settled {
                worker.out.equals.push(&path, left, right, facts.hash);
                return Ok(false);
            }
        }
        worker.out.differences.push(Difference {
            path,
            base,
            seen,
            facts,
            now_at: None,
        });
        Ok(false)
    }

    /// Says whether a name is asked about, or lies on the way to something that is.
    fn is_in_scope(&self, dir: &RelPath, name: &[u8]) -> bool {
        if self.scope.is_empty() {
            return true;
        }
        let path = dir.join(name);
        // Sorted, so what is in a directory comes directly behind it.
        let at = self.scope.partition_point(|wanted| *wanted < path);
        let is_on_the_way = self.scope.get(at).is_some_and(|it| it.is_within(&path));
        is_on_the_way
            || path
                .ancestors()
                .any(|above| self.scope.binary_search(&above).is_ok())
    }

    fn is_excluded(&self, visit: &Visit, records: &Records, met: &Met<'_>) -> bool {
        let is_dir = |entry: Option<&Entry>| entry.is_some_and(|entry| entry.kind == Kind::Dir);
        let is_dir = is_dir(met.entries.left)
            || is_dir(met.entries.right)
            || met.base.is_some_and(|at| records.dir(at).is_some());
        self.excludes
            .excluding(&visit.path.join(met.name), is_dir)
            .is_some()
    }

    /// Leaves an excluded name alone; a record of it is forgotten, so that taking the exclusion
    /// back later merges both sides and deletes nothing.
    fn leave_out(&self, worker: &mut Worker, visit: &Visit, met: &Met<'_>) {
        if met.base.is_some() {
            worker.out.forget.push(visit.path.join(met.name));
            worker.out.revisit.note(&visit.path);
        }
        self.note_obstacle(worker, visit, met.entries);
    }

    fn note_obstacle(&self, worker: &mut Worker, visit: &Visit, entries: Sides<Option<&Entry>>) {
        for side in Side::BOTH {
            if entries[side].is_some() {
                worker.out.holds_something(&visit.path, side);
            }
        }
    }

    /// Deals with fifos, sockets and devices. Returns whether the name is done with.
    fn is_unsyncable(
        &self,
        worker: &mut Worker,
        visit: &Visit,
        path: &RelPath,
        has_base: bool,
        entries: Sides<Option<&Entry>>,
    ) -> bool {
        let special = entries.map(|entry| entry.is_some_and(|entry| entry.kind == Kind::Special));
        if !special.left && !special.right {
            return false;
        }
        for side in Side::BOTH {
            if !special[side] {
                continue;
            }
            let faces_something = entries[side.other()].is_some() && !special[side.other()];
            let kind = if faces_something {
                ProblemKind::NotStorable("a fifo, socket or device has this name on the other side")
            } else {
                ProblemKind::Unsyncable
            };
            worker.out.problem(path.clone(), Some(side), kind);
        }
        let faces_nothing = Side::BOTH
            .into_iter()
            .all(|side| entries[side].is_none() || special[side]);
        if has_base && faces_nothing {
            worker.out.forget.push(path.clone());
        }
        self.note_obstacle(worker, visit, entries);
        true
    }

    /// Notices a file system that was mounted or unmounted beneath the root since the last run:
    /// what is seen there now says nothing about what was there (I12).
    fn mount_changed(
        &self,
        worker: &mut Worker,
        path: &RelPath,
        base: Option<&Agreed>,
        entries: Sides<Option<&Entry>>,
    ) -> bool {
        let Some(base) = base.filter(|base| base.kind == Kind::Dir) else {
            return false;
        };
        let mut has_changed = false;
        for side in Side::BOTH {
            if entries[side].is_some_and(|entry| entry.is_mount != base.stamp(side).is_mount) {
                worker
                    .out
                    .problem(path.clone(), Some(side), ProblemKind::MountChanged);
                worker.out.unknown.push((path.clone(), side));
                has_changed = true;
            }
        }
        has_changed
    }

    fn refuse_other_root(&self, met: &Met<'_>) -> Result<(), Failure> {
        let Some(roots) = self.roots else {
            return Ok(());
        };
        for side in Side::BOTH {
            let is_other =
                |entry: &Entry| entry.kind == Kind::Dir && entry.id == roots[side.other()];
            if met.entries[side].is_some_and(is_other) {
                return Err(Failure::Nested {
                    inner: side.other(),
                });
            }
        }
        Ok(())
    }
}

fn keep_text(mut facts: Facts, texts: &mut Vec<(Hash, Box<[u8]>)>, counts: &Counts) -> Facts {
    if let (Some(text), Some(hash)) = (facts.text.take(), facts.hash) {
        let bytes = text.len() as u64 + TEXT_OVERHEAD;
        if counts.kept_text.fetch_add(bytes, Ordering::Relaxed) + bytes <= KEPT_TEXT_BYTES {
            texts.push((hash, text));
        }
    }
    facts
}

pub(crate) fn state_failure(error: &StateError) -> Failure {
    if error.is_damaged() {
        Failure::Damaged(error.to_string())
    } else {
        Failure::State(error.to_string())
    }
}
