//! The steps that change a local tree. Each opens the parent directory anew beneath the root (see
//! the module above for why none is kept) and is one system call on a name in it.

use std::os::fd::AsFd;
use std::sync::PoisonError;

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::entry::{FileTime, Kind};
use crate::path::{OWN_PREFIX, RelPath};
use crate::replica::{Fault, FaultKind, Observe, Replica, Staged};

use super::fault::{fault, naming_fault, with_kind};
use super::staged::{LocalStaged, only_mtime};
use super::unix::{self, Scope};
use super::{LOOKUP, LocalReplica, Parent, split};

impl LocalReplica {
    /// Opens the directory a path is in, for a step that changes a name in it. A lookup that stays
    /// on the root's mount needs no second look; one that does not is remembered for
    /// [`Replica::make_durable`].
    fn parent_to_change<'a>(
        &'a self,
        path: &'a RelPath,
        step: &'static str,
    ) -> Result<(Parent<'a>, &'a [u8]), Fault> {
        let (dir, name) = split(path);
        if dir.is_empty() {
            return Ok((Parent::Root(self.root()), name));
        }
        let opened = match unix::open_beneath(self.root(), dir, LOOKUP, ResolveFlags::NO_XDEV) {
            Err(Errno::XDEV) => {
                let parent = unix::open_beneath(self.root(), dir, LOOKUP, ResolveFlags::empty());
                parent.and_then(|fd| self.note_mount(fd.as_fd()).map(|()| fd))
            }
            other => other,
        };
        let opened = opened.map_err(|errno| fault(errno, step, path))?;
        Ok((Parent::Opened(opened), name))
    }

    /// Remembers the file system of a directory that is about to be written to. Fails where it
    /// could not be made durable later: then nothing may be written either.
    fn note_mount(&self, dir: std::os::fd::BorrowedFd<'_>) -> Result<(), Errno> {
        let device = unix::look_at(dir, Scope::Root)?.device;
        if device == self.device {
            return Ok(());
        }
        let mut mounts = self
            .written_mounts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if mounts.iter().all(|(known, _)| *known != device) {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            mounts.push((device, rustix::fs::openat(dir, c".", flags, Mode::empty())?));
        }
        Ok(())
    }

    /// Builds the fault of a failed change: `EPERM` because a file or its directory is immutable is
    /// no matter of rights.
    fn change_fault(
        &self,
        errno: Errno,
        step: &'static str,
        path: &RelPath,
        (parent, name): (&Parent<'_>, &[u8]),
    ) -> Fault {
        let is_fixed = |seen: Result<unix::Seen, Errno>| seen.is_ok_and(|seen| seen.is_fixed);
        if errno == Errno::PERM
            && (is_fixed(unix::look(parent.as_fd(), name, self.scope()))
                || is_fixed(unix::look_at(parent.as_fd(), self.scope())))
        {
            return with_kind(FaultKind::ReadOnly, errno, step, path);
        }
        naming_fault(errno, step, path)
    }
}

impl LocalReplica {
    /// Only what is syncmgr's own is created in place or removed for good; whatever asks for more
    /// has gone wrong, and is refused here once more. The own folder is at the top of the root and
    /// of every file system mounted beneath it.
    fn require_own(&self, path: &RelPath, step: &'static str) -> Result<(), Fault> {
        let own = path.ancestors().find(|dir| dir.name() == OWN_PREFIX);
        let home = own.and_then(|own| own.parent());
        let is_home = |home: RelPath| {
            home.is_root() || matches!(self.stat(&home), Ok(Some(entry)) if entry.is_mount)
        };
        if home.is_some_and(is_home) {
            return Ok(());
        }
        let detail = "only allowed in syncmgr's own folder";
        Err(Fault::new(FaultKind::Unsupported, step, path, detail))
    }
}

impl Replica for LocalReplica {
    fn as_observe(&self) -> &dyn Observe {
        self
    }

