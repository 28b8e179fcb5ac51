//! Keeps runs of different processes off each other's folders: the center serialises what it runs
//! itself, and does not know what a command without a daemon runs beside it.
//!
//! A run that changes something has a file in a folder that all processes of a person share. The
//! file names the folders it works on, and is locked (`flock`) as long as the run lasts; the system
//! lets the lock go with the process, so after a crash nothing has to be repaired. Who wants to begin
//! looks at all of these files under one more lock, and is refused where a living one overlaps.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use rustix::io::Errno;
use syncmgr_model::escape::{escape, unescape};
use syncmgr_model::id::SessionId;
use syncmgr_model::trouble::{Code, Trouble};

/// The file under whose lock the others are looked at.
const DOOR: &str = "lock";
/// How the name of a file of a run ends.
const ENDING: &str = "claim";
/// Most bytes of a file that are read: the paths of some thousand items.
const LEN_MAX: u64 = 1024 * 1024;

/// Where runs say what they work on.
#[derive(Debug, Clone)]
pub(crate) struct Claims {
    dir: PathBuf,
}

/// The folders of a run, until it is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    path: PathBuf,
    /// Holds the lock.
    _file: File,
}

impl Drop for Claim {
    fn drop(&mut self) {
        // One that stays counts for nothing: nobody holds its lock.
        drop(fs::remove_file(&self.path));
    }
}

impl Claims {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Claims folders for a run, without waiting. `None` where the file system cannot lock: there,
    /// processes are not kept apart.
    ///
    /// # Errors
    /// `busy` when a run works on one of them, or on one within or around it; `state-unusable`.
    pub(crate) fn take(
        &self,
        run: &SessionId,
        folders: &[PathBuf],
    ) -> Result<Option<Claim>, Trouble> {
        let unusable = |e: io::Error| Trouble::new(Code::StateUnusable).with("detail", e);
        let mine: Vec<_> = folders.iter().map(|folder| real(folder)).collect();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.dir)
            .map_err(unusable)?;
        let door = open(&self.dir.join(DOOR)).map_err(unusable)?;
        if !lock(&door, FlockOperation::LockExclusive).map_err(unusable)? {
            return Ok(None);
        }
        for entry in fs::read_dir(&self.dir).map_err(unusable)? {
            let path = entry.map_err(unusable)?.path();
            if path.extension().is_some_and(|it| it == ENDING) {
                look(&path, &mine)?;
            }
        }
        let path = self.dir.join(format!("{run}.{ENDING}"));
        let mut file = open(&path).map_err(unusable)?;
        lock(&file, FlockOperation::NonBlockingLockExclusive).map_err(unusable)?;
        let mut text = format!("{}\n", std::process::id());
        for folder in &mine {
            text.extend([&*escape(folder.as_os_str().as_bytes()), "\n"]);
        }
        file.write_all(text.as_bytes()).map_err(unusable)?;
        Ok(Some(Claim { path, _file: file }))
    }
}

/// Refuses when the run of a file lives and works on one of these folders. One that is gone has its
/// file removed.
fn look(path: &Path, mine: &[PathBuf]) -> Result<(), Trouble> {
    let Ok(file) = File::open(path) else {
        // It ended just now.
        return Ok(());
    };
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared) {
        Err(Errno::WOULDBLOCK) => {}
        Ok(()) => {
            drop(fs::remove_file(path));
            return Ok(());
        }
        // What cannot be told is taken for a living one.
        Err(_) => {}
    }
    let mut text = String::new();
    let read = file.take(LEN_MAX).read_to_string(&mut text);
    let mut lines = text.lines();
    let pid = lines.next().unwrap_or_default().to_owned();
    let theirs = lines.map(|line| PathBuf::from(std::ffi::OsString::from_vec(unescape(line))));
    let overlapping = match read {
        Ok(_) => theirs
            .filter(|their| overlaps(their, mine))
            .map(|their| escape(their.as_os_str().as_bytes()))
            .next(),
        Err(_) => Some(escape(path.as_os_str().as_bytes())),
    };
    match overlapping {
        None => Ok(()),
        Some(folder) => {
            let busy = Trouble::new(Code::Busy).with("folder", folder);
            Err(match pid.parse::<u32>() {
                Ok(pid) => busy.with("pid", pid),
                Err(_) => busy,
            })
        }
    }
}

/// Says whether a folder is one of these, or lies within or around one.
fn overlaps(their: &Path, mine: &[PathBuf]) -> bool {
    mine.iter()
        .any(|mine| mine.starts_with(their) || their.starts_with(mine))
}

/// A link to a folder is that folder. One that is away is taken as it is written.
fn real(folder: &Path) -> PathBuf {
    fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

/// Locks a file; false where the file system cannot.
fn lock(file: &File, how: FlockOperation) -> io::Result<bool> {
    loop {
        return match rustix::fs::flock(file, how) {
            Ok(()) => Ok(true),
            Err(Errno::INTR) => continue,
            Err(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(false),
            Err(errno) => Err(errno.into()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u32) -> SessionId {
        SessionId::new(format!("run-{n}")).unwrap()
    }

    #[test]
    fn folders_within_each_other_are_claimed_once() {
        let dir = tempfile::tempdir().unwrap();
        let claims = Claims::new(dir.path().join("claims"));
        let (photos, link) = (dir.path().join("photos"), dir.path().join("link"));
        fs::create_dir_all(photos.join("2019")).unwrap();
        std::os::unix::fs::symlink(&photos, &link).unwrap();
        let take = |n, path: &Path| claims.take(&id(n), &[path.to_owned()]);
        let first = take(1, &photos).unwrap();
        assert!(first.is_some());
        for path in [
            photos.clone(),
            photos.join("2019"),
            dir.path().to_owned(),
            link,
        ] {
            let refused = take(2, &path).unwrap_err();
            assert_eq!(refused.code, Code::Busy, "{path:?}");
            assert_eq!(refused.param("pid"), std::process::id().to_string());
        }
        let beside = take(3, &dir.path().join("photos2")).unwrap();
        drop(first);
        assert!(take(4, &photos).unwrap().is_some());
        drop(beside);
        // Nothing stays but the lock.
        let names = fs::read_dir(dir.path().join("claims")).unwrap();
        assert_eq!(names.count(), 1);
    }

    #[test]
    fn a_file_that_nobody_holds_counts_for_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let claims = Claims::new(dir.path().to_owned());
        let stale = dir.path().join("gone.claim");
        fs::write(&stale, "1\n/photos\n").unwrap();
        assert!(claims.take(&id(1), &["/photos".into()]).unwrap().is_some());
        assert!(!stale.exists());
    }
}
