//! The plan: one value that says what a run will do, why, and what it leaves alone.
//!
//! Preview, dry run, progress, limits, history and undo are views of it. It is made by
//! [`crate::reconcile`] without any writer at hand, it can be shown, and it carries what was seen
//! of every path, so that `apply` can refuse the paths that have moved since.

use std::fmt;
use std::sync::Arc;

use crate::entry::{Agreed, Entry, FileTime, Hash, Kind, Side, Sides, State};
use crate::equals::Equals;
use crate::path::RelPath;
use crate::replica::Fault;
use crate::revisit::Revisit;

/// Identifies a plan, or the held part of one, by its content: ten hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlanId(pub String);

impl fmt::Display for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the content of a copy comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The same path on the other side, as the plan saw it there.
    Peer,
    /// A version kept on one side (undo, restore), with its attributes as seen.
    Version {
        /// Whose versions.
        side: Side,
        /// The path below that side's root, inside syncmgr's own directory.
        path: RelPath,
        /// What it looked like when the plan was made.
        seen: Box<Entry>,
    },
    /// Bytes at hand (a merge result).
    Bytes(Arc<[u8]>),
}

/// What is done to one path on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// A directory is made.
    MakeDir {
        /// Permission bits.
        mode: u16,
        /// Modification time it gets when everything in it is done.
        mtime: FileTime,
    },
    /// A file is installed, in place of whatever the plan saw there.
    Copy {
        /// Where the bytes come from.
        source: Source,
        /// How many bytes.
        size: u64,
        /// Permission bits.
        mode: u16,
        /// Modification time.
        mtime: FileTime,
    },
    /// A symbolic link is installed.
    Link {
        /// Its text.
        target: Box<[u8]>,
        /// Modification time.
        mtime: FileTime,
    },
    /// The file or link becomes a version; the directory, empty by then, is removed.
    Delete,
    /// Only attributes are set.
    Meta {
        /// Permission bits to set.
        mode: Option<u16>,
        /// Modification time to set.
        mtime: Option<FileTime>,
    },
}

/// Why a change is in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// It is new on this side.
    NewOn(Side),
    /// Its content changed on this side.
    ChangedOn(Side),
    /// It was deleted on this side.
    DeletedOn(Side),
    /// It became another kind of thing on this side.
    KindChangedOn(Side),
    /// Only its permissions or time changed.
    AttributesChanged,
    /// Both changed, and the sync's rule chose this side's version.
    RuleChose(Side),
    /// Both changed in different places, and the rule merged them.
    RuleMerged,
    /// Both changed, and the rule keeps both.
    RuleKeptBoth,
    /// This side is the one the other is made equal to.
    MirrorOf(Side),
    /// It is missing on the other side, and this sync never deletes.
    NeverDeletes,
    /// A person decided a conflict.
    Resolved,
    /// An earlier run is taken back, or a version is restored.
    Undone,
    /// Both sides were equal already; only syncmgr's memory is brought up to date.
    AlreadyEqual,
}

/// Why changes wait for a person's OK (I12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HoldKind {
    /// More than 20 files and more than a quarter of this side's files would be deleted here.
    ManyDeletions,
    /// The other side is suddenly empty.
    Emptied,
    /// More than 20 files and more than half of this side's files would be overwritten here.
    ManyRewrites,
    /// The other side's root is not the folder it was at the last run.
    RootReplaced,
    /// The first run of a mirror would delete what only this side has.
    FirstMirror,
    /// A run that copied it to this side was taken back.
    TakenBack,
}

/// One path of a plan, with what happens on either side; `None` on both means that only the
/// memory of the agreed state changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The path.
    pub path: RelPath,
    /// What is done where.
    pub ops: Sides<Option<Op>>,
    /// What was seen where, after the plan's renames.
    pub seen: Sides<State>,
    /// Content hash both sides will have, where known.
    pub hash: Option<Hash>,
    /// Text both sides have already, for links that need no step.
    pub link: Option<Box<[u8]>>,
    /// Why.
    pub reason: Reason,
    /// Set when the change waits for a person's OK.
    pub held: Option<HoldKind>,
    /// The sides are meant to differ afterwards: a decision on a conflict is taken back, or the
    /// copy of something that stays where it was written.
    pub leaves_apart: bool,
}

impl Change {
    /// Returns the bytes this change copies.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        Side::BOTH
            .into_iter()
            .filter_map(|side| self.ops[side].as_ref())
            .map(|op| match op {
                Op::Copy { size, .. } => *size,
                Op::MakeDir { .. } | Op::Link { .. } | Op::Delete | Op::Meta { .. } => 0,
            })
            .sum()
    }

    /// Says whether nothing happens to any file.
    #[must_use]
    pub fn is_memory_only(&self) -> bool {
        self.ops.left.is_none() && self.ops.right.is_none()
    }

    /// Says whether this deletes something on `side`.
    #[must_use]
    pub fn deletes_on(&self, side: Side) -> bool {
        matches!(self.ops[side], Some(Op::Delete))
    }

    /// Returns the side on which what was written stays while its copy is taken back.
    #[must_use]
    pub fn stays_on(&self) -> Option<Side> {
        Side::BOTH.into_iter().find(|&side| {
            self.leaves_apart
                && self.ops[side].is_none()
                && self.seen[side].entry().is_some()
                && self.deletes_on(side.other())
        })
    }

    /// Says whether this replaces the content of a file on `side`.
    #[must_use]
    pub fn overwrites_on(&self, side: Side) -> bool {
        matches!(self.ops[side], Some(Op::Copy { .. } | Op::Link { .. }))
            && self.seen[side].entry().is_some()
    }
}