    fn create(&self, path: &RelPath) -> Result<Box<dyn Staged>, Fault> {
        self.require_own(path, "create")?;
        let (parent, name) = self.parent_to_change(path, "create")?;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&parent, name, flags, Mode::RUSR | Mode::WUSR)
            .map_err(|errno| self.change_fault(errno, "create", path, (&parent, name)))?;
        let keeps_modes = self.capabilities().modes;
        Ok(Box::new(LocalStaged::new(
            fd,
            path.clone(),
            self.device,
            keeps_modes,
        )))
    }

    fn make_link(&self, path: &RelPath, target: &[u8], mtime: FileTime) -> Result<(), Fault> {
        let (parent, name) = self.parent_to_change(path, "make the link")?;
        let failed = |errno| self.change_fault(errno, "make the link", path, (&parent, name));
        rustix::fs::symlinkat(target, &parent, name).map_err(|errno| match errno {
            // What a store without links says, unless the folder is immutable.
            Errno::PERM if failed(errno).kind == FaultKind::Denied => {
                with_kind(FaultKind::Unsupported, errno, "make the link", path)
            }
            other => failed(other),
        })?;
        match rustix::fs::utimensat(&parent, name, &only_mtime(mtime), AtFlags::SYMLINK_NOFOLLOW) {
            // The times of a link matter to nobody; some stores do not keep them.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            Err(errno) => Err(failed(errno)),
        }
    }

    fn make_dir(&self, path: &RelPath, mode: u16) -> Result<(), Fault> {
        let (parent, name) = self.parent_to_change(path, "make the folder")?;
        let failed = |errno| self.change_fault(errno, "make the folder", path, (&parent, name));
        // Never wider than wanted, not for a moment, whatever the umask; exact afterwards.
        let bits = Mode::from_raw_mode(u32::from(mode & 0o777));
        rustix::fs::mkdirat(&parent, name, bits).map_err(failed)?;
        if !self.capabilities().modes {
            return Ok(());
        }
        let made = unix::look(parent.as_fd(), name, self.scope()).map_err(failed)?;
        if made.entry.mode == mode & 0o777 {
            return Ok(());
        }
        unix::change_mode(parent.as_fd(), name, mode).map_err(failed)
    }

    fn move_new(&self, from: &RelPath, to: &RelPath) -> Result<(), Fault> {
        let (from_parent, from_name) = self.parent_to_change(from, "move")?;
        let (to_parent, to_name) = self.parent_to_change(to, "move to")?;
        let ends = (
            (from_parent.as_fd(), from_name),
            (to_parent.as_fd(), to_name),
        );
        let moved = match unix::rename_new(ends.0, ends.1) {
            Err(Errno::INVAL | Errno::NOSYS) => self.move_in_steps(ends.0, ends.1),
            other => other,
        };
        moved.map_err(|errno| match errno {
            Errno::PERM => {
                let at_from = self.change_fault(errno, "move", from, (&from_parent, from_name));
                if at_from.kind == FaultKind::ReadOnly {
                    return at_from;
                }
                self.change_fault(errno, "move to", to, (&to_parent, to_name))
            }
            Errno::NOENT | Errno::NOTDIR | Errno::BUSY => fault(errno, "move", from),
            other => naming_fault(other, "move to", to),
        })
    }

    fn exchange(&self, a: &RelPath, b: &RelPath) -> Result<(), Fault> {
        let (a_parent, a_name) = self.parent_to_change(a, "exchange")?;
        let (b_parent, b_name) = self.parent_to_change(b, "exchange")?;
        let ends = ((a_parent.as_fd(), a_name), (b_parent.as_fd(), b_name));
        unix::rename_exchange(ends.0, ends.1).map_err(|errno| match errno {
            Errno::INVAL => with_kind(FaultKind::Unsupported, errno, "exchange", a),
            Errno::PERM => {
                let at_a = self.change_fault(errno, "exchange", a, (&a_parent, a_name));
                if at_a.kind == FaultKind::ReadOnly {
                    return at_a;
                }
                self.change_fault(errno, "exchange", b, (&b_parent, b_name))
            }
            other => fault(other, "exchange", b),
        })
    }

    fn remove_file(&self, path: &RelPath) -> Result<(), Fault> {
        self.require_own(path, "remove")?;
        let (parent, name) = self.parent_to_change(path, "remove")?;
        rustix::fs::unlinkat(&parent, name, AtFlags::empty())
            .map_err(|errno| self.change_fault(errno, "remove", path, (&parent, name)))
    }

    fn remove_dir(&self, path: &RelPath) -> Result<(), Fault> {
        let (parent, name) = self.parent_to_change(path, "remove the folder")?;
        rustix::fs::unlinkat(&parent, name, AtFlags::REMOVEDIR).map_err(|errno| match errno {
            Errno::NOTDIR => with_kind(FaultKind::WrongKind, errno, "remove the folder", path),
            // POSIX allows both words for "not empty".
            Errno::EXIST => with_kind(FaultKind::NotEmpty, errno, "remove the folder", path),
            other => self.change_fault(other, "remove the folder", path, (&parent, name)),
        })
    }

    fn set_meta(
        &self,
        path: &RelPath,
        mode: Option<u16>,
        mtime: Option<FileTime>,
    ) -> Result<(), Fault> {
        let (parent, name) = self.parent_to_change(path, "set the attributes")?;
        let failed = |errno| self.change_fault(errno, "set the attributes", path, (&parent, name));
        let seen = unix::look(parent.as_fd(), name, self.scope()).map_err(failed)?;
        if seen.entry.is_mount {
            self.note_mount_point(&parent, name).map_err(failed)?;
        }
        if let Some(mode) = mode {
            unix::change_mode(parent.as_fd(), name, mode).map_err(failed)?;
        }
        if let Some(mtime) = mtime {
            let times = only_mtime(mtime);
            rustix::fs::utimensat(&parent, name, &times, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(failed)?;
        }
        Ok(())
    }

    fn make_durable(&self) -> Result<(), Fault> {
        let failed = |errno| fault(errno, "make durable", &RelPath::root());
        rustix::fs::syncfs(&self.root).map_err(failed)?;
        let mounts = self
            .written_mounts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        mounts
            .iter()
            .try_for_each(|(_, fd)| rustix::fs::syncfs(fd).map_err(failed))
    }

    fn free_bytes(&self) -> Option<u64> {
        let stat = rustix::fs::fstatvfs(&self.root).ok()?;
        stat.f_bavail.checked_mul(stat.f_frsize)
    }
}

