//! A pair of folders and what they last agreed on: the door through which a handler uses the
//! engine. `plan` looks, `apply` does; everything else is a view of what they left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::cancel::Cancel;
use crate::clock::Clock;
use crate::entry::{Agreed, Entry, FileTime, Kind, Side, Sides, State as Seen};
use crate::journal::{RunEnd, RunId, RunKind, RunRecord, Step, StepKind};
use crate::local::LocalReplica;
use crate::lock::{LockError, RootLock};
use crate::monitor::{Monitor, Silent};
use crate::overlap::{self, Overlap};
use crate::path::RelPath;
use crate::plan::{
    Change, Conflict, ConflictKind, HoldKind, Op, Plan, Problem, ProblemKind, Reason, Source, Tally,
};
use crate::replica::{Capabilities, Fault, FaultKind, Observe, Replica, read_limited};
use crate::root::{self, Identity};
use crate::rules::{ConflictRule, Excludes, Mode};
use crate::scan::state_failure;
use crate::state::{Opened, State, StateError};
use crate::{apply, look, own, undo, versions};

/// Names the remembered fact that the first run of a mirror held deletions back.
const FIRST_MIRROR: &str = "first-mirror";

/// Its value while they wait for a person.
const WAITS: &str = "waits";

/// Seconds between two looks at which versions are past their time.
const EXPIRE_EVERY_SECS: i64 = 24 * 60 * 60;

/// Seconds the history of runs is kept at least.
const HISTORY_SECS: i64 = 90 * 24 * 60 * 60;

/// How many runs killed one after the other are looked into for what they left.
const KILLED_RUNS_MAX: usize = 16;

/// Seconds a day has.
const DAY_SECS: u64 = 24 * 60 * 60;

/// How long and how much of what was replaced or deleted is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionPolicy {
    /// Seconds a version is kept; the default is 30 days.
    pub keep_secs: u64,
    /// Bytes of versions kept on each side; the oldest go first. The default is 10 GiB.
    pub budget_bytes: u64,
}

impl Default for VersionPolicy {
    fn default() -> Self {
        Self {
            keep_secs: 30 * DAY_SECS,
            budget_bytes: 10 << 30,
        }
    }
}

/// What a person chose for a run.
#[derive(Debug, Clone)]
pub struct Options {
    /// How the sides relate.
    pub mode: Mode,
    /// What to do when both sides changed a file.
    pub rule: ConflictRule,
    /// What to leave out.
    pub excludes: Excludes,
    /// Compare every content, not only where size and times cannot decide.
    pub is_full: bool,
    /// Most bytes copied per second; `None` is as fast as possible.
    pub bandwidth: Option<u64>,
    /// How versions are kept.
    pub versions: VersionPolicy,
    /// Threads for scanning and copying; 0 means one per core, 1 works without any thread and in
    /// a fixed order.
    pub n_threads: usize,
    /// What the sides are called in the names of conflict copies.
    pub names: Sides<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mode: Mode::TwoWay,
            rule: ConflictRule::Ask,
            excludes: Excludes::default(),
            is_full: false,
            bandwidth: None,
            versions: VersionPolicy::default(),
            n_threads: 0,
            names: Sides::new("left".to_owned(), "right".to_owned()),
        }
    }
}

/// Why two folders cannot be used as a pair. Nothing has been written when one of these is
/// returned.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A root is not there, is no directory, or cannot be read.
    #[error("the {} folder `{}` cannot be used: {fault}", side.as_str(), path.display())]
    Root {
        /// Which side.
        side: Side,
        /// As given.
        path: PathBuf,
        /// What is wrong.
        fault: Fault,
    },
    /// Both are the same folder, maybe through a link or a second mount.
    #[error("both are the same folder")]
    Same,
    /// One lies inside the other.
    #[error("one folder is inside the other")]
    Nested {
        /// The one that is inside.
        inner: Side,
    },
    /// Another run works on one of the folders, or on one above or below it.
    #[error("another run is working on `{}`", path.display())]
    Busy {
        /// Which side.
        side: Side,
        /// The folder that is taken.
        path: PathBuf,
        /// The process that holds it, if it can be told.
        pid: Option<u32>,
    },
    /// The memory of the agreed state cannot be opened or written.
    #[error("cannot open the state in `{}`: {detail}", path.display())]
    State {
        /// Where.
        path: PathBuf,
        /// The cause.
        detail: String,
    },
}

/// Why a run ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A person stopped it. Files are whole; the next run carries on.
    #[error("the run was stopped")]
    Stopped,
    /// A root vanished or could not be listed.
    #[error("cannot list the {} folder: {fault}", side.as_str())]
    Root {
        /// Which side.
        side: Side,
        /// What is wrong.
        fault: Fault,
    },
    /// A root turned out to contain the other (seen while walking).
    #[error("one folder is inside the other")]
    Nested {
        /// The one that is inside.
        inner: Side,
    },
    /// The memory of the agreed state failed.
    #[error("the state of this sync cannot be used: {0}")]
    State(String),
    /// The memory turned out to be damaged in the middle of a look; [`Pair::plan`] begins it anew
    /// by itself, so this is seen only when that failed.
    #[error("the state of this sync is damaged: {0}")]
    Damaged(String),
    /// Something named by the caller is not there (a run, a conflict, a version).
    #[error("there is no {what} `{name}`")]
    NotFound {
        /// What it is: "run", "conflict", "version".
        what: &'static str,
        /// As given.
        name: String,
    },
    /// A side changed since what was shown; look again before deciding.
    #[error("`{path}` has changed since it was shown")]
    ChangedMeanwhile {
        /// The path.
        path: RelPath,
    },
    /// What was asked for is not possible here, with the reason in plain words.
    #[error("{0}")]
    NotPossible(String),
}

