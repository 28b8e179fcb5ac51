//! A file being written in the staging directory, and copies inside the kernel.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, SeekFrom, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::Errno;

use crate::entry::{Entry, FileTime};
use crate::path::RelPath;
use crate::replica::{Content, Fault, Staged};

use super::fault::fault;
use super::unix::{self, Device, Scope};

/// Bytes copied by one call: small enough that stopping takes no longer than a blink on a slow
/// disk, large enough that the calls cost nothing.
const PORTION: u64 = 16 << 20;

/// Bytes written before they are flushed. What is written must become durable anyway, and a flush
/// of gigabytes at the end could not be stopped.
const FLUSHED: u64 = 64 << 20;

/// A new file without a final name. Bytes are written at an offset that is counted here, so a hole
/// costs no system call.
#[derive(Debug)]
pub(super) struct LocalStaged {
    fd: OwnedFd,
    path: RelPath,
    home: Device,
    keeps_modes: bool,
    /// Length so far, holes included.
    len: u64,
    /// The last thing written was a hole, so the file is shorter than `len`.
    ends_in_hole: bool,
    /// Bytes written since the last flush.
    unflushed: u64,
}

impl LocalStaged {
    /// Takes a new empty file opened for writing.
    pub(super) fn new(fd: OwnedFd, path: RelPath, home: Device, keeps_modes: bool) -> Self {
        Self {
            fd,
            path,
            home,
            keeps_modes,
            len: 0,
            ends_in_hole: false,
            unflushed: 0,
        }
    }

    /// Counts bytes written, and flushes when there are many.
    fn written(&mut self, n: u64) -> Result<(), Fault> {
        self.len += n;
        self.unflushed += n;
        self.ends_in_hole = false;
        if self.unflushed < FLUSHED {
            return Ok(());
        }
        self.unflushed = 0;
        rustix::fs::fdatasync(&self.fd).map_err(|errno| self.fault(errno))
    }

    fn fault(&self, errno: Errno) -> Fault {
        fault(errno, "write", &self.path)
    }

    fn leave_hole(&mut self, len: u64) {
        self.len += len;
        self.ends_in_hole |= len > 0;
    }

    /// Copies by sharing the blocks, where the file system can.
    fn clone_from(&mut self, source: &File, size: u64) -> bool {
        // Whatever it says: the next way either works or says it better.
        if rustix::fs::ioctl_ficlone(&self.fd, source).is_err() {
            return false;
        }
        self.len = size;
        // The source may have grown or shrunk meanwhile; `finish` cuts to what was announced, and
        // the source is looked at again after the copy.
        self.ends_in_hole = true;
        true
    }

    /// Copies the data from where this file ends up to `end`.
    fn copy_stretch(
        &mut self,
        source: &File,
        end: u64,
        moved: &mut dyn FnMut(u64) -> bool,
    ) -> Result<Stretch, Fault> {
        let start = self.len;
        while self.len < end {
            let want = usize::try_from((end - self.len).min(PORTION)).unwrap_or(usize::MAX);
            let (mut from, mut to) = (self.len, self.len);
            let into = &self.fd;
            match rustix::fs::copy_file_range(source, Some(&mut from), into, Some(&mut to), want) {
                Ok(0) if self.len == start => return Ok(Stretch::NothingThere),
                Ok(0) => return Ok(Stretch::Shrunk),
                Ok(n) => {
                    self.written(n as u64)?;
                    self.tell(moved, n as u64)?;
                }
                Err(Errno::INTR) => {}
                Err(errno) if self.len == start && is_not_possible(errno) => {
                    return Ok(Stretch::NotPossible(errno));
                }
                Err(errno) => return Err(fault(errno, "copy", &self.path)),
            }
        }
        Ok(Stretch::Whole)
    }

    fn tell(&self, moved: &mut dyn FnMut(u64) -> bool, n: u64) -> Result<(), Fault> {
        if moved(n) {
            Ok(())
        } else {
            Err(Fault::cancelled(&self.path))
        }
    }