/// A name in an open directory.
pub(super) type Place<'a> = (std::os::fd::BorrowedFd<'a>, &'a [u8]);

impl LocalReplica {
    fn note_mount_point(&self, parent: &Parent<'_>, name: &[u8]) -> Result<(), Errno> {
        let flags = LOOKUP | OFlags::NOFOLLOW;
        let fd = rustix::fs::openat(parent, name, flags, Mode::empty())?;
        self.note_mount(fd.as_fd())
    }

    /// Moves where the file system has no rename that refuses: a second name first, which is
    /// refused when taken, then the old one goes. Where that is not possible either (folders,
    /// stores without hard links) a look before the rename has to do; `atomic_no_replace` is false
    /// there, and callers know what that means.
    pub(super) fn move_in_steps(&self, from: Place<'_>, to: Place<'_>) -> Result<(), Errno> {
        let seen = unix::look(from.0, from.1, self.scope())?;
        if seen.entry.kind != Kind::Dir {
            match rustix::fs::linkat(from.0, from.1, to.0, to.1, AtFlags::empty()) {
                Ok(()) => return rustix::fs::unlinkat(from.0, from.1, AtFlags::empty()),
                Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK) => {}
                Err(errno) => return Err(errno),
            }
        }
        match unix::look(to.0, to.1, self.scope()) {
            Ok(_) => Err(Errno::EXIST),
            Err(Errno::NOENT) => rustix::fs::renameat(from.0, from.1, to.0, to.1),
            Err(errno) => Err(errno),
        }
    }
}