/// A rename or move that was made on one side and is repeated on the other. Renames come first,
/// in the order of the list; the changes' paths are the names after them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// The side on which the plan carries it out.
    pub side: Side,
    /// The name there now.
    pub from: RelPath,
    /// The name it gets.
    pub to: RelPath,
    /// What was seen at `from`.
    pub seen: Entry,
    /// Why.
    pub reason: Reason,
}

/// How two versions came to disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConflictKind {
    /// Both sides changed it, differently.
    BothChanged,
    /// One side changed it, or something in it, and the other deleted it.
    ChangedAndDeleted,
    /// Both sides have something new, and different, under this name.
    BothNew,
    /// It is another kind of thing on each side now.
    KindsDiffer,
}

impl ConflictKind {
    /// Returns the stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BothChanged => "both-changed",
            Self::ChangedAndDeleted => "changed-and-deleted",
            Self::BothNew => "both-new",
            Self::KindsDiffer => "kinds-differ",
        }
    }

    /// Reads the stable name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::BothChanged,
            Self::ChangedAndDeleted,
            Self::BothNew,
            Self::KindsDiffer,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == text)
    }

    /// Returns the words shown to people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::BothChanged => "both changed",
            Self::ChangedAndDeleted => "changed and deleted",
            Self::BothNew => "both new",
            Self::KindsDiffer => "file on one side, something else on the other",
        }
    }
}

/// A path that waits for a person; both sides stay as they are, with everything beneath.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The path.
    pub path: RelPath,
    /// How it came about.
    pub kind: ConflictKind,
    /// What was agreed, if anything.
    pub base: Option<Agreed>,
    /// What both sides have now.
    pub seen: Sides<State>,
    /// Changes beneath a directory that wait with it.
    pub n_within: u64,
}

/// Why a path was left alone although nobody disputes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// It, or the directory, could not be read; nothing is known, so nothing is done.
    Unreadable(Fault),
    /// A fifo, socket or device: no tool can sync it. A warning; the run still counts as done.
    Unsyncable,
    /// Names that differ only in case or Unicode form, and one side cannot hold both.
    NamesCollide {
        /// The other name.
        with: RelPath,
    },
    /// One side cannot store this kind of thing or this name.
    NotStorable(&'static str),
    /// A deleted directory still holds excluded or unsyncable files on the other side, so it stays.
    HoldsExcluded,
    /// A mount point appeared or vanished here since the last run; nothing beneath is touched.
    MountChanged,
    /// A step failed.
    Failed(Fault),
    /// It changed between the look and the step; the next run looks again.
    ChangedMeanwhile,
    /// Something it depends on failed (the directory it belongs in).
    Blocked,
    /// The run was stopped before this one.
    NotReached,
}

impl ProblemKind {
    /// Says whether the problem leaves the two sides unequal in something that should be synced.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        !matches!(self, Self::Unsyncable)
    }

    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::Unsyncable => "unsyncable",
            Self::NamesCollide { .. } => "names-collide",
            Self::NotStorable(_) => "not-storable",
            Self::HoldsExcluded => "holds-excluded",
            Self::MountChanged => "mount-changed",
            Self::Failed(_) => "failed",
            Self::ChangedMeanwhile => "changed-meanwhile",
            Self::Blocked => "blocked",
            Self::NotReached => "not-reached",
        }
    }
}

/// A path that was left alone, and why.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Problem {
    /// The path.
    pub path: RelPath,
    /// On which side, if it is one side's.
    pub side: Option<Side>,
    /// Why.
    pub kind: ProblemKind,
}

/// A group of changes that waits for a person's OK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hold {
    /// Why.
    pub kind: HoldKind,
    /// The side whose files would be deleted or overwritten.
    pub side: Side,
    /// How many files.
    pub n_files: u64,
    /// Of how many on that side.
    pub n_total: u64,
}

/// What a side holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Census {
    /// Files and links.
    pub n_files: u64,
    /// Directories.
    pub n_dirs: u64,
    /// Bytes in files.
    pub bytes: u64,
}