/// What a run did and what it left.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Done on each side.
    pub tally: Sides<Tally>,
    /// All that was left alone, from the plan and from the run, sorted by path.
    pub problems: Vec<Problem>,
    /// Conflicts that wait, sorted by path.
    pub conflicts: Vec<Conflict>,
    /// Held changes.
    pub n_held: u64,
    /// A person stopped it before its end.
    pub was_stopped: bool,
}

impl Report {
    /// Says whether both sides are equal now in everything that can be synced (I3).
    #[must_use]
    pub fn is_in_sync(&self) -> bool {
        self.conflicts.is_empty()
            && self.n_held == 0
            && !self.was_stopped
            && !self
                .problems
                .iter()
                .any(|problem| problem.kind.is_failure())
    }
}

/// A conflict as it waits in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredConflict {
    /// Eight hexadecimal digits made from the path; the same path has the same id.
    pub id: String,
    /// What it is about.
    pub path: RelPath,
    /// How it came about.
    pub kind: ConflictKind,
    /// What was agreed.
    pub base: Option<Agreed>,
    /// What both sides had when it was last seen.
    pub seen: Sides<Seen>,
    /// Changes beneath a directory that wait with it.
    pub n_within: u64,
    /// When it was first seen.
    pub since: FileTime,
}

/// A person's decision on a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// This side's version goes to the other side (a deletion too).
    Keep(Side),
    /// The version modified later; a change beats a deletion.
    KeepNewest,
    /// Both, the older one under a name that says where and when it comes from.
    KeepBoth,
    /// These bytes on both sides.
    Merged(Arc<[u8]>),
    /// The three-way merge of the text, which must not have conflicting places.
    MergeText,
}

/// A kept version of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The run that replaced or deleted it.
    pub run: RunId,
    /// When.
    pub replaced_at: FileTime,
    /// On which side it was.
    pub side: Side,
    /// What it was called.
    pub path: RelPath,
    /// Where it is kept, below that side's root.
    pub kept_at: RelPath,
    /// Its attributes.
    pub entry: Entry,
    /// It was deleted, not replaced.
    pub was_deleted: bool,
}

/// A content a person can ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContentOf {
    /// The file on this side now.
    Side(Side),
    /// What both sides last agreed on, if it was kept.
    Base,
    /// A kept version.
    Version(Version),
}

/// Why a path is, or is not, in sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Equal on both sides as of now.
    InSync,
    /// On neither side.
    Nowhere,
    /// An exclusion covers it.
    Excluded {
        /// The pattern.
        pattern: String,
        /// The path the pattern matches (the file, or a folder above it).
        at: RelPath,
    },
    /// syncmgr's own data.
    Own,
    /// It waits for a decision.
    Conflict(ConflictKind),
    /// The next run would do this.
    Pending(Box<crate::plan::Change>),
    /// Something is in the way.
    Problem(Problem),
}

/// Two folders that are kept in sync, their memory, and the locks on both.
pub struct Pair {
    sides: Sides<Arc<dyn Replica>>,
    paths: Sides<PathBuf>,
    /// The local replicas among the sides, to find out once what their file systems can do.
    locals: Sides<Option<Arc<LocalReplica>>>,
    state_dir: PathBuf,
    /// Replaced as a whole when it turns out to be damaged in the middle of a look.
    state: Mutex<State>,
    rebuilt: Mutex<Option<PathBuf>>,
    clock: Arc<dyn Clock>,
    is_swapped: bool,
    /// Held for its effect: no other run works in these folders.
    locks: Option<Sides<RootLock>>,
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair")
            .field("paths", &self.paths)
            .field("state_dir", &self.state_dir)
            .finish_non_exhaustive()
    }
}

