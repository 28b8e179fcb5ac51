//! The log: one line for each thing worth knowing.
//!
//! Under a service manager the lines go to stderr, which it keeps and stamps. A daemon that was
//! started by hand writes a file, which is turned over at [`LEN_MAX`] and kept [`N_OLD`] times more,
//! so that it never fills a disk (S13).

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use syncmgr_center::port::Clock;

/// Name of the file, below the state directory.
pub(crate) const NAME: &str = "daemon.log";
/// Bytes after which a new file is begun.
const LEN_MAX: u64 = 1 << 20;
/// Old files that are kept: `daemon.log.1` is the newest of them.
const N_OLD: u32 = 2;

/// Takes lines from any thread. A clone writes to the same place.
#[derive(Clone)]
pub(crate) struct Log {
    place: Arc<Mutex<Place>>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}

enum Place {
    Stderr,
    File { path: PathBuf, file: File, len: u64 },
}

impl Log {
    /// Logs to stderr, without times: whoever reads there adds them.
    pub(crate) fn to_stderr(clock: Arc<dyn Clock>) -> Self {
        Self {
            place: Arc::new(Mutex::new(Place::Stderr)),
            clock,
        }
    }

    /// Logs to a file in `dir`.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub(crate) fn to_file(dir: &Path, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let path = dir.join(NAME);
        let file = open(&path)?;
        let len = file.metadata()?.len();
        Ok(Self {
            place: Arc::new(Mutex::new(Place::File { path, file, len })),
            clock,
        })
    }

    /// Writes one line. What comes from outside must have been made harmless before; line ends in
    /// it are taken out here. A log that cannot be written is no reason to stop syncing.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        let text = text.as_ref().replace(['\n', '\r'], " ");
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *place {
            Place::Stderr => drop(writeln!(io::stderr(), "{text}")),
            Place::File { path, file, len } => {
                let line = format!("{} {text}\n", self.clock.now().rfc3339());
                if *len > 0 && *len + line.len() as u64 > LEN_MAX && turn_over(path, file).is_ok() {
                    *len = 0;
                }
                if file.write_all(line.as_bytes()).is_ok() {
                    *len += line.len() as u64;
                }
            }
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

/// Returns the path of an old file; 0 is the one that is written.
pub(crate) fn old(path: &Path, n: u32) -> PathBuf {
    if n == 0 {
        return path.to_owned();
    }
    path.with_extension(format!("log.{n}"))
}

/// Begins a new file; the oldest goes.
fn turn_over(path: &Path, file: &mut File) -> io::Result<()> {
    for n in (0..N_OLD).rev() {
        // One that is missing has nothing to be moved.
        drop(std::fs::rename(old(path, n), old(path, n + 1)));
    }
    *file = open(path)?;
    Ok(())
}

/// Returns the last `n` lines of the log in `dir`, oldest first, over old files too.
///
/// # Errors
/// A file that is there cannot be read.
pub(crate) fn tail(dir: &Path, n: usize) -> io::Result<Vec<String>> {
    let mut lines: Vec<String> = Vec::new();
    for age in 0..=N_OLD {
        match std::fs::read(old(&dir.join(NAME), age)) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                let mut older: Vec<_> = text.lines().map(str::to_owned).collect();
                older.append(&mut lines);
                lines = older;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        if lines.len() >= n {
            break;
        }
    }
    Ok(lines.split_off(lines.len().saturating_sub(n)))
}

/// Calls `take` with every line that is written to the log in `dir` from now on, until the process
/// ends. Waits for the system to say that the file changed.
///
/// # Errors
/// The folder cannot be watched, or the file not read.
pub(crate) fn follow(dir: &Path, take: impl Fn(&str)) -> io::Result<()> {
    let (changed, changes) = std::sync::mpsc::channel();
    let folder = std::fs::canonicalize(dir)?;
    // Nobody reads any more: then the process ends.
    let report = move |_| changed.send(()).unwrap_or(());
    let settings = syncmgr_watch::Settings::default();
    let _watcher = syncmgr_watch::Watcher::start(vec![folder], &settings, Box::new(report))
        .map_err(io::Error::other)?;
    let path = dir.join(NAME);
    let mut place = Reader::end(&path)?;
    while changes.recv().is_ok() {
        place.read(&path, &take)?;
    }
    Ok(())
}

/// How far a log was read.
struct Reader {
    inode: u64,
    at: u64,
}

impl Reader {
    fn end(path: &Path) -> io::Result<Self> {
        match std::fs::metadata(path) {
            Ok(facts) => Ok(Self {
                inode: facts.ino(),
                at: facts.len(),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self { inode: 0, at: 0 }),
            Err(error) => Err(error),
        }
    }

    /// Takes the whole lines that came; a file that was turned over is read from its beginning.
    fn read(&mut self, path: &Path, take: &impl Fn(&str)) -> io::Result<()> {
        let Ok(mut file) = File::open(path) else {
            return Ok(());
        };
        let inode = file.metadata()?.ino();
        if inode != self.inode {
            *self = Self { inode, at: 0 };
        }
        file.seek(io::SeekFrom::Start(self.at))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let n_whole = bytes
            .iter()
            .rposition(|&b| b == b'\n')
            .map_or(0, |at| at + 1);
        self.at += n_whole as u64;
        for line in String::from_utf8_lossy(&bytes[..n_whole]).lines() {
            take(line);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::MachineClock;

    #[test]
    fn s13_the_log_never_grows_beyond_its_bounds() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::to_file(dir.path(), Arc::new(MachineClock::start())).unwrap();
        let long = "x".repeat(100_000);
        for n in 0..60 {
            log.line(format!("{n}\n{long}"));
        }
        let mut sizes: Vec<_> = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .collect();
        sizes.sort_unstable();
        assert_eq!(sizes.len(), 3);
        assert!(sizes.iter().all(|&len| len <= LEN_MAX), "{sizes:?}");
        let last = tail(dir.path(), 15).unwrap();
        assert_eq!(last.len(), 15);
        // A line is one line, whatever is in it.
        assert!(last[14].contains(" 59 x") && last[0].contains(" 45 x"));
    }
}
