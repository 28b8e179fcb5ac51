//! A tree on a file system of this machine.
//!
//! The root is opened once and held; every path is resolved beneath that descriptor and never
//! through a symbolic link (`unix`), so a link swapped in during a run is refused, not followed
//! (I16, S7, S8). No descriptor below the root is kept between two steps: a directory that somebody
//! moves out of the root while a run goes on must not receive its writes. Opening the parent anew
//! costs about two microseconds (`openat2` and `close`), where staging and naming a small file
//! costs forty.
//!
//! Reading order: this file (looking), `directory` (listing, the hot path), `change` (the steps
//! of an apply), `staged` (a file being written), `probe` (what the store can do), `unix` (the
//! system calls that differ between platforms), `fault` (their errors).
//!
//! Must not: decide anything about syncing; follow links; leave the root.

mod change;
mod directory;
mod fault;
mod probe;
mod staged;
mod unix;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::entry::Entry;
use crate::path::RelPath;
use crate::replica::{Capabilities, Directory, Fault, FaultKind, Observe};

use self::directory::LocalDirectory;
use self::fault::fault;
use self::unix::{Device, Scope};

/// A tree on a local (or mounted) file system, open at its root.
///
/// It can be shared between threads. While it lives, the file system cannot be unmounted.
#[derive(Debug)]
pub struct LocalReplica {
    root: OwnedFd,
    path: PathBuf,
    device: Device,
    capabilities: Capabilities,
    /// File systems mounted beneath the root that were written to: they need a `syncfs` each.
    written_mounts: Mutex<Vec<(Device, OwnedFd)>>,
}

impl LocalReplica {
    /// Opens the folder `path`, which may be given through symbolic links, and guesses what its
    /// file system can do ([`Self::guess`]). Writes nothing.
    ///
    /// # Errors
    /// `NotFound` when there is no such folder, `WrongKind` when it is something else, `Denied`
    /// when it may not be read, or any other [`Fault`]; its path is the root's.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        let at_root = RelPath::root();
        let canonical = std::fs::canonicalize(path)
            .map_err(|error| fault(fault::errno_of(&error), "open", &at_root))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let root = rustix::fs::open(&canonical, flags, Mode::empty()).map_err(open_root_fault)?;
        let seen = unix::look_at(root.as_fd(), Scope::Root)
            .map_err(|errno| fault(errno, "open", &at_root))?;
        Ok(Self {
            capabilities: probe::guess(root.as_fd(), seen.has_birth_time),
            device: seen.device,
            root,
            path: canonical,
            written_mounts: Mutex::default(),
        })
    }

    /// Returns the absolute path of the root, without symbolic links, as it was when it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces what the store is taken to be able to do, by what [`Self::probe`] found or what
    /// was remembered of it.
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    fn scope(&self) -> Scope {
        Scope::Beneath(self.device)
    }

    /// Opens the directory a path is in, for lookups only, and returns the name in it (`.` for the
    /// root itself).
    fn parent<'a>(&'a self, path: &'a RelPath) -> Result<(Parent<'a>, &'a [u8]), Errno> {
        let (dir, name) = split(path);
        if dir.is_empty() {
            return Ok((Parent::Root(self.root()), name));
        }
        let opened = unix::open_beneath(self.root(), dir, LOOKUP, ResolveFlags::empty())?;
        Ok((Parent::Opened(opened), name))
    }

    /// Says what stands at the end of a path that turned out not to be a directory.
    fn not_a_directory(&self, path: &RelPath) -> Fault {
        match self.stat(path) {
            Ok(Some(_)) => fault::with_kind(FaultKind::WrongKind, Errno::NOTDIR, "open", path),
            Ok(None) => fault(Errno::NOENT, "open", path),
            Err(fault) => fault,
        }
    }
}

/// Opening a directory only to look names up in it: works without the right to list it.
const LOOKUP: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

fn split(path: &RelPath) -> (&[u8], &[u8]) {
    if path.is_root() {
        (b"", b".")
    } else {
        path.split_last()
    }
}

fn open_root_fault(errno: Errno) -> Fault {
    let kind = match errno {
        Errno::NOTDIR | Errno::LOOP => FaultKind::WrongKind,
        other => fault::kind_of(other),
    };
    fault::with_kind(kind, errno, "open", &RelPath::root())
}

/// The directory a name is in: the root, which stays open, or one opened for this step.
enum Parent<'a> {
    Root(BorrowedFd<'a>),
    Opened(OwnedFd),
}

impl AsFd for Parent<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Root(fd) => *fd,
            Self::Opened(fd) => fd.as_fd(),
        }
    }
}

impl Observe for LocalReplica {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn open_dir(&self, path: &RelPath) -> Result<Box<dyn Directory>, Fault> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let bytes = if path.is_root() {
            b"."
        } else {
            path.as_bytes()
        };
        match unix::open_beneath(self.root(), bytes, flags, ResolveFlags::empty()) {
            Ok(fd) => Ok(Box::new(LocalDirectory::new(fd, path.clone(), self.device))),
            Err(Errno::NOTDIR) => Err(self.not_a_directory(path)),
            Err(errno) => Err(fault(errno, "open", path)),
        }
    }

    fn stat(&self, path: &RelPath) -> Result<Option<Entry>, Fault> {
        let scope = if path.is_root() {
            Scope::Root
        } else {
            self.scope()
        };
        let found = self
            .parent(path)
            .and_then(|(parent, name)| unix::look(parent.as_fd(), name, scope));
        match found {
            Ok(seen) => Ok(Some(seen.entry)),
            // A file or a link where a directory is needed means that this tree has no such path:
            // what lies behind a link belongs to somebody else's tree.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(errno) => Err(fault(errno, "look at", path)),
        }
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod mount_tests;