impl Pair {
    /// Opens two local folders for a run: identifies both, refuses same, nested and aliased ones,
    /// and takes the locks that keep every other run, of whoever, out of both until the value is
    /// dropped. `state` is a directory of this pair alone; it is made when missing. Swapping
    /// `left` and `right` gives the same pair, mirrored. Writes nothing into the folders.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(
        left: &Path,
        right: &Path,
        state: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let mut pair = Self::open_unlocked(left, right, state, clock)?;
        let lock = |side: Side| {
            RootLock::acquire(&pair.paths[side]).map_err(|error| match error {
                LockError::Busy { path, pid } => OpenError::Busy { side, path, pid },
                LockError::Io { path, source } => OpenError::Root {
                    side,
                    path,
                    fault: Fault::new(FaultKind::Io, "lock", &RelPath::root(), source.to_string()),
                },
            })
        };
        let locks = Sides::new(lock(Side::Left)?, lock(Side::Right)?);
        pair.locks = Some(locks);
        Ok(pair)
    }

    /// Opens two local folders to look only, also while a run is working in them: like
    /// [`Self::open`] without the locks. [`Self::apply`] is refused.
    ///
    /// # Errors
    /// [`OpenError`], except `Busy`.
    pub fn open_unlocked(
        left: &Path,
        right: &Path,
        state: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let open = |side: Side, path: &Path| {
            LocalReplica::open(path).map_err(|fault| OpenError::Root {
                side,
                path: path.to_owned(),
                fault,
            })
        };
        let locals = Sides::new(open(Side::Left, left)?, open(Side::Right, right)?);
        let paths = locals.as_ref().map(|local| local.path().to_owned());
        overlap::check(&paths.left, &paths.right).map_err(|overlap| match overlap {
            Overlap::Same => OpenError::Same,
            Overlap::Nested { inner } => OpenError::Nested { inner },
        })?;
        let (memory, rebuilt, is_swapped) = open_state(state, &paths)?;
        let with = |side: Side, local: LocalReplica| {
            let known = memory.meta(key(side, "can", is_swapped)).ok().flatten();
            match known.as_deref().and_then(Capabilities::from_text) {
                Some(capabilities) => local.with_capabilities(capabilities),
                None => local,
            }
        };
        let locals = Sides::new(
            Arc::new(with(Side::Left, locals.left)),
            Arc::new(with(Side::Right, locals.right)),
        );
        Ok(Self {
            sides: locals.clone().map(|local| local as Arc<dyn Replica>),
            paths,
            locals: locals.map(Some),
            state_dir: state.to_owned(),
            state: Mutex::new(memory),
            rebuilt: Mutex::new(rebuilt),
            clock,
            is_swapped,
            locks: None,
        })
    }

    /// Opens a pair of any two replicas; keeping other runs out is the caller's business.
    ///
    /// # Errors
    /// [`OpenError::State`].
    pub fn with_replicas(
        left: Arc<dyn Replica>,
        right: Arc<dyn Replica>,
        state: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let paths = Sides::new(PathBuf::from("left"), PathBuf::from("right"));
        let (memory, rebuilt, is_swapped) = open_state(state, &paths)?;
        Ok(Self {
            sides: Sides::new(left, right),
            paths,
            locals: Sides::default(),
            state_dir: state.to_owned(),
            state: Mutex::new(memory),
            rebuilt: Mutex::new(rebuilt),
            clock,
            is_swapped,
            locks: None,
        })
    }

    /// Returns the absolute path of a side, without symbolic links.
    #[must_use]
    pub fn side_path(&self, side: Side) -> &Path {
        &self.paths[side]
    }

    /// Returns where a damaged memory was moved to, if it had to be begun anew; this run then
    /// compares both sides as at first contact and deletes nothing (I11).
    #[must_use]
    pub fn was_rebuilt(&self) -> Option<PathBuf> {
        self.rebuilt
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Looks at both sides and says what a run would do. Writes nothing into the folders.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn plan(
        &self,
        options: &Options,
        monitor: &dyn Monitor,
        cancel: &Cancel,
    ) -> Result<Plan, Failure> {
        self.look(options, monitor, cancel, &BTreeMap::new(), &[])
    }

    fn look(
        &self,
        options: &Options,
        monitor: &dyn Monitor,
        cancel: &Cancel,
        decided: &BTreeMap<RelPath, ConflictRule>,
        scope: &[RelPath],
    ) -> Result<Plan, Failure> {
        let result = self.look_once(options, monitor, cancel, decided, scope);
        if !matches!(&result, Err(Failure::Damaged(_))) {
            return result;
        }
        // The memory turned out to be damaged: go on without it, adding until proven (I11).
        let aside = State::set_aside(&self.state_dir).map_err(|error| state_failure(&error))?;
        let (mut fresh, _) = State::open(&self.state_dir).map_err(|error| state_failure(&error))?;
        fresh.set_swapped(self.is_swapped);
        remember_paths(&mut fresh, &self.paths, self.is_swapped)
            .map_err(|error| state_failure(&error))?;
        *self.memory() = fresh;
        *self.rebuilt.lock().unwrap_or_else(PoisonError::into_inner) = Some(aside);
        self.look_once(options, monitor, cancel, decided, scope)
    }

    fn look_once(
        &self,
        options: &Options,
        monitor: &dyn Monitor,
        cancel: &Cancel,
        decided: &BTreeMap<RelPath, ConflictRule>,
        scope: &[RelPath],
    ) -> Result<Plan, Failure> {
        let state = self.memory();
        let roots = self.roots()?;
        let mut replaced = Sides::default();
        for side in Side::BOTH {
            replaced[side] = self.is_replaced(&state, side, &roots[side])?;
        }
        let emptied = self.emptied(&state)?;
        let are_local = self.locals.left.is_some() && self.locals.right.is_some();
        let ground = look::Ground {
            sides: self.observed(),
            state: &state,
            options,
            monitor,
            cancel,
            now: self.clock.now(),
            roots: are_local.then(|| roots.map(|root| root.id)),
            replaced,
            is_first_mirror: is_waiting(&state)?,
            decided,
            scope,
            emptied: &emptied,
        };
        ground.plan()
    }

    /// Finds the names that runs killed since the last whole one had emptied in order to put
    /// something else there: what was there is a version now, and the name is free.
    fn emptied(&self, state: &State) -> Result<BTreeSet<(RelPath, Side)>, Failure> {
        let failed = |error: StateError| state_failure(&error);
        let mut found = BTreeSet::new();
        let killed = state.runs(KILLED_RUNS_MAX).map_err(failed)?.into_iter();
        for run in killed.take_while(|run| run.end == RunEnd::Open) {
            for step in state.steps(&run.id).map_err(failed)? {
                let replaces = matches!(
                    step.kind,
                    StepKind::Updated | StepKind::Copied | StepKind::MadeDir
                );
                let Some(before) = step.before.filter(|_| replaces) else {
                    continue;
                };
                let replica = &self.sides[step.side];
                let is_kept = before.kind == Kind::Dir
                    || step.version.as_ref().is_some_and(|kept_at| {
                        matches!(replica.stat(kept_at), Ok(Some(kept)) if kept.is_same_file(&before))
                    });
                if is_kept && matches!(replica.stat(&step.path), Ok(None)) {
                    found.insert((step.path, step.side));
                }
            }
        }
        Ok(found)
    }

    fn observed(&self) -> Sides<&dyn Observe> {
        Sides::from_fn(|side| self.sides[side].as_observe())
    }

    fn memory(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the two roots; one that cannot be read ends the run before anything is decided (I12).
    fn roots(&self) -> Result<Sides<Entry>, Failure> {
        let read = |side: Side| {
            let opened = self.sides[side].open_dir(&RelPath::root());
            opened
                .and_then(|dir| dir.stat_self())
                .map_err(|fault| Failure::Root { side, fault })
        };
        Ok(Sides::new(read(Side::Left)?, read(Side::Right)?))
    }

    /// Says whether a root is not the folder it was at the last run.
    fn is_replaced(&self, state: &State, side: Side, root: &Entry) -> Result<bool, Failure> {
        let meta = |what| {
            state
                .meta(key(side, what, self.is_swapped))
                .map_err(|error| state_failure(&error))
        };
        let Some(known_id) = meta("mark")? else {
            return Ok(false);
        };
        let replica = self.sides[side].as_observe();
        let stable_ids = replica.capabilities().stable_ids;
        if known_id.is_empty() {
            // A folder nothing can be written into has no mark; its identity has to do.
            let known = meta("root")?.and_then(|text| u64::from_str_radix(&text, 16).ok());
            return Ok(stable_ids && known.is_some_and(|known| known != root.id.0));
        }
        let marker = root::read_marker(replica).map_err(|fault| Failure::Root { side, fault })?;
        let identity = root::identify(marker.as_ref(), Some(&known_id), root, stable_ids);
        Ok(identity != Identity::Known)
    }

    /// Carries out a plan: every path that has moved since is refused, the rest is done. Records
    /// the run, stores its conflicts and problems. `run` must be new and names the versions.
    ///
    /// # Errors
    /// [`Failure`], except `Stopped`: a stopped run gives a report with `was_stopped`.
    pub fn apply(
        &mut self,
        plan: &Plan,
        run: &RunId,
        kind: RunKind,
        options: &Options,
        monitor: &dyn Monitor,
        cancel: &Cancel,
    ) -> Result<Report, Failure> {
        if self.locals.left.is_some() && self.locks.is_none() {
            return Err(Failure::NotPossible(
                "this pair was opened to look only".to_owned(),
            ));
        }
        let changes_nothing = plan.changes_nothing();
        let has_news = !changes_nothing || plan.changes.iter().any(|change| change.held.is_none());
        if has_news || plan.is_first || !plan.forget.is_empty() {
            self.mark_roots(plan, run)?;
        }
        if !changes_nothing {
            self.tidy(plan);
        }
        let started = self.clock.now();
        let mut record = RunRecord {
            id: run.clone(),
            kind,
            started,
            ended: None,
            end: RunEnd::Open,
            tally: Sides::default(),
            n_conflicts: plan.conflicts.len() as u64,
            n_problems: 0,
            n_held: plan.held().count() as u64,
            undoes: None,
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |error: StateError| state_failure(&error);
        state.begin_run(&record).map_err(failed)?;
        if plan.is_first
            && plan
                .holds
                .iter()
                .all(|hold| hold.kind != HoldKind::RootReplaced)
            && kind == RunKind::Sync
        {
            state.clear_base().map_err(failed)?;
        }
        if kind == RunKind::Sync {
            note_first_mirror(&mut state, plan).map_err(failed)?;
        }
        let ground = apply::Ground {
            sides: Sides::from_fn(|side| &*self.sides[side]),
            run,
            options,
            clock: &*self.clock,
            monitor,
            cancel,
        };
        let done = apply::apply(&ground, plan, &mut state)?;
        let mut problems = plan.problems.clone();
        problems.extend(done.problems);
        problems.sort_by(|a, b| (&a.path, a.side).cmp(&(&b.path, b.side)));
        let report = Report {
            tally: done.tally,
            conflicts: plan.conflicts.clone(),
            n_held: record.n_held,
            was_stopped: done.was_stopped,
            problems,
        };
        record.tally = report.tally;
        record.n_problems = report
            .problems
            .iter()
            .filter(|problem| problem.kind.is_failure())
            .count() as u64;
        record.end = if report.was_stopped {
            RunEnd::Stopped
        } else {
            RunEnd::Finished
        };
        record.ended = Some(self.clock.now());
        if kind == RunKind::Sync {
            self.store_findings(&mut state, &report).map_err(failed)?;
        } else {
            forget_settled(&mut state, plan, &report).map_err(failed)?;
        }
        state.end_run(&record).map_err(failed)?;
        drop(state);
        if !changes_nothing && !report.was_stopped {
            self.expire(plan, run, options);
        }
        Ok(report)
    }

    fn store_findings(&self, state: &mut State, report: &Report) -> Result<(), StateError> {
        let now = self.clock.now();
        let conflicts: Vec<StoredConflict> = report
            .conflicts
            .iter()
            .map(|conflict| StoredConflict::new(conflict, now))
            .collect();
        state.replace_conflicts(&conflicts)?;
        // What a stopped run did not come to can be most of a large folder: writing it down would
        // take longer than a person who stopped the run waits, and the next look finds it anyway.
        let stands: Vec<_> = report
            .problems
            .iter()
            .filter(|problem| problem.kind != ProblemKind::NotReached)
            .cloned()
            .collect();
        state.replace_problems(&stands)
    }

    /// Writes the marks that identify the two folders from now on, where they are missing or wrong.
    fn mark_roots(&self, plan: &Plan, run: &RunId) -> Result<(), Failure> {
        if plan
            .holds
            .iter()
            .any(|hold| hold.kind == HoldKind::RootReplaced)
        {
            return Ok(());
        }
        let roots = self.roots()?;
        let mut ids: Sides<String> = Sides::default();
        for side in Side::BOTH {
            let replica = &*self.sides[side];
            let stable_ids = replica.capabilities().stable_ids;
            let found = root::read_marker(replica.as_observe()).ok().flatten();
            let is_good = found.as_ref().is_some_and(|marker| {
                root::identify(Some(marker), None, &roots[side], stable_ids) == Identity::Known
                    && marker.id != ids[side.other()]
            });
            if let Some(marker) = found.filter(|_| is_good) {
                ids[side] = marker.id;
                continue;
            }
            let id = self.new_mark(run, side);
            let written = root::Marker::new(&id, roots[side].id)
                .is_some_and(|marker| root::write_marker(replica, &marker).is_ok());
            // A folder that cannot be written into can still be the source of a mirror.
            ids[side] = if written { id } else { String::new() };
        }
        let mut state = self.memory();
        for side in Side::BOTH {
            let mut set =
                |what, value: &str| state.set_meta(key(side, what, self.is_swapped), value);
            set("mark", &ids[side]).map_err(|error| state_failure(&error))?;
            set("root", &format!("{:016x}", roots[side].id.0))
                .map_err(|error| state_failure(&error))?;
            let known = state
                .meta(key(side, "can", self.is_swapped))
                .map_err(|error| state_failure(&error))?;
            if let (None, Some(local), false) = (known, &self.locals[side], ids[side].is_empty()) {
                // For the next run; this one's plan was made with a guess, and every step of it is
                // checked by the file system itself.
                if let Ok(capabilities) = local.probe() {
                    let text = capabilities.to_text();
                    let key = key(side, "can", self.is_swapped);
                    state
                        .set_meta(key, &text)
                        .map_err(|error| state_failure(&error))?;
                }
            }
        }
        Ok(())
    }

    /// Makes an id nobody else has: the run's id is unique on this machine, the folder's path and
    /// the time tell machines apart.
    fn new_mark(&self, run: &RunId, side: Side) -> String {
        let now = self.clock.now();
        let seed = format!(
            "{run} {} {:?} {}.{}",
            side.as_str(),
            self.paths[side],
            now.secs,
            now.nanos
        );
        blake3::hash(seed.as_bytes()).to_hex()[..32].to_owned()
    }

    /// Removes what a killed run left in the staging places. It was never seen under a final name.
    fn tidy(&self, plan: &Plan) {
        for side in Side::BOTH {
            for home in homes(plan, side) {
                // What cannot be removed now is in nobody's way and is tried again next time.
                drop(own::remove_tree(&*self.sides[side], &own::stage_dir(&home)));
            }
        }
    }

    /// Lets old versions go and tidies the staging places. Trouble here is no trouble of the run.
    fn expire(&self, plan: &Plan, run: &RunId, options: &Options) {
        self.tidy(plan);
        let now = self.clock.now();
        let mut state = self.memory();
        let last = state
            .meta("expired")
            .ok()
            .flatten()
            .and_then(|text| text.parse::<i64>().ok());
        if last.is_some_and(|last| (0..EXPIRE_EVERY_SECS).contains(&(now.secs - last))) {
            return;
        }
        let runs = state.runs(usize::MAX).unwrap_or_default();
        let started: BTreeMap<RunId, FileTime> =
            runs.into_iter().map(|run| (run.id, run.started)).collect();
        for side in Side::BOTH {
            let homes = homes(plan, side);
            let replica = &*self.sides[side];
            drop(versions::expire(
                replica,
                &homes,
                &started,
                run,
                &options.versions,
                now,
            ));
        }
        let keep = i64::try_from(options.versions.keep_secs)
            .unwrap_or(i64::MAX)
            .max(HISTORY_SECS);
        drop(state.forget_runs_before(FileTime::new(now.secs.saturating_sub(keep), 0)));
        drop(state.set_meta("expired", &now.secs.to_string()));
    }

    /// Returns the conflicts the last run left, sorted by path.
    ///
    /// # Errors
    /// [`Failure::State`].
    pub fn conflicts(&self) -> Result<Vec<StoredConflict>, Failure> {
        self.memory()
            .conflicts()
            .map_err(|error| state_failure(&error))
    }

    /// Makes the plan that carries out decisions on conflicts, by their ids; refuses a conflict
    /// whose sides have changed since it was stored. To be carried out with [`RunKind::Resolve`].
    ///
    /// # Errors
    /// [`Failure::NotFound`], [`Failure::ChangedMeanwhile`], [`Failure::NotPossible`] (with the
    /// reason), [`Failure::State`].
    pub fn plan_resolution(
        &self,
        choices: &[(String, Choice)],
        options: &Options,
    ) -> Result<Plan, Failure> {
        let stored = self.conflicts()?;
        let mut chosen = Vec::new();
        for (id, choice) in choices {
            let conflict = stored.iter().find(|conflict| conflict.id == *id);
            let conflict = conflict.ok_or_else(|| Failure::NotFound {
                what: "conflict",
                name: id.clone(),
            })?;
            chosen.push((conflict, choice));
        }
        let decided = chosen
            .iter()
            .map(|(conflict, choice)| (conflict.path.clone(), choice.rule()))
            .collect();
        let scope: Vec<RelPath> = chosen
            .iter()
            .map(|(conflict, _)| conflict.path.clone())
            .collect();
        let options = Options {
            rule: ConflictRule::Ask,
            mode: Mode::TwoWay,
            ..options.clone()
        };
        if scope.is_empty() {
            return Ok(Plan::default());
        }
        let mut plan = self.look(&options, &Silent, &Cancel::new(), &decided, &scope)?;
        // Of many, those that cannot be decided this way stay conflicts, and the others are decided.
        let n_chosen = chosen.len();
        let mut undecided = Vec::new();
        for (conflict, choice) in chosen {
            match settle(&mut plan, conflict, choice) {
                Err(Failure::NotPossible(text)) => undecided.push(text),
                result => result?,
            }
        }
        if undecided.len() == n_chosen {
            return Err(Failure::NotPossible(undecided.swap_remove(0)));
        }
        for change in &mut plan.changes {
            change.reason = Reason::Resolved;
        }
        for rename in &mut plan.renames {
            rename.reason = Reason::Resolved;
        }
        Ok(plan)
    }

    /// Returns the latest runs, newest first.
    ///
    /// # Errors
    /// [`Failure::State`].
    pub fn runs(&self, limit: usize) -> Result<Vec<RunRecord>, Failure> {
        self.memory()
            .runs(limit)
            .map_err(|error| state_failure(&error))
    }

    /// Returns the steps of a run in order.
    ///
    /// # Errors
    /// [`Failure::NotFound`], [`Failure::State`].
    pub fn steps(&self, run: &RunId) -> Result<Vec<Step>, Failure> {
        let state = self.memory();
        find_run(&state, run)?;
        state.steps(run).map_err(|error| state_failure(&error))
    }

    /// Makes the plan that takes a run back on both sides. Paths that changed since are left alone
    /// and listed as problems. To be carried out with [`RunKind::Undo`].
    ///
    /// # Errors
    /// [`Failure::NotFound`], [`Failure::State`], [`Failure::Root`].
    pub fn plan_undo(&self, run: &RunId, _options: &Options) -> Result<Plan, Failure> {
        let state = self.memory();
        let record = find_run(&state, run)?;
        let steps = state.steps(run).map_err(|error| state_failure(&error))?;
        let agreed = |path: &RelPath| state.get(path).ok().flatten();
        let plan = undo::plan(self.observed(), &record, &steps, &agreed);
        let mut plan = plan.map_err(|fault| Failure::NotPossible(fault.to_string()))?;
        plan.looked_at = self.clock.now();
        Ok(plan)
    }

    /// Returns the kept versions of a path, or of everything beneath it, newest first.
    ///
    /// # Errors
    /// [`Failure::State`].
    pub fn versions(&self, path: &RelPath) -> Result<Vec<Version>, Failure> {
        versions::find(self.observed(), &self.memory(), path).map_err(|error| state_failure(&error))
    }

    /// Makes the plan that brings a version back on both sides. To be carried out with
    /// [`RunKind::Restore`].
    ///
    /// # Errors
    /// [`Failure::NotPossible`], [`Failure::Root`], [`Failure::State`].
    pub fn plan_restore(&self, version: &Version, _options: &Options) -> Result<Plan, Failure> {
        let mut seen = Sides::<Seen>::default();
        let not_possible = |fault: Fault| Failure::NotPossible(fault.to_string());
        for side in Side::BOTH {
            seen[side] = match self.sides[side].stat(&version.path).map_err(not_possible)? {
                Some(entry) if entry.kind == Kind::Dir => {
                    let text = format!("`{}` is a folder now; move it away first", version.path);
                    return Err(Failure::NotPossible(text));
                }
                Some(entry) => Seen::Present(entry),
                None => Seen::Absent,
            };
        }
        let entry = self.sides[version.side]
            .stat(&version.kept_at)
            .map_err(not_possible)?;
        let Some(entry) = entry.filter(|entry| entry.is_same_file(&version.entry)) else {
            let name = version.path.display();
            return Err(Failure::NotFound {
                what: "version",
                name,
            });
        };
        let op = if entry.kind == Kind::Symlink {
            let dir =
                self.sides[version.side].open_dir(&version.kept_at.parent().unwrap_or_default());
            let target = dir
                .and_then(|dir| dir.read_link(version.kept_at.name()))
                .map_err(not_possible)?;
            Op::Link {
                target,
                mtime: entry.mtime,
            }
        } else {
            let source = Source::Version {
                side: version.side,
                path: version.kept_at.clone(),
                seen: entry,
            };
            look::copy_op(source, &entry)
        };
        let mut plan = Plan {
            looked_at: self.clock.now(),
            ..Plan::default()
        };
        plan.changes = self.missing_dirs(&version.path).map_err(not_possible)?;
        plan.changes.push(Change {
            path: version.path.clone(),
            ops: Sides::new(Some(op.clone()), Some(op)),
            seen,
            hash: None,
            link: None,
            reason: Reason::Undone,
            held: None,
            leaves_apart: false,
        });
        Ok(plan)
    }

    /// Plans the folders above a path that are missing on either side.
    fn missing_dirs(&self, path: &RelPath) -> Result<Vec<Change>, Fault> {
        let mut changes = Vec::new();
        for dir in path.ancestors().filter(|dir| !dir.is_root()) {
            let mut seen = Sides::<Seen>::default();
            for side in Side::BOTH {
                seen[side] = self.sides[side]
                    .stat(&dir)?
                    .map_or(Seen::Absent, Seen::Present);
            }
            let made = Op::MakeDir {
                mode: 0o755,
                mtime: self.clock.now(),
            };
            let ops = Sides::from_fn(|side| seen[side].is_absent().then(|| made.clone()));
            if ops != Sides::default() {
                changes.push(Change {
                    path: dir,
                    ops,
                    seen,
                    hash: None,
                    link: None,
                    reason: Reason::Undone,
                    held: None,
                    leaves_apart: false,
                });
            }
        }
        changes.reverse();
        Ok(changes)
    }

    /// Reads a content of at most `limit` bytes; `None` when it is not there, not kept, no regular
    /// file, or longer.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn read(
        &self,
        path: &RelPath,
        of: &ContentOf,
        limit: usize,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let (side, at) = match of {
            ContentOf::Base => {
                let state = self.memory();
                let stored = state.conflicts().map_err(|error| state_failure(&error))?;
                let of_conflict = stored
                    .into_iter()
                    .find(|c| c.path == *path)
                    .and_then(|c| c.base);
                let agreed = match of_conflict {
                    Some(agreed) => Some(agreed),
                    None => state.get(path).map_err(|error| state_failure(&error))?,
                };
                let Some(hash) = agreed.and_then(|agreed| agreed.hash) else {
                    return Ok(None);
                };
                let content = state
                    .content(&hash)
                    .map_err(|error| state_failure(&error))?;
                return Ok(content.filter(|content| content.len() <= limit));
            }
            ContentOf::Side(side) => (*side, path),
            ContentOf::Version(version) => (version.side, &version.kept_at),
        };
        let dir = self.sides[side].open_dir(&at.parent().unwrap_or_default());
        let content = dir.and_then(|dir| dir.open(at.name()));
        let read =
            content.and_then(|mut content| read_limited(&mut *content, limit, &Cancel::new()));
        match read {
            Ok(bytes) => Ok(bytes),
            Err(fault) if matches!(fault.kind, FaultKind::NotFound | FaultKind::WrongKind) => {
                Ok(None)
            }
            Err(fault) => Err(Failure::NotPossible(fault.to_string())),
        }
    }

    /// Says why a path is, or is not, in sync, by looking at it now.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn why(&self, path: &RelPath, options: &Options) -> Result<Why, Failure> {
        if path.components().any(crate::path::is_own_name) {
            return Ok(Why::Own);
        }
        let mut entries = Sides::default();
        for side in Side::BOTH {
            entries[side] = match self.sides[side].stat(path) {
                Ok(entry) => entry,
                Err(fault) => {
                    let kind = ProblemKind::Unreadable(fault);
                    return Ok(Why::Problem(Problem {
                        path: path.clone(),
                        side: Some(side),
                        kind,
                    }));
                }
            };
        }
        let is_dir = Side::BOTH
            .into_iter()
            .any(|side| entries[side].is_some_and(|e: Entry| e.kind == Kind::Dir));
        if let Some((at, pattern)) = options.excludes.excluding_anywhere(path, is_dir) {
            return Ok(Why::Excluded {
                pattern: pattern.to_owned(),
                at,
            });
        }
        let plan = self.look(
            options,
            &Silent,
            &Cancel::new(),
            &BTreeMap::new(),
            std::slice::from_ref(path),
        )?;
        let above = |other: &RelPath| path.is_within(other) || other.is_within(path);
        if let Some(conflict) = plan.conflicts.iter().find(|conflict| above(&conflict.path)) {
            return Ok(Why::Conflict(conflict.kind));
        }
        if let Some(problem) = plan.problems.iter().find(|problem| above(&problem.path)) {
            return Ok(Why::Problem(problem.clone()));
        }
        let change = plan
            .changes
            .into_iter()
            .find(|change| change.path == *path && !change.is_memory_only());
        if let Some(change) = change {
            return Ok(Why::Pending(Box::new(change)));
        }
        let is_nowhere = entries.left.is_none() && entries.right.is_none();
        Ok(if is_nowhere {
            Why::Nowhere
        } else {
            Why::InSync
        })
    }
}

