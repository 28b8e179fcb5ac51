//! Runs that were reported while nobody listened: one file for each, until a center takes it in.
//!
//! ```text
//!  .RUN.new ── locked, first line written ──► RUN.jsonl ──► lines ──► let go, or killed
//!                                                                          │
//!                       removed ◄── written down by a center ◄── read ◄────┘ lock free
//! ```
//! A file belongs to a running program as long as that holds the lock on it, which the system lets
//! go of whatever happens to the program. A file without a last line whose lock is free is of a
//! program that was killed. Whoever reads a file holds the lock until it is removed, so that two
//! readers never take the same; one that dies in between leaves the file to the next, who is told
//! by history that it was taken ([`syncmgr_center::outside`]).
//!
//! No line waits for the disk, as with the history: a crash of a program loses nothing, a power cut
//! may lose the last seconds.

mod line;
mod write;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use syncmgr_model::id::SessionId;
use syncmgr_model::outside::Reported;
use syncmgr_model::time::Timestamp;

pub use write::Writer;

/// Most files: more than a year of a daily command, and a thousand small files are read in no time.
/// What comes beyond is not kept, and its program is told.
pub const FILES_MAX: usize = 1000;

/// Longest file that is read; what is written is shorter.
const LEN_MAX: u64 = 2 * 1024 * 1024;

/// After so many milliseconds a file that never got its first line is left over.
const UNBORN_MS: i64 = 60 * 60 * 1000;

/// The folder of such files.
#[derive(Debug, Clone)]
pub struct Spool {
    dir: PathBuf,
}

/// What became of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// Taken in and removed.
    pub n_taken: usize,
    /// Still written by a program that runs.
    pub n_alive: usize,
    /// Left for later: they could not be taken in.
    pub n_left: usize,
}

impl Spool {
    /// Returns the spool of a state folder. Looks at nothing.
    #[must_use]
    pub fn new(state: &Path) -> Self {
        Self {
            dir: state.join("spool"),
        }
    }

    /// Begins a file for a run. It is locked until the writer is dropped.
    ///
    /// # Errors
    /// The disk is full or broken, or [`FILES_MAX`] files wait.
    pub fn begin(
        &self,
        session: &SessionId,
        subject: &syncmgr_model::outside::Subject,
        began: Timestamp,
    ) -> io::Result<Writer> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.dir)?;
        if std::fs::read_dir(&self.dir)?.count() >= FILES_MAX {
            let detail = format!("{FILES_MAX} runs wait there to be taken in");
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, detail));
        }
        Writer::begin(&self.dir, session, subject, began)
    }

    /// Says whether there is anything to look at; cheap.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        std::fs::read_dir(&self.dir).map_or(true, |mut files| files.next().is_none())
    }

    /// Hands every file that belongs to nobody any more to `take`, oldest run first, and removes
    /// those that it took.
    pub fn take_in(
        &self,
        now: Timestamp,
        mut take: impl FnMut(&Reported) -> Result<(), ()>,
    ) -> Taken {
        let mut taken = Taken::default();
        for path in self.files() {
            match claim(&path) {
                Ok(Claim::Mine(file)) => {
                    if self.take_one(&path, &file, now, &mut take) {
                        taken.n_taken += 1;
                    } else {
                        taken.n_left += 1;
                    }
                }
                Ok(Claim::Alive) => taken.n_alive += 1,
                // Somebody else took it just now.
                Ok(Claim::Gone) => {}
                Err(_) => taken.n_left += 1,
            }
        }
        taken
    }

    /// Returns the files in the order of their runs, whose ids sort by time.
    fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
        files.retain(|path| {
            let ending = path.extension().and_then(|it| it.to_str());
            matches!(ending, Some("jsonl" | "new"))
        });
        files.sort();
        files
    }

    fn take_one(
        &self,
        path: &Path,
        file: &File,
        now: Timestamp,
        take: &mut impl FnMut(&Reported) -> Result<(), ()>,
    ) -> bool {
        let changed = changed_at(file);
        if path.extension().is_some_and(|it| it == "new") {
            // Its program may be about to lock it.
            let is_old = changed.is_some_and(|at| now.0.saturating_sub(at.0) > UNBORN_MS);
            return is_old && std::fs::remove_file(path).is_ok();
        }
        let Ok(text) = read(file) else {
            return false;
        };
        let Some(session) = path
            .file_stem()
            .and_then(|it| it.to_str())
            .and_then(|it| SessionId::new(it).ok())
        else {
            return false;
        };
        match line::report(&session, &text, changed.unwrap_or(now)) {
            Ok(Some(report)) => take(&report).is_ok() && std::fs::remove_file(path).is_ok(),
            // Nothing was said in it.
            Ok(None) => std::fs::remove_file(path).is_ok(),
            // Of a later version, or damaged: it is kept for whoever can read it.
            Err(line::Strange) => false,
        }
    }
}

/// What can be had of a file.
enum Claim {
    /// Its lock.
    Mine(File),
    /// Nothing: it is locked.
    Alive,
    /// It is gone.
    Gone,
}

/// Takes the lock of a file.
fn claim(path: &Path) -> io::Result<Claim> {
    let flags = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0);
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Claim::Gone),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) if write::is_named(&file, path) => Ok(Claim::Mine(file)),
        Ok(()) => Ok(Claim::Gone),
        Err(TryLockError::WouldBlock) => Ok(Claim::Alive),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn read(file: &File) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    file.take(LEN_MAX).read_to_end(&mut text)?;
    Ok(text)
}

fn changed_at(file: &File) -> Option<Timestamp> {
    let meta = file.metadata().ok()?;
    Some(Timestamp(
        meta.mtime() * 1000 + meta.mtime_nsec() / 1_000_000,
    ))
}

#[cfg(test)]
mod tests;
