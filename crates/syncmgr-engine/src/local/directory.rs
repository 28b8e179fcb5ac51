//! Looking into one directory: its names, its files, its links. Listing is the hot path of every
//! run: two system calls per directory of usual size and one per name, and no allocation per name.

use std::cell::RefCell;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Advice, Mode, OFlags, RawDir, SeekFrom};
use rustix::io::Errno;

use crate::entry::{Entry, FileTime, Kind};
use crate::path::{RelPath, is_own_name};
use crate::replica::{Content, Directory, Fault, FaultKind, Listing};

use super::fault::{fault, with_kind};
use super::unix::{self, Device, Scope};

/// Bytes asked of the kernel at once: about a thousand names; more did not make it faster.
const NAMES_AT_ONCE: usize = 64 * 1024;

/// How often a directory that changes while it is listed is listed again. Listing takes about a
/// microsecond per name, so five tries fail only where something is writing without a pause.
const N_TRIES: usize = 5;

/// From this size on the kernel is told that a file will be read from end to end.
const BIG_FILE: u64 = 1 << 20;

thread_local! {
    static NAMES: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(NAMES_AT_ONCE));
}

/// An open directory of a local tree.
#[derive(Debug)]
pub(super) struct LocalDirectory {
    fd: OwnedFd,
    path: RelPath,
    home: Device,
}

impl LocalDirectory {
    /// Takes a directory opened for reading; `home` is the device of the root of its tree.
    pub(super) fn new(fd: OwnedFd, path: RelPath, home: Device) -> Self {
        Self { fd, path, home }
    }

    fn scope(&self) -> Scope {
        if self.path.is_root() {
            Scope::Root
        } else {
            Scope::Beneath(self.home)
        }
    }

    fn fault(&self, errno: Errno) -> Fault {
        fault(errno, "list", &self.path)
    }

    /// The times that every change of the set of names moves.
    fn times(&self) -> Result<(FileTime, FileTime), Fault> {
        let entry = self.stat_self()?;
        Ok((entry.mtime, entry.ctime))
    }

    fn list_once(
        &self,
        buffer: &mut Vec<u8>,
        into: &mut Listing,
        own: &mut Vec<Box<[u8]>>,
    ) -> Result<(), Errno> {
        rustix::fs::seek(&self.fd, SeekFrom::Start(0))?;
        let scope = Scope::Beneath(self.home);
        let mut names = RawDir::new(self.fd.as_fd(), buffer.spare_capacity_mut());
        while let Some(next) = names.next() {
            let found = match next {
                Ok(found) => found,
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(errno),
            };
            let name = found.file_name();
            match name.to_bytes() {
                b"." | b".." => {}
                bytes if is_own_name(bytes) => own.push(bytes.into()),
                bytes => match unix::look(self.fd.as_fd(), name, scope) {
                    Ok(seen) => into.push(bytes, seen.entry),
                    // Removed since its name was read: it is not there, and that is certain.
                    Err(Errno::NOENT) => {}
                    Err(errno) => return Err(errno),
                },
            }
        }
        Ok(())
    }

    fn checked<'a>(&self, name: &'a [u8]) -> Result<(&'a [u8], RelPath), Fault> {
        match RelPath::new(name) {
            Ok(checked) if !checked.is_root() && !name.contains(&b'/') => {
                Ok((name, self.path.join(name)))
            }
            Ok(_) | Err(_) => Err(Fault::new(
                FaultKind::BadName,
                "open",
                &self.path,
                "not the name of a file in a folder",
            )),
        }
    }
}

impl Directory for LocalDirectory {
    /// While names come and go, the kernel may leave out one that was there all the time (a file
    /// replaced by a rename, say), and what is left out would count as deleted. So a listing holds
    /// only if the directory's times did not move meanwhile, or, for stores whose directories
    /// always say "now", if a second listing says the same (I13).
    fn list(&self, into: &mut Listing, own: &mut Vec<Box<[u8]>>) -> Result<(), Fault> {
        let n_own = own.len();
        let mut previous: Option<Listing> = None;
        for _ in 0..N_TRIES {
            into.clear();
            own.truncate(n_own);
            let before = self.times()?;
            NAMES
                .with_borrow_mut(|buffer| self.list_once(buffer, into, own))
                .map_err(|errno| self.fault(errno))?;
            into.sort();
            let is_same = previous
                .as_ref()
                .is_some_and(|listing| listing.iter().eq(into.iter()));
            if is_same || self.times()? == before {
                return Ok(());
            }
            previous = Some(std::mem::take(into));
        }
        let detail = "it changes faster than it can be listed";
        Err(Fault::new(FaultKind::Busy, "list", &self.path, detail))
    }

    fn stat_self(&self) -> Result<Entry, Fault> {
        unix::look_at(self.fd.as_fd(), self.scope())
            .map(|seen| seen.entry)
            .map_err(|errno| self.fault(errno))
    }

    fn open(&self, name: &[u8]) -> Result<Box<dyn Content>, Fault> {
        let (name, path) = self.checked(name)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::empty())
            .map_err(|errno| fault(errno, "open", &path))?;
        let content = LocalContent {
            file: File::from(fd),
            path,
            home: self.home,
        };
        let entry = content.stat()?;
        if entry.kind != Kind::File {
            let path = &content.path;
            return Err(Fault::new(
                FaultKind::WrongKind,
                "open",
                path,
                "not a regular file",
            ));
        }
        if entry.size >= BIG_FILE {
            // Only advice: what becomes of it does not matter.
            let _advised = rustix::fs::fadvise(&content.file, 0, None, Advice::Sequential);
        }
        Ok(Box::new(content))
    }

    fn read_link(&self, name: &[u8]) -> Result<Box<[u8]>, Fault> {
        let (name, path) = self.checked(name)?;
        match rustix::fs::readlinkat(&self.fd, name, Vec::new()) {
            Ok(text) => Ok(text.into_bytes().into_boxed_slice()),
            Err(Errno::INVAL) => Err(with_kind(
                FaultKind::WrongKind,
                Errno::INVAL,
                "read the link",
                &path,
            )),
            Err(errno) => Err(fault(errno, "read the link", &path)),
        }
    }
}

/// An open regular file of a local tree.
#[derive(Debug)]
struct LocalContent {
    file: File,
    path: RelPath,
    home: Device,
}

impl Content for LocalContent {
    fn stat(&self) -> Result<Entry, Fault> {
        unix::look_at(self.file.as_fd(), Scope::Beneath(self.home))
            .map(|seen| seen.entry)
            .map_err(|errno| fault(errno, "look at", &self.path))
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        rustix::io::retry_on_intr(|| rustix::io::read(&self.file, &mut *into))
            .map_err(|errno| fault(errno, "read", &self.path))
    }

    fn as_local(&self) -> Option<&File> {
        Some(&self.file)
    }
}