impl StoredConflict {
    fn new(conflict: &Conflict, since: FileTime) -> Self {
        Self {
            id: blake3::hash(conflict.path.as_bytes()).to_hex()[..8].to_owned(),
            path: conflict.path.clone(),
            kind: conflict.kind,
            base: conflict.base.clone(),
            seen: conflict.seen.clone(),
            n_within: conflict.n_within,
            since,
        }
    }
}

impl Choice {
    /// Returns the rule that makes this choice; a given merge result stays a conflict until its
    /// bytes are put in.
    fn rule(&self) -> ConflictRule {
        match self {
            Self::Keep(side) => ConflictRule::Prefer(*side),
            Self::KeepNewest => ConflictRule::Newest,
            Self::KeepBoth => ConflictRule::Both,
            Self::MergeText => ConflictRule::Merge,
            Self::Merged(_) => ConflictRule::Ask,
        }
    }
}

/// Checks that a decision is about what was shown, and completes it.
fn settle(plan: &mut Plan, stored: &StoredConflict, choice: &Choice) -> Result<(), Failure> {
    let changed = || Failure::ChangedMeanwhile {
        path: stored.path.clone(),
    };
    let open = plan
        .conflicts
        .iter()
        .position(|conflict| conflict.path == stored.path);
    let seen = match open {
        Some(at) => Some(plan.conflicts[at].seen.clone()),
        None => {
            let renamed = plan
                .renames
                .iter()
                .find(|rename| rename.from == stored.path);
            let change = plan
                .changes
                .iter()
                .find(|change| change.path == stored.path);
            change.map(|change| {
                let mut seen = change.seen.clone();
                if let Some(rename) = renamed {
                    seen[rename.side] = Seen::Present(rename.seen);
                }
                seen
            })
        }
    };
    if seen.as_ref() != Some(&stored.seen) {
        return Err(changed());
    }
    let Some(at) = open else { return Ok(()) };
    let path = &stored.path;
    let text = match choice {
        Choice::Merged(bytes) if look::has_two_contents(plan.conflicts[at].kind) => {
            let conflict = plan.conflicts.remove(at);
            plan.changes.push(look::merged_change(
                &conflict,
                Arc::clone(bytes),
                Reason::Resolved,
            ));
            plan.changes.sort_by(|a, b| a.path.cmp(&b.path));
            return Ok(());
        }
        Choice::Merged(_) => {
            format!("`{path}` is not a file on both sides, so there is nothing to merge")
        }
        Choice::MergeText => format!(
            "`{path}` cannot be merged by itself: it is no text, its common base is not kept, or both sides changed the same lines"
        ),
        Choice::KeepNewest => format!(
            "`{path}` has the same time on both sides, so neither version is newer: choose left or right"
        ),
        Choice::KeepBoth => format!("`{path}` cannot be kept twice: choose a side"),
        Choice::Keep(_) => format!("`{path}` cannot be decided this way"),
    };
    Err(Failure::NotPossible(text))
}

