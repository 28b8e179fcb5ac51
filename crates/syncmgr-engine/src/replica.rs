//! The port to a place that holds a tree: what the engine needs of a file system.
//!
//! [`Observe`] is all that scanning, reconciling and previewing get; [`Replica`] adds the few
//! steps that change something, and only `apply` gets it. So a preview cannot write: it holds no
//! value that could (law "plan is a contract").
//!
//! Every path is relative to the root of the replica, and an implementation must resolve it
//! beneath that root without following a symbolic link in any component (I16, S7, S8).
//! Implementations: [`crate::local`] (a real file system) and `syncmgr_testing::memory`.

use std::fmt;

use crate::cancel::Cancel;
use crate::entry::{Entry, FileTime};
use crate::path::RelPath;

/// What a store can do, found out by experiment, not assumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Names that differ only in case are one file there.
    pub folds_case: bool,
    /// Names that differ only in Unicode form (NFC, NFD) are one file there.
    pub folds_unicode: bool,
    /// Symbolic links can be made.
    pub symlinks: bool,
    /// Permission bits are kept.
    pub modes: bool,
    /// Smallest step of a modification time in nanoseconds: 1 on most, 2,000,000,000 on FAT.
    pub mtime_step_ns: u32,
    /// How long two changes can share one change time, in nanoseconds (the clock's granule).
    pub clock_granule_ns: u32,
    /// `move_new` refuses in one step when the name is taken.
    pub atomic_no_replace: bool,
    /// `exchange` works.
    pub exchange: bool,
    /// File ids stay the same across mounts and are not reused.
    pub stable_ids: bool,
    /// Longest name in bytes.
    pub name_max: usize,
}

impl Capabilities {
    /// What a usual Unix file system can do.
    #[must_use]
    pub fn posix() -> Self {
        Self {
            folds_case: false,
            folds_unicode: false,
            symlinks: true,
            modes: true,
            mtime_step_ns: 1,
            clock_granule_ns: 10_000_000,
            atomic_no_replace: true,
            exchange: true,
            stable_ids: true,
            name_max: 255,
        }
    }
}

/// Why a step on a replica did not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultKind {
    /// The name is not there.
    NotFound,
    /// The name is taken.
    Exists,
    /// The directory has something in it.
    NotEmpty,
    /// Not allowed to read or write it.
    Denied,
    /// The file system is mounted read-only, or the file is immutable.
    ReadOnly,
    /// No space or no inodes left, quota or size limit reached.
    NoSpace,
    /// Too many open files, here or in the whole system; worth another try.
    Busy,
    /// The name or path is too long, or has a character the store cannot keep.
    BadName,
    /// It is not of the kind it was (a file became a link, a directory a file).
    WrongKind,
    /// It lies on another file system, or the way to it leaves the root.
    Elsewhere,
    /// The store cannot do this at all.
    Unsupported,
    /// The device or network failed.
    Io,
    /// The run was asked to stop.
    Cancelled,
}

/// A failed step: what was tried, where, and the system's own words.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fault {
    /// What kind of trouble.
    pub kind: FaultKind,
    /// What was tried: a verb in the infinitive, as "read", "create", "list".
    pub step: &'static str,
    /// The path, below the root of the side.
    pub path: RelPath,
    /// What the system said, for the details.
    pub detail: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} `{}`: {}", self.step, self.path, self.detail)
    }
}

impl std::error::Error for Fault {}

impl Fault {
    /// Builds a fault.
    #[must_use]
    pub fn new(
        kind: FaultKind,
        step: &'static str,
        path: &RelPath,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            step,
            path: path.clone(),
            detail: detail.into(),
        }
    }

    /// Builds the fault of a run that was asked to stop.
    #[must_use]
    pub fn cancelled(path: &RelPath) -> Self {
        Self::new(FaultKind::Cancelled, "go on", path, "the run was stopped")
    }

    /// Says whether it is one of these kinds of trouble.
    #[must_use]
    pub fn is_one_of(&self, kinds: &[FaultKind]) -> bool {
        kinds.contains(&self.kind)
    }

    /// Says whether the run was asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.kind == FaultKind::Cancelled
    }
}

/// A complete listing of one directory: names in one block of memory, so that a directory of a
/// million names costs two allocations, not a million.
#[derive(Debug, Default)]
pub struct Listing {
    names: Vec<u8>,
    items: Vec<(u32, u32, Entry)>,
}