    /// Copies data and leaves holes as holes.
    fn copy_stretches(
        &mut self,
        source: &File,
        size: u64,
        is_sparse: bool,
        moved: &mut dyn FnMut(u64) -> bool,
    ) -> Result<bool, Fault> {
        let mut has_data = false;
        while self.len < size {
            let (data, end) = if is_sparse {
                next_data(source, self.len, size).map_err(|e| fault(e, "read", &self.path))?
            } else {
                (self.len, size)
            };
            let hole = data.saturating_sub(self.len);
            self.leave_hole(hole);
            match self.copy_stretch(source, end, moved)? {
                Stretch::Whole => has_data |= end > data,
                // Only a hole so far: the caller starts over with an empty file.
                Stretch::NothingThere | Stretch::NotPossible(_) if !has_data => {
                    self.len = 0;
                    self.ends_in_hole = false;
                    return Ok(false);
                }
                // The look at the source after the copy finds out that it was changed.
                Stretch::NothingThere | Stretch::Shrunk => break,
                Stretch::NotPossible(errno) => return Err(fault(errno, "copy", &self.path)),
            }
            if hole > 0 {
                self.tell(moved, hole)?;
            }
        }
        Ok(true)
    }
}

/// How the copy of a stretch of data ended.
enum Stretch {
    /// All of it was copied.
    Whole,
    /// The source ended early, after some of it.
    Shrunk,
    /// The kernel copied nothing: the source was cut off, or it cannot copy from there.
    NothingThere,
    /// The kernel cannot copy between these two files.
    NotPossible(Errno),
}

fn is_not_possible(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::XDEV | Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS | Errno::PERM
    )
}

/// Returns start and end of the next stretch of data at or after `at`; both are `size` when only
/// a hole follows.
fn next_data(source: &File, at: u64, size: u64) -> Result<(u64, u64), Errno> {
    let data = match rustix::fs::seek(source, SeekFrom::Data(at)) {
        Ok(data) => data.min(size),
        Err(Errno::NXIO) => return Ok((size, size)),
        // A file system that does not know holes: all of it is data.
        Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok((at, size)),
        Err(errno) => return Err(errno),
    };
    let end = rustix::fs::seek(source, SeekFrom::Hole(data))?;
    Ok((data, end.min(size)))
}

impl Staged for LocalStaged {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match rustix::io::pwrite(&self.fd, rest, self.len) {
                Ok(0) => return Err(self.fault(Errno::IO)),
                Ok(n) => {
                    self.written(n as u64)?;
                    rest = &rest[n..];
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(self.fault(errno)),
            }
        }
        Ok(())
    }

    fn skip(&mut self, len: u64) -> Result<(), Fault> {
        self.leave_hole(len);
        Ok(())
    }

    fn copy_from(
        &mut self,
        content: &dyn Content,
        moved: &mut dyn FnMut(u64) -> bool,
    ) -> Result<bool, Fault> {
        let Some(source) = content.as_local() else {
            return Ok(false);
        };
        let stat = rustix::fs::fstat(source).map_err(|e| fault(e, "read", &self.path))?;
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        // Some file systems of the kernel say 0 and have content; reading finds out.
        if size == 0 || self.len != 0 {
            return Ok(false);
        }
        if self.clone_from(source, size) {
            return if moved(size) {
                Ok(true)
            } else {
                Err(Fault::cancelled(&self.path))
            };
        }
        let blocks = u64::try_from(stat.st_blocks).unwrap_or(u64::MAX);
        let is_sparse = blocks.saturating_mul(512) < size;
        let copied = self.copy_stretches(source, size, is_sparse, moved);
        if is_sparse {
            // Looking for holes moved the position that `read` goes on from.
            rustix::fs::seek(source, SeekFrom::Start(0))
                .map_err(|e| fault(e, "read", &self.path))?;
        }
        copied
    }

    fn finish(self: Box<Self>, mode: u16, mtime: FileTime) -> Result<Entry, Fault> {
        if self.ends_in_hole {
            rustix::fs::ftruncate(&self.fd, self.len).map_err(|e| self.fault(e))?;
        }
        if self.keeps_modes {
            let bits = Mode::from_raw_mode(u32::from(mode & 0o777));
            rustix::fs::fchmod(&self.fd, bits).map_err(|e| self.fault(e))?;
        }
        rustix::fs::futimens(&self.fd, &only_mtime(mtime)).map_err(|e| self.fault(e))?;
        unix::look_at(self.fd.as_fd(), Scope::Beneath(self.home))
            .map(|seen| seen.entry)
            .map_err(|e| self.fault(e))
    }
}

/// The times to set when only the modification time is known.
pub(super) fn only_mtime(mtime: FileTime) -> Timestamps {
    Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        last_modification: Timespec {
            tv_sec: mtime.secs,
            tv_nsec: mtime.nanos.into(),
        },
    }
}
