//! Keeps two runs of one item apart, whoever started them.
//!
//! The lock is one of the system (`flock`) on a file in the state of the item. The child gets the
//! locked file as its standard input, which is empty: when this process is killed, the lock stays
//! as long as the tool it started still works, and the next run is told so.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::FlockOperation;
use rustix::io::Errno;
use syncmgr_model::trouble::{Code, Trouble};

/// Longest number of a process.
const PID_LEN_MAX: u64 = 20;

/// Holds the lock until it is dropped.
#[derive(Debug)]
pub struct ItemLock {
    file: File,
    previous: Option<u32>,
}

impl Drop for ItemLock {
    /// Closing it is not enough: a process that another run is starting at this moment has a copy
    /// of the open file until it becomes another program. The child of this run has ended by now.
    fn drop(&mut self) {
        match rustix::fs::flock(&self.file, FlockOperation::Unlock) {
            // A file system that cannot lock had nothing to unlock.
            Ok(()) | Err(_) => {}
        }
    }
}

impl ItemLock {
    /// Takes the lock in a folder of state, without waiting. `what` is what people call the item.
    ///
    /// # Errors
    /// `busy` when another run has it; `state-unusable` when it cannot be made.
    pub fn take(dir: &Path, what: &str) -> Result<Self, Trouble> {
        let unusable = |e: std::io::Error| Trouble::new(Code::StateUnusable).with("detail", e);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(dir.join("lock"))
            .map_err(unusable)?;
        let mut pid = String::new();
        drop((&file).take(PID_LEN_MAX).read_to_string(&mut pid));
        let pid = pid.trim().parse::<u32>().ok();
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            // The last ones: a file system that cannot lock; there, two runs are not kept apart.
            Ok(()) | Err(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS) => {}
            Err(Errno::WOULDBLOCK) => {
                let busy = Trouble::new(Code::Busy).with("folder", what);
                return Err(match pid {
                    Some(pid) => busy.with("pid", pid),
                    None => busy,
                });
            }
            Err(errno) => return Err(unusable(errno.into())),
        }
        file.set_len(0).map_err(unusable)?;
        file.rewind().map_err(unusable)?;
        Ok(Self {
            file,
            previous: pid,
        })
    }

    /// Returns the last process that worked under this lock before; as the lock could be taken, it
    /// has ended.
    #[must_use]
    pub fn previous(&self) -> Option<u32> {
        self.previous
    }

    /// Returns the locked file for the standard input of a process. Reading from it ends at once.
    ///
    /// # Errors
    /// As the system says.
    pub fn for_child(&self) -> std::io::Result<File> {
        self.file.try_clone()
    }

    /// Writes down which process works, for whoever finds the lock taken.
    pub fn note(&self, pid: u32) {
        // It only makes a message better.
        let mut file = &self.file;
        // The child reads from the same place, so there must be nothing after it at any moment.
        let written = self
            .file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(pid.to_string().as_bytes()));
        drop(written);
    }
}