/// What a run will do and what it leaves alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Renames, carried out first and in this order.
    pub renames: Vec<Rename>,
    /// Renames that both sides have already, from and to; only the memory of the agreed state
    /// follows them, in the order of the list.
    pub moved: Vec<(RelPath, RelPath)>,
    /// Changes by path, sorted.
    pub changes: Vec<Change>,
    /// What waits for a person, sorted by path.
    pub conflicts: Vec<Conflict>,
    /// What was left alone and why, sorted by path.
    pub problems: Vec<Problem>,
    /// Why some of the changes are held.
    pub holds: Vec<Hold>,
    /// What each side holds.
    pub census: Sides<Census>,
    /// Nothing was agreed before: this is the first contact, or the memory was lost.
    pub is_first: bool,
    /// Records of paths that are excluded now and are to be forgotten.
    pub forget: Vec<RelPath>,
    /// Directories that are mount points, on each side: what is kept of a file stays on the file
    /// system the file is on.
    pub mounts: Sides<Vec<RelPath>>,
    /// Files that are equal already and only have to be remembered.
    pub equals: Equals,
    /// When the look at both sides began.
    pub looked_at: FileTime,
    /// Texts that turned out equal on both sides, to be kept for later merges.
    pub texts: Vec<(Hash, Box<[u8]>)>,
    /// Where the next look has to go in any case.
    pub revisit: Revisit,
    /// Only the directories that could have changed were visited; all else is as it was.
    pub is_targeted: bool,
}

/// Counts for one side of a plan or run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Tally {
    /// New files and links, copied to this side.
    pub n_copied: u64,
    /// Files and links replaced on this side.
    pub n_updated: u64,
    /// Files and links deleted on this side.
    pub n_deleted: u64,
    /// Directories made on this side.
    pub n_dirs_made: u64,
    /// Directories removed on this side.
    pub n_dirs_deleted: u64,
    /// Renames on this side.
    pub n_renamed: u64,
    /// Permissions or times set on this side.
    pub n_attributes: u64,
    /// Bytes copied to this side.
    pub bytes: u64,
}

impl Tally {
    /// Says whether nothing is counted.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// Counts one step.
    pub fn add(&mut self, op: &Op, seen: &State) {
        match op {
            Op::MakeDir { .. } => self.n_dirs_made += 1,
            Op::Copy { .. } | Op::Link { .. } => {
                if seen.entry().is_some() {
                    self.n_updated += 1;
                } else {
                    self.n_copied += 1;
                }
                if let Op::Copy { size, .. } = op {
                    self.bytes += size;
                }
            }
            Op::Delete => {
                if seen.kind() == Some(Kind::Dir) {
                    self.n_dirs_deleted += 1;
                } else {
                    self.n_deleted += 1;
                }
            }
            Op::Meta { .. } => self.n_attributes += 1,
        }
    }
}

impl Plan {
    /// Counts what will be done on each side; held changes are not counted.
    #[must_use]
    pub fn tally(&self) -> Sides<Tally> {
        let mut tally = Sides::<Tally>::default();
        for change in self.changes.iter().filter(|change| change.held.is_none()) {
            for side in Side::BOTH {
                if let Some(op) = &change.ops[side] {
                    tally[side].add(op, &change.seen[side]);
                }
            }
        }
        for rename in &self.renames {
            tally[rename.side].n_renamed += 1;
        }
        tally
    }

    /// Iterates over the held changes.
    pub fn held(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.held.is_some())
    }

    /// Says whether a run of this plan would change no file, held changes aside.
    #[must_use]
    pub fn changes_nothing(&self) -> bool {
        self.renames.is_empty()
            && self
                .changes
                .iter()
                .all(|change| change.held.is_some() || change.is_memory_only())
    }

    /// Returns the id of the whole plan.
    #[must_use]
    pub fn id(&self) -> PlanId {
        digest(
            self.renames.iter(),
            self.changes
                .iter()
                .filter(|change| !change.is_memory_only()),
        )
    }

    /// Returns the id of the held part, which a person names to allow exactly it; `None` when
    /// nothing is held.
    #[must_use]
    pub fn held_id(&self) -> Option<PlanId> {
        self.held().next()?;
        Some(digest([].iter(), self.held()))
    }

    /// Lets the held changes go, if `id` names exactly them. Returns whether it did.
    pub fn release(&mut self, id: &PlanId) -> bool {
        if self.held_id().as_ref() != Some(id) {
            return false;
        }
        for change in &mut self.changes {
            change.held = None;
        }
        self.holds.clear();
        true
    }
}

/// Hashes what will be done and what was seen, so that any difference gives another id.
fn digest<'a>(
    renames: impl Iterator<Item = &'a Rename>,
    changes: impl Iterator<Item = &'a Change>,
) -> PlanId {
    let mut hasher = blake3::Hasher::new();
    let mut text = String::new();
    let mut feed = |path: &RelPath, rest: fmt::Arguments<'_>| {
        text.clear();
        let _ = fmt::Write::write_fmt(&mut text, rest);
        hasher.update(&(path.as_bytes().len() as u64).to_le_bytes());
        hasher.update(path.as_bytes());
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    for rename in renames {
        feed(
            &rename.from,
            format_args!("{:?} {:?} {:?}", rename.side, rename.to, rename.seen),
        );
    }
    for change in changes {
        feed(
            &change.path,
            format_args!("{:?} {:?}", change.ops, change.seen),
        );
    }
    PlanId(hasher.finalize().to_hex()[..10].to_owned())
}
