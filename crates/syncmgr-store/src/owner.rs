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
                // Somebody took the new file for one left behind, between making and locking it.
                Ok(()) if !is_named(&file, &path) => {}
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

fn is_named(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |meta: std::fs::Metadata| (meta.dev(), meta.ino());
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(named)) => id(open) == id(named),
        (Err(_), _) | (_, Err(_)) => false,
    }
}

/// The mark of a process that died before it could remove it.
#[derive(Debug)]
pub(crate) struct Dead {
    path: PathBuf,
    _lock: File,
}

impl Dead {
    /// Removes it, once what the death may have left is looked after.
    pub(crate) fn remove(self) {
        drop(std::fs::remove_file(&self.path));
    }
}

/// Returns the marks below `dir` of processes that died.
pub(crate) fn dead(dir: &Path) -> Vec<Dead> {
    marks(dir)
        .filter_map(|(path, file)| match file.try_lock() {
            Ok(()) => Some(Dead { path, _lock: file }),
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => None,
        })
        .collect()
}

/// Says whether any process below `dir` is alive that runs sessions.
pub(crate) fn is_any_alive(dir: &Path) -> bool {
    marks(dir).any(|(_, file)| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

fn marks(dir: &Path) -> impl Iterator<Item = (PathBuf, File)> {
    let is_mark = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with("owner-") && name.ends_with(".lock"))
    };
    std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(move |path| is_mark(path))
        .filter_map(|path| {
            let file = OpenOptions::new().write(true).open(&path).ok()?;
            Some((path, file))
        })
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
