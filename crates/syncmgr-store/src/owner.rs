//! Whose sessions are still alive. A process that runs sessions holds a lock on a file of its own;
//! the system releases it when the process ends in whatever way, so nothing has to be repaired.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// The mark of this process.
#[derive(Debug)]
pub(crate) struct Owner {
    name: String,
    path: PathBuf,
    _lock: File,
}

impl Owner {
    /// Makes and locks the file of this process below `dir`.
    pub(crate) fn take(dir: &Path) -> io::Result<Self> {
        let pid = std::process::id();
        for n in 0u32.. {
            let name = format!("owner-{pid}-{n}.lock");
            let path = dir.join(&name);
            let file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(&path)?;
            match file.try_lock() {
                Ok(()) => {
                    return Ok(Self {
                        name,
                        path,
                        _lock: file,
                    });
                }
                // Another store of this very process, as in a test.
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Err(io::Error::other("no free number for a lock file"))
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // Still locked while it is removed, so nobody can take it for abandoned in between; a file
        // that stays behind is only an unlocked, empty file.
        drop(std::fs::remove_file(&self.path));
    }
}

/// Says whether the process that made this mark is alive.
pub(crate) fn is_alive(dir: &Path, name: &str) -> bool {
    let Ok(file) = OpenOptions::new().write(true).open(dir.join(name)) else {
        return false;
    };
    match file.try_lock() {
        Ok(()) => {
            drop(std::fs::remove_file(dir.join(name)));
            false
        }
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => true,
    }
}