impl Listing {
    /// Empties the listing and keeps its memory.
    pub fn clear(&mut self) {
        self.names.clear();
        self.items.clear();
    }

    /// Adds a name. Names may come in any order; call [`Self::sort`] at the end.
    pub fn push(&mut self, name: &[u8], entry: Entry) {
        let start =
            u32::try_from(self.names.len()).expect("names of one directory stay under 4 GiB");
        self.names.extend_from_slice(name);
        let len = u32::try_from(name.len()).expect("a name is short");
        self.items.push((start, len, entry));
    }

    /// Sorts by name, byte by byte.
    pub fn sort(&mut self) {
        let names = &self.names;
        self.items
            .sort_unstable_by(|a, b| slice(names, a).cmp(slice(names, b)));
    }

    /// Returns the number of names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Says whether there is no name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Returns a name and its entry.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<(&[u8], &Entry)> {
        self.items
            .get(index)
            .map(|item| (slice(&self.names, item), &item.2))
    }

    /// Iterates over names and entries.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Entry)> {
        self.items
            .iter()
            .map(|item| (slice(&self.names, item), &item.2))
    }
}

fn slice<'a>(names: &'a [u8], &(start, len, _): &(u32, u32, Entry)) -> &'a [u8] {
    &names[start as usize..start as usize + len as usize]
}

/// An open regular file to read from.
pub trait Content: Send {
    /// Reads the attributes of the open file (not of its name).
    ///
    /// # Errors
    /// Any [`Fault`].
    fn stat(&self) -> Result<Entry, Fault>;

    /// Reads the next bytes into `into`; 0 means the end.
    ///
    /// # Errors
    /// Any [`Fault`].
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault>;

    /// Returns the file of a local file system, for copies inside the kernel.
    fn as_local(&self) -> Option<&std::fs::File> {
        None
    }
}

/// An open directory: names are looked up in it, never by a path from the root again.
pub trait Directory: Send {
    /// Lists every name except `.`, `..` and syncmgr's own, sorted, or fails as a whole: a partial
    /// listing must be an error, because what is not listed counts as deleted (I13).
    /// Own names are reported through `own`.
    ///
    /// # Errors
    /// Any [`Fault`]; `into` is then meaningless.
    fn list(&self, into: &mut Listing, own: &mut Vec<Box<[u8]>>) -> Result<(), Fault>;

    /// Reads the attributes of the directory itself.
    ///
    /// # Errors
    /// Any [`Fault`].
    fn stat_self(&self) -> Result<Entry, Fault>;

    /// Opens a regular file in it, without following a link and without waiting on a fifo.
    ///
    /// # Errors
    /// `WrongKind` when it is not a regular file now; any other [`Fault`].
    fn open(&self, name: &[u8]) -> Result<Box<dyn Content>, Fault>;

    /// Reads the text of a symbolic link in it.
    ///
    /// # Errors
    /// `WrongKind` when it is no link now; any other [`Fault`].
    fn read_link(&self, name: &[u8]) -> Result<Box<[u8]>, Fault>;
}

/// A tree that can be looked at.
pub trait Observe: Send + Sync {
    /// What this store can do.
    fn capabilities(&self) -> &Capabilities;

    /// Opens a directory.
    ///
    /// # Errors
    /// `NotFound`, `WrongKind` (no directory, or a link on the way), or any other [`Fault`].
    fn open_dir(&self, path: &RelPath) -> Result<Box<dyn Directory>, Fault>;

    /// Reads the attributes of a name; `None` when it, or a directory on the way, is not there.
    ///
    /// # Errors
    /// Any [`Fault`] that leaves it open whether the name exists.
    fn stat(&self, path: &RelPath) -> Result<Option<Entry>, Fault>;
}

/// A file being written in the private staging directory of a replica. Nobody else sees it until
/// it is moved under its final name; dropping it leaves a file that the next run tidies away.
pub trait Staged: Send {
    /// Appends bytes.
    ///
    /// # Errors
    /// `NoSpace`, or any other [`Fault`]; the staged file is then useless.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Fault>;

    /// Leaves a hole of `len` zero bytes at the end, where the store keeps holes.
    ///
    /// # Errors
    /// Any [`Fault`].
    fn skip(&mut self, len: u64) -> Result<(), Fault>;

