//! A pair of folders and what they last agreed on: the door through which a handler uses the
//! engine. `plan` looks, `apply` does; everything else is a view of what they left behind.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cancel::Cancel;
use crate::clock::Clock;
use crate::entry::{Agreed, Entry, FileTime, Side, Sides, State};
use crate::journal::{RunId, RunKind, RunRecord, Step};
use crate::monitor::Monitor;
use crate::path::RelPath;
use crate::plan::{Conflict, ConflictKind, Plan, Problem, Tally};
use crate::replica::Fault;
use crate::rules::{ConflictRule, Excludes, Mode};

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
    pub seen: Sides<State>,
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
    Problem(ProblemOf),
}

/// A problem with the path itself or a folder above it.
pub type ProblemOf = Problem;

/// Two folders that are kept in sync, their memory, and the locks on both.
#[derive(Debug)]
pub struct Pair {}

#[expect(
    unused_variables,
    clippy::todo,
    reason = "the signatures come before the bodies"
)]
impl Pair {
    /// Opens two local folders: identifies both, refuses same, nested and aliased ones, and takes
    /// the locks that keep every other run, of whoever, out of both until the value is dropped.
    /// `state` is a directory of this pair alone; it is made when missing. Swapping `left` and
    /// `right` gives the same pair, mirrored. Writes nothing into the folders.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(
        left: &Path,
        right: &Path,
        state: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        todo!()
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
        todo!()
    }

    /// Returns the folder of a side, as it was opened.
    #[must_use]
    pub fn side_path(&self, side: Side) -> &Path {
        todo!()
    }

    /// Returns where damaged state was set aside, if that happened when the pair was opened.
    #[must_use]
    pub fn was_rebuilt(&self) -> Option<PathBuf> {
        todo!()
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
        todo!()
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
        todo!()
    }

    /// Returns the conflicts the last run left, sorted by path.
    ///
    /// # Errors
    /// [`Failure::State`].
    pub fn conflicts(&self) -> Result<Vec<StoredConflict>, Failure> {
        todo!()
    }

    /// Makes the plan that carries out decisions on conflicts; refuses a conflict whose sides have
    /// changed since it was stored. To be carried out with [`RunKind::Resolve`].
    ///
    /// # Errors
    /// [`Failure::NotFound`], [`Failure::NotPossible`] (with the reason), [`Failure::State`].
    pub fn plan_resolution(
        &self,
        choices: &[(String, Choice)],
        options: &Options,
    ) -> Result<Plan, Failure> {
        todo!()
    }

    /// Returns the latest runs, newest first.
    ///
    /// # Errors
    /// [`Failure::State`].
    pub fn runs(&self, limit: usize) -> Result<Vec<RunRecord>, Failure> {
        todo!()
    }

    /// Returns the steps of a run in order.
    ///
    /// # Errors
    /// [`Failure::NotFound`], [`Failure::State`].
    pub fn steps(&self, run: &RunId) -> Result<Vec<Step>, Failure> {
        todo!()
    }

    /// Makes the plan that takes a run back on both sides. Paths that changed since are left alone
    /// and listed as problems. To be carried out with [`RunKind::Undo`].
    ///
    /// # Errors
    /// [`Failure::NotFound`], [`Failure::State`].
    pub fn plan_undo(&self, run: &RunId, options: &Options) -> Result<Plan, Failure> {
        todo!()
    }

    /// Returns the kept versions of a path, or of everything beneath it, newest first.
    ///
    /// # Errors
    /// [`Failure::State`].
    pub fn versions(&self, path: &RelPath) -> Result<Vec<Version>, Failure> {
        todo!()
    }

    /// Makes the plan that brings a version back on both sides. To be carried out with
    /// [`RunKind::Restore`].
    ///
    /// # Errors
    /// [`Failure::NotPossible`], [`Failure::State`].
    pub fn plan_restore(&self, version: &Version, options: &Options) -> Result<Plan, Failure> {
        todo!()
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
        todo!()
    }

    /// Says why a path is, or is not, in sync, by looking at it now.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn why(&self, path: &RelPath, options: &Options) -> Result<Why, Failure> {
        todo!()
    }
}
