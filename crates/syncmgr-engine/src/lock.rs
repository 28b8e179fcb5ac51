//! Keeps every other run out of overlapping folders, whoever started it and wherever its state is
//! (I17).
//!
//! A run holds an exclusive lock (`flock`) on its root directory and shared ones on all directories
//! above it. Two runs side by side share the locks above; a run on `/a/sub` wants a shared lock on
//! `/a`, which a run on `/a` holds exclusively, and the other way round. The locks are on inodes,
//! so links and mounts do not matter, nothing is written, and the kernel releases them when the
//! process ends, however it ends.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::ancestry::{above, dir_id};

/// Why a folder cannot be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run works in this folder, above it or below it.
    #[error("another run is working on `{}`", path.display())]
    Busy {
        /// The directory both runs need.
        path: PathBuf,
        /// The process that has it, if it can be told.
        pid: Option<u32>,
    },
    /// The folder cannot be opened or locked.
    #[error("cannot lock `{}`", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// The right to work in a folder and below it. Dropping it, or the end of the process, gives it up.
#[derive(Debug)]
pub struct RootLock {
    /// Held for their locks only.
    _held: Vec<OwnedFd>,
}

impl RootLock {
    /// Locks a folder without waiting.
    ///
    /// Directories above it that may not be opened are left out, and so are file systems without
    /// such locks; there, two runs are not kept apart.
    ///
    /// # Errors
    /// [`LockError::Busy`] when another run, in this process or another, works in an overlapping
    /// folder; [`LockError::Io`] when the folder itself cannot be opened or locked.
    pub fn acquire(path: &Path) -> Result<Self, LockError> {
        let failed = |source: io::Error| LockError::Io {
            path: path.to_path_buf(),
            source,
        };
        let root = std::fs::canonicalize(path).map_err(failed)?;
        let fd = open(&root).map_err(|errno| failed(errno.into()))?;
        lock(&fd, &root, FlockOperation::NonBlockingLockExclusive)?;
        let mut held = vec![fd];
        let own = dir_id(&root);
        for dir in above(&root) {
            // A folder mounted into itself is above itself; asking again would be asking against
            // the lock just taken.
            if dir_id(&dir) == own {
                continue;
            }
            if let Ok(fd) = open(&dir) {
                lock(&fd, &dir, FlockOperation::NonBlockingLockShared)?;
                held.push(fd);
            }
        }
        Ok(Self { _held: held })
    }
}

fn open(dir: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(dir, flags, Mode::empty())
}

fn lock(fd: &OwnedFd, dir: &Path, operation: FlockOperation) -> Result<(), LockError> {
    match rustix::io::retry_on_intr(|| rustix::fs::flock(fd.as_fd(), operation)) {
        // The last ones: a file system that cannot lock directories.
        Ok(()) | Err(Errno::NOLCK | Errno::BADF | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        Err(Errno::WOULDBLOCK) => Err(LockError::Busy {
            path: dir.to_path_buf(),
            pid: holder(dir),
        }),
        Err(errno) => Err(LockError::Io {
            path: dir.to_path_buf(),
            source: errno.into(),
        }),
    }
}

/// Looks up who holds a lock on a directory. Some file systems number their devices differently
/// there; then nobody is found.
fn holder(dir: &Path) -> Option<u32> {
    let meta = std::fs::metadata(dir).ok()?;
    let (major, minor) = (rustix::fs::major(meta.dev()), rustix::fs::minor(meta.dev()));
    let file = format!("{major:02x}:{minor:02x}:{}", meta.ino());
    holder_in(&std::fs::read_to_string("/proc/locks").ok()?, &file)
}

/// Finds the process in lines as `1: FLOCK  ADVISORY  WRITE 4711 08:01:131 0 EOF`.
fn holder_in(locks: &str, file: &str) -> Option<u32> {
    let mut holders = locks.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_it = fields.get(1) == Some(&"FLOCK") && fields.get(5) == Some(&file);
        if is_it {
            fields.get(4)?.parse::<u32>().ok()
        } else {
            None
        }
    });
    // 0 is a process of another container.
    holders.find(|&pid| pid != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn busy(path: &Path) -> (PathBuf, Option<u32>) {
        match RootLock::acquire(path) {
            Err(LockError::Busy { path, pid }) => (path, pid),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn overlapping_folders_conflict_within_one_process() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        let (a, b, sub) = (root.join("a"), root.join("b"), root.join("a/x/sub"));
        std::fs::create_dir_all(&sub).unwrap();
        std::fs::create_dir(&b).unwrap();
        let lock = RootLock::acquire(&a).unwrap();
        assert_eq!(busy(&a), (a.clone(), Some(std::process::id())));
        assert_eq!(busy(&sub).0, a);
        assert_eq!(busy(&root).0, root);
        let beside = RootLock::acquire(&b).unwrap();
        drop(lock);
        let lock = RootLock::acquire(&sub).unwrap();
        assert_eq!(busy(&a).0, a);
        drop((lock, beside));
        drop(RootLock::acquire(&root).unwrap());
    }

    #[test]
    fn a_link_to_a_folder_is_the_folder() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(temp.path().join("a/sub")).unwrap();
        std::os::unix::fs::symlink("a/sub", temp.path().join("link")).unwrap();
        let _lock = RootLock::acquire(&temp.path().join("a")).unwrap();
        busy(&temp.path().join("link"));
    }

    /// Not a test by itself: what [`another_process_is_kept_out_until_it_is_killed`] starts.
    #[test]
    fn hold_a_lock_for_the_parent() {
        let Some(path) = std::env::var_os("SYNCMGR_TEST_LOCK") else {
            return;
        };
        let _lock = RootLock::acquire(Path::new(&path)).unwrap();
        println!("locked");
        // Until the parent closes the pipe or kills this process.
        std::io::read_to_string(std::io::stdin()).unwrap();
    }

    #[test]
    fn another_process_is_kept_out_until_it_is_killed() {
        use std::io::BufRead as _;
        let temp = tempfile::tempdir().unwrap();
        let sub = temp.path().canonicalize().unwrap().join("sub");
        std::fs::create_dir(&sub).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "lock::tests::hold_a_lock_for_the_parent",
                "--nocapture",
            ])
            .env("SYNCMGR_TEST_LOCK", &sub)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = std::io::BufReader::new(child.stdout.take().unwrap());
        assert!(out.lines().any(|line| line.unwrap().contains("locked")));
        assert_eq!(busy(&sub), (sub.clone(), Some(child.id())));
        busy(temp.path());
        child.kill().unwrap();
        child.wait().unwrap();
        drop(RootLock::acquire(temp.path()).unwrap());
    }

    #[test]
    fn the_holder_is_found_in_the_kernel_s_table() {
        let table = "1: POSIX  ADVISORY  WRITE 1 08:01:7 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 0 08:01:7 0 EOF\n\
                     3: FLOCK  ADVISORY  READ 42 08:01:7 0 EOF\n";
        assert_eq!(holder_in(table, "08:01:7"), Some(42));
        assert_eq!(holder_in(table, "08:01:8"), None);
    }
}