/// Says whether deletions that the first run of a mirror held back still wait for a person.
fn is_waiting(state: &State) -> Result<bool, Failure> {
    let waiting = state
        .meta(FIRST_MIRROR)
        .map_err(|error| state_failure(&error))?;
    Ok(waiting.as_deref() == Some(WAITS))
}

/// Remembers, before anything is done, that the first run of a mirror holds deletions back: the
/// next run is not the first one, and must hold them all the same (I12).
fn note_first_mirror(state: &mut State, plan: &Plan) -> Result<(), StateError> {
    let waits = plan
        .holds
        .iter()
        .any(|hold| hold.kind == HoldKind::FirstMirror);
    let was_waiting = state.meta(FIRST_MIRROR)?.as_deref() == Some(WAITS);
    if waits == was_waiting {
        return Ok(());
    }
    state.set_meta(FIRST_MIRROR, if waits { WAITS } else { "" })
}

/// Takes the conflicts off the list that a plan of decisions has settled.
fn forget_settled(state: &mut State, plan: &Plan, report: &Report) -> Result<(), StateError> {
    let is_failed = |path: &RelPath| {
        report
            .problems
            .iter()
            .any(|problem| problem.path.is_within(path))
    };
    let mut conflicts = state.conflicts()?;
    let n = conflicts.len();
    conflicts.retain(|conflict| {
        let is_settled = plan
            .changes
            .iter()
            .any(|change| change.path.is_within(&conflict.path) && !change.leaves_apart);
        !is_settled || is_failed(&conflict.path)
    });
    if conflicts.len() == n {
        Ok(())
    } else {
        state.replace_conflicts(&conflicts)
    }
}

