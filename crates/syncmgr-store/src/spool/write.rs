//! The program that runs writes its file.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use syncmgr_model::id::SessionId;
use syncmgr_model::outside::{ReportedEnd, Subject};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::Trouble;

use super::line;

/// Most results in a file, as many as the center keeps of a session.
pub(super) const EVENTS_MAX: usize = syncmgr_center::state::EVENTS_MAX;

/// Longest file without its last line.
const LEN_MAX: usize = 1024 * 1024;

/// The file of a run that goes on.
#[derive(Debug)]
pub struct Writer {
    file: File,
    n_events: usize,
    len: usize,
}

impl Writer {
    pub(super) fn begin(
        dir: &Path,
        session: &SessionId,
        subject: &Subject,
        began: Timestamp,
    ) -> io::Result<Self> {
        let unborn = dir.join(format!(".{session}.new"));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&unborn)?;
        file.lock()?;
        let mut writer = Self {
            file,
            n_events: 0,
            len: 0,
        };
        let written = writer
            .line(&line::begin(session, subject, began))
            // Whoever sees it under this name sees it locked and with its first line.
            .and_then(|()| std::fs::rename(&unborn, dir.join(format!("{session}.jsonl"))));
        if written.is_err() {
            // A disk that is full takes no name away either way.
            drop(std::fs::remove_file(&unborn));
        }
        written.map(|()| writer)
    }

    /// Adds a result; beyond [`EVENTS_MAX`], or when the file is long, it is dropped.
    ///
    /// # Errors
    /// The disk is full or broken.
    pub fn event(&mut self, at: Timestamp, trouble: &Trouble) -> io::Result<()> {
        let text = line::event(at, trouble);
        if self.n_events >= EVENTS_MAX || self.len + text.len() > LEN_MAX {
            return Ok(());
        }
        self.n_events += 1;
        self.line(&text)
    }

    /// Notes that the run goes on: should its program be killed, that is when it was last alive.
    ///
    /// # Errors
    /// The disk is broken.
    pub fn alive(&self, now: Timestamp) -> io::Result<()> {
        let since = Duration::from_millis(u64::try_from(now.0).unwrap_or(0));
        self.file.set_modified(UNIX_EPOCH + since)
    }

    /// Writes the end, and lets the file go.
    ///
    /// # Errors
    /// The disk is full or broken.
    pub fn end(mut self, end: &ReportedEnd) -> io::Result<()> {
        self.line(&line::end(end))
    }

    /// Writes a line at once: a program that is killed leaves whole lines, but for the last.
    fn line(&mut self, text: &str) -> io::Result<()> {
        self.len += text.len();
        self.file.write_all(text.as_bytes())
    }
}

/// Says whether a file still has this name.
pub(super) fn is_named(file: &File, path: &Path) -> bool {
    let id = |meta: std::fs::Metadata| (meta.dev(), meta.ino());
    match (file.metadata(), std::fs::symlink_metadata(path)) {
        (Ok(open), Ok(named)) => id(open) == id(named),
        (Err(_), _) | (_, Err(_)) => false,
    }
}
