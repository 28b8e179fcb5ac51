//! What a handler writes to its standard error: the last part of it, in files of a bounded size.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::in_process::lock;

/// Most bytes that are kept of one handler: long enough for a trace of what went wrong.
pub const LOG_MAX: u64 = 1 << 20;

/// Two files take turns, so that half of it is there right after the turn.
const FILE_MAX: u64 = LOG_MAX / 2;

/// The log of a handler.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    open: Mutex<Option<(File, u64)>>,
    /// What was written last did not end its line.
    is_in_line: AtomicBool,
    /// It was removed for good: what is still said by one that ends makes no new file.
    is_removed: AtomicBool,
}

impl Log {
    /// Keeps it in this file and one beside it; nothing is made yet.
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            open: Mutex::default(),
            is_in_line: AtomicBool::new(false),
            is_removed: AtomicBool::new(false),
        }
    }

    /// Adds bytes. What cannot be kept is lost: a full disk must not hold a handler up.
    pub(super) fn write(&self, bytes: &[u8]) {
        let mut open = lock(&self.open);
        if self.is_removed.load(Ordering::SeqCst) {
            return;
        }
        if let Some(last) = bytes.last() {
            self.is_in_line.store(*last != b'\n', Ordering::SeqCst);
        }
        for part in bytes.chunks(usize::try_from(FILE_MAX).unwrap_or(usize::MAX)) {
            if self.add(&mut open, part).is_err() {
                *open = None;
            }
        }
    }

    /// Adds a line of our own, also where the handler did not end its last one.
    pub(super) fn note(&self, text: &str) {
        let end = if self.is_in_line.load(Ordering::SeqCst) {
            "\n"
        } else {
            ""
        };
        self.write(format!("{end}syncmgr: {text}\n").as_bytes());
    }

    fn add(&self, open: &mut Option<(File, u64)>, part: &[u8]) -> io::Result<()> {
        let len = part.len() as u64;
        if open.as_ref().is_some_and(|(_, size)| size + len > FILE_MAX) {
            *open = None;
            fs::rename(&self.path, older(&self.path))?;
        }
        if open.is_none() {
            let file = File::options()
                .create(true)
                .append(true)
                .mode(0o600)
                .open(&self.path)?;
            let size = file.metadata()?.len();
            *open = Some((file, size));
            if size + len > FILE_MAX {
                return self.add(open, part);
            }
        }
        if let Some((file, size)) = open {
            file.write_all(part)?;
            *size += len;
        }
        Ok(())
    }

    /// Returns the last bytes, at most so many.
    ///
    /// # Errors
    /// It cannot be read. One that was never written is empty.
    pub(super) fn tail(&self, most: u64) -> io::Result<Vec<u8>> {
        tail(&self.path, most)
    }

    /// Returns the last line that says something, shown harmlessly.
    pub(super) fn last_line(&self) -> Option<String> {
        /// Enough for a line that a person reads.
        const LINE_MAX: u64 = 2048;
        let bytes = self.tail(LINE_MAX).ok()?;
        let mut lines = bytes.split(|byte| *byte == b'\n').rev();
        // Lines of our own are not words of the handler.
        let line = lines.find(|line| {
            line.iter().any(|byte| !byte.is_ascii_whitespace()) && !line.starts_with(b"syncmgr: ")
        })?;
        let line = &line[..line.len().min(200)];
        Some(syncmgr_model::escape::escape(line.trim_ascii()))
    }

    /// Removes it for good.
    ///
    /// # Errors
    /// It cannot be removed.
    pub(super) fn remove(&self) -> io::Result<()> {
        let mut open = lock(&self.open);
        self.is_removed.store(true, Ordering::SeqCst);
        *open = None;
        for path in [self.path.clone(), older(&self.path)] {
            match fs::remove_file(path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn older(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    name.into()
}

/// Returns the last bytes of a log.
///
/// # Errors
/// It cannot be read. One that was never written is empty.
pub(super) fn tail(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let newer = end_of(path, most)?;
    let mut all = end_of(&older(path), most - newer.len() as u64)?;
    all.extend(newer);
    Ok(all)
}

fn end_of(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(most)))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_part_stays_and_the_files_have_an_end() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::new(dir.path().join("a.log"));
        assert_eq!(log.tail(10).unwrap(), b"");
        for n in 0..40_000 {
            log.write(format!("line {n:06} of what it says to nobody\n").as_bytes());
        }
        log.write(&vec![b'x'; 3 << 20]);
        log.write(b"\nthe end\x1b[2J\n");
        log.note("ended");
        let on_disk: u64 = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum();
        assert!(on_disk <= LOG_MAX, "{on_disk}");
        assert!(log.tail(LOG_MAX).unwrap().len() as u64 > FILE_MAX);
        let last = log.last_line().unwrap();
        assert_eq!(last, "the end\\u{1b}[2J");
        log.remove().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