fn find_run(state: &State, run: &RunId) -> Result<RunRecord, Failure> {
    let found = state.run(run).map_err(|error| state_failure(&error))?;
    found.ok_or_else(|| Failure::NotFound {
        what: "run",
        name: run.to_string(),
    })
}

/// Returns the root and the mount points of a side: wherever there is a place of our own.
fn homes(plan: &Plan, side: Side) -> Vec<RelPath> {
    std::iter::once(RelPath::root())
        .chain(plan.mounts[side].iter().cloned())
        .collect()
}

/// Names a remembered fact about a side. The state always has the sides in the order of the first
/// run, so facts about a swapped pair are looked up crosswise.
fn key(side: Side, what: &str, is_swapped: bool) -> &'static str {
    let side = if is_swapped { side.other() } else { side };
    match (side, what) {
        (Side::Left, "path") => "left.path",
        (Side::Left, "mark") => "left.mark",
        (Side::Left, "root") => "left.root",
        (Side::Left, _) => "left.can",
        (Side::Right, "path") => "right.path",
        (Side::Right, "mark") => "right.mark",
        (Side::Right, "root") => "right.root",
        (Side::Right, _) => "right.can",
    }
}

/// Opens the memory of a pair and finds out which way round it is.
fn open_state(
    dir: &Path,
    paths: &Sides<PathBuf>,
) -> Result<(State, Option<PathBuf>, bool), OpenError> {
    let failed = |error: StateError| OpenError::State {
        path: dir.to_owned(),
        detail: error.to_string(),
    };
    let (mut state, opened) = State::open(dir).map_err(failed)?;
    let rebuilt = match opened {
        Opened::Fresh | Opened::Existing => None,
        Opened::Rebuilt { kept_as } => Some(kept_as),
    };
    let known = state.meta("left.path").map_err(failed)?;
    let is_swapped = known.as_deref() == Some(&*path_text(&paths.right));
    state.set_swapped(is_swapped);
    if known.is_none() {
        remember_paths(&mut state, paths, is_swapped).map_err(failed)?;
    }
    Ok((state, rebuilt, is_swapped))
}

fn remember_paths(
    state: &mut State,
    paths: &Sides<PathBuf>,
    is_swapped: bool,
) -> Result<(), StateError> {
    for side in Side::BOTH {
        state.set_meta(key(side, "path", is_swapped), &path_text(&paths[side]))?;
    }
    Ok(())
}

fn path_text(path: &Path) -> String {
    crate::path::display_bytes(path.as_os_str().as_encoded_bytes())
}
