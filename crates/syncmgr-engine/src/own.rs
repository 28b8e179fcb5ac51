//! The places syncmgr owns inside a synced folder: `.syncmgr/` with the mark of the root, staged
//! files and versions. The same inside every file system mounted beneath the root, because a file
//! can only be moved, not copied, without a moment in which it is nowhere.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::journal::RunId;
use crate::path::{OWN_PREFIX, RelPath};
use crate::replica::{Fault, FaultKind, Replica};

/// Permission bits of syncmgr's own directories: what is kept there may be private (S8).
pub(crate) const PRIVATE: u16 = 0o700;

const STAGE: &[u8] = b"stage";
const NURSERIES: &[u8] = b"dirs";
const VERSIONS: &[u8] = b"versions";

/// Returns syncmgr's own directory below `home`, the root or a mount point.
pub(crate) fn own_dir(home: &RelPath) -> RelPath {
    home.join(OWN_PREFIX)
}

/// Returns the directory of staged files.
pub(crate) fn stage_dir(home: &RelPath) -> RelPath {
    own_dir(home).join(STAGE)
}

/// Returns the directory of kept versions.
pub(crate) fn versions_dir(home: &RelPath) -> RelPath {
    own_dir(home).join(VERSIONS)
}

/// The own places of one side during one run; makes directories when they are first needed.
pub(crate) struct OwnPlaces<'a> {
    replica: &'a dyn Replica,
    run: &'a RunId,
    /// Mount points beneath the root, sorted.
    mounts: &'a [RelPath],
    made: Mutex<BTreeSet<RelPath>>,
}

impl<'a> OwnPlaces<'a> {
    pub(crate) fn new(replica: &'a dyn Replica, run: &'a RunId, mounts: &'a [RelPath]) -> Self {
        Self {
            replica,
            run,
            mounts,
            made: Mutex::default(),
        }
    }

    /// Returns the root of the file system that holds `path`.
    fn home(&self, path: &RelPath) -> RelPath {
        let holds = |mount: &&RelPath| path.is_within(mount) && path != *mount;
        self.mounts
            .iter()
            .rev()
            .find(holds)
            .cloned()
            .unwrap_or_default()
    }

    /// Returns the place for a file staged by `worker` that will be installed at `path`.
    pub(crate) fn stage(&self, path: &RelPath, worker: usize, n: u64) -> Result<RelPath, Fault> {
        let home = self.home(path);
        let dir = stage_dir(&home).join(format!("{worker}").as_bytes());
        self.ensure(&home, &dir)?;
        Ok(dir.join(format!("{n}").as_bytes()))
    }

    /// Returns the place where the new directory `path`, number `n` of the run, is filled.
    pub(crate) fn nursery(&self, path: &RelPath, n: usize) -> Result<RelPath, Fault> {
        let home = self.home(path);
        let dir = stage_dir(&home).join(NURSERIES);
        self.ensure(&home, &dir)?;
        Ok(dir.join(format!("{n}").as_bytes()))
    }

    /// Returns the place where this run keeps what `path` was, without making anything.
    pub(crate) fn version_place(&self, path: &RelPath) -> RelPath {
        let home = self.home(path);
        let inside = path.strip(&home).unwrap_or_else(|| path.clone());
        versions_dir(&home)
            .join(self.run.as_str().as_bytes())
            .join_path(&inside)
    }

    /// Returns the same place with the directories above it made.
    pub(crate) fn version(&self, path: &RelPath) -> Result<RelPath, Fault> {
        let home = self.home(path);
        let at = self.version_place(path);
        if let Some(dir) = at.parent() {
            self.ensure(&home, &dir)?;
        }
        Ok(at)
    }

    /// Makes `dir` and what is missing above it.
    fn ensure(&self, home: &RelPath, dir: &RelPath) -> Result<(), Fault> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.contains(dir) {
            return Ok(());
        }
        let mut missing: Vec<RelPath> = vec![dir.clone()];
        missing.extend(dir.ancestors().take_while(|above| above != home));
        for dir in missing.into_iter().rev() {
            if made.contains(&dir) {
                continue;
            }
            match self.replica.make_dir(&dir, PRIVATE) {
                Ok(()) => {}
                Err(fault) if fault.kind == FaultKind::Exists => self.must_be_dir(&dir)?,
                Err(fault) => return Err(fault),
            }
            made.insert(dir);
        }
        Ok(())
    }

    /// Someone could have put a link in the place of our directory: refuse to go through it.
    fn must_be_dir(&self, dir: &RelPath) -> Result<(), Fault> {
        match self.replica.stat(dir)? {
            Some(entry) if entry.kind == crate::entry::Kind::Dir => Ok(()),
            _ => Err(Fault::new(
                FaultKind::WrongKind,
                "use",
                dir,
                "something else has this name",
            )),
        }
    }
}

/// Removes everything beneath a directory of syncmgr's own, and the directory. What cannot be
/// removed stays; it is tried again at the next run.
///
/// # Errors
/// The first [`Fault`] met, after trying everything else; a missing directory is no fault.
pub(crate) fn remove_tree(replica: &dyn Replica, dir: &RelPath) -> Result<(), Fault> {
    let mut result = Ok(());
    // Directories are listed before what is in them, so removing from the end works upwards.
    let mut dirs = vec![dir.clone()];
    let mut at = 0;
    while at < dirs.len() {
        let here = dirs[at].clone();
        at += 1;
        let mut listing = crate::replica::Listing::default();
        let listed = replica
            .open_dir(&here)
            .and_then(|opened| opened.list(&mut listing, &mut Vec::new()));
        match listed {
            Ok(()) => {}
            Err(fault) if fault.kind == FaultKind::NotFound => continue,
            Err(fault) => {
                result = Err(fault);
                continue;
            }
        }
        for (name, entry) in listing.iter() {
            let path = here.join(name);
            if entry.kind == crate::entry::Kind::Dir {
                dirs.push(path);
            } else if let Err(fault) = replica.remove_file(&path) {
                result = Err(fault);
            }
        }
    }
    for dir in dirs.iter().rev() {
        match replica.remove_dir(dir) {
            Ok(()) => {}
            Err(fault) if fault.kind == FaultKind::NotFound => {}
            Err(fault) => result = Err(fault),
        }
    }
    result
}