    /// Copies the whole content of a local file inside the kernel (reflink, `copy_file_range`,
    /// keeping holes). Returns `false`, having written nothing, when that is not possible here.
    /// `moved` is told the bytes of each portion, and its `false` ends the copy as cancelled.
    ///
    /// # Errors
    /// Any [`Fault`].
    fn copy_from(
        &mut self,
        content: &dyn Content,
        moved: &mut dyn FnMut(u64) -> bool,
    ) -> Result<bool, Fault>;

    /// Sets permission bits (`0..=0o777`) and modification time and returns the attributes.
    ///
    /// # Errors
    /// Any [`Fault`].
    fn finish(self: Box<Self>, mode: u16, mtime: FileTime) -> Result<Entry, Fault>;
}

/// A tree that can be changed. All that `apply` does is made of these steps; each is one step of
/// the store (a system call, an atomic request), so that a crash falls between two of them.
pub trait Replica: Observe {
    /// Returns this replica as something that can only be looked at.
    fn as_observe(&self) -> &dyn Observe;

    /// Creates a new empty file, readable by its owner only. `path` must lie in syncmgr's own
    /// directory.
    ///
    /// # Errors
    /// `Exists`, `NoSpace`, or any other [`Fault`].
    fn create(&self, path: &RelPath) -> Result<Box<dyn Staged>, Fault>;

    /// Makes a symbolic link with the given text and modification time.
    ///
    /// # Errors
    /// `Exists`, `Unsupported`, or any other [`Fault`].
    fn make_link(&self, path: &RelPath, target: &[u8], mtime: FileTime) -> Result<(), Fault>;

    /// Makes a directory with these permission bits.
    ///
    /// # Errors
    /// `Exists`, or any other [`Fault`].
    fn make_dir(&self, path: &RelPath, mode: u16) -> Result<(), Fault>;

    /// Moves `from` to the name `to`, which must be free: refuses with `Exists` when it is taken,
    /// in the same step where the store can (`atomic_no_replace`).
    ///
    /// # Errors
    /// `Exists`, `NotFound`, `Elsewhere` (another file system), or any other [`Fault`].
    fn move_new(&self, from: &RelPath, to: &RelPath) -> Result<(), Fault>;

    /// Exchanges what the two names stand for, in one step.
    ///
    /// # Errors
    /// `Unsupported`, `NotFound`, `Elsewhere`, or any other [`Fault`].
    fn exchange(&self, a: &RelPath, b: &RelPath) -> Result<(), Fault>;

    /// Removes a file or link for good. Only ever called on syncmgr's own staging files and on
    /// versions past their time.
    ///
    /// # Errors
    /// Any [`Fault`].
    fn remove_file(&self, path: &RelPath) -> Result<(), Fault>;

    /// Removes an empty directory.
    ///
    /// # Errors
    /// `NotEmpty`, or any other [`Fault`].
    fn remove_dir(&self, path: &RelPath) -> Result<(), Fault>;

    /// Sets permission bits and, if given, the modification time of a name, not following a link.
    /// Permission bits of a link are left alone.
    ///
    /// # Errors
    /// Any [`Fault`].
    fn set_meta(
        &self,
        path: &RelPath,
        mode: Option<u16>,
        mtime: Option<FileTime>,
    ) -> Result<(), Fault>;

    /// Returns when everything written so far would survive a power cut (I10).
    ///
    /// # Errors
    /// Any [`Fault`]; then nothing may be taken for durable.
    fn make_durable(&self) -> Result<(), Fault>;

    /// Returns the store's free bytes, if it can tell.
    fn free_bytes(&self) -> Option<u64> {
        None
    }
}

/// Reads a whole file of at most `limit` bytes; `None` when it is longer.
///
/// # Errors
/// Any [`Fault`]; `Cancelled` when the run was stopped.
pub fn read_limited(
    content: &mut dyn Content,
    limit: usize,
    cancel: &Cancel,
) -> Result<Option<Vec<u8>>, Fault> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        if cancel.is_cancelled() {
            return Err(Fault::cancelled(&RelPath::root()));
        }
        let n = content.read(&mut buffer)?;
        if n == 0 {
            return Ok(Some(bytes));
        }
        bytes.extend_from_slice(&buffer[..n]);
        if bytes.len() > limit {
            return Ok(None);
        }
    }
}
