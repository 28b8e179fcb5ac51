//! What a file system can do: guessed from its type where nothing may be written, found out by
//! experiment where it may.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::io::Errno;

use crate::entry::FileTime;
use crate::path::RelPath;
use crate::replica::{Capabilities, Fault, FaultKind, Listing, Observe, Replica};
use crate::root::ensure_own_dir;

use super::fault::fault;
use super::unix;
use super::{LOOKUP, LocalReplica};

/// Steps of modification times that file systems are known to have, finest first.
const STEPS_NS: [u32; 9] = [
    1,
    100,
    1_000,
    1_000_000,
    10_000_000,
    20_000_000,
    100_000_000,
    1_000_000_000,
    2_000_000_000,
];

/// Where nothing is known of a server's clock, two changes may share a time for this long.
const COARSE_CLOCK_NS: u32 = 2_000_000_000;

/// Longest name where the file system does not say.
const NAME_MAX: usize = 255;

/// Guesses from the type of the file system. Errs on the side of "cannot".
pub(super) fn guess(root: BorrowedFd<'_>, has_birth_time: bool) -> Capabilities {
    let mut guessed = Capabilities::posix();
    guessed.stable_ids = has_birth_time;
    guessed.name_max = name_max(root);
    let Ok(stat) = rustix::fs::fstatfs(root) else {
        return cautious(guessed);
    };
    // Magic numbers of statfs(2); they are 32 bits wide whatever the type of the field.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "32-bit magic"
    )]
    match stat.f_type as u32 {
        // ext2 to ext4, XFS, Btrfs, F2FS, bcachefs, tmpfs
        0xef53 | 0x5846_5342 | 0x9123_683e | 0xf2f5_2010 | 0xca45_1a4e | 0x0102_1994 => guessed,
        // overlayfs: inode numbers may change when a file is written for the first time
        0x794c_7630 => Capabilities {
            stable_ids: false,
            ..guessed
        },
        // ZFS has no rename flags in older versions
        0x2fc1_2fc1 => Capabilities {
            atomic_no_replace: false,
            exchange: false,
            ..guessed
        },
        // FAT and exFAT
        0x4d44 | 0x2011_bab0 => Capabilities {
            folds_case: true,
            symlinks: false,
            modes: false,
            mtime_step_ns: 2_000_000_000,
            ..cautious(guessed)
        },
        // everything of a network or in user space, and all that is not known
        _ => cautious(guessed),
    }
}

/// What holds of a store nobody vouches for.
fn cautious(from: Capabilities) -> Capabilities {
    Capabilities {
        clock_granule_ns: COARSE_CLOCK_NS,
        atomic_no_replace: false,
        exchange: false,
        stable_ids: false,
        ..from
    }
}

fn name_max(root: BorrowedFd<'_>) -> usize {
    let told = rustix::fs::fstatvfs(root).map_or(0, |stat| stat.f_namemax);
    match usize::try_from(told) {
        Ok(0) | Err(_) => NAME_MAX,
        Ok(bytes) => bytes,
    }
}

impl LocalReplica {
    /// Guesses what the store can do from the type of its file system. Writes nothing, so previews
    /// use it; it says "cannot" where it does not know.
    #[must_use]
    pub fn guess(&self) -> Capabilities {
        let has_birth_time =
            unix::look_at(self.root(), unix::Scope::Root).is_ok_and(|seen| seen.has_birth_time);
        guess(self.root(), has_birth_time)
    }

    /// Finds out by experiment what the store can do, in a folder of its own inside `.syncmgr`,
    /// which it removes again together with what an interrupted experiment left. Ids and the
    /// granule of the clock cannot be tried out; they come from [`Self::guess`].
    ///
    /// Call it while holding the [`RootLock`](crate::lock::RootLock), once per root, and remember
    /// the result ([`Capabilities::to_text`]).
    ///
    /// # Errors
    /// Any [`Fault`] of a step that every store must be able to do.
    pub fn probe(&self) -> Result<Capabilities, Fault> {
        // Several experiments may run in one process, in tests at least.
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let own = ensure_own_dir(self)?;
        self.tidy_probes(&own)?;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{count}", std::process::id());
        let dir = own.join(name.as_bytes());
        self.make_dir(&dir, 0o700)?;
        let found = self.experiment(&dir);
        self.remove_probe(&dir)?;
        found
    }

    fn experiment(&self, dir: &RelPath) -> Result<Capabilities, Fault> {
        let guessed = self.guess();
        let (atomic_no_replace, exchange) = self.try_renames(dir)?;
        Ok(Capabilities {
            folds_case: self.is_found_as(dir, b"Probe", b"pROBE")?,
            folds_unicode: self.is_found_as(dir, "\u{e9}".as_bytes(), "e\u{301}".as_bytes())?,
            symlinks: self
                .make_link(&dir.join(b"link"), b"nowhere", FileTime::new(1, 0))
                .is_ok(),
            modes: self.keeps_modes(dir)?,
            mtime_step_ns: self.mtime_step(dir)?,
            atomic_no_replace,
            exchange,
            ..guessed
        })
    }

    fn make_file(&self, path: &RelPath) -> Result<(), Fault> {
        self.create(path).map(drop)
    }

    /// Makes a file of one name and looks for it by another, both ways: some stores keep a name in
    /// another form than it was given.
    fn is_found_as(&self, dir: &RelPath, made: &[u8], sought: &[u8]) -> Result<bool, Fault> {
        match self.make_file(&dir.join(made)) {
            // A name it cannot keep at all it does not fold.
            Err(fault) if fault.kind == FaultKind::BadName => return Ok(false),
            other => other?,
        }
        let found = self.stat(&dir.join(sought))?.is_some();
        let mut names = Listing::default();
        self.open_dir(dir)?.list(&mut names, &mut Vec::new())?;
        Ok(found || !names.iter().any(|(name, _)| name == made))
    }

    fn keeps_modes(&self, dir: &RelPath) -> Result<bool, Fault> {
        let path = dir.join(b"mode");
        self.make_file(&path)?;
        for mode in [0o640, 0o755] {
            let was_set = self.set_meta(&path, Some(mode), None).is_ok();
            if !was_set || self.stat(&path)?.is_none_or(|entry| entry.mode != mode) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Sets a time that no coarse step divides and sees what is left of it.
    fn mtime_step(&self, dir: &RelPath) -> Result<u32, Fault> {
        let path = dir.join(b"time");
        self.make_file(&path)?;
        let wanted = FileTime::new(1_000_000_001, 987_654_321);
        if self.set_meta(&path, None, Some(wanted)).is_err() {
            return Ok(COARSE_CLOCK_NS);
        }
        let kept = self.stat(&path)?.map_or(wanted, |entry| entry.mtime);
        let is_step = |step: &&u32| {
            let step = i128::from(**step);
            kept.as_nanos() % step == 0 && wanted.distance_ns(kept) < step.unsigned_abs()
        };
        Ok(STEPS_NS
            .iter()
            .find(is_step)
            .copied()
            .unwrap_or(COARSE_CLOCK_NS))
    }

    /// Tries the two renames with flags directly, because `move_new` has other ways to go on.
    fn try_renames(&self, dir: &RelPath) -> Result<(bool, bool), Fault> {
        for name in [b"a", b"b"] {
            self.make_file(&dir.join(name))?;
        }
        let fd = unix::open_beneath(
            self.root(),
            dir.as_bytes(),
            LOOKUP,
            rustix::fs::ResolveFlags::empty(),
        )
        .map_err(|errno| fault(errno, "open", dir))?;
        let at = |name: &'static [u8]| (fd.as_fd(), name);
        let refuses = unix::rename_new(at(b"a"), at(b"b")) == Err(Errno::EXIST);
        let exchanges = unix::rename_exchange(at(b"a"), at(b"b")).is_ok();
        let moves = unix::rename_new(at(b"a"), at(b"c")).is_ok();
        Ok((refuses && moves, exchanges))
    }

    /// Removes what an interrupted experiment left.
    fn tidy_probes(&self, own: &RelPath) -> Result<(), Fault> {
        let mut names = Listing::default();
        self.open_dir(own)?.list(&mut names, &mut Vec::new())?;
        let left = names
            .iter()
            .filter(|(name, _)| name.starts_with(PREFIX.as_bytes()));
        for (name, _) in left {
            self.remove_probe(&own.join(name))?;
        }
        Ok(())
    }

    fn remove_probe(&self, dir: &RelPath) -> Result<(), Fault> {
        let mut names = Listing::default();
        self.open_dir(dir)?.list(&mut names, &mut Vec::new())?;
        for (name, _) in names.iter() {
            self.remove_file(&dir.join(name))?;
        }
        self.remove_dir(dir)
    }
}

/// How the folder of an experiment begins.
const PREFIX: &str = "probe-";
